package actors

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// cell is an actor's address: what outlives a restart.
type cell struct {
	name    string
	number  int // in the order of spawning
	kind    Kind
	house   *House
	make    func() Actor
	box     *lanes
	stopped *signal
	slowest atomic.Int64
}

// send and stop go to the mailbox directly: by way of protoactor's registry, what comes too late
// would be a dead letter, a goroutine and a log line each. The mailbox counts it.
func (c *cell) send(msg any) { c.box.PostUserMessage(msg) }

// caughtUp is closed when everything before it has been handled.
type caughtUp chan struct{}

func (c *cell) stop() { c.box.PostSystemMessage(&actor.Stop{}) }

// signal is a latch that can be waited for.
type signal struct {
	once sync.Once
	done chan struct{}
}

func newSignal() *signal { return &signal{done: make(chan struct{})} }
func (s *signal) set()   { s.once.Do(func() { close(s.done) }) }

// shell is one instance: it turns protoactor's messages into the methods of an Actor.
type shell struct {
	cell    *cell
	actor   Actor
	context *Context
}

// Receive is protoactor's entry.
func (s *shell) Receive(pc actor.Context) {
	switch m := pc.Message().(type) {
	case *actor.Started:
		s.start()
	case *actor.Stopping:
		s.stop()
		s.context.end()
		s.cell.box.close()
	case *actor.Stopped:
		s.cell.house.forget(s.cell)
		s.cell.stopped.set()
	case *actor.Restarting:
		s.context.end()
	case fired:
		if s.context.accept(m) {
			s.timed(Fired{m.name})
		}
	case worked:
		if m.of == s.context {
			s.timed(m.result)
		}
	case caughtUp:
		close(m)
	case actor.AutoReceiveMessage, actor.SystemMessage:
	default:
		s.timed(m)
	}
}

func (s *shell) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.context = &Context{house: s.cell.house, self: Ref{s.cell}, ctx: ctx, cancel: cancel}
	s.actor = s.cell.make()
	s.actor.Started(s.context)
}

func (s *shell) timed(msg any) {
	start := time.Now()
	s.actor.Receive(s.context, msg)
	if took := int64(time.Since(start)); took > s.cell.slowest.Load() {
		s.cell.slowest.Store(took)
	}
}

// stop keeps a panic in Stopping from undoing the stop. In a critical actor it trips all the same:
// what it left undone may be a stop pulse.
func (s *shell) stop() {
	defer func() {
		if r := recover(); r != nil {
			s.cell.house.failed(s.context.self, r, debug.Stack())
		}
	}()
	if s.actor != nil { // nil if it could not be made
		s.actor.Stopping(s.context)
	}
}
