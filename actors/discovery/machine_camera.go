package discovery

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// camera is one device that has proved to be a camera.
type camera struct {
	key        string
	generation uint64 // of its identity: key, name, address
	ordinal    int

	name     string
	aliases  []string
	channels []string // the NVR's names, if several stand for this device

	mac  string   // of its frames; empty across a router, and where several share it
	own  []string // MACs that it reports
	epr  string
	ip   string
	also []string // further addresses of the same device
	// displaced: another device has its address; ip is where it was.
	displaced bool
	contest   *contest
	doubt     time.Time // it calls itself otherwise than before, since then; zero: it does not

	announced, hardware, manufacturer, model, firmware, serial string
	xaddr, proof                                               string
	clock                                                      time.Duration
	streams                                                    []protocol.Stream
	means                                                      []protocol.Means
	login                                                      protocol.LoginState
	loginID                                                    string

	health
	job      uint64    // what is under way for it
	renew    time.Time // next interview; zero: none is due
	renewals int       // interviews without proof, in a row
	said     Camera    // as announced last
}

// mostAliases bounds the names that one camera keeps; mostAlso its addresses.
const (
	mostAliases = 8
	mostAlso    = 8
	mostOwn     = 8
	mostStreams = 64
	mostURL     = 512
)

// create makes the camera that a host has proved to be. Beyond max_cameras it takes the place of the
// one that is offline for longest; without one it is not known.
func (m *Machine) create(h *host, r protocol.Interviewed) {
	if len(m.cameras) >= m.rules.MaxCameras && !m.evict() {
		m.refuse("max_cameras", "")
		m.dismiss(h, strangerFor)
		return
	}
	m.ordinal++
	c := &camera{key: m.keyFor(h, r), ordinal: m.ordinal, ip: h.ip}
	if !m.shared[h.mac] {
		c.mac = h.mac
	}
	m.dismiss(h, 0)
	m.cameras[c.key] = c
	m.order = append(m.order, c)
	m.at[c.ip] = c
	m.answered(c)
	c.online, c.phase = true, m.phase(c.ordinal)
	c.plan(m)
	m.learn(c, h, r)
	m.renamed = true
	m.settleNames()
	m.changed(c)
	m.status(c, "online", "found", "")
	m.happened(protocol.CameraDiscovered, c, "", map[string]any{"proof": clean(r.Proof)})
}

// evict forgets the camera that is offline for longest.
func (m *Machine) evict() bool {
	var longest *camera
	for _, c := range m.order {
		if !c.online && (longest == nil || c.since.Before(longest.since)) {
			longest = c
		}
	}
	if longest == nil {
		return false
	}
	m.refuse("max_cameras", longest.name)
	m.forget(longest)
	return true
}

// forget drops a camera.
func (m *Machine) forget(c *camera) {
	delete(m.cameras, c.key)
	m.order = slices.DeleteFunc(slices.Clone(m.order), func(other *camera) bool { return other == c })
	for ip, other := range m.at {
		if other == c {
			delete(m.at, ip)
		}
	}
	m.withdraw(c)
	m.stale, m.renamed = true, true
}

// changed gives a camera's identity a new generation.
func (m *Machine) changed(c *camera) {
	m.generation++
	c.generation = m.generation
	m.stale = true
}

// learn takes in what a camera says of itself.
func (m *Machine) learn(c *camera, h *host, r protocol.Interviewed) {
	set := func(to *string, text string) {
		if text = clean(text); text != "" {
			*to = text
		}
	}
	set(&c.manufacturer, r.Manufacturer)
	set(&c.model, r.Model)
	set(&c.firmware, r.Firmware)
	set(&c.serial, r.Serial)
	set(&c.announced, cmp.Or(r.Name, h.name))
	set(&c.hardware, h.hardware)
	if r.XAddr != "" {
		c.xaddr = clip(rehost(r.XAddr, c.ip), mostURL)
	}
	set(&c.epr, h.epr)
	if c.manufacturer == "" {
		c.manufacturer = clean(m.maker(c.mac))
	}
	if r.Proof != "" {
		c.proof = clean(r.Proof)
	}
	if own := plausible(r.MACs); len(own) > 0 {
		c.own = own
	}
	if len(r.Streams) > 0 {
		c.streams = nil
		for _, stream := range r.Streams[:min(len(r.Streams), mostStreams)] {
			c.streams = append(c.streams, bare(stream, c.ip))
		}
	}
	c.clock, c.problem = r.ClockOffset, clean(r.Problem)
	c.login, c.loginID = cmp.Or(r.Login, c.login), clean(r.LoginID)
	if c.login == protocol.LoginMissing || c.login == protocol.LoginLocked || c.login == protocol.LoginWrong {
		c.renew = m.now.Add(time.Hour)
	}
	m.mark(c, h)
	m.stale = true
}

// mark notes how a camera was found.
func (m *Machine) mark(c *camera, h *host) {
	for _, means := range h.means {
		if !slices.Contains(c.means, means) {
			c.means = append(c.means, means)
			slices.Sort(c.means)
			m.stale = true
		}
	}
}

// bare is a stream as it may be shown: bounded, at the host that was reached, without a login.
func bare(s protocol.Stream, ip string) protocol.Stream {
	s.Profile, s.Codec, s.Audio = clean(s.Profile), clean(s.Codec), clean(s.Audio)
	s.URL = clip(rehost(s.URL, ip), mostURL)
	return s
}

// plausible keeps the MACs that can be a device's.
func plausible(macs []string) (own []string) {
	for _, s := range macs {
		mac, ok := protocol.ParseDeviceMAC(s)
		if ok && len(own) < mostOwn && !slices.Contains(own, mac) {
			own = append(own, mac)
		}
	}
	return own
}

// rehost replaces the host of a URL that carries no login.
func rehost(url, ip string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	port := ""
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		port = authority[i:]
	}
	if strings.Contains(ip, ":") {
		ip = "[" + ip + "]"
	}
	return scheme + "://" + ip + port + path
}
