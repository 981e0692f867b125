package pump

import (
	"slices"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// line is one machine on a time line, with a plant that does as it is told unless a test says
// otherwise.
type line struct {
	t      *testing.T
	c      Timing
	m      Machine
	now    time.Time
	events []Outcome
	told   []Outcome // answers to triggers
	saved  []Machine // at checkpoints
	ended  bool
	deaf   bool           // no report of lines comes back
	stuck  protocol.Lines // these lines read as they do whatever is commanded
	wrong  protocol.Lines // and these have failed
}

// defaults are SPEC §3's.
func defaults() Timing {
	return Timing{Config: Config{
		PreOpenDelay: 2 * time.Second, IgnitionStart: 5 * time.Second, CrankAttempts: 6, CrankRest: 15 * time.Second,
		PrimingDuration: 180 * time.Second, PressureCheckDelay: 60 * time.Second, FireOffDelay: 1800 * time.Second,
		MaxEngineRuntime: 1800 * time.Second, RPMReductionLead: 15 * time.Second, RPMReductionDuration: 5 * time.Second,
		IgnitionOff: 5 * time.Second, ValveCloseDelay: 600 * time.Second, RefillMultiplier: 40,
		CooldownDuration: 60 * time.Second, MaxDryRunTime: 300 * time.Second, FireInLockout: "refuse",
	}, VerifyTimeout: 5 * time.Second, VerifyGrace: 2 * time.Second, TakeLimit: takeLimit(2 * time.Second), EndWait: endWait}
}

func onLine(t *testing.T, change func(*Timing)) *line {
	l := &line{t: t, c: defaults(), now: zero}
	if change != nil {
		change(&l.c)
	}
	return l
}

// brief has short runs and a short lockout.
func brief(c *Timing) {
	c.MaxEngineRuntime, c.FireOffDelay, c.PrimingDuration = 60*time.Second, 40*time.Second, 10*time.Second
	c.ValveCloseDelay, c.RefillMultiplier = 20*time.Second, 1
}

func (l *line) input(in Input) *line {
	l.t.Helper()
	was := l.m.Outputs()
	m, out := Step(l.c, l.m, in, l.now)
	l.m = m
	for _, o := range out {
		switch o.Kind {
		case EventOccurred:
			l.events = append(l.events, o)
		case TriggerAnswered:
			l.told = append(l.told, o)
		case CheckpointDue:
			l.saved = append(l.saved, o.Then)
		case Ended:
			l.ended = true
		}
	}
	if !l.deaf && (in.Lines == nil || m.Outputs() != was) {
		on := m.Outputs()
		l.input(Input{Lines: &Lines{Verified: on &^ l.stuck, Failed: l.wrong}})
	}
	return l
}

func (l *line) ask(a Ask) *line { l.t.Helper(); return l.input(Input{Ask: a, Source: "test"}) }

func (l *line) sensors(change func(*protocol.Inputs)) *line {
	l.t.Helper()
	now := l.m.Inputs
	change(&now)
	return l.input(Input{Inputs: &now})
}

// pass lets time pass, stopping at every deadline.
func (l *line) pass(d time.Duration) *line {
	l.t.Helper()
	end := l.now.Add(d)
	for {
		until := l.m.Until()
		if until.IsZero() || until.After(end) {
			break
		}
		l.now = until
		l.input(Input{})
	}
	l.now = end
	return l.input(Input{})
}

func (l *line) in(want protocol.State) *line {
	l.t.Helper()
	if l.m.State() != want {
		l.t.Fatalf("the state is %v (%v), not %v: %s", l.m.State(), l.m.Phase, want, l.m.Why)
	}
	return l
}

func (l *line) on(want ...protocol.Line) *line {
	l.t.Helper()
	if got := l.m.Outputs(); got != protocol.SetOf(want...) {
		l.t.Fatalf("%v: on is %v, not %v", l.m.Phase, got, protocol.SetOf(want...))
	}
	return l
}

func (l *line) count(a protocol.Action) (n int) {
	for _, e := range l.events {
		if e.Action == a {
			n++
		}
	}
	return n
}

func (l *line) occurred(a protocol.Action, times int) *line {
	l.t.Helper()
	if n := l.count(a); n != times {
		l.t.Fatalf("%s occurred %d times, not %d: %v", a, n, times, l.names())
	}
	return l
}

func (l *line) names() (all []protocol.Action) {
	for _, e := range l.events {
		all = append(all, e.Action)
	}
	return all
}

func (l *line) last(a protocol.Action) Outcome {
	l.t.Helper()
	for _, e := range slices.Backward(l.events) {
		if e.Action == a {
			return e
		}
	}
	l.t.Fatalf("%s never occurred: %v", a, l.names())
	return Outcome{}
}

// refused checks the last answer to a trigger.
func (l *line) refused(why string) *line {
	l.t.Helper()
	if len(l.told) == 0 || l.told[len(l.told)-1].Accepted || l.told[len(l.told)-1].Reason != why {
		l.t.Fatalf("the last trigger was not refused for %s: %+v", why, l.told[len(l.told)-1])
	}
	return l
}

func (l *line) taken() *line {
	l.t.Helper()
	if len(l.told) == 0 || !l.told[len(l.told)-1].Accepted {
		l.t.Fatalf("the last trigger was not taken: %+v", l.told[len(l.told)-1])
	}
	return l
}

// reborn lets the process die now and another start after a pause, with the last checkpoint.
func (l *line) reborn(pause time.Duration, sameKernel bool) *line {
	l.t.Helper()
	const since = 1000 * time.Hour
	last := l.saved[len(l.saved)-1]
	at := since + last.At.Sub(zero)
	mem := last.Memory(l.c, at, "kernel")
	inputs := l.m.Inputs
	l.now = l.now.Add(pause)
	boot := &Boot{Recovered: protocol.Recovered{Pump: mem}, BootID: "kernel", SinceBoot: since + l.now.Sub(zero)}
	if !sameKernel {
		boot.BootID, boot.SinceBoot = "other", time.Minute
	}
	l.m, l.ended = Machine{}, false
	return l.input(Input{Boot: boot}).input(Input{Inputs: &inputs})
}

// untilRunning brings the machine to RUNNING by a trigger, without feedback.
func (l *line) untilRunning() *line {
	l.t.Helper()
	return l.ask(AskTrigger).taken().pass(7 * time.Second).in(protocol.Running)
}

const (
	mv = protocol.MainValve
	is = protocol.IgnitionStart
	io = protocol.IgnitionOn
	ix = protocol.IgnitionOff
	rv = protocol.RefillValve
	pv = protocol.PrimingValve
	rr = protocol.RPMReduce
)

const s = time.Second
