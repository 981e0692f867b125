package auth

import (
	"net/netip"
	"sync"
	"time"
)

// brake slows down guessing: after some failures within a minute nothing from that address is looked at
// for a while. The zero value is ready.
type brake struct {
	mu    sync.Mutex
	tried map[netip.Prefix]tries
}

type tries struct {
	count int
	since time.Time // the first of them
	until time.Time // nothing is looked at before; zero: it is
}

const (
	mostFailures = 5
	failureTime  = time.Minute
	pauseTime    = 30 * time.Second
	maxAddresses = 1024
)

// network is what one guesser has for himself: an IPv4 address, or the /64 of an IPv6 one.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an invalid address is one of its own
	return p
}

// paused is how long nothing from there is looked at.
func (b *brake) paused(from netip.Addr, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, b.tried[network(from)].until.Sub(now))
}

// try counts an attempt, as a failure until it is forgiven; wait is how long nothing is looked at.
func (b *brake) try(from netip.Addr, now time.Time) (wait time.Duration) {
	key := network(from)
	b.mu.Lock()
	defer b.mu.Unlock()
	t, known := b.tried[key]
	switch {
	case now.Before(t.until):
		return t.until.Sub(now)
	case !t.until.IsZero() || now.Sub(t.since) > failureTime:
		t = tries{since: now}
	}
	if t.count++; t.count > mostFailures {
		t.until = now.Add(pauseTime)
		wait = pauseTime
	}
	if b.tried == nil {
		b.tried = make(map[netip.Prefix]tries)
	}
	if !known && len(b.tried) >= maxAddresses {
		b.dropOldest()
	}
	b.tried[key] = t
	return wait
}

// forgive takes back the attempt that was none.
func (b *brake) forgive(from netip.Addr) {
	key := network(from)
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, ok := b.tried[key]; ok && t.count > 0 && t.until.IsZero() {
		t.count--
		b.tried[key] = t
	}
}

func (b *brake) dropOldest() {
	var oldest netip.Prefix
	var since time.Time
	for key, t := range b.tried {
		if since.IsZero() || t.since.Before(since) {
			oldest, since = key, t.since
		}
	}
	delete(b.tried, oldest)
}
