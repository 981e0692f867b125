// Package gpio is the hardware actor: it puts on the lines what the pump wants, reads back what is
// on them, and says both.
//
// It promises: every line is inactive before anything else (SPEC P15); a level that reads wrong is
// written again, a lost board is tried for ever, and neither keeps another line waiting (P12); what
// is wanted is written anew at least once a second, so that a line altered from outside heals; a
// pump that has not spoken for gpio.deadman ends the process, engine first (gate.go).
//
// It must never, whatever the pump asks for: command ignition off together with ignition start or
// on (P2), hold ignition start beyond its limit (P3), crank with the main valve not commanded (P1),
// or switch anything on after a trip (P14).
package gpio

import (
	"time"

	"wildfire-watch/protocol"
)

// Limits are what the machine must know of the configuration.
type Limits struct {
	// Attempts is gpio.write_attempts: writes of a line that reads wrong until it counts as failed.
	Attempts int
	// Crank is how long ignition start may be held.
	Crank time.Duration
	// Fed are the lines with a feedback input; Settle is how long a feedback may lag behind a
	// relay before it is wrong.
	Fed    protocol.Lines
	Settle time.Duration
	// Travel is how long a valve with a feedback may take (gpio.verify_timeout), Grace how long a
	// main valve that had been verified may read wrong (gpio.verify_grace). Both are written again
	// meanwhile, but have not failed.
	Travel, Grace time.Duration
	// Deadman is gpio.deadman: how long the pump may be silent (protocol.Vigil); 0: for ever.
	Deadman time.Duration
}

// The pace of the machine.
const (
	firstRetry   = 50 * time.Millisecond // and doubling (SPEC §3)
	lastRetry    = time.Second           // never slower, and without an end
	rewriteAfter = time.Second
	// blindAfter is how many failures in a row make the inputs unknown: a single lost read must
	// not look like a cut stop button.
	blindAfter = 3
)

// valves move slowly; every other line is a relay.
var valves = protocol.SetOf(protocol.MainValve, protocol.RefillValve, protocol.PrimingValve)

// line is what the machine remembers of one output.
type line struct {
	Since    time.Time // when the level it has now was first written
	Right    bool      // it has read right since then
	Wrong    bool      // it read wrong last time
	Patience time.Time // it has not failed before then
	Attempts int       // writes of this level that were judged wrong
	Next     time.Time // write it again then; zero: no need
}

// Machine is all that the actor remembers. The zero value wants everything off and has written
// nothing.
type Machine struct {
	Want      protocol.Lines // as the pump asked last
	Seq       uint64         // of that
	Done      uint64         // Seq last carried out
	Commanded protocol.Lines // written last
	Read      protocol.Lines
	Failed    protocol.Lines
	Validated bool // the first reading has been judged
	Available bool
	Losses    int       // failures of the board since it last worked
	NextTry   time.Time // of a lost board
	Rewrite   time.Time // next routine write
	// Cranking is when ignition start was raised; zero: it is low. Spent: its limit is over and
	// it stays low until the pump has dropped it too.
	Cranking time.Time
	Spent    bool
	Lines    [protocol.NumLines]line
	// Vigil is the watch over the pump's words. At is the last step's time. Tripped is the end.
	Vigil   protocol.Vigil
	At      time.Time
	Tripped bool
}

// Input is what the machine hears; no part at all is a deadline.
type Input struct {
	// Asked is what the pump wants now; nil: it has not spoken.
	Asked *protocol.SetOutputs
	// Driven is how the board answered the last effect; nil: it was not asked.
	Driven *Driven
	// Moved: the board says that an input or a feedback has changed.
	Moved bool
}

// Driven is how the board answered a write with its reading, or a reading alone.
type Driven struct {
	Write     bool           // there was a write
	Wrote     protocol.Lines // of these lines
	WriteFail bool
	ReadFail  bool
	Read      protocol.Lines
	Tripped   bool // the gate is shut: somebody else has tripped it
}

// Effect is what the shell is to do after a step.
type Effect struct {
	// Write: write Outputs, then read, and answer with Driven. Look: only read.
	Write, Look bool
	Events      []Event
	// Trip, if not empty, is why the engine is to be stopped past every mailbox and the process
	// ended. It comes alone, once; nothing follows it.
	Trip string
}

// Event is something worth telling.
type Event struct {
	Action  protocol.Action // empty: it is a fault alone
	Lines   protocol.Lines  // concerned
	Attempt int             // of GPIORetry: the write that follows is that one; the first is 1
	Reason  string
	// Fault, if not empty, is the code of a standing fault that begins, or is Cleared.
	Fault   string
	Cleared bool
}

// Outputs is what goes onto the lines: what the pump wants, as far as it is safe. Ignition off wins
// over start and on (P2); start is alone (P3), needs the main valve (P1) and ends with its limit.
func (m Machine) Outputs() protocol.Lines {
	o := m.Want
	if o.Has(protocol.IgnitionOff) {
		o = o.Without(protocol.IgnitionStart).Without(protocol.IgnitionOn)
	}
	if o.Has(protocol.IgnitionOn) || !o.Has(protocol.MainValve) || m.Spent {
		o = o.Without(protocol.IgnitionStart)
	}
	return o
}

// Step takes one input and says what to do now.
func Step(c Limits, m Machine, in Input, now time.Time) (Machine, Effect) {
	var e Effect
	if m.Tripped || (in.Driven != nil && in.Driven.Tripped) {
		m.Tripped = true
		return m, e
	}
	m = m.attend(c, in, now)
	if why := m.silence(c, in, now); why != "" {
		return m.trip(why)
	}
	if in.Driven != nil {
		m = m.driven(c, *in.Driven, now, &e)
	}
	if in.Asked != nil {
		m.Want, m.Seq = in.Asked.Lines, in.Asked.Seq
		e.Write = true
	}
	m = m.fall(c, now, &e)
	if m.Spent && m.Cranking.IsZero() && !m.Want.Has(protocol.IgnitionStart) {
		m.Spent = false
		e.Events = append(e.Events, Event{Fault: faultCrank, Cleared: true})
	}
	if e.Write {
		m = m.begin(now)
	} else {
		e.Look = in.Moved
	}
	return m, e
}

// Until is when the machine wants to be called next; zero only before it has been asked to write,
// and after a trip.
func (m Machine) Until(c Limits) time.Time {
	if m.Tripped {
		return time.Time{}
	}
	next := m.NextTry // a lost board is tried at its own pace
	if next.IsZero() {
		next = m.Rewrite
	}
	next = sooner(next, m.Vigil.Due(c.Deadman))
	if !m.Cranking.IsZero() && !m.Spent {
		next = sooner(next, m.Cranking.Add(c.Crank))
	}
	for _, l := range m.Lines {
		next = sooner(next, l.Next)
	}
	return next
}

// fall does what is due.
func (m Machine) fall(c Limits, now time.Time, e *Effect) Machine {
	due := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	if !m.Spent && !m.Cranking.IsZero() && due(m.Cranking.Add(c.Crank)) {
		m.Spent = true
		e.Write = true
		e.Events = append(e.Events, Event{Lines: protocol.SetOf(protocol.IgnitionStart),
			Fault: faultCrank, Reason: "crank the engine: ignition start was still wanted, or still " +
				"written, at the limit of a crank and is dropped here"})
	}
	if due(m.NextTry) || (m.NextTry.IsZero() && due(m.Rewrite)) {
		e.Write = true
	}
	for i := range m.Lines {
		l, name := &m.Lines[i], protocol.Line(i)
		if !due(l.Next) {
			continue
		}
		l.Next = time.Time{}
		e.Write = true
		if l.Attempts > 0 && l.Attempts < c.Attempts {
			e.Events = append(e.Events, Event{Action: protocol.GPIORetry, Lines: protocol.SetOf(name),
				Attempt: l.Attempts + 1, Reason: m.sticks(name)})
		}
	}
	return m
}

// begin notes when the write that follows was made.
func (m Machine) begin(now time.Time) Machine {
	if m.Outputs().Has(protocol.IgnitionStart) && m.Cranking.IsZero() {
		m.Cranking = now // before the write: one that fails may have raised it all the same
	}
	m.Rewrite = now.Add(rewriteAfter)
	return m
}
