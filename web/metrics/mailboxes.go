package metrics

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Mailbox is one actor's figures.
type Mailbox struct {
	Name, Kind string
	Depth      int           // messages waiting now
	HighWater  int           // the most that ever waited
	Received   uint64        // taken in
	Dropped    uint64        // bulk dropped for want of room
	Late       uint64        // came after the stop
	Slowest    time.Duration // the longest single message
	Oldest     time.Duration // how long the oldest that waits now has waited
	Waited     time.Duration // the longest that one ever waited
}

// kindFigures adds up the actors of one kind.
type kindFigures struct {
	kind                     string
	actors, depth, highWater int
	received, dropped, late  uint64
	slowest, oldest, waited  time.Duration
}

// kinds remembers the counters of actors that are gone: a sum over those who live falls when one
// leaves, and Prometheus takes a counter that falls for one that began anew.
type kinds struct {
	mu   sync.Mutex // scrapes may overlap
	last map[string]Mailbox
	gone map[string]Mailbox // by kind
}

// maxKinds bounds the label; kinds are constants of ours.
const maxKinds = 64

func (k *kinds) sum(all []Mailbox) []kindFigures {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.retire(all)
	sums := make(map[string]kindFigures)
	for kind, m := range k.gone {
		sums[kind] = kindFigures{received: m.Received, dropped: m.Dropped, late: m.Late}
	}
	for _, m := range all {
		kind := k.kind(m)
		s := sums[kind]
		s.actors++
		s.depth += m.Depth
		s.highWater = max(s.highWater, m.HighWater)
		s.received, s.dropped, s.late = s.received+m.Received, s.dropped+m.Dropped, s.late+m.Late
		s.slowest, s.oldest, s.waited = max(s.slowest, m.Slowest), max(s.oldest, m.Oldest), max(s.waited, m.Waited)
		sums[kind] = s
	}
	for kind, s := range sums {
		s.kind = kind
		sums[kind] = s
	}
	return slices.SortedFunc(maps.Values(sums),
		func(a, b kindFigures) int { return cmp.Compare(a.kind, b.kind) })
}

// retire takes over what those who have left since the last scrape had counted. One that has the name
// of an older one counts from zero.
func (k *kinds) retire(all []Mailbox) {
	now := make(map[string]Mailbox, len(all))
	for _, m := range all {
		now[m.Name] = m
	}
	if k.gone == nil {
		k.gone = make(map[string]Mailbox)
	}
	for name, before := range k.last {
		if m, lives := now[name]; lives && m.Received >= before.Received {
			continue
		}
		kind := k.kind(before)
		g := k.gone[kind]
		g.Received, g.Dropped, g.Late = g.Received+before.Received, g.Dropped+before.Dropped, g.Late+before.Late
		k.gone[kind] = g
	}
	for _, m := range all {
		k.gone[k.kind(m)] = k.gone[k.kind(m)] // every kind that ever was
	}
	k.last = now
}

func (k *kinds) kind(m Mailbox) string {
	kind := label(m.Kind)
	if kind == "" {
		kind = label(m.Name)
	}
	if _, known := k.gone[kind]; !known && len(k.gone) >= maxKinds {
		return other
	}
	return kind
}
