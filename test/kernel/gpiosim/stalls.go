package gpiosim

import (
	"sync"
	"testing"
	"time"
)

// Stalls notes when the whole guest stood still: its one processor is a thread of a machine that may
// have other work. What is promised in milliseconds is promised on a machine that has not.
type Stalls struct {
	mu             sync.Mutex
	longest, total time.Duration
}

// How often it is looked, and what is not yet a stall: the guest's own work.
const (
	look   = 2 * time.Millisecond
	normal = 2 * time.Millisecond
)

// WatchStalls looks until the end of the test.
func WatchStalls(t testing.TB) *Stalls {
	s := &Stalls{}
	tick := time.NewTicker(look)
	t.Cleanup(tick.Stop)
	go func() {
		for last := Now(); t.Context().Err() == nil; {
			<-tick.C
			now := Now()
			s.note(now - last - look)
			last = now
		}
	}()
	return s
}

func (s *Stalls) note(late time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.longest = max(s.longest, late)
	if late > normal {
		s.total += late
	}
}

// Since returns the longest stall since it was asked last, and all of them together.
func (s *Stalls) Since() (longest, total time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	longest, total = s.longest, s.total
	s.longest, s.total = 0, 0
	return longest, total
}
