package frigate

import (
	"time"

	"wildfire-watch/protocol"
)

// whole is what is known of Frigate itself.
type whole struct {
	heard   time.Time // the newest word of it; zero: none yet
	counted time.Time // the newest figures
	version string
	cameras int
	told    protocol.NVRStatus
}

// until is when its figures have been missing for too long; zero: that is said, or nothing is awaited.
func (w *whole) until() time.Time {
	if w.counted.IsZero() || !w.told.Running {
		return time.Time{}
	}
	return w.counted.Add(heardWithin)
}

// tellWhole notes a sign of life and tells how Frigate is: with each message of figures, and when it is
// another than before. Its figures, its word and its API are such signs; events may be anybody's. One
// that has never told figures is not missed when it is silent.
func (m *Machine) tellWhole(in any, now time.Time) {
	w := &m.whole
	figures := false
	switch in := in.(type) {
	case Counted:
		if figures = len(in.Cameras) > 0; figures {
			w.heard, w.counted, w.version, w.cameras = now, now, in.Version, len(in.Cameras)
		}
	case Available:
		if in.Word == "online" {
			w.heard = now
		}
	case Fetched:
		if in.Problem == "" {
			w.heard = now
		}
	}
	s := protocol.NVRStatus{Seen: !w.heard.IsZero() || m.offline, Stopped: m.offline, Version: w.version,
		Cameras: w.cameras, Heard: w.told.Heard, API: m.rules.HasAPI && m.fetch.tried && m.fetch.problem == ""}
	s.Running = s.Seen && !m.offline && (w.counted.IsZero() || now.Sub(w.counted) < heardWithin)
	if figures || s != w.told {
		s.Heard = w.heard
		w.told = s
		m.tell(s)
	}
}
