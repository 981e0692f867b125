package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

type replayCommand struct {
	settings
	File string `arg:"" help:"Recording of mosquitto_sub -F '%j', plain or .gz; - is standard input."`
	JSON bool   `name:"json" help:"One JSON object a line, for machines."`
}

// Run prints a line per verdict change and trigger, and a summary.
func (r replayCommand) Run(t *terminal) error {
	c, err := t.load(r.settings)
	if err != nil {
		return err
	}
	in, err := openRecording(r.File)
	if err != nil {
		return err
	}
	defer in.Close()
	print := tellInWords(t.out)
	if r.JSON {
		encoder := json.NewEncoder(t.out)
		print = func(f finding) { _ = encoder.Encode(f) }
	}
	rehearsal := newRehearsal(c.Config, print)
	for {
		m, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		rehearsal.take(m)
	}
	sum := rehearsal.end()
	sum.Unread = in.bad
	if sum.Messages == 0 {
		return in.empty(r.File)
	}
	if r.JSON {
		return json.NewEncoder(t.out).Encode(sum)
	}
	sum.print(t.out, in.first)
	return nil
}

// tellInWords prints findings for a person; what would read as the line before is left out.
func tellInWords(out io.Writer) func(finding) {
	said := map[string]string{}
	return func(f finding) {
		words := f.words()
		if f.Kind == "verdict" && said[f.Camera] == words {
			return
		}
		said[f.Camera] = words
		fmt.Fprintf(out, "%s %8.1fs  %s\n", f.Time.UTC().Format("2006-01-02 15:04:05.000"), f.Seconds, words)
	}
}

// many is a number of things: 1 camera, 2 cameras.
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (f finding) words() string {
	switch f.Kind {
	case "trigger":
		return fmt.Sprintf("TRIGGER %d by %s", f.Trigger, strings.Join(f.Cameras, ", "))
	case "verdict":
		switch {
		case !f.Online:
			return f.Camera + ": offline, no vote"
		case f.Growing:
			return f.Camera + ": a fire grows (" + strings.Join(f.Objects, ", ") + ")"
		case f.Steady:
			return f.Camera + ": the fire burns on (" + strings.Join(f.Objects, ", ") + ")"
		}
		return f.Camera + ": online, nothing grows"
	}
	return f.Text
}

// print closes the answer for a person.
func (s findings) print(out io.Writer, firstBad string) {
	fmt.Fprintf(out, "\n%s over %.0f s, %s of %s", many(s.Messages, "message"), s.Length,
		many(s.Detections, "detection"), many(s.Cameras, "camera"))
	if s.Elsewhere > 0 {
		fmt.Fprintf(out, ", %s on topics that do not matter here", many(s.Elsewhere, "message"))
	}
	fmt.Fprintln(out)
	if s.Unread > 0 {
		fmt.Fprintf(out, "%s could not be read; the first: %s\n", many(s.Unread, "line"), firstBad)
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Rejected)) {
		fmt.Fprintf(out, "refused: %d x %s\n", s.Rejected[reason], reason)
	}
	for _, camera := range slices.Sorted(maps.Keys(s.Growth)) {
		fmt.Fprintf(out, "%s saw growth first after %.1f s\n", camera, s.Growth[camera])
	}
	if s.First == nil {
		fmt.Fprintln(out, "No trigger: this configuration would not have started the pump.")
		return
	}
	fmt.Fprintf(out, "%s, the first after %.1f s: the pump would have started.\n", many(s.Triggers, "trigger"), *s.First)
}
