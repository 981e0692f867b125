package gpio

import (
	"strings"
	"sync"
	"testing"
	"time"

	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

const deadman = 2 * time.Second

func watched() *model {
	c := testLimits
	c.Deadman = deadman
	return newModel(c)
}

func TestASilentPumpTripsAtTheDeadmanAndNotBefore(t *testing.T) {
	for _, lines := range []protocol.Lines{0, main, main | start, main | on, main | off} {
		x := watched()
		x.pass(time.Second)
		x.ask(lines)
		x.pass(deadman - 1)
		if x.must(t); x.tripped {
			t.Errorf("%v: tripped before its time", lines)
		}
		x.pass(1)
		if x.must(t); !x.tripped {
			t.Errorf("%v: not tripped at %v", lines, deadman)
		}
		x.ask(main | on)
		if x.must(t); x.onLines.Has(protocol.IgnitionOn) && !lines.Has(protocol.IgnitionOn) {
			t.Errorf("%v: something is switched on after the trip", lines)
		}
	}
}

func TestAPumpThatRepeatsItselfNeverTrips(t *testing.T) {
	x := watched()
	for range 1000 {
		x.ask(main | on)
		x.pass(deadman - time.Millisecond)
	}
	if x.must(t); x.tripped {
		t.Error("tripped")
	}
}

func TestThePumpsFirstWordMayComeLate(t *testing.T) {
	x := &model{limits: testLimits, now: time.Unix(1000, 0)}
	x.limits.Deadman = deadman
	x.machine, _ = Step(x.limits, Machine{}, Input{Asked: &protocol.SetOutputs{}}, x.now)
	x.machine, _ = Step(x.limits, x.machine, Input{Driven: &Driven{Write: true}}, x.now)
	begun, why := x.now, ""
	for why == "" && x.now.Sub(begun) < time.Minute {
		x.now = x.machine.Until(x.limits)
		var e Effect
		if x.machine, e = Step(x.limits, x.machine, Input{}, x.now); e.Write {
			x.machine, _ = Step(x.limits, x.machine, Input{Driven: &Driven{Write: true}}, x.now)
		}
		why = e.Trip
	}
	if took := x.now.Sub(begun); took != protocol.FirstPatience {
		t.Errorf("tripped after %v (%s)", took, why)
	}
	if !strings.Contains(why, "never") {
		t.Errorf("why: %s", why)
	}
}

func TestAProcessThatWasPausedGivesThePumpOneShortGrace(t *testing.T) {
	x := watched()
	x.ask(main | on)
	x.pause(time.Hour)
	x.step(Input{})
	if x.must(t); x.tripped {
		t.Fatal("tripped at once, before the pump can have spoken")
	}
	woke := x.now
	x.pass(protocol.Grace - 1)
	if x.must(t); x.tripped {
		t.Fatal("tripped in the grace")
	}
	x.pass(1)
	if x.must(t); !x.tripped {
		t.Errorf("not tripped %v after it woke", x.now.Sub(woke))
	}
}

func TestAPumpThatSpeaksAfterAPauseIsNotTripped(t *testing.T) {
	x := watched()
	for range 100 {
		x.ask(main | on)
		x.pause(time.Hour)
		x.step(Input{})
		x.ask(main | on)
		x.pass(time.Second)
	}
	if x.must(t); x.tripped {
		t.Error("tripped")
	}
}

func TestStutteringDoesNotProlongASilenceForEver(t *testing.T) {
	x := watched()
	x.ask(main | on)
	for n := range 20 {
		x.pause(3 * time.Second) // late every time
		x.step(Input{})
		if x.tripped {
			if n < 2 || n > protocol.MostGraces+1 {
				t.Errorf("tripped at pause %d", n)
			}
			return
		}
	}
	t.Error("never tripped")
}

func TestABoardThatTakesItsTimeIsNotThePumpsSilence(t *testing.T) {
	x := watched()
	x.machine, _ = Step(x.limits, x.machine, Input{Asked: &protocol.SetOutputs{Seq: 9, Lines: main}}, x.now)
	x.now = x.now.Add(10 * deadman) // in the write
	m, e := Step(x.limits, x.machine, Input{Driven: &Driven{Write: true, Wrote: main, Read: main}}, x.now)
	if e.Trip != "" {
		t.Fatal("judged before the mailbox was read: " + e.Trip)
	}
	m, e = Step(x.limits, m, Input{Moved: true}, x.now) // came first
	if e.Trip != "" {
		t.Fatal("no grace: " + e.Trip)
	}
	if _, e = Step(x.limits, m, Input{Asked: &protocol.SetOutputs{Seq: 10, Lines: main}}, x.now); e.Trip != "" {
		t.Error(e.Trip)
	}
}

func TestTheActorSaysOnceThatThePumpIsSilentAndThenKeepsStill(t *testing.T) {
	var mu sync.Mutex
	var said []string
	settings = func(s *Settings) {
		s.Trip = func(why string) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, why)
		}
	}
	defer func() { settings = func(*Settings) {} }()
	over(t, func(c *Config) { c.Deadman = deadman }, func(*simulator.Simulator) {}, func(b *bench) {
		b.ask(protocol.MainValve, protocol.IgnitionOn)
		b.pass(deadman - time.Millisecond)
		mu.Lock()
		before := len(said)
		mu.Unlock()
		b.pass(time.Millisecond)
		b.ask(protocol.MainValve, protocol.IgnitionOn, protocol.RefillValve)
		b.pass(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if before != 0 || len(said) != 1 || !strings.Contains(said[0], "main_valve+ignition_on") {
			t.Errorf("%d before its time, then %q", before, said)
		}
		if r := b.report(); r.Commanded != main|on {
			t.Errorf("commanded after the trip: %v", r.Commanded)
		}
	})
}

func TestTheActorKeepsStillWhenSomebodyElseHasTrippedTheGate(t *testing.T) {
	over(t, nil, nil, func(b *bench) {
		b.ask(protocol.MainValve, protocol.IgnitionOn)
		b.gate.Trip()
		b.ask(protocol.MainValve, protocol.IgnitionOn)
		b.pass(time.Hour)
		if got := b.faults(); len(got) != 0 {
			t.Errorf("a trip is reported as a broken board: %+v", got)
		}
	})
}

func TestEveryWordOfThePumpIsAnsweredAlsoOverALostBoard(t *testing.T) {
	over(t, nil, nil, func(b *bench) {
		b.board.FailWrites(errFlaky)
		b.ask(protocol.MainValve)
		if r := b.report(); r.Heard != 1 || r.Seq != 0 || r.Available {
			t.Errorf("%+v", r)
		}
		b.ask(protocol.MainValve)
		if r := b.report(); r.Heard != 2 {
			t.Errorf("%+v", r)
		}
	})
}
