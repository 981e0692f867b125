package gpio

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

// TestALineKeepsTheLimitThatItWasRaisedUnder: neither a shorter nor a longer one reaches a crank that
// goes on; the next crank has the new one.
func TestALineKeepsTheLimitThatItWasRaisedUnder(t *testing.T) {
	cutBench(t, func(t *testing.T, s *simulator.Simulator, c *cut) {
		write(t, c, main|start)
		c.Limit(CutOffs{Crank: time.Second, Engine: time.Minute})
		time.Sleep(5 * time.Second)
		write(t, c, main)
		if c.Tripped() {
			t.Fatal("a legal crank was cut off by a limit that came after it began")
		}
		write(t, c, main|start)
		time.Sleep(time.Second + protocol.Grace - 1)
		synctest.Wait()
		if c.Tripped() {
			t.Fatal("cut off before the new limit")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := c.causes(); !slices.Equal(got, []string{CutOffCrank}) {
			t.Errorf("causes %q", got)
		}
		c.Limit(CutOffs{Crank: time.Hour})
		if s.Lines().Has(hardware.IgnitionStart) {
			t.Error("a tripped gate was given limits")
		}
	})
}

func TestOtherLimitsAreTakenAndSaid(t *testing.T) {
	over(t, nil, nil, func(b *bench) {
		done := 0
		b.actor.Send(Configured{VerifyTimeout: time.Second, VerifyGrace: time.Second, WriteAttempts: 1,
			CrankLimit: 800 * time.Millisecond, Done: func() { done++ }})
		b.ask(protocol.MainValve)
		b.ask(protocol.MainValve, protocol.IgnitionStart)
		if done != 1 {
			t.Fatalf("done %d times", done)
		}
		b.pass(790 * time.Millisecond)
		if !b.board.Lines().Has(hardware.IgnitionStart) {
			t.Error("dropped before the limit")
		}
		b.pass(20 * time.Millisecond)
		if b.board.Lines().Has(hardware.IgnitionStart) {
			t.Error("the crank outlasts the new limit")
		}
	})
}
