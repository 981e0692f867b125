// Package hardwaretest is the contract of hardware.Board as a test suite. Every board passes it:
// the simulator in virtual time, the kernel's lines in real time over gpio-sim.
//
// It looks at the lines from their far end, through a Rig, so that it sees what a relay would see:
// which levels, in which order, and nothing besides what was written.
package hardwaretest

import (
	"testing"
	"time"

	"wildfire-watch/hardware"
)

// Rig is the far end of the wires. Levels are electrical: true is high.
type Rig interface {
	// Drive puts a level on an input or feedback line.
	Drive(line int, high bool)
	// Level is what is on a line.
	Level(line int) bool
	// Changes is every change of an output line since the board was opened, in order. A rig that
	// cannot see them all (a real kernel between two looks) gives those it saw.
	Changes() []Change
	// Wait lets time pass: at least d, and until what follows from it has happened.
	Wait(d time.Duration)
}

// Change is one change of an output line.
type Change struct {
	Line int
	High bool
}

// Bench makes boards to be tested.
type Bench struct {
	// Open makes a board with that wiring and the rig at its far end. All input lines are low.
	Open func(t *testing.T, w hardware.Wiring) (hardware.Board, Rig)
	// Within runs one test, in a bubble of virtual time for instance; nil: as it is.
	Within func(t *testing.T, test func(t *testing.T))
}

// debounce is long enough that a machine under load keeps a pulse well below it.
const debounce = 50 * time.Millisecond

// Wiring is the suite's: outputs on the lines 0 to 6, inputs on 8 to 13, no feedback.
func Wiring() hardware.Wiring {
	w := hardware.Wiring{Debounce: debounce}
	for o := range w.Outputs {
		w.Outputs[o], w.Feedbacks[o] = o, -1
	}
	for i := range w.Inputs {
		w.Inputs[i] = 8 + i
	}
	return w
}

const all = hardware.Outputs(1<<hardware.NumOutputs - 1)

// Run holds the boards of a bench against the contract.
func Run(t *testing.T, b Bench) {
	for _, c := range clauses {
		t.Run(c.name, func(t *testing.T) {
			within := b.Within
			if within == nil {
				within = func(t *testing.T, test func(*testing.T)) { test(t) }
			}
			within(t, func(t *testing.T) {
				w := Wiring()
				if c.change != nil {
					c.change(&w)
				}
				board, rig := b.Open(t, w)
				c.test(&session{t, board, rig, w})
				if err := board.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		})
	}
}

// session is one board under test.
type session struct {
	*testing.T
	board hardware.Board
	rig   Rig
	w     hardware.Wiring
}

var clauses = []struct {
	name   string
	change func(*hardware.Wiring)
	test   func(*session)
}{
	{"every output is inactive at open", nil, (*session).inactive},
	{"every active low output is inactive at open", activeLow, (*session).inactive},
	{"a write is read back and seen on the lines", nil, (*session).writes},
	{"a write to active low outputs is read back and seen on the lines", activeLow, (*session).writes},
	{"a write changes nothing but what it is told", nil, (*session).noGlitch},
	{"a feedback wins over the line", feedback, (*session).feedback},
	{"an active low feedback wins over the line", lowFeedback, (*session).feedback},
	{"an input is read when it has been steady", nil, (*session).inputs},
	{"an active low input is read when it has been steady", activeLow, (*session).inputs},
	{"an input that is not fitted says so", unfitted, (*session).unfitted},
	{"a pulse shorter than the debounce is not seen", nil, (*session).shortPulse},
	{"a change is told once", nil, (*session).told},
	{"a change of a feedback is told", feedback, (*session).feedbackTold},
	{"close leaves every output inactive and may be repeated", nil, (*session).closes},
	{"close leaves every active low output inactive", activeLow, (*session).closes},
	{"writes and reads from many sides never mix", nil, (*session).concurrent},
}

func activeLow(w *hardware.Wiring) {
	for o := range w.OutputActiveLow {
		w.OutputActiveLow[o] = true
	}
	for i := range w.InputActiveLow {
		w.InputActiveLow[i] = true
	}
}

func feedback(w *hardware.Wiring) {
	w.Feedbacks[hardware.MainValve] = 16
	w.Feedbacks[hardware.RPMReduce] = 17
}

func lowFeedback(w *hardware.Wiring) {
	feedback(w)
	w.FeedbackActiveLow[hardware.MainValve] = true
	w.FeedbackActiveLow[hardware.RPMReduce] = true
}

func unfitted(w *hardware.Wiring) {
	for i := range w.Inputs {
		w.Inputs[i] = -1
	}
	w.Inputs[hardware.StopButton] = 8
}
