package pump

import (
	"fmt"
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// Refuses says why an automatic trigger would be refused now; empty: it would be taken.
func (m Machine) Refuses(c Timing) string {
	s := &step{Machine: m, c: c}
	return s.triggerRefusal()
}

// busy: a run, a refill or anything else that runs down is on.
func (m Machine) busy() bool { return m.Phase != AtRest && m.Phase != InError || m.ValveLeft > 0 }

// face is the machine without what merely runs: a status is due when it changes.
func (m Machine) face() Machine {
	return Machine{Phase: m.Phase, Inputs: m.Inputs, Failed: m.Failed, Lost: m.Lost,
		RunOpen: m.RunOpen, Emergency: m.Emergency, Uncranked: m.Uncranked, Stuck: m.Stuck,
		Restart: m.Restart, Cause: m.Cause, Held: m.Held, Ending: m.Ending,
		Remembered: m.Remembered, Fault: m.Fault, WontStop: m.WontStop, Why: m.Why,
		RefillTotal: m.RefillTotal,
		ValveLeft:   sign(m.ValveLeft)}
}

func sign(d time.Duration) time.Duration { return min(d, 1) }

// System is the machine as system_state (SPEC §4). wall says until when, for people.
func (m Machine) System(c Timing, wall time.Time, simulated bool) protocol.SystemState {
	s := &step{Machine: m, c: c}
	on := m.Outputs()
	st := protocol.SystemState{
		State: m.State(), EngineOn: on.Has(protocol.IgnitionOn),
		MainValve:   on.Has(protocol.MainValve),
		RefillValve: on.Has(protocol.RefillValve), PrimingValve: on.Has(protocol.PrimingValve),
		RPMReduced: on.Has(protocol.RPMReduce), TotalRuntime: m.TotalEngine.Seconds(),
		CurrentRuntime: m.Engine.Seconds(),
		ShuttingDown:   m.Ending || (reducing | pulsing).has(m.Phase),
		RefillComplete: !m.Locked(), ReservoirFull: known(m.Inputs.ReservoirFloat),
		LinePressureOK: known(m.Inputs.LinePressure), StopHeld: m.Held,
		RefillOwed: m.RefillOwed.Seconds(),
		Remembered: m.Remembered, RuntimeLeft: max(0, c.MaxEngineRuntime-m.Engine).Seconds(),
		Why: m.Why, SimulationBoard: simulated, ActiveTimers: []string{}, Alarms: s.alarms(wall),
	}
	if m.Locked() {
		st.LockoutSeconds = s.refillLeft().Seconds()
	}
	s.deadlines(func(name string, in time.Duration) {
		if in <= 0 || name == "checkpoint" {
			return
		}
		if !slices.Contains(st.ActiveTimers, name) {
			st.ActiveTimers = append(st.ActiveTimers, name)
		}
		if st.NextDeadline == 0 || in.Seconds() < st.NextDeadline {
			st.NextDeadline = in.Seconds()
		}
	})
	return st
}

// known is nil where there is no such input; an unreadable one is not fine.
func known(s protocol.Sensor) *bool {
	if !s.Fitted() {
		return nil
	}
	active := s == protocol.Active
	return &active
}

// alarm is one standing signal and when it holds; protocol.AlarmKinds has its severity.
type alarm struct {
	code string
	when func(*step) bool
	text func(s *step, wall time.Time) string
}

func says(text string) func(*step, time.Time) string {
	return func(*step, time.Time) string { return text }
}

func failed(l protocol.Line) func(*step) bool {
	return func(s *step) bool { return s.Failed.Has(l) }
}

// alarms of the pump, the worst first.
var alarms = []alarm{
	{"engine_will_not_stop", func(s *step) bool { return s.WontStop },
		says("the engine feedback says that it runs on after the stop pulse: stop it by hand")},
	{"error", (*step).faulty, func(s *step, _ time.Time) string {
		return s.Fault + ": the pump starts nothing until reset"
	}},
	{"stop_held", func(s *step) bool { return s.Held },
		says("an emergency stop is held: fire starts nothing until reset")},
	{"safe_mode", func(s *step) bool { return s.SafeMode },
		says("safe mode: starts of the program failed in a row; fire starts nothing, but buttons " +
			"and commands work")},
	{"refill_lockout",
		func(s *step) bool { return s.Locked() }, lockoutText},
	{"engine_feedback_stuck", func(s *step) bool { return s.Stuck },
		says("the engine feedback says running, no water moved: not believed in this run")},
	{"engine_unproven",
		func(s *step) bool { return s.Uncranked && (running | reducing).has(s.Phase) },
		says("the engine was found running and not cranked; nothing has proved yet that it pumps")},
	{"engine_runs_unasked",
		func(s *step) bool {
			return s.turnsAtAll() && (quiet | setOf(Refill, Draining)).has(s.Phase)
		},
		says("the engine feedback says running although the pump is off")},
	{"board_lost", func(s *step) bool { return s.Lost },
		says("the board can be neither written nor read")},
	{"main_valve_wrong", func(s *step) bool { return s.WrongFor > 0 },
		says("the main valve does not read as commanded")},
	{"ignition_failed",
		func(s *step) bool { return s.Failed&(starter|ignition|kill) != 0 },
		says("an ignition line does not read as commanded")},
	{"refill_valve_failed", failed(protocol.RefillValve),
		says("the refill valve does not read as commanded; the refill is counted all the same")},
	{"priming_valve_failed", failed(protocol.PrimingValve),
		says("the priming valve does not read as commanded")},
	{"rpm_reduce_failed", failed(protocol.RPMReduce),
		says("the RPM relay does not read as commanded")},
	{"stop_button_unreadable",
		func(s *step) bool { return s.Inputs.StopButton == protocol.Unknown },
		says("the stop button cannot be read: stop with a command, reset is refused")},
	{"trigger_remembered", func(s *step) bool { return s.Remembered },
		says("a fire was reported in the lockout; the pump starts when that ends")},
}

func lockoutText(s *step, wall time.Time) string {
	left := s.refillLeft().Round(time.Second)
	if s.Outputs()&refill == 0 {
		return fmt.Sprintf("the tank is owed %v of refill, which waits; fire starts nothing before",
			left)
	}
	return fmt.Sprintf(
		"the tank is refilled until %s (%v) at the latest; fire starts nothing before",
		wall.Add(left).Format("2006-01-02 15:04:05"), left)
}

func (s *step) alarms(wall time.Time) []protocol.Alarm {
	var all []protocol.Alarm
	for _, a := range alarms {
		if a.when(s) {
			kind, _, _ := protocol.AlarmKindOf(a.code)
			all = append(all, protocol.Alarm{Code: a.code, Severity: kind.Severity, Text: a.text(s, wall)})
		}
	}
	return all
}
