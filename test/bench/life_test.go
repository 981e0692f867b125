package bench

import (
	"sync"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// beats keeps the longest time between two life signs.
type beats struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
	count   int
}

func (l *beats) alive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.last.IsZero() {
		l.longest = max(l.longest, now.Sub(l.last))
	}
	l.last = now
	l.count++
}

// begin forgets what was before.
func (l *beats) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.longest, l.count = 0, 0
}

// BenchmarkLifeSigns tells the longest time between two life signs of the circle pump, gpio actor,
// pump in ten seconds. Promised: one a beat (500 ms), and far less than gpio.deadman (2 s) between
// two of them. A trip ends the benchmark.
func BenchmarkLifeSigns(b *testing.B) {
	for _, c := range []struct {
		name string
		rate int
		slow time.Duration
	}{
		{"at-rest", 0, 0}, {"10000-detections", 10000, 0}, {"30000-detections", 30000, 0},
		{"board-takes-100ms", 0, 100 * time.Millisecond},
		{"board-takes-100ms-and-10000-detections", 10000, 100 * time.Millisecond},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b, c.rate > 0)
			r.until(protocol.Idle)
			r.slow.Store(int64(c.slow))
			end := func() {}
			if c.rate > 0 {
				end = flood(b, r, c.rate, 100)
			}
			time.Sleep(time.Second)
			r.beats.begin()
			time.Sleep(10 * time.Second)
			end()
			r.beats.mu.Lock()
			defer r.beats.mu.Unlock()
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(r.beats.longest.Microseconds())/1000, "longest-ms")
			b.ReportMetric(float64(r.beats.count), "signs")
		})
	}
}
