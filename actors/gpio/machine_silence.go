package gpio

import (
	"fmt"
	"time"
)

// attend keeps the watch over the pump: whether this step is late, and whether the pump speaks in
// it.
func (m Machine) attend(c Limits, in Input, now time.Time) Machine {
	due := m.Until(c)
	if in.Driven != nil {
		due = m.At // a board that takes its time keeps the pump's words waiting in our mailbox
	}
	m.Vigil = m.Vigil.Paused(due, now)
	m.At = now
	switch {
	case in.Asked == nil:
	case in.Asked.Seq == 0: // the shell's own word at the start
		m.Vigil = m.Vigil.Began(now, c.Deadman)
	default:
		m.Vigil = m.Vigil.Heard(now)
	}
	return m
}

// silence is why the process must not go on; empty: the pump has spoken in time. Between a write
// and its answer nothing is judged: what the pump said meanwhile waits in the mailbox.
func (m Machine) silence(c Limits, in Input, now time.Time) string {
	if in.Driven != nil || !m.Vigil.Over(c.Deadman, now) {
		return ""
	}
	said := "the pump has not confirmed its outputs"
	if m.Seq == 0 {
		said = "the pump has never said which outputs it wants"
	}
	return fmt.Sprintf("%s for %v; on the lines: %v", said,
		now.Sub(m.Vigil.Since).Round(time.Millisecond), m.Commanded|m.Read)
}

// trip ends the machine: whatever it is asked from now on, it does nothing. The lines are the
// trip's.
func (m Machine) trip(why string) (Machine, Effect) {
	m.Tripped = true
	return m, Effect{Trip: why}
}

// sooner is the earlier of two deadlines; zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
