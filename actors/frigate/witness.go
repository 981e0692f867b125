package frigate

import (
	"maps"
	"slices"
	"strings"
	"time"

	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
)

// Frigate is a witness of its cameras' health: it holds the streams open that we only knock at.

// heardWithin is how long its word counts: 2.5 times the minute between two of its messages of
// figures. Older ones say nothing, least of all that a camera runs.
const heardWithin = 150 * time.Second

// witness is what Frigate says of its cameras.
type witness struct {
	cameras map[string]*watched
	// looking is the camera whose picture is being fetched; empty: none. paused is until when none
	// is, because the last could not be had.
	looking string
	paused  time.Time
	until   time.Time // something may be due; zero: nothing is
}

// watched is one camera in Frigate's words.
type watched struct {
	name    string
	hosts   []string
	fps     float64
	counted time.Time // the newest figures
	status  wire.Status
	said    time.Time // the newest status
	told    protocol.NVRCamera
	ever    bool // told is one
	// asked is when its picture was last asked for; print the newest picture, same how often in a
	// row it was that one.
	asked time.Time
	print Print
	same  int
}

// counted takes a message of figures. Every camera in it is told anew: who hears it learns from that
// that the figures go on.
func (m *Machine) counted(in Counted, now time.Time) {
	m.back(now)
	for _, c := range in.Cameras {
		w := m.watch(c.Camera, now)
		if w == nil {
			m.reject("frigate/stats", "too many cameras", c.Camera)
			continue
		}
		w.fps, w.counted = c.CameraFPS, now
		if w.fps == 0 {
			w.same = 0 // what comes after is another stream
		}
		m.settle(w, now, true)
	}
	for name, w := range m.witness.cameras {
		if len(w.hosts) == 0 && now.Sub(w.counted) >= forgottenAfter {
			delete(m.witness.cameras, name)
		}
	}
}

// reported takes a camera's status. It makes no camera known: the topic is open to anybody.
func (m *Machine) reported(in Reported, now time.Time) {
	if w := m.witness.cameras[in.Camera]; w != nil {
		w.status, w.said = in.Status, now
		m.settle(w, now, false)
	}
}

// located takes the hosts of all cameras.
func (m *Machine) located(hosts map[string][]string, now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		m.watch(name, now)
	}
	for _, name := range slices.Sorted(maps.Keys(m.witness.cameras)) {
		w := m.witness.cameras[name]
		w.hosts = hosts[name]
		m.settle(w, now, false)
	}
}

// watch is the camera of that name, made if there is room; nil: there is none.
func (m *Machine) watch(name string, now time.Time) *watched {
	w := m.witness.cameras[name]
	if w != nil {
		return w
	}
	if len(m.witness.cameras) >= m.rules.MaxCameras {
		var oldest *watched
		for _, other := range m.witness.cameras {
			if oldest == nil || other.counted.Before(oldest.counted) {
				oldest = other
			}
		}
		if now.Sub(oldest.counted) < heardWithin {
			return nil
		}
		delete(m.witness.cameras, oldest.name)
	}
	w = &watched{name: name}
	m.witness.cameras[name] = w
	return w
}

// fresh says whether its figures count, spoken whether its status does.
func (w *watched) fresh(now time.Time) bool {
	return !w.counted.IsZero() && now.Sub(w.counted) < heardWithin
}

func (w *watched) spoken(now time.Time) bool {
	return !w.said.IsZero() && now.Sub(w.said) < heardWithin
}

// verdict is what to think of the camera now. Each word of trouble counts; that it runs takes fresh
// figures.
func (m *Machine) verdict(w *watched, now time.Time) protocol.NVRCamera {
	v := protocol.NVRCamera{Name: w.name, Hosts: w.hosts, At: now}
	switch fresh, spoken := w.fresh(now), w.spoken(now); {
	case m.offline:
		v.Problem = protocol.NVRUnknown
	case spoken && w.status == wire.Disabled:
		v.Problem = protocol.NVRDisabled
	case spoken && w.status == wire.Offline:
		v.Problem = protocol.NVROffline
	case !fresh:
		v.Problem = protocol.NVRUnknown
	case w.fps == 0:
		v.Problem = protocol.NVRNoPictures
	case w.same >= sameIsFrozen:
		v.Problem, v.FPS = protocol.NVRFrozen, w.fps
	default:
		v.Running, v.FPS, v.At = true, w.fps, w.counted
	}
	return v
}

// settle tells the verdict if it is another one, or always, and notes when it may change by itself.
func (m *Machine) settle(w *watched, now time.Time, always bool) {
	v := m.verdict(w, now)
	if always || !w.ever || v.Running != w.told.Running || v.Problem != w.told.Problem ||
		!slices.Equal(v.Hosts, w.told.Hosts) {
		w.told, w.ever = v, true
		m.tell(v)
	}
	note := func(at time.Time) {
		if m.witness.until.IsZero() || at.Before(m.witness.until) {
			m.witness.until = at
		}
	}
	if w.fresh(now) {
		note(w.counted.Add(heardWithin))
	}
	if w.spoken(now) {
		note(w.said.Add(heardWithin))
	}
	if m.witness.looking == "" && m.canLook(w, now) {
		note(m.lookAt(w))
	}
}

// watchOver does what is due by itself.
func (m *Machine) watchOver(now time.Time) {
	if m.witness.until.IsZero() || now.Before(m.witness.until) {
		return
	}
	m.review(now)
}

// review settles every camera and looks at the picture of one.
func (m *Machine) review(now time.Time) {
	m.look(now)
	m.witness.until = time.Time{}
	for _, name := range slices.Sorted(maps.Keys(m.witness.cameras)) {
		m.settle(m.witness.cameras[name], now, false)
	}
}

// A picture is asked for at most once a minute a camera, one at a time. The same bytes three times in
// a row are a frozen stream: a sensor's noise never repeats, and the picture is asked for with as
// little loss as JPEG knows. A camera that writes a running clock into a frozen picture cannot be
// told so. A picture that is all of one colour, as at night without a light, is too small to have
// noise in it, and says nothing.
const (
	lookEvery    = time.Minute
	sameIsFrozen = 3
	leastPicture = 2 << 10 // bytes
)

// canLook says whether there is a picture to look at.
func (m *Machine) canLook(w *watched, now time.Time) bool {
	return m.rules.HasAPI && !m.offline && w.fresh(now) && w.fps > 0 &&
		(!w.spoken(now) || w.status == wire.Online) && addressable(w.name)
}

// addressable says whether it is a name that Frigate itself allows: it becomes part of an address.
func addressable(name string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	return strings.Trim(name, allowed) == ""
}

// lookAt is when its picture is due; the past stands for "at once".
func (m *Machine) lookAt(w *watched) time.Time {
	at := farPast
	if !w.asked.IsZero() {
		at = w.asked.Add(lookEvery)
	}
	if at.Before(m.witness.paused) {
		at = m.witness.paused
	}
	return at
}

// look asks for the picture that has waited longest.
func (m *Machine) look(now time.Time) {
	if m.witness.looking != "" {
		return
	}
	var next *watched
	for _, w := range m.witness.cameras {
		if m.canLook(w, now) && !now.Before(m.lookAt(w)) && (next == nil || w.asked.Before(next.asked) ||
			w.asked.Equal(next.asked) && w.name < next.name) {
			next = w
		}
	}
	if next != nil {
		next.asked, m.witness.looking = now, next.name
		m.tell(Look{Camera: next.name})
	}
}

// looked takes a picture.
func (m *Machine) looked(in Looked, now time.Time) {
	m.witness.looking = ""
	w := m.witness.cameras[in.Camera]
	switch {
	case in.Problem != "":
		m.witness.paused = now.Add(lookEvery) // its configuration's fetch says what is wrong
	case w == nil:
	case in.Size < leastPicture:
		w.same = 0
	case w.same > 0 && w.print == in.Print:
		w.same = min(w.same+1, sameIsFrozen)
	default:
		w.print, w.same = in.Print, 1
	}
	m.review(now)
}
