// Package simulator is a board in memory with a plant behind it: an engine that cranks, catches,
// runs and stops, a tank that drains and fills, pressure and flow that follow, buttons that nobody
// presses. It serves every test that cannot have wires, and the demo (SPEC §6).
//
// It promises what any board does (hardware/hardwaretest), that its line log shows every change
// of an output in order and at the moment of the change, and that it costs nothing at rest: the
// plant is worked out from the time that has passed, and a timer stands only for the next instant
// at which a sensor changes. It never fails a write because of a log or a file.
package simulator

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"wildfire-watch/hardware"
)

// Simulator is the simulated board. All methods may be called from any goroutine.
type Simulator struct {
	wiring  hardware.Wiring
	figures figures

	mu        sync.Mutex // guards what follows
	plant     Plant
	commanded hardware.Outputs
	stuck     map[int]bool // by line: the electrical level it stays at
	channels  [numChannels]channel
	levels    map[int]bool // by line: what the inputs file holds it at
	log       *lineLog
	history   []Change
	timer     *time.Timer
	changed   func(hardware.Levels)
	writeErr  error
	readErr   error
	closed    bool
	follower  *follower
}

var _ hardware.Board = (*Simulator)(nil)

// errClosed is what a board that has let its lines go answers.
var errClosed = errors.New("the board is closed")

// New makes a board with every output inactive (a stuck one excepted), a full tank and an engine at
// rest, and starts the line log with the levels as they are.
func New(s Settings) (*Simulator, error) {
	stuck, err := ParseStick(s.Stick)
	if err != nil {
		return nil, err
	}
	b := &Simulator{wiring: s.Wiring, figures: figuresOf(s), stuck: stuck, levels: map[int]bool{}}
	if b.log, err = openLineLog(s.LineLog); err != nil {
		return nil, err
	}
	now := time.Now()
	b.plant = b.figures.drive(b.figures.rest(now), b.pinned(0), now)
	b.wire(now, s.Times.Verify)
	b.log.begin(s.Wiring, b.plant.Pins)
	if s.InputsFile != "" {
		if levels, err := readLevels(s.InputsFile); err == nil {
			b.levels = levels
		}
		for i := range b.channels {
			c := &b.channels[i]
			c.raw = b.sensed(i)
			c.steady = c.raw
		}
		b.follower = b.follow(s.InputsFile)
	}
	return b, nil
}

// Describe names the board.
func (b *Simulator) Describe() string { return "simulator" }

// Simulated is always true.
func (b *Simulator) Simulated() bool { return true }

// Watch names the function that hears of changes.
func (b *Simulator) Watch(changed func(hardware.Levels)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catchUp(time.Now()) // what has changed before is no news
	b.changed = changed
	b.arm()
}

// Write drives all outputs at once.
func (b *Simulator) Write(o hardware.Outputs) error {
	return b.do(func(now time.Time) error {
		switch {
		case b.closed:
			return fmt.Errorf("write outputs of the simulator: %w", errClosed)
		case b.writeErr != nil:
			return fmt.Errorf("write outputs of the simulator: %w", b.writeErr)
		}
		b.commanded = o
		b.drive(now)
		return nil
	})
}

// Read returns the levels as they are now.
func (b *Simulator) Read() (l hardware.Levels, err error) {
	err = b.do(func(now time.Time) error {
		switch {
		case b.closed:
			return fmt.Errorf("read lines of the simulator: %w", errClosed)
		case b.readErr != nil:
			return fmt.Errorf("read lines of the simulator: %w", b.readErr)
		}
		l = b.read(now)
		return nil
	})
	return l, err
}

// Close sets every output inactive, stops the plant and closes the line log.
func (b *Simulator) Close() error {
	err := b.do(func(now time.Time) error {
		if b.closed {
			return nil
		}
		b.commanded = 0
		b.drive(now)
		b.closed = true
		return b.log.close()
	})
	b.follower.stop()
	return err
}

// do runs one operation at the present instant, arms the timer for the next change of a sensor and
// tells the watcher, without the mutex, when a level that can be read has changed.
func (b *Simulator) do(operation func(now time.Time) error) error {
	b.mu.Lock()
	now := time.Now()
	moved := b.catchUp(now)
	err := operation(now)
	moved = b.sample(now) || moved
	b.arm()
	var tell func(hardware.Levels)
	var l hardware.Levels
	if moved && !b.closed {
		tell, l = b.changed, b.read(now)
	}
	b.mu.Unlock()
	if tell != nil {
		tell(l)
	}
	return err
}

// drive puts what is commanded on the lines, as far as they are not stuck, and records the change.
func (b *Simulator) drive(now time.Time) {
	was := b.plant.Pins
	pins := b.pinned(b.commanded)
	if pins == was {
		return
	}
	b.plant = b.figures.drive(b.plant, pins, now)
	b.record(now, was, pins)
}

// pinned is what is on the lines when o is commanded.
func (b *Simulator) pinned(o hardware.Outputs) hardware.Outputs {
	for i := range hardware.NumOutputs {
		if level, ok := b.stuck[b.wiring.Outputs[i]]; ok && b.wiring.Outputs[i] >= 0 {
			o = o.With(i, level != b.wiring.OutputActiveLow[i])
		}
	}
	return o
}

// read is what the board shows: feedbacks where there are any, else the lines themselves.
func (b *Simulator) read(now time.Time) hardware.Levels {
	l := hardware.Levels{Outputs: b.plant.Pins, At: now}
	for i := range hardware.NumOutputs {
		if b.wiring.Feedbacks[i] >= 0 {
			l.Outputs = l.Outputs.With(i, b.channels[feedbackChannel(i)].steady)
		}
	}
	for i := range hardware.NumInputs {
		if l.Fitted[i] = b.wiring.Inputs[i] >= 0; l.Fitted[i] {
			l.Inputs[i] = b.channels[i].steady
		}
	}
	return l
}

// catchUp lets the plant and the debounce run up to now, step by step.
func (b *Simulator) catchUp(now time.Time) (moved bool) {
	for {
		next := b.next()
		if next.IsZero() || next.After(now) {
			break
		}
		b.plant = b.figures.advance(b.plant, next)
		moved = b.sample(next) || moved
	}
	b.plant = b.figures.advance(b.plant, now)
	return b.sample(now) || moved
}

// next is the next instant at which something moves by itself; zero: nothing will.
func (b *Simulator) next() time.Time {
	next := b.figures.next(b.plant)
	for i := range b.channels {
		if due := b.channels[i].due(); !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

// arm sets the one timer for the next movement; without a watcher nobody waits for it.
func (b *Simulator) arm() {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	next := b.next()
	if next.IsZero() || b.closed || b.changed == nil {
		return
	}
	b.timer = time.AfterFunc(max(time.Until(next), 0), func() {
		_ = b.do(func(time.Time) error { return nil })
	})
}
