package test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors/system"
	"wildfire-watch/hardware"
)

// panicking is a board whose reading panics when it is told to.
type panicking struct {
	hardware.Board
	bad *atomic.Bool
}

func (p panicking) Read() (hardware.Levels, error) {
	if p.bad.Load() {
		panic("a driver's bug")
	}
	return p.Board.Read()
}

// TestAPanicInACriticalActorStopsTheEngineWithoutAnyMailbox: the gpio actor panics in the middle of a
// run; the trip stops the engine with a full pulse, main valve open, then everything is off and the
// process ends with a code of its own (SPEC P14, P6).
func TestAPanicInACriticalActorStopsTheEngineWithoutAnyMailbox(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newScene(t, dir, "")
		defer w.end()
		var bad atomic.Bool
		w.lens = func(b hardware.Board) hardware.Board { return panicking{b, &bad} }
		for _, line := range []string{"start", "trigger", "until RUNNING 1m"} {
			w.play("trip", line)
		}
		before := len(w.board.History())
		bad.Store(true)
		time.Sleep(2 * time.Second) // the actor's own look at the board
		synctest.Wait()
		if w.board.Lines().Has(hardware.IgnitionOn) || w.board.Lines().Has(hardware.IgnitionStart) {
			t.Fatal("the engine is still on")
		}
		if !w.board.Lines().Has(hardware.IgnitionOff) || !w.board.Lines().Has(hardware.MainValve) {
			t.Fatalf("no stop pulse with the main valve open: %v", w.board.Lines())
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if w.board.Lines() != 0 {
			t.Errorf("still on after the pulse: %v", w.board.Lines())
		}
		var pulse []time.Time
		for _, c := range w.board.History()[before:] {
			if c.Output == hardware.IgnitionOff {
				pulse = append(pulse, c.At)
			}
		}
		if len(pulse) != 2 || pulse[1].Sub(pulse[0]) < 5*time.Second {
			t.Errorf("the stop pulse's edges: %v, want one pulse of 5 s", pulse)
		}
		if code := w.exit.Load(); code != system.TripExitCode {
			t.Errorf("exit code %d, want %d", code, system.TripExitCode)
		}
		if slices.Contains(w.events, "controller_shutdown") {
			t.Error("a trip is no orderly shutdown")
		}
	})
}
