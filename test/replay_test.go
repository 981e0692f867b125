package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"wildfire-watch/test/frigatepeer"
)

// eventsAlone are the settings that README.md recommends where Frigate answers no questions.
var eventsAlone = []string{"consensus.detection_window=120s", "consensus.growth_hold=45s"}

// told is the summary of replay --json, as far as a test reads it.
type told struct {
	Kind   string   `json:"kind"`
	Count  int      `json:"messages"`
	Unread int      `json:"unread"`
	First  *float64 `json:"first_trigger_seconds"`
}

// replayed is what the binary's replay prints over a recording, and the summary that it ends with.
func replayed(file string, sets ...string) (out []byte, sum told, err error) {
	path, err := program()
	if err != nil {
		return nil, sum, err
	}
	args := []string{"replay", "--json", file}
	for _, set := range sets {
		args = append(args, "--set", set)
	}
	var errs bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stderr = &errs
	if out, err = cmd.Output(); err != nil {
		return out, sum, fmt.Errorf("replay %s: %w\n%s", file, err, errs.String())
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &sum); err != nil || sum.Kind != "summary" {
		return out, sum, fmt.Errorf("replay %s ends without a summary (%v): %s", file, err, out)
	}
	return out, sum, nil
}

// recordings are ours: what test/frigatepeer plays, in the form of mosquitto_sub -F '%j', and what
// must be found in them.
var recordings = []struct {
	name     string
	length   time.Duration
	sets     []string
	found    bool
	scenario frigatepeer.Scenario
}{
	{"fire.jsonl", 75 * time.Second, nil, true, frigatepeer.Scenario{Release: frigatepeer.Release016, Noise: 0.08, Seed: 3,
		Cameras: []frigatepeer.Camera{{Name: "north"}, {Name: "east", Width: 640, Height: 360}},
		Fires: []frigatepeer.Fire{
			{Camera: "north", Begins: 2 * time.Second, Size: 0.006, GrowsIn: 30 * time.Second},
			{Camera: "east", Begins: 6 * time.Second, Size: 0.004, GrowsIn: 30 * time.Second}}}},
	{"steady.jsonl", 75 * time.Second, []string{"consensus.threshold=1"}, false,
		frigatepeer.Scenario{Release: frigatepeer.Release016, Noise: 0.08, Seed: 4,
			Cameras: []frigatepeer.Camera{{Name: "north"}},
			Fires:   []frigatepeer.Fire{{Camera: "north", Begins: 2 * time.Second, Size: 0.01}}}},
	{"events.jsonl", 150 * time.Second, append([]string{"consensus.threshold=1"}, eventsAlone...), true,
		frigatepeer.Scenario{Release: frigatepeer.Release014, Noise: 0.08, Seed: 5,
			Cameras: []frigatepeer.Camera{{Name: "north"}},
			Fires:   []frigatepeer.Fire{{Camera: "north", Begins: 2 * time.Second, Size: 0.004, GrowsIn: 40 * time.Second}}}},
}

// recordingOf plays a scenario and writes down what a subscriber hears, asking once a second.
func recordingOf(t *testing.T, s frigatepeer.Scenario, length time.Duration) []byte {
	t.Helper()
	var out bytes.Buffer
	write := func(m frigatepeer.Message) {
		line, err := json.Marshal(map[string]any{"tst": m.At.UTC().Format("2006-01-02T15:04:05.000000Z-0700"),
			"topic": "frigate/" + m.Topic, "qos": 0, "retain": 0, "payloadlen": len(m.Payload), "payload": string(m.Payload)})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	start := time.Unix(1764000000, 0)
	p := frigatepeer.New(s, start)
	for at := time.Second; at <= length; at += time.Second {
		for _, m := range p.Advance(start.Add(at)) {
			write(m)
		}
		if m, ok := p.Answer(start.Add(at)); ok {
			write(m)
		}
	}
	return out.Bytes()
}

// TestReplayTellsTheSameEveryTime replays recordings of our own twice: the answers are equal byte by
// byte; a growing fire is found with the defaults by two cameras, and from events alone with the
// settings recommended for that; a steady flame is not, not even by one camera.
func TestReplayTellsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	for _, r := range recordings {
		path := filepath.Join("testdata", r.name)
		made := recordingOf(t, r.scenario, r.length)
		if *rewrite {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, made, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, made) {
			t.Errorf("%s is not what test/frigatepeer plays (%v): go test ./test -run Replay -rewrite", path, err)
			continue
		}
		once, sum, err := replayed(path, r.sets...)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := replayed(path, r.sets...)
		if err != nil || !bytes.Equal(once, again) {
			t.Errorf("%s: two replays differ:\n%s\n%s", r.name, once, again)
		}
		if sum.Unread != 0 || sum.Count != bytes.Count(made, []byte("\n")) {
			t.Errorf("%s: %d messages read, %d not, of %d lines", r.name, sum.Count, sum.Unread, bytes.Count(made, []byte("\n")))
		}
		if (sum.First != nil) != r.found {
			t.Errorf("%s: a trigger: %v, want %v\n%s", r.name, sum.First != nil, r.found, once)
		}
	}
}
