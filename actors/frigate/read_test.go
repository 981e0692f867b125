package frigate

import (
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// FuzzRead: whatever Frigate, or somebody in its place, publishes, only sound samples leave, and what
// is rejected leaves no camera behind.
func FuzzRead(f *testing.F) {
	state := `"camera":"north","id":"a","label":"fire","score":0.9,"frame_time":1764000000.5`
	for topic, seeds := range map[string][]string{
		"events": {`{"type":"new","after":{` + state + `,"box":[1,2,300,400]}}`, `{"type":"end","after":{` + state + `,"area":900}}`,
			`{"type":"new","after":{` + state + `,"box":[1,2,3000,400]}}`, `{"after":{` + state + `,"box":[NaN,2,300,400]}}`, `{`},
		"camera_activity": {`{"north":{"objects":[{"id":"a","label":"fire","area":900,"score":0.5}]},"south":{}}`, `[]`},
		"available":       {"online", "offline", "stopped", ""},
		"stats":           {`{}`, `{"cameras":{"north":{"camera_fps":5.1},"south":{"camera_fps":0}}}`, `{"north":{"camera_fps":5}}`, `{"cameras":{"a":{"camera_fps":-1}}}`},

		protocol.TopicFrigateStatus: {"online", "offline", "disabled", "x"},
	} {
		for _, seed := range seeds {
			f.Add(topic, []byte(seed), false)
		}
	}
	f.Add("events", []byte(`{}`), true)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		m := NewMachine(rules)
		known := func() int {
			n := 0
			for _, c := range m.cameras {
				n += 1 + len(c.objects)
			}
			return n
		}
		for i := range 2 { // the second time it is a repetition
			before := known()
			at := epoch.Add(time.Duration(i) * time.Second)
			out := m.Read(protocol.Incoming{Topic: topic, Level: "north", Payload: payload, Retained: retained, Arrived: at, Wall: wall}, at)
			if len(of[protocol.Rejected](out)) == len(out) && len(out) > 0 && topic == "events" && known() != before {
				t.Fatalf("rejected and remembered: %+v", out)
			}
			for _, d := range of[protocol.Detected](out) {
				b := d.Box
				if retained || d.Camera == "" || !(d.Confidence >= 0 && d.Confidence <= 1) || !(d.Area > 0 && d.Area <= 1) ||
					d.HasBox && !(b.X1 >= 0 && b.Y1 >= 0 && b.X1 < b.X2 && b.Y1 < b.Y2 && b.X2 <= 1 && b.Y2 <= 1) {
					t.Fatalf("%+v", d)
				}
			}
			for _, c := range of[protocol.NVRCamera](out) {
				if c.Name == "" || c.Running != (c.Problem == "") || c.Running && !(c.FPS > 0) {
					t.Fatalf("%+v", c)
				}
			}
			if retained && topic != "available" && len(of[protocol.Rejected](out)) != len(out) {
				t.Fatalf("acted on a retained message: %+v", out)
			}
		}
	})
}
