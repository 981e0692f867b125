package discovery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wildfire-watch/protocol"
)

// Marks are what tells one device from another, the strongest first: the MAC of its frames, the MACs
// that it reports, WS-Discovery's endpoint address, maker and serial number. An IP is none: it is what
// a camera is called by until something better is known.

// compare counts the marks, frame MACs apart, in which a camera and an interviewed host agree, and
// those in which they differ. A mark that one of them lacks is neither.
func (c *camera) compare(h *host, r protocol.Interviewed) (agree, differ int) {
	count := func(known, same bool) {
		switch {
		case known && same:
			agree++
		case known:
			differ++
		}
	}
	epr := usefulEPR(h.epr)
	count(epr != "" && usefulEPR(c.epr) != "", epr == c.epr)
	serial := usefulSerial(r.Serial)
	count(serial != "" && usefulSerial(c.serial) != "", serial == usefulSerial(c.serial) &&
		strings.EqualFold(clean(r.Manufacturer), c.manufacturer))
	own := plausible(r.MACs)
	count(len(own) > 0 && len(c.own) > 0, slices.ContainsFunc(own, func(mac string) bool {
		return slices.Contains(c.own, mac)
	}))
	return agree, differ
}

// usefulEPR is an endpoint address that can be one device's.
func usefulEPR(epr string) string {
	id := strings.TrimPrefix(epr, "urn:uuid:")
	if strings.Trim(id, "0-") == "" {
		return ""
	}
	return epr
}

// usefulSerial is a serial number that can be one device's; many firmwares have none, or say where they
// listen.
func usefulSerial(s string) string {
	s = clean(s)
	if host, port, ok := strings.Cut(s, ":"); ok && strings.IndexByte(port, ':') < 0 {
		if _, err := strconv.ParseUint(port, 10, 16); err == nil && host != "" {
			return ""
		}
	}
	switch low := strings.ToLower(s); {
	case len(s) < 4, strings.Trim(s, "0-. :") == "", low == "unknown", low == "none", low == "null",
		strings.HasPrefix("1234567890abcdef", low):
		return ""
	}
	return s
}

// identify finds out which camera a host is that has proved to be one.
func (m *Machine) identify(h *host, r protocol.Interviewed) {
	if c := m.at[h.ip]; c != nil {
		m.learn(c, h, r)
		return
	}
	c, twoCards := m.match(h, r)
	switch {
	case c == nil:
		m.create(h, r)
	case twoCards && !c.displaced && c.online:
		m.adopt(c, h)
	default:
		m.contend(c, h, true, &r)
	}
}

// match finds the camera whose marks a host bears. Where both have a MAC of their frames to themselves,
// that decides alone: but for one device with two cards, each of which reports both.
func (m *Machine) match(h *host, r protocol.Interviewed) (found *camera, twoCards bool) {
	framed := h.mac != "" && !m.shared[h.mac]
	if c := m.byMAC(h.mac); c != nil {
		return c, false
	}
	own := plausible(r.MACs)
	for _, c := range m.order {
		if framed && c.mac != "" && !m.shared[c.mac] {
			if slices.Contains(c.own, h.mac) && slices.Contains(c.own, c.mac) &&
				slices.Contains(own, c.mac) && slices.Contains(own, h.mac) {
				return c, true
			}
			continue
		}
		if agree, differ := c.compare(h, r); agree > 0 && differ == 0 {
			return c, false
		}
	}
	return nil, false
}

// keyFor is the key of a new camera: the strongest mark that is not another's.
func (m *Machine) keyFor(h *host, r protocol.Interviewed) string {
	var keys []string
	if h.mac != "" && !m.shared[h.mac] {
		keys = append(keys, h.mac)
	}
	for _, mac := range plausible(r.MACs) {
		if mac != h.mac {
			keys = append(keys, mac)
		}
	}
	if epr := usefulEPR(h.epr); epr != "" {
		keys = append(keys, epr)
	}
	if serial := usefulSerial(r.Serial); serial != "" {
		keys = append(keys, "serial:"+clean(r.Manufacturer)+"/"+serial)
	}
	if h.mac != "" {
		keys = append(keys, h.mac+"@"+h.ip)
	}
	keys = append(keys, h.ip, fmt.Sprintf("%s#%d", h.ip, m.ordinal))
	return keys[slices.IndexFunc(keys, func(key string) bool {
		return m.cameras[key] == nil && m.byMAC(key) == nil
	})]
}
