// Package detection is the codec of fire/detection and fire/detection/<camera>: what any program
// other than Frigate reports (SPEC §2, §4).
//
//	{"camera_id": "north", "object_id": "7", "label": "fire", "confidence": 0.83,
//	 "bbox": [0.41, 0.52, 0.47, 0.60], "timestamp": 1764000000.25}
//
// It decides whether a payload is a well-formed sighting; whether it counts as fire is decided by
// the camera. It promises that a rejected payload has one short stable reason and yields nothing.
// It must never let a number through that is not finite and inside its range.
//
// Shares and pixels are told apart by value alone: a box whose four numbers are all at most 1 is in
// shares; any other is in pixels. (Read as pixels, the first would be one pixel at most.) A box
// with a number above 1 and one strictly between 0 and 1 mixes the two and is rejected, so a sender
// of pixels rounds them. Pixels are measured by the payload's own width and height, else by the
// camera's detect size; unknown, the box is rejected, because a guessed frame gives a false area.
package detection

import (
	"bytes"
	"math"
	"strings"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/scan"
)

// MaxPayload bounds a payload, in bytes.
const MaxPayload = 64 << 10

// Why a payload is rejected.
const (
	TooLarge      protocol.Reject = "size"            // above MaxPayload
	NotJSON       protocol.Reject = "json"            // not one well-formed JSON object
	Repeated      protocol.Reject = "repeated field"  // a field that is read, written twice
	BadCamera     protocol.Reject = "camera"          // none, empty, not a name
	OtherCamera   protocol.Reject = "camera mismatch" // the payload names another than the topic
	BadObject     protocol.Reject = "object"          // neither name nor number
	BadLabel      protocol.Reject = "label"
	BadConfidence protocol.Reject = "confidence" // not a JSON number in 0-1
	BadBox        protocol.Reject = "box"
	UnknownFrame  protocol.Reject = "frame size" // pixels of a frame whose size nobody knows
)

// defaultLabel is what a program means that reports on fire/detection without saying what.
const defaultLabel = "fire"

// Frame tells the size of a camera's detect stream in pixels; 0, 0 if unknown.
type Frame func(camera string) (width, height int)

// fields are those that are read.
type fields struct {
	camera, object, label, confidence, box, otherBox, width, height, stamp scan.Value
}

// Decode reads a payload that came on the topic of topicCamera (empty for plain fire/detection).
// The topic's camera wins; a payload that names another is rejected. The caller fills in Arrived
// and Wall. Without a label it is "fire"; without an object_id Object is empty. An error is a
// protocol.Reject.
func Decode(topicCamera string, payload []byte, frame Frame) (protocol.Detected, error) {
	var d protocol.Detected
	if len(payload) > MaxPayload {
		return d, TooLarge
	}
	whole, ok := scan.Parse(payload)
	if !ok || whole.Kind() != scan.Object {
		return d, NotJSON
	}
	f, ok := read(whole)
	if !ok {
		return d, Repeated
	}
	var err error
	if d.Camera, err = cameraOf(topicCamera, f.camera); err != nil {
		return protocol.Detected{}, err
	}
	if d.Confidence, ok = f.confidence.Number(); !ok || d.Confidence < 0 || d.Confidence > 1 {
		return protocol.Detected{}, BadConfidence
	}
	if d.Object, ok = objectOf(f.object); !ok {
		return protocol.Detected{}, BadObject
	}
	if d.Label, ok = labelOf(f.label); !ok {
		return protocol.Detected{}, BadLabel
	}
	if d.Box, err = boxOf(f, d.Camera, frame); err != nil {
		return protocol.Detected{}, err
	}
	d.HasBox, d.Area, d.Stamp = true, d.Box.Area(), f.stamp.Stamp()
	return d, nil
}

// read finds the fields; false if one stands there twice: two readers could read it two ways.
func read(whole scan.Value) (f fields, ok bool) {
	for name, v := range whole.Fields() {
		var field *scan.Value
		switch string(name) {
		case "camera_id":
			field = &f.camera
		case "object_id":
			field = &f.object
		case "label":
			field = &f.label
		case "confidence":
			field = &f.confidence
		case "bbox":
			field = &f.box
		case "bounding_box":
			field = &f.otherBox
		case "width":
			field = &f.width
		case "height":
			field = &f.height
		case "timestamp":
			field = &f.stamp
		default:
			continue
		}
		if field.Kind() != scan.Missing {
			return f, false
		}
		*field = v
	}
	return f, true
}

// cameraOf: null or an empty string in the payload names nobody.
func cameraOf(topic string, v scan.Value) (string, error) {
	if topic != "" {
		name, ok := scan.Name(topic, scan.MaxName)
		if !ok {
			return "", BadCamera
		}
		topic = name
	}
	if v.Given() {
		name, ok := v.Name(scan.MaxName)
		switch {
		case ok && (topic == "" || same(topic, name)):
			if topic == "" {
				return name, nil
			}
		case ok:
			return "", OtherCamera
		case topic == "" || string(v.Raw()) != `""`:
			return "", BadCamera
		}
	}
	if topic == "" {
		return "", BadCamera
	}
	return topic, nil
}

// same says whether two names are one: letter by letter, or as the same MAC in two spellings.
func same(a, b string) bool {
	if a == b {
		return true
	}
	const mac = len("aa:bb:cc:dd:ee:ff")
	return len(a) == mac && strings.Count(strings.ReplaceAll(a, "-", ":"), ":") == 5 &&
		strings.EqualFold(strings.ReplaceAll(a, "-", ":"), strings.ReplaceAll(b, "-", ":"))
}

// objectOf takes a name or a number, as trackers count; null and empty are none.
func objectOf(v scan.Value) (string, bool) {
	switch {
	case !v.Given() || string(v.Raw()) == `""`:
		return "", true
	case v.Kind() == scan.Number && len(v.Raw()) <= scan.MaxName:
		return string(v.Raw()), true
	}
	return v.Name(scan.MaxName)
}

func labelOf(v scan.Value) (string, bool) {
	if !v.Given() {
		return defaultLabel, true
	}
	return v.Label()
}

func boxOf(f fields, camera string, frame Frame) (protocol.Box, error) {
	v := f.box
	if !v.Given() {
		v = f.otherBox
	} else if f.otherBox.Given() && !bytes.Equal(v.Raw(), f.otherBox.Raw()) {
		return protocol.Box{}, BadBox
	}
	corners, ok := v.Corners()
	if !ok {
		return protocol.Box{}, BadBox
	}
	if shares(&corners) {
		return protocol.Box{X1: corners[0], Y1: corners[1], X2: corners[2], Y2: corners[3]}, nil
	}
	for _, c := range corners {
		if c > 0 && c < 1 {
			return protocol.Box{}, BadBox
		}
	}
	w, h, ok := frameOf(f, camera, frame)
	if !ok {
		return protocol.Box{}, UnknownFrame
	}
	if corners[2] > w || corners[3] > h {
		return protocol.Box{}, BadBox
	}
	b := protocol.Box{X1: corners[0] / w, Y1: corners[1] / h,
		X2: corners[2] / w, Y2: corners[3] / h}
	if !(b.Area() > 0) {
		return protocol.Box{}, BadBox
	}
	return b, nil
}

// rounding is how far above 1 a share may be by the sender's own arithmetic.
const rounding = 1e-6

// shares says whether the corners are shares, and takes the rounding off them.
func shares(corners *[4]float64) bool {
	for _, c := range corners {
		if c > 1+rounding {
			return false
		}
	}
	for i := range corners {
		corners[i] = math.Min(corners[i], 1)
	}
	return corners[0] < corners[2] && corners[1] < corners[3]
}

// maxSide bounds a stated frame; no camera comes near it.
const maxSide = 1 << 20

// frameOf is the frame that pixels are measured by.
func frameOf(f fields, camera string, frame Frame) (w, h float64, ok bool) {
	if f.width.Given() || f.height.Given() {
		w, okW := f.width.Number()
		h, okH := f.height.Number()
		return w, h, okW && okH && w >= 1 && h >= 1 && w <= maxSide && h <= maxSide
	}
	if frame == nil {
		return 0, 0, false
	}
	width, height := frame(camera)
	return float64(width), float64(height), width > 0 && height > 0
}
