package pump

import "wildfire-watch/protocol"

// rule is one reason for which the pump does something. Rules stand in order: the first that fires
// is applied, then all are asked again from the top.
type rule struct {
	name string // the fact that makes it fire
	why  string // the clause of SPEC §3 that wants it
	from phases
	ask  Ask // it answers this; AskNothing: it answers nothing
	when func(*step) bool
	to   Phase // stay: the phase remains
	keep bool  // the new phase goes on with the time that the old had left
	do   func(*step)
	// latches: it makes ERROR; the next rule to fire enters it.
	latches bool
}

// rules is the whole policy of the pump: danger first, then what people and fire ask for, then the
// sequence. A table: it is as long as the policy.
var rules []rule

func init() {
	for _, part := range [][]rule{bootRules, dangerRules, faultRules, orderRules, triggerRules,
		sequenceRules} {
		rules = append(rules, part...)
	}
}

// bootRules: where a process begins (P15).
var bootRules = []rule{
	{name: "boot: the engine may turn, error latched", why: "P7 P15", from: setOf(AtRest),
		when: func(s *step) bool { return s.boot != nil && s.Hot && s.Fault != "" }, to: ErrorPulse,
		do: (*step).booted},
	{name: "boot: the engine may turn", why: "P15", from: setOf(AtRest),
		when: func(s *step) bool { return s.boot != nil && s.Hot }, to: SafePulse,
		do: (*step).booted},
	{name: "boot: error latched", why: "P7", from: setOf(AtRest),
		when: func(s *step) bool { return s.boot != nil && s.Fault != "" }, to: InError,
		do: (*step).booted},
	{name: "boot", why: "P15", from: setOf(AtRest),
		when: func(s *step) bool { return s.boot != nil }, to: AtRest, do: (*step).booted},
}

// dangerRules: what overrides everything.
var dangerRules = []rule{
	{name: "shutdown again", why: "P14", from: anyPhase, ask: AskEnd,
		when: func(s *step) bool { return s.Ending }, to: stay, do: (*step).endAgain},
	{name: "shutdown, main valve open", why: "P14", from: notFault, ask: AskEnd,
		when: (*step).pulseOpen, to: SafePulse, do: (*step).end},
	{name: "shutdown, main valve shut", why: "P14", from: notFault, ask: AskEnd, to: ShutPulse,
		do: (*step).end},
	{name: "shutdown in error, main valve open", why: "P14 P7", from: inFault, ask: AskEnd,
		when: (*step).pulseOpen, to: ErrorPulse, do: (*step).end},
	{name: "shutdown in error", why: "P14 P7", from: inFault, ask: AskEnd, to: ErrorShutPulse,
		do: (*step).end},

	{name: "stop while the process ends", why: "P6 P14", from: anyPhase,
		when: func(s *step) bool { return s.stopAsked() && s.Ending }, to: stay, do: (*step).stop},
	{name: "stop, main valve open", why: "P6", from: notFault,
		when: func(s *step) bool { return s.stopAsked() && s.pulseOpen() }, to: SafePulse,
		do: (*step).stop},
	{name: "stop, main valve shut", why: "P6", from: notFault, when: (*step).stopAsked,
		to: ShutPulse, do: (*step).stop},
	{name: "stop in error, main valve open", why: "P6 P7", from: inFault,
		when: func(s *step) bool { return s.stopAsked() && s.pulseOpen() }, to: ErrorPulse,
		do: (*step).stop},
	{name: "stop in error", why: "P6 P7", from: inFault, when: (*step).stopAsked,
		to: ErrorShutPulse, do: (*step).stop},

	{name: "fault during a pulse", why: "P7", from: pulsing &^ setOf(ShutPulse),
		when: (*step).faulty, to: ErrorPulse, keep: true, do: (*step).errorEntered},
	{name: "fault during a pulse, main valve shut", why: "P7", from: setOf(ShutPulse),
		when: (*step).faulty, to: ErrorShutPulse, keep: true, do: (*step).errorEntered},
	{name: "fault while the engine may turn", why: "P7", from: notFault,
		when: func(s *step) bool { return s.faulty() && !s.over() && (s.Hot || s.turnsAtAll()) },
		to:   ErrorPulse, do: (*step).errorEntered},
	{name: "fault", why: "P7", from: notFault, when: (*step).faulty, to: InError,
		do: (*step).errorEntered},

	{name: "ignition line failed", why: "P12", from: notFault,
		when: func(s *step) bool { return s.Failed&(starter|ignition|kill) != 0 }, latches: true,
		to: stay, do: (*step).ignitionFailed},
	{name: "main valve not as commanded", why: "P1 P12", from: notFault,
		when:    func(s *step) bool { return s.mainWrong() && s.WrongFor >= s.mainLimit() },
		latches: true, to: stay, do: (*step).valveFailed},
	{name: "stop pulse not taken", why: "P7 P8", from: pulsing, when: (*step).untaken, latches: true,
		to: stay, do: func(s *step) { s.latch("the lines do not take the stop pulse") }},
	{name: "engine time used up", why: "P4", from: powered,
		when: func(s *step) bool { return s.Engine >= s.c.MaxEngineRuntime }, to: StopPulse,
		do: func(s *step) { s.shutdown("max_engine_runtime", NoRestart) }},
	{name: "dry run", why: "P9", from: past,
		when:    func(s *step) bool { return s.guarded() && s.DryFor >= s.c.MaxDryRunTime },
		latches: true, to: stay, do: (*step).ranDry},
	{name: "low pressure", why: "P9", from: past,
		when: func(s *step) bool {
			return s.pressureMissing() && s.PrimedFor >= s.c.PressureCheckDelay &&
				s.LowFor >= s.c.PressureCheckDelay
		}, to: LowPulse, do: (*step).lowPressure},
	{name: "engine feedback stuck", why: "engine feedback", from: running,
		when: func(s *step) bool { return s.unproven() && s.NothingFor >= s.c.PressureCheckDelay },
		to:   StopPulse,
		do:   func(s *step) { s.Stuck = true; s.shutdown("engine_feedback_stuck", ForFeedback) }},
	{name: "engine lost", why: "engine feedback", from: running,
		when: func(s *step) bool { return s.lost() && s.LostFor >= feedbackLost }, to: StopPulse,
		do: func(s *step) { s.shutdown("engine_feedback_lost", ForFeedback) }},
	{name: "engine lost while it is slowed", why: "engine feedback", from: reducing,
		when: func(s *step) bool { return s.lost() && s.LostFor >= feedbackLost }, to: StopPulse,
		do: func(s *step) { s.shutdown("engine_feedback_lost", NoRestart) }},
	{name: "main valve lost while cranking, no crank left", why: "P1 P3", from: setOf(Cranking),
		when:    func(s *step) bool { return !s.mainOpen() && s.Cranks >= s.c.CrankAttempts },
		latches: true, to: stay, do: (*step).startFailed},
	{name: "main valve lost while cranking", why: "P1", from: setOf(Cranking),
		when: func(s *step) bool { return !s.mainOpen() }, to: CrankRest},
	{name: "engine runs", why: "P3", from: setOf(Cranking, Catching), when: (*step).turns,
		to: RunPriming, do: (*step).runs},
}

// faultRules: life in ERROR (P7).
var faultRules = []rule{
	{name: "error pulse over, process ends", why: "P14", from: faultPulse,
		when: func(s *step) bool { return s.timeUp() && s.Ending }, to: InError,
		do: func(s *step) { s.Hot = s.stillHot(); s.ended() }},
	{name: "error pulse over, engine still runs", why: "P7", from: setOf(ErrorPulse),
		when: func(s *step) bool { return s.timeUp() && s.turnsAtAll() }, to: ErrorGap,
		do: (*step).wontStop},
	{name: "error pulse over", why: "P7", from: faultPulse, when: (*step).timeUp, to: InError,
		do: func(s *step) { s.Hot = false }},
	{name: "engine has stopped at last", why: "P7", from: setOf(ErrorGap),
		when: func(s *step) bool { return !s.turnsAtAll() }, to: InError,
		do: func(s *step) { s.Hot, s.WontStop = false, false }},
	{name: "engine still runs", why: "P7", from: setOf(ErrorGap), when: (*step).timeUp,
		to: ErrorPulse},
	{name: "engine runs in error", why: "P7", from: setOf(InError),
		when: func(s *step) bool { return s.turnsAtAll() && !s.Ending }, to: ErrorPulse},
}

// orderRules: what a person orders. Each order is answered by exactly one of them (P11).
var orderRules = []rule{
	{name: "reset refused", why: "P6", from: anyPhase, ask: AskReset,
		when: func(s *step) bool { return s.resetRefusal() != "" }, to: stay,
		do: func(s *step) { s.refuse(AskReset, s.resetRefusal()) }},
	{name: "reset during an error pulse", why: "P6 P7", from: setOf(ErrorPulse), ask: AskReset,
		to: SafePulse, keep: true, do: (*step).reset},
	{name: "reset during an error pulse, main valve shut", why: "P6 P7",
		from: setOf(ErrorShutPulse), ask: AskReset, to: ShutPulse, keep: true, do: (*step).reset},
	{name: "reset while the engine will not stop", why: "P7", from: setOf(ErrorGap), ask: AskReset,
		to: SafePulse, do: (*step).reset},
	{name: "reset in error", why: "P7", from: setOf(InError), ask: AskReset, to: AtRest,
		do: func(s *step) { s.reset(); s.atRest() }},
	{name: "reset", why: "P6", from: anyPhase, ask: AskReset, to: stay, do: (*step).reset},

	{name: "valve_close refused", why: "commands", from: anyPhase, ask: AskValveClose,
		when: func(s *step) bool { return s.closeRefusal() != "" }, to: stay,
		do: func(s *step) { s.refuse(AskValveClose, s.closeRefusal()) }},
	{name: "valve_close after the stop pulse", why: "commands", from: setOf(Draining),
		ask: AskValveClose, to: stay, do: func(s *step) { s.Left = 0; s.closeValve() }},
	{name: "valve_close", why: "commands", from: anyPhase, ask: AskValveClose, to: stay,
		do: (*step).closeValve},
	{name: "valve_open refused", why: "commands", from: anyPhase, ask: AskValveOpen,
		when: func(s *step) bool { return s.openRefusal() != "" }, to: stay,
		do: func(s *step) { s.refuse(AskValveOpen, s.openRefusal()) }},
	{name: "valve_open while the valve is open", why: "commands", from: startingUp | reducing,
		ask: AskValveOpen, to: stay,
		do: func(s *step) { s.answer(AskValveOpen, protocol.EmergencyValveOpen, "") }},
	{name: "valve_open", why: "commands P8", from: anyPhase, ask: AskValveOpen, to: stay,
		do: (*step).openValve},

	{name: "start refused", why: "commands P6 P13", from: anyPhase, ask: AskStart,
		when: func(s *step) bool { return s.startRefusal() != "" }, to: stay,
		do: func(s *step) { s.refuse(AskStart, s.startRefusal()) }},
	{name: "start while it starts or runs", why: "commands", from: startingUp, ask: AskStart,
		to: stay, do: func(s *step) { s.TriggerAge = 0; s.answerStart("extends the run") }},
	{name: "start cancels a reduction, priming", why: "commands P10", from: setOf(SlowPriming),
		ask: AskStart, when: (*step).cancellable, to: RunPriming,
		do: func(s *step) { s.answerStart("cancels the stop"); s.cancel() }},
	{name: "start cancels a reduction", why: "commands P10", from: setOf(Slow), ask: AskStart,
		when: (*step).cancellable, to: Run,
		do: func(s *step) { s.answerStart("cancels the stop"); s.cancel() }},
	{name: "start follows the stop pulse", why: "commands", from: reducing | pulsing, ask: AskStart,
		to: stay, do: (*step).startAfterPulse},
	{name: "start while the refill valve is open", why: "commands P5",
		from: setOf(Draining, Refill), ask: AskStart, to: OpeningFilling,
		do: (*step).emergencyStart},
	{name: "start", why: "commands", from: quiet, ask: AskStart, to: Opening,
		do: (*step).emergencyStart},
}

// triggerRules: what fire asks for. Each trigger is answered by exactly one of them (P11).
var triggerRules = []rule{
	{name: "trigger in error", why: "P7", from: anyPhase, ask: AskTrigger,
		when: func(s *step) bool { return s.triggerRefusal() == refusedFault }, to: stay,
		do: func(s *step) { s.refuseTrigger(protocol.ErrorStateTriggerIgnored, false) }},
	{name: "trigger in the lockout", why: "P5 P10", from: anyPhase, ask: AskTrigger,
		when: func(s *step) bool { return s.triggerRefusal() == refusedLockout }, to: stay,
		do: func(s *step) { s.refuseTrigger(protocol.TriggerBlockedRefilling, true) }},
	{name: "trigger beyond the engine time", why: "P4 P10", from: anyPhase, ask: AskTrigger,
		when: func(s *step) bool { return s.triggerRefusal() == refusedBudget }, to: stay,
		do: func(s *step) { s.refuseTrigger(protocol.TriggerRefused, true) }},
	{name: "trigger refused", why: "P6 P13", from: anyPhase, ask: AskTrigger,
		when: func(s *step) bool { return s.triggerRefusal() != "" }, to: stay,
		do: func(s *step) { s.refuseTrigger(protocol.TriggerRefused, false) }},
	{name: "trigger while it starts or runs", why: "sequence", from: startingUp, ask: AskTrigger,
		to: stay, do: (*step).extend},
	{name: "trigger before a restart", why: "P10", from: reducing | pulsing, ask: AskTrigger,
		when: func(s *step) bool { return s.Restart != NoRestart }, to: stay, do: (*step).extend},
	{name: "trigger cancels a reduction, priming", why: "P10", from: setOf(SlowPriming),
		ask: AskTrigger, to: RunPriming, do: (*step).cancelForTrigger},
	{name: "trigger cancels a reduction", why: "P10", from: setOf(Slow), ask: AskTrigger, to: Run,
		do: (*step).cancelForTrigger},
	{name: "trigger during the stop pulse", why: "P10", from: pulsing, ask: AskTrigger, to: stay,
		do: (*step).triggerAfterPulse},
	{name: "trigger while the refill valve is open", why: "P5 P10", from: setOf(Draining, Refill),
		ask: AskTrigger, to: OpeningFilling, do: (*step).triggerStart},
	{name: "trigger", why: "sequence P10", from: quiet, ask: AskTrigger, to: Opening,
		do: (*step).triggerStart},
}
