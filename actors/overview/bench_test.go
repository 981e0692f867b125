package overview

import (
	"fmt"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// BenchmarkTell folds a house of 200 cameras and 50 alarms.
func BenchmarkTell(b *testing.B) {
	m := well(facts())
	var views Seen
	var alarms []protocol.Standing
	for i := range 200 {
		views = append(views, protocol.CameraView{Name: fmt.Sprint("camera ", i), Objects: []string{"a"}, LastHeard: base})
	}
	for range 50 {
		alarms = append(alarms, standing("camera_offline", "text", true))
	}
	m.Hear(views, base, base)
	m.Hear(protocol.AlarmsStanding{Alarms: alarms}, base, base)
	for b.Loop() {
		m.Tell(base.Add(time.Second), base)
	}
}
