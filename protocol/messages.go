// Package protocol is what crosses a border: every message between actors (messages.go, pump.go,
// lines.go, memory.go), the table of MQTT topics (topics.go), and below it the I/O-free codecs.
//
// A message is an immutable value: a receiver never changes what it was sent, a sender never
// changes what it has sent. Each says who sends it, who hears it and how often.
package protocol

import "time"

// Box is a rectangle in shares of the frame: 0 is left or top, 1 is right or bottom.
type Box struct{ X1, Y1, X2, Y2 float64 }

// Area is the share of the frame that the box covers.
func (b Box) Area() float64 { return (b.X2 - b.X1) * (b.Y2 - b.Y1) }

// Detected is one sighting of a fire or smoke object that a codec found well-formed (SPEC §2 "A
// detection counts": everything malformed was rejected and counted before). The frigate actor and
// the bridge send it, the camera registry hears it; up to 30,000 a second, so it is bulk.
type Detected struct {
	// Camera is the sender's name for the camera: Frigate's name, a MAC or an alias.
	Camera string
	// Object is the sender's id of what it follows; empty: one object per camera and label.
	Object string
	// Label is lower case, without a "-verified" suffix.
	Label string
	// Confidence is 0 to 1.
	Confidence float64
	// Area is the share of the frame, above 0 and at most 1.
	Area float64
	// Box is valid if HasBox; Frigate's activity answers carry an area alone.
	Box    Box
	HasBox bool
	// Stamp is the sender's wall-clock time of the picture; zero if it gave none.
	Stamp time.Time
	// Arrived (monotonic) and Wall (our wall clock) are the same instant, when we received it.
	Arrived, Wall time.Time
	// Ended says that the sender follows this object no longer; the sample itself still votes.
	Ended bool
}

// Bulk: a flood of detections drops the oldest and delays nothing else.
func (Detected) Bulk() bool { return true }

// SampleTime is the monotonic time at which a sample counts (SPEC §2 "Time"): the sender's, if it
// is within skew of our wall clock, but never later than the arrival; else the arrival.
func (d Detected) SampleTime(skew time.Duration) time.Time {
	if d.Stamp.IsZero() {
		return d.Arrived
	}
	age := d.Wall.Sub(d.Stamp)
	if age > skew || age < -skew || age <= 0 {
		return d.Arrived
	}
	return d.Arrived.Add(-age)
}

// CameraHeard says that a camera is alive without a detection: camera telemetry, an activity answer.
// The bridge and frigate send it, the camera registry hears it (a health check of discovery's comes as
// CamerasFound). It creates a camera that is not known.
type CameraHeard struct {
	Camera  string
	Arrived time.Time // monotonic
}

// Bulk: telemetry may be dropped in a flood.
func (CameraHeard) Bulk() bool { return true }

// CameraVerdict is what one camera sees now. The camera actor sends it at every change and once
// when it is created; consensus and telemetry hear it.
type CameraVerdict struct {
	Camera string // canonical name
	Online bool
	// Growing: an object grows and has done so for growth_hold (agreement of the first kind).
	Growing bool
	// Steady: an object had grown, is still seen and is above half of its size at the last
	// trigger (agreement of the second kind).
	Steady bool
	// Objects are the ids that agree, growing ones first, at most max_objects, sorted.
	Objects []string
	// Gone: the camera was dropped (max_cameras, or it turned out to be another one); its vote and
	// its name are to be forgotten.
	Gone bool
	// Watch rises with each actor that takes this camera: an older one's late word does not count.
	Watch uint64
	// At is the monotonic instant from which this holds.
	At time.Time
}

// FireConfirmed is consensus. The consensus actor sends it; pump, cameras (as the base line of
// steady fires), bridge, journal and telemetry hear it. The pump answers with TriggerOutcome.
type FireConfirmed struct {
	ID      uint64 // rises by one with each trigger of this process
	At      time.Time
	Wall    time.Time
	Cameras []string    // the agreeing cameras, sorted
	Fires   [][2]string // camera, object of every agreeing object
	Count   int         // accepted and refused triggers since start, this one included
	Zones   []string    // from consensus.zone_mapping; empty without zone_activation
}

// TriggerRequested asks the pump to start or go on: a message on fire/trigger from outside. The
// bridge sends it; the pump hears it.
type TriggerRequested struct {
	Source  string    // "mqtt"
	Stamp   time.Time // the sender's wall clock; zero if none
	Arrived time.Time // monotonic
	Wall    time.Time // our wall clock on arrival
}

// TriggerOutcome is the pump's answer to FireConfirmed. Consensus hears it, and so do the cameras: an
// accepted trigger is the base line of steady fires, a refused one leaves the older base line.
type TriggerOutcome struct {
	ID       uint64 // of FireConfirmed; 0 for a trigger from outside
	Accepted bool
	Reason   string // why refused; empty if accepted
	At       time.Time
}

// ConsensusStatus is a snapshot for telemetry, sent by consensus at every change.
type ConsensusStatus struct {
	Cameras, Online int
	Agreeing        []string
	CooldownUntil   time.Time // zero: no cooldown
	Triggers        int       // sent since start
	Accepted        int
}

// CooldownEnded ends consensus's cooldown at once: a reset did it (SPEC P6). The pump sends it.
type CooldownEnded struct{ Why string }

// Occurred is something that happened, before it has its number: any actor sends it, the
// telemetry actor numbers it into an Event.
type Occurred struct {
	Action  Action
	Reason  string         // free of secrets; empty if the action says it all
	Details map[string]any // further payload fields; JSON-able
	// System is the pump's state at that moment; nil: the latest known.
	System *SystemState
	At     time.Time // wall clock
}

// Event is what leaves the house on system/trigger_telemetry (SPEC §4) and goes into the history.
// It is unique by Boot and Seq. The telemetry actor sends it; bridge and journal hear it.
type Event struct {
	Action        Action         `json:"action"`
	Host          string         `json:"host"`
	Timestamp     float64        `json:"timestamp"` // Unix seconds, wall clock
	Seq           uint64         `json:"seq"`
	Boot          string         `json:"boot"` // names the process, not the kernel
	GPIOAvailable bool           `json:"gpio_available"`
	Reason        string         `json:"reason,omitempty"`
	System        SystemState    `json:"system_state"`
	Details       map[string]any `json:"details,omitempty"`
}

// Publication is one message on its way out: payload made, topic chosen. Telemetry, frigate and
// the codecs' owners send it, the bridge hears it. Topic is without the prefix unless Foreign.
type Publication struct {
	Service  Service
	Topic    string
	Payload  []byte
	QoS      byte
	Retained bool
	Foreign  bool // a topic of Frigate's own: no prefix of ours
	// Queue keeps it while the broker is away (events); others are dropped then.
	Queue bool
}

// BrokerLink says that the connection of a service came up or went down. The bridge sends it.
type BrokerLink struct {
	Service   Service
	Connected bool
	Reason    string
}

// Service names one of our four MQTT connections (SPEC §4: a connection each, MQTT has one will a
// client).
type Service string

// The services. Each subscribes only to what it needs: a flood of detections never delays a stop.
const (
	CameraDetector Service = "camera_detector"
	FireConsensus  Service = "fire_consensus"
	GPIOTrigger    Service = "gpio_trigger"
	Telemetry      Service = "telemetry"
)

// Services lists them in a fixed order.
var Services = []Service{CameraDetector, FireConsensus, GPIOTrigger, Telemetry}

// Incoming is a message from the broker on a topic that another actor decodes: Frigate's own. The
// bridge sends it, the frigate actor hears it.
type Incoming struct {
	Topic    string // its row's name, without prefix: "events", "<camera>/status/detect"
	Level    string // what stands at the topic's varying level; empty: none varies
	Payload  []byte
	Retained bool
	Arrived  time.Time
	Wall     time.Time
}

// Bulk: Frigate's events share the fate of the detections in them.
func (Incoming) Bulk() bool { return true }

// Rejected says that input was refused, so that it is counted and, at a bounded rate, logged.
// Whoever decodes sends it; telemetry hears it.
type Rejected struct {
	Source string // "fire/detection", "frigate/events", "fire/trigger" …
	Reason string // short and stable: "confidence", "box", "json", "retained", "camera mismatch"
	Camera string // if known
	User   string // who sent it, if it had to log in
	Login  string // the address that a login came from, if a login is what was refused; else empty
	Count  int    // how many this stands for; 0 counts as 1
}

// Bulk: a flood of rubbish must not fill a mailbox.
func (Rejected) Bulk() bool { return true }

// Fault is trouble that somebody should know: a slow disk, a full queue. It is logged and counted,
// and shown in health reports until it clears.
type Fault struct {
	Code    string // stable: "journal", "broker", "gpio"
	Text    string // what was tried, on what, why, what to do
	Cleared bool
}
