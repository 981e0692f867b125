package gpiocdev

import (
	"sync/atomic"
	"time"

	"wildfire-watch/hardware"
)

// sense is one input line and what it says.
type sense struct {
	line      int
	activeLow bool
	bias      hardware.Bias
	feedback  bool
	of        uint8 // an Output if a feedback, else an Input
}

func (s sense) put(l *hardware.Levels, active bool) {
	if s.feedback {
		l.Outputs = l.Outputs.With(hardware.Output(s.of), active)
		return
	}
	l.Inputs[s.of], l.Fitted[s.of] = active, true
}

func senses(w hardware.Wiring) (all []sense) {
	for o, line := range w.Feedbacks {
		if line >= 0 {
			all = append(all, sense{line, w.FeedbackActiveLow[o], w.FeedbackBias[o], true, uint8(o)})
		}
	}
	for i, line := range w.Inputs {
		if line >= 0 {
			all = append(all, sense{line, w.InputActiveLow[i], w.InputBias[i], false, uint8(i)})
		}
	}
	return all
}

// touched are the places of lines that had an edge since they were looked at.
type touched struct{ bits atomic.Uint64 }

func (t *touched) take() uint64 { return t.bits.Swap(0) }

// touch takes note of an edge. It is called by the kernel's messenger, which Close waits for: it
// must not wait for anything.
func (b *Board) touch(place int) {
	b.touched.bits.Or(1 << place)
	select {
	case b.edge <- struct{}{}:
	default: // the follower has not come to the last one yet
	}
}

// How often the lines are read though no edge came: an edge that got lost heals, a chip that went
// is missed and one that comes back is found.
const readEvery = time.Second

// The pace at which a chip without edges is read, within these bounds.
const (
	fastest = 5 * time.Millisecond
	slowest = 20 * time.Millisecond
)

// pace is how often the inputs must be read while nothing happens.
func (b *Board) pace() time.Duration {
	if b.inputs == nil || b.edges {
		return readEvery
	}
	return min(max(b.settings.Wiring.Debounce/4, fastest), slowest)
}

// follow looks at the inputs at every edge, when a bounce has settled and at its pace, and tells the
// watcher what has changed.
func (b *Board) follow() {
	defer close(b.done)
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-b.edge:
		case <-t.C:
		}
		t.Reset(b.look(time.Now()))
	}
}

// look reads once, tells, and says when to look again.
func (b *Board) look(now time.Time) (again time.Duration) {
	b.mu.Lock()
	l, err := b.read(now)
	tell := b.changed
	if err != nil || b.closed || b.same(l) {
		tell = nil
	}
	if tell != nil {
		b.told = l
	}
	again = b.pace()
	if b.software != nil {
		again = min(again, b.software.wait(now))
	}
	b.mu.Unlock()
	if tell != nil {
		tell(l)
	}
	return again
}

// same says whether inputs and feedbacks are as they were told last.
func (b *Board) same(l hardware.Levels) bool {
	for _, s := range b.senses {
		if s.feedback && l.Outputs.Has(hardware.Output(s.of)) != b.told.Outputs.Has(hardware.Output(s.of)) ||
			!s.feedback && l.Inputs[s.of] != b.told.Inputs[s.of] {
			return false
		}
	}
	return true
}

// debouncer does for a few lines what the kernel refused to do: a level counts when it has been
// steady for a period. It sees no more than it is shown.
type debouncer struct {
	period time.Duration
	lines  []bounce
	begun  bool
}

type bounce struct {
	raw, steady int
	since       time.Time // of raw
}

func newDebouncer(period time.Duration, lines int) *debouncer {
	return &debouncer{period: period, lines: make([]bounce, lines)}
}

// sample takes what is on the lines now; edges are those that moved since, though they may look the
// same again. The first sample is taken as steady.
func (d *debouncer) sample(levels []int, edges uint64, now time.Time) {
	for i := range d.lines {
		l := &d.lines[i]
		switch {
		case !d.begun:
			*l = bounce{levels[i], levels[i], now}
		case levels[i] != l.raw || edges&(1<<i) != 0:
			l.raw, l.since = levels[i], now
		}
		if now.Sub(l.since) >= d.period {
			l.steady = l.raw
		}
	}
	d.begun = true
}

// steady puts the debounced levels in the place of the others.
func (d *debouncer) steady(levels []int) {
	for i := range d.lines {
		levels[i] = d.lines[i].steady
	}
}

// wait is how long until a level that differs has been steady; long if none does.
func (d *debouncer) wait(now time.Time) time.Duration {
	next := readEvery
	for _, l := range d.lines {
		if l.raw != l.steady {
			next = min(next, max(l.since.Add(d.period).Sub(now), 0))
		}
	}
	return next
}
