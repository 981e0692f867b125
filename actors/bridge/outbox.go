package bridge

import (
	"sync"
	"time"
)

// Bounds of what waits for a broker.
const (
	MaxQueued   = 10_000 // events that wait (SPEC §4); the oldest go first, counted
	maxPassing  = 1024   // other messages between the actor and the connection
	maxRetained = 8192   // retained topics remembered for the next connection
)

// letter is one message on its way out; its topic is whole.
type letter struct {
	id       uint64
	topic    string
	payload  []byte
	qos      byte
	retained bool
	// expires is when it is worth nothing any more; zero: it passes now or never.
	expires time.Time
}

// outbox is what one connection has to send. It outlives connections and restarts of the actor.
// The actor puts in, the connection's goroutine takes out; neither waits for the other.
type outbox struct {
	mu      sync.Mutex
	wake    chan struct{} // one token: there is something to send
	open    bool          // a connection takes what is put in
	next    uint64
	queue   []letter // head first; sent one by one, taken off when acknowledged
	passing []letter // sent at once, dropped while away unless they expire later
	// states is the newest retained message of each topic, published anew at every connection:
	// a broker may have forgotten it.
	states  map[string]letter
	order   []string
	dropped uint64 // of queue
	missed  uint64 // of passing and states
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), states: make(map[string]letter)}
}

// enqueue keeps a letter until it is acknowledged. The oldest goes when there is no room.
func (o *outbox) enqueue(l letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) >= MaxQueued {
		o.queue[0] = letter{}
		o.queue = o.queue[1:]
		o.dropped++
	}
	o.next++
	l.id = o.next
	o.queue = append(o.queue, l)
	o.signal()
}

// pass sends a letter if there is a connection; a state is remembered either way.
func (o *outbox) pass(l letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.retained && !o.remember(l) {
		o.missed++
		return
	}
	if !o.open && (l.retained || l.expires.IsZero()) {
		if !l.retained {
			o.missed++
		}
		return
	}
	if len(o.passing) >= maxPassing {
		o.passing[0] = letter{}
		o.passing = o.passing[1:]
		o.missed++
	}
	o.passing = append(o.passing, l)
	o.signal()
}

func (o *outbox) remember(l letter) bool {
	_, known := o.states[l.topic]
	if !known {
		if len(o.states) >= maxRetained {
			return false
		}
		o.order = append(o.order, l.topic)
	}
	o.states[l.topic] = l
	return true
}

// connect opens the outbox for a new connection and returns the states to publish anew.
func (o *outbox) connect() []letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = true
	o.signal()
	all := make([]letter, 0, len(o.order))
	kept := o.order[:0]
	for _, topic := range o.order {
		l := o.states[topic]
		all = append(all, l)
		if len(l.payload) == 0 { // taken away: said once more, then forgotten
			delete(o.states, topic)
			continue
		}
		kept = append(kept, topic)
	}
	o.order = kept
	return all
}

// disconnect drops what only a live connection could carry.
func (o *outbox) disconnect() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = false
	kept := o.passing[:0]
	for _, l := range o.passing {
		switch {
		case !l.expires.IsZero():
			kept = append(kept, l)
		case !l.retained:
			o.missed++
		}
	}
	o.passing = kept
}

// takePassing takes everything that passes now; what has expired is dropped.
func (o *outbox) takePassing(now time.Time) []letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := o.passing
	o.passing = nil
	fresh := all[:0]
	for _, l := range all {
		if l.expires.IsZero() || now.Before(l.expires) {
			fresh = append(fresh, l)
		} else {
			o.missed++
		}
	}
	return fresh
}

// head is the oldest queued letter.
func (o *outbox) head() (letter, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return letter{}, false
	}
	return o.queue[0], true
}

// acknowledged takes a letter off the queue, if it has not been dropped meanwhile.
func (o *outbox) acknowledged(id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 || o.queue[0].id != id {
		return
	}
	o.queue[0] = letter{}
	if o.queue = o.queue[1:]; len(o.queue) == 0 {
		o.queue = nil // give a long outage's storage back
	}
}

// abandon drops the head for good.
func (o *outbox) abandon(id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) > 0 && o.queue[0].id == id {
		o.queue[0] = letter{}
		o.queue = o.queue[1:]
		o.dropped++
	}
}

func (o *outbox) figures() (waiting int, dropped, missed uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue), o.dropped, o.missed
}

// signal is called with the lock held.
func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
