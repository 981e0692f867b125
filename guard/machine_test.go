package guard

import (
	"fmt"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

var limits = Limits{Silence: 400 * time.Millisecond, First: 600 * time.Millisecond, Pulse: 200 * time.Millisecond,
	Trip: 600 * time.Millisecond, GiveUp: 800 * time.Millisecond, Retry: 50 * time.Millisecond}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is the guard with what is around it, and an accountant who trusts no figure of the machine.
type world struct {
	m    Machine
	now  time.Time
	held protocol.Lines // what the board gave
	// level is what is certainly on the lines; sure is false after a write that failed.
	level protocol.Lines
	sure  bool
	// pulsed is how long ignition off was certainly active with nothing of the engine on.
	pulsed                time.Duration
	dead, bye, acted      bool
	beaten                time.Time // last beat, or the start
	tripped               time.Time
	killed, driven, ended bool
	lastWrites            int // of everything off
}

// key is the world with every instant counted from now: two worlds of one key have one future.
func (w world) key() world {
	shift := func(t time.Time) time.Time {
		if t.IsZero() {
			return t
		}
		return epoch.Add(t.Sub(w.now))
	}
	k := w
	k.m.Cause, k.m.Stopped, k.m.Ended, k.killed, k.driven = "", time.Time{}, time.Time{}, false, false
	if w.m.Phase > Tripping { // what does not matter any more
		k.m.Heard, k.m.Limit, k.m.Graced, k.beaten, k.tripped = time.Time{}, time.Time{}, false, time.Time{}, time.Time{}
		if w.m.Dead {
			k.m.Kill = time.Time{}
		}
		switch w.m.Phase {
		case Pulsing:
			k.m.Since = time.Time{}
		case Closing, Done:
			k.m.Since, k.m.Began, k.m.Wrote, k.m.Pulsed = time.Time{}, time.Time{}, time.Time{}, 0
		}
		k.pulsed, k.m.Pulsed = min(k.pulsed, limits.Pulse), min(k.m.Pulsed, limits.Pulse)
	}
	for _, t := range []*time.Time{&k.m.Heard, &k.m.Limit, &k.m.Began, &k.m.Kill, &k.m.Since, &k.m.Next,
		&k.m.Wrote, &k.m.Stopped, &k.m.Ended, &k.beaten, &k.tripped} {
		*t = shift(*t)
	}
	k.now = epoch
	return k
}

// answers is how board and lines behave in one step.
type answers struct {
	free  protocol.Lines // lines that can be had
	fails bool           // writes fail
}

// step lets the world go on to an instant with an input, and carries out what follows.
func (w world) step(t *testing.T, at time.Time, in Input, a answers) world {
	t.Helper()
	if w.sure && w.level.Has(protocol.IgnitionOff) {
		w.pulsed += at.Sub(w.now)
	}
	w.now = at
	w.dead = w.dead || in.Dead
	watching := w.m.Phase == Watching || w.m.Phase == Tripping
	if watching {
		w.bye = w.bye || in.Bye
		if in.Beat && w.m.Phase == Watching {
			w.beaten = at
		}
		if in.Trip && w.tripped.IsZero() {
			w.tripped = at
		}
	}
	gone := in.Gone || in.Dead
	for again := true; again; {
		var e Effect
		w.m, e = Step(limits, w.m, in, at)
		in, again = Input{}, false
		w.checkEffect(t, e, gone)
		w.killed = w.killed || e.Kill
		if e.Open != NotNow {
			if e.Open == Apart || Every&^w.held&^a.free == 0 {
				w.held |= a.free
			}
			held := w.held
			in.Opened, again = &held, true
		}
		if e.Write {
			var done protocol.Lines
			if w.sure = !a.fails; w.sure {
				done, w.level = w.held, e.Lines&w.held
			}
			in.Written, again = &done, true
			w.driven = true
		}
		w.ended = w.ended || e.Finish
	}
	w.checkState(t, in)
	return w
}

// checkEffect holds what must never be asked for.
func (w *world) checkEffect(t *testing.T, e Effect, gone bool) {
	t.Helper()
	if e.Write && e.Lines != StopLevels && e.Lines != 0 {
		t.Fatalf("drives %s", e.Lines)
	}
	busy := e.Mark || e.Kill || e.Open != NotNow || e.Write || e.Finish
	if busy && w.bye {
		t.Fatalf("acts after a goodbye: %+v in %+v", e, w.m)
	}
	if busy && !w.acted {
		silent, tripping := w.now.Sub(w.beaten), !w.tripped.IsZero()
		switch {
		case gone:
		case tripping && w.now.Sub(w.tripped) < limits.Trip:
			t.Fatalf("acts %s into a trip", w.now.Sub(w.tripped))
		case !tripping && silent < limits.Silence:
			t.Fatalf("acts after %s of silence: %+v", silent, w.m)
		}
		w.acted = true
	}
	if e.Kill && w.dead {
		t.Fatal("kills the dead")
	}
	if e.Write && e.Lines == 0 {
		w.lastWrites++
	}
	if proven := w.sure && w.level == 0; e.Finish && !proven && w.held != 0 && w.lastWrites < closeTries {
		t.Fatalf("lets go of %s after %d attempts", w.level, w.lastWrites)
	}
}

// checkState holds what must be so after each step.
func (w *world) checkState(t *testing.T, _ Input) {
	t.Helper()
	if w.m.Phase == Done {
		if !w.bye && !w.ended {
			t.Fatalf("done without a goodbye and without its work: %+v", w.m)
		}
		if w.ended && !w.m.GaveUp && w.pulsed < limits.Pulse {
			t.Fatalf("ends after a pulse of %s (it thinks %s)", w.pulsed, w.m.Pulsed)
		}
		return
	}
	if next := w.m.Until(); next.IsZero() {
		t.Fatalf("waits for ever: %+v", w.m)
	}
	if w.m.Pulsed > w.pulsed {
		t.Fatalf("counts a pulse of %s that was %s", w.m.Pulsed, w.pulsed)
	}
	if w.m.Phase == Watching && w.dead {
		t.Fatal("watches the dead")
	}
}

// finish lets the world go on without a word, on time, with these answers, and returns how long it
// took until it was done, and how long until the first pulse stood on the lines.
func (w world) finish(t *testing.T, a answers) (total, first time.Duration) {
	t.Helper()
	start := w.now
	first = -1
	for range 5000 {
		if w.sure && w.level.Has(protocol.IgnitionOff) && first < 0 {
			first = w.now.Sub(start)
		}
		if w.m.Phase == Done {
			return w.now.Sub(start), first
		}
		at := w.m.Until()
		if at.Before(w.now) {
			at = w.now
		}
		w = w.step(t, at, Input{}, a)
	}
	t.Fatalf("does not end: %+v", w.m)
	return 0, 0
}

var sayings = []Input{
	{}, {Beat: true}, {Trip: true}, {Bye: true}, {Gone: true}, {Dead: true},
	{Beat: true, Trip: true}, {Trip: true, Gone: true}, {Beat: true, Dead: true, Gone: true},
	{Bye: true, Gone: true, Dead: true},
}

// TestWhateverComesTheEngineIsStopped explores every order of beats, trips, farewells, deaths, busy
// lines, failing writes and delays.
func TestWhateverComesTheEngineIsStopped(t *testing.T) {
	const off = protocol.Lines(1 << protocol.IgnitionOff)
	for name, free := range map[string]protocol.Lines{
		"all lines are free":                    Every,
		"a stranger holds rpm_reduce":           Every.Without(protocol.RPMReduce),
		"a stranger holds the main valve":       Every.Without(protocol.MainValve),
		"a stranger holds ignition off":         Every &^ off,
		"a stranger holds all but ignition off": off,
		"nothing can be had":                    0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			explore(t, free)
		})
	}
}

func explore(t *testing.T, free protocol.Lines) {
	first := world{m: Begin(limits, epoch), now: epoch, beaten: epoch}
	seen := map[world]bool{first.key(): true}
	queue := []world{first}
	var phases [Done + 1]int
	for len(queue) > 0 {
		w := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		phases[w.m.Phase]++
		if w.m.Phase == Done {
			continue
		}
		checkEnds(t, w, free)
		for _, next := range futures(t, w, free) {
			if k := next.key(); !seen[k] {
				seen[k] = true
				queue = append(queue, next)
			}
		}
	}
	for p, n := range phases {
		if n == 0 && (free != 0 || Phase(p) != Pulsing && Phase(p) != Closing) {
			t.Errorf("%s was never reached", Phase(p))
		}
	}
	t.Logf("%d worlds; by phase %v", len(seen), phases)
}

// futures are all the worlds that may follow.
func futures(t *testing.T, w world, free protocol.Lines) (all []world) {
	due := w.m.Until()
	if due.Before(w.now) {
		due = w.now
	}
	soon := w.now.Add(50 * time.Millisecond)
	if due.Before(soon) {
		soon = due
	}
	board := []answers{{free, false}, {0, false}, {free, true}}
	if w.m.Phase == Watching || w.m.Phase == Tripping {
		board = board[:2]
		for _, in := range sayings {
			for _, at := range []time.Time{w.now, soon, due, due.Add(150 * time.Millisecond)} {
				for _, a := range board {
					all = append(all, w.step(t, at, in, a))
				}
			}
		}
		return all
	}
	for _, a := range board {
		all = append(all, w.step(t, due, Input{}, a), w.step(t, due.Add(150*time.Millisecond), Input{}, a),
			w.step(t, due, Input{Beat: true, Bye: true, Trip: true}, a))
		if !w.dead {
			all = append(all, w.step(t, soon, Input{Dead: true, Gone: true}, a))
		}
	}
	return all
}

// checkEnds holds the bounds: from here on without a word and with what can be had, the pulse begins
// and ends in time; and even if nothing can be had, all ends.
func checkEnds(t *testing.T, w world, free protocol.Lines) {
	t.Helper()
	patience := limits.First + limits.Trip + killPatience + narrowAfter + 50*time.Millisecond
	closing := closeTries * rewrite
	for _, free := range []protocol.Lines{free, Every} { // a stranger may let go
		total, first := w.finish(t, answers{free, false})
		if w.m.Phase >= Closing || !free.Has(protocol.IgnitionOff) || tooLate(w) {
			continue
		}
		if first < 0 || first > patience {
			t.Fatalf("no stop pulse within %s (%s) from %+v", patience, first, w.m)
		}
		if most := patience + limits.Pulse + rewrite + closing; total > most {
			t.Fatalf("not done within %s (%s) from %+v", most, total, w.m)
		}
	}
	for _, a := range []answers{{0, false}, {free, true}} {
		if total, _ := w.finish(t, a); total > patience+limits.GiveUp+closing+time.Second {
			t.Fatalf("%+v: ends after %s from %+v", a, total, w.m)
		}
	}
}

// tooLate: so much of the time to give up was spent with a board that refused that a pulse no longer
// fits into it.
func tooLate(w world) bool {
	return !w.m.Began.IsZero() && w.now.Sub(w.m.Began) > limits.GiveUp-limits.Pulse-narrowAfter-100*time.Millisecond
}

// TestTheGuardMeets tells the usual stories with their times.
func TestTheGuardMeets(t *testing.T) {
	c := LimitsOf(Orders{Pulse: 5 * time.Second, Deadman: 2 * time.Second, Beating: true})
	for name, story := range map[string]struct {
		word Input
		at   time.Duration // of the word, after the last beat
		end  Phase         // at once
		acts time.Duration // when it acts; 0: never
		why  Cause
	}{
		"a death":                {Input{Dead: true, Gone: true}, time.Second, Seizing, time.Second, Died},
		"an end of the socket":   {Input{Gone: true}, time.Second, Killing, time.Second, Died},
		"a farewell":             {Input{Bye: true, Gone: true, Dead: true}, time.Second, Done, 0, ""},
		"silence":                {Input{}, time.Second, Watching, 2100 * time.Millisecond, Hung},
		"a trip that never ends": {Input{Trip: true}, time.Second, Tripping, 8 * time.Second, TripOverran},
	} {
		t.Run(name, func(t *testing.T) {
			m := Begin(c, epoch)
			m, e := Step(c, m, story.word, epoch.Add(story.at))
			if m.Phase != story.end {
				t.Fatalf("%s, want %s", m.Phase, story.end)
			}
			if m.Phase == Watching || m.Phase == Tripping {
				if until := m.Until(); until != epoch.Add(story.acts) {
					t.Fatalf("acts after %s, want %s", until.Sub(epoch), story.acts)
				}
				m, e = Step(c, m, Input{}, m.Until())
			}
			if m.Cause != story.why || e.Mark != (story.acts > 0) {
				t.Errorf("cause %q, effect %+v", m.Cause, e)
			}
		})
	}
}

// TestAGuardThatWasPausedGivesGraceOnce: a whole machine that stood still looks like a process that
// hangs.
func TestAGuardThatWasPausedGivesGraceOnce(t *testing.T) {
	c := LimitsOf(Orders{Pulse: time.Second, Deadman: 2 * time.Second, Beating: true})
	late := epoch.Add(time.Hour)
	m, e := Step(c, Begin(c, epoch), Input{}, late)
	if m.Phase != Watching || e.Kill || m.Until() != late.Add(grace) {
		t.Fatalf("no grace: %+v", m)
	}
	saved, _ := Step(c, m, Input{Beat: true}, late.Add(grace/2))
	if saved.Phase != Watching || saved.Until() != late.Add(grace/2+c.Silence) {
		t.Errorf("a beat in the grace does not save it: %+v", saved)
	}
	for _, more := range []time.Duration{grace, grace + time.Hour} {
		if m, e := Step(c, m, Input{}, late.Add(more)); m.Phase != Killing || !e.Kill || m.Cause != Hung {
			t.Errorf("a second grace after %s: %+v", more, m)
		}
	}
}

// TestAGuardOfAStartingHouseIsPatient: before the first beat nothing can be on.
func TestAGuardOfAStartingHouseIsPatient(t *testing.T) {
	starting := LimitsOf(Orders{Deadman: 2 * time.Second})
	again := LimitsOf(Orders{Deadman: 2 * time.Second, Beating: true})
	if starting.First <= again.First || again.First != again.Silence {
		t.Errorf("first beat within %s and %s", starting.First, again.First)
	}
}

func ExamplePhase_String() {
	fmt.Println(Watching, Tripping, Killing, Seizing, Pulsing, Closing, Done)
	// Output: watching tripping killing seizing pulsing closing done
}
