// Package frigate is the codec of Frigate's interface, releases 0.12 to 0.17: events, activity
// answers, statistics, the status of a camera, and the part of the configuration that says how large
// each detect stream is and which hosts the pictures come from. It must never keep a login that
// stands in an address there.
//
// It promises to be lenient where releases differ (unknown fields, missing ones, whole or broken
// numbers, any sub_label) and strict where a wrong number would count as fire: score, box and area
// are finite and inside their range or the sighting is rejected with one short stable reason.
// It must never need a release's name to read its messages.
package frigate

import (
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/scan"
)

// Bounds on payloads, in bytes. An event of a long-lived, moving object carries its whole path
// four times (0.16 on), so its bound is generous.
const (
	MaxEvent    = 256 << 10
	MaxActivity = 1 << 20
	MaxConfig   = 4 << 20
)

// Why a message is rejected.
const (
	TooLarge      protocol.Reject = "size"
	NotJSON       protocol.Reject = "json"  // not one well-formed JSON object
	NoState       protocol.Reject = "after" // an event without its object's state
	BadCamera     protocol.Reject = "camera"
	BadObject     protocol.Reject = "object"
	BadLabel      protocol.Reject = "label"
	BadConfidence protocol.Reject = "confidence" // score is not a JSON number in 0-1
	BadBox        protocol.Reject = "box"
	BadArea       protocol.Reject = "area"
)

// Event is one message of <prefix>/events: the object's state after what happened.
type Event struct {
	Camera string
	ID     string // empty if Frigate gave none
	Label  string // lower case, without "-verified"
	// Score is that of the frame, 0-1; never top_score, which cannot fall.
	Score float64
	// FrameTime is when the picture was taken, on Frigate's clock; zero if missing.
	FrameTime time.Time
	// Box is [x1, y1, x2, y2] in pixels of the detect stream; valid if HasBox.
	Box    [4]float64
	HasBox bool
	// Area is in pixels, above 0: Frigate's own, else the box's.
	Area          float64
	FalsePositive bool
	Ended         bool
}

// DecodeEvent reads one message of <prefix>/events. On an error, a protocol.Reject, only Camera of
// the event may be set, for the report.
func DecodeEvent(payload []byte) (Event, error) {
	if len(payload) > MaxEvent {
		return Event{}, TooLarge
	}
	whole, ok := scan.Parse(payload)
	if !ok || whole.Kind() != scan.Object {
		return Event{}, NotJSON
	}
	var kind, after scan.Value
	for name, v := range whole.Fields() {
		switch string(name) {
		case "type":
			kind = v
		case "after":
			after = v
		}
	}
	if after.Kind() != scan.Object {
		return Event{}, NoState
	}
	e, err := state(after)
	if err != nil {
		return Event{Camera: e.Camera}, err
	}
	e.Ended = e.Ended || string(kind.Raw()) == `"end"`
	return e, nil
}

// state reads an object's state.
func state(after scan.Value) (e Event, err error) {
	var camera, id, label, score, box, area scan.Value
	for name, v := range after.Fields() {
		switch string(name) {
		case "camera":
			camera = v
		case "id":
			id = v
		case "label":
			label = v
		case "score":
			score = v
		case "box":
			box = v
		case "area":
			area = v
		case "frame_time":
			e.FrameTime = v.Stamp()
		case "false_positive":
			e.FalsePositive = v.True()
		case "end_time":
			e.Ended = v.Given()
		}
	}
	ok := true
	if e.Camera, ok = camera.Name(scan.MaxName); !ok {
		return e, BadCamera
	}
	if id.Given() {
		if e.ID, ok = id.Name(scan.MaxName); !ok {
			return e, BadObject
		}
	}
	if e.Label, ok = label.Label(); !ok {
		return e, BadLabel
	}
	if e.Score, ok = share(score); !ok {
		return e, BadConfidence
	}
	return e, e.measure(box, area)
}

// measure reads box and area; one of them may be missing.
func (e *Event) measure(box, area scan.Value) error {
	if box.Given() {
		if e.Box, e.HasBox = box.Corners(); !e.HasBox {
			return BadBox
		}
		e.Area = (e.Box[2] - e.Box[0]) * (e.Box[3] - e.Box[1])
	}
	if area.Given() {
		var ok bool
		if e.Area, ok = area.Number(); !ok || !(e.Area > 0) {
			return BadArea
		}
	}
	if e.Area == 0 {
		return BadBox
	}
	return nil
}

func share(v scan.Value) (float64, bool) {
	f, ok := v.Number()
	return f, ok && f >= 0 && f <= 1
}
