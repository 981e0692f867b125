package pump

import "wildfire-watch/protocol"

// sequenceRules: what the pump does by itself, in the order of a run (SPEC §3 "Sequence").
var sequenceRules = []rule{
	{name: "main valve verified, refill valve opens", why: "P1", from: setOf(Opening),
		when: (*step).mainOpen,
		to:   Filling,
		do: func(s *step) {
			s.event(protocol.RefillValveOpenedImmediately, "")
			s.event(protocol.PrimingStarted, s.Why)
		}},
	{name: "main valve verified", why: "P1", from: setOf(OpeningFilling), when: (*step).mainOpen,
		to: Filling, do: func(s *step) { s.event(protocol.PrimingStarted, s.Why) }},
	{name: "engine runs before the first crank", why: "P3", from: setOf(Filling),
		when: func(s *step) bool { return s.timeUp() && s.mainOpen() && s.turns() }, to: RunPriming,
		do: func(s *step) { s.Uncranked = true; s.runs() }},
	{name: "pump filled", why: "P1", from: setOf(Filling),
		when: func(s *step) bool { return s.timeUp() && s.mainOpen() }, to: Cranking,
		do: (*step).crank},
	{name: "crank over, the engine does not run yet", why: "engine feedback", from: setOf(Cranking),
		when: func(s *step) bool { return s.timeUp() && s.feedback() == protocol.Inactive },
		to:   Catching, do: (*step).starterSeen},
	{name: "crank over", why: "sequence", from: setOf(Cranking), when: (*step).timeUp,
		to: RunPriming, do: func(s *step) { s.starterSeen(); s.runs() }},
	{name: "engine did not start, no crank left", why: "engine feedback", from: setOf(Catching),
		when: func(s *step) bool {
			return s.timeUp() && s.feedback() == protocol.Inactive && s.Cranks >= s.c.CrankAttempts
		}, latches: true, to: stay, do: (*step).startFailed},
	{name: "engine did not start", why: "engine feedback", from: setOf(Catching),
		when: func(s *step) bool { return s.timeUp() && s.feedback() == protocol.Inactive },
		to:   CrankRest, do: func(s *step) { s.Left = s.c.CrankRest - s.c.length(Catching) }},
	{name: "engine can no longer say that it runs", why: "engine feedback", from: setOf(Catching),
		when: (*step).timeUp, to: RunPriming, do: (*step).runs},
	{name: "engine runs after all", why: "P3", from: setOf(CrankRest),
		when: func(s *step) bool { return s.timeUp() && s.mainOpen() && s.turns() }, to: RunPriming,
		do: (*step).runs},
	{name: "starter rested", why: "engine feedback", from: setOf(CrankRest),
		when: func(s *step) bool { return s.timeUp() && s.mainOpen() }, to: Cranking,
		do: (*step).crank},

	{name: "primed", why: "sequence", from: setOf(RunPriming), when: (*step).primed, to: Run,
		keep: true, do: (*step).primingOver},
	{name: "primed while slowed", why: "sequence", from: setOf(SlowPriming), when: (*step).primed,
		to: Slow, keep: true, do: (*step).primingOver},
	{name: "engine time nearly used up, priming", why: "P4", from: setOf(RunPriming),
		when: (*step).nearlyUsedUp, to: SlowPriming, do: func(s *step) { s.slow(ByBudget) }},
	{name: "engine time nearly used up", why: "P4", from: setOf(Run), when: (*step).nearlyUsedUp,
		to: Slow, do: func(s *step) { s.slow(ByBudget) }},
	{name: "fire off, stop at once", why: "sequence", from: running,
		when: func(s *step) bool { return s.fireOff() && s.c.RPMReductionDuration == 0 },
		to:   StopPulse, do: func(s *step) { s.shutdown("fire_off_delay", NoRestart) }},
	{name: "fire off, priming", why: "sequence", from: setOf(RunPriming), when: (*step).fireOff,
		to: SlowPriming, do: func(s *step) { s.slow(ByFireOff) }},
	{name: "fire off", why: "sequence", from: setOf(Run), when: (*step).fireOff, to: Slow,
		do: func(s *step) { s.slow(ByFireOff) }},
	{name: "reduced long enough", why: "sequence", from: reducing,
		when: func(s *step) bool { return s.timeUp() && s.Cause == ByFireOff }, to: StopPulse,
		do: func(s *step) { s.shutdown("fire_off_delay", s.Restart) }},

	{name: "pulse over, process ends", why: "P14", from: setOf(SafePulse, ShutPulse),
		when: func(s *step) bool { return s.timeUp() && s.Ending }, to: AtRest,
		do: func(s *step) { s.pulseOver(); s.ended() }},
	{name: "restart after the pulse, refill valve open", why: "P10",
		from: setOf(StopPulse, LowPulse),
		when: func(s *step) bool { return s.timeUp() && s.mayRestart() }, to: OpeningFilling,
		do: (*step).restart},
	{name: "restart after the pulse", why: "P10 P15", from: pulsing,
		when: func(s *step) bool { return s.timeUp() && s.mayRestart() }, to: Opening,
		do: (*step).restart},
	{name: "pulse over, engine will not stop", why: "P7", from: pulsing,
		when:    func(s *step) bool { return s.timeUp() && s.turns() && s.Pulses >= mostPulses },
		latches: true, to: stay,
		do: func(s *step) { s.wontStop(); s.latch("engine will not stop") }},
	{name: "pulse over, engine still runs", why: "P7", from: pulsing,
		when: func(s *step) bool { return s.timeUp() && s.turns() }, to: stay,
		do: func(s *step) { s.Left = s.c.IgnitionOff; s.Pulses++ }},
	{name: "pulse over after a stop", why: "P6", from: setOf(SafePulse, ShutPulse),
		when: func(s *step) bool { return s.timeUp() && (s.Held || !s.RunOpen) }, to: AtRest,
		do: func(s *step) { s.pulseOver(); s.atRest() }},
	{name: "pulse over", why: "sequence", from: pulsing, when: (*step).timeUp, to: Draining,
		do: (*step).pulseOver},

	{name: "main valve shuts, refill owed", why: "P5", from: setOf(Draining),
		when: func(s *step) bool { return s.timeUp() && s.owes() }, to: Refill,
		do: func(s *step) { s.closeRun(); s.refilling() }},
	{name: "main valve shuts", why: "sequence", from: setOf(Draining), when: (*step).timeUp,
		to: Cool, do: func(s *step) { s.closeRun(); s.cooldown() }},
	{name: "owed refill goes on", why: "P6 P15", from: setOf(AtRest),
		when: func(s *step) bool { return s.Locked() && !s.Held && !s.Ending }, to: Refill,
		do: (*step).refilling},
	{name: "tank full", why: "P5", from: setOf(Refill),
		when: func(s *step) bool { return s.FullFor >= floatSteady }, to: Cool,
		do: func(s *step) { s.refilled(protocol.RefillCompleteFloatSwitch) }},
	{name: "refill time over", why: "P5", from: setOf(Refill),
		when: func(s *step) bool { return !s.prolonged() && s.RefillOwed == 0 }, to: Cool,
		do: func(s *step) { s.refilled(protocol.RefillCompleteTimer) }},
	{name: "tank not full after twice the time", why: "P5", from: setOf(Refill),
		when: func(s *step) bool { return s.prolonged() && s.RefillFor >= 2*s.RefillTotal },
		to:   Cool, do: func(s *step) { s.refilled(protocol.RefillFailed) }},
	{name: "remembered trigger", why: "P10", from: quiet, when: (*step).mayRemember, to: Opening,
		do: (*step).rememberedStart},
	{name: "cooled down", why: "sequence", from: setOf(Cool), when: (*step).timeUp, to: AtRest,
		do: (*step).atRest},
}

// crank begins one crank, and with the first one the run.
func (s *step) crank() {
	s.Cranks++
	s.beginRun()
	s.event(protocol.EngineStartSequence, s.Why, "attempt", s.Cranks)
}

func (s *step) beginRun() {
	s.Hot, s.Charged = true, false
	if !s.RunOpen {
		s.RunOpen, s.Engine, s.Resumed, s.DryFor, s.LowFor = true, 0, 0, 0, 0
		s.Runs++
	}
}

// starterSeen reports a starter that never read on: the crank may not have happened.
func (s *step) starterSeen() {
	// The phase has moved on already, Verified is still of the crank.
	if !s.Verified.Has(protocol.IgnitionStart) {
		s.event(protocol.IgnitionStartDegraded, "never read on during the crank")
	}
}

// runs takes the engine for running.
func (s *step) runs() {
	s.beginRun()
	s.Starts++
	s.PrimeLeft, s.PrimedFor, s.LostFor, s.NothingFor, s.Pulses = s.c.PrimingDuration, 0, 0, 0, 0
	how := ""
	if s.Uncranked {
		how = "found running, not cranked"
	}
	s.event(protocol.EngineRunning, how, "cranks", s.Cranks)
}

func (s *step) primed() bool { return s.PrimeLeft == 0 }

func (s *step) primingOver() {
	s.PrimedFor = 0
	s.event(protocol.PrimingComplete, "")
}

// nearlyUsedUp: the planned end of the longest run begins.
func (s *step) nearlyUsedUp() bool {
	return s.c.RPMReductionLead > 0 && s.Engine >= s.c.MaxEngineRuntime-s.c.RPMReductionLead
}

func (s *step) fireOff() bool { return s.TriggerAge >= s.c.FireOffDelay }

func (s *step) slow(why Cause) {
	s.Cause = why
	if why == ByBudget {
		s.Left = 0 // the engine time ends it
		s.event(protocol.RPMReduced, "max_engine_runtime")
		return
	}
	s.event(protocol.RPMReduced, "fire_off_delay")
}

// pulseOver: the engine has been told to stop for the full duration. A restart that must not be,
// now that it could, is remembered like a trigger that is refused (P10).
func (s *step) pulseOver() {
	s.Hot = s.stillHot()
	s.event(protocol.ShutdownComplete, "")
	if s.mayRestart() {
		return
	}
	if s.Restart == ForTrigger || s.Restart == ForResume {
		s.remember(s.TriggerAge)
	}
	s.Restart = NoRestart
}

// owes: the run that ends here, or an earlier one, has a refill to its debt.
func (s *step) owes() bool { return s.Locked() || s.RunOpen && s.c.refillFor(s.Engine) > 0 }

func (s *step) refilling() {
	s.Why, s.FullFor = "refill owed", 0
	s.event(protocol.RefillContinuing, "", "seconds", s.refillLeft().Seconds())
}

func (s *step) refilled(how protocol.Action) {
	s.event(how, "", "seconds", s.RefillFor.Seconds())
	s.settled()
	s.cooldown()
}

func (s *step) cooldown() {
	s.Why = ""
	s.event(protocol.CooldownEntered, "")
}

// degraded reports lines whose failure does not stop the pump (P12). The others' have rules.
func (s *step) degraded(fresh protocol.Lines) {
	on := s.Outputs()
	if fresh.Has(protocol.PrimingValve) {
		s.event(protocol.PrimingDegraded, "priming valve failed",
			"commanded", on.Has(protocol.PrimingValve))
	}
	if fresh.Has(protocol.RefillValve) {
		s.event(protocol.RefillValveFailed, "", "commanded", on.Has(protocol.RefillValve))
	}
	if fresh.Has(protocol.IgnitionStart) && on.Has(protocol.IgnitionStart) {
		s.event(protocol.IgnitionStartDegraded, "ignition start failed")
	}
}
