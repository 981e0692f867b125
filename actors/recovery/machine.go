// Package recovery is safe mode's own actor: in the smaller house that starts after too many failed
// starts it says why nothing starts by itself, and decides when a normal start is tried again.
//
// It promises: the fault safe_mode stands from the first moment; a normal start is tried when the
// engine has rested for journal.safe_mode_rest, and not before: neither a run that a person has
// started nor a stop pulse is ever cut short for it.
//
// It must never ask for an output, and never keep a person from anything.
package recovery

import (
	"fmt"
	"time"

	"wildfire-watch/protocol"
)

// Machine decides when the rest is over. Its zero value has not begun to rest.
type Machine struct {
	// Resting is since when the engine rests without a break; zero: it does not.
	Resting time.Time
	// Over: the end was said; it is said once.
	Over bool
}

// Hear takes the pump's newest status.
func (m Machine) Hear(s protocol.PumpStatus, now time.Time) Machine {
	switch {
	case !rests(s):
		m.Resting = time.Time{}
	case m.Resting.IsZero():
		m.Resting = now
	}
	return m
}

// rests: nothing is on but what a restart takes up where it was. A tank that is refilled, which may
// take a day, does not keep the cameras blind; a latched ERROR refuses fire in a normal house too.
func rests(s protocol.PumpStatus) bool {
	switch s.State {
	case protocol.Idle, protocol.Refilling, protocol.Cooldown, protocol.Error:
		return s.Lines.Without(protocol.RefillValve) == 0
	}
	return false
}

// Look says whether the rest is over now, once.
func (m Machine) Look(rest time.Duration, now time.Time) (Machine, bool) {
	over := !m.Over && !m.Resting.IsZero() && now.Sub(m.Resting) >= rest
	m.Over = m.Over || over
	return m, over
}

// Until is when to look again; zero: when the pump has news.
func (m Machine) Until(rest time.Duration) time.Time {
	if m.Over || m.Resting.IsZero() {
		return time.Time{}
	}
	return m.Resting.Add(rest)
}

// Text says to a person what safe mode is, why it is, and what to do.
func Text(failed int, last string, rest time.Duration) string {
	if last == "" {
		last = "unknown"
	}
	return fmt.Sprintf("safe mode: %d starts in a row failed, last stop: %s. Fire starts nothing; "+
		"buttons, commands and the page work. Look into the log, mend the cause and restart the "+
		"program; by itself it tries a normal start when the engine has rested for %v", failed, last,
		rest)
}
