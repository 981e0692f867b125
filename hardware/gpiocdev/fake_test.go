package gpiocdev

import (
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"wildfire-watch/hardware"
)

// fake is a kernel of a few chips in memory, as far as this package can tell.
type fake struct {
	mu    sync.Mutex
	all   []*fakeChip
	links map[string]string
}

// fakeChip is one chip. Levels are electrical.
type fakeChip struct {
	Chip
	kernel  *fake
	names   map[int]string
	levels  map[int]bool
	held    map[int]string // by line: its consumer
	gone    bool
	refuses func(wish) error // of a request
	breaks  error            // of every read and write
	wishes  []wish           // granted so far
	written [][]int
	reads   int
	live    []*fakeRequest
}

func chipOf(name, label string, lines int) *fakeChip {
	return &fakeChip{Chip: Chip{Name: name, Path: "/dev/" + name, Label: label, Lines: lines},
		names: map[int]string{}, levels: map[int]bool{}, held: map[int]string{}}
}

func kernelOf(all ...*fakeChip) *fake {
	k := &fake{all: all, links: map[string]string{}}
	for _, c := range all {
		c.kernel = k
	}
	return k
}

func (k *fake) chips() (all []Chip, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.all {
		if !c.gone {
			all = append(all, c.Chip)
		}
	}
	return all, nil
}

func (k *fake) target(ref string) string {
	if !strings.HasPrefix(ref, "/") {
		ref = "/dev/" + ref
	}
	if to := k.links[ref]; to != "" {
		return to
	}
	return ref
}

func (k *fake) open(c Chip) (device, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.all {
		if f.Path == c.Path && !f.gone {
			return f, nil
		}
	}
	return nil, syscall.ENOENT
}

// with changes the chip under the kernel's lock.
func (c *fakeChip) with(change func()) {
	c.kernel.mu.Lock()
	defer c.kernel.mu.Unlock()
	change()
}

// drive puts a level on an input from outside, and tells the edge, as often as it is asked for.
func (c *fakeChip) drive(line int, high bool) {
	var tell []func()
	c.with(func() {
		if c.levels[line] == high {
			return
		}
		c.levels[line] = high
		for _, r := range c.live {
			if place := slices.Index(r.wish.lines, line); place >= 0 && r.wish.edges != nil {
				tell = append(tell, func() { r.wish.edges(place) })
			}
		}
	})
	for _, f := range tell {
		f()
	}
}

// unplug takes the chip away, whoever holds its lines.
func (c *fakeChip) unplug() { c.with(func() { c.gone = true }) }

// plug brings it back: all lines low and nobody's.
func (c *fakeChip) plug() {
	c.with(func() {
		c.gone, c.live = false, nil
		clear(c.levels)
		clear(c.held)
	})
}

func (c *fakeChip) close() {}

func (c *fakeChip) line(number int) (Line, error) {
	c.kernel.mu.Lock()
	defer c.kernel.mu.Unlock()
	return Line{Number: number, Name: c.names[number], Consumer: c.held[number], Used: c.held[number] != ""}, nil
}

func (c *fakeChip) request(w wish) (request, error) {
	c.kernel.mu.Lock()
	defer c.kernel.mu.Unlock()
	for _, line := range w.lines {
		if c.held[line] != "" {
			return nil, syscall.EBUSY
		}
	}
	if c.refuses != nil {
		if err := c.refuses(w); err != nil {
			return nil, err
		}
	}
	w.lines, w.levels = slices.Clone(w.lines), slices.Clone(w.levels)
	w.activeLow, w.bias = slices.Clone(w.activeLow), slices.Clone(w.bias)
	r := &fakeRequest{chip: c, wish: w}
	for i, line := range w.lines {
		c.held[line] = w.consumer
		if w.output {
			c.levels[line] = (w.levels[i] != 0) != w.activeLow[i]
		}
	}
	c.wishes = append(c.wishes, w)
	c.live = append(c.live, r)
	return r, nil
}

type fakeRequest struct {
	chip   *fakeChip
	wish   wish
	closed bool
}

func (r *fakeRequest) broken() error {
	c := r.chip
	switch {
	case r.closed:
		return syscall.EBADF
	case c.gone, !slices.Contains(c.live, r):
		return syscall.ENODEV
	}
	return c.breaks
}

func (r *fakeRequest) Values(values []int) error {
	r.chip.kernel.mu.Lock()
	defer r.chip.kernel.mu.Unlock()
	if err := r.broken(); err != nil {
		return err
	}
	r.chip.reads++
	for i, line := range r.wish.lines {
		values[i] = 0
		if r.chip.levels[line] != r.wish.activeLow[i] {
			values[i] = 1
		}
	}
	return nil
}

func (r *fakeRequest) SetValues(values []int) error {
	r.chip.kernel.mu.Lock()
	defer r.chip.kernel.mu.Unlock()
	if err := r.broken(); err != nil {
		return err
	}
	r.chip.written = append(r.chip.written, slices.Clone(values))
	for i, line := range r.wish.lines {
		r.chip.levels[line] = (values[i] != 0) != r.wish.activeLow[i]
	}
	return nil
}

func (r *fakeRequest) Close() error {
	r.chip.kernel.mu.Lock()
	defer r.chip.kernel.mu.Unlock()
	if at := slices.Index(r.chip.live, r); !r.closed && at >= 0 {
		r.chip.live = slices.Delete(r.chip.live, at, at+1)
		for _, line := range r.wish.lines {
			r.chip.held[line] = ""
		}
	}
	r.closed = true
	return nil
}

// wired has the outputs on lines 0 to 6, no feedback, the inputs on 8 to 13.
func wired() hardware.Wiring {
	var w hardware.Wiring
	for o := range w.Outputs {
		w.Outputs[o], w.Feedbacks[o] = o, -1
	}
	for i := range w.Inputs {
		w.Inputs[i] = 8 + i
	}
	return w
}

// opened is a board on a chip of its own.
func opened(t *testing.T, change func(*fakeChip, *Settings)) (*Board, *fakeChip, *[]string) {
	t.Helper()
	c := chipOf("gpiochip0", "pinctrl-rp1", 32)
	kernelOf(c)
	said := &[]string{}
	s := Settings{Wiring: wired(), Log: func(text string) { *said = append(*said, text) }}
	if change != nil {
		change(c, &s)
	}
	b, err := open(c.kernel, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, c, said
}
