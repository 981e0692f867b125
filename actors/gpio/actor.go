package gpio

import (
	"errors"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// Settings are what the actor is made of.
type Settings struct {
	Config Config
	// CrankLimit is how long ignition start may be held, whatever the pump says: the pump's
	// ignition_start_duration and a little, so that the pump's own end of a crank comes first.
	CrankLimit time.Duration
	// Trip ends the process, engine first, because the pump is silent. It must return at once; nil:
	// nobody does, and the actor merely falls silent itself.
	Trip func(reason string)
}

// settleAfter is how long a relay and the feedback on it may take, debounce apart; it scales down
// with a short verify_timeout.
const settleAfter = 100 * time.Millisecond

func (s Settings) limits() Limits {
	c := Limits{Attempts: s.Config.WriteAttempts, Crank: s.CrankLimit,
		Travel: ahead(s.Config.VerifyTimeout), Grace: ahead(s.Config.VerifyGrace),
		Deadman: s.Config.Deadman}
	c.Settle = s.Config.Debounce + min(settleAfter, s.Config.VerifyTimeout/10)
	for o, feedback := range s.Config.Wiring().Feedbacks {
		if feedback >= 0 {
			c.Fed = c.Fed.With(protocol.Line(o))
		}
	}
	return c
}

// ahead of the pump, which has the same patience: what is wrong with a line is said before the pump
// gives up on it, and not sometimes before and sometimes after.
func ahead(patience time.Duration) time.Duration {
	return patience - min(20*time.Millisecond, patience/10)
}

// Actor drives one board. It hears protocol.SetOutputs and publishes LineReport (at every change
// and for every SetOutputs), InputReport (once after start and at every change),
// Occurred and Fault. Its calls of the board are the only I/O inside a Receive of this house: they
// take microseconds, and a message more would only delay a stop.
type Actor struct {
	limits Limits
	// debounce is part of what a feedback may lag behind.
	debounce time.Duration
	trip     func(reason string)
	board    hardware.Board
	fitted   [hardware.NumInputs]bool
	machine  Machine
	levels   hardware.Levels // as read last; At is zero before the first reading
	report   protocol.LineReport
	inputs   protocol.Inputs
	told     bool // a first report has been published
}

// New makes the actor of a board. It is to be spawned as a critical kind, over a Gate.
func New(s Settings, board Board) actors.Actor {
	a := &Actor{limits: s.limits(), debounce: s.Config.Debounce, trip: s.Trip, board: board}
	for i, line := range s.Config.Wiring().Inputs {
		a.fitted[i] = line >= 0
	}
	return a
}

// moved is the board's word that something has changed; what it is, the actor reads itself.
type moved struct{}

// Urgent: a stop button is an input.
func (moved) Urgent() bool { return true }

// Started sets every output inactive, before anything else (SPEC P15).
func (a *Actor) Started(c *actors.Context) {
	self := c.Self()
	a.board.Watch(func(hardware.Levels) { self.Send(moved{}) })
	a.step(c, Input{Asked: &protocol.SetOutputs{}})
	if a.board.Simulated() {
		a.occurred(c, Event{Action: protocol.SimulationModeWarning,
			Reason: "the board is a " + a.board.Describe() + ": no real line is driven"})
	}
}

// Receive carries out what is asked, at once.
func (a *Actor) Receive(c *actors.Context, msg any) {
	switch m := msg.(type) {
	case protocol.SetOutputs:
		a.step(c, Input{Asked: &m})
	case moved:
		a.step(c, Input{Moved: true})
	case Configured:
		a.limits = a.limits.with(m, a.debounce)
		a.step(c, Input{})
		m.Done()
	case actors.Fired:
		a.step(c, Input{})
	}
}

// Stopping leaves every output inactive.
func (a *Actor) Stopping(*actors.Context) { _ = a.board.Write(0) }

// stepsAtOnce bounds what one message can lead to; what is left, the deadline brings.
const stepsAtOnce = 4

func (a *Actor) step(c *actors.Context, in Input) {
	for range stepsAtOnce {
		var e Effect
		a.machine, e = Step(a.limits, a.machine, in, c.Now())
		if e.Trip != "" && a.trip != nil {
			a.trip(e.Trip)
		}
		if !e.Write && !e.Look {
			a.tell(c, e.Events)
			break
		}
		in = Input{Driven: a.drive(e.Write)} // the line first, then words about it
		a.tell(c, e.Events)
	}
	a.publish(c)
	if next := a.machine.Until(a.limits); !next.IsZero() {
		c.After("deadline", max(next.Sub(c.Now()), 0))
	}
}

// drive writes, if asked to, and reads.
func (a *Actor) drive(write bool) *Driven {
	d := Driven{Write: write, Wrote: a.machine.Outputs()}
	if write {
		err := a.board.Write(hardware.Outputs(d.Wrote))
		if d.Tripped = errors.Is(err, ErrTripped); d.Tripped {
			return &d
		}
		d.WriteFail = err != nil
	}
	levels, err := a.board.Read()
	if d.ReadFail = err != nil; !d.ReadFail {
		a.levels, d.Read = levels, protocol.Lines(levels.Outputs)
	}
	return &d
}

// publish says what is known of outputs and inputs, if it is news.
func (a *Actor) publish(c *actors.Context) {
	m := &a.machine
	r := protocol.LineReport{Seq: m.Done, Heard: m.Seq, Commanded: m.Commanded, Read: m.Read,
		Failed: m.Failed, Available: m.Available, At: a.report.At}
	inputs := a.sensors()
	news, moved := r != a.report || !a.told, inputs != a.inputs || !a.told
	a.told = true
	if news {
		r.At = c.Now()
		a.report = r
		c.Publish(r)
	}
	if moved {
		a.inputs = inputs
		c.Publish(protocol.InputReport{Inputs: inputs, At: c.Now()})
	}
}

// sensors translates what the board reads. An input that is fitted and cannot be read says nothing.
func (a *Actor) sensors() protocol.Inputs {
	blind := a.levels.At.IsZero() || a.machine.Blind()
	sense := func(i hardware.Input) protocol.Sensor {
		switch {
		case !a.fitted[i]:
			return protocol.NotFitted
		case blind:
			return protocol.Unknown
		case a.levels.Inputs[i]:
			return protocol.Active
		}
		return protocol.Inactive
	}
	return protocol.Inputs{
		ReservoirFloat: sense(hardware.ReservoirFloat), LinePressure: sense(hardware.LinePressure),
		Flow: sense(hardware.Flow), EmergencyButton: sense(hardware.EmergencyButton),
		StopButton: sense(hardware.StopButton), EngineRunning: sense(hardware.EngineRunning),
	}
}

func (a *Actor) tell(c *actors.Context, events []Event) {
	for _, e := range events {
		if e.Action != "" {
			a.occurred(c, e)
		}
		if e.Fault != "" {
			c.Publish(protocol.Fault{Code: e.Fault, Text: e.Reason, Cleared: e.Cleared})
		}
	}
}

func (a *Actor) occurred(c *actors.Context, e Event) {
	details := map[string]any{"board": a.board.Describe()}
	if e.Lines != 0 {
		details["line"] = e.Lines.String()
	}
	if e.Attempt > 0 {
		details["attempt"] = e.Attempt
	}
	c.Publish(protocol.Occurred{Action: e.Action, Reason: e.Reason, Details: details, At: c.Wall()})
}
