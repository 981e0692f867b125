package stage

import (
	"time"

	"wildfire-watch/protocol"
)

// Scene is one step of the fire.
type Scene struct {
	Name  string // of its screenshot
	State protocol.State
	Lasts time.Duration // when it is watched and not tested
	play  func(s *Stage, o *protocol.Overview)
}

// Fire is a fire from first detection to IDLE, in order.
var Fire = []Scene{
	{"ready", protocol.Idle, 5 * time.Second, func(*Stage, *protocol.Overview) {}},
	{"first-detection", protocol.Idle, 6 * time.Second, func(_ *Stage, o *protocol.Overview) {
		sees(o, 0, false)
	}},
	{"one-agrees", protocol.Idle, 6 * time.Second, func(_ *Stage, o *protocol.Overview) {
		sees(o, 0, true)
		sees(o, 1, false)
	}},
	{"trigger", protocol.Priming, 3 * time.Second, func(s *Stage, o *protocol.Overview) {
		sees(o, 1, true)
		now := unix(time.Now())
		o.Consensus.Since, o.Consensus.Last, o.Consensus.Cooldown = now, now, now+300
		o.Consensus.Triggers, o.Consensus.Accepted = 1, 1
		o.Alarms = []protocol.Standing{{Code: "fire", Severity: protocol.SeverityAlarm, Title: "Fire",
			Text: "2 cameras see a growing fire: North ridge, Tower", Do: "Leave if you are in danger, call the fire brigade. The pump starts by itself.",
			Clears: "when no camera agrees any more", Active: true, First: true, Since: now}}
		enter(o, protocol.Priming, 2, protocol.MainValve, protocol.PrimingValve, protocol.RefillValve)
		s.record(protocol.PumpSequenceStart, "", map[string]any{"cause": "trigger", "source": "consensus", "cameras": []string{"cam_001", "cam_002"}})
		s.record(protocol.PrimingStarted, "", nil)
	}},
	{"starting", protocol.Starting, 5 * time.Second, func(s *Stage, o *protocol.Overview) {
		enter(o, protocol.Starting, 5, protocol.MainValve, protocol.PrimingValve, protocol.RefillValve, protocol.IgnitionStart)
		s.record(protocol.EngineStartSequence, "", nil)
	}},
	{"running", protocol.Running, 15 * time.Second, func(s *Stage, o *protocol.Overview) {
		enter(o, protocol.Running, 180, protocol.MainValve, protocol.PrimingValve, protocol.RefillValve, protocol.IgnitionOn)
		o.Lines.Inputs["flow"], o.Lines.Inputs["line_pressure"], o.Lines.Inputs["engine_running"] = "active", "active", "active"
		o.Pump.ReservoirFull, o.Pump.LinePressureOK = known(false), known(true)
		o.Lines.Inputs["reservoir_float"] = "inactive"
		s.record(protocol.EngineRunning, "", nil)
		s.record(protocol.TriggerExtended, "", map[string]any{"source": "consensus", "count": 3})
	}},
	{"reducing", protocol.ReducingRPM, 5 * time.Second, func(s *Stage, o *protocol.Overview) {
		sees(o, 0, false)
		sees(o, 1, false)
		o.Consensus.Since = 0
		o.Alarms[0].Active, o.Alarms[0].Text = false, "2 cameras saw a growing fire"
		enter(o, protocol.ReducingRPM, 5, protocol.MainValve, protocol.RefillValve, protocol.IgnitionOn, protocol.RPMReduce)
		s.record(protocol.RPMReduced, "", nil)
	}},
	{"stopping", protocol.Stopping, 8 * time.Second, func(s *Stage, o *protocol.Overview) {
		forget(o)
		enter(o, protocol.Stopping, 600, protocol.MainValve, protocol.RefillValve, protocol.IgnitionOff)
		o.Lines.Inputs["flow"], o.Lines.Inputs["line_pressure"], o.Lines.Inputs["engine_running"] = "inactive", "inactive", "inactive"
		o.Pump.LinePressureOK = known(false)
		s.record(protocol.ShutdownInitiated, "no trigger for fire_off_delay", nil)
	}},
	{"refilling", protocol.Refilling, 8 * time.Second, func(s *Stage, o *protocol.Overview) {
		enter(o, protocol.Refilling, 5400, protocol.RefillValve)
		o.Pump.RefillOwed, o.Pump.LockoutSeconds, o.Pump.RefillComplete = 5400, 5400, false
		o.Ready = protocol.Readiness{Why: []string{"the tank is refilled for up to 1 h 30 min; fire starts nothing before"}}
		o.Alarms = append([]protocol.Standing{{Code: "refill_lockout", Severity: protocol.SeveritySupervisory, Title: "Tank is being refilled",
			Text: "the tank is refilled until 16:20:00 at the latest; fire starts nothing before", Do: "Wait, or start by hand if there is a fire.",
			Clears: "when the tank is full", Active: true, Since: unix(time.Now())}}, o.Alarms...)
		s.record(protocol.ShutdownComplete, "", nil)
	}},
	{"cooldown", protocol.Cooldown, 5 * time.Second, func(s *Stage, o *protocol.Overview) {
		enter(o, protocol.Cooldown, 60)
		o.Pump.RefillOwed, o.Pump.LockoutSeconds, o.Pump.RefillComplete, o.Pump.ReservoirFull = 0, 0, true, known(true)
		o.Lines.Inputs["reservoir_float"] = "active"
		o.Ready, o.Alarms = protocol.Readiness{Ready: true, Why: []string{}}, o.Alarms[1:]
		s.record(protocol.RefillCompleteFloatSwitch, "", nil)
		s.record(protocol.CooldownEntered, "", nil)
	}},
	{"idle", protocol.Idle, 10 * time.Second, func(s *Stage, o *protocol.Overview) {
		enter(o, protocol.Idle, 0)
		o.Pump.CurrentRuntime, o.Pump.RuntimeLeft = 0, 1800
		s.record(protocol.IdleStateEntered, "", nil)
	}},
}

// Play plays one scene.
func (s *Stage) Play(scene Scene) {
	s.Change(func(o *protocol.Overview) { scene.play(s, o) })
}

// Enter puts the pump into a state by itself, with the outputs that are usual there.
func (s *Stage) Enter(state protocol.State) {
	s.Change(func(o *protocol.Overview) {
		o.Pump.StopHeld, o.Ready = false, protocol.Readiness{Ready: true, Why: []string{}}
		for _, scene := range Fire {
			if scene.State == state && scene.Name != "ready" && scene.Name != "first-detection" && scene.Name != "one-agrees" {
				if len(o.Alarms) == 0 {
					o.Alarms = []protocol.Standing{{Code: "fire", Severity: protocol.SeverityAlarm, Title: "Fire", Active: true}}
				}
				scene.play(s, o)
				return
			}
		}
		enter(o, state, 30)
		o.Pump.Why = "no water moved for 300 s"
		o.Ready = protocol.Readiness{Why: []string{o.Pump.Why}}
	})
}

// sees lets a camera follow a fire, growing or not yet.
func sees(o *protocol.Overview, i int, growing bool) {
	c := &o.Cameras[i]
	c.Objects, c.Growing, c.Steady = []string{"1764225331.5-k3x"}, growing, false
	agree := []string{}
	for _, c := range o.Cameras {
		if c.Growing {
			agree = append(agree, c.Name)
		}
	}
	o.Consensus.Agreeing = agree
}

// forget ends every fire.
func forget(o *protocol.Overview) {
	for i := range o.Cameras {
		o.Cameras[i].Objects, o.Cameras[i].Growing = []string{}, false
	}
	o.Consensus.Agreeing, o.Consensus.Last = []string{}, unix(time.Now())-2000
}

// enter sets state, deadline and outputs.
func enter(o *protocol.Overview, state protocol.State, deadline float64, on ...protocol.Line) {
	set := protocol.SetOf(on...)
	p := &o.Pump
	p.State, p.NextDeadline, p.Why = state, deadline, ""
	p.EngineOn, p.MainValve = set.Has(protocol.IgnitionOn), set.Has(protocol.MainValve)
	p.RefillValve, p.PrimingValve = set.Has(protocol.RefillValve), set.Has(protocol.PrimingValve)
	p.RPMReduced, p.ShuttingDown = set.Has(protocol.RPMReduce), set.Has(protocol.IgnitionOff)
	for i := range o.Lines.Outputs {
		l := &o.Lines.Outputs[i]
		l.On, l.Reads, l.Failed = set.Has(protocol.Line(i)), set.Has(protocol.Line(i)), false
	}
}
