package discovery

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// A MAC that goes back and forth at one address is two devices with that address.
const (
	flipsWithin = 10 * time.Minute
	mostFlips   = 3
	firstHand   = time.Minute // so long the kernel's table does not contradict what was seen
)

// sighted takes in one sign that a host is there.
func (m *Machine) sighted(s protocol.Sighting) {
	ip, ok := protocol.ParseHostIP(s.IP)
	if !ok || strings.Contains(ip, ":") { // cameras are known by IPv4: IPv6 would be a second address of each
		m.refuse("address", "")
		return
	}
	mac, _ := protocol.ParseDeviceMAC(s.MAC)
	h := m.hostAt(ip)
	if mac != "" && mac != h.mac && !m.flip(h, mac, s.Means) {
		return
	}
	h.seen = m.now
	if mac != "" {
		h.macSeen = m.now
		if s.Means != protocol.ByNeighbours {
			h.macAt = m.now
		}
	}
	m.note(h, s)
	c := m.at[ip]
	switch {
	case s.Gone:
		if c != nil {
			c.hasten(m) // anybody can say it: the camera is asked, not believed
		}
	case c != nil:
		m.present(c, h, s.Means != protocol.ByNeighbours)
	default:
		m.place(h, s.Means)
	}
}

// flip notes that an address has another MAC than before; false if that is not to be believed now.
func (m *Machine) flip(h *host, mac string, means protocol.Means) bool {
	if h.mac == "" {
		h.mac = mac
		m.unlock(h)
		return true
	}
	if means == protocol.ByNeighbours && m.now.Sub(h.macAt) < firstHand {
		return false
	}
	h.flips = slices.DeleteFunc(h.flips, func(t time.Time) bool { return m.now.Sub(t) >= flipsWithin })
	if len(h.flips) >= mostFlips {
		m.clash(fmt.Sprintf("%s is claimed by %s and %s: give one of them another address", h.ip,
			min(h.mac, mac), max(h.mac, mac)), flipsWithin)
		h.rival = mac
		c := m.byMAC(mac)
		answered := means == "" && m.at[h.ip] == nil // it is who we reach there, so let it say who it is
		if (c == nil || !c.displaced || c.ip != h.ip) && !answered {
			return false
		}
		h.rival = h.mac
	} else {
		h.flips = append(h.flips, m.now)
	}
	switch c := m.at[h.ip]; {
	case c == nil:
	case c.ip != h.ip:
		c.also = slices.DeleteFunc(c.also, func(also string) bool { return also == h.ip })
		delete(m.at, h.ip)
		m.changed(c)
	case c.mac != "":
		m.displace(c, mac)
	}
	m.anew(h, mac)
	return true
}

// unlock asks a host anew whose MAC has become known, if a login is bound to that.
func (m *Machine) unlock(h *host) {
	if !m.books.bound("", h.mac) {
		return
	}
	h.learned++
	h.next, m.stale = time.Time{}, true
	if c := m.at[h.ip]; c != nil && (c.login == protocol.LoginMissing || c.login == protocol.LoginWrong) {
		c.renew = m.now
	}
}

// byMAC is the camera with that MAC, if it is one device's alone.
func (m *Machine) byMAC(mac string) *camera {
	if mac == "" || m.shared[mac] {
		return nil
	}
	if c := m.cameras[mac]; c != nil {
		return c
	}
	for _, c := range m.order {
		if c.mac == mac {
			return c
		}
	}
	return nil
}

// present notes a sighting of a camera where it is known to be, first hand or not. One that does not
// answer at its first address is asked at a further one.
func (m *Machine) present(c *camera, h *host, firm bool) {
	m.mark(c, h)
	if c.ip != h.ip && firm && (c.lost > 0 || !c.online) {
		m.move(c, h.ip)
		return
	}
	if c.mac == "" && h.mac != "" && !m.shared[h.mac] {
		m.settle(c, h.mac)
	}
	if c.lost > 0 || !c.online {
		c.hasten(m)
	}
}

// place finds out whose an address is that is no camera's so far.
func (m *Machine) place(h *host, means protocol.Means) {
	if c := m.byMAC(h.mac); c != nil {
		m.contend(c, h, means != protocol.ByNeighbours, nil)
		return
	}
	m.consider(h)
}

// settle gives a camera that was known without one the MAC of its frames. One that was known by that
// MAC and is missing is the same camera; if it is not missing, several devices share the MAC.
func (m *Machine) settle(c *camera, mac string) {
	other := m.byMAC(mac)
	switch {
	case other == nil, other == c:
		c.mac = mac
		m.rekey(c, mac)
	case other.displaced || other.lost > 0 || !other.online:
		ip, names := c.ip, append(slices.Clone(c.aliases), c.name)
		m.forget(c)
		other.call(names...)
		m.move(other, ip)
	default:
		m.share(mac)
	}
}

// rekey gives a camera its final key.
func (m *Machine) rekey(c *camera, key string) {
	if c.key == key {
		m.stale = true
		return
	}
	m.withdraw(c)
	delete(m.cameras, c.key)
	c.key, c.job = key, 0
	m.cameras[key] = c
	c.plan(m)
	m.renamed = true
	m.changed(c)
}

// share notes that several devices were seen behind one MAC at one time.
func (m *Machine) share(mac string) {
	if mac != "" && len(m.shared) < mostShared {
		m.shared[mac] = true
	}
}

// unshare gives a MAC that was seen at one address only for two full scans back to the device that has it.
func (m *Machine) unshare() {
	if len(m.shared) == 0 {
		return
	}
	addresses := make(map[string]int)
	for _, h := range m.hosts {
		if m.shared[h.mac] && m.now.Sub(h.macSeen) < 2*m.rules.Steady {
			addresses[h.mac]++
		}
	}
	for mac := range m.shared {
		if addresses[mac] <= 1 {
			delete(m.shared, mac)
		}
	}
}

// move gives a camera the address at which it was found. It stays the same camera: name, history and
// streams go with it.
func (m *Machine) move(c *camera, ip string) {
	if other := m.at[ip]; other != nil && other != c {
		m.displace(other, c.key)
	}
	old, lost := c.ip, c.displaced
	if m.at[old] == c {
		delete(m.at, old)
	}
	c.also = slices.DeleteFunc(c.also, func(also string) bool { return also == ip })
	c.ip, c.displaced, c.contest, c.job = ip, false, nil, 0
	m.at[ip] = c
	for i := range c.streams {
		c.streams[i].URL = rehost(c.streams[i].URL, ip)
	}
	c.xaddr = rehost(c.xaddr, ip)
	h := m.hostAt(ip)
	m.dismiss(h, 0)
	m.mark(c, h)
	c.lost = 0
	c.due, c.renew, c.renewals = m.now, m.now, 0
	m.renamed = true
	m.changed(c)
	if old == ip {
		if lost {
			m.status(c, "ip_changed", "its address is its own again", old)
		}
		return
	}
	m.status(c, "ip_changed", "found at another address", old)
	m.happened(protocol.CameraMoved, c, "", map[string]any{"old_ip": old})
}

// displace takes from a camera the address at which another device was found: it is missing.
func (m *Machine) displace(c *camera, by string) {
	for ip, other := range m.at {
		if other == c {
			delete(m.at, ip)
		}
	}
	c.also, c.displaced, c.job = nil, true, 0
	m.renamed = true
	m.changed(c)
	m.missing(c)
	m.happened(protocol.CameraReplaced, c, "another device has its address", map[string]any{"by": by})
}
