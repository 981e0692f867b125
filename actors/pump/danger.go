package pump

import (
	"time"

	"wildfire-watch/protocol"
)

// timeUp: the phase has lasted as long as it does by itself.
func (s *step) timeUp() bool { return s.Left == 0 }

// stopAsked: somebody orders a stop, by word or by button.
func (s *step) stopAsked() bool { return s.pressed || s.ask == AskStop }

// faulty: ERROR is latched.
func (s *step) faulty() bool { return s.Fault != "" }

// turnsAtAll is the engine's own word, believed or not: in ERROR nothing is left to chance.
func (s *step) turnsAtAll() bool { return s.Inputs.EngineRunning == protocol.Active }

// over: the process has done its duty and is about to end; nothing is switched on any more.
func (s *step) over() bool { return s.Ending && setOf(AtRest, InError).has(s.Phase) }

// pulseOpen: a stop pulse has the main valve open, because it is or because the engine turns. One
// ordered while the valve is shut does not open it.
func (s *step) pulseOpen() bool {
	return s.Outputs().Has(protocol.MainValve) || s.Hot || s.turnsAtAll()
}

// undelivered: no report has shown the stop pulse on the lines. It does not run down until then: an
// engine would run on that everybody believes to be stopped (P6, P7, P15). Only the end of the process
// waits no longer than EndWait; the next one gives the pulse (P14, P15).
func (s *step) undelivered() bool {
	return s.Unsent && (pulsing | faultPulse).has(s.Phase) && !s.unseen()
}

// unseen: the process ends, and some of its pulse ran down before any report showed it.
func (s *step) unseen() bool { return s.Ending && s.Waited >= s.c.EndWait }

// stillHot: after a pulse that nobody saw in full the engine may turn if it might before.
func (s *step) stillHot() bool { return s.Hot && s.unseen() }

// untaken: a stop pulse has waited for its report as long as it may.
func (s *step) untaken() bool {
	return s.undelivered() && !s.Ending && s.Waited >= s.c.TakeLimit
}

// unheard: the lines have the command of a stop pulse, and nobody has looked at them since. What was
// said of the main valve is older, or nothing at all at boot: it is not held against the valve (P1).
func (s *step) unheard() bool { return s.undelivered() && !s.Lost }

// booted says what was found.
func (s *step) booted() {
	b := s.boot
	s.boot = nil
	found := b.recovered()
	s.Why = found
	if s.Hot {
		s.Pulses = 1
	}
	if found == "" {
		return
	}
	s.event(protocol.BootRecovered, found, "refill_owed", s.RefillOwed.Seconds(),
		"engine_time", s.Engine.Seconds(), "resumes", s.Restart == ForResume,
		"problem", b.Recovered.Problem)
}

// stop is an emergency stop (P6): the phase has the pulse, this ends the run and holds.
func (s *step) stop() {
	source := s.in.Source
	if s.pressed {
		source = "stop_button"
	} else {
		s.ask = AskNothing
	}
	s.pressed = false
	s.Held, s.Restart, s.ValveLeft, s.Pulses = true, NoRestart, 0, 1
	s.closeRun()
	if s.Fault == "" {
		s.Why = "emergency stop"
	}
	s.answer(AskStop, protocol.EmergencyStop, "", "source", source)
}

// end is a stop that is not held and leaves the run open, so that the next process goes on (P14).
func (s *step) end() {
	if priming.has(s.was) && !s.RunOpen && !s.Emergency {
		s.remember(s.TriggerAge) // the next process cranks for it
	}
	s.Ending, s.Restart, s.ValveLeft, s.Pulses, s.Waited = true, NoRestart, 0, 1, 0
	if s.Fault == "" {
		s.Why = "shutdown"
	}
	if s.in.Source != tripped { // the trip has said so itself
		s.answer(AskEnd, protocol.ControllerShutdown, "")
	}
}

// endAgain answers a second shutdown: it waits for the pulse of the first.
func (s *step) endAgain() {
	if s.Phase == AtRest || s.Phase == InError {
		s.ended()
	}
}

func (s *step) ended() { s.out = append(s.out, Outcome{Kind: Ended, Then: s.Machine}) }

// latch ends the run and latches ERROR; the next rule to fire enters it (P7).
func (s *step) latch(why string) {
	s.Fault, s.Why, s.Restart = why, why, NoRestart
	s.closeRun()
}

func (s *step) errorEntered() {
	s.Pulses, s.ValveLeft = 1, 0
	s.event(protocol.ErrorStateEntered, s.Fault)
}

func (s *step) ignitionFailed() {
	bad := s.Failed & (starter | ignition | kill)
	if stuck := bad &^ s.Outputs(); stuck&(starter|ignition) != 0 {
		s.Hot = true // a line that stays on may have the engine running
	}
	s.latch("lines failed: " + bad.String())
}

func (s *step) valveFailed() {
	switch {
	case s.Lost:
		s.latch("board lost")
	case s.Outputs().Has(protocol.MainValve) && s.MainSeen:
		s.latch("main valve no longer verified open")
	case s.Outputs().Has(protocol.MainValve):
		s.latch("main valve not verified open")
	default:
		s.latch("main valve does not shut")
	}
}

func (s *step) ranDry() {
	s.event(protocol.DryRunProtectionTriggered, "no water for max_dry_run_time",
		"seconds", s.DryFor.Seconds())
	s.latch("dry run")
}

func (s *step) startFailed() {
	s.event(protocol.EngineStartFailed, "", "cranks", s.Cranks)
	s.latch("engine does not start")
}

// wontStop says once that the engine runs on.
func (s *step) wontStop() {
	if !s.WontStop {
		s.WontStop = true
		s.event(protocol.EngineWillNotStop, "the engine feedback says that it still runs")
	}
}

func (s *step) lowPressure() {
	s.LowFor = 0
	s.event(protocol.LowPressureDetected, "")
	s.stopEngine("low pressure", NoRestart)
}

// shutdown begins the stop pulse of a planned stop.
func (s *step) shutdown(why string, then Restart) {
	s.stopEngine(why, then)
	s.event(protocol.ShutdownInitiated, why)
}

// stopEngine begins a pulse. A person's start that waits for it is not forgotten.
func (s *step) stopEngine(why string, then Restart) {
	s.Why, s.Pulses = why, 1
	if s.Restart != ForEmergency {
		s.Restart = then
	}
}

// remember keeps a trigger of that age for as long as it means a fire (P10). A younger one that is
// remembered already means it for longer.
func (s *step) remember(age time.Duration) {
	if s.Remembered && s.RememberedAge <= age {
		return
	}
	if age < s.c.FireOffDelay {
		s.Remembered, s.RememberedAge = true, age
	}
}

// closeRun ends the run: what it took from the tank is owed (P5).
func (s *step) closeRun() {
	if !s.RunOpen {
		return
	}
	if owed := s.RefillOwed + s.c.refillFor(s.Engine); owed > 0 {
		s.RefillOwed, s.RefillTotal, s.RefillFor = owed, owed, 0
	}
	s.RunOpen, s.Emergency, s.Charged, s.Engine, s.Resumed = false, false, false, 0, 0
	s.DryFor, s.LowFor = 0, 0
}

// settled: nothing is owed any more, the lockout ends.
func (s *step) settled() { s.RefillOwed, s.RefillTotal, s.RefillFor = 0, 0, time.Duration(0) }
