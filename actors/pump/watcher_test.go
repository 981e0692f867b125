package pump

import (
	"time"

	"wildfire-watch/protocol"
)

// watcher keeps its own books on what an onlooker sees: outputs, public states, events. It judges
// every step by the invariants of SPEC §3 and knows neither phases nor rules.
type watcher struct {
	on        protocol.Lines
	state     protocol.State
	verified  bool          // the last report showed the main valve open, under the command of now
	sighted   bool          // it has done so since the valve was commanded open
	unsure    time.Duration // the main valve is commanded open and not shown so
	crank     time.Duration // ignition start high on end
	open      bool          // a run
	run       time.Duration // engine time of the run
	hot       bool          // powered since the last full pulse
	taken     bool          // a report has shown the lines with the stop pulse that is commanded
	lost      bool          // the last report knew nothing of the lines
	pulse     time.Duration // ignition off high on end, as the lines saw it
	waited    time.Duration // the process ends, and the lines have not seen its pulse for this long
	must      time.Duration // ignition off must stay high on the lines for this long
	mustValve bool          // and the main valve open with it
	valve     time.Duration // what valve_open still allows
	dry, low  time.Duration
	past      time.Duration // engine on, priming valve shut
	locked    bool
	owed      time.Duration
	held      bool
	ending    bool
	ended     bool
}

const engineLines = starter | ignition

// judge collects what is wrong.
type judge []string

func (j *judge) must(ok bool, clause string) {
	if !ok {
		*j = append(*j, clause)
	}
}

// after is the watcher after a step, and what was wrong in it.
func (w watcher) after(c Timing, old, m Machine, in Input, pass time.Duration, out []Outcome) (watcher, []string) {
	var j judge
	w.passed(c, old, pass)
	before := w
	w.on, w.state = m.Outputs(), m.State()
	// A valve whose time by hand runs out in the step that opens it again was commanded anew.
	// So was one that a step shuts and opens again: the run ended, the next began.
	again := old.ValveLeft > 0 && old.ValveLeft <= pass && rows[old.Phase].on&mainValve == 0
	for _, o := range out {
		again = again || (old.ValveLeft <= pass || in.Ask == AskValveClose) && o.Kind == EventOccurred && (o.Action == protocol.RefillContinuing ||
			o.Action == protocol.CooldownEntered || o.Action == protocol.IdleStateEntered)
	}
	if (before.on^w.on)&mainValve != 0 || again {
		w.verified, w.sighted, w.unsure = false, false, 0
	}
	if in.Lines != nil && before.on&w.on&mainValve != 0 {
		w.verified = in.Lines.Verified&mainValve != 0 && !in.Lines.Lost
	} else if in.Lines != nil && before.on&mainValve == 0 {
		w.verified = false
	}
	if w.verified {
		w.sighted, w.unsure = true, 0
	}
	w.reported(before, in, again)
	w.outcomes(c, &j, before, in, out)
	w.changes(c, before)
	if w.owed == 0 && !m.Inputs.ReservoirFloat.Fitted() && w.state != protocol.Refilling {
		w.locked = false
	}
	w.judge(c, &j, before, m, in, out)
	return w, j
}

// reported follows what the lines have seen of the stop pulse. A command is not on them before a report
// says so, least of all in the step that gives it; with the main valve it counts from the valve's.
func (w *watcher) reported(before watcher, in Input, again bool) {
	if in.Lines != nil {
		w.lost = in.Lines.Lost
		w.taken = before.on&kill != 0 && !in.Lines.Unsent
	}
	if raised := w.on &^ before.on; w.on&kill == 0 || raised&kill != 0 {
		w.taken, w.pulse, w.waited = false, 0, 0
	} else if raised&mainValve != 0 || again && w.on&mainValve != 0 {
		w.taken = false
	}
}

// passed lets time pass under the outputs and inputs of before.
func (w *watcher) passed(c Timing, old Machine, pass time.Duration) {
	on := w.on
	count := func(d *time.Duration, holds bool, most time.Duration) {
		if holds {
			*d = min(*d+pass, most)
		} else {
			*d = 0
		}
	}
	count(&w.crank, on&starter != 0, c.IgnitionStart)
	blind := on&kill != 0 && !w.taken // nobody knows whether the pulse is on the lines
	seen, unseen := pass, time.Duration(0)
	if blind {
		seen = 0
	}
	if blind && w.ending { // the end of the process does not wait for ever (P14)
		wait := min(pass, c.EndWait-w.waited)
		w.waited += wait
		unseen = pass - wait
	}
	if w.pulse = min(w.pulse+seen, c.IgnitionOff); on&kill == 0 {
		w.pulse = 0
	}
	if on&engineLines != 0 {
		w.run += pass
	}
	w.must = max(0, w.must-seen-unseen)
	w.valve = max(0, w.valve-pass)
	if on&mainValve != 0 && !w.verified && (!blind || w.lost || w.ending && unseen > 0) {
		w.unsure = min(w.unsure+pass, max(c.VerifyTimeout, c.VerifyGrace))
	}
	if on&refill != 0 && w.locked {
		w.owed = max(0, w.owed-pass)
	}
	pumping := on&ignition != 0 && on&primer == 0
	flow, pressure := old.Inputs.Flow, old.Inputs.LinePressure
	water := flow == protocol.Active || !flow.Fitted() && pressure == protocol.Active
	guard := flow.Fitted() || pressure.Fitted()
	if pumping && guard && !water {
		w.dry = min(w.dry+pass, c.MaxDryRunTime)
	} else if !pumping || water {
		w.dry = 0
	}
	beyond := min(pass, max(0, w.past+pass-c.PressureCheckDelay))
	count(&w.past, pumping, c.PressureCheckDelay)
	if pumping && pressure.Fitted() && pressure != protocol.Active {
		w.low = min(w.low+beyond, c.PressureCheckDelay)
	} else {
		w.low = 0
	}
}

// outcomes reads the events: what was accepted, what was refused.
func (w *watcher) outcomes(c Timing, j *judge, before watcher, in Input, out []Outcome) {
	answers, told, accepted := 0, 0, false
	for _, o := range out {
		if o.Kind == TriggerAnswered {
			told++
			accepted = o.Accepted
			j.must(o.ID == in.ID, "P11: an answer has the id of its trigger")
			j.must(o.Accepted == (o.Reason == ""), "P11: a refusal has a reason, an acceptance none")
		}
		if o.Kind == Ended {
			w.ended = true
		}
		if o.Kind != EventOccurred {
			continue
		}
		if o.Answers == in.Ask && in.Ask != AskNothing {
			answers++
		}
		w.event(c, j, before, in, o)
	}
	if in.Ask != AskNothing && !(in.Ask == AskEnd && before.ending) {
		j.must(answers == 1, "P11: every order and trigger has exactly one outcome event")
	}
	if in.Ask == AskTrigger {
		j.must(told == 1, "P11: consensus is told once of every trigger")
	}
	if in.Ask == AskTrigger && (before.held || before.state == protocol.Error || in.Age > staleAfter || before.ending) {
		j.must(!accepted, "P6 P7 P13: a held stop, ERROR, age and the end of the process refuse triggers")
	}
}

func (w *watcher) event(c Timing, j *judge, before watcher, in Input, o Outcome) {
	switch o.Action {
	case protocol.EmergencyStop:
		w.held = true
		w.close(c)
		if !before.ending {
			w.must, w.mustValve = c.IgnitionOff, before.on&mainValve != 0
		}
	case protocol.ControllerShutdown:
		w.ending = true
		w.must, w.mustValve, w.waited = c.IgnitionOff, before.on&mainValve != 0, 0
	case protocol.EmergencyReset:
		j.must(in.Ask == AskReset, "P6: only a reset resets")
		j.must(o.Then.Inputs.StopButton == protocol.NotFitted || o.Then.Inputs.StopButton == protocol.Inactive,
			"P6: a reset is refused while the stop button is active")
		w.held = false
		if before.state == protocol.Error {
			w.unsure = 0 // the valve gets its time anew
		}
	case protocol.EmergencyValveOpen:
		j.must(!before.held && before.state != protocol.Error, "commands: valve_open is refused in ERROR and while held")
		w.valve = c.ValveCloseDelay
	case protocol.EmergencyValveClose:
		w.valve = 0
		j.must(before.must == 0 && before.on&(engineLines|kill|primer) == 0,
			"commands: valve_close is refused from PRIMING until the stop pulse has ended")
	case protocol.EmergencyBypassStart:
		j.must(!before.held && before.state != protocol.Error && in.Age <= staleAfter,
			"commands: an emergency start is refused in ERROR, while held and when stale")
	case protocol.PumpSequenceStart:
		w.sequence(c, j, before, o)
	case protocol.RefillContinuing, protocol.CooldownEntered, protocol.ErrorStateEntered:
		w.close(c)
	case protocol.RefillCompleteTimer:
		j.must(w.owed == 0, "P5: the timer ends a refill when nothing is owed any more")
		j.must(!o.Then.Inputs.ReservoirFloat.Fitted(), "refill: the timer ends a refill only without a float")
		w.locked = false
	case protocol.RefillCompleteFloatSwitch:
		j.must(o.Then.Inputs.ReservoirFloat == protocol.Active, "refill: the float says full")
		w.locked, w.owed = false, 0
	case protocol.RefillFailed:
		j.must(w.owed == 0 && o.Then.Inputs.ReservoirFloat.Fitted(), "refill: a float prolongs, then it fails")
		w.locked, w.owed = false, 0
	}
}

// sequence judges a start (P5).
func (w *watcher) sequence(c Timing, j *judge, before watcher, o Outcome) {
	cause := o.Details["cause"]
	j.must(!w.held && !w.ending, "P6: nothing starts while a stop is held")
	switch cause {
	case "emergency":
		w.close(c) // a run of its own
	case "trigger", "remembered", "resumed":
		j.must(!o.Then.SafeMode, "safe mode: nothing but a person starts the pump")
		override := c.FireInLockout == "start" && (o.Then.Inputs.Flow.Fitted() || o.Then.Inputs.LinePressure.Fitted())
		j.must(!w.locked || override, "P5: no start by fire while the lockout holds")
	}
}

// close ends the run: what it took is owed, and the lockout holds.
func (w *watcher) close(c Timing) {
	if !w.open {
		return
	}
	w.open = false
	if owed := w.owed + c.refillFor(w.run); owed > 0 {
		w.owed, w.locked = owed, true
	}
	w.run = 0
}

// changes follows the public state: runs begin and end, pulses become due.
func (w *watcher) changes(c Timing, before watcher) {
	if w.on&engineLines != 0 {
		if !w.open {
			w.open, w.run = true, 0
		}
		w.hot = true
	}
	stopping := w.state == protocol.Stopping || w.state == protocol.LowPressure || w.state == protocol.Error
	wasOn := before.state == protocol.Starting || before.state == protocol.Running || before.state == protocol.ReducingRPM
	if stopping && wasOn && w.hot && w.must == 0 {
		w.must, w.mustValve = c.IgnitionOff, true
	}
	if before.pulse >= c.IgnitionOff {
		w.hot = false
	}
	if w.on&engineLines != 0 {
		w.hot = true
	}
}

// judge holds the outputs against the invariants.
func (w *watcher) judge(c Timing, j *judge, before watcher, m Machine, in Input, out []Outcome) {
	on := w.on
	j.must(on&starter == 0 || on&mainValve != 0 && w.verified, "P1: cranked only while the main valve is verified open")
	limit := c.VerifyTimeout
	if w.sighted {
		limit = c.VerifyGrace
	}
	if on&mainValve != 0 && !w.verified && w.unsure >= limit {
		j.must(w.state == protocol.Error, "P1: a main valve not verified in time is an ERROR")
	}
	j.must(on&kill == 0 || on&engineLines == 0, "P2: ignition off never together with start or on")
	j.must(w.crank < c.IgnitionStart || on&starter == 0, "P3: one crank never outlasts ignition_start_duration")
	j.must(on&starter == 0 || on&ignition == 0, "sequence: ignition start alone is high during a crank")
	j.must(on&starter == 0 || m.Inputs.EngineRunning != protocol.Active || m.Stuck, "P3: a running engine is never cranked")
	j.must(on&engineLines == 0 || w.run < c.MaxEngineRuntime, "P4: engine time of a run never exceeds max_engine_runtime")
	w.judgeStop(c, j, before, m, in)
	w.judgeRest(c, j, before, m, in)
	w.judgeWater(c, j, m)
	for _, o := range out {
		if o.Kind == CheckpointDue {
			j.must(o.Then.Held == w.held && (o.Then.Fault != "") == (w.state == protocol.Error),
				"P5 P6 P7: a checkpoint knows of a held stop and of ERROR")
		}
	}
	j.must(m.Held == w.held, "P6: a stop is held until reset")
	j.must(w.owed == m.RefillOwed && w.locked == m.Locked(), "P5: what is owed is engine time x multiplier, less refill")
	j.must(!w.open || m.RunOpen, "P4: a run is known as open while it is")
	j.must(!w.open || w.run <= m.Engine || m.Engine >= c.MaxEngineRuntime, "P4: no engine time is lost")
	if f := m.Failed & (engineLines | kill); f != 0 {
		j.must(w.state == protocol.Error || w.state == protocol.Idle && false, "P12: ignition that stays failed is an ERROR")
	}
}

// judgeStop: P6, P7, P14 and the stop pulse.
func (w *watcher) judgeStop(c Timing, j *judge, before watcher, m Machine, in Input) {
	on := w.on
	if w.must > 0 {
		j.must(on&kill != 0, "P6 P7: a stop pulse has its full duration")
		j.must(!w.mustValve || on&mainValve != 0, "P6 P7: the main valve closes only after the stop pulse")
		j.must(on&engineLines == 0, "P6: nothing of the ignition is on during a stop pulse")
	}
	if w.held || w.ending {
		j.must(on&(engineLines|primer|refill|slowed) == 0, "P6: a held stop keeps engine, refill and priming off")
	}
	if in.Ask == AskStop && !before.ending {
		j.must(on&kill != 0 && w.must == c.IgnitionOff, "P6: a stop pulses ignition off in the same step, from any state")
		if before.state == protocol.Error {
			j.must(w.state == protocol.Error, "P6: a stop in ERROR stays in ERROR")
		} else if m.Fault == "" {
			j.must(w.state == protocol.Stopping, "P6: a stop leads to STOPPING")
		}
	}
	if before.on&kill != 0 && on&kill == 0 && before.pulse < c.IgnitionOff {
		j.must(before.ending && before.waited >= c.EndWait, "P6 P15: the lines see a stop pulse for its full duration")
		j.must(!before.hot || m.Hot, "P14 P15: a pulse that the lines did not see in full is owed")
	}
	if w.hot && before.hot && on&(engineLines|kill) == 0 && before.state != protocol.Error {
		j.must(w.state == protocol.Starting || w.state == protocol.Priming || before.pulse >= c.IgnitionOff || w.ending,
			"sequence: an engine that was powered is stopped by a full pulse")
	}
	if in.Ask == AskReset {
		j.must(on&engineLines == before.on&engineLines, "P6: a reset cranks nothing")
	}
	if w.ended {
		j.must(on == 0, "P14: after the end all is off")
	}
}

// judgeRest: P7 and P8.
func (w *watcher) judgeRest(c Timing, j *judge, before watcher, m Machine, in Input) {
	on := w.on
	if w.state == protocol.Error {
		j.must(on&^(mainValve|kill) == 0, "P7: in ERROR nothing is on but a pulse and its valve")
		if on&mainValve != 0 {
			j.must(on&kill != 0 || m.Inputs.EngineRunning == protocol.Active,
				"P7: in ERROR the main valve is open only for the pulse or a running engine")
		}
		if m.Inputs.EngineRunning == protocol.Active && !m.Ending {
			j.must(on&(kill|mainValve) != 0, "P7: while the engine runs in ERROR it is pulsed")
		}
	}
	if before.state == protocol.Error && w.state != protocol.Error {
		j.must(in.Ask == AskReset, "P7: only reset leaves ERROR")
	}
	if w.state == protocol.Idle {
		j.must(on&^mainValve == 0, "P8: in IDLE everything is off")
		j.must(on == 0 || w.valve > 0, "P8: in IDLE the main valve is open only for valve_close_delay after valve_open")
	}
	if w.state == protocol.Cooldown {
		j.must(on&^mainValve == 0 && (on == 0 || w.valve > 0), "COOLDOWN: all off")
	}
	if w.state != protocol.Idle && w.state != protocol.Error {
		j.must(!recomputed(c, m).IsZero(), "P8: every state but IDLE and ERROR has a deadline")
	}
	if in.Age > staleAfter && (in.Ask == AskTrigger || in.Ask == AskStart) {
		j.must(on == before.on, "P13: a stale trigger or start changes nothing")
	}
}

// judgeWater: P9.
func (w *watcher) judgeWater(c Timing, j *judge, m Machine) {
	guard := m.Inputs.Flow.Fitted() || m.Inputs.LinePressure.Fitted()
	pumping := w.on&ignition != 0 && w.on&primer == 0
	water := m.Inputs.Flow == protocol.Active || !m.Inputs.Flow.Fitted() && m.Inputs.LinePressure == protocol.Active
	if guard && pumping && !water {
		j.must(w.dry < c.MaxDryRunTime, "P9: a dry run of max_dry_run_time is an ERROR")
	}
	if pumping && m.Inputs.LinePressure.Fitted() && m.Inputs.LinePressure != protocol.Active && w.past >= c.PressureCheckDelay {
		j.must(w.low < c.PressureCheckDelay, "P9: pressure absent for pressure_check_delay stops the engine")
	}
}

// reborn is the watcher when the process comes back: kind 1 in the same kernel boot, 2 in another,
// 3 with an unreadable journal.
func (w watcher) reborn(c Timing, old, m Machine, kind int, out []Outcome) (watcher, []string) {
	var j judge
	n := watcher{on: m.Outputs(), state: m.State(), held: w.held, locked: w.locked, owed: w.owed,
		open: m.RunOpen, run: m.Engine, hot: m.Hot}
	pulsing := w.on&kill != 0 && w.must > 0 || w.ended && w.hot
	if kind == 3 {
		n.held, n.locked, n.owed = false, false, 0
		j.must(m.State() == protocol.Stopping && m.RunOpen, "P15: an unreadable journal is an open run")
	} else {
		j.must(m.Held == w.held, "P6: a held stop survives")
		j.must((m.Fault != "") == (w.state == protocol.Error), "P7: ERROR survives")

		charge := engineInterval
		if old.Charged {
			charge = 0
		}
		j.must(!w.open || m.RunOpen && m.Engine == old.Engine+charge,
			"P5: an open run counts to its last checkpoint plus one interval")
		j.must(!old.Charged || w.on&engineLines == 0, "P5: an engine that has run is charged again")
		j.must(kind == 1 || m.Restart == NoRestart && !m.Remembered, "P15: after a reboot only a new trigger starts")
		if m.Restart != NoRestart {
			j.must(!old.Emergency && !w.held && old.TriggerAge < c.FireOffDelay,
				"P15: resumed only for a young trigger, never for a person's run or a held stop")
		}
	}
	if w.open || pulsing || kind == 3 {
		j.must(n.on == mainValve|kill, "P15: an open run or pulse means a stop pulse with the main valve open")
		n.must, n.mustValve = c.IgnitionOff, true
	}
	for _, o := range out {
		if o.Kind == EventOccurred {
			n.event(c, &j, n, Input{}, o) // a refill may end at once
		}
	}
	j.must(n.locked == m.Locked(), "P5: the lockout survives")
	j.must(n.on&engineLines == 0, "P15: nothing cranks at boot")
	return n, j
}
