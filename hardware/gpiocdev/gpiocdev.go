// Package gpiocdev is a board of real lines: the GPIO character device of Linux, uAPI version 2
// (kernel 5.10), through github.com/warthog618/go-gpiocdev.
//
// It promises what any board does (hardware/hardwaretest), and besides: all outputs are taken in one
// request, as outputs and at their first level, so that none passes through another level; a missed
// edge of an input heals within a second; a chip that went away is asked for again once a second,
// and its lines are then taken at their inactive level, never at the old one; every error says what
// was tried, on which line, why, and what to do.
//
// It must never drive a chip that nobody named and that is not the header of a Raspberry Pi, nor go
// on with another chip than the one it began with.
package gpiocdev

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"wildfire-watch/hardware"
)

// Consumer is the name under which the kernel lists our lines.
const Consumer = "wildfire-watch"

// Settings are what a board is made of.
type Settings struct {
	// Chip is the chip's name ("gpiochip0"), path or label ("pinctrl-rp1"); empty is the header of
	// a Raspberry Pi. See Find.
	Chip   string
	Wiring hardware.Wiring
	// Consumer is the name that others see holding the lines; empty is Consumer.
	Consumer string
	// Initial are the logical levels at which the outputs are taken at first. The zero value, all
	// inactive, is right for all but those who take over from a dead process (SPEC P14).
	Initial hardware.Outputs
	// OutputsOnly leaves inputs and feedbacks alone: an output then reads its own line.
	OutputsOnly bool
	// Log hears, in a sentence, what is done differently than asked: a chip that went or came
	// back, a debounce in software. No line waits for it, should it block. nil: nobody.
	Log func(string)
}

// Board is a set of requested lines. All methods may be called from any goroutine.
type Board struct {
	kernel   kernel
	settings Settings
	alone    bool // no other chip had the label of ours at Open

	chip   Chip            // one that comes back must have the label of the first
	wiring hardware.Wiring // names resolved
	senses []sense

	mu       sync.Mutex // guards what follows
	outputs  request    // nil while the chip is gone
	inputs   request    // nil if there are none
	edges    bool       // the kernel tells of edges
	software *debouncer // nil while the kernel debounces
	failing  time.Time  // since when nothing but errors came back; zero: it works
	tried    time.Time  // when a chip that is gone was asked for last
	absent   error      // what came of it
	changed  func(hardware.Levels)
	told     hardware.Levels
	closed   bool

	edge    chan struct{} // an edge has come
	touched touched
	notes   chan string // for Log
	stop    chan struct{}
	done    chan struct{} // the follower has ended
	silent  chan struct{} // the last note is out
}

var _ hardware.Board = (*Board)(nil)

// Open finds the chip and its lines and takes them: every output at its initial level. The error is
// ErrNoChip, ErrPermission or ErrBusy where it is one of these (errors.Is).
func Open(s Settings) (*Board, error) { return open(linux{}, s) }

func open(k kernel, s Settings) (*Board, error) {
	if s.Consumer == "" {
		s.Consumer = Consumer
	}
	if s.Log == nil {
		s.Log = func(string) {}
	}
	b := &Board{kernel: k, settings: s, edge: make(chan struct{}, 1), notes: make(chan string, 16),
		stop: make(chan struct{}), done: make(chan struct{}), silent: make(chan struct{})}
	var err error
	if b.chip, err = find(k, s.Chip); err != nil {
		return nil, err
	}
	named, err := find(k, b.chip.Label)
	b.alone = err == nil && named == b.chip
	for waited := time.Duration(0); ; waited += busyStep {
		if err = b.take(s.Initial); err == nil {
			break
		}
		if !errors.Is(err, ErrBusy) || waited >= busyFor {
			return nil, err
		}
		time.Sleep(busyStep)
	}
	go b.follow()
	go b.speak()
	return b, nil
}

// How long Open tries a line that is held: as long as the kernel takes to clear up after a process
// that died, or Peek to read.
const (
	busyFor  = 20 * time.Millisecond
	busyStep = 2 * time.Millisecond
)

// Describe is the chip's name and label.
func (b *Board) Describe() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.chip.String()
}

// Chip is where the lines are. After the chip went and came back its name may be another.
func (b *Board) Chip() Chip {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.chip
}

// Wiring is the wiring with every name resolved to its number.
func (b *Board) Wiring() hardware.Wiring {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wiring
}

// Simulated is always false.
func (b *Board) Simulated() bool { return false }

// Watch names the function that hears of changes. It must not close the board.
func (b *Board) Watch(changed func(hardware.Levels)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told, _ = b.read(time.Now()) // what has changed before is no news
	b.changed = changed
}

var errClosed = errors.New("the board is closed")

// Write drives all outputs in one call of the kernel. Levels that stay are written too, which heals
// a line that was altered and changes no other. A chip without a register for all its lines sets
// them one by one, in microseconds, in the order of their numbers.
func (b *Board) Write(o hardware.Outputs) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.worked(b.write(o))
}

func (b *Board) write(o hardware.Outputs) error {
	if err := b.present(time.Now()); err != nil {
		return fmt.Errorf("write outputs: %w", err)
	}
	if err := b.outputs.SetValues(values(o)); err != nil {
		return fmt.Errorf("write outputs of %s: %w", b.chip, err)
	}
	return nil
}

// Read returns the levels as they are now.
func (b *Board) Read() (hardware.Levels, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read(time.Now())
}

func (b *Board) read(now time.Time) (hardware.Levels, error) {
	l, err := b.levels(now)
	return l, b.worked(err)
}

func (b *Board) levels(now time.Time) (l hardware.Levels, err error) {
	if err = b.present(now); err != nil {
		return l, fmt.Errorf("read lines: %w", err)
	}
	l.At = now
	own := make([]int, hardware.NumOutputs)
	if err = b.outputs.Values(own); err != nil {
		return l, fmt.Errorf("read outputs of %s: %w", b.chip, err)
	}
	for o := range hardware.NumOutputs {
		l.Outputs = l.Outputs.With(o, own[o] != 0)
	}
	if b.inputs == nil {
		return l, nil
	}
	sensed := make([]int, len(b.senses))
	if err = b.inputs.Values(sensed); err != nil {
		return l, fmt.Errorf("read inputs of %s: %w", b.chip, err)
	}
	if b.software != nil {
		b.software.sample(sensed, b.touched.take(), now)
		b.software.steady(sensed)
	}
	for i, s := range b.senses {
		s.put(&l, sensed[i] != 0)
	}
	return l, nil
}

// Close sets every output inactive and only then lets the lines go. A second call does nothing.
func (b *Board) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	err := errGone
	if b.outputs != nil {
		err = b.outputs.SetValues(values(0))
	}
	b.release()
	b.mu.Unlock()
	close(b.stop)
	<-b.done
	select {
	case <-b.silent:
	case <-time.After(lastWords):
	}
	if err != nil {
		return fmt.Errorf("set the outputs of %s inactive: %w", b.chip, err)
	}
	return nil
}

// lastWords is how long Close waits for a Log that blocks.
const lastWords = 100 * time.Millisecond

// say hands a note to who logs, if that is not too far behind: a full pipe must not hold a line.
func (b *Board) say(format string, args ...any) {
	select {
	case b.notes <- fmt.Sprintf(format, args...):
	default:
	}
}

// speak passes on what was said, the rest of it after Close.
func (b *Board) speak() {
	defer close(b.silent)
	for {
		select {
		case text := <-b.notes:
			b.settings.Log(text)
		case <-b.stop:
			if len(b.notes) == 0 {
				return
			}
		}
	}
}

// values is a set of levels as the kernel takes it.
func values(o hardware.Outputs) []int {
	v := make([]int, hardware.NumOutputs)
	for i := range hardware.NumOutputs {
		if o.Has(i) {
			v[i] = 1
		}
	}
	return v
}
