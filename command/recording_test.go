package command

import (
	"strings"
	"testing"
	"time"
)

var forms = []struct {
	line, topic, payload string
	at                   string
	retained             bool
	wrong                string
}{
	{line: `{"tst":"2025-11-24T16:00:00.510464Z+0000","topic":"frigate/events","qos":0,"retain":0,"payloadlen":2,"payload":"{}"}`,
		topic: "frigate/events", payload: "{}", at: "2025-11-24T16:00:00.510464Z"},
	{line: `{"tst":"2025-11-24T16:00:00.510464+0100","topic":"a","payload":"x","retain":1}`,
		topic: "a", payload: "x", at: "2025-11-24T15:00:00.510464Z", retained: true},
	{line: `{"tst":"2025-11-24T16:00:00Z","topic":"a","payload":{"b":[1]},"retain":true}`, // %J
		topic: "a", payload: `{"b":[1]}`, at: "2025-11-24T16:00:00Z", retained: true},
	{line: `{"tst":"2025-11-24T16:00:00Z","topic":"a","payload":null}`, topic: "a", at: "2025-11-24T16:00:00Z"},
	{line: `{"tst":"2025-11-24T16:00:00Z","topic":"a"}`, topic: "a", at: "2025-11-24T16:00:00Z"},
	{line: `{"tst":"2025-11-24T16:00:00Z","payload":"x"}`, wrong: "no topic"},
	{line: `{"tst":"yesterday","topic":"a"}`, wrong: `tst "yesterday": want a time like`},
	{line: `{"tst":17,"topic":"a"}`, wrong: "not a JSON object"},
	{line: `[1]`, wrong: "not a JSON object"},
	{line: `{"tst":"2025-11-24T16:00:00Z","topic":"a"} trailing`, wrong: "not a JSON object"},
	{line: strings.Repeat("[", 2000), wrong: "not a JSON object"},
}

func TestALineOfARecordingIsReadInEachForm(t *testing.T) {
	for _, f := range forms {
		m, err := parseRecorded(f.line)
		if f.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), f.wrong) {
				t.Errorf("%.80s: %v, want %s", f.line, err, f.wrong)
			}
			continue
		}
		at, _ := time.Parse(time.RFC3339Nano, f.at)
		if err != nil || m.Topic != f.topic || string(m.Payload) != f.payload || !m.At.Equal(at) || m.Retained != f.retained {
			t.Errorf("%s: %+v, %v", f.line, m, err)
		}
	}
}

func FuzzParseRecorded(f *testing.F) {
	for _, form := range forms {
		f.Add(form.line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		m, err := parseRecorded(line)
		if err == nil && (m.Topic == "" || m.At.IsZero() && !strings.Contains(line, "0001-01-01")) {
			t.Errorf("%q was taken for %+v", line, m)
		}
	})
}

func TestTheTimeOfARecordingNeverRunsBackwards(t *testing.T) {
	path := file(t, "back.jsonl", `{"tst":"2025-11-24T16:00:10Z","topic":"a"}
{"tst":"2025-11-24T16:00:05Z","topic":"b"}
{"tst":"2025-11-24T16:00:11Z","topic":"c"}
`)
	r, err := openRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var seconds []int
	for range 3 {
		m, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		seconds = append(seconds, m.At.Second())
	}
	if seconds[0] != 10 || seconds[1] != 10 || seconds[2] != 11 {
		t.Errorf("%v", seconds)
	}
}
