package announce

import (
	"net/netip"
	"sync"
	"time"

	"wildfire-watch/protocol"
)

const (
	// maxKnown is how many devices are remembered.
	maxKnown = 2048
	// When so many messages of one second have been dropped, each further one costs a brake, so that
	// a flood does not cost a processor: at most 1000 a second are read then from each socket. What
	// the kernel drops meanwhile is not counted.
	brakeAfter = 10000
	brake      = time.Millisecond
)

// reporter stands between the sockets and the one who wants to know: it lets so many messages a second
// in, and reports a device once for each change.
type reporter struct {
	client *Client
	found  func(protocol.Sighting)
	total  int           // messages a second
	keep   time.Duration // how long a device is known; 0: for good

	mu      sync.Mutex
	second  time.Time // when the second began in which the following is counted
	count   int
	refused int
	sources map[netip.Addr]int // at most total
	known   map[identity]knowledge
}

// identity is one device as it announces itself in one way.
type identity struct {
	ip, link, epr string
	means         protocol.Means
}

type knowledge struct {
	sighting protocol.Sighting
	since    time.Time
}

func newReporter(c *Client, found func(protocol.Sighting), total int, keep time.Duration) *reporter {
	return &reporter{client: c, found: found, total: total, keep: keep,
		sources: make(map[netip.Addr]int), known: make(map[identity]knowledge)}
}

// admit says whether one more message of this source may be read now.
func (r *reporter) admit(source netip.Addr, now time.Time) bool {
	ok, flooded := r.tally(source, now)
	if flooded {
		time.Sleep(brake)
	}
	return ok
}

func (r *reporter) tally(source netip.Addr, now time.Time) (ok, flooded bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.second) >= time.Second {
		r.second, r.count, r.refused = now, 0, 0
		clear(r.sources)
	}
	n := r.sources[source]
	if r.count >= r.total || n >= perSource {
		r.client.dropped.Add(1)
		r.refused++
		return false, r.refused > brakeAfter
	}
	r.count++
	r.sources[source] = n + 1
	return true, false
}

// report reports a sighting if it is news.
func (r *reporter) report(s protocol.Sighting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	who := identity{ip: s.IP, link: s.Link, epr: s.EPR, means: s.Means}
	k, ok := r.known[who]
	if ok && r.keep > 0 && s.At.Sub(k.since) >= r.keep {
		ok = false
	}
	if !ok {
		if len(r.known) >= maxKnown {
			clear(r.known) // at worst something is reported again
		}
		k = knowledge{since: s.At}
	}
	if ok {
		if s = merge(k.sighting, s); same(k.sighting, s) {
			return
		}
	}
	k.sighting = s
	r.known[who] = k
	r.found(s)
}
