package gpio

import "time"

// Configured changes how patient the actor is. Lines, resistors, debounce and the dead-man's time are
// not among it: they need a restart. The system sends it, while the pump rests.
type Configured struct {
	// VerifyTimeout, VerifyGrace and WriteAttempts are the keys of these names.
	VerifyTimeout, VerifyGrace time.Duration
	WriteAttempts              int
	// CrankLimit is as in Settings.
	CrankLimit time.Duration
	// Done is called once, inside the actor, when it is so; it must not block.
	Done func()
}

// with are the limits with those of a change.
func (c Limits) with(m Configured, debounce time.Duration) Limits {
	c.Attempts, c.Crank = m.WriteAttempts, m.CrankLimit
	c.Travel, c.Grace = ahead(m.VerifyTimeout), ahead(m.VerifyGrace)
	c.Settle = debounce + min(settleAfter, m.VerifyTimeout/10)
	return c
}

// Limit changes the limits. A line that is active keeps the one that it was raised under.
func (g *Gate) Limit(limits CutOffs) {
	g.cut.mu.Lock()
	defer g.cut.mu.Unlock()
	if g.Tripped() {
		return
	}
	for i := range g.cut.all {
		switch w := &g.cut.all[i]; w.cause {
		case CutOffCrank:
			w.limit = limits.Crank
		case CutOffEngine:
			w.limit = limits.Engine
		}
	}
}
