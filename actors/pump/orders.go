package pump

import (
	"time"

	"wildfire-watch/protocol"
)

// refusedSafe is why a trigger starts nothing in safe mode: a person decides then. It is not
// remembered either; consensus, awake again after safe mode, sees what still burns.
const refusedSafe = "safe_mode"

// resetRefusal says why a reset is refused now; empty: it is taken. It needs a stop button that is
// known to be released (P6).
func (s *step) resetRefusal() string {
	switch {
	case s.Ending:
		return refusedEnding
	case s.Inputs.StopButton == protocol.Active:
		return refusedPressed
	case s.Inputs.StopButton == protocol.Unknown:
		return refusedUnread
	}
	return ""
}

// openRefusal says why valve_open is refused now.
func (s *step) openRefusal() string {
	switch {
	case s.Ending:
		return refusedEnding
	case inFault.has(s.Phase):
		return refusedFault
	case s.Held:
		return refusedHeld
	case s.c.ValveCloseDelay == 0 && !(startingUp | reducing).has(s.Phase):
		return refusedNoTime
	}
	return ""
}

// closeRefusal says why valve_close is refused now: an engine that turns must not pump against a
// shut valve.
func (s *step) closeRefusal() string {
	switch {
	case s.Ending:
		return refusedEnding
	case (startingUp | reducing | pulsing | faultPulse | setOf(ErrorGap)).has(s.Phase):
		return refusedEngine
	}
	return ""
}

// startRefusal says why an emergency start is refused now.
func (s *step) startRefusal() string {
	switch {
	case s.Ending:
		return refusedEnding
	case inFault.has(s.Phase):
		return refusedFault
	case s.Held:
		return refusedHeld
	case s.in.Age > staleAfter:
		return refusedStale
	}
	return ""
}

// triggerRefusal says why an automatic trigger is refused now; empty: it is taken.
func (s *step) triggerRefusal() string {
	if why := s.startRefusal(); why != "" {
		return why
	}
	switch {
	case startingUp.has(s.Phase), s.cancellable(), s.Restart != NoRestart && s.mayRestart():
		return "" // a run that a person has started goes on for a fire, in safe mode too
	case s.SafeMode:
		return refusedSafe
	case s.lockedOut():
		return refusedLockout
	case reducing.has(s.Phase), !s.budgetLeft():
		return refusedBudget
	}
	return ""
}

// lockedOut: the lockout keeps a trigger from starting the pump (P5).
func (s *step) lockedOut() bool {
	return s.Locked() && !(s.c.StartsInLockout() && s.guarded())
}

// budgetLeft: a full crank of the open run leaves engine time to pump with (P4).
func (s *step) budgetLeft() bool {
	return !s.RunOpen || s.c.MaxEngineRuntime-s.Engine > s.c.IgnitionStart
}

// cancellable: the engine is slowed only because no trigger came (P10).
func (s *step) cancellable() bool { return reducing.has(s.Phase) && s.Cause == ByFireOff }

// mayRestart: what waits for the end of the pulse may crank then.
func (s *step) mayRestart() bool {
	switch s.Restart {
	case ForEmergency:
		return true
	case ForFeedback: // the same run goes on: no start that a lockout could forbid
		return s.budgetLeft()
	case ForTrigger, ForResume:
		return s.budgetLeft() && !s.lockedOut()
	}
	return false
}

// mayRemember: nothing is in the way of the remembered trigger any more (P10).
func (s *step) mayRemember() bool {
	return s.Remembered && !s.Held && !s.Ending && !s.lockedOut()
}

func (s *step) answer(ask Ask, a protocol.Action, reason string, details ...any) *Outcome {
	o := s.event(a, reason, details...)
	o.Answers = ask
	return o
}

// refuse answers a command with the reason why not.
func (s *step) refuse(ask Ask, why string) {
	s.answer(ask, protocol.CommandRefused, why, "command", ask.String(), "source", s.in.Source)
}

// reset lets go of what is latched. It cranks nothing and shortens nothing (P6).
func (s *step) reset() {
	s.Held, s.Fault, s.WontStop, s.Remembered, s.RememberedAge = false, "", false, false, 0
	if inFault.has(s.was) {
		s.Why, s.Pulses, s.Stuck, s.WrongFor, s.Waited = "reset", 1, false, 0, 0
	}
	s.answer(AskReset, protocol.EmergencyReset, "", "source", s.in.Source)
	s.out = append(s.out, Outcome{Kind: CooldownOver, Then: s.Machine})
}

// atRest says that nothing goes on, unless the owed refill is about to.
func (s *step) atRest() {
	s.Why = ""
	if s.Held {
		s.Why = "stop held"
	}
	if !s.Locked() || s.Held {
		s.event(protocol.IdleStateEntered, s.Why)
	}
}

func (s *step) openValve() {
	s.ValveLeft = s.c.ValveCloseDelay
	s.answer(AskValveOpen, protocol.EmergencyValveOpen, "", "source", s.in.Source,
		"seconds", s.ValveLeft.Seconds())
}

func (s *step) closeValve() {
	s.ValveLeft = 0
	s.answer(AskValveClose, protocol.EmergencyValveClose, "", "source", s.in.Source)
}

func (s *step) answerStart(effect string) {
	s.answer(AskStart, protocol.EmergencyBypassStart, effect, "source", s.in.Source)
}

// startAfterPulse and triggerAfterPulse have the engine cranked when the pulse is over.
func (s *step) startAfterPulse() {
	s.Restart, s.TriggerAge = ForEmergency, 0
	s.answerStart("follows the stop pulse")
}

func (s *step) triggerAfterPulse() {
	s.Restart = ForTrigger
	s.acceptTrigger("cranked after the stop pulse")
}

// emergencyStart starts a run of its own, whatever is owed.
func (s *step) emergencyStart() {
	s.closeRun()
	s.TriggerAge = 0
	s.begin("emergency", true)
	s.answerStart("starts the pump")
	s.started()
}

func (s *step) triggerStart() {
	s.TriggerAge = 0
	s.begin("trigger", false)
	s.Resumed = 0
	s.acceptTrigger("")
}

func (s *step) rememberedStart() {
	s.TriggerAge = s.RememberedAge
	s.begin("remembered", false)
	s.started()
}

// restart cranks anew after the pulse. Whom it is for was answered when it asked.
func (s *step) restart() {
	s.pulseOver()
	switch s.Restart {
	case ForEmergency:
		s.closeRun()
		s.begin("emergency", true)
		s.started()
	case ForTrigger:
		s.begin("trigger", s.Emergency)
	case ForResume:
		s.begin("resumed", false)
		s.started()
	default:
		s.begin(s.Why, s.Emergency)
		s.started()
	}
}

// begin prepares a start: of a new run, or a further one of the open run.
func (s *step) begin(why string, emergency bool) {
	s.Why, s.Emergency = why, emergency
	s.Restart, s.Cranks, s.Uncranked, s.ValveLeft = NoRestart, 0, false, 0
	s.Remembered, s.RememberedAge = false, 0
	if !s.RunOpen {
		s.Stuck, s.Pulses = false, 0
	}
}

// started says that the sequence begins, where the answer to an order does not say it.
func (s *step) started() { s.event(protocol.PumpSequenceStart, s.Why, "cause", s.Why) }

// acceptTrigger answers a trigger that starts the pump, now or after the pulse.
func (s *step) acceptTrigger(how string) {
	s.TriggerAge, s.save = 0, true
	s.Remembered, s.RememberedAge = false, 0
	s.answer(AskTrigger, protocol.PumpSequenceStart, how, "cause", "trigger", "source", s.in.Source)
	s.tell(true, "")
}

// extend answers a trigger of which nothing new follows but time.
func (s *step) extend() {
	s.save = s.save || s.TriggerAge >= time.Second
	s.TriggerAge = 0
	s.answer(AskTrigger, protocol.TriggerExtended, "", "source", s.in.Source).Shared = true
	s.tell(true, "")
}

func (s *step) cancelForTrigger() {
	s.TriggerAge, s.save = 0, true
	s.answer(AskTrigger, protocol.ShutdownCancelled, "trigger", "source", s.in.Source)
	s.tell(true, "")
}

// cancel is an emergency start that ends a reduction.
func (s *step) cancel() {
	s.TriggerAge, s.save = 0, true
	s.event(protocol.ShutdownCancelled, "emergency start")
}

func (s *step) refuseTrigger(a protocol.Action, remember bool) {
	why := s.triggerRefusal()
	if remember {
		s.remember(0)
	}
	s.answer(AskTrigger, a, why, "source", s.in.Source, "remembered", remember).Shared = true
	s.tell(false, why)
}

// tell answers whoever sent the trigger.
func (s *step) tell(accepted bool, why string) {
	s.out = append(s.out, Outcome{Kind: TriggerAnswered, ID: s.in.ID, Accepted: accepted,
		Reason: why, Then: s.Machine})
}
