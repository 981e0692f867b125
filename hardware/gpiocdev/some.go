package gpiocdev

import (
	"fmt"
	"sync"
	"time"

	"wildfire-watch/hardware"
)

// Some is a board of some of the outputs, for who must take what is to be had (SPEC P14): the lines
// of the set, in one request, at their initial level; the others are left alone. It reads no inputs
// and does not ask again for a chip that is gone.
func Some(s Settings, set hardware.Outputs) (hardware.Board, error) { return some(linux{}, s, set) }

// part is the board of Some.
type part struct {
	chip  Chip
	lines []hardware.Output

	mu      sync.Mutex // guards what follows
	request request
	closed  bool
}

func some(k kernel, s Settings, set hardware.Outputs) (hardware.Board, error) {
	if s.Consumer == "" {
		s.Consumer = Consumer
	}
	// Errors name the holder of a line as those of a whole board do.
	b := &Board{kernel: k, settings: s}
	b.settings.OutputsOnly = true
	var err error
	if b.chip, err = find(k, s.Chip); err != nil {
		return nil, err
	}
	d, err := k.open(b.chip)
	if err != nil {
		return nil, err
	}
	defer d.close()
	lines, err := inspect(d, b.chip)
	if err != nil {
		return nil, err
	}
	if b.wiring, err = resolve(b.chip, lines, s.Wiring, true); err != nil {
		return nil, err
	}
	p := &part{chip: b.chip}
	w := wish{consumer: s.Consumer, output: true}
	for o := range hardware.NumOutputs {
		if !set.Has(o) {
			b.wiring.Outputs[o] = -1 // not asked for, so not to blame
			continue
		}
		p.lines = append(p.lines, o)
		w.lines = append(w.lines, b.wiring.Outputs[o])
		w.activeLow = append(w.activeLow, b.wiring.OutputActiveLow[o])
		w.bias = append(w.bias, b.wiring.OutputBias[o])
	}
	w.levels = p.values(s.Initial)
	if p.request, err = d.request(w); err != nil {
		return nil, b.denied(d, w, err)
	}
	return p, nil
}

func (p *part) values(o hardware.Outputs) (v []int) {
	for _, line := range p.lines {
		level := 0
		if o.Has(line) {
			level = 1
		}
		v = append(v, level)
	}
	return v
}

// Write drives those of the outputs that are of this board.
func (p *part) Write(o hardware.Outputs) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write(o)
}

func (p *part) write(o hardware.Outputs) error {
	if p.closed {
		return fmt.Errorf("write outputs: %w", errClosed)
	}
	if err := p.request.SetValues(p.values(o)); err != nil {
		return fmt.Errorf("write outputs of %s: %w", p.chip, err)
	}
	return nil
}

// Read reads the lines of this board; the others are inactive.
func (p *part) Read() (l hardware.Levels, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return l, fmt.Errorf("read outputs: %w", errClosed)
	}
	own := make([]int, len(p.lines))
	if err := p.request.Values(own); err != nil {
		return l, fmt.Errorf("read outputs of %s: %w", p.chip, err)
	}
	for i, line := range p.lines {
		l.Outputs = l.Outputs.With(line, own[i] != 0)
	}
	l.At = time.Now()
	return l, nil
}

// Watch is never called back: there are no inputs.
func (p *part) Watch(func(hardware.Levels)) {}

// Describe is the chip's name and label.
func (p *part) Describe() string { return p.chip.String() }

// Simulated is always false.
func (p *part) Simulated() bool { return false }

// Close sets the lines inactive, then lets them go.
func (p *part) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	err := p.write(0)
	p.closed = true
	if closed := p.request.Close(); err == nil {
		err = closed
	}
	return err
}
