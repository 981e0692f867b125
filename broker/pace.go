package broker

import (
	"sync"
	"time"
)

// pace is a token bucket's shape: so many a second, and so many at once after a rest.
type pace struct{ rate, burst float64 }

// Paces. What is charged for a packet stands at cost.
var (
	arrivals      = pace{10, 60}   // connections of one address
	localArrivals = pace{200, 400} // and of this machine
	allArrivals   = pace{50, 150}  // and of all the network
	logins        = pace{1, 10}    // passwords that are looked at, of one address
	allLogins     = pace{2, 8}     // and of all together: each is 50 to 100 ms of a processor
	// suspectLogins is for all together that have misbehaved lately: they take nobody else's. Each look
	// holds a processor, and 19 MiB that have to be collected: in less than one in a hundred moments.
	suspectLogins = pace{0.1, 3}
	publishing    = pace{2000, 12_000}
	localPublish  = pace{100_000, 200_000}
	ordering      = pace{10, 40} // orders have their own: a client's flood never eats its stop
	subscribing   = pace{20, 600}
	lightly       = pace{64 << 10, 512 << 10} // bytes of one client that it is never held up for
	heavily       = pace{4 << 20, 16 << 20}   // bytes of all that send more, once for each that reads all: it gets them too
)

// tooFar is how many seconds' worth of its rate a client may send in vain before it is sent away.
const tooFar = 10

func arrivalPace(local bool) pace {
	if local {
		return localArrivals
	}
	return arrivals
}

// bucket is a token bucket. The zero value is full.
type bucket struct {
	used float64
	at   time.Time
}

// allow takes n, or says no and takes nothing.
func (b *bucket) allow(p pace, n float64, now time.Time) bool {
	if !b.at.IsZero() {
		b.used = max(0, b.used-p.rate*now.Sub(b.at).Seconds())
	}
	b.at = now
	if b.used+n > p.burst {
		return false
	}
	b.used += n
	return true
}

// paces are buckets by who they are of; at most so many, and whoever comes beyond shares one.
type paces[K comparable] struct {
	most   int
	mu     sync.Mutex
	of     map[K]*bucket
	common bucket
}

func (s *paces[K]) allow(who K, p pace, n float64, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = make(map[K]*bucket)
	}
	b := s.of[who]
	if b == nil && len(s.of) >= s.most {
		s.forget(p, now)
	}
	switch {
	case b != nil:
	case len(s.of) >= s.most:
		b = &s.common
	default:
		b = new(bucket)
		s.of[who] = b
	}
	return b.allow(p, n, now)
}

// forget drops the buckets that are full again.
func (s *paces[K]) forget(p pace, now time.Time) {
	for who, b := range s.of {
		if b.used <= p.rate*now.Sub(b.at).Seconds() {
			delete(s.of, who)
		}
	}
}

// manners is how fast one client publishes, orders and subscribes.
type manners struct{ publish, order, subscribe, vain bucket }

// cost is what a message is charged: one, and one more for every 4 KiB.
func cost(bytes int) float64 { return 1 + float64(bytes/4096) }

// published says whether a message may pass; away: the client is far beyond and has to go.
func (m *manners) published(local bool, bytes int, now time.Time) (ok, away bool) {
	p, n := publishing, cost(bytes)
	if local {
		p, n = localPublish, 1
	}
	if m.publish.allow(p, n, now) {
		return true, false
	}
	return false, !m.vain.allow(pace{p.rate, tooFar * p.rate}, n, now)
}
