package network

import (
	"net/netip"
	"testing"

	"wildfire-watch/protocol"
)

// TestOpenDoorsAreThoseOfWhoeverWasMetAtThem: the hardware at an address may change in the middle of a look
// around; what is told of its doors must not bring back the MAC that the sweep has seen before.
func TestOpenDoorsAreThoseOfWhoeverWasMetAtThem(t *testing.T) {
	const before, now = "2c:aa:8e:0a:00:11", "2c:aa:8e:0a:00:99"
	ip := netip.MustParseAddr("192.0.2.21")
	open := []protocol.Door{{Port: 554}}
	for _, c := range []struct {
		seen, met string
		doors     []protocol.Door
		want      string
	}{
		{before, now, open, now}, {before, now, nil, before}, {before, "", open, before}, {"", now, open, now},
		{"", now, nil, now}, {"", "", open, ""},
	} {
		var told []protocol.Sighting
		h := &seen{mac: c.seen}
		l := &look{hosts: map[netip.Addr]*seen{ip: h}, found: func(s protocol.Sighting) { told = append(told, s) }}
		l.meet(ip, c.doors, c.met)
		if h.mac != c.want || len(told) != len(c.doors) || len(told) > 0 && told[0].MAC != c.want {
			t.Errorf("seen as %q, met as %q with doors %v: %q, told %+v, want %q", c.seen, c.met, c.doors, h.mac, told, c.want)
		}
	}
}
