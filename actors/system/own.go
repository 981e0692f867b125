package system

// Site is [site].
type Site struct {
	// Name of the place, for people.
	Name string `key:"name" len:"0..64"`
}

// Log is [log]: the lowest level that is written, and the same for one kind of actor.
type Log struct {
	Level     string `key:"level" oneof:"debug|info|warn|error"`
	Bridge    string `key:"bridge" oneof:"|debug|info|warn|error"`
	Camera    string `key:"camera" oneof:"|debug|info|warn|error"`
	Consensus string `key:"consensus" oneof:"|debug|info|warn|error"`
	Discovery string `key:"discovery" oneof:"|debug|info|warn|error"`
	Frigate   string `key:"frigate" oneof:"|debug|info|warn|error"`
	GPIO      string `key:"gpio" oneof:"|debug|info|warn|error"`
	Journal   string `key:"journal" oneof:"|debug|info|warn|error"`
	Pump      string `key:"pump" oneof:"|debug|info|warn|error"`
	Telemetry string `key:"telemetry" oneof:"|debug|info|warn|error"`
}

// Levels is the level of each kind of actor; empty where it has none of its own.
func (l Log) Levels() map[string]string {
	return map[string]string{"bridge": l.Bridge, "camera": l.Camera, "consensus": l.Consensus,
		"discovery": l.Discovery, "frigate": l.Frigate, "gpio": l.GPIO, "journal": l.Journal, "pump": l.Pump,
		"telemetry": l.Telemetry}
}
