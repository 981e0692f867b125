package frigate

import (
	"wildfire-watch/protocol/scan"
)

// ActiveObject is one object of an activity answer. It has no time and no box.
type ActiveObject struct {
	ID    string
	Label string // lower case, without "-verified"
	// Score is 0-1 and Area pixels, above 0, of the frame in which it was last seen.
	Score, Area float64
}

// CameraActivity is one camera's part of an activity answer.
type CameraActivity struct {
	Camera  string
	Objects []ActiveObject
}

// DecodeActivity reads an answer on <prefix>/camera_activity. Only objects whose label is wanted
// are returned, in the order written. An object or a camera that is not well-formed is left out and
// counted in malformed: it must not cost the others. The error is a protocol.Reject.
func DecodeActivity(payload []byte, wanted func(label string) bool) (
	cameras []CameraActivity, malformed int, err error,
) {
	if len(payload) > MaxActivity {
		return nil, 0, TooLarge
	}
	whole, ok := scan.Parse(payload)
	if !ok || whole.Kind() != scan.Object {
		return nil, 0, NotJSON
	}
	for name, v := range whole.Fields() {
		camera, ok := scan.Name(string(name), scan.MaxName)
		if !ok || v.Kind() != scan.Object {
			malformed++
			continue
		}
		listed := CameraActivity{Camera: camera}
		for item := range v.Field("objects").Items() {
			o, ok := active(item)
			if !ok {
				malformed++
			} else if wanted(o.Label) {
				listed.Objects = append(listed.Objects, o)
			}
		}
		cameras = append(cameras, listed)
	}
	return cameras, malformed, nil
}

func active(item scan.Value) (o ActiveObject, ok bool) {
	var id, label, score, area scan.Value
	for name, v := range item.Fields() {
		switch string(name) {
		case "id":
			id = v
		case "label":
			label = v
		case "score":
			score = v
		case "area":
			area = v
		}
	}
	if o.ID, ok = id.Name(scan.MaxName); !ok {
		return o, false
	}
	if o.Label, ok = label.Label(); !ok {
		return o, false
	}
	if o.Score, ok = share(score); !ok {
		return o, false
	}
	o.Area, ok = area.Number()
	return o, ok && o.Area > 0
}
