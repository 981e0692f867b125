package gpio

import (
	"fmt"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// model is the machine with a board around it, both values: an explorer copies it at will.
type model struct {
	limits  Limits
	machine Machine
	now     time.Time
	seq     uint64

	onLines   protocol.Lines // what the board was last made to drive
	stuckOn   protocol.Lines
	stuckOff  protocol.Lines
	writeFail bool
	readFail  bool

	// Kept independently of the machine.
	startSince time.Time // when ignition start was first tried high without a good write of it low since
	wants      protocol.Lines
	spent      bool // the crank that is wanted has had its time

	heard   time.Time // the pump's last word
	pauses  int       // of the whole process since then
	tripped bool

	events []Event
	wrong  string // the first invariant that broke
}

var testLimits = Limits{Attempts: 3, Crank: 400 * time.Millisecond, Settle: 100 * time.Millisecond,
	Travel: 800 * time.Millisecond, Grace: 300 * time.Millisecond}

func newModel(c Limits) *model {
	x := &model{limits: c, now: time.Unix(1000, 0)}
	x.ask(0)
	return x
}

// reads is what the board reads back.
func (x *model) reads() protocol.Lines { return (x.onLines | x.stuckOn) &^ x.stuckOff }

func (x *model) ask(lines protocol.Lines) {
	x.seq++
	if x.tripped {
		x.step(Input{Asked: &protocol.SetOutputs{Seq: x.seq, Lines: lines}})
		return
	}
	x.wants, x.heard, x.pauses = lines, x.now, 0
	wrote := x.step(Input{Asked: &protocol.SetOutputs{Seq: x.seq, Lines: lines}})
	if !wrote {
		x.broken("P12: what is asked for is not written at once")
	}
}

// tick lets time pass up to the next deadline, or less.
func (x *model) tick(limit time.Duration) {
	until := x.machine.Until(x.limits)
	if x.tripped {
		if !until.IsZero() {
			x.broken("a tripped machine wants to be called again")
		}
		x.now = x.now.Add(limit)
		return
	}
	if until.IsZero() || until.After(x.now.Add(time.Second)) {
		x.broken("the machine sleeps for longer than a second")
	}
	if wait := until.Sub(x.now); wait <= limit {
		x.now = x.now.Add(max(wait, 0))
		x.step(Input{})
	} else {
		x.now = x.now.Add(limit)
	}
}

// pass lets d go by, every deadline on time.
func (x *model) pass(d time.Duration) {
	for end := x.now.Add(d); x.now.Before(end) && x.wrong == ""; {
		x.tick(end.Sub(x.now))
	}
}

func (x *model) broken(what string) {
	if x.wrong == "" {
		x.wrong = what
	}
}

// pause stops the whole process for that long.
func (x *model) pause(d time.Duration) {
	x.now = x.now.Add(d)
	x.pauses = min(x.pauses+1, protocol.MostGraces)
}

// silence holds the dead-man against what the model knows of it.
func (x *model) silence(e Effect, spoke bool) {
	due := x.heard.Add(x.limits.Deadman)
	switch {
	case x.tripped && (e.Trip != "" || e.Write || e.Look || len(e.Events) > 0):
		x.broken("a tripped machine does something")
	case e.Trip != "" && x.now.Before(due):
		x.broken("dead-man: it trips although the pump has spoken in time")
	case e.Trip != "":
		x.tripped = true
	case x.limits.Deadman > 0 && !x.tripped && !spoke && x.pauses == 0 && !x.now.Before(due):
		x.broken("dead-man: a silent pump is not noticed in time")
	}
}

func (x *model) step(in Input) (wrote bool) {
	for range stepsAtOnce {
		var e Effect
		x.machine, e = Step(x.limits, x.machine, in, x.now)
		x.silence(e, in.Asked != nil || in.Driven != nil)
		x.events = append(x.events, e.Events...)
		if !e.Write && !e.Look {
			x.check()
			return wrote
		}
		d := &Driven{Write: e.Write, Wrote: x.machine.Outputs(), WriteFail: e.Write && x.writeFail, ReadFail: x.readFail}
		if e.Write {
			wrote = true
			x.write(d.Wrote)
		}
		if !x.readFail {
			d.Read = x.reads()
		}
		in = Input{Driven: d}
	}
	x.broken("the machine does not settle")
	return wrote
}

// write is the board's, with the invariants that hold for every single write.
func (x *model) write(o protocol.Lines) {
	const start, on, off, valve = protocol.IgnitionStart, protocol.IgnitionOn, protocol.IgnitionOff, protocol.MainValve
	if o.Has(off) && (o.Has(start) || o.Has(on)) {
		x.broken("P2: ignition off is written together with start or on: " + o.String())
	}
	if o.Has(start) && (o.Has(on) || !o.Has(valve)) {
		x.broken("P1, P3: ignition start is written with on, or without the main valve: " + o.String())
	}
	if o&^x.wants != 0 {
		x.broken("something is written that nobody asked for: " + o.String())
	}
	if x.wants.Has(off) && !o.Has(off) {
		x.broken("P2: the stop pulse is held back")
	}
	if missing := x.wants &^ o; missing&^protocol.SetOf(start, on) != 0 || (missing.Has(on) && !x.wants.Has(off)) {
		x.broken("something that is asked for and safe is not written: " + missing.String())
	}
	if o.Has(start) {
		switch {
		case x.startSince.IsZero():
			x.startSince = x.now
		case !x.now.Before(x.startSince.Add(x.limits.Crank)):
			x.broken("P3: ignition start is written at or past its limit")
		}
		if x.spent {
			x.broken("P3: a crank that has had its time is begun anew")
		}
	}
	x.spent = x.wants.Has(start) && (x.spent ||
		(!x.startSince.IsZero() && !x.now.Before(x.startSince.Add(x.limits.Crank))))
	if !x.writeFail {
		x.onLines = o
		if !o.Has(start) {
			x.startSince = time.Time{}
		}
	}
}

// check holds after every settled step.
func (x *model) check() {
	m := x.machine
	if x.tripped {
		return
	}
	if !x.writeFail && !x.startSince.IsZero() && x.onLines.Has(protocol.IgnitionStart) &&
		!x.now.Before(x.startSince.Add(x.limits.Crank)) && m.NextTry.IsZero() {
		x.broken("P3: ignition start is still high at its limit")
	}
	if m.Available && m.Failed&^(m.Commanded^m.Read) != 0 {
		x.broken("P12: a line that reads right counts as failed")
	}
	if m.Available && (x.readFail || m.Losses != 0) {
		x.broken("a board that cannot be read counts as available")
	}
	for l, s := range m.Lines {
		if s.Attempts > x.limits.Attempts {
			x.broken(fmt.Sprintf("P12: %v has %d attempts", protocol.Line(l), s.Attempts))
		}
	}
	if m.Commanded != x.onLines {
		x.broken("what is reported as commanded is not what was driven")
	}
}

// count counts events of one action.
func (x *model) count(action protocol.Action) (n int) {
	for _, e := range x.events {
		if e.Action == action {
			n++
		}
	}
	return n
}

func (x *model) must(t *testing.T) {
	t.Helper()
	if x.wrong != "" {
		t.Fatal(x.wrong)
	}
}

const (
	main  = protocol.Lines(1 << protocol.MainValve)
	start = protocol.Lines(1 << protocol.IgnitionStart)
	on    = protocol.Lines(1 << protocol.IgnitionOn)
	off   = protocol.Lines(1 << protocol.IgnitionOff)
)

func TestIgnitionOffWinsOverStartAndOn(t *testing.T) {
	for want := range protocol.Lines(1 << protocol.NumLines) {
		got := Machine{Want: want}.Outputs()
		if got.Has(protocol.IgnitionOff) != want.Has(protocol.IgnitionOff) {
			t.Errorf("%v: %v", want, got)
		}
		if got.Has(protocol.IgnitionOff) && got&(start|on) != 0 {
			t.Errorf("%v: %v", want, got)
		}
		if got.Has(protocol.IgnitionStart) && (got&on != 0 || got&main == 0) {
			t.Errorf("%v: %v", want, got)
		}
		if rest := ^(start | on); got&rest != want&rest {
			t.Errorf("%v: %v", want, got)
		}
	}
}

func TestALineThatReadsWrongIsWrittenAgainWithDoublingDelaysAndThenFails(t *testing.T) {
	c := testLimits
	c.Attempts = 5
	x := newModel(c)
	x.stuckOff = main
	began := x.now
	x.ask(main)
	var retries []time.Duration
	for x.machine.Failed == 0 && x.wrong == "" {
		before := x.count(protocol.GPIORetry)
		x.tick(time.Second)
		if x.count(protocol.GPIORetry) > before {
			retries = append(retries, x.now.Sub(began))
		}
		if x.now.Sub(began) > time.Minute {
			t.Fatal("it never fails")
		}
	}
	x.must(t)
	const ms = time.Millisecond
	if got, want := fmt.Sprint(retries), fmt.Sprint([]time.Duration{50 * ms, 150 * ms, 350 * ms, 750 * ms}); got != want {
		t.Errorf("retries after %v, want %v", got, want)
	}
	if failed := x.now.Sub(began); failed != 750*ms || x.count(protocol.GPIOFailureFinal) != 1 {
		t.Errorf("failed after %v, %d events", failed, x.count(protocol.GPIOFailureFinal))
	}
	x.pass(10 * time.Second)
	if x.count(protocol.GPIORetry) != 4 || x.count(protocol.GPIOFailureFinal) != 1 {
		t.Error("a failed line is told again and again")
	}
	x.stuckOff = 0
	x.pass(time.Second)
	if x.must(t); x.machine.Failed != 0 || x.machine.Read != main {
		t.Errorf("a line that reads right again stays failed: %+v", x.machine)
	}
}

func TestAHeartbeatUsesUpNoAttempts(t *testing.T) {
	x := newModel(testLimits)
	x.stuckOff = main
	x.ask(main)
	for range 20 {
		x.ask(main)
		x.now = x.now.Add(time.Millisecond)
	}
	if x.must(t); x.machine.Failed != 0 || x.count(protocol.GPIORetry) != 0 {
		t.Errorf("failed %v after 20 ms and %d retries", x.machine.Failed, x.count(protocol.GPIORetry))
	}
}

func TestAValveMayTravelUntilTheVerificationTimesOut(t *testing.T) {
	c := testLimits
	c.Fed = main
	x := newModel(c)
	x.stuckOff = main
	x.ask(main)
	x.pass(c.Travel - time.Millisecond)
	if x.must(t); x.machine.Failed != 0 {
		t.Error("failed while it may still travel")
	}
	x.pass(time.Millisecond)
	if x.must(t); x.machine.Failed != main {
		t.Error("not failed when its time is over")
	}
}

func TestAFeedbackHasAMomentBeforeItIsWrong(t *testing.T) {
	c := testLimits
	c.Fed = main | on
	x := newModel(c)
	x.stuckOff = main | on
	x.ask(main | on)
	x.pass(c.Settle - time.Millisecond)
	x.stuckOff = 0
	x.pass(time.Second)
	if x.must(t); x.count(protocol.GPIORetry) != 0 || x.machine.Read != main|on {
		t.Errorf("%d retries, read %v", x.count(protocol.GPIORetry), x.machine.Read)
	}
}

func TestALostVerificationOfTheMainValveIsBorneForItsGrace(t *testing.T) {
	c := testLimits
	c.Grace = 700 * time.Millisecond
	x := newModel(c)
	x.ask(main)
	x.pass(time.Minute)
	x.stuckOff = main
	x.step(Input{Moved: true})
	if x.machine.Read != 0 {
		t.Error("the loss is not seen at once")
	}
	x.pass(c.Grace - time.Millisecond)
	if x.must(t); x.machine.Failed != 0 {
		t.Error("failed within its grace")
	}
	x.pass(time.Millisecond)
	if x.must(t); x.machine.Failed != main {
		t.Error("not failed after its grace")
	}
}

func TestACrankEndsAtItsLimitWhateverThePumpSays(t *testing.T) {
	x := newModel(testLimits)
	x.ask(main | start)
	for range 8 {
		x.pass(testLimits.Crank / 4)
		x.ask(main | start)
	}
	if x.must(t); x.onLines != main {
		t.Errorf("on the lines: %v", x.onLines)
	}
	x.ask(main)
	x.ask(main | start)
	if x.must(t); x.onLines != main|start {
		t.Errorf("the next crank: %v", x.onLines)
	}
}

func TestACrankThatCouldNotBeDroppedIsNotRenewed(t *testing.T) {
	x := newModel(testLimits)
	x.ask(main | start)
	x.pass(300 * time.Millisecond)
	x.must(t)
	x.writeFail = true
	x.ask(main)
	x.writeFail = false
	x.ask(main | start) // the line never fell: it is the same crank
	x.pass(100 * time.Millisecond)
	if x.must(t); x.onLines != main {
		t.Errorf("on the lines: %v", x.onLines)
	}
}

func TestALineThatStaysOnNeverDelaysTheStopPulse(t *testing.T) {
	x := newModel(testLimits)
	x.ask(main | on)
	x.stuckOn = on
	for range 100 { // in every phase of its retries
		x.ask(main | off)
		if x.onLines != main|off {
			t.Fatalf("on the lines: %v", x.onLines)
		}
		x.tick(time.Second)
		x.ask(main | on)
		x.tick(time.Second)
	}
	x.must(t)
}

func TestALostBoardIsTriedForEverAndComesBack(t *testing.T) {
	x := newModel(testLimits)
	x.writeFail, x.readFail = true, true
	x.ask(main)
	if x.machine.Available || x.machine.Blind() {
		t.Error("not lost at once, or blind after one failure")
	}
	x.pass(time.Hour)
	if x.must(t); x.machine.Available || !x.machine.Blind() || x.machine.Commanded != 0 {
		t.Errorf("%+v", x.machine)
	}
	x.writeFail, x.readFail = false, false
	x.pass(time.Second)
	if x.must(t); !x.machine.Available || x.machine.Read != main || x.machine.Done != x.seq {
		t.Errorf("not back within a second: %+v", x.machine)
	}
}

func TestALineAlteredFromOutsideHealsWithinASecond(t *testing.T) {
	x := newModel(testLimits)
	x.ask(main)
	x.onLines, x.machine.Commanded = off, main
	x.now = x.now.Add(time.Millisecond)
	for end := x.now.Add(time.Second); x.now.Before(end); {
		if until := x.machine.Until(x.limits); until.After(end) {
			break
		} else if until.After(x.now) {
			x.now = until
		}
		x.step(Input{})
	}
	if x.onLines != main {
		t.Errorf("on the lines: %v", x.onLines)
	}
}

func TestAStartWithALineThatReadsOnIsReported(t *testing.T) {
	x := &model{limits: testLimits, now: time.Unix(1000, 0), stuckOn: on}
	x.ask(0)
	if x.must(t); x.count(protocol.HardwareValidationFailure) != 1 || x.events[0].Lines != on {
		t.Errorf("events: %+v", x.events)
	}
	y := &model{limits: testLimits, now: time.Unix(1000, 0), writeFail: true}
	y.ask(0)
	y.pass(time.Minute)
	if y.must(t); y.count(protocol.HardwareValidationFailure) != 1 {
		t.Errorf("events of a board that does not answer: %+v", y.events)
	}
}
