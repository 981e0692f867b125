package recovery

import (
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// FaultCode is the code of the fault that stands in safe mode.
const FaultCode = "safe_mode"

// Settings is what the actor is made of.
type Settings struct {
	// Rest is journal.safe_mode_rest.
	Rest time.Duration
	// Failed and LastStop are what the journal found (protocol.Recovered).
	Failed   int
	LastStop string
	Log      *zap.Logger
}

// Actor hears PumpStatus and publishes Fault and, when the rest is over, SafeModeOver.
type Actor struct {
	s       Settings
	machine Machine
}

// New makes the actor of a house in safe mode. Give the same value again after a panic.
func New(s Settings) *Actor {
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	return &Actor{s: s}
}

// Started says why the house is so small.
func (a *Actor) Started(c *actors.Context) {
	text := Text(a.s.Failed, a.s.LastStop, a.s.Rest)
	a.s.Log.Error(text)
	c.Publish(protocol.Fault{Code: FaultCode, Text: text})
}

// Receive follows the pump.
func (a *Actor) Receive(c *actors.Context, msg any) {
	now := c.Now()
	if s, ok := msg.(protocol.PumpStatus); ok {
		a.machine = a.machine.Hear(s, now)
	}
	var over bool
	if a.machine, over = a.machine.Look(a.s.Rest, now); over {
		a.s.Log.Warn("safe mode has rested: a normal start is tried")
		c.Publish(protocol.SafeModeOver{})
	}
	if at := a.machine.Until(a.s.Rest); at.IsZero() {
		c.Cancel("rest")
	} else {
		c.After("rest", at.Sub(now))
	}
}

// Stopping leaves nothing to do.
func (a *Actor) Stopping(*actors.Context) {}
