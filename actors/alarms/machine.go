package alarms

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// Bounds and delays.
const (
	maxListed = 200  // alarms in the list
	maxKept   = 2000 // alarms remembered; beyond, the least important goes
	maxText   = 512  // bytes of a text
	maxName   = 128  // bytes of a code, a subject, a person
	// settle: an alarm that goes sooner than this after it came stands so long after it went. One that
	// comes back meanwhile is counted and not told again (ISA-18.2: off-delay against chattering).
	settle = 10 * time.Second
	// textAfter is when a text that alone has changed is passed on: some count seconds.
	textAfter = 30 * time.Second
)

// key is one alarm.
type key struct{ code, subject string }

// signal is one alarm and who says that it holds.
type signal struct {
	key
	kind   protocol.AlarmKind
	causes map[string]string // source → its words; empty: its cause is gone
	due    time.Time         // it comes then, if its cause still holds
	delay  time.Duration     // so long after its cause
	up     bool              // it is in the list
	came   time.Time         // its cause last came
	went   time.Time         // its cause last went; zero: it holds
	seen   time.Time         // it was acknowledged
	shown  protocol.Standing // Text, Since, Active, First, Count, Acknowledged
}

// Machine is every alarm that stands. One actor owns it; its methods keep no clock. now is monotonic, wall
// the wall clock at the same instant.
type Machine struct {
	config   Config
	fireOff  time.Duration // pump.fire_off_delay
	signals  map[key]*signal
	pump     map[string]bool // codes that the pump last said
	fire     time.Time       // the fire alarm's cause ends then; zero: it has none
	changed  bool            // the list is another
	reworded time.Time       // a text alone has changed, since then; zero: none has
	limit    limit
	out      []protocol.Occurred
}

// NewMachine makes a machine in which all is quiet.
func NewMachine(c Config, fireOff time.Duration) *Machine {
	return &Machine{config: c, fireOff: fireOff, signals: make(map[key]*signal), pump: make(map[string]bool)}
}

// Step takes one message in, or none (nil) at a deadline. It returns the events that follow, and the
// list if it is another now.
func (m *Machine) Step(in any, now, wall time.Time) (events []protocol.Occurred, list []protocol.Standing, news bool) {
	m.out = nil
	m.limit.at = now
	m.take(in, now, wall)
	m.review(now, wall)
	if !m.reworded.IsZero() && now.Sub(m.reworded) >= textAfter {
		m.changed = true
	}
	if news = m.changed; news {
		m.changed, m.reworded = false, time.Time{}
		list = m.List()
	}
	return m.out, list, news
}

// Until is the next instant at which something is due by itself; zero: nothing is.
func (m *Machine) Until() (until time.Time) {
	note := func(at time.Time) {
		if !at.IsZero() && (until.IsZero() || at.Before(until)) {
			until = at
		}
	}
	note(m.fire)
	if !m.reworded.IsZero() {
		note(m.reworded.Add(textAfter))
	}
	for _, s := range m.signals {
		switch {
		case !s.up:
			note(s.due)
		case s.shown.Active && !s.went.IsZero():
			note(s.went.Add(settle))
		default:
			note(m.remindAt(s))
		}
	}
	return until
}

// holds says that an alarm's cause holds, as source sees it.
func (m *Machine) holds(code, subject, source, text string, delay time.Duration, now time.Time) {
	kind, rest, _ := protocol.AlarmKindOf(code)
	k := key{clip(code, maxName), clip(cmp.Or(subject, rest), maxName)}
	text = clip(text, maxText)
	s := m.signals[k]
	if s == nil {
		m.makeRoom()
		s = &signal{key: k, kind: kind, causes: make(map[string]string), due: now.Add(delay), delay: delay}
		m.signals[k] = s
	}
	if len(s.causes) == 0 && s.up {
		m.back(s, now)
	}
	if was, known := s.causes[source]; known && was == text {
		return
	}
	s.causes[source] = text
	m.reword(s, now)
}

// back: the cause of an alarm that is in the list has come again.
func (m *Machine) back(s *signal, now time.Time) {
	s.came, s.went = now, time.Time{}
	s.shown.Count++
	m.changed = true
	if !s.shown.Active {
		s.shown.Active = true
		m.tell(protocol.AlarmRaised, s, nil)
	}
}

// reword makes the text anew: it is that of the first source that says something, by name.
func (m *Machine) reword(s *signal, now time.Time) {
	text := s.shown.Text
	for _, source := range slices.Sorted(maps.Keys(s.causes)) {
		if text = s.causes[source]; text != "" {
			break
		}
	}
	if text == s.shown.Text {
		return
	}
	s.shown.Text = text
	if s.up && m.reworded.IsZero() {
		m.reworded = now
	}
}

// ends says that source sees the cause no longer.
func (m *Machine) ends(code, subject, source string, now time.Time) {
	_, rest, _ := protocol.AlarmKindOf(code)
	s := m.signals[key{clip(code, maxName), clip(cmp.Or(subject, rest), maxName)}]
	if s == nil || len(s.causes) == 0 {
		return
	}
	delete(s.causes, source)
	switch {
	case len(s.causes) > 0:
		m.reword(s, now)
	case !s.up:
		delete(m.signals, s.key)
	default:
		s.went = now
	}
}

// review raises what is due and lets go what is over.
func (m *Machine) review(now, wall time.Time) {
	if !m.fire.IsZero() && !now.Before(m.fire) {
		m.fire = time.Time{}
		m.ends(protocol.AlarmFire, "", fromConsensus, now)
	}
	for _, s := range m.those(func(s *signal) bool { return s.comes(now) || s.goes(now) }) {
		if s.up {
			m.over(s)
		} else {
			m.raise(s, now, wall)
		}
	}
	m.reminded(now)
}

func (s *signal) comes(now time.Time) bool { return !s.up && !now.Before(s.due) }

func (s *signal) goes(now time.Time) bool {
	return s.up && s.shown.Active && !s.went.IsZero() &&
		(s.went.Sub(s.came) >= settle || now.Sub(s.went) >= settle)
}

// those is every alarm of which something is true, in the order in which they fell due: of two that come
// at one instant the first is the first-out.
func (m *Machine) those(are func(*signal) bool) (all []*signal) {
	for _, s := range m.signals {
		if are(s) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *signal) int {
		return cmp.Or(a.due.Compare(b.due), compare(a, b))
	})
	return all
}

// raise puts an alarm into the list. It is the first-out if nothing in the list waits for a person.
func (m *Machine) raise(s *signal, now, wall time.Time) {
	first := true
	for _, other := range m.signals {
		first = first && (!other.up || other.shown.Acknowledged != "")
	}
	if first {
		for _, other := range m.signals {
			other.shown.First = false
		}
	}
	s.up, s.came = true, now
	s.shown.Active, s.shown.First, s.shown.Count, s.shown.Since = true, first, 1, seconds(wall)
	m.changed = true
	m.tell(protocol.AlarmRaised, s, map[string]any{"first": first})
}

// over: the cause is gone for good. What nobody has seen of the latched ones stays.
func (m *Machine) over(s *signal) {
	m.changed = true
	s.shown.Active = false
	m.tell(protocol.AlarmCleared, s, map[string]any{"count": s.shown.Count})
	if !s.kind.Latched || s.shown.Acknowledged != "" {
		delete(m.signals, s.key)
	}
}

// makeRoom drops the least important alarm when too many are remembered.
func (m *Machine) makeRoom() {
	if len(m.signals) < maxKept {
		return
	}
	worst := slices.MaxFunc(slices.Collect(maps.Values(m.signals)), compare)
	m.changed = m.changed || worst.up
	delete(m.signals, worst.key)
}
