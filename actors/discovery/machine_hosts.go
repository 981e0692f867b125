package discovery

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// host is an address at which somebody was seen, and what it says of itself. Nothing in it is trusted.
type host struct {
	ip, mac string
	macAt   time.Time // when the MAC was last seen first hand
	macSeen time.Time // or in a table
	seen    time.Time

	epr, name, hardware string
	camera, other       bool // announces itself so
	transmitter         bool // as ONVIF NetworkVideoTransmitter
	xaddrs              []string
	doors               []protocol.Door
	means               []protocol.Means
	learned             int // rises with each new piece of evidence

	suspect string    // why it may be a camera all the same; empty: it is none
	login   bool      // it is a suspect because it wants a login
	tries   int       // interviews without proof, in a row
	next    time.Time // not to be interviewed before; zero: at once
	job     uint64

	flips []time.Time // when its MAC changed, the last few
	rival string      // another MAC that claims the address; empty: none does
}

// The patience with hosts that have not proved that they are cameras.
const (
	strangerFor  = time.Hour // a host that is none is not bothered again
	suspectFirst = time.Minute
	suspectMost  = time.Hour
	newsAfter    = 2 * time.Second // new evidence came during the interview
	mostNews     = 3               // interviews in a row for that
	goneAfter    = 2 * time.Hour   // a suspect not seen for this long is nobody
)

// What one host may say.
const (
	mostDoors  = 16
	mostXAddrs = 8
	mostText   = 128 // bytes
)

// hostAt finds or makes the host of an address; those unseen for longest make room.
func (m *Machine) hostAt(ip string) *host {
	if h := m.hosts[ip]; h != nil {
		return h
	}
	if len(m.hosts) >= mostHosts+len(m.at) {
		m.makeRoom()
	}
	h := &host{ip: ip, seen: m.now}
	m.hosts[ip] = h
	return h
}

// makeRoom drops the eighth of the hosts that was unseen for longest, cameras apart.
func (m *Machine) makeRoom() {
	var all []*host
	for _, h := range m.hosts {
		if m.at[h.ip] == nil {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b *host) int {
		return cmp.Or(a.seen.Compare(b.seen), cmp.Compare(a.ip, b.ip))
	})
	for _, h := range all[:len(all)/8+1] {
		m.unsuspect(h)
		delete(m.waiting, h)
		delete(m.hosts, h.ip)
	}
}

// note adds what a sighting says to what is known of a host.
func (m *Machine) note(h *host, s protocol.Sighting) {
	before := h.learned
	learn := func(news bool) {
		if news {
			h.learned++
		}
	}
	set := func(to *string, text string) bool {
		text = clean(text)
		if text == "" || *to == text {
			return false
		}
		*to = text
		return true
	}
	learn(set(&h.epr, strings.ToLower(s.EPR)))
	set(&h.name, s.Name)
	set(&h.hardware, s.Hardware)
	learn(s.Camera && !h.camera)
	h.camera, h.other = h.camera || s.Camera, h.other || s.Other
	h.transmitter = h.transmitter || s.Camera && s.Means == protocol.ByWSDiscovery
	for _, x := range s.XAddrs {
		if len(h.xaddrs) < mostXAddrs && len(x) <= 2*mostText && !slices.Contains(h.xaddrs, x) {
			h.xaddrs = append(h.xaddrs, x)
			learn(true)
		}
	}
	for _, d := range s.Doors {
		if len(h.doors) < mostDoors && d.Port > 0 && d.Port < 1<<16 && len(d.Path) <= 2*mostText &&
			!slices.Contains(h.doors, d) {
			h.doors = append(h.doors, d)
			learn(d.Path != "" || !slices.Contains(m.rules.Ports, d.Port)) // the others are tried in any case
		}
	}
	if s.Means != "" && !slices.Contains(h.means, s.Means) && len(h.means) < 16 {
		h.means = append(h.means, s.Means)
		m.stale = m.stale || m.at[h.ip] != nil
	}
	if h.learned != before {
		m.stale = true
	}
}

// clean bounds a text from outside and leaves printable ASCII and what is beyond it.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, s)
	if len(s) > mostText {
		s = strings.ToValidUTF8(s[:mostText], "")
	}
	return strings.TrimSpace(s)
}

// anew forgets all but the address: another device has it.
func (m *Machine) anew(h *host, mac string) {
	for _, c := range m.order {
		if c.contest != nil && c.contest.ip == h.ip {
			c.contest = nil
		}
	}
	m.unsuspect(h)
	delete(m.waiting, h)
	*h = host{ip: h.ip, mac: mac, macAt: m.now, macSeen: m.now, seen: m.now, flips: h.flips, rival: h.rival}
}

// worth says whether a host may be a camera: it says so, listens where one would, was made by a maker
// of cameras, or the operator names it.
func (m *Machine) worth(h *host) bool {
	if h.camera || len(h.xaddrs) > 0 || slices.Contains(h.means, protocol.BySettings) ||
		m.books.bound(h.ip, h.mac) {
		return true
	}
	if h.other {
		return slices.ContainsFunc(h.doors, func(d protocol.Door) bool { return d.Port == 554 })
	}
	return len(h.doors) > 0 || m.maker(h.mac) != ""
}

func (m *Machine) maker(mac string) string {
	if m.rules.Maker == nil || mac == "" {
		return ""
	}
	return m.rules.Maker(mac)
}

// consider puts a host of which no camera is known on the list of those to be interviewed.
func (m *Machine) consider(h *host) {
	if h.job != 0 || m.waiting[h] || h.suspect == "" && m.now.Before(h.next) || !m.worth(h) {
		return
	}
	m.waiting[h] = true
	m.stale = true
}

// unproven notes that a host has not proved to be a camera: a suspect is asked again, later and later;
// anybody else is left in peace for an hour.
func (m *Machine) unproven(h *host, j *job, r protocol.Interviewed) {
	suspect := clean(r.Suspect)
	if maker := m.maker(h.mac); suspect == "" && maker != "" {
		suspect = "made by " + clean(maker)
	}
	if suspect == "" && h.camera && !h.other {
		suspect = "announces itself as a camera"
	}
	m.unsuspect(h)
	h.tries++
	switch {
	case h.learned > j.learned && h.tries <= mostNews:
		h.next = m.now.Add(newsAfter)
		m.waiting[h] = true
	case suspect == "":
		h.next = m.now.Add(strangerFor)
	default:
		h.suspect, h.login = suspect, r.Login == protocol.LoginMissing || r.Login == protocol.LoginWrong
		h.next = m.now.Add(doubled(suspectFirst, h.tries-1, suspectMost))
		m.suspect++
		m.waiting[h] = true
		m.limitSuspects()
	}
}

// doubled is a wait that doubles with each try, up to a limit.
func doubled(first time.Duration, times int, most time.Duration) time.Duration {
	return min(first<<min(max(times, 0), 20), most)
}

func (m *Machine) unsuspect(h *host) {
	if h.suspect != "" {
		m.suspect--
		h.suspect, h.login = "", false
	}
}

// limitSuspects lets the suspect that was unseen for longest go when there are too many.
func (m *Machine) limitSuspects() {
	for m.suspect > mostSuspects {
		var oldest *host
		for h := range m.waiting {
			if h.suspect != "" && (oldest == nil || h.seen.Before(oldest.seen) ||
				h.seen.Equal(oldest.seen) && h.ip < oldest.ip) {
				oldest = h
			}
		}
		if oldest == nil {
			return
		}
		m.dismiss(oldest, strangerFor)
		m.refuse("max_suspects", "")
	}
}

// dismiss leaves a host in peace for a while.
func (m *Machine) dismiss(h *host, d time.Duration) {
	m.unsuspect(h)
	delete(m.waiting, h)
	h.next = m.now.Add(d)
}
