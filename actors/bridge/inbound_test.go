package bridge

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

func TestARetainedMessageIsNeverActedOnButFrigatesAvailable(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	c := join(t, b.Addr, "test/done")
	c.say("fire/trigger", 2, true, `{"action":"trigger"}`)
	c.say("fire/emergency", 1, true, "start")
	c.say("fire/detection", 0, true, `{"camera_id":"n","confidence":1,"bbox":[0,0,0.5,0.5]}`)
	c.say("fire/detection/n", 0, true, `{"confidence":1,"bbox":[0,0,0.5,0.5]}`)
	c.say("system/camera_telemetry", 0, true, `{"camera_id":"n"}`)
	c.say("system/telemetry", 0, true, `{"camera_id":"n"}`)
	c.say("frigate/events", 0, true, `{}`)
	c.say("frigate/camera_activity", 0, true, `{}`)
	c.say("frigate/stats", 0, true, `{}`)
	c.say("frigate/north/status/detect", 0, true, "online")
	c.say("frigate/available", 0, true, "online")
	// The broker handles a connection's packets in order: what comes back says that all before it
	// are retained and dealt out, so that none of them reaches the house as a fresh message.
	c.say("test/done", 0, false, "")
	c.next("test/done")
	h := move(t, Settings{Dial: b.Dial})
	h.occurred(protocol.MQTTConnected, 1)
	rejected := until[protocol.Rejected](h, 10)
	sources := map[string]int{}
	for _, r := range rejected {
		if r.Reason == "retained" {
			sources[r.Source]++
		}
	}
	want := map[string]int{"fire/trigger": 1, "fire/emergency": 1, "fire/detection": 2,
		"system/camera_telemetry": 1, "system/telemetry": 1, "frigate/events": 1,
		"frigate/camera_activity": 1, "frigate/stats": 1, "frigate/status/detect": 1}
	if fmt.Sprint(sources) != fmt.Sprint(want) {
		t.Errorf("rejected %v", sources)
	}
	if in := until[protocol.Incoming](h, 1); in[0].Topic != "available" || !in[0].Retained {
		t.Errorf("incoming %+v", in)
	}
	acted := len(all[protocol.TriggerRequested](h)) + len(all[protocol.Command](h)) +
		len(all[protocol.Detected](h)) + len(all[protocol.CameraHeard](h))
	if acted != 0 {
		t.Errorf("%d retained messages were acted on: %v", acted, h.heard)
	}
}

func TestHostilePayloadsChangeNothingAndAStopStillWorks(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	h := move(t, Settings{Dial: b.Dial})
	h.occurred(protocol.MQTTConnected, 1)
	c := join(t, b.Addr)
	payloads := []string{"", "\xff\xfe\x00\x80", "{", "null", "[]", `{"confidence":NaN}`, `{"confidence":`,
		strings.Repeat("[", 60<<10), strings.Repeat(`{"a":`, 10<<10), strings.Repeat("x", 1_000_000),
		`{"camera_id":"` + strings.Repeat("c", 60_000) + `"}`, "\"\\ud800\"", `{"action":["stop"]}`}
	names := []string{"fire/detection", "fire/detection/n", "fire/detection/\u202e",
		"fire/detection/" + strings.Repeat("n", 1000), "fire/trigger", "fire/emergency",
		"system/camera_telemetry", "system/telemetry"}
	for _, topic := range names {
		for _, p := range payloads {
			c.say(topic, 1, false, p)
		}
	}
	c.say("fire/emergency", 1, false, "stop")
	until[protocol.Command](h, 1)
	for _, m := range h.heardNow() {
		switch m := m.(type) {
		case protocol.Detected, protocol.TriggerRequested, protocol.CameraHeard:
			t.Errorf("acted on rubbish: %+v", m)
		case protocol.Command:
			if m.Action != protocol.CommandStop {
				t.Errorf("acted on rubbish: %+v", m)
			}
		case protocol.Occurred:
			if text, err := json.Marshal(m); err != nil || len(text) > 1000 {
				t.Errorf("rubbish in an event: %d bytes, %v", len(text), err)
			}
		}
	}
	if n := len(all[protocol.BrokerLink](h)); n != 4 {
		t.Errorf("rubbish broke a connection: %v", all[protocol.BrokerLink](h))
	}
}

func (h *home) heardNow() []any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]any(nil), h.heard...)
}

func TestACommandThatIsNotUnderstoodHasItsEventAndAFloodOfThemSharesOne(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	h := move(t, Settings{Dial: b.Dial})
	h.occurred(protocol.MQTTConnected, 1)
	c := join(t, b.Addr)
	c.say("fire/emergency", 1, false, "explode")
	c.say("fire/emergency", 1, false, "{")
	unknown := h.occurred(protocol.EmergencyCommandUnknown, 1)[0]
	if unknown.Details["command"] != "explode" || unknown.Details["count"] != 1 {
		t.Errorf("%+v", unknown)
	}
	h.occurred(protocol.EmergencyCommandError, 1)
	for range 498 {
		c.say("fire/emergency", 1, false, "explode")
	}
	counted := func() (count, events int) {
		for _, o := range all[protocol.Occurred](h) {
			if o.Action == protocol.EmergencyCommandUnknown {
				count, events = count+o.Details["count"].(int), events+1
			}
		}
		return count, events
	}
	eventually(t, "every one counted", func() bool { n, _ := counted(); return n == 499 })
	if _, events := counted(); events > 25 {
		t.Errorf("%d events", events)
	}
}

func TestAnAcknowledgementIsNoCommandAndNeverRetained(t *testing.T) {
	var heard []any
	in := testInbound(func(m any) { heard = append(heard, m) })
	row := protocol.Topics[slices.IndexFunc(protocol.Topics, func(row protocol.Topic) bool {
		return row.In && row.Name == protocol.TopicEmergency
	})]
	wall := time.Unix(1_700_000_000, 0)
	for _, retained := range []bool{true, false} {
		in.take(received{row: &row, payload: []byte(`{"action":"ack","code":"camera_offline","subject":"north"}`),
			retain: retained, now: time.Now(), wall: wall})
	}
	want := []any{protocol.Rejected{Source: "fire/emergency", Reason: "retained"},
		protocol.Acknowledge{Code: "camera_offline", Subject: "north", By: "mqtt", Wall: wall}}
	if !reflect.DeepEqual(heard, want) {
		t.Errorf("%+v, want %+v", heard, want)
	}
}

func TestAPanickingDecoderDoesNotEndTheProcess(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	h := move(t, Settings{Dial: b.Dial, DetectSize: func(camera string) (int, int) {
		if camera == "bad" {
			panic("no such camera")
		}
		return 100, 100
	}})
	h.occurred(protocol.MQTTConnected, 1)
	c := join(t, b.Addr)
	c.say("fire/detection/bad", 0, false, `{"confidence":1,"bbox":[0,0,50,50]}`)
	c.say("fire/detection/good", 0, false, `{"confidence":1,"bbox":[0,0,50,50]}`)
	if d := until[protocol.Detected](h, 1)[0]; d.Area != 0.25 {
		t.Errorf("%+v", d)
	}
	if r := until[protocol.Rejected](h, 1)[0]; r.Reason != "panic" {
		t.Errorf("%+v", r)
	}
}

func testInbound(publish func(any)) *inbound {
	return &inbound{prefixes: protocol.Prefixes{Ours: "p", Frigate: "f"}, instance: "me",
		publish: publish, clock: actors.SystemClock{}, log: zap.NewNop(),
		odd: &oddities{publish: publish, soon: func() {}}}
}

// FuzzIncoming: whatever comes on whatever topic, nothing panics, and nothing but a well-formed
// object triggers.
func FuzzIncoming(f *testing.F) {
	for i := range protocol.Topics {
		for _, p := range []string{`{"action":"trigger"}`, "stop", `{"camera_id":"n"}`, "\xff",
			`{"camera_id":"n","confidence":0.9,"bbox":[0.1,0.1,0.2,0.2]}`} {
			f.Add(i, "n", []byte(p), false)
			f.Add(i, "n/m", []byte(p), true)
		}
	}
	f.Fuzz(func(t *testing.T, n int, level string, payload []byte, retain bool) {
		row := protocol.Topics[((n%len(protocol.Topics))+len(protocol.Topics))%len(protocol.Topics)]
		if !row.In {
			return
		}
		var heard []any
		in := testInbound(func(m any) { heard = append(heard, m) })
		topic := in.prefixes.Place(row, protocol.TopicOf(row.Name, level))
		got, ok := in.level(&row, topic)
		if !ok {
			t.Fatalf("%s does not match its own row %s", topic, row.Name)
		}
		now := time.Now()
		in.take(received{row: &row, level: got, payload: payload, retain: retain, now: now, wall: now})
		for _, m := range heard {
			switch m := m.(type) {
			case protocol.Rejected, protocol.Occurred:
			case protocol.Incoming:
				if retain && !row.TakesRetained {
					t.Fatal("a retained message was handed on that is no state")
				}
			case protocol.TriggerRequested:
				if !json.Valid(payload) || retain {
					t.Fatalf("triggered by %q", payload)
				}
			default:
				if retain {
					t.Fatalf("a retained message was acted on: %+v", m)
				}
			}
		}
	})
}
