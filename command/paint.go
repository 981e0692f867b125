package command

import (
	"io"
	"os"
	"regexp"
)

// paint colours words that say it all without a colour. The zero value colours nothing.
type paint struct{ on bool }

// paintFor colours on a terminal alone, unless the person wants none (https://no-color.org).
func paintFor(out io.Writer) paint {
	return paint{isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

const (
	red, yellow, green, plainAgain = "\x1b[1;31m", "\x1b[33m", "\x1b[1;32m", "\x1b[0m"
)

var painted = []struct {
	words  *regexp.Regexp
	colour string
}{
	{regexp.MustCompile(`(?m)^(NOT READY|NOT KNOWN|OLD:)|\b(ALARM|FAILED|FIRE GROWS|STOP IS HELD|SAFE MODE|ERROR|NO LONGER)\b`), red},
	{regexp.MustCompile(`\b(SUPERVISORY|TROUBLE|OFFLINE|NOT WELL|NOT CONNECTED|DOES NOT RUN|NOT SYNCHRONISED|SIMULATED)\b`), yellow},
	{regexp.MustCompile(`(?m)^READY\b`), green},
}

// text is a text in colours; its lines keep their widths.
func (p paint) text(s string) string {
	if !p.on {
		return s
	}
	for _, w := range painted {
		s = w.words.ReplaceAllString(s, w.colour+"$0"+plainAgain)
	}
	return s
}
