package test

import (
	"slices"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// together is how much later triggers are told that are counted together.
const together = time.Second

// hear takes up what the house says of itself.
func (b *book) hear(e protocol.Event) {
	b.happened[e.Action] = true
	text := func(key string) string { s, _ := e.Details[key].(string); return s }
	count := func() int {
		if n, ok := e.Details["count"].(int); ok {
			return n
		}
		return 1
	}
	stale := text("source") == "stale"
	p := b.c.Pump
	switch e.Action {
	case protocol.ControllerStarted:
		if b.safeMode = e.Details["safe_mode"] == true; b.safeMode { // what waited is forgotten
			b.promise, b.remembered, b.unresumed = 0, longAgo, longAgo
		}
	case protocol.PumpSequenceStart:
		b.sequence(e.Reason, text("cause"), stale)
	case protocol.TriggerExtended, protocol.ShutdownCancelled:
		if e.Action == protocol.ShutdownCancelled && e.Reason != "trigger" {
			b.startPending = false
			return // an emergency start's
		}
		b.replies += count()
		b.accepted(stale, together)
		if max(b.heldAt, b.errorAt) >= b.at-together {
			return // stopped since
		}
		if b.fedAt < b.at-together && !b.ending {
			b.promised(b.at)
		}
	case protocol.TriggerRefused, protocol.TriggerBlockedRefilling, protocol.ErrorStateTriggerIgnored:
		b.replies += count()
		b.refused(e)
	case protocol.EmergencyBypassStart:
		b.got["start"]++
		b.noAuto, b.lastFire, b.remembered = false, b.at, longAgo
		b.check(!stale, "P13 an old start is refused", "%s", e.Reason)
		b.check(!b.stopped(0),
			"P6 P7 an emergency start is refused while held or in ERROR", "%s", e.Reason)
		switch e.Reason {
		case "starts the pump":
			b.startPending = true
			b.endRun()
		case "follows the stop pulse":
			b.startPending = true
		}
		if b.afterPulse = e.Reason == "follows the stop pulse"; !b.afterPulse && b.want&feeds == 0 {
			b.promised(b.at)
		}
	case protocol.CommandRefused:
		b.got[text("command")]++
		b.commandRefused(text("command"), e.Reason)
	case protocol.EmergencyStop:
		if text("source") != "stop_button" {
			b.got["stop"]++
		}
		b.held, b.heldAt, b.promise, b.afterPulse, b.startPending = true, b.at, 0, false, false
		b.endRun()
	case protocol.EmergencyReset:
		b.got["reset"]++
		b.check(!b.stopLevel, "P6 a reset is refused while the stop button is active", "")
		b.held, b.latched, b.remembered, b.resetAt = false, false, longAgo, b.at
	case protocol.EmergencyValveOpen:
		b.got["valve_open"]++
		b.manualUntil = b.at + p.ValveCloseDelay
	case protocol.EmergencyValveClose:
		b.got["valve_close"]++
		b.closeAt = b.at
	case protocol.EmergencyButtonPressed:
		b.expected["start"]++
	case protocol.ErrorStateEntered:
		b.latched, b.errorAt, b.promise, b.afterPulse, b.startPending = true, b.at, 0, false, false
		b.endRun()
	case protocol.RefillContinuing, protocol.CooldownEntered:
		b.endRun()
	case protocol.RefillCompleteTimer:
		b.check(b.owed <= b.tolerance(), "P5 a refill takes its time", "%v owed", b.owed)
		b.owed, b.owedHi = 0, 0
	case protocol.RefillCompleteFloatSwitch:
		b.check(b.fullFor >= time.Second-slack,
			"refill: full is full for a second", "%v", b.fullFor)
		b.owed, b.owedHi = 0, 0
	case protocol.RefillFailed:
		b.check(b.owed <= b.tolerance(), "P5 a failed refill has taken its time", "%v owed", b.owed)
		b.check(b.fitted[hardware.ReservoirFloat], "refill: only a float fails a refill", "")
		b.owed, b.owedHi = 0, 0
	}
}

// sequence: the pump says that it starts.
func (b *book) sequence(reason, cause string, stale bool) {
	p := b.c.Pump
	b.startedAt = b.at
	b.check(!b.safeMode || !slices.Contains([]string{"trigger", "remembered", "resumed"}, cause),
		"safe mode: nothing but a person starts the pump", "%s", cause)
	switch cause {
	case "trigger":
		b.replies++
		b.mixed = b.runOpen && b.emergency
		b.accepted(stale, 0)
		b.mayStart()
	case "remembered":
		of := max(b.remembered, b.unresumed)
		if b.at-b.lastTrigger <= together {
			of, b.noAuto = b.lastTrigger, false // its refusal is still to be told
		}
		b.check(b.at-of <= p.FireOffDelay+slack,
			"P10 a remembered trigger is younger than fire_off_delay", "%v", b.at-of)
		b.lastFire, b.remembered, b.unresumed = max(of, b.lastFire), longAgo, longAgo
		b.mayStart()
	case "resumed":
		b.resumed++
		b.check(b.resumed <= 3, "P15 a run is resumed fewer than 3 times", "%d times", b.resumed)
		b.check(!b.emergency || b.mixed, "P15 emergency runs are not resumed", "")
		b.check(b.at-b.lastFire <= p.FireOffDelay+p.IgnitionOff+slack,
			"P15 resumed for a young trigger", "%v", b.at-b.lastFire)
		b.mayStart()
	case "emergency":
		return
	}
	b.check(!b.noAuto,
		"P15 after a power cut only a new trigger starts the pump", "%s %s", reason, cause)
	b.promised(b.at)
}

// mayStart holds an automatic start against the lockout and what is latched.
func (b *book) mayStart() {
	b.check(b.owed <= b.tolerance() || b.startsInLockout(),
		"P5 no start while the lockout holds", "%v owed", b.owed)
	b.check(!b.stopped(0),
		"P6 P7 nothing starts while held or in ERROR", "held %v, error %v", b.held, b.latched)
}

// stopped: a stop has been held, or ERROR latched, for longer than that: deeds of one instant have
// no order.
func (b *book) stopped(late time.Duration) bool {
	return b.held && b.heldAt+late < b.at || b.latched && b.errorAt+late < b.at
}

func (b *book) accepted(stale bool, late time.Duration) {
	b.check(!stale, "P13 an old trigger is refused", "")
	b.check(!b.stopped(late),
		"P6 P7 triggers are refused while held or in ERROR", "held %v, error %v", b.held, b.latched)
	if b.ending {
		b.lastFire = max(b.lastFire, b.lastTrigger)
		return
	}
	if late > 0 && max(b.heldAt, b.errorAt) >= b.at-late {
		return
	}
	b.noAuto, b.lastFire, b.remembered = false, max(b.lastFire, b.at-late, b.lastTrigger), longAgo
}

// refused holds a refusal against its reason: water that is refused needs one.
func (b *book) refused(e protocol.Event) {
	late := b.at - together
	p := b.c.Pump
	if kept, _ := e.Details["remembered"].(bool); kept {
		b.noAuto = false
		if max(b.startedAt, b.resetAt) < late {
			b.remembered, b.rememberBoots = max(late, b.lastTrigger), 0
		} else if max(b.startedAt, b.resetAt) <= b.lastTrigger {
			b.unresumed = b.lastTrigger // nobody knows which came first
		}
	}
	switch e.Reason {
	case "safe_mode":
		b.check(b.safeMode, "a trigger is refused for safe mode only there", "")
	case "stop_held":
		b.check(b.held || b.resetAt >= late, "a trigger is refused as held only if it is", "")
	case "error":
		b.check(b.latched || b.errorAt >= late || b.stateAt >= late,
			"a trigger is refused in ERROR only there", "%v", b.state)
	case "refill_lockout":
		b.check(b.owedHi > 0 || b.owedAt >= late || b.fitted[hardware.ReservoirFloat] || b.stateAt >= late,
			"P5 a trigger is refused in the lockout only", "%v owed at most, %v", b.owedHi, b.state)
		b.check(!b.startsInLockout(), "P5 fire_in_lockout starts", "")
	case "run_budget":
		b.check(b.engineHi >= p.MaxEngineRuntime-max(p.RPMReductionLead, p.IgnitionStart)-slack || !b.runOpen || b.runEnd >= late,
			"P4 a trigger is refused for the budget only if it is used up", "%v", b.engineHi)
	case "stale":
		b.check(e.Details["source"] == "stale",
			"P13 a young trigger is not refused as old", "%v", e.Details)
	case "shutting_down":
		b.check(b.ending, "a trigger is refused at the end only there", "")
	default:
		b.check(false, "P11 a refusal has a reason", "%q", e.Reason)
	}
}

func (b *book) commandRefused(command, reason string) {
	justified := map[string]bool{
		"error": b.latched, "stop_held": b.held, "shutting_down": b.ending, "stale": command == "start",
		"stop_button_active": b.stopLevel || b.input(hardware.StopButton), "stop_button_unreadable": b.failing || !b.reads.ok || b.deaf || b.deafWas || !b.readsWas.ok,
		"engine_not_stopped":     slices.ContainsFunc(b.seen, engaged),
		"valve_close_delay_is_0": b.c.Pump.ValveCloseDelay == 0,
	}
	b.check(justified[reason],
		"a command is refused for a reason that is so", "%s: %s, state %v", command, reason, b.state)
	b.check(command != "stop", "P6 a stop is never refused", "%s", reason)
}

// engaged are the states in which the engine runs, is about to, or has not been stopped for sure.
func engaged(s protocol.State) bool {
	return s != protocol.Idle && s != protocol.Refilling && s != protocol.Cooldown
}
