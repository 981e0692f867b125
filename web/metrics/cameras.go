package metrics

import (
	"cmp"
	"slices"

	"wildfire-watch/protocol"
)

// maxCameras is how many cameras are told by name; the rest is "other".
const maxCameras = 200

// eachCamera tells a figure of each of the first maxCameras by name. The others share one: the worst of
// them, as pick says. A camera that is called as they are is one of them.
func eachCamera(figure func(protocol.CameraLine) float64,
	pick func(a, b float64) float64,
) func(*view, func(float64, ...string)) {
	return func(v *view, say func(float64, ...string)) {
		cameras := v.Cameras
		if byName := func(a, b protocol.CameraLine) int { return cmp.Compare(a.Name, b.Name) }; !slices.IsSortedFunc(cameras, byName) {
			cameras = slices.SortedFunc(slices.Values(cameras), byName)
		}
		told := make(map[string]bool, min(len(cameras), maxCameras))
		rest, more := 0.0, false
		for _, c := range cameras {
			name, value := label(c.Name), figure(c)
			if len(told) < maxCameras && name != other && !told[name] {
				told[name] = true
				say(value, name)
				continue
			}
			if rest = pick(rest, value); !more {
				rest, more = value, true
			}
		}
		if more {
			say(rest, other)
		}
	}
}

func countCameras(is func(protocol.CameraLine) bool) func(*view, func(float64, ...string)) {
	return func(v *view, say func(float64, ...string)) {
		n := 0
		for _, c := range v.Cameras {
			if is(c) {
				n++
			}
		}
		say(float64(n))
	}
}
