package gpio

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// situation is a model without its absolute times: two models of one situation go the same ways.
type situation struct {
	machine    Machine
	start      time.Duration
	on         protocol.Lines
	stuckOn    protocol.Lines
	stuckOff   protocol.Lines
	writeFail  bool
	readFail   bool
	spent      bool
	wants      protocol.Lines
	hasStarted bool
	silentFor  time.Duration
	pauses     int
}

// situate takes the present out of all times, and out of the machine what nothing asks for any more.
func (x *model) situate() situation {
	if x.tripped {
		return situation{machine: Machine{Tripped: x.machine.Tripped}}
	}
	epoch := time.Unix(0, 0)
	rel := func(t time.Time, past time.Duration) time.Time {
		if t.IsZero() {
			return t
		}
		return epoch.Add(max(t.Sub(x.now), -past))
	}
	s := situation{machine: x.machine, on: x.onLines, stuckOn: x.stuckOn, stuckOff: x.stuckOff, spent: x.spent,
		writeFail: x.writeFail, readFail: x.readFail, wants: x.wants, hasStarted: !x.startSince.IsZero()}
	if s.hasStarted {
		s.start = min(x.now.Sub(x.startSince), x.limits.Crank)
	}
	if x.limits.Deadman > 0 {
		s.silentFor, s.pauses = min(x.now.Sub(x.heard), x.limits.Deadman), x.pauses
	}
	m := &s.machine
	m.At = epoch // matters between a write and its answer alone
	m.Vigil = x.vigilFromNow(rel)
	m.Seq, m.Done, m.Losses = 0, 0, min(m.Losses, 6)
	m.NextTry, m.Cranking = rel(m.NextTry, 0), rel(m.Cranking, x.limits.Crank)
	if m.Rewrite = rel(m.Rewrite, 0); !m.NextTry.IsZero() {
		m.Rewrite = epoch // a lost board has its own pace
	}
	for i := range m.Lines {
		l := &m.Lines[i]
		l.Since, l.Next = rel(l.Since, max(x.limits.Travel, x.limits.Settle)), rel(l.Next, 0)
		if !x.limits.Fed.Has(protocol.Line(i)) {
			l.Since = epoch // asked for with feedbacks alone
		}
		if l.Patience = rel(l.Patience, 0); l.Patience.Equal(epoch) {
			l.Patience = time.Time{}
		}
	}
	return s
}

// vigilFromNow is the watch without absolute times; without a dead-man it matters to nobody.
func (x *model) vigilFromNow(rel func(time.Time, time.Duration) time.Time) (v protocol.Vigil) {
	if x.limits.Deadman > 0 {
		v = x.machine.Vigil
		v.Since, v.Excused = rel(v.Since, x.limits.Deadman), rel(v.Excused, 0)
	}
	return v
}

// act is something that can happen.
type act struct {
	name string
	do   func(*model)
}

// world is what may happen in one exploration: all of it at once would not end.
type world struct {
	name   string
	fed    protocol.Lines
	asks   []protocol.Lines
	sticks []protocol.Lines
	fails  bool // writes and reads fail
	// deadman is the patience with a pump that falls silent; 0: it is not watched.
	deadman time.Duration
}

var worlds = []world{
	{name: "lines that stick, read by themselves",
		asks:   []protocol.Lines{0, main, main | start, main | on, main | off, main | start | on | off},
		sticks: []protocol.Lines{main, start, on}},
	{name: "lines that stick, read through feedbacks", fed: main | on,
		asks:   []protocol.Lines{0, main, main | start, main | on, main | off},
		sticks: []protocol.Lines{main, on}},
	{name: "a board that fails while the engine is cranked", fails: true,
		asks: []protocol.Lines{main, main | start, main | on, start}},
	{name: "a board that fails while a line sticks", fails: true,
		asks: []protocol.Lines{main | start, main | off}, sticks: []protocol.Lines{start}},
	{name: "a board that fails while a valve travels", fed: main, fails: true,
		asks: []protocol.Lines{0, main}, sticks: []protocol.Lines{main}},
	{name: "a pump that falls silent and a process that is paused", deadman: 200 * time.Millisecond,
		asks: []protocol.Lines{0, main | start, main | off}, sticks: []protocol.Lines{start}},
	{name: "a pump that falls silent before a board that fails", deadman: 200 * time.Millisecond,
		asks: []protocol.Lines{main | on}, fails: true},
}

func (w world) acts() []act {
	all := []act{
		{"the next deadline", func(x *model) { x.tick(time.Second) }},
		{"half the way to the next deadline", func(x *model) {
			wait := x.machine.Until(x.limits).Sub(x.now)
			if wait <= 200*time.Millisecond && x.machine.NextTry.IsZero() {
				x.now = x.now.Add((wait / 2).Truncate(50 * time.Millisecond))
			}
		}},
		{"the board tells of a change", func(x *model) { x.step(Input{Moved: true}) }},
		{"no line sticks", func(x *model) { x.stuckOn, x.stuckOff = 0, 0 }},
	}
	if w.fails {
		all = append(all,
			act{"writes fail", func(x *model) { x.writeFail = true }},
			act{"reads fail", func(x *model) { x.readFail = true }},
			act{"the board works", func(x *model) { x.writeFail, x.readFail = false, false }})
	}
	for _, l := range w.sticks {
		all = append(all,
			act{l.String() + " sticks on", func(x *model) { x.stuckOn, x.stuckOff = l, 0 }},
			act{l.String() + " sticks off", func(x *model) { x.stuckOn, x.stuckOff = 0, l }})
	}
	if w.deadman > 0 {
		all = append(all, act{"the process is paused", func(x *model) { x.pause(time.Minute); x.step(Input{}) }},
			act{"the process is paused, the board comes first", func(x *model) {
				x.pause(time.Minute)
				x.step(Input{Moved: true})
			}})
	}
	for _, l := range w.asks {
		all = append(all, act{"asked: " + l.String(), func(x *model) { x.ask(l) }})
	}
	return all
}

// TestEveryReachableSituationKeepsTheInvariants goes every way that commands, stuck lines, a failing
// board and time can take, until nothing new appears, and holds the invariants in every step; then
// lets each situation heal, and sees it heal.
func TestEveryReachableSituationKeepsTheInvariants(t *testing.T) {
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			explore(t, w, Limits{Attempts: 2, Crank: 100 * time.Millisecond, Fed: w.fed,
				Settle: 50 * time.Millisecond, Travel: 150 * time.Millisecond, Grace: 100 * time.Millisecond,
				Deadman: w.deadman})
		})
	}
}

func explore(t *testing.T, w world, c Limits) {
	type node struct {
		model *model
		from  int
		by    string
	}
	first := newModel(c)
	seen := map[situation]bool{first.situate(): true}
	nodes := []node{{first, -1, "start"}}
	path := func(i int, last string) (text string) {
		for ; i >= 0; i = nodes[i].from {
			text = nodes[i].by + "\n" + text
		}
		return text + last
	}
	steps, failed, capped, lost, tripped := 0, 0, 0, 0, 0
	all := w.acts()
	for i := 0; i < len(nodes) && len(nodes) < exploreLimit; i++ {
		for _, a := range all {
			next := *nodes[i].model
			next.events = nil
			a.do(&next)
			steps++
			if next.wrong != "" {
				t.Fatalf("%s\nafter\n%s", next.wrong, path(i, a.name))
			}
			s := next.situate()
			if seen[s] {
				continue
			}
			seen[s] = true
			nodes = append(nodes, node{&next, i, a.name})
			if why := heals(next); why != "" {
				t.Fatalf("%s\nafter\n%s", why, path(i, a.name))
			}
			if s.machine.Failed != 0 {
				failed++
			}
			if s.machine.Spent {
				capped++
			}
			if !s.machine.Available && !s.machine.Tripped {
				lost++
			}
			if s.machine.Tripped {
				tripped++
			}
		}
	}
	t.Logf("%d situations, %d steps; with a failed line %d, with a crank cut %d, with a lost board %d, tripped %d",
		len(nodes), steps, failed, capped, lost, tripped)
	if len(nodes) >= exploreLimit {
		t.Errorf("more than %d situations: the exploration is not complete", exploreLimit)
	}
	if (tripped == 0) != (w.deadman == 0) || (failed == 0) != (w.sticks == nil) || (lost == 0) == w.fails || (capped == 0) != !w.cranks() {
		t.Error("what was to be explored was not reached")
	}
}

func (w world) cranks() bool {
	return slices.ContainsFunc(w.asks, func(l protocol.Lines) bool { return l&(main|start|off) == main|start })
}

// exploreLimit keeps an exploration that does not end from filling the memory.
const exploreLimit = 200_000

// heals: once line and board work again, everything is as asked within a few seconds.
func heals(x model) string {
	x.events = nil
	x.stuckOn, x.stuckOff, x.writeFail, x.readFail = 0, 0, false, false
	for range 40 {
		if x.limits.Deadman > 0 && !x.machine.Tripped {
			x.ask(x.wants) // a pump that lives repeats itself
		}
		x.tick(100 * time.Millisecond)
	}
	m := x.machine
	if m.Tripped && x.wrong == "" {
		return "" // the next process heals it
	}
	if x.wrong != "" {
		return "healing: " + x.wrong
	}
	if m.Read != m.Outputs() || m.Commanded != m.Outputs() || m.Failed != 0 || !m.Available || m.Done != x.seq {
		return fmt.Sprintf("does not heal: %+v", m)
	}
	return ""
}
