package system

import (
	"sync"
	"sync/atomic"

	"wildfire-watch/protocol"
)

// watchers keeps the newest overview and hands each to whoever watches. The zero value has heard nothing.
type watchers struct {
	newest atomic.Pointer[protocol.Overview]
	mu     sync.Mutex // guards what follows, and orders the calls
	all    map[uint64]func(protocol.Overview)
	next   uint64
}

func (w *watchers) hear(msg any) {
	o, ok := msg.(protocol.Overview)
	if !ok {
		return
	}
	w.newest.Store(&o)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, see := range w.all {
		see(o)
	}
}

func (w *watchers) watch(see func(protocol.Overview)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = make(map[uint64]func(protocol.Overview))
	}
	w.next++
	number := w.next
	w.all[number] = see
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, number)
	}
}

// Overview is the newest picture of the house; ok is false before the first.
func (s *System) Overview() (o protocol.Overview, ok bool) {
	p := s.watchers.newest.Load()
	if p == nil {
		return o, false
	}
	return *p, true
}

// Watch has see called with every overview that comes, in order, until stop. see runs in the overview
// actor: it must not block, nor call stop. After stop has returned it is not called any more.
func (s *System) Watch(see func(protocol.Overview)) (stop func()) { return s.watchers.watch(see) }
