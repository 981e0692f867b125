package command

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// burning is a recording of one camera that sees a flame for 40 s, a sample a second; it grows by so
// much a second.
func burning(growth float64) string {
	var b strings.Builder
	start, area := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), 0.01
	for i := range 40 {
		payload := fmt.Sprintf(`{"confidence":0.9,"bbox":[0.1,0.1,%.5f,0.2],"object_id":"f","label":"fire"}`, 0.1+10*area)
		line, _ := json.Marshal(map[string]any{"tst": start.Add(time.Duration(i) * time.Second).Format("2006-01-02T15:04:05.000000Z-0700"),
			"topic": "fire/detection/north", "qos": 0, "retain": 0, "payloadlen": len(payload), "payload": payload})
		b.Write(append(line, '\n'))
		area *= growth
	}
	return b.String()
}

func TestReplayTellsAFireInWords(t *testing.T) {
	got := run(t, "replay", file(t, "fire.jsonl", burning(1.03)), "--set", "consensus.threshold=1")
	want := `2026-07-01 12:00:00.000      0.0s  north: online, nothing grows
2026-07-01 12:00:22.000     22.0s  north: a fire grows (f)
2026-07-01 12:00:22.000     22.0s  TRIGGER 1 by north
2026-07-01 12:00:57.000     57.0s  north: the fire burns on (f)
2026-07-01 12:01:09.000     69.0s  north: online, nothing grows
2026-07-01 12:01:39.000     99.0s  north: offline, no vote

40 messages over 39 s, 40 detections of 1 camera
north saw growth first after 22.0 s
1 trigger, the first after 22.0 s: the pump would have started.
`
	if got != (said{0, want, ""}) {
		t.Errorf("code %d, %q\n%s", got.code, got.errs, got.out)
	}
}

func TestReplayOfASteadyFlameStartsNothing(t *testing.T) {
	got := run(t, "replay", file(t, "flame.jsonl", burning(1)), "--set", "consensus.threshold=1")
	if !strings.HasSuffix(got.out, "\nNo trigger: this configuration would not have started the pump.\n") || strings.Contains(got.out, "TRIGGER") {
		t.Errorf("%s", got.out)
	}
}

func TestReplayWithTheDefaultsWantsTwoCameras(t *testing.T) {
	got := run(t, "replay", file(t, "fire.jsonl", burning(1.03)))
	if !strings.Contains(got.out, "a fire grows") || strings.Contains(got.out, "TRIGGER") {
		t.Errorf("%s", got.out)
	}
}

func TestReplaySpeaksJSONALineEach(t *testing.T) {
	got := run(t, "replay", "--json", file(t, "fire.jsonl", burning(1.03)), "--set", "consensus.threshold=1")
	var kinds []string
	var last findings
	for line := range strings.Lines(got.out) {
		var f struct{ Kind string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		kinds = append(kinds, f.Kind)
		last = findings{}
		_ = json.Unmarshal([]byte(line), &last)
	}
	if want := "verdict verdict trigger verdict verdict verdict verdict summary"; strings.Join(kinds, " ") != want {
		t.Errorf("%v, want %s", kinds, want)
	}
	if last.Messages != 40 || last.Detections != 40 || last.Triggers != 1 || last.First == nil || *last.First != 22 || last.Length != 39 {
		t.Errorf("%+v", last)
	}
}

func TestReplayReadsGzipToo(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(burning(1.03)))
	_ = z.Close()
	plain := run(t, "replay", file(t, "fire.jsonl", burning(1.03)))
	if got := run(t, "replay", file(t, "fire.jsonl.gz", packed.String())); got.code != 0 || got.out != plain.out {
		t.Errorf("%+v", got)
	}
	if got := run(t, "replay", file(t, "not.jsonl.gz", "plain text")); got.code != 1 || !strings.Contains(got.errs, "not.jsonl.gz: gzip: invalid header") {
		t.Errorf("%+v", got)
	}
	// A file that was cut off is told, not taken for a short recording.
	if got := run(t, "replay", file(t, "cut.jsonl.gz", packed.String()[:packed.Len()/2])); got.code != 1 || !strings.Contains(got.errs, "unexpected EOF") {
		t.Errorf("%+v", got)
	}
}

func TestReplayCountsLinesThatItCannotRead(t *testing.T) {
	text := "garbage\n\n{\"tst\":\"yesterday\",\"topic\":\"fire/detection\"}\n" + burning(1)
	got := run(t, "replay", file(t, "mixed.jsonl", text))
	if got.code != 0 || !strings.Contains(got.out, "\n2 lines could not be read; the first: line 1: not a JSON object: ") {
		t.Errorf("%+v", got)
	}
}

func TestReplayOfWhatIsNoRecordingFails(t *testing.T) {
	for text, why := range map[string]string{
		"":                 "it is empty",
		"hello\nthere\n":   "2 lines, the first of them: line 1: not a JSON object",
		`{"topic":"a"}`:    `1 line, the first of them: line 1: tst ""`,
		`{"tst":"a"}`:      "no topic",
		"{}\n{}\n{}\n{}\n": "4 lines",
	} {
		path := file(t, "no.jsonl", text)
		got := run(t, "replay", path)
		if got.code != 1 || got.out != "" || !strings.HasPrefix(got.errs, "wildfire-watch: replay "+path+": no message in it (") ||
			!strings.Contains(got.errs, why) || !strings.Contains(got.errs, "make one with wildfire-watch record FILE") {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestReplayOfAMissingFileNamesIt(t *testing.T) {
	got := run(t, "replay", "none.jsonl")
	if got != (said{1, "", "wildfire-watch: open the recording: open none.jsonl: no such file or directory\n"}) {
		t.Errorf("%+v", got)
	}
}

func TestReplayReportsWhatItRefused(t *testing.T) {
	text := burning(1) + strings.ReplaceAll(strings.SplitAfter(burning(1), "\n")[0], `0.9`, `7`)
	got := run(t, "replay", file(t, "odd.jsonl", text))
	if !strings.Contains(got.out, "\nrefused: 1 x ") {
		t.Errorf("%s", got.out)
	}
}

func TestRecordNeverOverwritesAFile(t *testing.T) {
	path := file(t, "precious.jsonl", "precious")
	got := run(t, "record", path)
	if got.code != 1 || !strings.Contains(got.errs, path+": file exists; name a file that does not exist yet\n") {
		t.Errorf("%+v", got)
	}
	if text, err := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("the file now holds %q, %v", text, err)
	}
}

func TestRecordWithoutABrokerSaysWhichAndLeavesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.jsonl")
	got := run(t, "record", path, "--set", "mqtt.url=tcp://127.0.0.1:1")
	want := "Recording from tcp://127.0.0.1:1 to " + path + "; Ctrl-C ends it.\n" +
		"wildfire-watch: record from the broker: dial tcp 127.0.0.1:1: connect: connection refused\n"
	if got != (said{1, "", want}) {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("an empty recording was left behind: %v", err)
	}
}
