package command

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"wildfire-watch/protocol"
)

// orders: payloads of fire/emergency and what they say; also fuzz seeds.
var orders = []struct {
	payload string
	want    protocol.CommandAction
	word    string
	why     error
}{
	{"stop", protocol.CommandStop, "stop", nil}, {"STOP\r\n", protocol.CommandStop, "STOP", nil}, {"  Emergency_Stop\t", protocol.CommandStop, "Emergency_Stop", nil},
	{"stop\x00", protocol.CommandStop, "stop", nil}, {"\ufeffstop", protocol.CommandStop, "stop", nil},
	{"start", protocol.CommandStart, "start", nil}, {"bypass_start", protocol.CommandStart, "bypass_start", nil},
	{"valve_open", protocol.CommandValveOpen, "valve_open", nil}, {"valve_close", protocol.CommandValveClose, "valve_close", nil},
	{"reset", protocol.CommandReset, "reset", nil},
	{`"stop"`, protocol.CommandStop, "stop", nil}, {` " Stop \n" `, protocol.CommandStop, "Stop", nil}, {`"st\u006fp"`, protocol.CommandStop, "stop", nil},
	{`{"action":"stop"}`, protocol.CommandStop, "stop", nil}, {`{"command":"stop"}`, protocol.CommandStop, "stop", nil},
	{"\n{ \"command\" : \" START \" }\n", protocol.CommandStart, "START", nil},
	{`{"action":"start","command":"start"}`, protocol.CommandStart, "start", nil},
	{`{"action":"start","command":"bypass_start"}`, protocol.CommandStart, "start", nil},
	{`{"action":null,"command":"reset","extra":{"a":[1]}}`, protocol.CommandReset, "reset", nil},
	// A stop is a stop whatever else is said.
	{`{"action":"start","command":"stop"}`, protocol.CommandStop, "stop", nil},
	{`{"action":"stop","action":"start"}`, protocol.CommandStop, "stop", nil},
	{`{"action":7,"command":"stop","timestamp":"rubbish"}`, protocol.CommandStop, "stop", nil},

	{"launch", protocol.NoCommand, "launch", nil}, {"1", protocol.NoCommand, "1", nil}, {"true", protocol.NoCommand, "true", nil},
	{"stop now", protocol.NoCommand, "stop now", nil}, {"'stop'", protocol.NoCommand, "'stop'", nil}, {`{"action":"launch"}`, protocol.NoCommand, "launch", nil},
	{`"launch"`, protocol.NoCommand, "launch", nil}, {strings.Repeat("x", 100), protocol.NoCommand, strings.Repeat("x", 64), nil},
	{"a\x01b\u202ec", protocol.NoCommand, "abc", nil}, {"\x01", protocol.NoCommand, "?", nil}, {"<script>", protocol.NoCommand, "<script>", nil},

	{"", 0, "", Empty}, {" \n", 0, "", Empty}, {"\x00\x00", 0, "", Empty}, {"\xff\xfe", 0, "", NotText},
	{`{"action":"stop"`, 0, "", NotJSON}, {`"stop`, 0, "", NotJSON}, {`{action:stop}`, 0, "", NotJSON}, {`{"action":"stop"} x`, 0, "", NotJSON},
	{`[stop]`, 0, "", NotJSON}, {`["stop"]`, 0, "", NoAction}, {`{}`, 0, "", NoAction}, {`{"action":null}`, 0, "", NoAction},
	{`{"action":7}`, 0, "", NoAction}, {`{"action":""}`, 0, "", NoAction}, {`{"action":["stop"]}`, 0, "", NoAction}, {`""`, 0, "", NoAction},
	{`{"action":{"action":"stop"}}`, 0, "", NoAction}, {`{"act":"stop"}`, 0, "", NoAction}, {`{"action":7,"command":"start"}`, 0, "", NoAction},
	{`{"action":"start","command":"reset"}`, 0, "", TwoActions}, {`{"action":"start","command":"launch"}`, 0, "", TwoActions},
	{strings.Repeat("[", 3000), 0, "", NotJSON}, {"stop" + strings.Repeat(" ", MaxPayload), 0, "", TooLarge},
}

func TestAnEmergencyPayloadSaysOneThingInEveryForm(t *testing.T) {
	for _, c := range orders {
		o, err := DecodeEmergency([]byte(c.payload))
		if o.Action != c.want || o.Word != c.word || !errors.Is(err, c.why) || (err == nil) != (c.why == nil) {
			t.Errorf("%.60q: %+v, %v; want %v %q, %v", c.payload, o, err, c.want, c.word, c.why)
		}
	}
}

func TestAnOrdersStampIsItsTimestampOrIssuedAt(t *testing.T) {
	at := time.Unix(1764000000, 500_000_000)
	for text, want := range map[string]time.Time{
		`"timestamp":1764000000.5`: at, `"issued_at":"2025-11-24T16:00:00.5Z"`: at, `"timestamp":null,"issued_at":1764000000.5`: at,
		`"timestamp":"soon"`: {}, `"timestamp":-1`: {}, `"x":1`: {}, `"timestamp":[]`: {},
	} {
		o, err := DecodeEmergency([]byte(`{"action":"start",` + text + `}`))
		if err != nil || o.Action != protocol.CommandStart || !o.Stamp.Equal(want) {
			t.Errorf("%s: %+v, %v", text, o, err)
		}
	}
}

func TestOnlyAnObjectWithActionTriggerTriggers(t *testing.T) {
	for payload, want := range map[string]Trigger{
		`{"action":"trigger"}`:    {},
		` {"action":" Trigger "}`: {},
		`{"action":"trigger","confidence":"high","timestamp":1764000000.5,"instance":"ab12"}`: {"ab12", time.Unix(1764000000, 500_000_000)},
		`{"action":"trigger","instance":7,"timestamp":"never"}`:                               {},
	} {
		if got, err := DecodeTrigger([]byte(payload)); err != nil || got.Instance != want.Instance || !got.Stamp.Equal(want.Stamp) {
			t.Errorf("%s: %+v, %v", payload, got, err)
		}
	}
	for payload, why := range map[string]protocol.Reject{
		"": NotJSON, "trigger": NotJSON, "{": NotJSON, `{"action":"trigger"}x`: NotJSON, "\xff": NotJSON,
		`"trigger"`: NotATrigger, "null": NotATrigger, "[]": NotATrigger, `[{"action":"trigger"}]`: NotATrigger, "1": NotATrigger,
		`{}`: NotATrigger, `{"action":null}`: NotATrigger, `{"action":true}`: NotATrigger, `{"action":"start"}`: NotATrigger,
		`{"action":["trigger"]}`: NotATrigger, `{"command":"trigger"}`: NotATrigger, `{"Action":"trigger"}`: NotATrigger,
		`{"action":"triggers"}`: NotATrigger, `{"action":"trigger","action":"stop"}`: NotATrigger,
		`{"action":"stop","action":"trigger"}`: NotATrigger, `{"a":{"action":"trigger"}}`: NotATrigger,
		`{"action":"trigger"` + strings.Repeat(" ", MaxTrigger) + `}`: TooLarge,
	} {
		if got, err := DecodeTrigger([]byte(payload)); !errors.Is(err, why) || got != (Trigger{}) {
			t.Errorf("%.60q: %+v, %v; want %q", payload, got, err, why)
		}
	}
}

func TestTelemetryNamesACameraOrNobody(t *testing.T) {
	for payload, want := range map[string]struct {
		camera string
		why    error
	}{
		`{"camera_id":"north","fps":5}`: {"north", nil}, `{"camera_id":" AA:BB:CC:DD:EE:0F "}`: {"AA:BB:CC:DD:EE:0F", nil},
		`{"cpu":12}`: {"", nil}, `{"camera_id":null}`: {"", nil}, `{}`: {"", nil},
		`{"camera_id":""}`: {"", BadCamera}, `{"camera_id":7}`: {"", BadCamera}, `{"camera_id":"a\u0000b"}`: {"", BadCamera},
		`{"camera_id":"` + strings.Repeat("x", 129) + `"}`: {"", BadCamera},
		``: {"", NotJSON}, `north`: {"", NotJSON}, `"north"`: {"", NotAnObject}, `[]`: {"", NotAnObject},
		strings.Repeat(" ", MaxTelemetry+1): {"", TooLarge},
	} {
		if got, err := DecodeTelemetry([]byte(payload)); got != want.camera || !errors.Is(err, want.why) {
			t.Errorf("%.60q: %q, %v; want %q, %v", payload, got, err, want.camera, want.why)
		}
	}
}

func FuzzDecodeEmergency(f *testing.F) {
	for _, c := range orders {
		f.Add([]byte(c.payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		o, err := DecodeEmergency(payload)
		if err != nil && o != (Order{}) {
			t.Fatalf("%+v with %v", o, err)
		}
		if len(o.Word) > maxWord || !utf8.ValidString(o.Word) || err == nil && o.Word == "" {
			t.Fatalf("word %q", o.Word)
		}
		if known, ok := protocol.ParseCommand(o.Word); o.Action != protocol.NoCommand && (!ok || known != o.Action) {
			t.Fatalf("%v from the word %q", o.Action, o.Word)
		}
		// A stop survives any white space and case.
		if o.Action == protocol.CommandStop && len(payload) < MaxPayload-2 {
			again, err := DecodeEmergency([]byte("\n" + string(payload) + " "))
			if err != nil || again.Action != protocol.CommandStop {
				t.Fatalf("%q is a stop, with white space it is %+v, %v", payload, again, err)
			}
		}
	})
}

func FuzzDecodeTrigger(f *testing.F) {
	for _, seed := range []string{`{"action":"trigger","instance":"a","timestamp":1}`, `{"action":"trigger","action":"x"}`, `"trigger"`, `{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := DecodeTrigger(payload)
		if err != nil && got != (Trigger{}) {
			t.Fatalf("%+v with %v", got, err)
		}
		if text := strings.TrimSpace(string(payload)); err == nil && (len(text) == 0 || text[0] != '{') {
			t.Fatalf("%q triggers", payload)
		}
		if _, err := DecodeTelemetry(payload); err == nil && len(payload) == 0 {
			t.Fatal("nothing is telemetry")
		}
	})
}

func TestAWordThatAlarmsWereSeenIsNoCommand(t *testing.T) {
	for payload, want := range map[string]Order{
		"ack": {Word: "ack", Seen: true}, " ACKNOWLEDGE\n": {Word: "ACKNOWLEDGE", Seen: true}, `"ack"`: {Word: "ack", Seen: true},
		`{"action":"ack"}`: {Word: "ack", Seen: true},
		`{"code":"camera_offline","subject":"north","command":"ack"}`: {Word: "ack", Seen: true, Code: "camera_offline", Subject: "north"},
		`{"code":7,"subject":"a\u0000b","command":"ack"}`:             {Word: "ack", Seen: true},
		`{"action":"ack","command":"stop","code":"x"}`:                {Word: "stop", Action: protocol.CommandStop},
		`{"action":"start","code":"x"}`:                               {Word: "start", Action: protocol.CommandStart},
		"acks":                                                        {Word: "acks"},
	} {
		if got, err := DecodeEmergency([]byte(payload)); err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", payload, got, err, want)
		}
	}
	for _, both := range []string{`{"action":"ack","command":"start"}`, `{"action":"launch","command":"ack"}`} {
		if _, err := DecodeEmergency([]byte(both)); err != TwoActions {
			t.Errorf("%s: %v", both, err)
		}
	}
}
