// Package guard is the second process: it watches the main one and stops the engine when that one
// dies or hangs (SPEC P14). `run` starts it from its own executable and holds one end of a socket;
// the other end hears a beat whenever pump and gpio actor have both proven that they work.
//
// It promises: whatever becomes of the main process, and in whatever order beats, farewells, deaths,
// busy lines and write errors come, ignition start and on go off and ignition off is held for its
// full time with the main valve open, then everything is off; a process that hangs is killed first,
// by a handle that cannot hit another one; what was done stands in guard.json for the next start. A
// farewell (Bye) makes it go without a trace.
//
// It must never drive anything but main valve and ignition off, act while the main process is well,
// load the configuration, start an actor, or keep a new main process from starting while it has
// nothing to do. The main process waits for it a second at most, at the start, and never dies of it.
package guard

import (
	"time"

	"wildfire-watch/protocol"
)

// Phase is where the guard is in its work.
type Phase uint8

// The phases, in the order in which they are passed; Tripping may be left out.
const (
	Watching Phase = iota // the main process is well
	Tripping              // it gives the stop pulse itself
	Killing               // it is being killed
	Seizing               // its lines are asked for
	Pulsing               // ignition off, main valve open
	Closing               // everything off
	Done
)

var phaseNames = [...]string{"watching", "tripping", "killing", "seizing", "pulsing", "closing", "done"}

// String is the phase's name.
func (p Phase) String() string { return phaseNames[min(p, Done)] }

// Cause says why the guard acted. The zero value: it has not.
type Cause string

// The causes, as they stand in guard.json.
const (
	Died        Cause = "died"
	Hung        Cause = "hung"
	TripOverran Cause = "trip overran"
	ByHand      Cause = "by hand" // `wildfire-watch safe`; never in guard.json
)

// Limits are the times that the guard keeps.
type Limits struct {
	// Silence is how long the main process may be without a beat; First the same before its
	// first one, while nothing can be on yet.
	Silence, First time.Duration
	// Pulse is pump.ignition_off_duration.
	Pulse time.Duration
	// Trip is how long the main process may take for a stop pulse of its own.
	Trip time.Duration
	// GiveUp ends an attempt to stop the engine that cannot succeed: a guard that never ends would
	// keep the next main process from its lines.
	GiveUp time.Duration
	// Retry is how soon busy lines are asked for again: they are free within milliseconds of a death.
	Retry time.Duration
}

// The pace of the guard.
const (
	// A guard that was woken this much too late was not scheduled, and the main process may not
	// have been either: it then has a short grace, once, to show that it lives.
	lateAfter = 100 * time.Millisecond
	grace     = 200 * time.Millisecond
	// killAgain: a killed process that is not gone is killed again. killPatience: the lines are
	// asked for even if it never goes; a real board refuses as long as it holds them.
	killAgain    = 100 * time.Millisecond
	killPatience = 250 * time.Millisecond
	// narrowAfter: some lines may be held by a stranger for ever; from then on the guard takes
	// what it can get, the engine's lines first.
	narrowAfter = 250 * time.Millisecond
	rewrite     = 50 * time.Millisecond
	// closeTries bounds the last write, everything off. The lines are let go afterwards.
	closeTries = 20
)

// LimitsOf are the limits for a configuration: Silence is gpio.deadman and a little, so that the
// gpio actor's own dead-man comes first.
func LimitsOf(o Orders) Limits {
	l := Limits{Silence: o.Deadman + 100*time.Millisecond, Pulse: o.Pulse,
		Trip: o.Pulse + 2*time.Second, GiveUp: o.Pulse + 10*time.Minute, Retry: 2 * time.Millisecond}
	if l.First = l.Silence; !o.Beating {
		l.First += 10 * time.Second
	}
	return l
}

// engine are the lines that decide whether the engine runs.
var engine = protocol.SetOf(protocol.IgnitionStart, protocol.IgnitionOn, protocol.IgnitionOff)

// Every is the set of all lines.
const Every = protocol.Lines(1<<protocol.NumLines - 1)

// StopLevels is all that the guard ever drives: the stop pulse with the main valve open.
var StopLevels = protocol.SetOf(protocol.MainValve, protocol.IgnitionOff)

// Machine is all that the guard remembers; Begin makes one.
type Machine struct {
	Phase  Phase
	Cause  Cause
	Heard  time.Time // last beat
	Limit  time.Time // Watching, Tripping: act then
	Graced bool      // the grace for being late has been given
	Dead   bool      // the main process is gone for certain
	Began  time.Time // when it left Watching and Tripping
	Kill   time.Time // kill again then
	Since  time.Time // of the present phase, from Killing on
	Next   time.Time // ask for lines, or write, again then
	Held   protocol.Lines
	// Wrote is the last write that had ignition off on it, if nothing failed since; Pulsed the
	// time that ignition off was held so far.
	Wrote  time.Time
	Pulsed time.Duration
	// Stopped is when the first write succeeded, Ended when the pulse was over; zero: never.
	Stopped, Ended time.Time
	Tries          int
	GaveUp         bool
}

// Begin is a guard that starts to watch.
func Begin(c Limits, now time.Time) Machine {
	return Machine{Phase: Watching, Heard: now, Limit: now.Add(c.First)}
}

// BeginStop is a guard of nobody, that stops the engine at once: for `wildfire-watch safe`.
func BeginStop(now time.Time) Machine {
	return Machine{Phase: Seizing, Cause: ByHand, Dead: true, Heard: now, Began: now, Since: now, Next: now}
}

// Input is what the guard hears; nothing at all is a deadline.
type Input struct {
	Beat, Trip, Bye bool
	Gone            bool // the main process's end of the socket is closed
	Dead            bool // the main process has ended
	// Opened answers Effect.Open: all the lines that are held now.
	Opened *protocol.Lines
	// Written answers Effect.Write: the lines whose board took it.
	Written *protocol.Lines
}

// Scope says how lines are asked for.
type Scope uint8

// The scopes.
const (
	NotNow Scope = iota
	Whole        // all that are missing, in one request
	Apart        // the engine's lines in one request, then each by itself
)

// Effect is what the shell is to do after a step, in the order of the fields.
type Effect struct {
	Mark  bool // show that the guard is at work
	Kill  bool // SIGKILL to the main process
	Open  Scope
	Write bool
	Lines protocol.Lines // to write, on the lines held
	// Finish: let the lines go and write the record.
	Finish bool
}

// Step takes one input and says what to do now.
func Step(c Limits, m Machine, in Input, now time.Time) (Machine, Effect) {
	var e Effect
	m = m.hear(c, in, now, &e)
	if in.Opened != nil {
		m.Held = *in.Opened
	}
	if in.Written != nil {
		m = m.written(*in.Written, now)
	}
	switch m.Phase {
	case Watching, Tripping:
		m = m.watch(c, now, &e)
	case Killing, Seizing, Pulsing, Closing:
		m = m.work(c, in, now, &e)
	}
	return m, e
}

// hear folds what the main process says, or its end.
func (m Machine) hear(c Limits, in Input, now time.Time, e *Effect) Machine {
	m.Dead = m.Dead || in.Dead
	if m.Phase != Watching && m.Phase != Tripping {
		return m
	}
	switch {
	case in.Bye:
		m.Phase = Done
		return m
	case in.Trip && m.Phase == Watching:
		m.Phase, m.Limit, m.Graced = Tripping, now.Add(c.Trip), false
	case in.Beat && m.Phase == Watching:
		m.Heard, m.Limit, m.Graced = now, now.Add(c.Silence), false
	}
	if in.Gone || in.Dead {
		return m.act(c, Died, now, e)
	}
	return m
}

// watch acts when the limit has passed.
func (m Machine) watch(c Limits, now time.Time, e *Effect) Machine {
	late := now.Sub(m.Limit)
	switch {
	case late < 0:
		return m
	case late > lateAfter && !m.Graced:
		m.Graced, m.Limit = true, now.Add(grace)
		return m
	case m.Phase == Tripping:
		return m.act(c, TripOverran, now, e)
	}
	return m.act(c, Hung, now, e)
}

// act begins the work.
func (m Machine) act(c Limits, why Cause, now time.Time, e *Effect) Machine {
	m.Cause, m.Began, m.Since, m.Kill = why, now, now, now.Add(killAgain)
	m.Phase = Killing
	e.Mark, e.Kill = true, !m.Dead
	if m.Dead {
		m = m.seize(c, now)
		e.Open = Whole
	}
	return m
}

func (m Machine) seize(c Limits, now time.Time) Machine {
	m.Phase, m.Since, m.Next = Seizing, now, now.Add(m.pace(c, now))
	return m
}

// pace is how long to wait before lines are asked for again: soon at first, then the processor
// belongs to others.
func (m Machine) pace(c Limits, now time.Time) time.Duration {
	switch waited := now.Sub(m.Began); {
	case waited < time.Second:
		return c.Retry
	case waited < 10*time.Second:
		return 10 * c.Retry
	}
	return 100 * c.Retry
}

// Until is when the machine wants to be called next; zero once it is done.
func (m Machine) Until() time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	switch m.Phase {
	case Watching, Tripping:
		return m.Limit
	case Killing:
		next = m.Since.Add(killPatience)
	case Seizing, Pulsing, Closing:
		next = m.Next
	case Done:
		return next
	}
	if !m.Dead {
		sooner(m.Kill)
	}
	return next
}
