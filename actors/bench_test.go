package actors

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

func BenchmarkSendAndReceive(b *testing.B) {
	h := newHome()
	defer h.StopAll(context.Background())
	done := make(chan struct{})
	left := 0
	ref := h.spawn(b, "a", Kind{}, role{receive: func(_ *Context, msg any) {
		if n, ok := msg.(int); ok {
			left = n
			return
		}
		if left--; left == 0 {
			close(done)
		}
	}})
	b.ReportAllocs()
	b.ResetTimer()
	ref.Send(b.N)
	var msg any = order{}
	for range b.N {
		ref.Send(msg)
	}
	<-done
}

// BenchmarkUrgentUnderFlood measures from sending an urgent message until it is handled, while
// some 300,000 bulk messages a second arrive at an actor that handles 50,000.
func BenchmarkUrgentUnderFlood(b *testing.B) {
	h := newHome()
	defer h.StopAll(context.Background())
	var took []time.Duration
	handled := make(chan struct{})
	ref := h.spawn(b, "a", Kind{}, role{receive: func(_ *Context, msg any) {
		if at, ok := msg.(stampedStop); ok {
			took = append(took, time.Since(time.Time(at)))
			handled <- struct{}{}
			return
		}
		for start := time.Now(); time.Since(start) < 20*time.Microsecond; {
		}
	}})
	over := make(chan struct{})
	for range 2 {
		go func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				for range 150 {
					ref.Send(seen{})
				}
				time.Sleep(time.Millisecond)
			}
		}()
	}
	b.ResetTimer()
	for range b.N {
		ref.Send(stampedStop(time.Now()))
		<-handled
		time.Sleep(200 * time.Microsecond)
	}
	b.StopTimer()
	close(over)
	slices.Sort(took)
	for _, share := range []float64{0.5, 0.99, 1} {
		at := took[min(len(took)-1, int(share*float64(len(took))))]
		b.ReportMetric(float64(at.Microseconds()), fmt.Sprintf("µs/p%g", share*100))
	}
	b.ReportMetric(float64(h.Figures()[0].Dropped)/float64(b.N), "dropped/op")
}

func BenchmarkSpawnTenThousandAndStopAll(b *testing.B) {
	for range b.N {
		h := newHome()
		for n := range 10_000 {
			h.spawn(b, fmt.Sprint("camera", n), Kind{}, role{})
		}
		if err := h.StopAll(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
