package system

import (
	"slices"

	"wildfire-watch/actors"
	"wildfire-watch/actors/recovery"
	"wildfire-watch/protocol"
)

// absent are the residents that a house in safe mode does without: all that could start the pump
// without a person, and all code that only they need. What failed may be in it: discovery reads what any
// host on the network sends.
var absent = []string{"consensus", "cameras", "frigate", "discovery"}

// inSafeMode is the smaller house: lines, pump, journal, bridge and telemetry stay, so that buttons
// and commands work and the trouble is told.
func (s *System) inSafeMode(all []resident) []resident {
	all = slices.DeleteFunc(all, func(r resident) bool { return slices.Contains(absent, r.name) })
	a := recovery.New(recovery.Settings{Rest: s.parts.Config.Journal.SafeModeRest,
		Failed: s.parts.Recovered.Failed, LastStop: s.parts.Recovered.LastStop,
		Log: s.parts.Log.Named("recovery")})
	return append(all, resident{&s.refs.recovery, "recovery", actors.Kind{Name: "recovery"},
		func() actors.Actor { return a }})
}

// Recovered is what the journal told at the start.
func (s *System) Recovered() protocol.Recovered { return s.parts.Recovered }

// announce is the first event of every process: how many starts there were, why the last process
// ended, and whether this one starts nothing by itself.
func (s *System) announce() {
	r := s.parts.Recovered
	s.house.Publish(protocol.Occurred{Action: protocol.ControllerStarted, Reason: r.LastStop,
		Details: map[string]any{"boots": r.Boots, "last_stop": r.LastStop,
			"failed_starts": r.Failed, "safe_mode": r.SafeMode}, At: s.parts.Clock.Wall()})
}
