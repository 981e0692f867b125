package pump

import (
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func TestTheWholeSequenceFromTriggerToIdle(t *testing.T) {
	l := onLine(t, nil)
	l.deaf = true
	l.ask(AskTrigger).in(protocol.Priming).on(mv)
	l.deaf = false
	l.pass(3*s).in(protocol.Priming).on(mv, rv, pv).occurred(protocol.RefillValveOpenedImmediately, 1)
	l.pass(2*s-1).in(protocol.Priming).pass(1).in(protocol.Starting).on(mv, rv, pv, is)
	l.pass(5*s-1).on(mv, rv, pv, is).pass(1).in(protocol.Running).on(mv, rv, pv, io)
	l.pass(180*s-1).on(mv, rv, pv, io).pass(1).on(mv, rv, io).occurred(protocol.PrimingComplete, 1)
	// 1800 s of engine time, cranking included, 15 s of them reduced.
	l.pass(1800*s-5*s-180*s-15*s-1).in(protocol.Running).pass(1).in(protocol.ReducingRPM).on(mv, rv, io, rr)
	l.pass(15*s-1).in(protocol.ReducingRPM).pass(1).in(protocol.Stopping).on(mv, rv, ix)
	l.pass(5*s-1).on(mv, rv, ix).occurred(protocol.ShutdownComplete, 0).pass(1).on(mv, rv).occurred(protocol.ShutdownComplete, 1)
	l.pass(600*s - 1).in(protocol.Stopping).pass(1).in(protocol.Refilling).on(rv)
	if want := 40 * 1800 * s; l.m.RefillOwed != want {
		t.Fatalf("owed is %v, not %v", l.m.RefillOwed, want)
	}
	l.pass(40*1800*s-1).in(protocol.Refilling).pass(1).in(protocol.Cooldown).on().occurred(protocol.RefillCompleteTimer, 1)
	l.pass(60*s - 1).in(protocol.Cooldown).pass(1).in(protocol.Idle).on()
	want := []protocol.Action{"pump_sequence_start", "refill_valve_opened_immediately", "priming_started", "engine_start_sequence",
		"engine_running", "priming_complete", "rpm_reduced", "shutdown_initiated", "shutdown_complete", "refill_continuing",
		"refill_complete_timer", "cooldown_entered", "idle_state_entered"}
	if got := l.names(); !slices.Equal(got, want) {
		t.Errorf("the events are %v", got)
	}
}

func TestWithoutTriggersForFireOffDelayTheEngineIsSlowedAndStopped(t *testing.T) {
	l := onLine(t, func(c *Timing) { c.FireOffDelay = 300 * s }).untilRunning()
	l.pass(200 * s).ask(AskTrigger).taken().in(protocol.Running)
	l.pass(300*s - 1).in(protocol.Running).pass(1).in(protocol.ReducingRPM)
	l.pass(5*s - 1).in(protocol.ReducingRPM).pass(1).in(protocol.Stopping)
	if l.m.Engine != 5*s+200*s+300*s+5*s {
		t.Errorf("the engine time is %v", l.m.Engine)
	}
}

func TestFireOffFallingDueDuringPrimingActsOnEnteringRunning(t *testing.T) {
	l := onLine(t, func(c *Timing) { c.PreOpenDelay, c.FireOffDelay = 60*s, 60*s })
	l.ask(AskTrigger).pass(65*s).in(protocol.ReducingRPM).occurred(protocol.EngineRunning, 1)
}

// P1

func TestP1AMainValveNotVerifiedInTimeNeverCranks(t *testing.T) {
	l := onLine(t, nil)
	l.stuck = protocol.SetOf(mv)
	l.ask(AskTrigger).pass(5*s - 1).in(protocol.Priming).on(mv)
	l.pass(1).in(protocol.Error).on().occurred(protocol.EngineStartSequence, 0).occurred(protocol.ErrorStateEntered, 1)
}

func TestP1VerificationLostWhileCrankingEndsTheCrankAtOnce(t *testing.T) {
	l := onLine(t, nil).ask(AskTrigger).pass(3*s).on(mv, rv, pv, is)
	l.stuck = protocol.SetOf(mv)
	l.input(Input{}).in(protocol.Starting).on(mv, rv, pv)
	l.pass(2*s-1).in(protocol.Starting).pass(1).in(protocol.Error).on(mv, ix)
}

func TestP1VerificationThatComesBackWithinTheGraceCranksAnew(t *testing.T) {
	l := onLine(t, nil).ask(AskTrigger).pass(3 * s)
	l.stuck = protocol.SetOf(mv)
	l.input(Input{}).pass(1 * s)
	l.stuck = 0
	l.input(Input{}).pass(14*s-1).in(protocol.Starting).on(mv, rv, pv).pass(1).on(mv, rv, pv, is)
	l.pass(5 * s).in(protocol.Running)
}

func TestP1VerificationLostInRunningIsRetriedForTheGraceThenError(t *testing.T) {
	l := onLine(t, nil).untilRunning()
	l.stuck = protocol.SetOf(mv)
	l.input(Input{}).pass(2*s-1).in(protocol.Running).pass(1).in(protocol.Error).on(mv, ix)
	l.pass(5 * s).on()
	if l.m.RefillOwed != 40*7*s {
		t.Errorf("a run that ends in ERROR owes %v", l.m.RefillOwed)
	}
}

// P2

func TestP2ALineThatReadsOnDespiteItsCommandNeverDelaysTheStopPulse(t *testing.T) {
	l := onLine(t, nil).untilRunning()
	l.wrong = protocol.SetOf(io)
	l.m.Failed = 0
	l.deaf = true
	l.ask(AskStop).in(protocol.Stopping).on(mv, ix)
	l.input(Input{Lines: &Lines{Verified: protocol.SetOf(mv, ix)}}) // ignition on reads on all the same
	l.pass(1 * s)
	l.input(Input{Lines: &Lines{Verified: protocol.SetOf(mv, ix), Failed: protocol.SetOf(io)}})
	l.in(protocol.Error).on(mv, ix)
	l.pass(4*s-1).on(mv, ix).pass(1).on()
}

func TestP2NoRowHasIgnitionOffTogetherWithStartOrOn(t *testing.T) {
	for p, r := range rows {
		if r.on&kill != 0 && r.on&(starter|ignition) != 0 || r.on&starter != 0 && r.on&ignition != 0 {
			t.Errorf("%v: %v", Phase(p), r.on)
		}
	}
}

// P3

func TestP3ARunningEngineIsNeverCranked(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Active })
	l.ask(AskTrigger).pass(2*s).in(protocol.Running).on(mv, rv, pv, io).occurred(protocol.EngineStartSequence, 0)
}

func TestP3WithFeedbackTheCrankEndsWhenTheEngineRuns(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Inactive })
	l.ask(AskTrigger).pass(3*s).on(mv, rv, pv, is)
	l.sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Active }).in(protocol.Running).on(mv, rv, pv, io)
}

// P4

func TestP4EngineTimeAddsUpOverRestartsAndNeverExceedsTheBudget(t *testing.T) {
	l := onLine(t, func(c *Timing) { c.MaxEngineRuntime, c.FireOffDelay = 100*s, 60*s }).untilRunning()
	l.pass(54 * s).in(protocol.ReducingRPM).pass(5 * s).in(protocol.Stopping).ask(AskTrigger).taken()
	l.pass(5*s).in(protocol.Priming).pass(2*s).on(mv, rv, pv, is)
	l.pass(5 * s).in(protocol.Running)
	left := 100*s - l.m.Engine
	l.pass(left - 15*s - 1).in(protocol.Running).pass(1).in(protocol.ReducingRPM).pass(15*s - 1).pass(1).in(protocol.Stopping)
	if l.m.Engine != 100*s {
		t.Errorf("the engine time is %v", l.m.Engine)
	}
	l.ask(AskTrigger).refused("run_budget")
}

func TestP4TriggersNeverLengthenARunBeyondItsBudget(t *testing.T) {
	l := onLine(t, nil).untilRunning()
	for range 200 {
		l.pass(10 * s).ask(AskTrigger)
	}
	if l.m.TotalEngine > 1800*s {
		t.Errorf("the engine ran for %v", l.m.TotalEngine)
	}
}

// P5

func TestP5AFireInTheLockoutIsRefusedAndRememberedUntilItsEnd(t *testing.T) {
	l := onLine(t, brief).untilRunning().pass(63 * s).in(protocol.Refilling)
	l.pass(30*s).ask(AskTrigger).refused("refill_lockout").occurred(protocol.TriggerBlockedRefilling, 1)
	owed := l.m.RefillOwed
	l.pass(owed).in(protocol.Priming).occurred(protocol.RefillCompleteTimer, 1)
	if got := l.last(protocol.PumpSequenceStart).Details["cause"]; got != "remembered" {
		t.Errorf("the cause is %v", got)
	}
}

func TestP10ARememberedTriggerIsForgottenAfterFireOffDelay(t *testing.T) {
	l := onLine(t, brief).untilRunning().pass(63 * s).in(protocol.Refilling)
	owed := l.m.RefillOwed
	if owed < 41*s {
		t.Fatalf("owed is %v", owed)
	}
	l.ask(AskTrigger).refused("refill_lockout").pass(40*s - 1)
	if !l.m.Remembered {
		t.Error("the trigger was forgotten too early")
	}
	if l.pass(1); l.m.Remembered {
		t.Error("the trigger was never forgotten")
	}
	l.pass(owed).in(protocol.Cooldown)
}

func TestP5FireInLockoutStartStartsOnlyWithAFlowOrPressureInput(t *testing.T) {
	start := func(c *Timing) { brief(c); c.FireInLockout = "start" }
	l := onLine(t, start).untilRunning().pass(63 * s).in(protocol.Refilling)
	l.ask(AskTrigger).refused("refill_lockout")
	l = onLine(t, start).untilRunning().pass(63 * s).in(protocol.Refilling)
	l.sensors(func(i *protocol.Inputs) { i.Flow = protocol.Inactive })
	l.ask(AskTrigger).taken().in(protocol.Priming)
}

func TestP5AnEmergencyStartInTheLockoutAddsToWhatIsOwed(t *testing.T) {
	l := onLine(t, brief).untilRunning().pass(63 * s).in(protocol.Refilling)
	owed := l.m.RefillOwed
	l.deaf = true
	l.ask(AskStart).in(protocol.Priming).on(mv, rv)
	l.deaf = false
	l.input(Input{}).pass(7*s + 10*s).in(protocol.Running).ask(AskStop)
	// While the refill valve was open the old debt went down; 15 s of engine time came on top.
	if want := owed - 17*s + 15*s; l.m.RefillOwed != want {
		t.Errorf("owed is %v, not %v", l.m.RefillOwed, want)
	}
}

func TestP5CheckpointsComeEvery5SecondsOfEngineTimeAnd60OfRefill(t *testing.T) {
	l := onLine(t, nil).ask(AskTrigger).pass(2 * s)
	l.saved = nil
	l.pass(100 * s)
	var engine time.Duration
	for _, m := range l.saved {
		if m.Engine-engine > 5*s {
			t.Errorf("no checkpoint between %v and %v of engine time", engine, m.Engine)
		}
		engine = m.Engine
	}
	if engine != 100*s {
		t.Errorf("the last checkpoint is of %v", engine)
	}
	l.ask(AskStop).pass(5 * s).ask(AskReset).in(protocol.Refilling)
	l.saved = nil
	l.pass(600 * s)
	if len(l.saved) != 10 {
		t.Errorf("%d checkpoints in ten minutes of refill", len(l.saved))
	}
}

func TestP5PowerLossCostsAtMostOneInterval(t *testing.T) {
	for _, ran := range []time.Duration{0, 1 * s, 4999 * time.Millisecond, 5 * s, 33 * s} {
		l := onLine(t, nil).ask(AskTrigger).pass(2*s + ran)
		l.reborn(time.Second, false).in(protocol.Stopping).on(mv, ix)
		if got := l.m.Engine; got < ran || got > ran+5*s {
			t.Errorf("an engine that ran %v counts %v", ran, got)
		}
	}
}

func TestP5ARestartThatCranksNothingIsNotChargedAgain(t *testing.T) {
	l := onLine(t, nil).untilRunning().pass(10 * s)
	l.reborn(s, false)
	first := l.m.Engine
	for range 5 {
		l.pass(s).reborn(s, false).in(protocol.Stopping)
	}
	if l.m.Engine != first {
		t.Errorf("after five restarts %v became %v", first, l.m.Engine)
	}
}

func TestTheLockoutAlarmSaysUntilWhen(t *testing.T) {
	l := onLine(t, brief).untilRunning().pass(63 * s).in(protocol.Refilling)
	wall := time.Date(2026, 8, 1, 14, 0, 0, 0, time.UTC)
	st := l.m.System(l.c, wall, false)
	want := wall.Add(l.m.RefillOwed).Format("15:04:05")
	for _, a := range st.Alarms {
		if a.Code == "refill_lockout" && a.Severity == protocol.SeveritySupervisory && strings.Contains(a.Text, want) {
			return
		}
	}
	t.Errorf("no alarm says %s: %+v", want, st.Alarms)
}

// Refill

func TestAFullFloatEndsRefillAndLockoutAfterOneSteadySecond(t *testing.T) {
	l := onLine(t, brief).sensors(func(i *protocol.Inputs) { i.ReservoirFloat = protocol.Inactive })
	l.untilRunning().pass(63 * s).in(protocol.Refilling)
	l.sensors(func(i *protocol.Inputs) { i.ReservoirFloat = protocol.Active }).pass(s - 1)
	l.sensors(func(i *protocol.Inputs) { i.ReservoirFloat = protocol.Inactive }).pass(s).in(protocol.Refilling)
	l.sensors(func(i *protocol.Inputs) { i.ReservoirFloat = protocol.Active }).pass(s - 1).in(protocol.Refilling).pass(1)
	l.in(protocol.Cooldown).on().occurred(protocol.RefillCompleteFloatSwitch, 1)
	l.ask(AskTrigger).taken().in(protocol.Priming)
}

func TestAFloatThatIsNeverFullProlongsToTwiceTheTimeThenStartsAreAllowed(t *testing.T) {
	l := onLine(t, brief).sensors(func(i *protocol.Inputs) { i.ReservoirFloat = protocol.Inactive })
	l.untilRunning().pass(63 * s).in(protocol.Refilling)
	total := l.m.RefillOwed
	l.pass(total).in(protocol.Refilling).ask(AskTrigger).refused("refill_lockout")
	l.reborn(0, false).in(protocol.Refilling) // a prolonged refill survives a power cut
	l.pass(total-1).in(protocol.Refilling).pass(1).in(protocol.Cooldown).occurred(protocol.RefillFailed, 1)
	l.ask(AskTrigger).taken().in(protocol.Priming)
}

func TestTheRefillValveStaysOpenDuringARunWhateverTheFloatSays(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.ReservoirFloat = protocol.Active }).untilRunning()
	l.pass(60*s).on(mv, rv, pv, io)
}

func TestAFailedRefillValveStillCountsDownWithAnAlarm(t *testing.T) {
	l := onLine(t, brief).untilRunning().pass(63 * s).in(protocol.Refilling)
	l.wrong, l.stuck = protocol.SetOf(rv), protocol.SetOf(rv)
	l.input(Input{}).occurred(protocol.RefillValveFailed, 1)
	st := l.m.System(l.c, zero, false)
	if !slices.ContainsFunc(st.Alarms, func(a protocol.Alarm) bool { return a.Code == "refill_valve_failed" }) {
		t.Errorf("no alarm: %+v", st.Alarms)
	}
	l.pass(l.m.RefillOwed).in(protocol.Cooldown)
}

// P6

func TestP6AStopFromEveryPhaseIsOneStep(t *testing.T) {
	for name, reach := range map[string]func(*line) *line{
		"idle":         func(l *line) *line { return l },
		"held open":    func(l *line) *line { return l.ask(AskValveOpen) },
		"priming":      func(l *line) *line { return l.ask(AskTrigger) },
		"cranking":     func(l *line) *line { return l.ask(AskTrigger).pass(4*s).on(mv, rv, pv, is) },
		"running":      func(l *line) *line { return l.untilRunning() },
		"reducing":     func(l *line) *line { return l.untilRunning().pass(35 * s).in(protocol.ReducingRPM) },
		"stop pulse":   func(l *line) *line { return l.untilRunning().pass(40*s).on(mv, rv, ix) },
		"draining":     func(l *line) *line { return l.untilRunning().pass(50*s).on(mv, rv) },
		"refilling":    func(l *line) *line { return l.untilRunning().pass(63 * s).in(protocol.Refilling) },
		"cooldown":     func(l *line) *line { return l.untilRunning().pass(110 * s).in(protocol.Cooldown) },
		"held already": func(l *line) *line { return l.untilRunning().ask(AskStop).pass(3 * s) },
	} {
		t.Run(name, func(t *testing.T) {
			l := reach(onLine(t, brief))
			wasOpen := l.m.Outputs().Has(mv)
			l.ask(AskStop).in(protocol.Stopping)
			want := protocol.SetOf(ix)
			if wasOpen {
				want = want.With(mv)
			}
			for _, d := range []time.Duration{0, 5*s - 1} {
				if l.pass(d); l.m.Outputs() != want {
					t.Fatalf("%v into the pulse on is %v, not %v", d, l.m.Outputs(), want)
				}
			}
			l.pass(1).in(protocol.Idle).on()
			l.ask(AskTrigger).refused("stop_held").ask(AskStart).occurred(protocol.CommandRefused, 1)
			l.ask(AskValveOpen).occurred(protocol.CommandRefused, 2).on()
		})
	}
}

func TestP6AStopInErrorStaysInErrorAndPulses(t *testing.T) {
	l := onLine(t, nil)
	l.stuck = protocol.SetOf(mv)
	l.ask(AskTrigger).pass(5 * s).in(protocol.Error).on()
	l.ask(AskStop).in(protocol.Error).on(ix).pass(5*s - 1).on(ix).pass(1).on().in(protocol.Error)
	l.ask(AskReset).in(protocol.Idle)
}

func TestP6AHeldStopOutlastsAPowerCutAndOnlyResetEndsIt(t *testing.T) {
	l := onLine(t, brief).untilRunning().ask(AskStop).pass(6 * s).in(protocol.Idle)
	l.reborn(time.Hour, false).in(protocol.Idle).on().ask(AskTrigger).refused("stop_held")
	l.ask(AskReset).in(protocol.Refilling).on(rv) // the owed refill goes on
}

func TestP6AResetShortensNoPulseAndCranksNothing(t *testing.T) {
	l := onLine(t, brief).untilRunning().ask(AskStop).pass(2 * s)
	l.ask(AskReset).in(protocol.Stopping).on(mv, ix).pass(3*s-1).on(mv, ix).pass(1).in(protocol.Refilling)
}

func TestP6AResetDropsARememberedTrigger(t *testing.T) {
	l := onLine(t, brief).untilRunning().pass(63 * s).ask(AskTrigger).refused("refill_lockout")
	l.ask(AskReset).in(protocol.Refilling)
	l.pass(time.Hour).in(protocol.Idle).occurred(protocol.PumpSequenceStart, 1)
}

func TestP6TheStopButtonIsALevel(t *testing.T) {
	l := onLine(t, brief).sensors(func(i *protocol.Inputs) { i.StopButton = protocol.Inactive }).untilRunning()
	l.sensors(func(i *protocol.Inputs) { i.StopButton = protocol.Active }).in(protocol.Stopping).on(mv, ix)
	l.pass(6*s).ask(AskReset).occurred(protocol.CommandRefused, 1).in(protocol.Idle)
	l.sensors(func(i *protocol.Inputs) { i.StopButton = protocol.Unknown })
	l.ask(AskReset).occurred(protocol.CommandRefused, 2).occurred(protocol.EmergencyStop, 1)
	l.sensors(func(i *protocol.Inputs) { i.StopButton = protocol.Inactive }).ask(AskReset).in(protocol.Refilling)
}

func TestP6AStopButtonPressedAtBootStops(t *testing.T) {
	l := onLine(t, brief)
	l.input(Input{Boot: &Boot{Recovered: protocol.Recovered{Fresh: true}}})
	l.sensors(func(i *protocol.Inputs) { i.StopButton = protocol.Active }).in(protocol.Stopping)
	l.ask(AskTrigger).refused("stop_held")
}

func TestAnUnreadableStopButtonStopsNothing(t *testing.T) {
	l := onLine(t, brief).untilRunning()
	l.sensors(func(i *protocol.Inputs) { i.StopButton = protocol.Unknown }).in(protocol.Running)
}

func TestTheEmergencyButtonActsOnAPressSeenAfterBoot(t *testing.T) {
	l := onLine(t, brief).sensors(func(i *protocol.Inputs) { i.EmergencyButton = protocol.Active }).in(protocol.Idle)
	l.sensors(func(i *protocol.Inputs) { i.EmergencyButton = protocol.Inactive }).in(protocol.Idle)
	l.sensors(func(i *protocol.Inputs) { i.EmergencyButton = protocol.Active }).in(protocol.Priming)
	l.occurred(protocol.EmergencyButtonPressed, 1).occurred(protocol.EmergencyBypassStart, 1)
}

func TestAStopWinsOverAStartPressedAtTheSameMoment(t *testing.T) {
	l := onLine(t, brief).sensors(func(i *protocol.Inputs) {
		i.EmergencyButton, i.StopButton = protocol.Inactive, protocol.Inactive
	})
	l.sensors(func(i *protocol.Inputs) { i.EmergencyButton, i.StopButton = protocol.Active, protocol.Active })
	l.in(protocol.Stopping).on(ix).occurred(protocol.CommandRefused, 1)
}

// P7

func TestP7WhileFeedbackSaysThatTheEngineRunsThePulseRepeatsWithTheValveOpen(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Inactive }).ask(AskTrigger).pass(3 * s)
	l.sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Active }).in(protocol.Running).pass(10 * s)
	l.stuck = protocol.SetOf(mv)
	l.input(Input{}).pass(2 * s).in(protocol.Error)
	for range 20 {
		l.on(mv, ix).pass(5 * s).on(mv).pass(5 * s)
	}
	l.occurred(protocol.EngineWillNotStop, 1)
	l.sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Inactive }).pass(5 * s).in(protocol.Error).on()
}

func TestP7AnEngineThatRunsOnAfterThreePulsesIsAnError(t *testing.T) {
	l := onLine(t, brief).sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Active }).ask(AskTrigger).pass(2 * s)
	l.in(protocol.Running).ask(AskStop).pass(15*s-1).in(protocol.Stopping).on(mv, ix)
	l.pass(1).in(protocol.Error).occurred(protocol.EngineWillNotStop, 1)
}

func TestP7ErrorOutlastsARestartAndKeepsTheLockout(t *testing.T) {
	l := onLine(t, brief).untilRunning()
	l.wrong = protocol.SetOf(io)
	l.input(Input{}).in(protocol.Error).on(mv, ix).pass(6 * s).on()
	l.wrong = 0
	l.reborn(time.Hour, false).in(protocol.Error).on().ask(AskTrigger).refused("error").ask(AskStart).in(protocol.Error)
	l.occurred(protocol.ErrorStateTriggerIgnored, 1).occurred(protocol.CommandRefused, 1)
	l.ask(AskReset).in(protocol.Refilling)
}

func TestP7AResetDuringTheErrorPulseLetsItEnd(t *testing.T) {
	l := onLine(t, brief).untilRunning()
	l.wrong = protocol.SetOf(is)
	l.input(Input{}).in(protocol.Error).pass(2 * s)
	l.wrong = 0
	l.input(Input{}).ask(AskReset).in(protocol.Stopping).on(mv, ix).pass(3*s-1).on(mv, ix).pass(1).in(protocol.Refilling)
}

// P8

func TestP8AValveOpenedByHandClosesByItself(t *testing.T) {
	l := onLine(t, nil).ask(AskValveOpen).in(protocol.Idle).on(mv)
	l.pass(600*s - 1).on(mv).pass(1).on()
	l.ask(AskValveOpen).pass(s).ask(AskValveClose).on()
	l.occurred(protocol.EmergencyValveOpen, 2).occurred(protocol.EmergencyValveClose, 1)
}

func TestValveCloseIsRefusedFromPrimingUntilThePulseHasEndedThenItEndsStopping(t *testing.T) {
	l := onLine(t, brief).ask(AskTrigger).ask(AskValveClose).occurred(protocol.CommandRefused, 1)
	l.pass(7*s).ask(AskValveClose).occurred(protocol.CommandRefused, 2).on(mv, rv, pv, io)
	l.pass(40*s).on(mv, rv, ix).ask(AskValveClose).occurred(protocol.CommandRefused, 3)
	l.pass(5*s).on(mv, rv).ask(AskValveClose).in(protocol.Refilling).on(rv)
}

// P9

func TestP9ADryRunIsAnErrorAndPresenceAloneTakesItBack(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.Flow = protocol.Inactive }).untilRunning()
	l.pass(180*s + 300*s - 1).in(protocol.Running)
	l.sensors(func(i *protocol.Inputs) { i.Flow = protocol.Active }).pass(100 * s)
	l.sensors(func(i *protocol.Inputs) { i.Flow = protocol.Inactive }).pass(300*s - 1).in(protocol.Running)
	l.pass(1).in(protocol.Error).on(mv, ix).occurred(protocol.DryRunProtectionTriggered, 1)
}

func TestP9AnUnreadableFlowSensorIsNoPresence(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.Flow = protocol.Active }).untilRunning().pass(200 * s)
	l.sensors(func(i *protocol.Inputs) { i.Flow = protocol.Unknown }).pass(300 * s).in(protocol.Error)
}

func TestP9ARestartOfTheEngineDoesNotExcuseADryRun(t *testing.T) {
	l := onLine(t, func(c *Timing) { c.PrimingDuration = 0 })
	l.sensors(func(i *protocol.Inputs) { i.Flow, i.EngineRunning = protocol.Inactive, protocol.Inactive }).ask(AskTrigger)
	for range 10 {
		l.sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Inactive })
		for i := 0; i < 60 && l.m.State() != protocol.Starting; i++ {
			l.pass(s)
		}
		if l.m.State() == protocol.Error {
			break
		}
		l.sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Active }).in(protocol.Running).pass(90 * s)
	}
	l.in(protocol.Error).occurred(protocol.DryRunProtectionTriggered, 1)
}

func TestP9PressureAbsentFromTheCheckOnIsLowPressureThenStopping(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.LinePressure = protocol.Inactive }).untilRunning()
	l.pass(180*s + 60*s + 60*s - 1).in(protocol.Running)
	l.pass(1).in(protocol.LowPressure).on(mv, rv, ix).pass(5*s-1).in(protocol.LowPressure).pass(1).in(protocol.Stopping).on(mv, rv)
}

func TestP9PressureSeenOnceExcusesNothingLater(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.LinePressure = protocol.Active }).untilRunning().pass(600 * s)
	l.sensors(func(i *protocol.Inputs) { i.LinePressure = protocol.Inactive }).pass(60*s - 1).in(protocol.Running)
	l.pass(1).in(protocol.LowPressure)
}

// P10

func TestP10ATriggerDuringTheStopPulseIsAFullCrankAfterIt(t *testing.T) {
	l := onLine(t, func(c *Timing) { c.FireOffDelay = 300 * s }).untilRunning().pass(298*s).in(protocol.Stopping).on(mv, rv, ix)
	l.ask(AskTrigger).taken().on(mv, rv, ix).occurred(protocol.PumpSequenceStart, 2)
	l.pass(5*s-1).on(mv, rv, ix).pass(1).in(protocol.Priming)
	l.pass(2*s).on(mv, rv, pv, is).pass(5*s).in(protocol.Running).on(mv, rv, pv, io)
}

func TestP10ATriggerCancelsOnlyAReductionForWantOfFire(t *testing.T) {
	l := onLine(t, func(c *Timing) { c.FireOffDelay = 300 * s }).untilRunning().pass(294 * s).in(protocol.ReducingRPM)
	l.ask(AskTrigger).taken().in(protocol.Running).on(mv, rv, io).occurred(protocol.ShutdownCancelled, 1)
	l.pass(299 * s).in(protocol.Running) // and nothing of the old stop comes after it

	l = onLine(t, nil).untilRunning().pass(1780*s + s).in(protocol.ReducingRPM)
	l.ask(AskTrigger).refused("run_budget").in(protocol.ReducingRPM)
}

func TestP10ATriggerInCooldownStartsAndNoOldTimerDropsTheLines(t *testing.T) {
	l := onLine(t, brief).untilRunning().pass(110 * s).in(protocol.Cooldown)
	l.ask(AskTrigger).taken().in(protocol.Priming).pass(7 * s).in(protocol.Running)
	l.pass(30*s).in(protocol.Running).on(mv, rv, io)
}

func TestP10ATriggerAfterThePulseStartsWithTheValveStillOpen(t *testing.T) {
	l := onLine(t, func(c *Timing) { c.FireOffDelay = 300 * s }).untilRunning().pass(320*s).on(mv, rv)
	l.ask(AskTrigger).taken().in(protocol.Priming).on(mv, rv, pv)
}

func TestP10ARememberedTriggerSurvivesARestartOfTheProcessNotOfTheKernel(t *testing.T) {
	for _, same := range []bool{true, false} {
		l := onLine(t, brief).untilRunning().pass(63 * s).in(protocol.Refilling)
		l.pass(l.m.RefillOwed - 20*s).ask(AskTrigger).refused("refill_lockout")
		l.reborn(5*s, same).in(protocol.Refilling)
		l.pass(20 * s)
		if started := l.m.State() == protocol.Priming; started != same {
			t.Errorf("same kernel boot %v: the state is %v", same, l.m.State())
		}
	}
}

// P11 and P13

func TestP13AStaleTriggerOrStartIsRefusedAStopNever(t *testing.T) {
	l := onLine(t, brief)
	l.input(Input{Ask: AskTrigger, Age: 61 * s}).refused("stale").in(protocol.Idle)
	l.input(Input{Ask: AskStart, Age: 61 * s}).occurred(protocol.CommandRefused, 1).in(protocol.Idle)
	l.input(Input{Ask: AskTrigger, Age: 60 * s}).taken()
	l.input(Input{Ask: AskStop, Age: 1000 * time.Hour}).in(protocol.Stopping)
}

func TestP13AMissingOrFutureStampCountsAsNow(t *testing.T) {
	wall := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if Age(time.Time{}, wall) != 0 || Age(wall.Add(time.Hour), wall) != 0 || Age(wall.Add(-time.Minute), wall) != time.Minute {
		t.Error("the age of a message is wrong")
	}
}

// P12

func TestP12PrimingAndRefillFailuresDegradeAndAreReported(t *testing.T) {
	l := onLine(t, nil).ask(AskTrigger).pass(s)
	l.wrong, l.stuck = protocol.SetOf(pv, rv, rr), protocol.SetOf(pv, rv)
	l.pass(7*s).in(protocol.Running).occurred(protocol.PrimingDegraded, 1).occurred(protocol.RefillValveFailed, 1)
}

func TestP12AnIgnitionLineThatStaysFailedIsAnErrorWithTheEngineOff(t *testing.T) {
	for _, bad := range []protocol.Line{is, io, ix} {
		l := onLine(t, nil).untilRunning()
		l.wrong = protocol.SetOf(bad)
		l.input(Input{}).in(protocol.Error).on(mv, ix)
	}
}

func TestP12AFailedMainValveGetsItsVerifyTimeAndNoMore(t *testing.T) {
	l := onLine(t, nil)
	l.wrong, l.stuck = protocol.SetOf(mv), protocol.SetOf(mv)
	l.ask(AskTrigger).pass(4 * s).in(protocol.Priming)
	l.wrong, l.stuck = 0, 0
	l.input(Input{}).pass(2 * s).in(protocol.Starting) // an end switch that was slow
}

// P14 and P15

func TestP14AShutdownStopsTheEngineLikeAStopButLeavesTheRunOpen(t *testing.T) {
	l := onLine(t, nil).untilRunning().pass(10*s).ask(AskEnd).in(protocol.Stopping).on(mv, ix)
	l.ask(AskTrigger).refused("shutting_down")
	if l.pass(5*s - 1); l.ended {
		t.Error("it ended before the pulse")
	}
	if l.pass(1).on(); !l.ended || l.m.Held || !l.m.RunOpen {
		t.Errorf("ended %v, held %v, run open %v", l.ended, l.m.Held, l.m.RunOpen)
	}
	l.reborn(3*s, true).in(protocol.Stopping).on(mv, ix).pass(5 * s).in(protocol.Priming)
	l.pass(7 * s).in(protocol.Running)
	if l.m.Resumed != 1 || l.m.Runs != 1 {
		t.Errorf("resumed %d, runs %d", l.m.Resumed, l.m.Runs)
	}
}

func TestP14AShutdownDuringAShutdownAddsNoTime(t *testing.T) {
	l := onLine(t, nil).untilRunning().ask(AskEnd).pass(3 * s).ask(AskEnd).pass(2 * s)
	if !l.ended {
		t.Error("the second shutdown began the pulse anew")
	}
}

func TestP15AnOpenRunFoundAtBootIsStoppedBeforeAnythingElse(t *testing.T) {
	l := onLine(t, brief).untilRunning().reborn(s, false).in(protocol.Stopping).on(mv, ix)
	l.ask(AskTrigger).taken().pass(5*s-1).on(mv, ix).pass(1).in(protocol.Priming)
	l.occurred(protocol.BootRecovered, 1)
}

func TestP15AfterAKernelRebootOnlyANewTriggerStarts(t *testing.T) {
	l := onLine(t, brief).untilRunning().reborn(s, false).pass(5*s).in(protocol.Stopping).on(mv, rv).pass(20 * s)
	l.in(protocol.Refilling).pass(time.Hour).in(protocol.Idle).occurred(protocol.EngineStartSequence, 1)
}

func TestP15AReportOfABootSaysWhatBecameOfARememberedTrigger(t *testing.T) {
	for id, says := range map[string]string{"kernel": "trigger remembered",
		"another": "trigger dropped: the machine was started anew"} {
		mem := protocol.PumpMemory{Remembered: time.Hour, BootID: "kernel"}
		l := onLine(t, brief).input(Input{Boot: &Boot{Recovered: protocol.Recovered{Pump: mem}, BootID: id,
			SinceBoot: time.Hour + s}})
		if got := l.events[0]; got.Action != protocol.BootRecovered || got.Reason != says {
			t.Errorf("in kernel %q: %v %q, want %q", id, got.Action, got.Reason, says)
		}
	}
}

func TestP15AnUnreadableJournalIsAnOpenRunAFreshOneIsNot(t *testing.T) {
	l := onLine(t, brief).input(Input{Boot: &Boot{Recovered: protocol.Recovered{Unreadable: true}}})
	l.in(protocol.Stopping).on(mv, ix).pass(5*s).on(mv, rv)
	l = onLine(t, brief).input(Input{Boot: &Boot{Recovered: protocol.Recovered{Fresh: true}}})
	l.in(protocol.Idle).on().occurred(protocol.BootRecovered, 0)
}

// TestInSafeModeAPersonStartsThePumpAndNothingElseDoes: no resumption, no remembered trigger, no fire.
func TestInSafeModeAPersonStartsThePumpAndNothingElseDoes(t *testing.T) {
	ran := onLine(t, brief).untilRunning()
	mem := ran.m.Memory(ran.c, time.Hour, "kernel")
	mem.Remembered = time.Hour
	boot := &Boot{Recovered: protocol.Recovered{Pump: mem, SafeMode: true}, BootID: "kernel", SinceBoot: time.Hour + s}
	l := onLine(t, brief).input(Input{Boot: boot}).in(protocol.Stopping).on(mv, ix)
	l.pass(5*s).on(mv, rv).ask(AskTrigger).refused("safe_mode")
	l.pass(time.Hour).in(protocol.Idle).on().ask(AskTrigger).refused("safe_mode").in(protocol.Idle).on()
	l.ask(AskStart).in(protocol.Priming).ask(AskTrigger).taken()
	l.pass(7 * s).in(protocol.Running).ask(AskTrigger).taken()
	l.ask(AskStop).in(protocol.Stopping)
}

func TestP15ARunIsResumedAtMostThreeTimes(t *testing.T) {
	l := onLine(t, nil).untilRunning()
	for i := range 4 {
		l.pass(s).reborn(s, true).pass(5 * s)
		want := protocol.Priming
		if i == 3 {
			want = protocol.Stopping
		}
		l.in(want).pass(7 * s)
	}
}

func TestP15AnEmergencyRunAnOldTriggerOrAHeldStopIsNotResumed(t *testing.T) {
	onLine(t, brief).ask(AskStart).pass(20*s).in(protocol.Running).reborn(s, true).pass(5 * s).in(protocol.Stopping)
	onLine(t, brief).untilRunning().pass(20*s).reborn(14*s, true).pass(5 * s).in(protocol.Stopping)
	l := onLine(t, brief).untilRunning().ask(AskStop).pass(s).reborn(s, true).in(protocol.Stopping).on(mv, ix)
	l.pass(5 * s).in(protocol.Idle).pass(time.Hour).in(protocol.Idle)
}

func TestATriggerTakenJustBeforeTheProcessDiesIsNotLost(t *testing.T) {
	l := onLine(t, nil).ask(AskTrigger).pass(s).in(protocol.Priming)
	for i := range 4 {
		l.reborn(s, true)
		want := protocol.Priming
		if i == 3 { // a process that dies again and again does not open valves for ever
			want = protocol.Idle
		}
		l.in(want)
	}
}

// Engine feedback

func TestAnEngineThatDoesNotStartIsAnErrorAfterAllAttempts(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Inactive }).ask(AskTrigger).pass(2 * s)
	for range 5 {
		l.on(mv, rv, pv, is).pass(5*s).on(mv, rv, pv, io).pass(3*s).on(mv, rv, pv).pass(12 * s)
	}
	l.on(mv, rv, pv, is).pass(8*s).in(protocol.Error).on(mv, ix).occurred(protocol.EngineStartFailed, 1)
	if l.m.Cranks != 6 || l.m.RefillOwed != 40*6*8*s {
		t.Errorf("%d cranks, owed %v", l.m.Cranks, l.m.RefillOwed)
	}
}

func TestAnEngineThatSaysLateThatItRunsIsNotCutOff(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Inactive }).ask(AskTrigger).pass(7 * s)
	l.on(mv, rv, pv, io).pass(2 * s).sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Active }).in(protocol.Running)
}

func TestAnEngineLostForThreeSecondsIsStoppedAndCrankedAnew(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Inactive }).ask(AskTrigger).pass(3 * s)
	l.sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Active }).pass(100 * s)
	l.sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Inactive }).pass(3*s - 1).in(protocol.Running)
	l.pass(1).in(protocol.Stopping).on(mv, rv, ix).pass(5*s).in(protocol.Priming).pass(2*s).on(mv, rv, pv, is)
	if l.m.Runs != 1 {
		t.Errorf("%d runs", l.m.Runs)
	}
}

func TestAFeedbackThatSaysRunningWhileNoWaterMovesIsStuck(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.EngineRunning, i.Flow = protocol.Active, protocol.Inactive })
	l.ask(AskTrigger).pass(2 * s).in(protocol.Running).pass(60*s - 1).in(protocol.Running).pass(1).in(protocol.Stopping)
	l.pass(5*s).in(protocol.Priming).pass(2*s).on(mv, rv, pv, is).pass(5*s).on(mv, rv, pv, io)
	l.pass(100*s).in(protocol.Running).occurred(protocol.EngineStartSequence, 1)
}

func TestAFoundEngineThatMovesWaterIsBelieved(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.EngineRunning, i.Flow = protocol.Active, protocol.Inactive })
	l.ask(AskTrigger).pass(30 * s).sensors(func(i *protocol.Inputs) { i.Flow = protocol.Active }).pass(300 * s).in(protocol.Running)
}

func TestWithoutFlowOrPressureAFoundEngineIsAnAlarmAndNoCrank(t *testing.T) {
	l := onLine(t, nil).sensors(func(i *protocol.Inputs) { i.EngineRunning = protocol.Active }).ask(AskTrigger).pass(500 * s)
	l.in(protocol.Running).occurred(protocol.EngineStartSequence, 0)
	st := l.m.System(l.c, zero, false)
	if !slices.ContainsFunc(st.Alarms, func(a protocol.Alarm) bool { return a.Code == "engine_unproven" }) {
		t.Errorf("no alarm: %+v", st.Alarms)
	}
}

// Emergency starts

func TestAnEmergencyStartIsATriggerWhileThePumpStartsOrRuns(t *testing.T) {
	l := onLine(t, nil).ask(AskTrigger).ask(AskStart).in(protocol.Priming).pass(3 * s)
	l.ask(AskStart).on(mv, rv, pv, is).pass(4*s).in(protocol.Running).ask(AskStart).on(mv, rv, pv, io)
	if l.m.Runs != 1 || l.m.Emergency {
		t.Errorf("%d runs, emergency %v", l.m.Runs, l.m.Emergency)
	}
}

func TestAnEmergencyStartFollowsThePulseWithABudgetOfItsOwn(t *testing.T) {
	l := onLine(t, brief).untilRunning().pass(38 * s).in(protocol.Stopping)
	l.ask(AskStart).on(mv, rv, ix).pass(5 * s).in(protocol.Priming).pass(7 * s).in(protocol.Running)
	if l.m.Engine != 5*s || l.m.RefillOwed == 0 || !l.m.Emergency {
		t.Errorf("engine %v, owed %v", l.m.Engine, l.m.RefillOwed)
	}
	l.ask(AskTrigger).taken() // the running emergency run waters on
}

func TestAnEmergencyStartDuringTheLastReductionIsNotForgotten(t *testing.T) {
	l := onLine(t, func(c *Timing) { brief(c); c.FireOffDelay = 100 * s }).untilRunning().pass(45 * s).in(protocol.ReducingRPM)
	l.ask(AskStart).in(protocol.ReducingRPM).pass(10 * s).in(protocol.Stopping).pass(5 * s).in(protocol.Priming)
}

func TestTheDiagramAndTheTablesNameEveryStateAndOutput(t *testing.T) {
	for st := range protocol.NumStates {
		if !strings.Contains(Diagram(), st.String()) || !strings.Contains(Table(), "`"+st.String()+"`") {
			t.Errorf("%v is missing", st)
		}
	}
	for l := range protocol.NumLines {
		if !strings.Contains(Table(), l.String()) {
			t.Errorf("%v is missing", l)
		}
	}
}

func TestTheZeroMachineIsIdleWithEverythingOff(t *testing.T) {
	var m Machine
	if m.State() != protocol.Idle || m.Outputs() != 0 || !m.Until().IsZero() {
		t.Errorf("%+v", m)
	}
}

func TestOnlyTheRulesThatSayTheyLatchMakeError(t *testing.T) {
	for _, r := range rules {
		if r.latches && r.to != stay {
			t.Errorf("%q latches ERROR and leads to %v: entering is a rule of its own", r.name, r.to)
		}
		if !r.latches && r.do != nil && strings.Contains(r.name, "no crank left") {
			t.Errorf("%q ends in ERROR and does not say so", r.name)
		}
	}
}

func TestEveryRuleHasANameOfItsOwnAndAReason(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range rules {
		if r.name == "" || r.why == "" || r.from == 0 || seen[r.name] {
			t.Errorf("%+v", r.name)
		}
		seen[r.name] = true
	}
}
