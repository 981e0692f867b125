package pump

import (
	"testing"

	"wildfire-watch/protocol"
)

// lose takes the board away at the next command: it refuses the stop pulse that follows.
func (l *line) lose() *line {
	l.deaf = true
	return l.input(Input{Lines: &Lines{Lost: true}})
}

// answer gives the board back.
func (l *line) answer() *line { l.deaf = false; return l.input(Input{}) }

func TestP7APulseThatTheBoardRefusesDoesNotRunDown(t *testing.T) {
	l := onLine(t, nil).untilRunning().lose()
	l.pass(2*s).in(protocol.Error).on(mv, ix)
	l.pass(600*s).in(protocol.Error).on(mv, ix) // nobody has stopped the engine yet
	l.answer().pass(5*s-1).on(mv, ix).pass(1).on()
}

// silence leaves the pump without a word of the lines; answer ends it.
func (l *line) silence() *line { l.deaf = true; return l }

// wake is a process that finds an open run, on a machine whose lines are not up yet.
func wake(t *testing.T, change func(*Timing)) *line {
	t.Helper()
	l := onLine(t, change).silence()
	return l.input(Input{Boot: &Boot{Recovered: protocol.Recovered{Unreadable: true}}}).in(protocol.Stopping).on(mv, ix)
}

func TestP15ThePulseOfABootCountsFromTheReportThatCarriesIt(t *testing.T) {
	l := wake(t, nil)
	l.pass(9*s).in(protocol.Stopping).on(mv, ix) // longer than verify_timeout: nobody has looked yet
	l.input(Input{Lines: &Lines{Unsent: true}})  // of before the command
	l.pass(s/2).answer().pass(5*s-1).in(protocol.Stopping).on(mv, ix).pass(1).on(mv, rv)
}

func TestP15AValveThatReadsShutHasItsTimeFromTheReportThatCarriesThePulse(t *testing.T) {
	l := wake(t, func(c *Timing) { c.IgnitionOff = 20 * s }).pass(9 * s)
	l.stuck = protocol.SetOf(mv)
	l.answer().pass(5*s-1).in(protocol.Stopping).pass(1).in(protocol.Error).on(mv, ix)
	l.pass(15*s-1).on(mv, ix).pass(1).on()
}

func TestP8APulseOfWhichNobodySaysAWordIsAnErrorAndGoesOn(t *testing.T) {
	l := wake(t, nil).pass(takeLimit(2*s) - 1).in(protocol.Stopping).pass(1).in(protocol.Error)
	l.pass(600*s).in(protocol.Error).on(mv, ix)
	l.answer().pass(5*s-1).on(mv, ix).pass(1).on().in(protocol.Error)
}

func TestP6APulseCountsFromTheReportThatCarriesItInEveryState(t *testing.T) {
	l := onLine(t, nil).silence().ask(AskStop).in(protocol.Stopping).on(ix)
	l.pass(s).answer().pass(5*s - 1).on(ix).pass(1).on().in(protocol.Idle)
	onLine(t, nil).untilRunning().silence().ask(AskStop).pass(s).answer().pass(5*s-1).on(mv, ix).pass(1).on()
}

func TestP2ALineThatReadsOnDespiteItsCommandDoesNotDelayThePulse(t *testing.T) {
	l := onLine(t, nil).untilRunning()
	l.stuck = protocol.SetOf(ix)
	l.ask(AskStop).pass(5*s-1).on(mv, ix).pass(1).on()
}

func TestP14AShutdownWaitsForTheReportAMomentAndOwesThePulseThatNobodySaw(t *testing.T) {
	l := onLine(t, nil).untilRunning().silence().ask(AskEnd).pass(endWait + 5*s - 1)
	if l.on(mv, ix); l.ended {
		t.Error("it ended before the pulse")
	}
	if l.pass(1).on(); !l.ended || !l.m.Memory(l.c, 0, "boot").PulseOpen {
		t.Error("the process waits for ever, or the next will not know that nobody saw its pulse")
	}
	l = onLine(t, nil).untilRunning().silence().ask(AskEnd).pass(endWait).pass(s).answer().pass(4 * s)
	if !l.ended || !l.m.Memory(l.c, 0, "boot").PulseOpen {
		t.Error("the next process will not know that the pulse was short")
	}
	l = onLine(t, nil).untilRunning().silence().ask(AskEnd).pass(endWait/2).answer().pass(5*s-1).on(mv, ix)
	if l.pass(1).on(); !l.ended || l.m.Memory(l.c, 0, "boot").PulseOpen {
		t.Error("a full pulse is no debt, and ends the process")
	}
}

func TestP6AStopAtABoardThatRefusesIsAFullPulseWhenItAnswers(t *testing.T) {
	l := onLine(t, nil).untilRunning().lose().ask(AskStop).in(protocol.Stopping).on(mv, ix)
	l.pass(1*s).answer().in(protocol.Stopping).pass(5*s-1).on(mv, ix).pass(1).on()
}

func TestP6APulseThatTheBoardHasTakenRunsDownWhateverBecomesOfTheBoard(t *testing.T) {
	l := onLine(t, nil).untilRunning().ask(AskStop).pass(1 * s).lose()
	l.pass(4*s-1).on(mv, ix).pass(1).on()
}

func TestP14TheProcessEndsWithThePulseAlsoAtABoardThatRefusesAndOwesItToTheNext(t *testing.T) {
	l := onLine(t, nil).untilRunning().lose().pass(2 * s).in(protocol.Error)
	l.ask(AskEnd).pass(endWait + 5*s)
	if !l.ended {
		t.Fatal("the process waits for a board that does not answer")
	}
	if memory := l.m.Memory(l.c, 0, "boot"); !memory.PulseOpen {
		t.Error("the next process will not know that the engine has had no stop pulse")
	}
}

func TestARunCountsItsOwnResumptionsAlone(t *testing.T) {
	l := onLine(t, nil)
	l.m.Resumed = mostResumes - 1 // processes that died before the first crank
	l.m.Remembered = true
	l.input(Input{}).untilRunning()
	if l.m.Resumed != 0 {
		t.Errorf("the run begins with %d resumptions", l.m.Resumed)
	}
}

func TestP10AnOldRunThatMayNotBeResumedDoesNotAgeTheTriggerThatIsRemembered(t *testing.T) {
	l := onLine(t, brief)
	l.m.Restart, l.m.Phase, l.m.Left, l.m.RunOpen = ForResume, SafePulse, l.c.IgnitionOff, true
	l.m.Engine, l.m.TriggerAge = l.c.MaxEngineRuntime, 30*s
	l.ask(AskTrigger).pass(l.c.IgnitionOff)
	if !l.m.Remembered || l.m.RememberedAge != l.c.IgnitionOff {
		t.Errorf("remembered %v, %v old", l.m.Remembered, l.m.RememberedAge)
	}
}
