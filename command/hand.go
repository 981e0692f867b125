package command

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"wildfire-watch/hardware"
)

// hand is the only one who drives the board while outputs are tested by hand. It keeps what the pump
// keeps otherwise, whatever the person, the terminal and the rest of the program do: one output at a
// time; nothing stays on longer than was said, because a timer ends it that waits for nobody; the
// starter turns only while the main valve reads open, and the write that drops it begins a full stop
// pulse with the main valve open (SPEC P1, P2, P3, P6), for nobody knows whether the engine caught.
type hand struct {
	board hardware.Board
	pulse time.Duration // pump.ignition_off_duration

	mu     sync.Mutex // guards what follows
	now    hardware.Outputs
	timer  *time.Timer
	step   int           // counts what is driven: a timer that comes late ends nothing else
	rest   chan struct{} // closed while every output is inactive
	due    bool          // the starter has turned and no full stop pulse has come since
	ended  chan struct{} // closed by stop: nothing more is switched on
	why    string        // of the stop
	failed error         // the last write that failed
}

func newHand(board hardware.Board, pulse time.Duration) *hand {
	rest := make(chan struct{})
	close(rest)
	return &hand{board: board, pulse: pulse, rest: rest, ended: make(chan struct{})}
}

var (
	errEnded = errors.New("the test has ended")
	errPulse = errors.New("the stop pulse goes on")
)

// stopPulse is what stops an engine; water can flow while it runs down.
var stopPulse = hardware.Outputs(0).With(hardware.MainValve, true).With(hardware.IgnitionOff, true)

var onlyMainValve = hardware.Outputs(0).With(hardware.MainValve, true)

// on switches one output on for that long, and off after it.
func (h *hand) on(o hardware.Output, d time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.isOver():
		return errEnded
	case h.due:
		return errPulse
	case h.now != 0:
		return errors.New("another output is on")
	case o == hardware.IgnitionStart:
		return errors.New("the starter is turned by crank alone")
	}
	return h.drive(hardware.Outputs(0).With(o, true), d, h.off)
}

// crank turns the starter for that long, and the stop pulse follows at once. It is refused unless the
// main valve was opened before, alone, and reads open.
func (h *hand) crank(d time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.isOver():
		return errEnded
	case h.due:
		return errPulse
	}
	levels, err := h.board.Read()
	switch {
	case err != nil:
		return err
	case h.now != onlyMainValve || !levels.Outputs.Has(hardware.MainValve):
		return errors.New("the main valve does not read open")
	}
	h.due = true
	return h.drive(onlyMainValve.With(hardware.IgnitionStart, true), d, h.stopEngine)
}

// shut gives one more stop pulse with the main valve open.
func (h *hand) shut() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.isOver() {
		return errEnded
	}
	h.due = true
	h.stopEngine()
	return h.failed
}

// stop ends the test at once: everything inactive, but a stop pulse that is due, which is given in
// full. A second word of a person (drop) ends that too. It says whether a pulse goes on.
func (h *hand) stop(why string, drop bool) (pulsing bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.isOver()
	if first {
		h.why = why
		close(h.ended)
	}
	switch {
	case h.due && first && h.now != stopPulse:
		h.stopEngine()
	case h.due && (first || !drop):
	case first || h.due:
		h.due = false
		h.off()
	}
	return h.due
}

func (h *hand) isOver() bool {
	select {
	case <-h.ended:
		return true
	default:
		return false
	}
}

// resting is closed as soon as every output is inactive.
func (h *hand) resting() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rest
}

// look is what is commanded and what reads back, at one instant.
func (h *hand) look() (asked hardware.Outputs, l hardware.Levels, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, err = h.board.Read()
	return h.now, l, err
}

// release switches everything off now, but for a stop pulse that is due.
func (h *hand) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.due {
		h.off()
	}
}

// stoppedBy is why the test was ended early; empty: it was not.
func (h *hand) stoppedBy() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.why
}

// trouble is the last write that failed.
func (h *hand) trouble() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed
}

// What follows is called with the mutex.

func (h *hand) off() { _ = h.drive(0, 0, nil) }

func (h *hand) stopEngine() {
	_ = h.drive(stopPulse, h.pulse, func() {
		h.due = false
		h.off()
	})
}

// againAfter is the pause before a write that failed is tried again.
const againAfter = 20 * time.Millisecond

// drive puts a set on the lines, and does what comes next after that long. If the board refuses, what
// was to be on goes off as soon as it can: a stop pulse instead if the starter may have turned. A
// pulse runs from the write that worked.
func (h *hand) drive(set hardware.Outputs, d time.Duration, next func()) error {
	h.step++
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	err := h.board.Write(set)
	if err != nil {
		h.failed = fmt.Errorf("write the outputs: %w", err)
		h.stir()
		switch {
		case set == 0 || set == stopPulse:
			h.after(againAfter, func() { _ = h.drive(set, d, next) })
		case h.due:
			h.after(0, h.stopEngine)
		default:
			h.after(0, h.off)
		}
		return h.failed
	}
	h.now = set
	if set != 0 {
		h.stir()
		h.after(d, next)
		return nil
	}
	select {
	case <-h.rest:
	default:
		close(h.rest)
	}
	return nil
}

// stir says that an output may be active.
func (h *hand) stir() {
	select {
	case <-h.rest:
		h.rest = make(chan struct{})
	default:
	}
}

// after does something unless something else is driven before.
func (h *hand) after(d time.Duration, next func()) {
	step := h.step
	h.timer = time.AfterFunc(d, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.step == step {
			next()
		}
	})
}
