package actors

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"
)

// Options is what a house is made of. Zero fields get working defaults.
type Options struct {
	Log   *zap.Logger
	Clock Clock
	// Route sends a published message to everyone who hears it. It runs on the publisher's
	// goroutine and may only Send.
	Route func(msg any)
	// Trip is called on the failing goroutine when a critical actor panics: outputs safe, at
	// once, without any mailbox. It must not panic.
	Trip func(who string, reason any, stack []byte)
}

// House is one system of actors.
type House struct {
	system *actor.ActorSystem
	log    *zap.Logger
	clock  Clock
	trip   func(string, any, []byte)
	route  atomic.Pointer[func(any)]
	guard  *guardian

	mu      sync.Mutex // guards what follows, which is touched at spawn and stop only
	cells   map[string]*cell
	spawned int
}

// NewHouse makes an empty house. It starts no goroutine.
func NewHouse(o Options) *House {
	h := &House{log: o.Log, clock: o.Clock, trip: o.Trip, cells: make(map[string]*cell)}
	if h.log == nil {
		h.log = zap.NewNop()
	}
	if h.clock == nil {
		h.clock = SystemClock{}
	}
	if h.trip == nil {
		h.trip = func(string, any, []byte) {}
	}
	h.SetRoute(o.Route)
	h.guard = &guardian{house: h}
	h.system = actor.NewActorSystem(actor.WithLoggerFactory(logFactory(h.log)))
	oneBucket(h.system)
	return h
}

// SetRoute replaces the routes. Call it before anybody publishes.
func (h *House) SetRoute(route func(msg any)) {
	if route == nil {
		route = func(any) {}
	}
	h.route.Store(&route)
}

// Publish hands msg to everyone who hears it; for callers that are not actors.
func (h *House) Publish(msg any) {
	if msg != nil {
		(*h.route.Load())(msg)
	}
}

// Spawn starts an actor. make is called for the first instance and, if the kind is not critical,
// again after a panic. A name that is taken is an error.
func (h *House) Spawn(name string, k Kind, make func() Actor) (Ref, error) {
	c := &cell{name: name, kind: k, house: h, make: make, box: newLanes(k.BulkLimit)}
	c.stopped = newSignal()
	props := actor.PropsFromProducer(func() actor.Actor { return &shell{cell: c} },
		actor.WithMailbox(func() actor.Mailbox { return c.box }),
		actor.WithGuardian(h.guard))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cells[name] != nil {
		return Ref{}, fmt.Errorf("spawn actor %s: the name is taken", name)
	}
	if _, err := h.system.Root.SpawnNamed(props, name); err != nil {
		return Ref{}, fmt.Errorf("spawn actor %s: %w", name, err)
	}
	h.spawned++
	c.number = h.spawned
	h.cells[name] = c
	return Ref{c}, nil
}

// Stop stops one actor and waits until its Stopping has returned or ctx ends; what it still has in
// its mailbox is gone. Stopping an actor that has stopped is no mistake. An actor must not stop
// itself this way: it would wait for itself.
func (h *House) Stop(ctx context.Context, r Ref) error {
	if r.cell == nil {
		return nil
	}
	r.cell.stop()
	select {
	case <-r.cell.stopped.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop actor %s: %w", r.cell.name, ctx.Err())
	}
}

// CatchUp waits until r has handled what was sent to it before, bulk apart, or ctx ends. Nobody sends
// it more meanwhile: that is the caller's to know. An actor that has stopped has caught up.
func (h *House) CatchUp(ctx context.Context, r Ref) error {
	if r.cell == nil {
		return nil
	}
	reached := make(caughtUp)
	r.cell.send(reached)
	select {
	case <-reached:
		return nil
	case <-r.cell.stopped.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("let actor %s catch up: %w", r.cell.name, ctx.Err())
	}
}

// StopAll stops every actor, the youngest first, and those that are spawned meanwhile. The first
// error is returned, all are told to stop.
func (h *House) StopAll(ctx context.Context) error {
	var first error
	for pass := 0; ; pass++ {
		cells := h.living()
		if len(cells) == 0 || pass > 0 && ctx.Err() != nil {
			return first
		}
		for _, c := range slices.Backward(cells) {
			if err := h.Stop(ctx, Ref{c}); err != nil && first == nil {
				first = err
			}
			h.forget(c) // one that hangs in its Receive is left behind
		}
	}
}

// living lists the actors in the order of their spawning.
func (h *House) living() []*cell {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.SortedFunc(maps.Values(h.cells), func(a, b *cell) int { return a.number - b.number })
}

func (h *House) forget(c *cell) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cells[c.name] == c {
		delete(h.cells, c.name)
	}
}

// Figures are one actor's mailbox figures.
type Figures struct {
	Name      string
	Kind      string
	Depth     int           // messages waiting now
	HighWater int           // the most that ever waited
	Received  uint64        // messages taken in
	Dropped   uint64        // bulk messages dropped for want of room
	Late      uint64        // messages that came after the stop
	Slowest   time.Duration // the longest single Receive
	Oldest    time.Duration // how long the oldest message that waits now has waited
	Waited    time.Duration // the longest that a message has waited before it was handled
}

// Figures returns the mailbox figures of every living actor.
func (h *House) Figures() []Figures {
	cells := h.living()
	all := make([]Figures, 0, len(cells))
	for _, c := range cells {
		f := c.box.snapshot()
		f.Name, f.Kind = c.name, c.kind.Name
		f.Slowest = time.Duration(c.slowest.Load())
		all = append(all, f)
	}
	return all
}
