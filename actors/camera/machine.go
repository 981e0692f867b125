package camera

import (
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// Machine is what one camera has seen and what follows from it. It is owned by one actor: its
// methods keep no clock and do no I/O, but change it. Every method takes now, monotonic and never
// earlier than before.
//
// The verdict is a function of the samples that arrived and of time, whatever their order (SPEC
// §2); what max_samples, max_objects and max_clock_skew cut off is the only memory.
type Machine struct {
	config Config
	name   string
	base   time.Time // instant 0

	known bool    // it was heard of
	heard instant // last

	objects []*object // in the order of their making
	names   map[identity]*naming
	next    instant // no object's flags change by themselves before; may be early, never late

	growing, steady int  // objects with the flag
	stale           bool // agreeing must be made anew
	agreeing        []string

	confirmed, accepted uint64 // newest FireConfirmed seen, newest accepted trigger's ID

	// Lost counts what the bounds cost since it was last set to zero.
	Lost Lost
}

// Lost counts what was dropped because a bound was reached.
type Lost struct{ Objects, Samples int }

// New makes the machine of a camera that nothing was heard of yet.
func New(c Config, name string, now time.Time) *Machine {
	return &Machine{config: c.normal(), name: name, base: now, names: make(map[identity]*naming), next: never}
}

func (m *Machine) instant(t time.Time) instant { return t.Sub(m.base) }

// Counts says whether a detection counts by itself: label, confidence and area (SPEC §2). An area
// above max_area_ratio does not; it needs a history.
func (c *Config) Counts(d *protocol.Detected) bool { return c.votes(d) && d.Area <= c.MaxArea }

// votes says whether a detection may count, given a history if it is oversize.
func (c *Config) votes(d *protocol.Detected) bool {
	return d.Confidence >= c.MinConfidence && d.Confidence <= 1 &&
		d.Area >= c.MinArea && d.Area > 0 && d.Area <= 1 && c.follows(d.Label)
}

// follows says whether a label is fire.
func (c *Config) follows(label string) bool {
	return slices.Contains(c.Labels, label) || slices.Contains(c.Labels, plain(label))
}

// Heard says that the camera was alive at an instant.
func (m *Machine) Heard(at, now time.Time) {
	h := min(m.instant(at), m.instant(now))
	if !m.known || h > m.heard {
		m.known, m.heard = true, h
	}
}

// Detected takes a sighting in. One that does not count says only that the camera is alive.
func (m *Machine) Detected(d protocol.Detected, now time.Time) {
	m.Heard(d.Arrived, now)
	if !m.config.votes(&d) {
		return
	}
	u := m.instant(now)
	heard := min(m.instant(d.Arrived), u)
	at := min(m.instant(d.SampleTime(m.config.Skew)), heard)
	o := m.objectOf(&d, heard, u)
	m.Lost.Samples += o.add(&m.config, sample{at, d.Area}, u)
	m.evaluate(o, u)
}

// Confirmed notes the size of every object in the window at a trigger. It becomes the base line of
// steady fires when the pump accepts the trigger, so that a refused one leaves the older base line.
func (m *Machine) Confirmed(f protocol.FireConfirmed, now time.Time) {
	if f.ID <= m.confirmed {
		return
	}
	m.confirmed = f.ID
	u := m.instant(now)
	at := min(max(m.instant(f.At), u-m.config.Skew), u) // earlier samples may be forgotten
	for _, o := range m.objects {
		o.pending = o.size(&m.config, o.windowAt(&m.config, at))
	}
	if m.accepted == f.ID { // the answer came first: it takes another way
		m.adopt(now)
	}
}

// Answered hears what the pump said to a trigger.
func (m *Machine) Answered(t protocol.TriggerOutcome, now time.Time) {
	if !t.Accepted || t.ID <= m.accepted {
		return
	}
	m.accepted = t.ID
	if m.confirmed == t.ID {
		m.adopt(now)
	}
}

// adopt makes the sizes at the newest trigger the base line.
func (m *Machine) adopt(now time.Time) {
	for _, o := range m.objects {
		o.baseline = o.pending
		m.evaluate(o, m.instant(now))
	}
}

// evaluate brings one object's flags up to date.
func (m *Machine) evaluate(o *object, now instant) {
	growing, steady := o.growing, o.steady
	m.count(o, -1)
	o.evaluate(&m.config, now)
	m.count(o, 1)
	m.next = min(m.next, o.until)
	m.stale = m.stale || growing != o.growing || steady != o.steady
}

// count adds or takes an object's flags.
func (m *Machine) count(o *object, by int) {
	if o.growing {
		m.growing += by
	}
	if o.steady {
		m.steady += by
	}
}

// catchUp evaluates the objects whose flags may have changed by themselves.
func (m *Machine) catchUp(now instant) {
	if now < m.next {
		return
	}
	m.next = never
	for _, o := range m.objects {
		if o.until <= now {
			m.evaluate(o, now)
		}
		m.next = min(m.next, o.until)
	}
}

// Verdict is what the camera sees now. Its Objects are shared and must not be changed.
func (m *Machine) Verdict(now time.Time) protocol.CameraVerdict {
	u := m.instant(now)
	m.catchUp(u)
	if m.stale {
		m.agreeing, m.stale = m.agree(), false
	}
	return protocol.CameraVerdict{Camera: m.name, Online: m.online(u), Growing: m.growing > 0,
		Steady: m.steady > 0, Objects: m.agreeing, At: now}
}

func (m *Machine) online(u instant) bool { return m.known && u-m.heard <= m.config.Timeout }

// agree lists the objects that agree: the growing ones first, each part sorted.
func (m *Machine) agree() []string {
	var growing, steady []string
	for _, o := range m.objects {
		switch {
		case o.growing:
			growing = append(growing, o.id)
		case o.steady:
			steady = append(steady, o.id)
		}
	}
	slices.Sort(growing)
	slices.Sort(steady)
	return append(slices.Compact(growing), slices.Compact(steady)...)
}

// Until is the next instant at which the verdict can change by itself; zero if it cannot. It may be
// early, never late.
func (m *Machine) Until(now time.Time) time.Time {
	u := m.instant(now)
	m.catchUp(u)
	next := m.next
	if m.online(u) {
		next = min(next, m.heard+m.config.Timeout+1)
	}
	if next == never {
		return time.Time{}
	}
	return m.base.Add(next)
}
