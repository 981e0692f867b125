package detection

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// knows is a Frame that knows the cameras in it.
func knows(camera string, width, height int) Frame {
	return func(asked string) (int, int) {
		if asked == camera {
			return width, height
		}
		return 0, 0
	}
}

const good = `{"camera_id":"north","object_id":"a7","label":"fire","confidence":0.83,` +
	`"bbox":[0.25,0.5,0.5,1],"timestamp":1764000000.25}`

// with replaces or adds one field of the good payload; an empty value removes it.
func with(name, value string) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(good), &fields); err != nil {
		panic(err)
	}
	delete(fields, name)
	text := ""
	for n, v := range fields {
		text += `"` + n + `":` + string(v) + ","
	}
	if value != "" {
		text += `"` + name + `":` + value + ","
	}
	return "{" + strings.TrimSuffix(text, ",") + "}"
}

func TestAWellFormedDetectionIsReadWhole(t *testing.T) {
	d, err := Decode("", []byte(good), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := protocol.Detected{Camera: "north", Object: "a7", Label: "fire", Confidence: 0.83, Area: 0.125,
		Box: protocol.Box{X1: 0.25, Y1: 0.5, X2: 0.5, Y2: 1}, HasBox: true, Stamp: time.Unix(1764000000, 250_000_000)}
	if d != want {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
}

// rejections: a field, its value, the reason. They are also fuzz seeds.
var rejections = []struct {
	field, value string
	why          protocol.Reject
}{
	{"confidence", ``, BadConfidence}, {"confidence", `null`, BadConfidence}, {"confidence", `NaN`, BadConfidence},
	{"confidence", `Infinity`, BadConfidence}, {"confidence", `-Infinity`, BadConfidence}, {"confidence", `true`, BadConfidence},
	{"confidence", `"0.9"`, BadConfidence}, {"confidence", `95`, BadConfidence}, {"confidence", `1.0000001`, BadConfidence},
	{"confidence", `-0.1`, BadConfidence}, {"confidence", `[0.9]`, BadConfidence}, {"confidence", `{"v":0.9}`, BadConfidence},
	{"confidence", `1e999`, BadConfidence}, {"confidence", `.9`, NotJSON}, {"confidence", `0.9.`, NotJSON},

	{"camera_id", ``, BadCamera}, {"camera_id", `null`, BadCamera}, {"camera_id", `""`, BadCamera}, {"camera_id", `"  "`, BadCamera},
	{"camera_id", `7`, BadCamera}, {"camera_id", `["north"]`, BadCamera}, {"camera_id", `"no\u0000rth"`, BadCamera},
	{"camera_id", `"` + strings.Repeat("x", 129) + `"`, BadCamera}, {"camera_id", `"` + strings.Repeat("x", 40000) + `"`, BadCamera},

	{"object_id", `true`, BadObject}, {"object_id", `[1]`, BadObject}, {"object_id", `"a\nb"`, BadObject},
	{"object_id", `"` + strings.Repeat("x", 129) + `"`, BadObject}, {"object_id", strings.Repeat("7", 129), BadObject},
	{"label", `7`, BadLabel}, {"label", `""`, BadLabel}, {"label", `["fire"]`, BadLabel}, {"label", `"-verified"`, BadLabel},
	{"label", `"` + strings.Repeat("x", 65) + `"`, BadLabel},

	{"bbox", ``, BadBox}, {"bbox", `null`, BadBox}, {"bbox", `[]`, BadBox}, {"bbox", `[0.1,0.1,0.2]`, BadBox},
	{"bbox", `[0.1,0.1,0.2,0.2,0.3]`, BadBox}, {"bbox", `"0.1,0.1,0.2,0.2"`, BadBox}, {"bbox", `{"x1":0.1}`, BadBox},
	{"bbox", `[NaN,0.1,0.2,0.2]`, BadBox}, {"bbox", `[0.1,0.1,Infinity,0.2]`, BadBox}, {"bbox", `[-0.1,0.1,0.2,0.2]`, BadBox},
	{"bbox", `[-10,10,200,200]`, BadBox}, {"bbox", `[0.3,0.1,0.2,0.2]`, BadBox}, {"bbox", `[0.1,0.3,0.2,0.2]`, BadBox},
	{"bbox", `[0.2,0.1,0.2,0.2]`, BadBox}, {"bbox", `[0.1,0.2,0.2,0.2]`, BadBox}, {"bbox", `[0,0,0,0]`, BadBox},
	{"bbox", `[0.1,0.1,300,300]`, BadBox}, {"bbox", `[0.1,0.1,0.5,300]`, BadBox}, {"bbox", `[0.1,0.1,0.5,1.1]`, BadBox},
	{"bbox", `[10,10,300,0.5]`, BadBox}, {"bbox", `[10,10,641,100]`, BadBox}, {"bbox", `[10,10,100,481]`, BadBox},
	{"bbox", `[700,500,900,600]`, BadBox}, {"bbox", `[true,0,1,1]`, BadBox}, {"bbox", `["0",0,1,1]`, BadBox},
	{"bbox", `[0,0,1e999,1]`, BadBox}, {"bbox", `[1,0,1.0000005,1]`, BadBox},

	{"extra", strings.Repeat("[", 65) + strings.Repeat("]", 65), NotJSON},
	{"extra", `"` + strings.Repeat("x", MaxPayload) + `"`, TooLarge},
}

func TestWhatIsNotWellFormedIsRejectedByReason(t *testing.T) {
	for _, c := range rejections {
		payload := with(c.field, c.value)
		d, err := Decode("", []byte(payload), knows("north", 640, 480))
		if !errors.Is(err, c.why) || d != (protocol.Detected{}) {
			t.Errorf("%.120s: got %+v, %v; want %q", payload, d, err, c.why)
		}
	}
}

func TestAPayloadThatIsNoObjectIsRejected(t *testing.T) {
	for _, payload := range []string{"", "null", "[]", `"fire"`, "0.9", good[:len(good)-1], good + "x", good + good, "\x00", "fire"} {
		if _, err := Decode("north", []byte(payload), nil); !errors.Is(err, NotJSON) {
			t.Errorf("%q: %v, want %q", payload, err, NotJSON)
		}
	}
}

func TestAFieldWrittenTwiceIsRejected(t *testing.T) {
	for _, field := range []string{`"confidence":0.9`, `"bbox":[0,0,1,1]`, `"camera_id":"north"`, `"timestamp":1`, `"conf\u0069dence":1`} {
		payload := strings.Replace(good, "{", "{"+field+",", 1)
		if _, err := Decode("", []byte(payload), nil); !errors.Is(err, Repeated) {
			t.Errorf("%s: %v, want %q", payload, err, Repeated)
		}
	}
	if _, err := Decode("", []byte(strings.Replace(good, "{", `{"note":1,"note":2,`, 1)), nil); err != nil {
		t.Errorf("a repeated field that nobody reads: %v", err)
	}
}

func TestConfidenceMayBeAnyNumberFromZeroToOne(t *testing.T) {
	for text, want := range map[string]float64{"0": 0, "-0": 0, "1": 1, "1.0": 1, "0.7": 0.7, "7e-1": 0.7, "1e-400": 0} {
		d, err := Decode("", []byte(with("confidence", text)), nil)
		if err != nil || d.Confidence != want {
			t.Errorf("%s: %v, %v", text, d.Confidence, err)
		}
	}
}

func TestTheTopicsCameraWins(t *testing.T) {
	cases := []struct {
		topic, payload, want string
		why                  error
	}{
		{"north", `"north"`, "north", nil},
		{"north", ``, "north", nil},
		{"north", `null`, "north", nil},
		{"north", `""`, "north", nil},
		{"north", `" north "`, "north", nil},
		{"AA:BB:CC:DD:EE:0F", `"aa-bb-cc-dd-ee-0f"`, "AA:BB:CC:DD:EE:0F", nil},
		{"north", `"south"`, "", OtherCamera},
		{"north", `"North"`, "", OtherCamera},
		{"AA:BB:CC:DD:EE:0F", `"aa-bb-cc-dd-ee-0e"`, "", OtherCamera},
		{"north", `7`, "", BadCamera},
		{"north", `"  "`, "", BadCamera},
		{"no\x00rth", `"north"`, "", BadCamera},
		{strings.Repeat("x", 129), ``, "", BadCamera},
		{"  ", ``, "", BadCamera},
	}
	for _, c := range cases {
		d, err := Decode(c.topic, []byte(with("camera_id", c.payload)), nil)
		if d.Camera != c.want || !errors.Is(err, c.why) {
			t.Errorf("topic %q, payload %s: %q, %v; want %q, %v", c.topic, c.payload, d.Camera, err, c.want, c.why)
		}
	}
}

func TestObjectsAreNamesOrNumbersOrNothing(t *testing.T) {
	for text, want := range map[string]string{``: "", `null`: "", `""`: "", `"a 7"`: "a 7", `7`: "7", `-1`: "-1", `"1764.5-abc"`: "1764.5-abc"} {
		d, err := Decode("", []byte(with("object_id", text)), nil)
		if err != nil || d.Object != want {
			t.Errorf("%s: %q, %v", text, d.Object, err)
		}
	}
}

func TestWithoutALabelItIsFire(t *testing.T) {
	for text, want := range map[string]string{``: "fire", `null`: "fire", `"Smoke"`: "smoke", `"fire-verified"`: "fire", `"person"`: "person"} {
		d, err := Decode("", []byte(with("label", text)), nil)
		if err != nil || d.Label != want {
			t.Errorf("%s: %q, %v", text, d.Label, err)
		}
	}
}

func TestAStampThatCannotBeReadLeavesTheArrival(t *testing.T) {
	for _, text := range []string{``, `null`, `"soon"`, `-1`, `NaN`, `true`, `{}`} {
		d, err := Decode("", []byte(with("timestamp", text)), nil)
		if err != nil || !d.Stamp.IsZero() {
			t.Errorf("%s: %v, %v", text, d.Stamp, err)
		}
	}
}

func TestSharesAndPixelsOfTheSameBoxHaveTheSameArea(t *testing.T) {
	frame := knows("north", 640, 480)
	cases := []struct {
		name, payload string
		want          protocol.Box
	}{
		{"shares", with("bbox", `[0.25,0.5,0.5,1]`), protocol.Box{X1: 0.25, Y1: 0.5, X2: 0.5, Y2: 1}},
		{"the other name", with("bbox", `null,"bounding_box":[0.25,0.5,0.5,1]`), protocol.Box{X1: 0.25, Y1: 0.5, X2: 0.5, Y2: 1}},
		{"both names alike", with("bbox", `[0,0,1,1],"bounding_box":[0,0,1,1]`), protocol.Box{X2: 1, Y2: 1}},
		{"shares with a size", with("bbox", `[0.25,0.5,0.5,1],"width":1920,"height":1080`), protocol.Box{X1: 0.25, Y1: 0.5, X2: 0.5, Y2: 1}},
		{"the whole frame", with("bbox", `[0,0,1,1]`), protocol.Box{X2: 1, Y2: 1}},
		{"rounding", with("bbox", `[0,0,1.0000000000000002,1]`), protocol.Box{X2: 1, Y2: 1}},
		{"pixels of the detect stream", with("bbox", `[160,240,320,480]`), protocol.Box{X1: 0.25, Y1: 0.5, X2: 0.5, Y2: 1}},
		{"pixels of its own frame", with("bbox", `[480,540,960,1080],"width":1920,"height":1080`), protocol.Box{X1: 0.25, Y1: 0.5, X2: 0.5, Y2: 1}},
		{"pixels from the corner", with("bbox", `[0,1,320,481],"width":640,"height":481`), protocol.Box{Y1: 1.0 / 481, X2: 0.5, Y2: 1}},
		{"null sizes", with("bbox", `[160,240,320,480],"width":null,"height":null`), protocol.Box{X1: 0.25, Y1: 0.5, X2: 0.5, Y2: 1}},
	}
	for _, c := range cases {
		d, err := Decode("", []byte(c.payload), frame)
		if err != nil || d.Box != c.want || math.Abs(d.Area-c.want.Area()) > 1e-12 {
			t.Errorf("%s: %+v area %v, %v", c.name, d.Box, d.Area, err)
		}
	}
}

func TestPixelsOfAFrameThatNobodyKnowsAreRejected(t *testing.T) {
	for name, c := range map[string]struct {
		size  string
		frame Frame
		why   protocol.Reject
	}{
		"no frame":       {``, nil, UnknownFrame},
		"another camera": {``, knows("south", 640, 480), UnknownFrame},
		"width alone":    {`,"width":640`, knows("north", 640, 480), UnknownFrame},
		"zero":           {`,"width":0,"height":0`, knows("north", 640, 480), UnknownFrame},
		"negative":       {`,"width":-640,"height":-480`, nil, UnknownFrame},
		"text":           {`,"width":"640","height":"480"`, nil, UnknownFrame},
		"huge":           {`,"width":1e30,"height":1e30`, nil, UnknownFrame},
		"NaN":            {`,"width":NaN,"height":480`, nil, UnknownFrame},
		"too small":      {`,"width":300,"height":400`, nil, BadBox},
		"two boxes":      {`,"bounding_box":[160,240,320,479],"width":640,"height":480`, nil, BadBox},
	} {
		if _, err := Decode("", []byte(with("bbox", `[160,240,320,480]`+c.size)), c.frame); !errors.Is(err, c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
}

func TestDecodingCostsFewAllocations(t *testing.T) {
	payload, frame := []byte(good), knows("north", 640, 480)
	if n := testing.AllocsPerRun(100, func() { _, _ = Decode("north", payload, frame) }); n > 2 {
		t.Errorf("%v allocations a detection, want at most 2: camera and object", n)
	}
}

// FuzzDecode: whatever comes, nothing leaves that is not a sound sighting.
func FuzzDecode(f *testing.F) {
	f.Add("", []byte(good))
	for _, c := range rejections {
		if len(c.value) < 1000 {
			f.Add("north", []byte(with(c.field, c.value)))
		}
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		d, err := Decode(topic, payload, knows("north", 640, 480))
		if err != nil {
			var why protocol.Reject
			if !errors.As(err, &why) || why == "" || d != (protocol.Detected{}) {
				t.Fatalf("rejected with %v and %+v", err, d)
			}
			return
		}
		b := d.Box
		switch {
		case d.Camera == "" || len(d.Camera) > 128 || len(d.Object) > 128:
			t.Fatalf("names %q %q", d.Camera, d.Object)
		case topic != "" && d.Camera != strings.TrimSpace(topic):
			t.Fatalf("camera %q on the topic of %q", d.Camera, topic)
		case d.Label == "" || d.Label != strings.ToLower(d.Label):
			t.Fatalf("label %q", d.Label)
		case !(d.Confidence >= 0 && d.Confidence <= 1):
			t.Fatalf("confidence %v", d.Confidence)
		case !(b.X1 >= 0 && b.Y1 >= 0 && b.X1 < b.X2 && b.Y1 < b.Y2 && b.X2 <= 1 && b.Y2 <= 1):
			t.Fatalf("box %v", b)
		case !(d.Area > 0 && d.Area <= 1):
			t.Fatalf("area %v", d.Area)
		}
		if !json.Valid(payload) && !strings.Contains(string(payload), "NaN") && !strings.Contains(string(payload), "Infinity") {
			t.Fatalf("accepted what is not JSON")
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	frame := knows("north", 640, 480)
	for name, payload := range map[string]string{"shares": good, "pixels": with("bbox", `[160,240,320,480]`)} {
		b.Run(name, func(b *testing.B) {
			text := []byte(payload)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode("north", text, frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
