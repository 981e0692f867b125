package hosts

import (
	"net/netip"
	"time"

	"wildfire-watch/protocol/allowance"
	"wildfire-watch/protocol/arp"
)

// Bounds on what listening reports.
const (
	// quietTime is how long the same address of the same MAC is not reported again.
	quietTime = 30 * time.Second
	// macBurst is reports of one MAC at once, and macTime what one more takes: a host that has two
	// addresses, or a MAC that two hosts have, changes with every frame.
	macBurst = 4
	macTime  = 5 * time.Second
	// allBurst and allTime are the same for all of them. The answers to a sweep of a large network are
	// heard too, and must not use up what a move needs.
	allBurst = 1024
	allTime  = 20 * time.Millisecond
	// mostMACs are remembered.
	mostMACs = 4096
)

// speaker is what is remembered of one MAC: what was reported last.
type speaker struct {
	ip   netip.Addr
	at   time.Time
	left allowance.Bucket
}

// gate lets through what is news: a new MAC or another address at once, the same again after quietTime.
// It bounds how often, for each MAC and in all.
type gate struct {
	speakers map[arp.MAC]*speaker
	all      allowance.Bucket
}

func newGate() *gate { return &gate{speakers: make(map[arp.MAC]*speaker)} }

func (g *gate) news(h arp.Heard, now time.Time) bool {
	s := g.speakers[h.MAC]
	switch {
	case s == nil:
		if g.all.Take(now, allBurst, allTime) > 0 {
			return false
		}
		s = g.meet(h.MAC)
	case s.ip == h.IP && now.Sub(s.at) < quietTime:
		return false
	}
	known := s.ip.IsValid()
	if s.left.Take(now, macBurst, macTime) > 0 || known && g.all.Take(now, allBurst, allTime) > 0 {
		return false
	}
	s.ip, s.at = h.IP, now
	return true
}

// meet remembers a MAC; when there are too many, some other one is forgotten, which costs one report.
func (g *gate) meet(mac arp.MAC) *speaker {
	for m := range g.speakers {
		if len(g.speakers) < mostMACs {
			break
		}
		delete(g.speakers, m)
	}
	s := &speaker{}
	g.speakers[mac] = s
	return s
}
