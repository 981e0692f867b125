package guard

import (
	"fmt"
	"slices"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// act carries out one effect; again is true when the machine is to hear the answer.
func (g *watcher) act(e Effect) (in Input, again bool) {
	if e.Kill {
		g.kill()
	}
	if e.Open != NotNow {
		held := g.hold.take(e.Open, g.takes, g.fault)
		in.Opened, again = &held, true
	}
	if e.Write {
		done := g.hold.write(e.Lines, g.fault)
		in.Written, again = &done, true
	}
	if e.Mark && !g.marked { // after the first attempt at the lines: nothing comes before them
		g.begun()
	}
	if e.Finish {
		g.finish()
	}
	return in, again
}

func (g *watcher) takes(lines protocol.Lines) (hardware.Board, error) { return g.open(g.orders, lines) }

// begun shows that the guard is at work.
func (g *watcher) begun() {
	var err error
	g.began, g.marked = time.Now(), true
	if g.mark, err = setMark(g.orders.Dir); err != nil {
		g.fault(err.Error())
	}
	silent := time.Since(g.machine.Heard).Round(time.Millisecond)
	g.say(fmt.Sprintf("main process %d %s, silent for %s: stopping the engine", g.orders.PID,
		g.machine.Cause, silent))
}

// finish lets the lines go, leaves the record and is gone.
func (g *watcher) finish() {
	g.hold.release(g.fault)
	r := g.record()
	if r.Full {
		g.say(fmt.Sprintf("engine off after %s, stop pulse of %s given, everything off",
			r.Stopped.Round(time.Millisecond), r.Pulsed.Round(time.Millisecond)))
	} else {
		g.say("THE STOP PULSE COULD NOT BE GIVEN: stop the engine by hand")
	}
	if err := r.write(g.orders.Dir); err != nil {
		g.say(err.Error())
	}
	if g.marked {
		g.mark.remove()
	}
}

// record is what was done.
func (g *watcher) record() Record {
	m := &g.machine
	after := func(t time.Time) time.Duration {
		if t.IsZero() {
			return 0
		}
		return t.Sub(m.Began)
	}
	r := Record{At: g.began.UTC(), PID: g.orders.PID, Cause: m.Cause, Tripping: g.tripped,
		Silent: m.Began.Sub(m.Heard), Stopped: after(m.Stopped), Ended: after(m.Ended),
		Pulsed: m.Pulsed, Full: !m.GaveUp, Problems: append([]string{}, g.faults...)}
	if m.GaveUp {
		r.Problems = append(r.Problems, fmt.Sprintf("gave up after %s, holding %s", g.limits.GiveUp, m.Held))
	}
	return r
}

// fault notes what did not work, once.
func (g *watcher) fault(text string) {
	if len(g.faults) >= mostProblems || slices.Contains(g.faults, text) {
		return
	}
	g.faults = append(g.faults, text)
	if g.machine.Phase != Killing || len(g.faults) > 1 {
		g.say(text)
	}
}

// hold is the boards that were taken, and of which lines.
type hold struct {
	boards []held
	lines  protocol.Lines
}

type held struct {
	board hardware.Board
	lines protocol.Lines
}

// take asks for the lines that are missing and returns all that are held then.
func (h *hold) take(s Scope, open func(protocol.Lines) (hardware.Board, error), fault func(string)) protocol.Lines {
	try := func(lines protocol.Lines) bool {
		if lines == 0 {
			return true
		}
		board, err := open(lines)
		if err != nil {
			if s == Apart { // for a few milliseconds the lines of the dead are busy: no news
				fault(err.Error())
			}
			return false
		}
		h.boards = append(h.boards, held{board, lines})
		h.lines |= lines
		return true
	}
	if s == Whole {
		try(Every &^ h.lines)
		return h.lines
	}
	if !try(engine&^h.lines) || h.lines|engine == h.lines {
		for l := range protocol.NumLines {
			try(protocol.SetOf(l) &^ h.lines)
		}
	}
	return h.lines
}

// write drives every line that is held and returns those whose board took it.
func (h *hold) write(levels protocol.Lines, fault func(string)) (done protocol.Lines) {
	for _, b := range h.boards {
		if err := b.board.Write(hardware.Outputs(levels & b.lines)); err != nil {
			fault(err.Error())
			continue
		}
		done |= b.lines
	}
	return done
}

func (h *hold) release(fault func(string)) {
	for _, b := range h.boards {
		if err := b.board.Close(); err != nil {
			fault(err.Error())
		}
	}
	h.boards = nil
}

// Stop takes the lines now, gives the full stop pulse with the main valve open, and switches
// everything off: what `wildfire-watch safe` does when there is nobody else. It returns within twice
// the pulse and some 15 s; lines that are held by somebody else for longer stay as they are.
func Stop(o Orders, open Open, say func(text string)) Record {
	g := &watcher{orders: o, limits: LimitsOf(o), socket: -1, main: -1, open: open, say: say}
	g.limits.GiveUp = 2*o.Pulse + stopPatience
	g.machine, g.began = BeginStop(time.Now()), time.Now()
	if m, err := setMark(o.Dir); err == nil {
		g.mark, g.marked = m, true
	}
	for in := (Input{}); g.machine.Phase != Done; {
		var e Effect
		g.machine, e = Step(g.limits, g.machine, in, time.Now())
		if e.Finish {
			g.hold.release(g.fault)
			break
		}
		var again bool
		if in, again = g.act(e); !again {
			g.wait(time.Until(g.machine.Until()))
		}
	}
	if g.marked {
		g.mark.remove()
	}
	return g.record()
}

// stopPatience is how long Stop waits for lines that are held by somebody else.
const stopPatience = 15 * time.Second
