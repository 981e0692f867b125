package protocol

import (
	"fmt"
	"time"
)

// What discovery and the network say to each other (SPEC §5). Orders go out as work with a deadline,
// results come back as messages that carry the Key and the Generation of the order: a device that has
// moved or was dropped meanwhile gets no late result.

// Means is how a host or a device was seen. It is the discovery_method of camera/discovery.
type Means string

// The ways in which something is found.
const (
	ByARP         Means = "arp"          // answered an ARP request, or spoke up by itself
	ByNeighbours  Means = "neighbours"   // the kernel's neighbour table
	ByConnect     Means = "connect"      // took or refused a TCP connection
	ByPort        Means = "port"         // a port that cameras use is open
	ByWSDiscovery Means = "ws-discovery" // ONVIF's own search
	ByMDNS        Means = "mdns"
	BySettings    Means = "settings" // cameras.network or a login bound to an address names it
)

// Link is one of our network interfaces.
type Link struct {
	Name  string
	Index int
	MAC   string   // ours, lower case with :
	Nets  []string // our addresses with their prefix: "192.168.1.10/24"
}

// Door is a place where a stream may be had, as announced or as found open.
type Door struct {
	Port int    // TCP, 1 to 65535
	Path string // begins with /; empty: not known
}

// Sighting is one sign that a host is there, and what it says of itself. Nothing in it is trusted: a
// host is a camera only when it proves it (Interviewed.Proof). Fields not known are zero.
type Sighting struct {
	IP    string // without zone or prefix
	MAC   string // of the frame that carried it, lower case with :; empty across a router
	Link  string // our interface
	Means Means
	At    time.Time // monotonic, on arrival

	EPR      string   // WS-Discovery's endpoint address, "urn:uuid:…", lower case
	Camera   bool     // announces itself as ONVIF NetworkVideoTransmitter, or _rtsp._tcp, or _onvif._tcp
	Other    bool     // announces itself as something else: a printer, a computer
	Name     string   // as announced, at most 128 bytes, printable
	Hardware string   // the same
	XAddrs   []string // addresses of its ONVIF device service, as announced; at most 8
	Doors    []Door   // at most 16
	Gone     bool     // it says Bye (WS-Discovery) or sends an mDNS goodbye
}

// Bulk: a flood of announcements drops the oldest and delays nothing else.
func (Sighting) Bulk() bool { return true }

// ScanOrder asks for one look around.
type ScanOrder struct {
	Cycle uint64
	// Links are our interfaces by name; empty: every one that is up, carries IPv4 and is not virtual.
	Links []string
	// Networks are further subnets in CIDR form, reached by unicast through a router.
	Networks []string
	// Wide allows sweeping subnets wider than a /20.
	Wide bool
	// Rate is ARP requests a second.
	Rate int
	// Known are addresses of known cameras: asked once more if they stay silent.
	Known []string
	// Ports are the RTSP and ONVIF ports to try on hosts that answered.
	Ports []int
	// Wanted, if not empty, makes it a targeted search for these MACs: no port scan of strangers. Every
	// ARP answer is told all the same: that another has a camera's address matters as much.
	Wanted []string
}

// ScanReport says what a look around covered.
type ScanReport struct {
	Cycle   uint64
	Hosts   int           // addresses that answered
	Asked   int           // addresses asked
	Took    time.Duration // wall time
	ARPTook time.Duration // until the ARP stage was complete
	// Reduced says what could not be done and what to do about it: "no CAP_NET_RAW …". Empty: all done.
	Reduced string
	// Skipped are subnets too wide to sweep unasked.
	Skipped []string
}

// Login is one user and password. It never prints, formats or marshals as anything but its ID.
type Login struct {
	ID             string // "line 3" of the credentials file: not secret
	User, Password string
}

// String hides the login.
func (l Login) String() string { return "login " + l.ID }

// GoString hides the login from %#v.
func (l Login) GoString() string { return l.String() }

// Format hides the login from every verb.
func (l Login) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(l.String())) }

// MarshalText hides the login from JSON, TOML and XML.
func (l Login) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// LoginState is where we stand with a device's login.
type LoginState string

// The states of a login. The zero value is not known.
const (
	LoginNone    LoginState = "none"    // the device asks for none
	LoginGood    LoginState = "good"    // one of ours is accepted
	LoginMissing LoginState = "missing" // it wants one and we have none left that it has not refused
	LoginWrong   LoginState = "wrong"   // what we tried now was refused
	LoginLocked  LoginState = "locked"  // it says that the account is locked, or too many sessions
)

// InterviewOrder asks one host who it is and which streams it has. Logins are those that may be tried
// now, in order, each at most once in the whole interview if it is refused: RTSP, ONVIF and HTTP of one
// device count wrong passwords together.
type InterviewOrder struct {
	Key        string
	Generation uint64
	IP         string
	// MAC, if not empty, is who is to be there: where the kernel's neighbour table has another once a
	// connection stands, no login is tried, and Interviewed.MAC says whose it is. It also tells the paths
	// of its maker.
	MAC   string
	Maker string // as the MAC's prefix says; empty: unknown
	// Transmitter: it announces itself as ONVIF NetworkVideoTransmitter.
	Transmitter bool
	XAddrs      []string // announced; the host we reached replaces theirs
	Doors       []Door
	Ports       []int // ONVIF and RTSP ports to try besides
	Logins      []Login
	ONVIFTime   time.Duration // for all of ONVIF together
	RTSPTime    time.Duration // for each RTSP exchange
}

// Interviewed is what a host answered. The zero value of a field says that it did not tell.
type Interviewed struct {
	Key        string
	Generation uint64
	IP         string
	// MAC is of the frames that carried the answer, as the kernel's neighbour table has it right after;
	// empty across a router, or if the table was not asked. With it an address that another device took
	// unseen is noticed at once, without it at the next sweep.
	MAC string
	At  time.Time

	// Proof is why this is a camera: "onvif" (NetworkVideoTransmitter or a media service with a
	// profile), "describe" (an SDP with video); empty: it is none, or has not proved it.
	Proof string
	// Open says that something listens where a camera would; Suspect why it may be one all the same
	// ("554 accepts and never answers", "wants a login").
	Open    bool
	Suspect string

	Manufacturer, Model, Firmware, Serial string
	Name                                  string
	MACs                                  []string // as the device says; may be a dead interface's
	XAddr                                 string   // where its ONVIF device service answered
	ClockOffset                           time.Duration
	Streams                               []Stream // the main stream first
	Login                                 LoginState
	LoginID                               string   // the one that is good
	Refused                               []string // IDs of logins that it refused now
	Problem                               string   // what went wrong, free of secrets
}

// Stream is one video stream of a device.
type Stream struct {
	Profile string // ONVIF's token or name; empty: found by its path
	URL     string // rtsp://host[:port]/path?query, never with a login
	Codec   string // "H264", "H265", "JPEG", "MPEG4"; from the SDP where there is one
	Width   int    // pixels; 0: not told
	Height  int
	FPS     float64
	Audio   string // codec; empty: none
	UDPOnly bool   // interleaved transport is refused (461)
}

// CheckOrder asks whether a known camera is alive: one OPTIONS and DESCRIBE, never PLAY, unless Frames.
type CheckOrder struct {
	Key        string
	Generation uint64
	IP         string
	MAC        string // who is to be there, as in InterviewOrder
	Stream     Stream
	XAddr      string // asked for its clock if it has no stream that we can describe
	Login      Login  // zero: none
	Frames     bool   // SETUP and PLAY, count RTP, TEARDOWN always
	Time       time.Duration
}

// Checked is the answer.
type Checked struct {
	Key        string
	Generation uint64
	IP         string
	MAC        string // as in Interviewed
	At         time.Time
	Alive      bool
	Refused    bool   // it wants another login: alive, but not to be asked with this one again
	Frames     int    // RTP packets counted; 0 if not asked for
	Problem    string // free of secrets
}

// NVRCamera is what the NVR says of one of its cameras. The frigate actor sends it; discovery hears it.
type NVRCamera struct {
	Name  string   // the NVR's name
	Hosts []string // IPs or host names of its inputs, where the NVR tells them; never with a login
	// Running: pictures arrive and change. Problem says why not: one of the words below.
	Running bool
	Problem string
	FPS     float64
	At      time.Time // monotonic
}

// What is the matter with an NVR's camera.
const (
	NVRNoPictures = "0 fps"
	NVRFrozen     = "frozen" // the same picture again and again
	NVROffline    = "offline"
	NVRDisabled   = "disabled" // switched off in the NVR: nothing is said of the camera itself
	NVRUnknown    = "unknown"  // the NVR is silent: nothing is said of the camera at all
)

// DiscoveryStatus is what discovery knows, for health reports. It sends it after each cycle and at every
// change; telemetry hears it.
type DiscoveryStatus struct {
	Cycle    uint64   // full scans begun
	Steady   bool     // the first three are over
	Known    int      // cameras
	Online   int      // of them
	KnownIPs []string // sorted, at most 1000
	Suspects int      // hosts that may be cameras and have not proved it
	Reduced  string   // see ScanReport
	Last     ScanReport
}
