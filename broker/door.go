package broker

import (
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// greeting is how long a connection may take until its first packet is whole, TLS included.
	greeting = 10 * time.Second
	// greetingBytes is what it may send before it is logged in.
	greetingBytes = 64 << 10
	// stall is how long one chunk may wait for a reader that does not read. The broker library
	// holds a client's lock while it writes to it, and takes the same lock when another client
	// publishes something for it: one hung reader would hold up a stop for everybody. So it is
	// cut off; whoever reads at all (64 KiB a second) is never met by it.
	stall = 250 * time.Millisecond
	chunk = 16 << 10
	// gulp is the most that is read at once, and breath how long one that sends too much waits.
	gulp   = 64 << 10
	breath = 10 * time.Millisecond
)

// door is where every connection comes in, by whichever listener: it bounds their number, in all and of
// one address, and how fast they come, and knows each of them, so that Close never waits for one. Our own
// are outside of every bound: no crowd can keep them out.
type door struct {
	refuse  func(refusal)
	arrival paces[string]   // by address
	all     paces[struct{}] // connections of all addresses but those that are shared
	heavy   paces[struct{}] // bytes of all that send much, once for each reader of all
	conduct conduct
	mu      sync.Mutex
	guests  map[*guest]struct{}
	waiting int            // not logged in, our own left out
	others  int            // all but our own
	readers int            // of them those that may read everything
	from    map[string]int // by address
	of      map[string]int // by user
	number  uint64         // of the newest
	served  sync.WaitGroup // the guests that somebody still serves
	closed  chan struct{}
	once    sync.Once
}

func newDoor(refuse func(refusal)) *door {
	return &door{refuse: refuse, guests: make(map[*guest]struct{}), from: make(map[string]int),
		of: make(map[string]int), closed: make(chan struct{}), arrival: paces[string]{most: maxAddresses},
		all: paces[struct{}]{most: 1}, heavy: paces[struct{}]{most: 1}}
}

// admit makes a guest of a connection, or says no with nil. Whoever admits a guest serves it.
func (d *door) admit(conn net.Conn, own bool) *guest {
	g := &guest{Conn: conn, door: d, own: own}
	if !own {
		g.address, g.local = addressOf(conn)
		if why := d.comes(g, time.Now()); why != "" {
			d.refuse(refusal{reason: why, address: g.address})
			return nil
		}
		if t, ok := conn.(*net.TCPConn); ok {
			_ = t.SetWriteBuffer(sendBuffer)
			_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true})
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(greeting))
	why, evicted := d.enter(g)
	if evicted != nil {
		d.refuse(refusal{reason: "no login", address: evicted.address})
		_ = evicted.Close()
	}
	if why != "" {
		d.refuse(refusal{reason: why, address: g.address})
		return nil
	}
	return g
}

// comes says why a connection is turned away before anything is done for it.
func (d *door) comes(g *guest, now time.Time) (why string) {
	switch {
	case d.conduct.away(g.address, now):
		return "conduct"
	case !d.arrival.allow(g.address, arrivalPace(g.local), 1, now):
		return "connect rate"
	case !shared(g.address) && !d.all.allow(struct{}{}, allArrivals, 1, now):
		return "connect rate"
	}
	return ""
}

// enter counts a guest in. Where too many wait to log in, the one that has waited longest goes.
func (d *door) enter(g *guest) (why string, evicted *guest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.closed:
		return "closed", nil
	default:
	}
	d.number++
	g.number = d.number
	if g.own {
		d.in(g)
		return "", nil
	}
	share := MaxFromOne
	if g.local {
		share = MaxClients
	}
	if d.from[g.address] >= share {
		return "connections of one address", nil
	}
	if d.waiting >= MaxWaiting {
		if evicted = d.oldest(); evicted != nil {
			d.leave(evicted)
		}
	}
	if d.others >= MaxClients {
		return "connections", evicted
	}
	d.in(g)
	d.others++
	d.waiting++
	g.waits = true
	d.from[g.address]++
	return "", evicted
}

// in counts a guest as one to be served. The lock is held, so that nobody comes in once shut has looked
// around: only then may shut wait.
func (d *door) in(g *guest) {
	d.guests[g] = struct{}{}
	d.served.Add(1)
}

// serve serves a guest to its end.
func (d *door) serve(f func()) {
	defer d.served.Done()
	f()
}

// oldest is the guest that has waited longest for its login.
func (d *door) oldest() (first *guest) {
	for g := range d.guests {
		if g.waits && (first == nil || g.number < first.number) {
			first = g
		}
	}
	return first
}

// leave counts a guest out, once. The lock is held.
func (d *door) leave(g *guest) {
	if _, in := d.guests[g]; !in {
		return
	}
	delete(d.guests, g)
	if g.own {
		return
	}
	d.others--
	if g.waits {
		d.waiting--
		d.conduct.strike(g.address, unheard, time.Now())
	}
	if g.reads {
		d.readers--
	}
	less(d.from, g.address)
	if g.user != "" {
		less(d.of, g.user)
	}
}

func less(count map[string]int, of string) {
	if count[of]--; count[of] <= 0 {
		delete(count, of)
	}
}

// welcome notes that a guest has logged in; false: its user has as many connections as one may have.
func (d *door) welcome(g *guest, user string, reads bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, in := d.guests[g]; !in || user != "" && d.of[user] >= MaxOfUser {
		return false
	}
	if g.waits {
		g.waits = false
		d.waiting--
	}
	if g.reads = reads; reads {
		d.readers++
	}
	if g.user = user; user != "" {
		d.of[user]++
	}
	return true
}

// slow holds up a guest that sends much while all together send too much. It stops reading, so that the
// sender waits, and costs nothing meanwhile. Who sends little is never held up.
func (d *door) slow(g *guest, n int) {
	if g.light.allow(lightly, float64(n), time.Now()) {
		return
	}
	for !d.heavy.allow(struct{}{}, heavily, float64(n*(1+d.crowd())), time.Now()) {
		select {
		case <-d.closed:
			return
		case <-time.After(breath):
		}
	}
}

// crowd is how many may read everything.
func (d *door) crowd() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readers
}

func (d *door) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.guests)
}

// inside are the guests there are.
func (d *door) inside() []*guest {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.guests))
}

// shut ends every connection, those that never said anything included, and waits until nobody is served.
func (d *door) shut() {
	d.once.Do(func() { close(d.closed) })
	for _, g := range d.inside() {
		_ = g.Close()
	}
	d.served.Wait()
}
