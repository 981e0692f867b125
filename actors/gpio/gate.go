package gpio

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"wildfire-watch/hardware"
)

// Board is hardware.Board, for those who hand one on without knowing what is behind it.
type Board = hardware.Board

// ErrTripped is what a tripped gate answers to a write.
var ErrTripped = errors.New("the outputs have tripped: this process switches nothing on again")

// Gate is a board that can be tripped past every mailbox. It is the one lock shared between actors,
// and the reason is its purpose: when an actor has panicked, no mailbox can be trusted to carry the
// order that stops the engine. Once tripped it passes no write on any more, so that nothing a late
// message asks for switches on what the trip has switched off, or shortens its stop pulse.
type Gate struct {
	Board
	tripped atomic.Bool
	turn    chan struct{}    // held by who writes; a channel, because a trip cannot wait for ever
	current hardware.Outputs // what was tried last: what may be on. Guarded by turn
	begun   atomic.Bool      // the stop pulse has an owner
	done    chan struct{}    // closed when it has ended
	stopped bool             // how it ended; to be read when done is closed
	cut     cutoffs
}

// NewGate puts a gate before a board. A trip before the first write finds everything off.
func NewGate(b Board) *Gate {
	g := &Gate{Board: b, turn: make(chan struct{}, 1), done: make(chan struct{})}
	g.turn <- struct{}{}
	return g
}

// Write drives the board unless the gate has tripped.
func (g *Gate) Write(o hardware.Outputs) error {
	<-g.turn
	defer func() { g.turn <- struct{}{} }()
	if g.tripped.Load() {
		return fmt.Errorf("write outputs: %w", ErrTripped)
	}
	g.current = o
	g.cut.raise(o)
	err := g.Board.Write(o)
	g.cut.wrote(o, err)
	return err
}

// Close lets the board go; no cut-off comes any more.
func (g *Gate) Close() error {
	g.cut.end()
	return g.Board.Close()
}

// Tripped says whether the gate has tripped.
func (g *Gate) Tripped() bool { return g.tripped.Load() }

// Trip latches the gate and sets every output inactive at once, without a stop pulse: for a start
// that went wrong before anything was switched on. Use the function Trip when the engine may run.
func (g *Gate) Trip() {
	g.latch()
	_ = (&forcing{gate: g}).write(0)
}

// patience is how long a trip waits for a write that is on its way. A board that hangs longer is
// written past: the write that hangs has its levels already.
const patience = 100 * time.Millisecond

// latch closes the gate and returns what may be on.
func (g *Gate) latch() hardware.Outputs {
	g.tripped.Store(true)
	g.cut.end()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-g.turn:
		defer func() { g.turn <- struct{}{} }()
		return g.current
	case <-t.C:
		return hardware.Outputs(0).With(hardware.MainValve, true) // unknown: an engine may run
	}
}

// force drives the board past the gate; a board that panics has failed to be written.
func (g *Gate) force(o hardware.Outputs) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("write outputs: the board panicked: %v", r)
		}
	}()
	return g.Board.Write(o)
}

// errHangs is a forced write that does not return.
var errHangs = errors.New("write outputs: the board does not return")

// hangPatience is how long one forced write may take. A board that hangs longer is not to be had in
// this process: whoever ends it frees the lines for the guard.
const hangPatience = 250 * time.Millisecond

// forcing writes past the gate without ever being held up by the board.
type forcing struct {
	gate   *Gate
	answer chan error // of a write that hung; nil: none is on its way
}

func (f *forcing) write(o hardware.Outputs) error {
	late := time.NewTimer(hangPatience)
	defer late.Stop()
	for {
		before := f.answer != nil // of other levels perhaps: this write comes after it
		if !before {
			f.answer = make(chan error, 1)
			go func(answer chan error) { answer <- f.gate.force(o) }(f.answer)
		}
		select {
		case err := <-f.answer:
			f.answer = nil
			if !before {
				return err
			}
		case <-late.C:
			return errHangs
		}
	}
}

// How often a trip writes again: a line altered meanwhile, or a write that failed, heals.
const (
	tripInterval = 50 * time.Millisecond
	tripAttempts = 20 // for the last write, everything off
)

// Trip stops the engine past every mailbox, in the order of SPEC P6: in one step ignition start and
// on low, refill and priming closed, and ignition off pulsed for its full duration with the main
// valve as it was; then everything off. It returns when that is done, with true, or when the board
// hangs or has taken nothing for the time of a pulse, with false: then the process is best ended at
// once, so that another can have the lines. A second trip, at the same time, waits for the first. It
// must not panic: it is what a panic leads to.
func Trip(g *Gate, pulse time.Duration, sleep func(time.Duration)) (done bool) {
	if g.begun.Swap(true) {
		<-g.done
		return g.stopped
	}
	defer close(g.done)
	g.stopped = g.stop(pulse, sleep)
	return g.stopped
}

func (g *Gate) stop(pulse time.Duration, sleep func(time.Duration)) bool {
	stop := (g.latch() & (1 << hardware.MainValve)).With(hardware.IgnitionOff, true)
	board := forcing{gate: g}
	written := false
	for left, wasted := pulse, time.Duration(0); left > 0 && wasted <= pulse; {
		err := board.write(stop)
		if errors.Is(err, errHangs) {
			return false
		}
		written = err == nil || written
		nap := min(left, tripInterval)
		sleep(nap)
		if written { // the pulse counts from the write that began it
			left -= nap
		} else {
			wasted += nap
		}
	}
	for range tripAttempts {
		err := board.write(0)
		if err == nil || errors.Is(err, errHangs) {
			return err == nil && written
		}
		sleep(tripInterval)
	}
	return false
}
