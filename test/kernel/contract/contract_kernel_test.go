//go:build kernel

// Package contract holds the board of real lines against the contract of any board, on simulated
// lines of a real kernel. What the lines did is the kernel's word, not the board's.
package contract

import (
	"testing"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/hardware/gpiocdev"
	"wildfire-watch/hardware/hardwaretest"
	"wildfire-watch/test/kernel/gpiosim"
)

// rig is the far end of the wires.
type rig struct {
	*gpiosim.Chip
	outputs [hardware.NumOutputs]int
	history *gpiosim.History
}

func (r *rig) Drive(line int, high bool) { r.Pull(line, high) }

// Changes are those of outputs. To be taken as an output at another level than before is one; to be
// let go at the end is not the board's to choose.
func (r *rig) Changes() (all []hardwaretest.Change) {
	for _, e := range r.history.Events() {
		for _, line := range r.outputs {
			if e.Line == line && (e.What == gpiosim.Set || e.What == gpiosim.Out && e.High != r.Pulled(line)) {
				all = append(all, hardwaretest.Change{Line: line, High: e.High})
			}
		}
	}
	return all
}

func (r *rig) Wait(d time.Duration) { <-time.After(d + settle) }

// settle is what an edge takes from a line of this kernel to the board, and a busy machine besides.
const settle = 30 * time.Millisecond

func bench(persist bool) hardwaretest.Bench {
	return hardwaretest.Bench{Open: func(t *testing.T, w hardware.Wiring) (hardware.Board, hardwaretest.Rig) {
		chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
		if persist {
			chip.Persist()
		}
		for o, line := range w.Outputs {
			chip.Pull(line, w.OutputActiveLow[o]) // as a relay board is when nothing drives it
		}
		r := &rig{chip, w.Outputs, chip.History()}
		board, err := gpiocdev.Open(gpiocdev.Settings{Chip: chip.Name(), Wiring: w, Log: func(s string) { t.Log(s) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = board.Close() })
		return board, r
	}}
}

func TestRealLinesKeepTheContractOfABoard(t *testing.T) { hardwaretest.Run(t, bench(false)) }

func TestRealLinesThatKeepTheirLevelKeepTheContractOfABoard(t *testing.T) {
	hardwaretest.Run(t, bench(true))
}

// first opens a board on lines that are all pulled to active, and returns what the kernel recorded.
func first(t *testing.T, w hardware.Wiring, initial hardware.Outputs) (*gpiocdev.Board, *gpiosim.History, []gpiosim.Event) {
	t.Helper()
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
	for o, line := range w.Outputs {
		chip.Pull(line, !w.OutputActiveLow[o])
	}
	h := chip.History()
	board, err := gpiocdev.Open(gpiocdev.Settings{Chip: chip.Name(), Wiring: w, Initial: initial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = board.Close() })
	return board, h, h.Events()
}

func TestEachOutputIsTakenOnceAndAtItsFirstLevel(t *testing.T) {
	for _, low := range []bool{false, true} {
		for _, initial := range []hardware.Outputs{0, 1<<hardware.MainValve | 1<<hardware.IgnitionOff} {
			w := hardwaretest.Wiring()
			for o := range w.OutputActiveLow {
				w.OutputActiveLow[o] = low
			}
			_, _, events := first(t, w, initial)
			taken := 0
			for _, e := range events {
				if e.Line >= int(hardware.NumOutputs) {
					continue // an input
				}
				taken++
				if want := initial.Has(hardware.Output(e.Line)) != low; e.What != gpiosim.Out || e.High != want ||
					e.By != gpiocdev.Consumer {
					t.Errorf("active low %v, initial %07b: %v", low, initial, e)
				}
			}
			if taken != int(hardware.NumOutputs) {
				t.Errorf("%d lines of %d: %v", taken, hardware.NumOutputs, events)
			}
		}
	}
}

func TestCloseSetsEveryOutputInactiveBeforeItLetsAnyGo(t *testing.T) {
	board, h, _ := first(t, hardwaretest.Wiring(), 0)
	if err := board.Write(hardware.Outputs(1<<hardware.NumOutputs - 1)); err != nil {
		t.Fatal(err)
	}
	h.Forget()
	if err := board.Close(); err != nil {
		t.Fatal(err)
	}
	low := 0
	for _, e := range h.Events() {
		switch {
		case e.Line >= int(hardware.NumOutputs):
		case e.What == gpiosim.Set && !e.High:
			low++
		case e.What != gpiosim.Free || low != int(hardware.NumOutputs):
			t.Errorf("%d outputs are low, then %v", low, e)
		}
	}
}

func TestOneWriteIsOneStepOfAllItsLines(t *testing.T) {
	board, h, _ := first(t, hardwaretest.Wiring(), 0)
	h.Forget()
	for _, o := range []hardware.Outputs{0b1, 0b1100101, 0b1100101, 0b0011010, 0} {
		if err := board.Write(o); err != nil {
			t.Fatal(err)
		}
		events := h.Events()
		for _, e := range events {
			if e.Op != events[0].Op || e.At != events[0].At {
				t.Errorf("write %07b: %v and %v are two steps", o, events[0], e)
			}
		}
		h.Forget()
	}
}
