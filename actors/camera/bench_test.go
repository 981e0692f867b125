package camera

import (
	"fmt"
	"math"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// BenchmarkSample is the cost of one sample in order, verdict and next deadline included, with so
// many samples in the window.
func BenchmarkSample(b *testing.B) {
	for _, n := range []int{6, 36, 600} {
		b.Run(fmt.Sprintf("window=%d", n), func(b *testing.B) { benchmarkSamples(b, n, 2*n, 0) })
		b.Run(fmt.Sprintf("window=%d,stamped=300ms", n), func(b *testing.B) {
			benchmarkSamples(b, n, 2*n, 300*time.Millisecond)
		})
	}
	b.Run("flood,bound=600", func(b *testing.B) { benchmarkSamples(b, 3000, 600, 0) })
}

func benchmarkSamples(b *testing.B, n, bound int, age time.Duration) {
	c := standard()
	c.MaxSamples = bound
	step := c.Window / time.Duration(n)
	m := New(c, "north", start)
	now := start
	sighting := func(i int) {
		now = now.Add(step)
		wall := now.Add(time.Hour)
		m.Detected(protocol.Detected{Camera: "north", Label: "fire", Object: "a", Confidence: 0.9,
			Area: 0.05 + 0.03*math.Sin(float64(i)*1.7), Arrived: now, Wall: wall,
			Stamp: wall.Add(-age)}, now)
		m.Verdict(now)
		m.Until(now)
	}
	for i := range 3 * n {
		sighting(i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		sighting(i)
	}
}

// BenchmarkLateSample is one sample 9 s late among 600.
func BenchmarkLateSample(b *testing.B) {
	c := standard()
	m := New(c, "north", start)
	now := start
	for i := range b.N {
		now = now.Add(50 * time.Millisecond)
		wall, age := now.Add(time.Hour), time.Duration(0)
		if i%2 == 0 {
			age = 9 * time.Second
		}
		m.Detected(protocol.Detected{Camera: "north", Label: "fire", Object: "a", Confidence: 0.9,
			Area: 0.05 + 0.03*math.Sin(float64(i)*1.7), Arrived: now, Wall: wall,
			Stamp: wall.Add(-age)}, now)
		m.Verdict(now)
	}
}
