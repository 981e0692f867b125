package protocol

import "time"

// Overview is everything that the page, the API, the terminal and the metrics are told, at one instant.
// The overview actor folds it from what everybody publishes and sends it at every change, at most five
// times a second; it is immutable. Its JSON is /api/status; fields are added, never renamed.
type Overview struct {
	At        float64      `json:"at"`     // Unix seconds
	Number    uint64       `json:"number"` // rises by one with each
	Site      string       `json:"site"`
	Host      string       `json:"host"`
	Version   string       `json:"version"`
	Boot      string       `json:"boot"`   // names the process
	Uptime    float64      `json:"uptime"` // seconds
	Ready     Readiness    `json:"ready"`
	Pump      SystemState  `json:"pump"`
	Lines     LinesView    `json:"lines"`
	Cameras   []CameraLine `json:"cameras"` // sorted by name
	Consensus FireView     `json:"consensus"`
	Alarms    []Standing   `json:"alarms"` // the worst and first first
	Services  []LinkView   `json:"services"`
	NVR       NVRView      `json:"nvr"`
	Machine   MachineView  `json:"machine"`
	Discovery FoundView    `json:"discovery"`
	Start     StartView    `json:"start"`
}

// Readiness answers the first question of whoever looks: would water flow if there were a fire now?
type Readiness struct {
	Ready bool     `json:"ready"`
	Why   []string `json:"why"` // what stops it from working, the most important first; empty if ready
}

// LinesView is what is known of the lines.
type LinesView struct {
	Board     string            `json:"board"`
	Simulated bool              `json:"simulated"`
	Available bool              `json:"available"`
	Outputs   []OutputView      `json:"outputs"` // in the order of SPEC §3
	Inputs    map[string]string `json:"inputs"`  // fitted ones: "active", "inactive", "unknown"
}

// OutputView is one output.
type OutputView struct {
	Name   string `json:"name"`
	On     bool   `json:"on"`     // as commanded
	Reads  bool   `json:"reads"`  // as read back
	Failed bool   `json:"failed"` // kept reading wrong
}

// CameraLine is one camera as it is shown.
type CameraLine struct {
	Name      string   `json:"name"`
	Title     string   `json:"title,omitempty"`
	MAC       string   `json:"mac,omitempty"`
	IP        string   `json:"ip,omitempty"`
	Online    bool     `json:"online"`  // for consensus: heard of at most camera_timeout ago
	Healthy   bool     `json:"healthy"` // network and NVR say that its pictures are good
	Found     bool     `json:"found"`   // discovery knows it
	Problem   string   `json:"problem,omitempty"`
	Growing   bool     `json:"growing"`
	Steady    bool     `json:"steady"`
	Objects   []string `json:"objects"`
	LastHeard float64  `json:"last_heard"` // Unix seconds; 0: never
}

// FireView is consensus.
type FireView struct {
	Threshold int      `json:"threshold"`
	Online    int      `json:"online"`
	Agreeing  []string `json:"agreeing"`
	Since     float64  `json:"since"`          // Unix seconds: agreement has held since; 0: there is none
	Cooldown  float64  `json:"cooldown_until"` // Unix seconds; 0: none
	Triggers  int      `json:"triggers"`
	Accepted  int      `json:"accepted"`
	Last      float64  `json:"last_trigger"` // Unix seconds; 0: none since start
}

// LinkView is one of our MQTT connections.
type LinkView struct {
	Name      Service `json:"name"`
	Connected bool    `json:"connected"`
	Reason    string  `json:"reason,omitempty"`
}

// NVRView is what is known of the NVR.
type NVRView struct {
	Seen    bool    `json:"seen"` // it has been heard of since start
	Running bool    `json:"running"`
	Version string  `json:"version,omitempty"`
	Cameras int     `json:"cameras"`
	API     bool    `json:"api"` // snapshots can be had through us
	Heard   float64 `json:"last_heard"`
}

// MachineView is this machine; a nil figure could not be had.
type MachineView struct {
	CPU         *float64 `json:"cpu_percent"`
	Memory      *float64 `json:"memory_percent"`
	Disk        *float64 `json:"disk_percent"`
	DiskFree    *uint64  `json:"disk_free_bytes"`
	Temperature *float64 `json:"temperature_celsius"`
	ClockSynced *bool    `json:"clock_synced"`
}

// FoundView is discovery.
type FoundView struct {
	Enabled  bool    `json:"enabled"`
	Cycle    uint64  `json:"cycle"`
	Steady   bool    `json:"steady"`
	Known    int     `json:"known"`
	Suspects int     `json:"suspects"`
	Reduced  string  `json:"reduced,omitempty"`
	LastScan float64 `json:"last_scan"` // Unix seconds; 0: none yet
}

// StartView is how the program came up.
type StartView struct {
	Boots    uint64 `json:"boots"`
	LastStop string `json:"last_stop"`
	Failed   int    `json:"failed_starts"`
	SafeMode bool   `json:"safe_mode"`
}

// Standing is one alarm that holds, or that held and nobody has acknowledged. The table of kinds says
// severity, what to do and when it clears.
type Standing struct {
	Code         string   `json:"code"`
	Subject      string   `json:"subject,omitempty"` // which camera, which line
	Severity     Severity `json:"severity"`
	Title        string   `json:"title"`
	Text         string   `json:"text"` // this time
	Do           string   `json:"do"`
	Clears       string   `json:"clears"`
	Active       bool     `json:"active"`                 // false: its cause is gone, it waits for an acknowledgement
	First        bool     `json:"first"`                  // first-out (ISA-18.1): the first since all was quiet
	Since        float64  `json:"since"`                  // Unix seconds
	Acknowledged string   `json:"acknowledged,omitempty"` // by whom
	// AcknowledgedAt is when, in Unix seconds; 0: nobody has.
	AcknowledgedAt float64 `json:"acknowledged_at,omitempty"`
	// Count is how often it came while it stood here: above 1, it comes and goes.
	Count int `json:"count"`
}

// AlarmsStanding is the whole list. The alarms actor sends it at every change; overview, bridge (retained
// on system/alarms) and the metrics hear it.
type AlarmsStanding struct{ Alarms []Standing }

// Acknowledge says that a person has seen alarms. The page, the terminal and fire/emergency ("ack") send
// it; the alarms actor hears it.
type Acknowledge struct {
	Code, Subject string // empty: all
	By            string // "page: anna", "terminal: root", "mqtt"
	Wall          time.Time
}

// ChartAsked asks a camera for its objects' areas over time. Reply runs inside the camera's actor and must
// not block; ok is false if it is not known.
type ChartAsked struct {
	Camera string
	Reply  func(chart Chart, ok bool)
}

// Chart is what one camera saw inside the window, and the rule that it is judged by.
type Chart struct {
	Camera  string       `json:"camera"`
	At      float64      `json:"at"`     // Unix seconds
	Window  float64      `json:"window"` // seconds
	Hold    float64      `json:"hold"`   // growth must have held for so many seconds
	Ratio   float64      `json:"ratio"`  // later half over earlier half
	MinArea float64      `json:"min_area"`
	MaxArea float64      `json:"max_area"`
	Objects []ChartTrack `json:"objects"`
}

// ChartTrack is one object.
type ChartTrack struct {
	ID      string       `json:"id"`
	Label   string       `json:"label"`
	Growing bool         `json:"growing"`
	Steady  bool         `json:"steady"`
	Since   float64      `json:"growing_since"` // Unix seconds; 0: it does not grow
	Earlier float64      `json:"earlier"`       // median area of the first half; 0: too few samples
	Later   float64      `json:"later"`         // median area of the last half
	Points  [][2]float64 `json:"points"`        // Unix seconds, share of the frame; in order
}
