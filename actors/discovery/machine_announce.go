package discovery

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// Camera is what is known of one camera, as others get it: a value that nobody changes.
type Camera struct {
	// Key is what it is known by: its MAC where there is one. It is the level of its topics.
	Key        string
	Generation uint64 // rises with each change of identity
	Name       string // the configuration's, else the NVR's, else cam_ and the MAC
	Aliases    []string
	Channels   []string // the NVR's names, where it calls several cameras by this one's address
	Title      string   // for people
	MAC        string   // empty if it has none to itself
	IP         string   // empty while another device has its address
	Also       []string // further addresses of the same device

	Manufacturer, Model, Firmware, Serial, EPR, XAddr string

	ClockOffset time.Duration
	Streams     []protocol.Stream
	Means       []protocol.Means
	Proof       string // why it is a camera: Interviewed.Proof
	FrameMAC    string // of its frames, also where several devices have the same; empty across a router
	Login       protocol.LoginState
	LoginID     string
	Online      bool
	Problem     string    // why it is offline, or what else is wrong
	LastSeen    time.Time // monotonic: the last sign of life
}

// The outcomes that become messages on camera/… and frigate/config/cameras.
type (
	// Announcement is for camera/discovery/<mac>, retained.
	Announcement struct{ Camera Camera }
	// Withdrawal takes the announcement of a key back: the camera is known by another one, or no more.
	Withdrawal struct{ Key string }
	// Change is for camera/status/<mac>: what is "online", "offline" or "ip_changed".
	Change struct {
		Camera           Camera
		What, Why, OldIP string
	}
	// Handover is for frigate/config/cameras: all cameras, sorted by name.
	Handover struct{ Cameras []Camera }
)

const (
	// handoverAfter gathers what is found in one go.
	handoverAfter = 2 * time.Second
	// heardEvery is how often the registry hears of one camera that it lives, at most.
	heardEvery = 10 * time.Second
	// mostEvents in an hour go into the history.
	mostEvents = 60
)

// talking is what was said last.
type talking struct {
	all      bool // say everything once more: a full scan is over
	handover time.Time
	status   protocol.DiscoveryStatus
	said     bool
	fault    string
	events   int
	hour     time.Time // in which they were counted
}

// snapshot is a camera as others get it.
func (m *Machine) snapshot(c *camera) Camera { return m.view(c).clone() }

// clone shares nothing with the camera.
func (s Camera) clone() Camera {
	s.Aliases, s.Channels, s.Also = slices.Clone(s.Aliases), slices.Clone(s.Channels), slices.Clone(s.Also)
	s.Streams, s.Means = slices.Clone(s.Streams), slices.Clone(s.Means)
	return s
}

// view is what is known of a camera now; its lists are the camera's own.
func (m *Machine) view(c *camera) Camera {
	s := Camera{Key: c.key, Generation: c.generation, Name: c.name, Aliases: c.aliases,
		Channels: c.channels, MAC: c.address(), IP: c.ip, Also: c.also,
		Manufacturer: c.manufacturer, Model: c.model, Firmware: c.firmware, Serial: c.serial,
		EPR: c.epr, XAddr: c.xaddr, ClockOffset: c.clock, Streams: c.streams,
		Means: c.means, Proof: c.proof, Login: c.login, LoginID: c.loginID, Online: c.online,
		Problem: c.problem, LastSeen: c.alive()}
	s.Title = cmp.Or(strings.TrimSpace(c.manufacturer+" "+c.model), c.announced, c.hardware, c.name)
	if h := m.hosts[c.ip]; h != nil && !c.displaced {
		s.FrameMAC = h.mac
		s.Problem = strings.TrimPrefix(s.Problem+h.rivalry(), "; ")
	}
	if m.shared[s.FrameMAC] {
		s.Problem = strings.TrimPrefix(s.Problem+"; several devices have its MAC "+s.FrameMAC, "; ")
	}
	if c.displaced {
		s.IP, s.Problem = "", "another device has its address"
	}
	if !c.online {
		s.Problem = cmp.Or(c.why, s.Problem)
	} else if w := m.wordOn(c); w != nil && w.bad > 0 {
		s.Problem = "the NVR says: " + w.problem
	}
	return s
}

// announce says what has changed.
func (m *Machine) announce() {
	var batch []protocol.CameraFound
	for _, c := range m.order {
		now := m.view(c)
		changed := !now.same(c.said)
		if !changed && !m.talk.all && now.LastSeen.Sub(c.said.LastSeen) < heardEvery {
			continue
		}
		now = now.clone()
		if changed || m.talk.all {
			m.say(Announcement{now})
		}
		if changed && !now.sameSource(c.said) {
			m.talk.handover = m.now.Add(handoverAfter)
		}
		c.said = now
		batch = append(batch, m.found(c, now)...)
	}
	if len(batch) > 0 {
		m.say(protocol.CamerasFound{Cameras: batch})
	}
	switch h := m.talk.handover; {
	case m.talk.all && len(m.order) > 0, !h.IsZero() && !m.now.Before(h):
		m.handOver()
	case !h.IsZero():
		m.by(h)
	}
	if len(batch) > 0 || m.talk.all || !m.talk.said || m.suspect != m.talk.status.Suspects ||
		m.scan.cycle != m.talk.status.Cycle || len(m.order) != m.talk.status.Known {
		m.tellStatus()
	}
	m.talk.all = false
}

// found is what the registry hears of a camera. Where the NVR has several cameras behind its address,
// each is told of by itself.
func (m *Machine) found(c *camera, s Camera) (all []protocol.CameraFound) {
	f := protocol.CameraFound{Camera: s.Name, Aliases: s.Aliases, MAC: s.MAC, IP: s.IP, Title: s.Title,
		Manufacturer: s.Manufacturer, Model: s.Model, Streams: len(s.Streams), Healthy: s.Online,
		Problem: s.Problem, Generation: s.Generation}
	if w := m.wordOn(c); s.Online && (w == nil || w.bad == 0) {
		f.At = s.LastSeen
	}
	if len(s.Channels) == 0 {
		return append(all, f)
	}
	for _, name := range s.Channels {
		one := f
		one.Camera, one.Aliases, one.Channel = name, nil, true
		if w := m.words[name]; w != nil && w.bad > 0 && m.now.Sub(w.at) < wordFor {
			one.Healthy, one.Problem, one.At = w.bad < badWords && s.Online, "the NVR says: "+w.problem, time.Time{}
		}
		all = append(all, one)
	}
	return all
}

// same says whether nothing is new but the time of the last sign of life.
func (s Camera) same(o Camera) bool {
	return s.sameSource(o) && s.Generation == o.Generation && s.Online == o.Online && s.Problem == o.Problem &&
		s.Title == o.Title && s.Firmware == o.Firmware && s.Serial == o.Serial && s.EPR == o.EPR &&
		s.XAddr == o.XAddr && slices.Equal(s.Means, o.Means) && slices.Equal(s.Also, o.Also) &&
		s.ClockOffset.Round(time.Minute) == o.ClockOffset.Round(time.Minute)
}

// sameSource says whether an NVR would find the same pictures at the same place.
func (s Camera) sameSource(o Camera) bool {
	return s.Key == o.Key && s.Name == o.Name && s.IP == o.IP && s.MAC == o.MAC &&
		slices.Equal(s.Streams, o.Streams) && slices.Equal(s.Channels, o.Channels) &&
		slices.Equal(s.Aliases, o.Aliases) && s.Login == o.Login && s.LoginID == o.LoginID &&
		s.Manufacturer == o.Manufacturer && s.Model == o.Model
}

// handOver tells the NVR where to find the pictures.
func (m *Machine) handOver() {
	m.talk.handover = time.Time{}
	all := make([]Camera, 0, len(m.order))
	for _, c := range m.order {
		all = append(all, m.snapshot(c))
	}
	slices.SortFunc(all, func(a, b Camera) int { return cmp.Compare(a.Name, b.Name) })
	m.say(Handover{all})
}

// withdraw takes back what was announced under a key.
func (m *Machine) withdraw(c *camera) {
	if c.said.Key != "" {
		m.say(Withdrawal{c.said.Key})
		m.talk.handover = m.now.Add(handoverAfter)
	}
}

// status says on camera/status what has become of a camera.
func (m *Machine) status(c *camera, what, why, oldIP string) {
	m.say(Change{m.snapshot(c), what, why, oldIP})
}

// happened puts what has become of a camera into the history, so many in an hour.
func (m *Machine) happened(a protocol.Action, c *camera, why string, details map[string]any) {
	if m.now.Sub(m.talk.hour) >= hour {
		m.talk.hour, m.talk.events = m.now, 0
	}
	if m.talk.events++; m.talk.events > mostEvents {
		m.refuse("events", c.name)
		return
	}
	all := map[string]any{"camera": c.name, "mac": c.address(), "ip": c.ip}
	maps.Copy(all, details)
	m.say(protocol.Occurred{Action: a, Reason: why, Details: all})
}

// tellStatus says how discovery stands, if that is new.
func (m *Machine) tellStatus() {
	s := protocol.DiscoveryStatus{Cycle: m.scan.cycle, Steady: m.scan.steady, Known: len(m.order),
		KnownIPs: m.knownIPs(), Suspects: m.suspect, Reduced: m.scan.report.Reduced, Last: m.scan.report}
	for _, c := range m.order {
		if c.online {
			s.Online++
		}
	}
	s.KnownIPs = s.KnownIPs[:min(len(s.KnownIPs), mostKnownIPs)]
	o := m.talk.status
	if m.talk.said && s.Cycle == o.Cycle && s.Steady == o.Steady && s.Known == o.Known && s.Online == o.Online &&
		s.Suspects == o.Suspects && slices.Equal(s.KnownIPs, o.KnownIPs) && s.Last.Cycle == o.Last.Cycle {
		return
	}
	m.talk.status, m.talk.said = s, true
	m.say(s)
}

const mostKnownIPs = 1000

// forgetClashes lets go of what the operator has put in order, and tells of the rest as one fault.
func (m *Machine) forgetClashes() {
	for text, until := range m.clashes {
		if !m.now.Before(until) {
			delete(m.clashes, text)
		} else {
			m.by(until)
		}
	}
	text := strings.Join(slices.Sorted(maps.Keys(m.clashes)), "; ")
	switch {
	case text == m.talk.fault:
		return
	case text == "":
		m.say(protocol.Fault{Code: FaultAddress, Cleared: true})
	default:
		m.say(protocol.Fault{Code: FaultAddress, Text: text})
	}
	m.talk.fault = text
}

// Codes of faults.
const (
	FaultAddress     = "discovery_address"     // two devices with one address, or one identity
	FaultCredentials = "discovery_credentials" // the file of logins cannot be used
	FaultLedger      = "discovery_ledger"      // what was tried cannot be kept over a restart
)

// clip bounds a text.
func clip(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}
