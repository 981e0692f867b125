package lives

import (
	"time"

	"wildfire-watch/protocol"
)

// told takes an event.
func (b *Book) told(f Fact) {
	e := f.Event
	switch e.Action {
	case protocol.ControllerStarted:
		boots, _ := e.Details["boots"].(float64)
		b.announced(uint64(boots), e.Reason)
		return
	case protocol.BootRecovered:
		b.recovered(*e)
		return
	case protocol.MQTTConnected, protocol.MQTTDisconnected, protocol.HealthReport, protocol.GPIORetry,
		protocol.GPIOFailureFinal, protocol.HardwareValidationFailure, protocol.SimulationModeWarning,
		protocol.AlarmRaised, protocol.AlarmCleared, protocol.AlarmAcknowledged:
		return // others say this: what they add of the pump is its last status, up to a second old
	case protocol.EmergencyStop:
		b.answered("stop")
		b.closeRun()
		b.held.set(true, f.Heard)
	case protocol.EmergencyReset:
		b.answered("reset")
		b.held.set(false, f.Heard)
		b.fault.set(false, f.Heard)
	case protocol.EmergencyBypassStart:
		b.answered("start")
		if e.Reason == "starts the pump" {
			b.closeRun()
			b.begun("emergency", f.At)
		} else {
			b.by.mixed = true
		}
	case protocol.CommandRefused:
		if what, ok := e.Details["command"].(string); ok {
			b.answered(what)
		}
	case protocol.ErrorStateEntered:
		b.closeRun()
		b.fault.set(true, f.Heard)
	case protocol.PumpSequenceStart:
		b.sequence(e.Reason, f.At)
	case protocol.RefillContinuing, protocol.CooldownEntered:
		b.closeRun()
	}
	b.waits(f)
	if _, gathered := e.Details["count"]; !gathered {
		b.State = e.System.State
		b.pin(e.System)
	}
}

// waits follows a trigger that was taken until something comes of it.
func (b *Book) waits(f Fact) {
	switch f.Event.Action {
	case protocol.PumpSequenceStart:
		b.unbegun.set(f.Event.Reason == "" && !b.run.is, f.Heard)
	case protocol.EmergencyStop, protocol.EmergencyReset, protocol.ErrorStateEntered, protocol.EmergencyBypassStart:
		b.unbegun.set(false, f.Heard)
	}
}

// sequence: a start that something else than an order's answer tells of.
func (b *Book) sequence(reason string, at time.Duration) {
	switch reason {
	case "emergency":
		b.closeRun()
		b.begun("emergency", at)
	case "":
		b.begun("trigger", at)
	case "resumed":
	default: // remembered, or after a pulse: the run may go on
		b.by.mixed = true
	}
}

func (b *Book) begun(cause string, at time.Duration) {
	if !b.run.is {
		b.by, b.resumes = starter{}, 0
	} else if b.by.cause != cause {
		b.by.mixed = true
	}
	b.by.cause, b.by.at = cause, at
}

func (b *Book) answered(what string) {
	if b.asked[what] > 0 {
		b.asked[what]--
	}
}

// announced: which start this is, and how the last one ended.
func (b *Book) announced(boots uint64, lastStop string) {
	if b.spoke {
		if boots != b.boots {
			b.wrong("P15: it is start %d, and was %d", boots, b.boots)
		}
		return
	}
	b.spoke = true
	if boots < b.boots+1 || boots > b.boots+1+b.silent {
		b.wrong("P15: it is start %d of the device, the last one announced was %d and %d were silent", boots, b.boots, b.silent)
	}
	want := ""
	if b.first != nil {
		want = b.first.lastStop
	}
	if want != "?" && lastStop != want {
		b.wrong("P15: the last stop is told as %q, it was %q", lastStop, want)
	}
	b.boots, b.silent = boots, 0
}

// recovered is what a process says it found.
func (b *Book) recovered(e Event) {
	problem, _ := e.Details["problem"].(string)
	if e.Reason == "journal unreadable" || problem != "" {
		b.wrong("journal: %s, %s", e.Reason, problem)
	}
	h := b.pending
	if h == nil {
		return
	}
	open := h.run
	if open == yes && e.Reason != "open run" || open == no && e.Reason == "open run" {
		b.wrong("P15: it found %q, a run was open: %v", e.Reason, open)
	}
	if open == no && (h.pulse == yes && e.Reason != "open stop pulse" || h.pulse == no && e.Reason == "open stop pulse") {
		b.wrong("P15: it found %q, a stop pulse was open: %v", e.Reason, h.pulse)
	}
	if b.unforgotten(h) && e.Reason != "trigger remembered" {
		b.wrong("P10: it found %q, a trigger had been taken and nothing cranked for it", e.Reason)
	}
	if h.reboot && e.System.Remembered {
		b.wrong("P15: a trigger is remembered over a power cut")
	}
	resumes, _ := e.Details["resumes"].(bool)
	b.resumed(h, resumes)
	b.State = e.System.State
	b.judge(h, e.System, e.Reason == "open run")
}

// unforgotten: a trigger that was taken must be remembered (P10), nothing else is to be told of.
func (b *Book) unforgotten(h *heir) bool {
	return h.unbegun == yes && !h.reboot && h.run == no && h.pulse == no && h.held == no && h.fault == no &&
		h.debt.hi == 0 && h.resumes == 0
}

// resumed: the run goes on by itself when P15 says so.
func (b *Book) resumed(h *heir, resumes bool) {
	age := b.born - h.by.at
	must := h.run == yes && h.held == no && h.fault == no && !h.reboot && h.by.cause == "trigger" && !h.by.mixed &&
		h.resumes < mostResumes && age < youngFire
	not := h.reboot || h.run == no || h.held == yes || h.fault == yes || h.by.cause == "emergency" && !h.by.mixed
	if must && !resumes {
		b.wrong("P15: the run does not go on, it was resumed %d times and its trigger is %v old", h.resumes, age)
	}
	if not && resumes {
		b.wrong("P15: the run goes on though it must not: %+v", *h)
	}
}

// judge holds what a fresh process says of itself against what it must.
func (b *Book) judge(h *heir, s protocol.SystemState, open bool) {
	b.pending = nil
	b.Heirs++
	b.latches(h, s)
	tolerance := slack + b.Lag
	upper := func(most span) time.Duration {
		if h.charged && h.run != no {
			return most.hi + engineInterval + tolerance
		}
		return most.hi + tolerance
	}
	e, t, o := exactly(s.CurrentRuntime), exactly(s.TotalRuntime), exactly(s.RefillOwed)
	m := b.Terms.Multiplier
	if t.lo < h.total.lo-tolerance || t.lo > upper(h.total) {
		b.wrong("P5: total engine time %v, it was %v", t.lo, h.total)
	}
	if open && h.run == yes && (e.lo < h.engine.lo-tolerance || e.lo > upper(h.engine)) {
		b.wrong("P5: engine time of the open run %v, it was %v", e.lo, h.engine)
	}
	give := time.Duration(float64(tolerance) * (1 + m))
	debt := o.lo + time.Duration(float64(e.lo)*m)
	most := h.debt.hi + min(refillInterval, h.refilled) + give
	if h.charged && h.run != no {
		most += time.Duration(float64(engineInterval) * m)
	}
	if debt < h.debt.lo-give || debt > most {
		b.wrong("P5: %v of refill are owed, open run counted, it must be %v to %v", debt, h.debt.lo, most)
	}
	if (s.LockoutSeconds > 0) != (s.RefillOwed > 0) {
		b.wrong("P5: %v s of refill owed and a lockout of %v s", s.RefillOwed, s.LockoutSeconds)
	}
	b.adopt(h, s)
}

// latches: stop and ERROR are held over everything (P6, P7).
func (b *Book) latches(h *heir, s protocol.SystemState) {
	inError := s.State == protocol.Error
	if h.held == yes && !s.StopHeld || h.held == no && s.StopHeld {
		b.wrong("P6: a stop is held: %v, it was: %v", s.StopHeld, h.held)
	}
	if h.fault == yes && !inError || h.fault == no && inError {
		b.wrong("P7: the state is %v, ERROR was latched: %v", s.State, h.fault)
	}
}

// adopt goes on with what the process says: from here on that is promised.
func (b *Book) adopt(h *heir, s protocol.SystemState) {
	b.run = since{is: s.CurrentRuntime > 0}
	b.held, b.fault = since{is: s.StopHeld}, since{is: s.State == protocol.Error}
	b.engine, b.total, b.owed = exactly(s.CurrentRuntime), exactly(s.TotalRuntime), exactly(s.RefillOwed)
	b.cranked, b.refilled = false, 0
	if b.resumes = h.resumes + 1; !b.run.is {
		b.by, b.resumes = starter{}, 0
	}
}

// pageAge is how old the page may be.
const pageAge = 1100 * time.Millisecond

// shown takes the page. What it says of time is old; boot_recovered is exact, and comes whenever
// there is anything to recover.
func (b *Book) shown(p Page) {
	b.announced(p.Boots, p.LastStop)
	h := b.pending
	if h == nil {
		return
	}
	if b.asked["stop"]+b.asked["reset"] > 0 || p.State == protocol.Error && b.stage != dark {
		return // it may be of this life, not of the one before
	}
	b.latches(h, p.SystemState)
	if h.run != no || h.pulse != no || h.held != no || h.fault != no || b.run.is {
		return
	}
	if b.unforgotten(h) && p.State == protocol.Idle && !p.Remembered {
		b.wrong("P10: a trigger had been taken and nothing cranked for it, and the pump rests")
	}
	b.judge(h, p.SystemState, p.CurrentRuntime > 0)
	b.owed.lo = max(0, b.owed.lo-pageAge)
	b.total.hi += pageAge
	b.run, b.engine = since{}, span{}
}

// pin holds the accounts of a living process against the lines, and takes them over.
func (b *Book) pin(s protocol.SystemState) {
	if b.pending != nil {
		return
	}
	e, t, o := exactly(s.CurrentRuntime), exactly(s.TotalRuntime), exactly(s.RefillOwed)
	if t.lo < b.total.lo-slack || t.lo > b.total.hi+slack {
		b.wrong("P5: total engine time is told as %v, by the lines it is %v", t.lo, b.total)
	}
	m := b.Terms.Multiplier
	told, seen := o.plus(e.times(m)), b.owed.plus(b.engine.times(m))
	give := time.Duration(float64(slack) * (1 + m))
	if told.lo < seen.lo-give || told.lo > seen.hi+give {
		b.wrong("P5: refill owed is told as %v, by the lines it is %v", told.lo, seen)
	}
	b.total = t
	if (s.CurrentRuntime > 0) == b.run.is {
		b.engine, b.owed = e, o
	}
}
