package homeassistant

import (
	"encoding/json"
	"math"

	"wildfire-watch/protocol"
)

// State is the payload of system/state: what people and automations want to see of the house, small
// enough to be sent at every change. Fields are added, never renamed. Nil is not known.
type State struct {
	Ready             bool            `json:"ready"`
	Why               string          `json:"why"`  // "ready", or what stops it, at most MaxText characters
	Fire              bool            `json:"fire"` // enough cameras agree, or the fire alarm stands
	Agreeing          int             `json:"agreeing"`
	Problem           bool            `json:"problem"` // a supervisory or trouble alarm stands
	Alarms            Alarms          `json:"alarms"`
	State             protocol.State  `json:"state"`
	Engine            *bool           `json:"engine"`     // by its feedback where there is one, else the ignition
	MainValve         *bool           `json:"main_valve"` // outputs as they read back
	RefillValve       *bool           `json:"refill_valve"`
	PrimingValve      *bool           `json:"priming_valve"`
	RPMReduced        *bool           `json:"rpm_reduced"`
	StopHeld          bool            `json:"stop_held"`
	Remembered        bool            `json:"trigger_remembered"`
	TankFull          *bool           `json:"tank_full"`
	LinePressure      *bool           `json:"line_pressure"`
	Flow              *bool           `json:"flow"`
	RunSeconds        int64           `json:"run_seconds"`
	EngineSeconds     int64           `json:"engine_seconds"`
	RefillOwedSeconds int64           `json:"refill_owed_seconds"`
	LockoutSeconds    int64           `json:"lockout_seconds"`
	CamerasKnown      int             `json:"cameras_known"`
	CamerasOnline     int             `json:"cameras_online"`
	Cameras           map[string]bool `json:"cameras"` // by CameraKey: online
	NVR               *bool           `json:"nvr"`
	Simulated         bool            `json:"simulated"`

	codes string // of the alarms that stand
}

// Alarms are the alarms that stand, the worst first.
type Alarms struct {
	Standing int      `json:"standing"`
	Worst    string   `json:"worst"`    // "none", or title and text, at most MaxText characters
	Severity string   `json:"severity"` // of the worst; "none"
	Texts    []string `json:"texts"`    // at most MaxListed
}

const none = "none"

// StateOf is the state that an overview tells.
func StateOf(o protocol.Overview) State {
	p := o.Pump
	s := State{Ready: o.Ready.Ready, Why: why(o.Ready), Agreeing: len(o.Consensus.Agreeing), State: p.State,
		Fire:     o.Consensus.Since > 0 || o.Consensus.Threshold > 0 && len(o.Consensus.Agreeing) >= o.Consensus.Threshold,
		Alarms:   Alarms{Worst: none, Severity: none, Texts: []string{}},
		StopHeld: p.StopHeld, Remembered: p.Remembered, TankFull: p.ReservoirFull, LinePressure: p.LinePressureOK,
		Flow: input(o, "flow"), RunSeconds: whole(p.CurrentRuntime), EngineSeconds: whole(p.TotalRuntime),
		RefillOwedSeconds: whole(p.RefillOwed), LockoutSeconds: whole(p.LockoutSeconds),
		CamerasKnown: len(o.Cameras), Cameras: make(map[string]bool), Simulated: o.Lines.Simulated || p.SimulationBoard}
	s.lines(o)
	for _, a := range o.Alarms {
		if a.Active {
			s.alarm(a)
		}
	}
	for i, c := range o.Cameras {
		if c.Online {
			s.CamerasOnline++
		}
		if i < MaxCameras {
			s.Cameras[CameraKey(c.Name)] = c.Online
		}
	}
	if o.NVR.Seen {
		s.NVR = &o.NVR.Running
	}
	return s
}

func why(r protocol.Readiness) string {
	switch {
	case r.Ready:
		return "ready"
	case len(r.Why) == 0:
		return "unknown"
	}
	return clip(r.Why[0], MaxText)
}

func (s *State) alarm(a protocol.Standing) {
	text := a.Title
	if a.Text != "" {
		text += ": " + a.Text
	}
	text = clip(text, MaxText)
	if s.Alarms.Standing == 0 {
		s.Alarms.Worst, s.Alarms.Severity = text, string(a.Severity)
	}
	s.Alarms.Standing++
	s.codes += a.Code + " " + a.Subject + "\n"
	if len(s.Alarms.Texts) < MaxListed {
		s.Alarms.Texts = append(s.Alarms.Texts, text)
	}
	if a.Severity == protocol.SeverityAlarm {
		s.Fire = true
	} else {
		s.Problem = true
	}
}

// lines reads the outputs back: what is shown is what is, not what was wished. Lines that cannot be read
// are unknown.
func (s *State) lines(o protocol.Overview) {
	if !o.Lines.Available {
		return
	}
	for _, out := range o.Lines.Outputs {
		reads := out.Reads
		switch out.Name {
		case protocol.MainValve.String():
			s.MainValve = &reads
		case protocol.RefillValve.String():
			s.RefillValve = &reads
		case protocol.PrimingValve.String():
			s.PrimingValve = &reads
		case protocol.RPMReduce.String():
			s.RPMReduced = &reads
		case protocol.IgnitionOn.String():
			s.Engine = &reads
		}
	}
	if _, fitted := o.Lines.Inputs["engine_running"]; fitted {
		s.Engine = input(o, "engine_running")
	}
}

// input is nil where there is none, or none that can be read.
func input(o protocol.Overview, name string) *bool {
	switch o.Lines.Inputs[name] {
	case protocol.Active.String():
		return new(true)
	case protocol.Inactive.String():
		return new(false)
	}
	return nil
}

// whole rounds seconds; what is no number is 0.
func whole(seconds float64) int64 {
	if math.IsNaN(seconds) || math.Abs(seconds) > 1e12 {
		return 0
	}
	return int64(math.Round(seconds))
}

// Payload is the state as it is sent.
func (s State) Payload() []byte {
	payload, _ := json.Marshal(s) // whole numbers and texts: never an error
	return payload
}

// Face is what of the state is worth telling at once when it changes: all but what merely runs down, and
// texts that say how far it has.
func (s State) Face() string {
	s.RunSeconds, s.EngineSeconds, s.RefillOwedSeconds, s.LockoutSeconds = 0, 0, 0, 0
	s.Why, s.Alarms.Worst, s.Alarms.Texts = "", "", nil
	return string(s.Payload()) + s.codes
}
