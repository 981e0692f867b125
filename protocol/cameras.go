package protocol

import "time"

// CameraFound is one camera that was found on the network or asked after: its whole identity and how
// it is, as discovery knows it at one instant.
type CameraFound struct {
	Camera  string   // canonical name, if one is known; else empty: its MAC is its name
	Aliases []string // further names of the same camera; at most 16
	MAC     string   // any case, with : or - or nothing between; empty if unknown
	// Channel: several cameras stand behind this MAC and IP (an NVR's channels). They are shown, and
	// are no other names of this one.
	Channel bool
	IP      string
	// At (monotonic) is its newest sign of life; zero: it has shown none, and is not heard by this.
	At time.Time

	Title               string // for people: maker and model, or as it announces itself
	Manufacturer, Model string
	Streams             int
	Healthy             bool   // the network's and the NVR's verdict
	Problem             string // why not, or what else is wrong; free of secrets
	// Generation rises with each change of identity: a move, a name, a MAC. What is older than what
	// is known is dropped. 0: none is kept.
	Generation uint64
}

// CamerasFound is a whole round of discovery: all of its cameras are known before anything that
// comes later is looked at. Discovery sends it after each full scan, and with what changed whenever
// something has; the camera registry hears it. It creates cameras that are not known.
type CamerasFound struct{ Cameras []CameraFound }

// CameraSeen says that a camera's pictures are looked at: a detection or its telemetry came. The
// camera registry sends it, at most every ten seconds a camera; discovery hears it.
type CameraSeen struct {
	Camera string // canonical name
	MAC    string // lower case with :; empty if unknown
	At     time.Time
}

// Bulk: one of many, and the next one comes.
func (CameraSeen) Bulk() bool { return true }

// CameraView is what is known of one camera at one instant: what it sees, how it is, who it is.
type CameraView struct {
	Name                    string   // canonical
	Aliases                 []string // names learned of it, sorted
	MAC                     string   // lower case with :; empty if unknown
	IP                      string   // empty if unknown
	LastHeard               time.Time
	Online, Growing, Steady bool
	Objects                 []string // the ids that agree

	// Found: discovery knows it, and says what follows; Healthy and Problem are its words.
	Found               bool
	Title               string
	Manufacturer, Model string
	Streams             int
	Healthy             bool
	Problem             string
	Generation          uint64
}

// CamerasAsked asks the camera registry for a snapshot of all cameras, sorted by name. Reply gets a
// copy of its own that nobody changes; it runs inside the registry and must not block.
type CamerasAsked struct{ Reply func([]CameraView) }

// CameraAsked asks for one camera by the first that is not empty: a name (an alias or a MAC will do),
// a MAC, an IP. Reply is as for CamerasAsked; ok is false if it is not known.
type CameraAsked struct {
	Name, MAC, IP string
	Reply         func(view CameraView, ok bool)
}
