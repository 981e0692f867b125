package gpiosim

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What happened to a line.
const (
	Out  = "out"  // requested as an output or made one; High is the level from the first instant
	In   = "in"   // requested as an input or made one
	Set  = "set"  // an output changed
	Free = "free" // let go; High is the level that it has from now on
	Pull = "pull" // the outside world changed an undriven line
)

// Event is one entry of the kernel's record. Set and Pull are noted only when the level changes, the
// others always.
type Event struct {
	Number int64         // of the entry; none is left out
	At     time.Duration // CLOCK_MONOTONIC, compare with Now
	Op     int64         // what one write changed, in one step, has this in common
	Chip   string
	Line   int
	What   string
	High   bool
	PID    int    // who did it
	By     string // the consumer whose line it is; empty: nobody's
}

func (e Event) String() string {
	level := 0
	if e.High {
		level = 1
	}
	return fmt.Sprintf("%12.6f op %d %s line %d %s %d pid %d %q", e.At.Seconds(), e.Op, e.Chip, e.Line,
		e.What, level, e.PID, e.By)
}

// Now is the kernel's monotonic clock, in which events are stamped.
func Now() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail
	return time.Duration(ts.Nano())
}

// History reads the kernel's record of one chip from an instant on. It may be used from any
// goroutine.
type History struct {
	t      testing.TB
	chip   string
	mu     sync.Mutex
	file   *os.File
	rest   string
	next   int64 // number of the entry to come
	events []Event
}

// History begins to collect what happens to this chip's lines from now on.
func (c *Chip) History() *History {
	c.t.Helper()
	file, err := os.Open("/sys/kernel/debug/gpio-sim/history")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = file.Close() })
	h := &History{t: c.t, chip: c.Name(), file: file, next: -1}
	h.read()
	h.events = nil
	return h
}

// Events is everything since the history began, in order.
func (h *History) Events() []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.read()
	return h.events[:len(h.events):len(h.events)]
}

// Forget begins anew.
func (h *History) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.read()
	h.events = nil
}

// read takes what is new. The kernel keeps the last 65,536 entries: falling behind is an error.
func (h *History) read() {
	var text strings.Builder
	text.WriteString(h.rest)
	buffer := make([]byte, 1<<16)
	for {
		n, err := h.file.Read(buffer)
		text.Write(buffer[:n])
		if n == 0 || err != nil {
			break
		}
	}
	all := text.String()
	for {
		line, rest, whole := strings.Cut(all, "\n")
		if !whole {
			h.rest = line
			return
		}
		all = rest
		h.take(line)
	}
}

func (h *History) take(line string) {
	e, err := Parse(line)
	switch {
	case err != nil:
		h.t.Errorf("gpio-sim history: %q: %v", line, err)
		return
	case h.next >= 0 && e.Number != h.next:
		h.t.Errorf("gpio-sim history: entries %d to %d are lost", h.next, e.Number-1)
	}
	h.next = e.Number + 1
	if e.Chip == h.chip {
		h.events = append(h.events, e)
	}
}

// Parse reads one line of the kernel's record, as it stands in debugfs; with gpio_sim.log=1 it stands in
// the kernel's log too, behind the word "history".
func Parse(line string) (e Event, err error) {
	var at, level int64
	_, err = fmt.Sscan(line, &e.Number, &at, &e.Op, &e.Chip, &e.Line, &e.What, &level, &e.PID)
	e.At, e.High = time.Duration(at), level == 1
	if fields := strings.SplitN(line, " ", 9); len(fields) == 9 {
		e.By = fields[8]
	}
	return e, err
}
