package pump

import (
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// Configured offers the pump other settings. The system sends it. All of them are taken, or none: only
// a pump that rests takes any.
type Configured struct {
	Config Config
	// VerifyTimeout and VerifyGrace are gpio's keys of these names.
	VerifyTimeout, VerifyGrace time.Duration
	// Wanted is called first, once: settings that nobody waits for any more are not taken.
	Wanted func() bool
	// Reply is called once, if they were wanted, inside the pump's actor; it must not block. refused is empty if the
	// settings were taken.
	Reply func(refused string)
}

// Rests says that other durations can be taken: none of them is running. If not, why.
func (m Machine) Rests() (why string) {
	switch {
	case m.State() != protocol.Idle:
		return "the pump is in " + m.State().String() + ", not in IDLE"
	case m.Ending:
		return "the program ends"
	case m.RunOpen:
		return "a run is not over"
	case m.ValveLeft > 0:
		return "the main valve is held open by hand"
	}
	return ""
}

// configure takes other settings if the pump rests.
func (p *pump) configure(c *actors.Context, m Configured) {
	if !m.Wanted() {
		return
	}
	why := p.machine.Rests()
	if why == "" {
		p.timing.Config, p.timing.VerifyTimeout, p.timing.VerifyGrace = m.Config, m.VerifyTimeout, m.VerifyGrace
		p.step(c, Input{}, false)
	}
	m.Reply(why)
}
