package lives

import (
	"sync"
	"testing"
	"time"

	"wildfire-watch/test/kernel/gpiosim"
)

// stalls notes when the whole guest stood still, as gpiosim.Stalls does, but looks ten times less
// often: a campaign lasts for minutes and has other use for the guest's processor.
type stalls struct {
	mu    sync.Mutex
	total time.Duration
}

const (
	look   = 20 * time.Millisecond
	normal = 5 * time.Millisecond
)

// watch looks until the end of the test.
func (s *stalls) watch(t testing.TB) {
	tick := time.NewTicker(look)
	t.Cleanup(tick.Stop)
	go func() {
		for last := gpiosim.Now(); t.Context().Err() == nil; {
			<-tick.C
			now := gpiosim.Now()
			if late := now - last - look; late > normal {
				s.mu.Lock()
				s.total += late
				s.mu.Unlock()
			}
			last = now
		}
	}()
}

// since returns all stalls since it was asked last.
func (s *stalls) since() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := s.total
	s.total = 0
	return total
}
