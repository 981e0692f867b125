package actors

import (
	"runtime"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// lane numbers in the order of service.
const (
	laneUrgent = iota
	laneControl
	laneBulk
	numLanes
)

// lanes is our mailbox: one mutex, four queues. System messages first, then urgent, control and
// bulk; only bulk is bounded. The mutex is held for a push or a pop, never while a message is
// handled.
type lanes struct {
	mu        sync.Mutex
	system    ring
	user      [numLanes]ring
	bulkLimit int
	running   bool
	suspended bool
	closed    bool
	figures   Figures

	invoker    actor.MessageInvoker
	dispatcher actor.Dispatcher
}

var _ actor.Mailbox = (*lanes)(nil)

func newLanes(bulkLimit int) *lanes {
	if bulkLimit <= 0 {
		bulkLimit = DefaultBulkLimit
	}
	return &lanes{bulkLimit: bulkLimit}
}

func laneOf(msg any) int {
	if w, ok := msg.(worked); ok {
		msg = w.result
	}
	if m, ok := msg.(Urgent); ok && m.Urgent() {
		return laneUrgent
	}
	if m, ok := msg.(Bulk); ok && m.Bulk() {
		return laneBulk
	}
	return laneControl
}

// PostUserMessage queues msg in its lane. It never blocks.
func (b *lanes) PostUserMessage(msg any) {
	if msg == nil {
		return
	}
	lane := laneOf(actor.UnwrapEnvelopeMessage(msg))
	b.mu.Lock()
	if b.closed {
		b.figures.Late++
		b.mu.Unlock()
		return
	}
	q := &b.user[lane]
	if lane == laneBulk && q.len() >= b.bulkLimit {
		q.pop()
		b.figures.Dropped++
	}
	q.push(msg)
	b.figures.Received++
	b.figures.HighWater = max(b.figures.HighWater, b.depth())
	b.schedule()
}

// PostSystemMessage queues a message of protoactor's own, ahead of everything else.
func (b *lanes) PostSystemMessage(msg any) {
	b.mu.Lock()
	b.system.push(msg)
	b.schedule()
}

// schedule starts the loop if it is not running. It is called with the mutex held and releases it.
func (b *lanes) schedule() {
	start := !b.running
	b.running = true
	b.mu.Unlock()
	if start {
		b.dispatcher.Schedule(b.process)
	}
}

// process runs until the mailbox is empty or suspended; a panicking message is escalated and the
// loop goes on with the next.
func (b *lanes) process() {
	for !b.run() {
	}
}

func (b *lanes) run() (done bool) {
	var msg any
	defer func() {
		if r := recover(); r != nil {
			b.invoker.EscalateFailure(r, msg)
		}
	}()
	for i := 0; ; i++ {
		if i > b.dispatcher.Throughput() {
			i = 0
			runtime.Gosched()
		}
		var system, ok bool
		if msg, system, ok = b.next(); !ok {
			return true
		}
		if system {
			b.invoker.InvokeSystemMessage(msg)
		} else {
			b.invoker.InvokeUserMessage(msg)
		}
	}
}

// next takes the message to handle now, or marks the mailbox idle.
func (b *lanes) next() (msg any, system, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.system.len() > 0 {
		switch m := b.system.pop().(type) {
		case *actor.SuspendMailbox:
			b.suspended = true
		case *actor.ResumeMailbox:
			b.suspended = false
		default:
			return m, true, true
		}
	}
	if !b.suspended {
		for lane := range b.user {
			if q := &b.user[lane]; q.len() > 0 {
				b.figures.Waited = max(b.figures.Waited, q.waited(clock()))
				return q.pop(), false, true
			}
		}
	}
	b.running = false
	return nil, false, false
}

// close drops what waits and refuses what comes.
func (b *lanes) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for lane := range b.user {
		b.user[lane] = ring{}
	}
}

func (b *lanes) depth() int {
	return b.user[laneUrgent].len() + b.user[laneControl].len() + b.user[laneBulk].len()
}

// Start is part of actor.Mailbox; there is nothing to start.
func (b *lanes) Start() {}

// RegisterHandlers is part of actor.Mailbox.
func (b *lanes) RegisterHandlers(i actor.MessageInvoker, d actor.Dispatcher) {
	b.invoker, b.dispatcher = i, d
}

// UserMessageCount is how many messages wait in the three user lanes.
func (b *lanes) UserMessageCount() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.depth()
}

func (b *lanes) snapshot() Figures {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, now := b.figures, clock()
	f.Depth = b.depth()
	for lane := range b.user {
		f.Oldest = max(f.Oldest, b.user[lane].waited(now))
	}
	return f
}

// begun is what the mailboxes' clock counts from: a stamp is 8 bytes and not 24.
var begun = time.Now()

// clock is monotonic.
func clock() time.Duration { return time.Since(begun) }

// waiting is a message and when it came.
type waiting struct {
	msg any
	at  time.Duration // by clock
}

// ring is a queue that keeps its storage; a popped slot is cleared so that nothing is held alive.
type ring struct {
	slots []waiting
	head  int
	count int
}

// ringRest is the size above which an emptied ring gives its storage back after a flood.
const ringRest = 4096

func (r *ring) len() int { return r.count }

// waited is how long the oldest has waited; 0 if nothing waits.
func (r *ring) waited(now time.Duration) time.Duration {
	if r.count == 0 {
		return 0
	}
	return now - r.slots[r.head].at
}

func (r *ring) push(v any) {
	if r.count == len(r.slots) {
		grown := make([]waiting, max(8, 2*len(r.slots)))
		n := copy(grown, r.slots[r.head:])
		copy(grown[n:], r.slots[:r.head])
		r.slots, r.head = grown, 0
	}
	r.slots[(r.head+r.count)%len(r.slots)] = waiting{v, clock()}
	r.count++
}

func (r *ring) pop() any {
	v := r.slots[r.head].msg
	r.slots[r.head] = waiting{}
	r.head = (r.head + 1) % len(r.slots)
	r.count--
	if r.count == 0 && len(r.slots) > ringRest {
		*r = ring{}
	}
	return v
}
