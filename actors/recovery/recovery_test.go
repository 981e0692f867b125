package recovery

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

const rest = 10 * time.Minute

var (
	idle    = protocol.PumpStatus{State: protocol.Idle}
	refills = protocol.PumpStatus{State: protocol.Refilling, Lines: protocol.SetOf(protocol.RefillValve)}
	runs    = protocol.PumpStatus{State: protocol.Running, Lines: protocol.SetOf(protocol.MainValve, protocol.IgnitionOn)}
	pulse   = protocol.PumpStatus{State: protocol.Error, Lines: protocol.SetOf(protocol.MainValve, protocol.IgnitionOff)}
	latched = protocol.PumpStatus{State: protocol.Error}
	byHand  = protocol.PumpStatus{State: protocol.Idle, Lines: protocol.SetOf(protocol.MainValve)}
)

// house is a house with this one actor; told is what it has published.
func house(t *testing.T, act func(say func(any), told func() []any)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // nothing orders a test's reading before the next timer
		var all []any
		h := actors.NewHouse(actors.Options{Route: func(msg any) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, msg)
		}})
		ref, err := h.Spawn("recovery", actors.Kind{}, func() actors.Actor {
			return New(Settings{Rest: rest, Failed: 5, LastStop: "crash"})
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		act(func(msg any) { ref.Send(msg); synctest.Wait() }, func() []any {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(all)
		})
		_ = h.StopAll(context.Background())
		time.Sleep(3 * time.Second) // protoactor's throttle goroutine ends
	})
}

func over(all []any) (n int) {
	for _, msg := range all {
		if _, ok := msg.(protocol.SafeModeOver); ok {
			n++
		}
	}
	return n
}

func TestSafeModeSaysWhyFromTheFirstMoment(t *testing.T) {
	house(t, func(_ func(any), told func() []any) {
		f, ok := told()[0].(protocol.Fault)
		if !ok || f.Code != FaultCode || f.Cleared || !strings.Contains(f.Text, "5 starts in a row failed, last stop: crash") {
			t.Errorf("%+v", told())
		}
	})
}

func TestANormalStartIsTriedWhenTheEngineHasRestedLongEnough(t *testing.T) {
	house(t, func(say func(any), told func() []any) {
		time.Sleep(24 * time.Hour)
		if over(told()) != 0 {
			t.Error("over before the pump has said a word")
		}
		for _, s := range []protocol.PumpStatus{idle, runs, pulse, byHand, idle} {
			say(s)
			time.Sleep(rest - 1)
		}
		if over(told()) != 0 {
			t.Error("over before the rest was whole")
		}
		time.Sleep(time.Nanosecond)
		if over(told()) != 1 {
			t.Errorf("%d times over", over(told()))
		}
		say(idle)
		time.Sleep(24 * time.Hour)
		if over(told()) != 1 {
			t.Error("said again")
		}
	})
}

func TestARefillAndALatchedErrorAreRestToo(t *testing.T) {
	house(t, func(say func(any), told func() []any) {
		for _, s := range []protocol.PumpStatus{idle, refills, latched, refills} {
			say(s)
			time.Sleep(rest / 4)
		}
		if over(told()) != 1 {
			t.Errorf("%d times over", over(told()))
		}
	})
}

func TestNeitherARunNorAPulseIsEverCutShort(t *testing.T) {
	house(t, func(say func(any), told func() []any) {
		for _, s := range []protocol.PumpStatus{runs, pulse, byHand} {
			say(s)
			time.Sleep(10 * rest)
		}
		if over(told()) != 0 {
			t.Error("over while something is on")
		}
	})
}
