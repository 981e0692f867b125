package alarms

import (
	"fmt"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// BenchmarkStep takes the pump's status, once a second while it runs, beside 1000 cameras that are away.
func BenchmarkStep(b *testing.B) {
	n := newBench()
	for i := range 1000 {
		n.hears(protocol.CameraVerdict{Camera: fmt.Sprint("camera ", i)})
	}
	n.waits(time.Minute)
	status := pumpSays("refill_lockout", "stop_held")
	for b.Loop() {
		n.m.Step(status, n.now, n.now)
		n.m.Until()
	}
}
