package gpio

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"wildfire-watch/actors"
	"wildfire-watch/hardware"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

// shipped is the [gpio] section of config.toml, with feedbacks and inputs fitted as a test needs.
func shipped() Config {
	return Config{
		Board: "simulator", MainValve: relay(18), IgnitionStart: relay(23), IgnitionOn: relay(24),
		IgnitionOff: relay(25), RefillValve: relay(22), PrimingValve: relay(26), RPMReduce: relay(27),
		ReservoirFloat: sensor(-1), LinePressure: sensor(-1), Flow: sensor(-1),
		EmergencyButton: sensor(-1), StopButton: sensor(-1), EngineRunning: sensor(-1),
		Debounce: 50 * time.Millisecond, VerifyTimeout: 5 * time.Second,
		VerifyGrace: 2 * time.Second, WriteAttempts: 5, Deadman: 2 * time.Second,
	}
}

func relay(line int) Relay   { return Relay{Line: At(line), Feedback: At(-1)} }
func sensor(line int) Sensor { return Sensor{Line: At(line)} }

// shippedPump is the [pump] section as far as the plant is concerned.
var shippedPump = PumpTimes{Crank: 5 * time.Second, Attempts: 6, Run: 30 * time.Minute,
	Priming: 3 * time.Minute, Check: time.Minute, Pulse: 5 * time.Second, Refill: 40}

// bench is the actor over a simulated board in a bubble of virtual time, and what it published.
type bench struct {
	t     *testing.T
	board *simulator.Simulator
	gate  *Gate
	house *actors.House
	actor actors.Ref
	seq   uint64

	mu     sync.Mutex // guards what Route writes
	said   []any
	lines  protocol.LineReport
	inputs protocol.InputReport
}

// settings lets a test change what the actor is made of.
var settings = func(*Settings) {}

var errFlaky = errors.New("flaky")

const crankLimit = 5500 * time.Millisecond

// over runs a test over the actor; change fits the configuration, prepare the board.
func over(t *testing.T, change func(*Config), prepare func(*simulator.Simulator), test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := shipped()
		c.Deadman = 0 // nothing repeats what a test asks for; the silence has tests of its own
		if change != nil {
			change(&c)
		}
		b := &bench{t: t}
		var err error
		if b.board, err = simulator.New(c.Simulator(SimulatorConfig{CatchAfter: 2 * time.Second}, shippedPump)); err != nil {
			t.Fatal(err)
		}
		if prepare != nil {
			prepare(b.board)
		}
		b.gate = NewGate(b.board)
		b.house = actors.NewHouse(actors.Options{Route: b.hear})
		b.actor, err = b.house.Spawn("gpio", actors.Kind{Name: "gpio", Critical: true}, func() actors.Actor {
			s := Settings{Config: c, CrankLimit: crankLimit}
			settings(&s)
			return New(s, b.gate)
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		test(b)
		if err := b.house.StopAll(context.Background()); err != nil {
			t.Error(err)
		}
		if err := b.gate.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second) // protoactor's throttle goroutine ends
		synctest.Wait()
	})
}

func (b *bench) hear(msg any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, msg)
	switch m := msg.(type) {
	case protocol.LineReport:
		b.lines = m
	case protocol.InputReport:
		b.inputs = m
	}
}

// ask sends what the pump would, and waits until all is quiet.
func (b *bench) ask(lines ...protocol.Line) {
	b.seq++
	b.actor.Send(protocol.SetOutputs{Seq: b.seq, Lines: protocol.SetOf(lines...)})
	synctest.Wait()
}

func (b *bench) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (b *bench) report() protocol.LineReport {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines
}

func (b *bench) sensors() protocol.Inputs {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inputs.Inputs
}

// events counts the events of one action so far.
func (b *bench) events(action protocol.Action) (found []protocol.Occurred) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, msg := range b.said {
		if o, ok := msg.(protocol.Occurred); ok && o.Action == action {
			found = append(found, o)
		}
	}
	return found
}

// count counts the messages published so far that are like that.
func (b *bench) count(like func(any) bool) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, msg := range b.said {
		if like(msg) {
			n++
		}
	}
	return n
}

// faults are those published so far.
func (b *bench) faults() (found []protocol.Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, msg := range b.said {
		if f, ok := msg.(protocol.Fault); ok {
			found = append(found, f)
		}
	}
	return found
}

func TestLinesFollowThePumpAtOnceAndAreReported(t *testing.T) {
	over(t, nil, nil, func(b *bench) {
		if r := b.report(); !r.Available || r.Commanded != 0 || r.Read != 0 {
			t.Fatalf("at start: %+v", r)
		}
		b.ask(protocol.MainValve, protocol.IgnitionStart)
		want := protocol.SetOf(protocol.MainValve, protocol.IgnitionStart)
		if r := b.report(); r.Seq != 1 || r.Commanded != want || r.Read != want {
			t.Errorf("after asking: %+v", r)
		}
		if hardware.Outputs(want) != b.board.Lines() {
			t.Errorf("on the board: %v", b.board.Lines())
		}
	})
}

func TestALineThatSticksIsTriedAgainReportedAndHeals(t *testing.T) {
	over(t, nil, nil, func(b *bench) {
		b.board.StickOutput(hardware.MainValve, false)
		b.ask(protocol.MainValve)
		if r := b.report(); r.Verified(protocol.MainValve) || r.Failed != 0 {
			t.Errorf("at once: %+v", r)
		}
		b.pass(800 * time.Millisecond)
		if r := b.report(); r.Failed != main || !r.Available {
			t.Errorf("after its attempts: %+v", r)
		}
		retries := b.events(protocol.GPIORetry)
		if len(retries) != 4 || retries[3].Details["attempt"] != 5 || retries[0].Details["line"] != "main_valve" {
			t.Errorf("retries: %+v", retries)
		}
		if final := b.events(protocol.GPIOFailureFinal); len(final) != 1 || final[0].Reason != "main_valve reads off, commanded on" {
			t.Errorf("final: %+v", final)
		}
		b.board.Free(hardware.MainValve)
		b.pass(time.Second)
		if r := b.report(); r.Failed != 0 || !r.Verified(protocol.MainValve) {
			t.Errorf("healed: %+v", r)
		}
		if faults := b.faults(); len(faults) != 2 || faults[0].Code != "gpio_main_valve" || !faults[1].Cleared {
			t.Errorf("faults: %+v", faults)
		}
	})
}

func TestAStuckIgnitionNeverDelaysTheStopPulse(t *testing.T) {
	over(t, nil, nil, func(b *bench) {
		b.ask(protocol.MainValve, protocol.IgnitionOn)
		b.board.StickOutput(hardware.IgnitionOn, true)
		b.ask(protocol.MainValve, protocol.IgnitionOff)
		if got := b.board.Lines(); got != hardware.Outputs(main|on|off) {
			t.Errorf("on the lines: %07b", got)
		}
		if r := b.report(); r.Commanded != main|off {
			t.Errorf("commanded: %+v", r)
		}
	})
}

func TestACrankOfAPumpThatHangsIsEnded(t *testing.T) {
	over(t, nil, nil, func(b *bench) {
		b.ask(protocol.MainValve, protocol.IgnitionStart)
		b.pass(crankLimit - time.Millisecond)
		if !b.board.Lines().Has(hardware.IgnitionStart) {
			t.Error("ended before its limit")
		}
		b.pass(time.Millisecond)
		if got := b.board.Lines(); got != hardware.Outputs(main) {
			t.Errorf("on the lines at the limit: %07b", got)
		}
		if r := b.report(); r.Commanded != main {
			t.Errorf("commanded: %+v", r)
		}
		if faults := b.faults(); len(faults) != 1 || faults[0].Code != "gpio_crank" {
			t.Errorf("faults: %+v", faults)
		}
		b.pass(time.Hour)
		if got := b.board.Lines(); got != hardware.Outputs(main) {
			t.Errorf("on the lines later: %07b", got)
		}
	})
}

func TestABoardThatDoesNotAnswerIsReportedAndTriedForEver(t *testing.T) {
	broken := errors.New("unplugged")
	over(t, func(c *Config) { c.StopButton = sensor(16) }, func(s *simulator.Simulator) {
		s.FailWrites(broken)
		s.FailReads(broken)
	}, func(b *bench) {
		if r := b.report(); r.Available {
			t.Errorf("at start: %+v", r)
		}
		if got := b.events(protocol.HardwareValidationFailure); len(got) != 1 {
			t.Errorf("events: %+v", got)
		}
		if got := b.sensors(); got.StopButton != protocol.Unknown || got.Flow != protocol.NotFitted {
			t.Errorf("inputs: %+v", got)
		}
		b.ask(protocol.MainValve)
		b.pass(time.Hour)
		if r := b.report(); r.Available || r.Seq != 0 || r.Commanded != 0 {
			t.Errorf("after an hour: %+v", r)
		}
		b.board.FailWrites(nil)
		b.board.FailReads(nil)
		b.pass(time.Second)
		if r := b.report(); !r.Available || r.Seq != 1 || !r.Verified(protocol.MainValve) {
			t.Errorf("answering again: %+v", r)
		}
		if got := b.sensors(); got.StopButton != protocol.Inactive {
			t.Errorf("inputs: %+v", got)
		}
		if faults := b.faults(); len(faults) != 2 || faults[0].Code != "gpio" || !faults[1].Cleared {
			t.Errorf("faults: %+v", faults)
		}
	})
}

func TestASingleLostReadDoesNotBlindTheInputs(t *testing.T) {
	over(t, func(c *Config) { c.StopButton = sensor(16) }, nil, func(b *bench) {
		b.board.FailReads(errors.New("noise"))
		b.ask()
		if r := b.report(); r.Available || r.Seq != 1 {
			t.Errorf("the loss is not reported: %+v", r)
		}
		b.board.FailReads(nil)
		b.pass(time.Second)
		if n := b.count(func(m any) bool { _, ok := m.(protocol.InputReport); return ok }); n != 1 {
			t.Errorf("%d reports of inputs that did not change", n)
		}
	})
}

func TestInputsAreReportedOnceAtStartAndAtEveryChange(t *testing.T) {
	over(t, func(c *Config) { c.StopButton, c.ReservoirFloat = sensor(16), sensor(17) }, nil, func(b *bench) {
		if got := b.sensors(); got.StopButton != protocol.Inactive || got.ReservoirFloat != protocol.Active {
			t.Errorf("at start: %+v", got)
		}
		b.board.SetInput(hardware.StopButton, true)
		b.pass(49 * time.Millisecond)
		if got := b.sensors(); got.StopButton != protocol.Inactive {
			t.Errorf("within the debounce: %+v", got)
		}
		b.pass(time.Millisecond)
		if got := b.sensors(); got.StopButton != protocol.Active {
			t.Errorf("after the debounce: %+v", got)
		}
		b.pass(time.Hour)
		if n := b.count(func(m any) bool { _, ok := m.(protocol.InputReport); return ok }); n != 2 {
			t.Errorf("%d reports for 2 states", n)
		}
	})
}

func TestAFeedbackVerifiesAndItsLossIsReportedAtOnce(t *testing.T) {
	over(t, func(c *Config) { c.MainValve.Feedback = At(20) }, nil, func(b *bench) {
		b.ask(protocol.MainValve)
		if b.report().Verified(protocol.MainValve) {
			t.Error("verified before the feedback can have come")
		}
		b.pass(200 * time.Millisecond)
		if !b.report().Verified(protocol.MainValve) || len(b.events(protocol.GPIORetry)) != 0 {
			t.Errorf("%+v, retries %v", b.report(), b.events(protocol.GPIORetry))
		}
		b.board.SetFeedback(hardware.MainValve, false)
		b.pass(50 * time.Millisecond)
		if r := b.report(); r.Verified(protocol.MainValve) || r.Failed != 0 {
			t.Errorf("lost: %+v", r)
		}
		b.pass(2 * time.Second)
		if r := b.report(); r.Failed != main {
			t.Errorf("lost beyond the grace: %+v", r)
		}
	})
}

func TestASimulatedBoardAndAStuckLineAreSaidAtStart(t *testing.T) {
	over(t, nil, func(s *simulator.Simulator) { s.StickOutput(hardware.IgnitionOn, true) }, func(b *bench) {
		if got := b.events(protocol.SimulationModeWarning); len(got) != 1 {
			t.Errorf("simulation: %+v", got)
		}
		got := b.events(protocol.HardwareValidationFailure)
		if len(got) != 1 || got[0].Details["line"] != "ignition_on" {
			t.Errorf("validation: %+v", got)
		}
	})
}

func TestEveryCommandIsReportedOnceAndRestIsSilent(t *testing.T) {
	over(t, nil, nil, func(b *bench) {
		report := func(m any) bool { _, ok := m.(protocol.LineReport); return ok }
		before := b.count(report)
		b.ask(protocol.MainValve)
		b.ask(protocol.MainValve)
		if n := b.count(report) - before; n != 2 {
			t.Errorf("%d reports of 2 commands", n)
		}
		b.pass(20 * time.Hour)
		if n := b.count(report) - before; n != 2 {
			t.Errorf("%d reports after 20 hours without a command", n)
		}
	})
}

func TestStoppingTheActorLeavesEverythingOff(t *testing.T) {
	over(t, nil, nil, func(b *bench) {
		b.ask(protocol.MainValve, protocol.IgnitionOn)
		if err := b.house.StopAll(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := b.board.Lines(); got != 0 {
			t.Errorf("on the lines: %07b", got)
		}
	})
}

// TestAFlakyBoardNeverBreaksAnInvariant sends what a pump might, and what it must not, through the
// actor while lines stick, writes and reads fail, and looks at what was on the lines.
func TestAFlakyBoardNeverBreaksAnInvariant(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		feedbacks := rapid.Bool().Draw(r, "feedbacks")
		over(t, func(c *Config) {
			if feedbacks {
				c.MainValve.Feedback, c.IgnitionOn.Feedback = At(20), At(21)
			}
		}, nil, func(b *bench) {
			var sticky, wanted protocol.Lines // lines that ever stuck: their history proves nothing
			for range rapid.IntRange(1, 40).Draw(r, "steps") {
				switch rapid.SampledFrom([]string{"ask", "ask", "ask", "pass", "pass", "stick", "free", "fail", "work"}).Draw(r, "act") {
				case "ask":
					wanted = rapid.SampledFrom([]protocol.Lines{0, main, main | start, main | on, main | off,
						main | start | off, main | on | off, main | start | on, start, on, off}).Draw(r, "lines")
					b.seq++
					b.actor.Send(protocol.SetOutputs{Seq: b.seq, Lines: wanted})
					synctest.Wait()
				case "pass":
					b.pass(time.Duration(rapid.IntRange(1, 7000).Draw(r, "ms")) * time.Millisecond)
				case "stick":
					l := rapid.SampledFrom([]protocol.Line{protocol.MainValve, protocol.IgnitionStart, protocol.IgnitionOn}).Draw(r, "line")
					sticky = sticky.With(l)
					b.board.StickOutput(hardware.Output(l), rapid.Bool().Draw(r, "on"))
				case "free":
					for l := range hardware.NumOutputs {
						b.board.Free(l)
					}
				case "fail":
					sticky = sticky.With(protocol.IgnitionStart) // what cannot be written cannot be dropped
					b.board.FailWrites(errors.New("flaky"))
					b.board.FailReads(errors.New("flaky"))
				case "work":
					b.board.FailWrites(nil)
					b.board.FailReads(nil)
				}
			}
			b.board.FailWrites(nil)
			b.board.FailReads(nil)
			for l := range hardware.NumOutputs {
				b.board.Free(l)
			}
			b.pass(5 * time.Second)
			want := Machine{Want: wanted, Spent: wanted&(main|start|off|on) == main|start && !b.board.Lines().Has(hardware.IgnitionStart)}.Outputs()
			if rep := b.report(); rep.Commanded != want || rep.Read != want || rep.Failed != 0 || !rep.Available || rep.Seq != b.seq {
				r.Errorf("not healed: want %v: %+v", want, rep)
			}
			checkHistory(r, b.board.History(), sticky)
		})
	})
}

// checkHistory holds P1, P2 and P3 against what was on the lines; a line that stuck is left out.
func checkHistory(r *rapid.T, history []simulator.Change, sticky protocol.Lines) {
	var now protocol.Lines
	var cranking time.Time
	for i := 0; i < len(history); {
		at := history[i].At
		if now.Has(protocol.IgnitionStart) && !sticky.Has(protocol.IgnitionStart) && at.Sub(cranking) > crankLimit {
			r.Errorf("P3: cranked for %v", at.Sub(cranking))
		}
		for ; i < len(history) && history[i].At.Equal(at); i++ {
			if c := history[i]; c.Active {
				if c.Output == hardware.IgnitionStart {
					cranking = at
				}
				now = now.With(protocol.Line(c.Output))
			} else {
				now = now.Without(protocol.Line(c.Output))
			}
		}
		own := now &^ sticky
		if own.Has(protocol.IgnitionOff) && own&(start|on) != 0 {
			r.Errorf("P2: on at once: %v", own)
		}
		if own.Has(protocol.IgnitionStart) && (own.Has(protocol.IgnitionOn) || (!own.Has(protocol.MainValve) && !sticky.Has(protocol.MainValve))) {
			r.Errorf("P1, P3: on at once: %v", own)
		}
	}
}

func BenchmarkACommandReachesTheBoard(b *testing.B) {
	c := shipped()
	sim, err := simulator.New(c.Simulator(SimulatorConfig{}, shippedPump))
	if err != nil {
		b.Fatal(err)
	}
	written := make(chan time.Time, 1)
	board := &timed{Board: sim, written: written}
	house := actors.NewHouse(actors.Options{})
	ref, err := house.Spawn("gpio", actors.Kind{Critical: true}, func() actors.Actor {
		return New(Settings{Config: c, CrankLimit: crankLimit}, NewGate(board))
	})
	if err != nil {
		b.Fatal(err)
	}
	<-written
	took := make([]time.Duration, 0, b.N)
	for i := 0; b.Loop(); i++ {
		lines := main
		if i%2 == 0 {
			lines = main | on
		}
		begun := time.Now()
		ref.Send(protocol.SetOutputs{Seq: uint64(i + 1), Lines: lines})
		took = append(took, (<-written).Sub(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	if err := house.StopAll(context.Background()); err != nil {
		b.Error(err)
	}
}

// timed says when a write has reached the board.
type timed struct {
	hardware.Board
	written chan time.Time
}

func (t *timed) Write(o hardware.Outputs) error {
	err := t.Board.Write(o)
	select {
	case t.written <- time.Now():
	default:
	}
	return err
}
