package simulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wildfire-watch/hardware"
)

// entry is one line of the line log.
type entry struct {
	T    int64  `json:"t"`
	Line int    `json:"line"`
	Name string `json:"name"`
	V    int    `json:"v"`
}

func readLog(t *testing.T, path string) (all []entry) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(bytes.NewReader(text))
	for in.Scan() {
		var e entry
		d := json.NewDecoder(strings.NewReader(in.Text()))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%s: %v", in.Text(), err)
		}
		all = append(all, e)
	}
	return all
}

func TestTheLineLogBeginsWithEveryLevelAndTellsEachChangeDangerFirst(t *testing.T) {
	s := settings()
	s.LineLog = filepath.Join(t.TempDir(), "lines.jsonl")
	s.Wiring.OutputActiveLow[hardware.MainValve] = true // the log is logical all the same
	before := time.Now().UnixNano()
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []hardware.Outputs{main | start, main | on, main | on, main | off} {
		if err := b.Write(o); err != nil {
			t.Fatal(err)
		}
	}
	all := readLog(t, s.LineLog)
	if len(all) != int(hardware.NumOutputs)+6 {
		t.Fatalf("%d entries: %+v", len(all), all)
	}
	for i, e := range all[:hardware.NumOutputs] {
		if e.Name != hardware.OutputNames[i] || e.Line != s.Wiring.Outputs[i] || e.V != 0 {
			t.Errorf("initial level %d: %+v", i, e)
		}
	}
	want := []entry{{0, 18, "main_valve", 1}, {0, 23, "ignition_start", 1}, {0, 23, "ignition_start", 0},
		{0, 24, "ignition_on", 1}, {0, 24, "ignition_on", 0}, {0, 25, "ignition_off", 1}}
	last := before
	for i, e := range all[hardware.NumOutputs:] {
		if e.T < last || e.T > time.Now().UnixNano() {
			t.Errorf("entry %d: time %d after %d", i, e.T, last)
		}
		if i%2 == 1 && e.T != last {
			t.Errorf("entry %d: the changes of one write have different times", i)
		}
		last, e.T = e.T, 0
		if e != want[i] {
			t.Errorf("entry %d: %+v, want %+v", i, e, want[i])
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if all = readLog(t, s.LineLog); len(all) != int(hardware.NumOutputs)+8 || all[len(all)-1].V != 0 {
		t.Errorf("close is not told: %+v", all[hardware.NumOutputs+6:])
	}
	if b, err = New(s); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if n := len(readLog(t, s.LineLog)); n != 2*int(hardware.NumOutputs)+8 {
		t.Errorf("a second board does not append: %d entries", n)
	}
}

func TestALineThatSticksIsLoggedAndReadAsItIs(t *testing.T) {
	s := settings()
	s.LineLog = filepath.Join(t.TempDir(), "lines.jsonl")
	s.Stick = "24:1, 18:1"
	s.Wiring.OutputActiveLow[hardware.MainValve] = true // high is inactive
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	for _, o := range []hardware.Outputs{0, main | on, 0} {
		if err := b.Write(o); err != nil {
			t.Fatal(err)
		}
		if l, err := b.Read(); err != nil || l.Outputs != on {
			t.Errorf("wrote %07b, read %07b, %v", o, l.Outputs, err)
		}
	}
	all := readLog(t, s.LineLog)
	if len(all) != int(hardware.NumOutputs) || all[hardware.IgnitionOn].V != 1 || all[hardware.MainValve].V != 0 {
		t.Errorf("log: %+v", all)
	}
	b.Free(hardware.IgnitionOn)
	if all = readLog(t, s.LineLog); len(all) != 8 || all[7].Name != "ignition_on" || all[7].V != 0 {
		t.Errorf("a freed line: %+v", all)
	}
}

func TestAFullDiskFailsNoWrite(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Fatalf("this kernel has no /dev/full: %v", err)
	}
	s := settings()
	s.LineLog = "/dev/full"
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if err := b.Write(main); err != nil {
		t.Error(err)
	}
	if l, err := b.Read(); err != nil || l.Outputs != main {
		t.Errorf("read %+v, %v", l, err)
	}
}

func TestALineLogThatCannotBeOpenedIsAnError(t *testing.T) {
	s := settings()
	s.LineLog = t.TempDir()
	if b, err := New(s); err == nil {
		_ = b.Close()
		t.Error("a folder is taken for a log")
	}
}

func TestFailuresByHandChangeNothingAndEnd(t *testing.T) {
	b, err := New(settings())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	broken := errors.New("broken")
	b.FailWrites(broken)
	b.FailReads(broken)
	if err := b.Write(main); !errors.Is(err, broken) || b.Lines() != 0 {
		t.Errorf("write: %v, lines %07b", err, b.Lines())
	}
	if _, err := b.Read(); !errors.Is(err, broken) {
		t.Errorf("read: %v", err)
	}
	b.FailWrites(nil)
	b.FailReads(nil)
	if err := b.Write(main); err != nil || b.Lines() != main {
		t.Errorf("write: %v, lines %07b", err, b.Lines())
	}
}

// followed is a board that follows an inputs file, and what it tells.
func followed(t *testing.T) (b *Simulator, path string, told chan hardware.Levels) {
	s := settings()
	s.InputsFile = filepath.Join(t.TempDir(), "inputs.json")
	s.Wiring.InputActiveLow[hardware.Flow] = true
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	told = make(chan hardware.Levels, 100)
	b.Watch(func(l hardware.Levels) { told <- l })
	return b, s.InputsFile, told
}

// until waits for a level as told, and fails when it does not come.
func until(t *testing.T, told chan hardware.Levels, what string, is func(hardware.Levels) bool) {
	t.Helper()
	limit := time.After(5 * time.Second)
	for {
		select {
		case l := <-told:
			if is(l) {
				return
			}
		case <-limit:
			t.Fatalf("not told: %s", what)
		}
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheInputsFileIsFollowedAndOverridesThePlant(t *testing.T) {
	_, path, told := followed(t)
	stop := func(l hardware.Levels) bool { return l.Inputs[hardware.StopButton] }
	put(t, path, `{"4": 1}`)
	until(t, told, "stop pressed", stop)
	put(t, path, `{"4": 0, "0": 0}`)
	until(t, told, "stop released, tank not full", func(l hardware.Levels) bool {
		return !stop(l) && !l.Inputs[hardware.ReservoirFloat]
	})
	put(t, path, `{"2": 0}`) // active low: flowing; the others are the plant's again
	until(t, told, "flow and full tank", func(l hardware.Levels) bool {
		return l.Inputs[hardware.Flow] && l.Inputs[hardware.ReservoirFloat]
	})
}

func TestAnAbsentOrHalfWrittenInputsFileChangesNothing(t *testing.T) {
	b, path, told := followed(t)
	put(t, path, `{"4": 1}`)
	until(t, told, "stop pressed", func(l hardware.Levels) bool { return l.Inputs[hardware.StopButton] })
	for _, text := range []string{``, `{`, `{"4": `, `{"4": 0`, `{"4": 2}`, `{"64": 0}`, `{"4": 0} x`, `[]`,
		`null`, `{"4": "low"}`} {
		put(t, path, text)
		b.hold([]byte(text)) // at once, whether or not the follower has come by
		if l, err := b.Read(); err != nil || !l.Inputs[hardware.StopButton] {
			t.Errorf("%.40q: %+v, %v", text, l, err)
		}
	}
	put(t, path, strings.Repeat(" ", inputsLimit)+`{"4": 0}`)
	if levels, err := readLevels(path); err == nil {
		t.Errorf("a file beyond the limit is read: %v", levels)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	put(t, path+".ready", `{"3": 1}`)
	if err := os.Rename(path+".ready", path); err != nil {
		t.Fatal(err)
	}
	until(t, told, "start pressed", func(l hardware.Levels) bool { return l.Inputs[hardware.EmergencyButton] })
}

func TestTheInputsFileIsReadBeforeTheFirstLook(t *testing.T) {
	s := settings()
	s.InputsFile = filepath.Join(t.TempDir(), "inputs.json")
	s.Wiring.Debounce = time.Hour
	put(t, s.InputsFile, `{"4": 1, "0": 0}`)
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if l, err := b.Read(); err != nil || !l.Inputs[hardware.StopButton] || l.Inputs[hardware.ReservoirFloat] {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestStickIsReadOrRefused(t *testing.T) {
	for text, want := range map[string]map[int]bool{
		"": {}, "  ": {}, "24:1": {24: true}, "24:1, 18:0": {24: true, 18: false}, "0:0,63:1": {0: false, 63: true},
	} {
		got, err := ParseStick(text)
		if err != nil || len(got) != len(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		for line, level := range want {
			if v, ok := got[line]; !ok || v != level {
				t.Errorf("%q: line %d: %v, %v", text, line, v, ok)
			}
		}
	}
	for _, text := range []string{"24", "24:", ":1", "24:2", "64:1", "-1:1", "24:1,", "24:1;18:0", "24:1,24:0", "x:1"} {
		if got, err := ParseStick(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

func FuzzParseStick(f *testing.F) {
	for _, text := range []string{"", "24:1", "24:1, 18:0", "64:1", ",", "24:1,24:1", "٢:1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := ParseStick(text)
		if err != nil && lines != nil {
			t.Errorf("%q: lines beside an error", text)
		}
		for line := range lines {
			if line < 0 || line >= numLines {
				t.Errorf("%q: line %d", text, line)
			}
		}
	})
}

func FuzzParseLevels(f *testing.F) {
	for _, text := range []string{`{"16": 1}`, `{"16": 1, "20": 0}`, `{}`, `{`, `null`, `{"16": 1e0}`, `{"16": true}`,
		`{"16": 1}{"16": 0}`, `{"-1": 1}`, `{"16": {"16": 1}}`, "\xef\xbb\xbf{}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		levels, err := ParseLevels(text)
		if err != nil {
			if levels != nil {
				t.Errorf("%q: levels beside an error", text)
			}
			return
		}
		if !json.Valid(text) {
			t.Errorf("%q is taken and is no JSON", text)
		}
		for line := range levels {
			if line < 0 || line >= numLines {
				t.Errorf("%q: line %d", text, line)
			}
		}
	})
}
