package frigate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEventsOfEveryReleaseReadAlike(t *testing.T) {
	for _, release := range []string{"0.12", "0.13", "0.14", "0.15", "0.16", "0.17"} {
		e, err := DecodeEvent(sample(t, "event-"+release+".json"))
		if err != nil {
			t.Errorf("%s: %v", release, err)
			continue
		}
		want := Event{Camera: "ridge", ID: "1764000100.5-k3x9qa", Label: "smoke", Score: 0.734,
			FrameTime: time.Unix(1764000123, 750_000_000), Box: [4]float64{320, 180, 420, 260}, HasBox: true, Area: 8000,
			Ended: release == "0.16"}
		if e != want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", release, e, want)
		}
	}
}

// event is an event whose state has these fields besides camera, id, label, score, box.
func event(changes map[string]string) string {
	fields := map[string]string{"camera": `"ridge"`, "id": `"1.5-a"`, "label": `"fire"`, "score": `0.8`, "box": `[10,20,30,60]`}
	for name, v := range changes {
		fields[name] = v
	}
	var after []string
	for name, v := range fields {
		if v != "" {
			after = append(after, fmt.Sprintf("%q:%s", name, v))
		}
	}
	return `{"type":"update","before":null,"after":{` + strings.Join(after, ",") + `}}`
}

func TestMissingAndUnknownFieldsCostNothing(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]string
		check   func(Event) bool
	}{
		"the least":            {nil, func(e Event) bool { return e.Area == 800 && e.FrameTime.IsZero() && !e.Ended }},
		"an area of its own":   {map[string]string{"area": "700"}, func(e Event) bool { return e.Area == 700 }},
		"an area alone":        {map[string]string{"area": "700.5", "box": ""}, func(e Event) bool { return e.Area == 700.5 && !e.HasBox }},
		"a null box":           {map[string]string{"area": "700", "box": "null"}, func(e Event) bool { return !e.HasBox }},
		"no id":                {map[string]string{"id": ""}, func(e Event) bool { return e.ID == "" }},
		"whole score":          {map[string]string{"score": "1"}, func(e Event) bool { return e.Score == 1 }},
		"a NaN nobody reads":   {map[string]string{"velocity_angle": "NaN", "ratio": "Infinity"}, func(e Event) bool { return e.Score == 0.8 }},
		"top_score is ignored": {map[string]string{"top_score": "0.99"}, func(e Event) bool { return e.Score == 0.8 }},
		"false positive":       {map[string]string{"false_positive": "true"}, func(e Event) bool { return e.FalsePositive }},
		"ended":                {map[string]string{"end_time": "1764000000.5"}, func(e Event) bool { return e.Ended }},
		"unreadable time":      {map[string]string{"frame_time": `"noon"`}, func(e Event) bool { return e.FrameTime.IsZero() }},
		"sub_label object":     {map[string]string{"sub_label": `{"a":[1]}`}, func(e Event) bool { return e.Label == "fire" }},
	} {
		if e, err := DecodeEvent([]byte(event(c.changes))); err != nil || !c.check(e) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

// rejections are also fuzz seeds.
var rejections = []struct {
	field, value string
	why          protocol.Reject
}{
	{"camera", "", BadCamera}, {"camera", "null", BadCamera}, {"camera", `""`, BadCamera}, {"camera", "7", BadCamera},
	{"camera", `"` + strings.Repeat("x", 129) + `"`, BadCamera}, {"id", "7", BadObject}, {"id", `"\u0000"`, BadObject},
	{"label", "", BadLabel}, {"label", "null", BadLabel}, {"label", `["fire",0.9]`, BadLabel},
	{"score", "", BadConfidence}, {"score", "null", BadConfidence}, {"score", "NaN", BadConfidence}, {"score", "95", BadConfidence},
	{"score", `"0.9"`, BadConfidence}, {"score", "true", BadConfidence}, {"score", "-0.1", BadConfidence},
	{"box", "", BadBox}, {"box", "[]", BadBox}, {"box", "[1,2,3]", BadBox}, {"box", "[30,20,10,60]", BadBox},
	{"box", "[-1,20,30,60]", BadBox}, {"box", "[10,20,NaN,60]", BadBox}, {"box", `"10,20,30,60"`, BadBox}, {"box", "[10,20,10,60]", BadBox},
	{"area", "0", BadArea}, {"area", "-5", BadArea}, {"area", "Infinity", BadArea}, {"area", `"800"`, BadArea}, {"area", "1e999", BadArea},
}

func TestEventsThatAreNotWellFormedAreRejectedByReason(t *testing.T) {
	for _, c := range rejections {
		payload := event(map[string]string{c.field: c.value})
		if e, err := DecodeEvent([]byte(payload)); !errors.Is(err, c.why) || e != (Event{Camera: e.Camera}) {
			t.Errorf("%s %.60s: %+v, %v; want %q", c.field, c.value, e, err, c.why)
		}
	}
	for payload, why := range map[string]protocol.Reject{
		"": NotJSON, "[]": NotJSON, "null": NotJSON, "{": NotJSON, "{}": NoState, `{"after":null}`: NoState, `{"after":[]}`: NoState,
		`{"type":"end","before":{"camera":"ridge"}}`: NoState, strings.Repeat(" ", MaxEvent+1): TooLarge,
	} {
		if _, err := DecodeEvent([]byte(payload)); !errors.Is(err, why) {
			t.Errorf("%.60q: %v, want %q", payload, err, why)
		}
	}
}

func fire(label string) bool { return label == "fire" || label == "smoke" }

func TestAnAnswerListsTheFireOfEachCamera(t *testing.T) {
	got, malformed, err := DecodeActivity(sample(t, "activity-0.16.json"), fire)
	want := []CameraActivity{
		{"ridge", []ActiveObject{{"1764000100.5-k3x9qa", "smoke", 0.734, 8000}}},
		{"gate", nil},
		{"barn", nil},
		{"yard", []ActiveObject{{"1764000111.0-zz77yy", "fire", 1, 1200}}},
	}
	if err != nil || malformed != 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %d malformed, %v", got, malformed, err)
	}
}

func TestAMalformedObjectCostsTheOthersNothing(t *testing.T) {
	good := `{"id":"g","label":"fire","area":100,"score":0.8}`
	for _, bad := range []string{`7`, `null`, `{}`, `[]`, `{"id":"x","label":"fire","area":100,"score":NaN}`, `{"id":"","label":"fire","area":1,"score":0.8}`,
		`{"id":"x","label":"fire","area":-1,"score":0.8}`, `{"id":"x","label":"fire","area":1e999,"score":0.8}`,
		`{"id":"x","label":"fire","area":100,"score":1.1}`, `{"id":"x","label":7,"area":100,"score":0.8}`} {
		payload := `{"ridge":{"objects":[` + bad + `,` + good + `]},"broken":7,"` + strings.Repeat("x", 200) + `":{}}`
		got, malformed, err := DecodeActivity([]byte(payload), fire)
		if err != nil || malformed != 3 || len(got) != 1 || len(got[0].Objects) != 1 || got[0].Objects[0].ID != "g" {
			t.Errorf("beside %s: %+v, %d malformed, %v", bad, got, malformed, err)
		}
	}
	for payload, why := range map[string]error{"": NotJSON, "[]": NotJSON, "null": NotJSON, `{"a":`: NotJSON, strings.Repeat(" ", MaxActivity+1): TooLarge} {
		if _, _, err := DecodeActivity([]byte(payload), fire); !errors.Is(err, why) {
			t.Errorf("%.40q: %v, want %v", payload, err, why)
		}
	}
}

func TestTheConfigurationTellsEachDetectStreamsSize(t *testing.T) {
	c, err := DecodeConfig(sample(t, "config-0.16.json"))
	want := Config{Version: "0.16-0", Detect: map[string]Size{"ridge": {640, 360}, "gate": {1920, 1080}}, Hosts: map[string][]string{}}
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
	for payload, why := range map[string]error{"": NotJSON, "<html>login</html>": NotJSON, "[]": NotJSON, "{}": BadCamera,
		`{"cameras":[]}`: BadCamera, strings.Repeat(" ", MaxConfig+1): TooLarge} {
		if _, err := DecodeConfig([]byte(payload)); !errors.Is(err, why) {
			t.Errorf("%.40q: %v, want %v", payload, err, why)
		}
	}
	for _, detect := range []string{`{"width":0,"height":720}`, `{"width":-1,"height":-1}`, `{"width":1e9,"height":1e9}`, `{"width":"1280","height":"720"}`,
		`{"width":NaN,"height":720}`, `{"width":1280}`, `[1280,720]`} {
		if c, err := DecodeConfig([]byte(`{"cameras":{"a":{"detect":` + detect + `}}}`)); err != nil || len(c.Detect) != 0 {
			t.Errorf("%s: %+v, %v", detect, c, err)
		}
	}
}

func TestASizeIsWrittenAsWidthXHeight(t *testing.T) {
	for text, want := range map[string]Size{"1280x720": {1280, 720}, " 640 X 480 ": {640, 480}} {
		if s, ok := ParseSize(text); !ok || s != want {
			t.Errorf("%q: %v %v", text, s, ok)
		}
		if s, ok := ParseSize(want.String()); !ok || s != want {
			t.Errorf("%v does not survive being written", want)
		}
	}
	for _, text := range []string{"", "x", "1280", "1280x", "x720", "0x0", "-1x720", "1280x720x3", "1e3x720", "99999x99999", "1280*720"} {
		if s, ok := ParseSize(text); ok {
			t.Errorf("%q: %v", text, s)
		}
	}
}

func FuzzDecodeEvent(f *testing.F) {
	for _, release := range []string{"0.12", "0.14", "0.16", "0.17"} {
		f.Add(sample(f, "event-"+release+".json"))
	}
	for _, c := range rejections {
		f.Add([]byte(event(map[string]string{c.field: c.value})))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := DecodeEvent(payload)
		if err != nil {
			var why protocol.Reject
			if !errors.As(err, &why) || e != (Event{Camera: e.Camera}) {
				t.Fatalf("%+v, %v", e, err)
			}
			return
		}
		b := e.Box
		if e.Camera == "" || len(e.Camera) > 128 || len(e.ID) > 128 || e.Label == "" || !(e.Score >= 0 && e.Score <= 1) ||
			!(e.Area > 0 && !math.IsInf(e.Area, 0)) || e.HasBox && !(b[0] >= 0 && b[1] >= 0 && b[0] < b[2] && b[1] < b[3]) {
			t.Fatalf("%+v", e)
		}
	})
}

func FuzzDecodeActivity(f *testing.F) {
	f.Add(sample(f, "activity-0.16.json"))
	f.Add([]byte(`{"a":{"objects":[{"id":"x","label":"fire","area":NaN,"score":0.8}]}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		cameras, _, err := DecodeActivity(payload, fire)
		if err != nil && cameras != nil {
			t.Fatalf("%+v, %v", cameras, err)
		}
		for _, c := range cameras {
			for _, o := range c.Objects {
				if c.Camera == "" || o.ID == "" || !fire(o.Label) || !(o.Score >= 0 && o.Score <= 1) || !(o.Area > 0) {
					t.Fatalf("%+v", c)
				}
			}
		}
	})
}

func FuzzDecodeConfig(f *testing.F) {
	f.Add(sample(f, "config-0.16.json"))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := DecodeConfig(body)
		for name, s := range c.Detect {
			if err != nil || name == "" || !s.sound() {
				t.Fatalf("%q %v %v", name, s, err)
			}
			if again, ok := ParseSize(s.String()); !ok || again != s {
				t.Fatalf("%v is not read back", s)
			}
		}
	})
}

func BenchmarkDecodeEvent(b *testing.B) {
	payload := sample(b, "event-0.17.json")
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeEvent(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeActivityOfAHundredCameras(b *testing.B) {
	all := map[string]json.RawMessage{}
	var one map[string]json.RawMessage
	if err := json.Unmarshal(sample(b, "activity-0.16.json"), &one); err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		all[fmt.Sprintf("camera%d", i)] = one["ridge"]
	}
	payload, err := json.Marshal(all)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := DecodeActivity(payload, fire); err != nil {
			b.Fatal(err)
		}
	}
}
