package gpio

import (
	"sync"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// CutOffs are the limits that a gate keeps by itself, on the lines and past every mailbox: when pump
// and gpio actor both hang, nobody else ends a crank or a run. Each is longer than what the pump and
// the gpio actor keep (docs/decisions/0010-layers-of-stopping.md); 0: none.
type CutOffs struct {
	// Crank is how long ignition start may be active (SPEC P3).
	Crank time.Duration
	// Engine is how long ignition start or on may be active without interruption (SPEC P4).
	Engine time.Duration
}

// The causes, as the journal stores them.
const (
	CutOffCrank  = "cut-off: crank"
	CutOffEngine = "cut-off: engine runtime"
)

// refusedPatience is how long a board that refuses to drop a line is left to those who retry: the
// gpio actor does at least once a second, for ever (SPEC P12). When the retries end, so does this.
const refusedPatience = lastRetry + time.Second

// cutoff is one limit and its timer.
type cutoff struct {
	cause   string
	lines   hardware.Outputs // it runs while any of them may be active
	limit   time.Duration
	timer   *time.Timer // nil: not armed
	arming  uint64      // which arming the timer is of
	overdue bool        // it has fired once and is given a second look
}

// cutoffs watch the writes of a gate. Their lock is never held during a write or a trip.
type cutoffs struct {
	mu   sync.Mutex
	all  [2]cutoff
	trip func(cause string)
}

// CutOff sets the limits and who is called, on a goroutine of its own, when one is passed. Call it
// once, before the first write.
func (g *Gate) CutOff(limits CutOffs, trip func(cause string)) {
	start := hardware.Outputs(0).With(hardware.IgnitionStart, true)
	g.cut.mu.Lock()
	defer g.cut.mu.Unlock()
	g.cut.trip = trip
	g.cut.all = [2]cutoff{
		{cause: CutOffCrank, lines: start, limit: limits.Crank},
		{cause: CutOffEngine, lines: start.With(hardware.IgnitionOn, true), limit: limits.Engine},
	}
}

// raise takes up that o is about to be written: a write that fails or hangs may have its levels.
func (c *cutoffs) raise(o hardware.Outputs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.all {
		if w := &c.all[i]; o&w.lines != 0 && w.timer == nil && w.limit > 0 {
			c.arm(w, w.limit)
		}
	}
}

// wrote takes up how the board answered. A line is dropped when a write without it has succeeded.
func (c *cutoffs) wrote(o hardware.Outputs, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.all {
		w := &c.all[i]
		if w.timer == nil || o&w.lines != 0 {
			continue
		}
		c.disarm(w)
		if err != nil {
			c.arm(w, refusedPatience)
		}
	}
}

// end disarms everything: a trip or the end of the process has the lines now.
func (c *cutoffs) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.all {
		c.disarm(&c.all[i])
		c.all[i].limit = 0
	}
}

func (c *cutoffs) arm(w *cutoff, after time.Duration) {
	w.arming++
	of := w.arming
	w.timer = time.AfterFunc(after, func() { c.due(w, of) })
}

func (c *cutoffs) disarm(w *cutoff) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.timer, w.overdue = nil, false
	w.arming++
}

// due gives whoever should have dropped the line a second look: a process that was paused wakes with
// all of its timers due at once, and this one may be the first.
func (c *cutoffs) due(w *cutoff, of uint64) {
	c.mu.Lock()
	if w.arming != of {
		c.mu.Unlock()
		return // disarmed while it fired
	}
	if !w.overdue {
		w.overdue = true
		c.arm(w, protocol.Grace)
		c.mu.Unlock()
		return
	}
	c.disarm(w)
	cause, trip := w.cause, c.trip
	c.mu.Unlock()
	trip(cause)
}
