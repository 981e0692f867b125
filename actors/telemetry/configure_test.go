package telemetry

import (
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/protocol"
)

func TestOtherIntervalsCountFromNowAndTheSameDisturbNothing(t *testing.T) {
	in(t, settings(), func(o *office) {
		reports := func() int {
			synctest.Wait()
			return len(o.health(protocol.Telemetry))
		}
		time.Sleep(50 * time.Second)
		o.send(settings().Config) // the same: the next report is due in 10 s
		time.Sleep(11 * time.Second)
		if n := reports(); n != 2 {
			t.Errorf("%d reports in a minute", n)
		}
		o.send(Config{HealthInterval: 5 * time.Second, SystemInterval: time.Minute})
		time.Sleep(31 * time.Second)
		if n := reports(); n != 8 {
			t.Errorf("%d reports after half a minute of 5 s", n)
		}
	})
}
