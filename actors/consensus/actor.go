// Package consensus decides when there is a fire: when enough online cameras agree, it triggers the
// pump, once, and again after each cooldown for as long as they agree (SPEC §2).
//
// Promised: one trigger at a time is outstanding; a trigger that the pump refuses starts no
// cooldown and is sent again while the fire lasts; the cost of a message does not grow with the
// number of cameras.
//
// It must never keep water from a fire because an answer was lost, nor decide by the wall clock.
package consensus

import (
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// Settings is what consensus is made of.
type Settings struct {
	Config Config
	// FireOffDelay is pump.fire_off_delay.
	FireOffDelay time.Duration
	// Memory is what the journal found; the zero value is a fresh device.
	Memory protocol.ConsensusMemory
}

// Kind is how consensus is to be spawned: a panic in it ends the process with the outputs safe.
var Kind = actors.Kind{Name: "consensus", Critical: true}

// statusEvery is how often a status is published at most while a change is pending: a thousand
// cameras that change at once make a few snapshots, not a thousand.
const statusEvery = 100 * time.Millisecond

type consensus struct {
	rules    Rules
	memory   protocol.ConsensusMemory
	roll     *Roll
	machine  Machine
	bootID   string
	earlier  int // triggers before this process
	armed    time.Time
	pending  bool // a status is due
	statusAt time.Time
}

// New makes the consensus actor.
func New(s Settings) actors.Actor {
	return &consensus{rules: Rules{s.Config, s.FireOffDelay}, memory: s.Memory, roll: NewRoll()}
}

// Started recalls the cooldown.
func (a *consensus) Started(c *actors.Context) {
	a.bootID = c.Clock().BootID()
	a.machine = Recall(a.rules, a.memory, a.clocks(c))
	a.earlier = a.memory.Triggers
	a.pending = true
	a.after(c, c.Now())
}

// Stopping does nothing: what must survive was published when it happened.
func (a *consensus) Stopping(*actors.Context) {}

// Receive feeds the machine and carries out what it says.
func (a *consensus) Receive(c *actors.Context, msg any) {
	now := c.Now()
	var in Input
	switch msg := msg.(type) {
	case protocol.CameraVerdict:
		a.roll.Note(msg)
		in = a.roll.Counts
		a.pending = true
	case protocol.TriggerOutcome, protocol.CooldownEnded, protocol.PumpStatus:
		in = msg
	case Configured:
		a.configure(msg, now)
	case actors.Fired:
		a.armed = time.Time{}
	default:
		return
	}
	a.step(c, in, now)
	a.after(c, now)
}

// Configured changes the rules while consensus watches. The system sends it.
type Configured struct {
	Config Config
	// FireOffDelay is pump.fire_off_delay.
	FireOffDelay time.Duration
}

// configure takes other rules; the step that follows judges by them at once.
func (a *consensus) configure(m Configured, now time.Time) {
	after := Rules{m.Config, m.FireOffDelay}
	a.machine = a.machine.Ruled(a.rules, after, now)
	a.rules = after
	a.armed, a.pending = time.Time{}, true
}

func (a *consensus) step(c *actors.Context, in Input, now time.Time) {
	before := a.machine
	m, fire := Step(a.rules, before, in, now)
	a.machine = m
	if fire {
		a.trigger(c, now)
	}
	_, reset := in.(protocol.CooldownEnded)
	if m.Accepted != before.Accepted || reset && !before.CooldownUntil.IsZero() {
		c.Publish(m.Memory(a.earlier+int(m.Sent), a.clocks(c)))
	}
	a.pending = a.pending || fire || m.Accepted != before.Accepted ||
		m.CooldownUntil != before.CooldownUntil ||
		m.SteadyCounts(a.rules, now) != before.SteadyCounts(a.rules, a.statusAt)
}

func (a *consensus) trigger(c *actors.Context, now time.Time) {
	cameras, fires := a.roll.Agreeing(a.machine.SteadyCounts(a.rules, now))
	c.Publish(protocol.FireConfirmed{ID: a.machine.Sent, At: now, Wall: c.Wall(), Cameras: cameras,
		Fires: fires, Count: int(a.machine.Sent), Zones: a.rules.Zones(cameras)})
	c.Yield()
}

// after publishes a status that is due and arms the one timer.
func (a *consensus) after(c *actors.Context, now time.Time) {
	until := a.machine.Until(a.rules, now)
	if a.pending {
		due := a.statusAt.Add(statusEvery)
		if a.statusAt.IsZero() || !now.Before(due) {
			a.status(c, now)
		} else if until.IsZero() || due.Before(until) {
			until = due
		}
	}
	if until.IsZero() || !a.armed.IsZero() && !a.armed.After(until) {
		return
	}
	a.armed = until
	c.After("deadline", until.Sub(now))
}

func (a *consensus) status(c *actors.Context, now time.Time) {
	a.pending, a.statusAt = false, now
	cameras, _ := a.roll.Agreeing(a.machine.SteadyCounts(a.rules, now))
	c.Publish(protocol.ConsensusStatus{Cameras: a.roll.Counts.Cameras, Online: a.roll.Counts.Online,
		Agreeing: cameras, CooldownUntil: a.machine.CooldownUntil, Triggers: int(a.machine.Sent),
		Accepted: a.machine.Accepted})
}

func (a *consensus) clocks(c *actors.Context) Clocks {
	return Clocks{Now: c.Now(), SinceBoot: c.Clock().SinceBoot(), BootID: a.bootID}
}
