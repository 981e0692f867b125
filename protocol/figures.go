package protocol

import "time"

// MachineSample is this machine's figures at one instant; a nil one could not be had. The telemetry actor
// sends it twelve times in each telemetry.system_interval; alarms and overview hear it.
type MachineSample struct {
	MachineView
	At time.Time // monotonic
}

// NVRStatus is the NVR as a whole. The frigate actor sends it at every change and with each message of
// figures; alarms and overview hear it.
type NVRStatus struct {
	Seen    bool // it has been heard of since start
	Running bool // its figures go on, and it has not said that it stops
	Stopped bool // it has said so
	API     bool // its HTTP API has answered last time
	Version string
	Cameras int       // it tells figures of so many
	Heard   time.Time // monotonic; zero: never
}
