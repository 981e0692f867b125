package discovery

import "time"

// Configured changes intervals, patience and bounds while discovery works. The system sends it. What it
// says of Enabled, Interfaces and CredentialsFile is not taken up: these need a restart.
type Configured struct {
	Config        Config
	MaxCameras    int
	CameraTimeout time.Duration
}

// with are the settings with those of a change; nil: none has come.
func (s Settings) with(m *Configured) Settings {
	if m == nil {
		return s
	}
	interfaces := s.Config.Interfaces
	s.Config, s.MaxCameras, s.CameraTimeout = m.Config, m.MaxCameras, m.CameraTimeout
	s.Config.Interfaces = interfaces
	return s
}
