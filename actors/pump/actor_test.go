package pump

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// bench is a pump actor in a house of its own, with a gpio actor's manners: every set of outputs is
// answered by a report a moment later.
type bench struct {
	t        *testing.T
	mu       sync.Mutex // orders the test before the actor's next timer
	house    *actors.House
	ref      actors.Ref
	clock    *fakeClock
	sets     []protocol.SetOutputs
	setAt    []time.Time
	events   []protocol.Occurred
	outcomes []protocol.TriggerOutcome
	memory   []protocol.PumpMemory
	statuses []protocol.PumpStatus
	beats    []time.Time
	resets   int
	reads    int
	mute     bool // gpio reports nothing
}

// fakeClock is the bubble's clock with a kernel boot of its own.
type fakeClock struct {
	actors.SystemClock
	began time.Time
	boot  string
}

func (c *fakeClock) SinceBoot() time.Duration { return time.Hour + time.Since(c.began) }
func (c *fakeClock) BootID() string           { return c.boot }

// inBubble runs a test on a bench in a synctest bubble.
func inBubble(t *testing.T, change func(*Settings), run func(*bench), made ...func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for _, f := range made {
			f(b)
		}
		b.start(change)
		run(b)
		b.close()
	})
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, clock: &fakeClock{began: time.Now(), boot: "kernel"}}
	b.house = actors.NewHouse(actors.Options{Clock: b.clock, Route: b.hear})
	return b
}

func (b *bench) start(change func(*Settings)) {
	d := defaults()
	s := Settings{Config: d.Config, VerifyTimeout: d.VerifyTimeout, VerifyGrace: d.VerifyGrace,
		Recovered: protocol.Recovered{Fresh: true}, Simulated: true}
	if change != nil {
		change(&s)
	}
	b.mu.Lock()
	ref, err := b.house.Spawn("pump", Kind, func() actors.Actor { return New(s) })
	if err != nil {
		b.t.Fatal(err)
	}
	b.ref = ref
	b.mu.Unlock()
	synctest.Wait()
	b.send(protocol.InputReport{At: time.Now()})
}

func (b *bench) close() {
	b.read()
	if err := b.house.StopAll(context.Background()); err != nil {
		b.t.Error(err)
	}
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

// hear runs on the pump's goroutine; the test reads after synctest.Wait.
func (b *bench) hear(msg any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch m := msg.(type) {
	case protocol.SetOutputs:
		b.sets = append(b.sets, m)
		b.setAt = append(b.setAt, time.Now())
		if !b.mute {
			b.ref.Send(protocol.LineReport{Seq: m.Seq, Commanded: m.Lines, Read: m.Lines, Available: true, At: time.Now()})
		}
	case protocol.Occurred:
		b.events = append(b.events, m)
	case protocol.TriggerOutcome:
		b.outcomes = append(b.outcomes, m)
	case protocol.PumpMemory:
		b.memory = append(b.memory, m)
	case protocol.Heartbeat:
		b.beats = append(b.beats, m.At)
	case protocol.PumpStatus:
		b.statuses = append(b.statuses, m)
	case protocol.CooldownEnded:
		b.resets++
	}
}

func (b *bench) silence() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mute = true
}

func (b *bench) send(msg any) { b.read(); b.ref.Send(msg); synctest.Wait() }

// read marks that the test has read what was heard, before the actor's next timer writes.
func (b *bench) read() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
}

func (b *bench) wait(d time.Duration) {
	b.read()
	time.Sleep(d)
	synctest.Wait()
}
func (b *bench) lines() protocol.Lines { return b.sets[len(b.sets)-1].Lines }

func (b *bench) count(a protocol.Action) (n int) {
	for _, e := range b.events {
		if e.Action == a {
			n++
		}
	}
	return n
}

func (b *bench) must(ok bool, format string, args ...any) {
	b.t.Helper()
	if !ok {
		b.t.Fatalf(format, args...)
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheActorRunsTheWholeSequenceOnItsOneTimer(t *testing.T) {
	inBubble(t, func(s *Settings) { s.Config.RefillMultiplier = 4 }, func(b *bench) {
		began := time.Now()
		b.send(protocol.FireConfirmed{ID: 1})
		b.must(b.lines() == protocol.SetOf(mv, rv, pv), "on is %v", b.lines())
		b.wait(4 * time.Hour)
		b.must(b.lines() == 0, "on is %v", b.lines())
		var changes []string
		last := protocol.Lines(0)
		for i, set := range b.sets {
			if set.Lines != last {
				changes = append(changes, b.setAt[i].Sub(began).String()+" "+set.Lines.String())
				last = set.Lines
			}
		}
		want := []string{
			"0s main_valve",
			"0s main_valve+refill_valve+priming_valve",
			"2s main_valve+ignition_start+refill_valve+priming_valve",
			"7s main_valve+ignition_on+refill_valve+priming_valve",
			"3m7s main_valve+ignition_on+refill_valve",
			"29m47s main_valve+ignition_on+refill_valve+rpm_reduce",
			"30m2s main_valve+ignition_off+refill_valve",
			"30m7s main_valve+refill_valve",
			"40m7s refill_valve",
			"2h40m7s none",
		}
		b.must(slices.Equal(changes, want), "the lines were %q", changes)
	})
}

func TestTheOutputsAreSentAgainAtLeastOnceASecond(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.wait(10 * time.Second)
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(300 * time.Second)
		for i := 1; i < len(b.sets); i++ {
			gap := b.setAt[i].Sub(b.setAt[i-1])
			b.must(gap <= time.Second, "no outputs for %v", gap)
			b.must(b.sets[i].Seq == b.sets[i-1].Seq+1, "seq %d follows %d", b.sets[i].Seq, b.sets[i-1].Seq)
		}
		b.must(len(b.sets) < 700, "%d sets in 310 s", len(b.sets))
	})
}

func TestAReportOfAnOlderCommandVerifiesNothing(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(time.Second)
		b.send(protocol.Command{Action: protocol.CommandStop})
		b.wait(6 * time.Second)
		b.send(protocol.Command{Action: protocol.CommandReset})
		b.silence()
		last := b.sets[len(b.sets)-1].Seq
		b.send(protocol.FireConfirmed{ID: 2})
		b.must(b.lines() == protocol.SetOf(mv), "on is %v", b.lines())
		// Late words about the time before the valve was commanded open again.
		open := protocol.SetOf(mv)
		b.send(protocol.LineReport{Seq: last, Commanded: open, Read: open, Available: true})
		b.must(b.lines() == open, "an old report verified the valve: %v", b.lines())
		b.send(protocol.LineReport{Seq: b.sets[len(b.sets)-1].Seq, Commanded: open, Read: open, Available: true})
		b.must(b.lines() == protocol.SetOf(mv, rv, pv), "on is %v", b.lines())
	})
}

func TestEveryTriggerIsAnsweredAndIdenticalOnesShareAnEvent(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		for i := range 50 {
			b.send(protocol.FireConfirmed{ID: uint64(i + 1)})
		}
		b.must(len(b.outcomes) == 50, "%d answers", len(b.outcomes))
		for i, o := range b.outcomes {
			b.must(o.ID == uint64(i+1) && o.Accepted, "answer %d is %+v", i, o)
		}
		b.wait(1500 * time.Millisecond)
		b.must(b.count(protocol.PumpSequenceStart) == 1, "%d starts", b.count(protocol.PumpSequenceStart))
		b.must(b.count(protocol.TriggerExtended) == 1, "%d events", b.count(protocol.TriggerExtended))
		for _, e := range b.events {
			if e.Action == protocol.TriggerExtended {
				b.must(e.Details["count"] == 49, "the count is %v", e.Details["count"])
			}
		}
	})
}

func TestAStopOvertakesWhateverWaits(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(4 * time.Second)
		b.must(b.lines().Has(is), "it does not crank: %v", b.lines())
		for i := range 1000 {
			b.ref.Send(protocol.FireConfirmed{ID: uint64(i + 2)})
		}
		b.ref.Send(protocol.Command{Action: protocol.CommandStop, Source: "mqtt"})
		synctest.Wait()
		b.must(b.lines() == protocol.SetOf(mv, ix), "on is %v", b.lines())
		b.wait(5*time.Second - 1)
		b.must(b.lines() == protocol.SetOf(mv, ix), "on is %v", b.lines())
		b.wait(1)
		b.must(b.lines() == 0, "on is %v", b.lines())
		b.must(b.memory[len(b.memory)-1].StopHeld, "the stop is not in the memory")
	})
}

func TestEveryEventCarriesTheStateOfItsMoment(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(10 * time.Second)
		want := map[protocol.Action]protocol.State{
			protocol.PumpSequenceStart: protocol.Priming, protocol.PrimingStarted: protocol.Priming,
			protocol.EngineStartSequence: protocol.Starting, protocol.EngineRunning: protocol.Running,
		}
		for _, e := range b.events {
			if state, ok := want[e.Action]; ok {
				b.must(e.System != nil && e.System.State == state && e.System.SimulationBoard, "%s: %+v", e.Action, e.System)
			}
		}
		st := b.statuses[len(b.statuses)-1]
		b.must(st.System.EngineOn && st.State == protocol.Running && st.System.CurrentRuntime >= 7, "%+v", st)
	})
}

func TestTheStatusIsSentOnChangeAndOnceASecondWhileBusy(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.wait(time.Minute)
		quiet := len(b.statuses)
		b.must(quiet <= 3, "%d statuses in a minute of rest", quiet)
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(time.Minute)
		n := len(b.statuses) - quiet
		b.must(n >= 60 && n < 80, "%d statuses in a minute of work", n)
	})
}

func TestAResetEndsTheCooldownOfConsensus(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.send(protocol.Command{Action: protocol.CommandReset})
		b.must(b.resets == 1, "%d", b.resets)
	})
}

func TestATriggerFromOutsideIsJudgedByItsAge(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		wall := time.Now()
		b.send(protocol.TriggerRequested{Source: "mqtt", Stamp: wall.Add(-2 * time.Minute), Wall: wall})
		b.must(b.lines() == 0 && !b.outcomes[0].Accepted && b.outcomes[0].Reason == "stale", "%+v", b.outcomes)
		b.send(protocol.TriggerRequested{Source: "mqtt", Stamp: wall.Add(time.Hour), Wall: wall})
		b.must(b.lines().Has(mv) && b.outcomes[1].Accepted, "%+v", b.outcomes)
	})
}

func TestAShutdownIsDoneWhenThePulseIsOverAndTheLinesAreOff(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(20 * time.Second)
		done := make(chan struct{})
		b.send(protocol.Shutdown{Done: done})
		b.must(b.lines() == protocol.SetOf(mv, ix), "on is %v", b.lines())
		b.read()
		began := time.Now()
		<-done
		took := time.Since(began)
		b.must(took == 5*time.Second, "it took %v", took)
		b.must(b.lines() == 0, "on is %v", b.lines())
		last := b.memory[len(b.memory)-1]
		b.must(last.RunOpen && !last.StopHeld && !last.PulseOpen, "%+v", last)
	})
}

func TestAShutdownDoesNotWaitForABoardThatIsSilent(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.silence()
		done := make(chan struct{})
		b.send(protocol.Shutdown{Done: done})
		b.read()
		began := time.Now()
		<-done
		b.must(time.Since(began) <= 7*time.Second, "it took %v", time.Since(began))
	})
}

func TestARunGoesOnAfterARestartOfTheProcess(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(30 * time.Second)
		memory := b.memory[len(b.memory)-1]
		b.must(memory.RunOpen && memory.BootID == "kernel" && memory.LastTrigger >= time.Hour, "%+v", memory)
		if err := b.house.StopAll(context.Background()); err != nil {
			b.t.Fatal(err)
		}
		b.wait(10 * time.Second)
		b.start(func(s *Settings) { s.Recovered = protocol.Recovered{Pump: memory} })
		b.must(b.lines() == protocol.SetOf(mv, ix), "on is %v", b.lines())
		b.wait(12500 * time.Millisecond)
		b.must(b.lines() == protocol.SetOf(mv, io, rv, pv), "on is %v", b.lines())
		b.must(b.count(protocol.BootRecovered) == 1, "%d", b.count(protocol.BootRecovered))
	})
}

func TestAStepOfTheClockOnTheWallChangesNothing(t *testing.T) {
	// The machine is given no wall time but the age of a message: nothing to step. Here the house's
	// wall clock is two centuries off and the sequence is the same.
	inBubble(t, nil, func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1, Wall: time.Now().AddDate(-200, 0, 0)})
		b.wait(8 * time.Second)
		b.must(b.lines().Has(io), "on is %v", b.lines())
	})
}

func TestTwentyHoursOfRefill(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(20*time.Hour + 41*time.Minute)
		b.must(b.lines() == 0, "on is %v", b.lines())
		b.must(b.count(protocol.RefillCompleteTimer) == 1, "%d", b.count(protocol.RefillCompleteTimer))
		b.wait(2 * time.Hour)
		b.must(b.count(protocol.IdleStateEntered) == 1, "%d", b.count(protocol.IdleStateEntered))
	})
}
