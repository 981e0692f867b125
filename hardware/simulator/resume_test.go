package simulator

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wildfire-watch/hardware"
)

func logged(t *testing.T, path string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		_, rest, _ := strings.Cut(line, `"name": `)
		all = append(all, strings.TrimSpace(rest))
	}
	return all
}

func TestABoardThatContinuesTellsOnlyWhatChanges(t *testing.T) {
	s := settings()
	s.LineLog = filepath.Join(t.TempDir(), "lines.jsonl")
	dead, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	running := hardware.Outputs(0).With(hardware.MainValve, true).With(hardware.IgnitionOn, true).
		With(hardware.RefillValve, true)
	if err := dead.Write(running); err != nil {
		t.Fatal(err)
	}
	before := logged(t, s.LineLog)
	b, err := Continue(s)
	if err != nil {
		t.Fatal(err)
	}
	if b.Lines() != running {
		t.Fatalf("continues at %b, want %b", b.Lines(), running)
	}
	if err := b.Write(hardware.Outputs(0).With(hardware.MainValve, true).With(hardware.IgnitionOff, true)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	want := append(before, `"ignition_on", "v": 0}`, `"refill_valve", "v": 0}`, `"ignition_off", "v": 1}`,
		`"ignition_off", "v": 0}`, `"main_valve", "v": 0}`)
	if got := logged(t, s.LineLog); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheLastLevelsAreFoundHoweverTheLogEnds(t *testing.T) {
	s := settings()
	on := hardware.Outputs(0).With(hardware.IgnitionOn, true)
	line := func(o hardware.Output, v int) string {
		return fmt.Sprintf("{\"t\": 1, \"line\": %d, \"name\": \"x\", \"v\": %d}\n", s.Wiring.Outputs[o], v)
	}
	up := line(hardware.IgnitionOn, 1)
	for name, c := range map[string]struct {
		text  string
		want  hardware.Outputs
		whole bool
	}{
		"empty":               {"", 0, true},
		"one":                 {up, on, true},
		"newest wins":         {up + line(hardware.IgnitionOn, 0), 0, true},
		"far from the end":    {up + strings.Repeat(line(hardware.RPMReduce, 0), 20000), on, true},
		"half a line":         {up + `{"t": 2, "line": `, on, false},
		"unfinished but good": {strings.TrimSpace(up), on, false},
		"foreign lines":       {up + "{\"t\": 2, \"line\": 63, \"v\": 1}\nnonsense\n\n{\"line\":1}\n", on, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, whole, err := scanBack(strings.NewReader(c.text), int64(len(c.text)), s.Wiring)
			if got != c.want || whole != c.whole || err != nil {
				t.Errorf("%b, whole %v, %v; want %b, %v", got, whole, err, c.want, c.whole)
			}
		})
	}
}

func TestAHalfWrittenLineIsNotGluedToTheNext(t *testing.T) {
	s := settings()
	s.LineLog = filepath.Join(t.TempDir(), "lines.jsonl")
	put(t, s.LineLog, `{"t": 1, "li`)
	b, err := Continue(s)
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Write(hardware.Outputs(0).With(hardware.MainValve, true))
	_ = b.Close()
	if got := logged(t, s.LineLog); len(got) != 3 || got[1] != `"main_valve", "v": 1}` {
		t.Errorf("%q", got)
	}
}

func TestWithoutALogItStillGoesThroughTheMotions(t *testing.T) {
	s := settings()
	b, err := Continue(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Write(hardware.Outputs(0).With(hardware.IgnitionOff, true)); err != nil || b.Lines() == 0 {
		t.Errorf("%v, lines %b", err, b.Lines())
	}
	if err := b.Close(); err != nil || b.Lines() != 0 {
		t.Errorf("%v, lines %b", err, b.Lines())
	}
}
