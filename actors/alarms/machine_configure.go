package alarms

import (
	"time"

	"wildfire-watch/protocol"
)

// configure takes other settings. A camera that is offline already has its alarm by the new delay, counted
// from when it went; what the figures of this machine mean is judged with the next.
func (m *Machine) configure(c Config) {
	for _, s := range m.signals {
		if !s.up && s.code == protocol.AlarmCameraOffline && s.delay == m.config.CameraOffline {
			s.due, s.delay = s.due.Add(c.CameraOffline-s.delay), c.CameraOffline
		}
	}
	m.config = c
}

// reminded: an acknowledged alarm whose cause has held for so long since is shown as one that nobody has
// seen.
func (m *Machine) reminded(now time.Time) {
	for _, s := range m.those(func(s *signal) bool {
		at := m.remindAt(s)
		return !at.IsZero() && !now.Before(at)
	}) {
		s.shown.Acknowledged, s.shown.AcknowledgedAt = "", 0
		m.changed = true
		m.tell(protocol.AlarmRaised, s, map[string]any{"reminder": true})
	}
}

// remindAt is when an alarm is to be shown anew; zero: it is not.
func (m *Machine) remindAt(s *signal) (at time.Time) {
	if m.config.Remind == 0 || !s.up || !s.shown.Active || s.shown.Acknowledged == "" {
		return at
	}
	return s.seen.Add(m.config.Remind)
}
