package system

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"wildfire-watch/protocol"
)

// reportWidth is the longest line of a report.
const reportWidth = 100

// Line says one mistake in one line: where, what stands there, what may.
func Line(m protocol.Mistake) string {
	var b strings.Builder
	switch {
	case m.File == fromCommandLine:
		b.WriteString(fromCommandLine + " ")
	case m.File != "":
		fmt.Fprintf(&b, "%s:%d: ", m.File, m.Line)
	case m.Line > 0:
		b.WriteString("default ")
	}
	b.WriteString(m.Key)
	switch {
	case m.Key == "":
		b.WriteString(m.Value)
	case m.Value != "":
		b.WriteString(" = " + m.Value)
	}
	said := m.Problem
	switch {
	case said != "":
	case m.Warning:
		said = "should be " + tidy(m.Allowed)
	default:
		said = "must be " + tidy(m.Allowed)
	}
	if m.Value != "" && said != "" {
		b.WriteString(": ")
	} else if m.Key != "" {
		b.WriteString(" ")
	}
	return b.String() + said
}

// Report is what is said of a configuration file: every mistake, every warning, and a summary. An
// empty file name stands for the built-in defaults.
func Report(file string, all []protocol.Mistake) string {
	var b strings.Builder
	errors, warnings := 0, 0
	for _, m := range all {
		switch {
		case m.Warning && warnings == 0:
			b.WriteString(head(b.Len() > 0, "This is used, but makes little sense:"))
		case !m.Warning && errors == 0:
			b.WriteString(head(false, "This cannot be used:"))
		}
		if m.Warning {
			warnings++
		} else {
			errors++
		}
		b.WriteString(wrap("  ", Line(m)))
	}
	if file == "" {
		file = "the configuration"
	}
	b.WriteString(head(b.Len() > 0, wrap("", file+": "+summary(errors, warnings))))
	return b.String()
}

// Meaning is what the settings mean for whoever lives with them, a line each.
func (c Config) Meaning() string {
	var b strings.Builder
	b.WriteString("What these settings mean:\n")
	for _, f := range c.facts() {
		b.WriteString(wrap("  ", f))
	}
	return b.String()
}

func head(apart bool, text string) string {
	if apart {
		text = "\n" + text
	}
	return strings.TrimSuffix(text, "\n") + "\n"
}

func summary(errors, warnings int) string {
	switch {
	case errors == 0 && warnings == 0:
		return "no mistakes, ready to use."
	case errors == 0:
		return "no mistakes, " + count(warnings, "warning") + "; it is used as it is."
	case warnings == 0:
		return count(errors, "mistake") + "; nothing starts with it."
	}
	return count(errors, "mistake") + " and " + count(warnings, "warning") +
		"; nothing starts with it."
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// wrap breaks a text at spaces so that it fits a terminal; further lines are set in.
func wrap(indent, s string) string {
	var b strings.Builder
	line := indent
	for i, word := range strings.Fields(s) {
		switch {
		case i == 0:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > reportWidth:
			b.WriteString(line + "\n")
			line = indent + "    " + word
		default:
			line += " " + word
		}
	}
	return b.String() + line + "\n"
}
