package frigate

import (
	"time"

	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
)

// When a question about an object is no longer worth it (SPEC §2 "Frigate's cadence").
const (
	absences  = 3                // answers in a row without the object
	unchanged = 60 * time.Second // a dead camera's objects are listed for ever, area and score stay
)

// forgottenAfter is when an object that nobody mentions any more makes room.
const forgottenAfter = 10 * time.Minute

// heardEvery bounds how often a camera that sees no fire is reported alive.
const heardEvery = time.Second

// object is one fire or smoke object of Frigate's.
type object struct {
	// id is Frigate's, key the one in camera.objects: its own if Frigate gives no id.
	id, key, label string
	frame          wire.Size // by which its first sample was measured
	// area in pixels and score are those of the newest event or answer.
	area, score float64
	changed     time.Time // when they last changed
	mentioned   time.Time // the newest event or answer with it
	answer      uint64    // the newest answer with it
	absent      int       // answers in a row without it
	absentAt    time.Time
	ended       bool
	// held is its first sight, if that was in an answer: kept back until the object changes,
	// because a dead camera's objects look the same.
	held *protocol.Detected
}

// quietSince says whether the object is no longer worth a question.
func (o *object) quietSince(now time.Time) bool {
	return o.ended || o.absent >= absences || now.Sub(o.changed) >= unchanged
}

// saw takes an event. What is rejected changes nothing.
func (m *Machine) saw(in Saw, now time.Time) {
	e := in.Event
	c := m.cameras[e.Camera]
	fire := m.rules.counts(e.Label) && !e.FalsePositive
	var frame wire.Size
	if fire {
		var ok bool
		if frame, ok = m.frameFor(c, e.Camera, e); !ok {
			m.reject("frigate/events", wire.BadBox, e.Camera)
			m.wantFetch(now, false) // the detect stream may have changed its size
			return
		}
	}
	m.back(now)
	if c == nil {
		c = m.newCamera(e.Camera, now)
	}
	c.heard = now
	if !fire {
		if c.told.IsZero() || now.Sub(c.told) >= heardEvery {
			c.told = now
			m.tell(protocol.CameraHeard{Camera: c.name, Arrived: in.Arrived})
		}
		return
	}
	m.measureBy(c, frame, now)
	key := e.ID
	if key == "" {
		key = " " + e.Label // no id begins with a space
	}
	o := c.objects[key]
	if o == nil {
		o = m.newObject(c, e.ID, key, now)
		o.frame = frame
	}
	m.release(o)
	o.label, o.ended, o.mentioned, o.absent = e.Label, e.Ended, now, 0
	m.changedTo(o, e.Area, e.Score, now)
	d := sample(c, o)
	d.Stamp, d.Arrived, d.Wall, d.Ended = e.FrameTime, in.Arrived, in.Wall, e.Ended
	if e.HasBox && (c.rescaled.IsZero() || now.Sub(c.rescaled) > fragmentGap) {
		w, h := float64(frame.Width), float64(frame.Height)
		d.Box = protocol.Box{X1: e.Box[0] / w, Y1: e.Box[1] / h, X2: e.Box[2] / w, Y2: e.Box[3] / h}
		d.HasBox = true
	}
	m.tell(d)
}

// sample is the object as it is now; the caller adds the times.
func sample(c *camera, o *object) protocol.Detected {
	d := protocol.Detected{Camera: c.name, Object: o.id, Label: o.label, Confidence: o.score,
		Area: o.area / c.frame.Pixels()}
	if o.frame != c.frame { // measured anew: a step of scale must not look like growth
		d.Object += "@" + c.frame.String()
	}
	return d
}

// changedTo notes the newest area and score, and follows the object while they change.
func (m *Machine) changedTo(o *object, area, score float64, now time.Time) {
	if o.area != area || o.score != score {
		o.area, o.score, o.changed = area, score, now
	}
	if !o.quietSince(now) {
		m.followed[o] = true
	}
}

// release tells the first sight that was held back; the object is alive.
func (m *Machine) release(o *object) {
	if o.held != nil {
		m.tell(*o.held)
		o.held = nil
	}
}

// answered takes an activity answer. A sample of it counts at its arrival: the picture is 0.1 to
// 0.6 s older, which is the same for every sample and small against the halves of the window.
func (m *Machine) answered(in Answered, now time.Time) {
	m.answers++
	for _, listed := range in.Cameras {
		c := m.cameras[listed.Camera]
		if c == nil && len(listed.Objects) > 0 && len(m.cameras) < m.rules.MaxCameras {
			c = m.newCamera(listed.Camera, now)
		}
		if c == nil {
			continue
		}
		for _, a := range listed.Objects {
			m.listed(in, c, a, now)
		}
	}
	for o := range m.followed {
		// Answers to somebody else's questions may come in a burst; it counts once.
		if o.answer != m.answers && now.Sub(o.absentAt) >= m.rules.AskInterval/2 {
			o.absent, o.absentAt = o.absent+1, now
			if o.absent >= absences {
				delete(m.followed, o)
			}
		}
	}
}

// listed takes one object of an answer. A repetition is no sample; an answer never displaces what
// events told of.
func (m *Machine) listed(in Answered, c *camera, a wire.ActiveObject, now time.Time) {
	frame, ok := m.frameFor(c, c.name, wire.Event{Area: a.Area})
	if !ok {
		m.reject("frigate/camera_activity", wire.BadArea, c.name)
		m.wantFetch(now, false)
		return
	}
	o := c.objects[a.ID]
	fresh := o == nil
	if fresh {
		if c.forget(m, now); len(c.objects) >= m.rules.MaxObjects {
			return
		}
		o = m.newObject(c, a.ID, a.ID, now)
		o.label, o.frame = a.Label, frame
	}
	o.mentioned, o.answer, o.absent = now, m.answers, 0
	if o.ended || !fresh && o.area == a.Area && o.score == a.Score {
		return
	}
	m.measureBy(c, frame, now)
	m.release(o)
	m.changedTo(o, a.Area, a.Score, now)
	d := sample(c, o)
	d.Arrived, d.Wall = in.Arrived, in.Wall
	if fresh {
		o.held = &d
		return
	}
	m.tell(d)
}

// newCamera makes room by dropping the camera whose last event is oldest.
func (m *Machine) newCamera(name string, now time.Time) *camera {
	if len(m.cameras) >= m.rules.MaxCameras {
		var oldest *camera
		for _, c := range m.cameras {
			if oldest == nil || c.heard.Before(oldest.heard) {
				oldest = c
			}
		}
		for _, o := range oldest.objects {
			delete(m.followed, o)
		}
		delete(m.cameras, oldest.name)
		m.reject("frigate/events", "too many cameras", oldest.name)
	}
	c := &camera{name: name, objects: make(map[string]*object), heard: now}
	m.cameras[name] = c
	return c
}

// newObject makes room by dropping the object that was mentioned least recently.
func (m *Machine) newObject(c *camera, id, key string, now time.Time) *object {
	c.forget(m, now)
	if len(c.objects) >= m.rules.MaxObjects {
		var oldest *object
		for _, o := range c.objects {
			if oldest == nil || o.mentioned.Before(oldest.mentioned) {
				oldest = o
			}
		}
		delete(c.objects, oldest.key)
		delete(m.followed, oldest)
		m.reject("frigate/events", "too many objects", c.name)
	}
	o := &object{id: id, key: key, changed: now, mentioned: now}
	c.objects[key] = o
	return o
}

// forget drops objects that nobody mentions any more.
func (c *camera) forget(m *Machine, now time.Time) {
	for key, o := range c.objects {
		if now.Sub(o.mentioned) >= forgottenAfter {
			delete(c.objects, key)
			delete(m.followed, o)
		}
	}
}
