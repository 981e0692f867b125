package pump

import (
	"maps"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// Kind is how the pump is to be spawned: a panic trips the outputs and ends the process.
var Kind = actors.Kind{Name: "pump", Critical: true}

// Settings is what the actor is made of.
type Settings struct {
	Config Config
	// VerifyTimeout and VerifyGrace are gpio's keys of these names (SPEC P1).
	VerifyTimeout, VerifyGrace time.Duration
	// Recovered is what the journal found; Fresh for a new device.
	Recovered protocol.Recovered
	// Simulated says that the board drives nothing real; it is shown with every state.
	Simulated bool
	// Deadman is gpio.deadman: how long pump and gpio actor bear one another's silence; 0: for ever.
	Deadman time.Duration
	// Trip ends the process, engine first, because the gpio actor is silent. It must return at
	// once; nil: nobody does.
	Trip func(reason string)
}

const (
	// statusEvery is how often the status is sent although only time has passed.
	statusEvery = time.Second
	// offPatience is what a shutdown has beyond the pulse: for the report that carries it, and then
	// for the report that all lines are off.
	offPatience = time.Second / 2
	deadline    = "deadline"
)

// pump is the shell: it feeds the machine and carries out what it says.
type pump struct {
	settings Settings
	timing   Timing
	machine  Machine
	sent     outputs
	beat     time.Time // when the outputs were sent last
	told     time.Time // when the status was sent last
	tally    tally
	started  time.Time     // monotonic, and
	booted   time.Duration // the same instant on CLOCK_BOOTTIME
	boot     string
	report   protocol.LineReport
	ends     []chan struct{} // shutdowns that wait
	over     time.Time       // when the machine said Ended; zero: it has not
	asked    time.Time       // when the process was told to end; zero: it was not
	life     life
	order    *protocol.Command // whose step it is; nil: nobody's
}

// New makes the pump's actor. It hears LineReport, InputReport, FireConfirmed, TriggerRequested,
// Command and Shutdown; it publishes SetOutputs, Heartbeat, Occurred, TriggerOutcome, CooldownEnded,
// PumpStatus and PumpMemory.
func New(s Settings) actors.Actor {
	return &pump{settings: s, timing: Timing{s.Config, s.VerifyTimeout, s.VerifyGrace,
		takeLimit(s.Deadman), endWait}, life: newLife(s.Deadman)}
}

// Started lets the machine wake with what the journal holds.
func (p *pump) Started(c *actors.Context) {
	p.started, p.booted, p.boot = c.Now(), c.Clock().SinceBoot(), c.Clock().BootID()
	p.life.begin(p.started)
	boot := Boot{Recovered: p.settings.Recovered, BootID: p.boot, SinceBoot: p.booted}
	p.step(c, Input{Boot: &boot}, true)
}

// Receive makes of each message one step.
func (p *pump) Receive(c *actors.Context, msg any) {
	p.listen(c, msg)
	switch m := msg.(type) {
	case actors.Fired:
		p.step(c, Input{}, false)
	case protocol.LineReport:
		if m.Seq < p.report.Seq {
			return
		}
		p.report = m
		news := p.sent.known(m)
		p.step(c, Input{Lines: &news}, false)
	case Configured:
		p.configure(c, m)
	case protocol.InputReport:
		p.step(c, Input{Inputs: &m.Inputs, Source: "input"}, false)
	case protocol.FireConfirmed:
		p.step(c, Input{Ask: AskTrigger, Source: "consensus", ID: m.ID}, false)
	case protocol.TriggerRequested:
		p.step(c, Input{Ask: AskTrigger, Source: m.Source, Age: Age(m.Stamp, m.Wall)}, false)
	case protocol.Command:
		ask := asks[min(m.Action, protocol.NumCommands)]
		p.order = &m
		p.step(c, Input{Ask: ask, Source: m.Source, Age: Age(m.Stamp, m.Wall)}, true)
		p.order = nil
	case protocol.Shutdown:
		source := "shutdown"
		if m.Tripped {
			source, p.life.over = tripped, true
		}
		if p.asked.IsZero() {
			p.asked = c.Now()
		}
		if m.Done != nil {
			p.ends = append(p.ends, m.Done)
		}
		p.step(c, Input{Ask: AskEnd, Source: source}, true)
	}
}

// listen takes up a sign of life of the gpio actor, or judges that there was none for too long.
func (p *pump) listen(c *actors.Context, msg any) {
	if r, ok := msg.(protocol.LineReport); ok {
		if p.life.answered(max(r.Heard, r.Seq), c.Now()) {
			c.Publish(protocol.Heartbeat{At: c.Now()})
		}
		return
	}
	if why := p.life.silence(c.Now()); why != "" && p.settings.Trip != nil {
		p.settings.Trip(why)
	}
}

// asks is what each command asks of the machine.
var asks = [protocol.NumCommands + 1]Ask{
	protocol.CommandStart: AskStart, protocol.CommandStop: AskStop,
	protocol.CommandValveOpen: AskValveOpen, protocol.CommandValveClose: AskValveClose,
	protocol.CommandReset: AskReset,
}

// Stopping publishes what waits to be counted. The outputs are not touched: an orderly end comes as
// Shutdown, any other is the trip's.
func (p *pump) Stopping(c *actors.Context) {
	for _, o := range p.tally.take(c.Now(), true) {
		p.occurred(c, o)
	}
}

// step makes one step of the machine and carries it out: the lines first, then whoever waits for an
// answer, the journal, and last those who only listen.
func (p *pump) step(c *actors.Context, in Input, send bool) {
	now := c.Now()
	before := p.machine
	m, out := Step(p.timing, before, in, now)
	p.machine = m
	if send || m.Phase != before.Phase || m.Outputs() != p.sent.lines ||
		now.Sub(p.beat) >= p.life.beat {
		p.beat = now
		set := p.sent.set(m.Outputs())
		p.life.sent(set.Seq)
		c.Publish(set)
		c.Yield()
	}
	for _, o := range out {
		p.carryOut(c, o, now)
	}
	for _, o := range p.tally.take(now, !p.over.IsZero()) {
		p.occurred(c, o)
	}
	p.status(c, before, now)
	p.finish(now)
	p.arm(c, now)
}

func (p *pump) carryOut(c *actors.Context, o Outcome, now time.Time) {
	switch o.Kind {
	case TriggerAnswered:
		c.Publish(protocol.TriggerOutcome{ID: o.ID, Accepted: o.Accepted, Reason: o.Reason,
			At: now})
	case CheckpointDue:
		c.Publish(o.Then.Memory(p.timing, p.sinceBoot(now), p.boot))
	case CooldownOver:
		c.Publish(protocol.CooldownEnded{Why: "reset"})
	case Ended:
		if p.over.IsZero() {
			p.over = now
		}
	case EventOccurred:
		if o.Shared && p.over.IsZero() { // afterwards nobody waits for a second
			p.tally.add(o, now)
			return
		}
		p.occurred(c, o)
	}
}

// sinceBoot is CLOCK_BOOTTIME at now, by the difference read once: two readings would jitter.
func (p *pump) sinceBoot(now time.Time) time.Duration { return p.booted + now.Sub(p.started) }

func (p *pump) occurred(c *actors.Context, o Outcome) {
	p.answer(&o)
	wall := c.Wall()
	system := o.Then.System(p.timing, wall, p.settings.Simulated)
	c.Publish(protocol.Occurred{Action: o.Action, Reason: o.Reason, Details: o.Details,
		System: &system, At: wall})
}

// answer tells whoever ordered what became of it, and the event who that was.
func (p *pump) answer(o *Outcome) {
	if p.order == nil || o.Answers == AskNothing || o.Answers != asks[min(p.order.Action, protocol.NumCommands)] {
		return
	}
	if p.order.By != "" {
		o.Details = maps.Clone(o.Details)
		if o.Details == nil {
			o.Details = make(map[string]any, 1)
		}
		o.Details["by"] = p.order.By
	}
	select {
	case p.order.Answer <- protocol.CommandOutcome{Accepted: o.Action != protocol.CommandRefused,
		Event: o.Action, Reason: o.Reason}:
	default: // nobody waits, or there is no room: the pump never waits
	}
}

// status is sent when something but time has changed, and once a second while something runs.
func (p *pump) status(c *actors.Context, before Machine, now time.Time) {
	refuses := p.machine.Refuses(p.timing)
	changed := before.face() != p.machine.face() || before.Refuses(p.timing) != refuses
	if !changed && !p.told.IsZero() && (!p.machine.busy() || now.Sub(p.told) < statusEvery) {
		return
	}
	p.told = now
	c.Publish(protocol.PumpStatus{State: p.machine.State(), Lines: p.machine.Outputs(),
		Inputs: p.machine.Inputs, Refuses: refuses, At: now,
		System: p.machine.System(p.timing, c.Wall(), p.settings.Simulated)})
}

// patience is until when a shutdown waits for lines that are not reported off.
func (p *pump) patience() time.Time {
	return p.asked.Add(p.timing.IgnitionOff + offPatience)
}

// finish lets the process go once the lines are reported off, or nobody reports (SPEC P14).
func (p *pump) finish(now time.Time) {
	if p.over.IsZero() || len(p.ends) == 0 {
		return
	}
	off := p.report.Seq >= p.sent.seq && p.report.Commanded == 0 && p.report.Read == 0
	if !off && now.Before(p.patience()) {
		return
	}
	for _, done := range p.ends {
		close(done)
	}
	p.ends = nil
}

// arm sets the one timer to whatever is due first.
func (p *pump) arm(c *actors.Context, now time.Time) {
	next := p.beat.Add(p.life.beat)
	var off time.Time
	if !p.over.IsZero() && len(p.ends) > 0 {
		off = p.patience()
	}
	for _, t := range []time.Time{p.machine.Until(), p.tally.due(), off, p.life.next()} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	p.life.due = next
	c.After(deadline, max(0, next.Sub(now)))
}
