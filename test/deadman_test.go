package test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors/system"
	"wildfire-watch/hardware"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

// What SPEC and issue promise of a hang, with the durations of ward.
const (
	deadman   = 2 * time.Second
	noticedIn = deadman + 250*time.Millisecond
	offPulse  = 4 * time.Second
)

// ward is a scene whose actors can be made to hang, and what guards and watchdogs are told of it.
type ward struct {
	*scene
	hang    chan struct{} // closed at the end: whoever hangs may go
	pump    atomic.Bool   // the pump hangs at its next word
	deaf    atomic.Bool   // whoever is told of a trip hangs
	board   atomic.Int32  // so many writes of the board hang; below zero: all
	mu      sync.Mutex    // guards what follows
	safe    int
	alive   []time.Time
	tripped []string
	at      time.Time // of the first
	ended   bool
	also    atomic.Pointer[func(msg any)] // hears what is published, on the publisher's goroutine
}

// hanging is a board whose writes hang.
type hanging struct {
	hardware.Board
	w *ward
}

func (h hanging) Write(o hardware.Outputs) error {
	if n := h.w.board.Load(); n < 0 || n > 0 && h.w.board.CompareAndSwap(n, n-1) {
		<-h.w.hang
	}
	return h.Board.Write(o)
}

// newWard makes a scene with short durations that plays the script.
func newWard(t *testing.T, dir string, script ...string) *ward {
	w := &ward{scene: newScene(t, dir, ""), hang: make(chan struct{})}
	w.slow = func(msg any) {
		if _, ok := msg.(protocol.SetOutputs); ok && w.pump.Load() {
			<-w.hang
		}
		if also := w.also.Load(); also != nil {
			(*also)(msg)
		}
	}
	w.lens = func(b hardware.Board) hardware.Board { return hanging{b, w} }
	w.vitals = system.Vitals{
		Safe: func() { w.note(func() { w.safe++ }) },
		Alive: func() {
			w.note(func() { w.alive = append(w.alive, time.Now()) })
		},
		Tripping: func(who string) {
			w.note(func() { w.tripped, w.at = append(w.tripped, who), time.Now() })
			if w.deaf.Load() {
				<-w.hang
			}
		},
	}
	w.sets = append(w.sets, "pump.ignition_off_duration=4s", "pump.valve_close_delay=30s", "pump.cooldown_duration=60s",
		"pump.priming_duration=20s", "pump.pressure_check_delay=10s", "pump.refill_multiplier=1", "pump.fire_off_delay=5m",
		"pump.max_engine_runtime=3m", "pump.rpm_reduction_lead=20s")
	for _, line := range script {
		w.play("deadman", line)
	}
	return w
}

func (w *ward) note(what func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what()
}

// discharge lets whoever hangs go, and ends the scene.
func (w *ward) discharge() {
	if w.ended {
		return
	}
	w.ended = true
	w.quiet()
	w.pump.Store(false)
	w.board.Store(0)
	close(w.hang)
	synctest.Wait()
	w.end()
}

// causes are what guards were told of trips.
func (w *ward) causes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tripped)
}

// beats are the life signs after that instant.
func (w *ward) beats(after time.Time) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.alive {
		if at.After(after) {
			n++
		}
	}
	return n
}

// stopped holds the lines against the order of P6 from a trip on: the engine off and a full pulse at
// once, the main valve as it was until the pulse has ended, then nothing.
func (w *ward) stopped(from time.Time, main bool) {
	w.t.Helper()
	var on hardware.Outputs
	var rose, fell, shut time.Time
	for _, c := range w.scene.board.History() {
		on = on.With(c.Output, c.Active)
		if c.At.Before(from) {
			continue
		}
		switch {
		case c.Active && c.Output != hardware.IgnitionOff:
			w.t.Errorf("%s is switched on %v after the trip", hardware.OutputNames[c.Output], c.At.Sub(from))
		case c.Output == hardware.IgnitionOff && c.Active:
			rose = c.At
		case c.Output == hardware.IgnitionOff:
			fell = c.At
		case c.Output == hardware.MainValve:
			shut = c.At
		case c.At.After(from.Add(250 * time.Millisecond)):
			w.t.Errorf("%s is switched off only %v after the trip", hardware.OutputNames[c.Output], c.At.Sub(from))
		}
	}
	if rose.IsZero() {
		rose = from // a pulse was on its way
	}
	if on != 0 {
		w.t.Errorf("on at the end: %07b", on)
	}
	if rose.Sub(from) > 250*time.Millisecond || fell.Sub(rose) < offPulse || fell.Sub(from) > offPulse+time.Second {
		w.t.Errorf("the stop pulse: on after %v, for %v", rose.Sub(from), fell.Sub(rose))
	}
	if main != !shut.IsZero() || main && shut.Before(fell) {
		w.t.Errorf("the main valve, open %v, shut %v after the trip, the pulse ended after %v", main, shut.Sub(from), fell.Sub(from))
	}
}

// states and how to get there.
var states = map[string][]string{
	"IDLE":         {"start", "wait 5s"},
	"PRIMING":      {"start", "trigger", "wait 500ms"},
	"STARTING":     {"start", "trigger", "until STARTING 1m", "wait 100ms"},
	"RUNNING":      {"start", "trigger", "until RUNNING 1m", "wait 30s"},
	"REDUCING_RPM": {"start", "trigger", "until REDUCING_RPM 1h", "wait 3s"},
	"STOPPING":     {"start", "trigger", "until STOPPING 1h", "wait 1s"},
	"REFILLING":    {"start", "trigger", "until REFILLING 2h", "wait 3s"},
	"COOLDOWN":     {"start", "trigger", "until COOLDOWN 6h", "wait 3s"},
	"LOW_PRESSURE": {"set gpio.line_pressure=6", "start", "trigger", "until RUNNING 1m", "sensor line_pressure off",
		"until LOW_PRESSURE 1h", "wait 500ms"},
	"ERROR": {"start", "stick main_valve off", "trigger", "until ERROR 1m", "wait 10s"},
}

func TestEveryStateCanBeLeftByATrip(t *testing.T) {
	for s := range protocol.NumStates {
		if states[s.String()] == nil {
			t.Errorf("no way to %v is known here", s)
		}
	}
}

// TestAPumpThatHangsIsNoticedInEveryState: whatever the pump was doing, the lines show the order of
// P6 within gpio.deadman and 250 ms, and the process ends (issue 3, item 2).
func TestAPumpThatHangsIsNoticedInEveryState(t *testing.T) {
	for state, script := range states {
		t.Run(state, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				w := newWard(t, dir, script...)
				defer w.discharge()
				if got := w.pumpState(); got != state {
					t.Fatalf("the state is %s", got)
				}
				w.pump.Store(true)
				hung := time.Now()
				main := w.scene.board.Lines().Has(hardware.MainValve)
				w.pass(noticedIn)
				if got := w.causes(); !slices.Equal(got, []string{"deadman"}) {
					t.Fatalf("guards are told of trips %q", got)
				}
				w.pass(offPulse + 2*time.Second)
				w.stopped(w.at, main)
				if n := w.beats(hung.Add(protocol.BeatOf(deadman))); n != 0 {
					t.Errorf("%d life signs of a pump that hangs", n)
				}
				if code := w.exit.Load(); code != system.TripExitCode {
					t.Errorf("exit code %d", code)
				}
				if n := w.heardOf(protocol.DeadmanTripped); n != 1 {
					t.Errorf("%d events %s", n, protocol.DeadmanTripped)
				}
			})
		})
	}
}

// TestARunGoesOnAfterATrip: the next process gives the stop pulse, cranks anew and knows the cause
// (SPEC P15). What a hanging process said of its lines has latched no ERROR.
func TestARunGoesOnAfterATrip(t *testing.T) {
	for who, breaks := range map[string]func(w *ward){
		"deadman":           func(w *ward) { w.pump.Store(true) },
		"deadman, board":    func(w *ward) { w.board.Store(-1) },
		"trip: consensus":   func(w *ward) { w.panicAt(func(m any) bool { _, ok := m.(protocol.ConsensusStatus); return ok }) },
		"trip: pump":        func(w *ward) { w.panicAt(func(m any) bool { _, ok := m.(protocol.SetOutputs); return ok }) },
		"trip: gpio, words": func(w *ward) { w.panicAt(func(m any) bool { _, ok := m.(protocol.LineReport); return ok }) },
	} {
		t.Run(who, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				w := newWard(t, dir, states["RUNNING"]...)
				defer w.discharge()
				breaks(w)
				w.play("deadman", "fire north grows")
				w.pass(noticedIn + 10*time.Second)
				cause, _, _ := strings.Cut(who, ",")
				if got := w.causes(); !slices.Equal(got, []string{cause}) {
					t.Fatalf("guards are told of trips %q", got)
				}
				if w.pumpState() == "RUNNING" && cause != "trip: pump" && who != "deadman" {
					t.Error("a pump that works still believes that it pumps")
				}
				w.mend()
				w.play("deadman", "crash")
				if got := w.running.Recovered().LastStop; got != cause {
					t.Errorf("the next process is told that the last stop was %q", got)
				}
				if got := w.pumpState(); got != "STOPPING" {
					t.Errorf("the next process begins in %s", got)
				}
				w.play("deadman", "until RUNNING 1m")
			})
		})
	}
}

// panicAt makes whoever publishes such a message panic, once.
func (w *ward) panicAt(is func(any) bool) {
	var once atomic.Bool
	w.hook(func(msg any) {
		if is(msg) && !once.Swap(true) {
			panic("a bug")
		}
	})
}

func (w *ward) hook(f func(msg any)) { w.also.Store(&f) }

// heardOf counts the events of one action.
func (w *ward) heardOf(a protocol.Action) (n int) {
	w.scene.mu.Lock()
	defer w.scene.mu.Unlock()
	for _, e := range w.events {
		if e == string(a) {
			n++
		}
	}
	return n
}

// mend lets whoever hangs go on, in a process that is dead already.
func (w *ward) mend() {
	w.dead.Store(true)
	w.fires = nil
	w.pump.Store(false)
	w.board.Store(0)
	hung := w.hang
	w.hang = make(chan struct{})
	close(hung)
	synctest.Wait()
}

// TestAWriteThatHangsIsPassed: the gpio actor hangs in the board, a second writer goes past. The pump
// notices the silence; the lines show the order of P6 in time.
func TestAWriteThatHangsIsPassed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, dir, states["RUNNING"]...)
		defer w.discharge()
		w.board.Store(1)
		hung := time.Now()
		w.pass(noticedIn)
		if got := w.scene.board.Lines(); got != hardware.Outputs(0).With(hardware.MainValve, true).With(hardware.IgnitionOff, true) {
			t.Errorf("on the lines after %v: %07b", noticedIn, got)
		}
		w.pass(offPulse + 2*time.Second)
		if w.at.Sub(hung) > deadman {
			t.Errorf("noticed after %v", w.at.Sub(hung))
		}
		w.stopped(w.at, true)
		if n := w.heardOf(protocol.DeadmanTripped); n != 1 || w.exit.Load() != system.TripExitCode {
			t.Errorf("exit %d, %d events", w.exit.Load(), n)
		}
	})
}

// TestABoardThatTakesNothingAnyMoreIsLeftToTheGuard: nothing in the process can help. The life signs
// stop at once, and the process ends by itself soon after the dead-man, so that the lines are free.
func TestABoardThatTakesNothingAnyMoreIsLeftToTheGuard(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, dir, states["RUNNING"]...)
		defer w.discharge()
		w.board.Store(-1)
		hung := time.Now()
		w.pass(deadman)
		if n := w.beats(hung); n != 0 {
			t.Errorf("%d life signs after the board hung", n)
		}
		w.pass(2 * time.Second)
		if code := w.exit.Load(); code != system.TripExitCode {
			t.Errorf("exit code %d %v after the board hung", code, time.Since(hung))
		}
	})
}

// TestWhenBothHangTheCutOffsRemain: pump and gpio actor hang at the same time; crank and run end all
// the same, by the gate's own timers.
func TestWhenBothHangTheCutOffsRemain(t *testing.T) {
	for _, c := range []struct {
		state, cause string
		within       time.Duration // of the state's begin
	}{
		{"STARTING", "cut-off: crank", 5*time.Second + 700*time.Millisecond},
		{"RUNNING", "cut-off: engine runtime", 3*time.Minute + 1500*time.Millisecond},
	} {
		t.Run(c.state, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				w := newWard(t, dir, states[c.state]...)
				defer w.discharge()
				w.pump.Store(true)
				w.board.Store(1) // the gpio actor's next routine write
				w.pass(c.within)
				if got := w.causes(); !slices.Equal(got, []string{c.cause}) {
					t.Fatalf("guards are told of trips %q", got)
				}
				if on := w.scene.board.Lines(); on.Has(hardware.IgnitionStart) || on.Has(hardware.IgnitionOn) {
					t.Errorf("on the lines: %07b", on)
				}
				w.pass(offPulse + 2*time.Second)
				w.stopped(w.at, true)
				if cranked := longest(w.scene.board.History(), hardware.IgnitionStart); cranked > 5*time.Second+700*time.Millisecond {
					t.Errorf("cranked for %v", cranked)
				}
				if n := w.heardOf(protocol.CutoffTripped); n != 1 {
					t.Errorf("%d events %s", n, protocol.CutoffTripped)
				}
			})
		})
	}
}

// longest is how long an output was on at the most.
func longest(history []simulator.Change, o hardware.Output) (most time.Duration) {
	var since time.Time
	for _, c := range history {
		if c.Output == o && c.Active {
			since = c.At
		} else if c.Output == o {
			most = max(most, c.At.Sub(since))
		}
	}
	return most
}

// TestATripWaitsForNobodysWords: whoever writes the log, numbers the events or stores them may hang
// too; lines and exit are on time.
func TestATripWaitsForNobodysWords(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, dir, states["RUNNING"]...)
		defer w.discharge()
		w.hook(func(msg any) {
			switch msg.(type) {
			case protocol.Event, protocol.Fault, protocol.Occurred:
				<-w.hang
			}
		})
		w.deaf.Store(true)
		w.pump.Store(true)
		hung := time.Now()
		w.pass(noticedIn + offPulse + time.Second)
		w.stopped(w.at, true)
		if w.exit.Load() != system.TripExitCode {
			t.Errorf("no exit %v after the pump hung", time.Since(hung))
		}
	})
}

// TestGuardsAreToldOnceThatAllIsSafeAndThenOnceABeat: from the first instant to the orderly end.
func TestGuardsAreToldOnceThatAllIsSafeAndThenOnceABeat(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, dir, "start", "wait 10s", "trigger", "until REFILLING 2h")
		defer w.discharge()
		w.note(func() {
			if w.safe != 1 {
				t.Errorf("told %d times that all is safe", w.safe)
			}
			for i := 1; i < len(w.alive); i++ {
				if gap := w.alive[i].Sub(w.alive[i-1]); gap > 3*protocol.BeatOf(deadman)/2 {
					t.Fatalf("no life sign for %v", gap)
				}
			}
			if len(w.alive) < 100 || len(w.tripped) > 0 {
				t.Errorf("%d life signs, trips %q", len(w.alive), w.tripped)
			}
		})
		w.discharge()
		if got := w.causes(); len(got) != 0 {
			t.Errorf("trips at the orderly end: %q", got)
		}
	})
}

// TestOutputsThatReadOnAreNotSafe: a welded relay at the start.
func TestOutputsThatReadOnAreNotSafe(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, dir)
		defer w.discharge()
		lens := w.lens
		w.lens = func(b hardware.Board) hardware.Board {
			b.(*simulator.Simulator).StickOutput(hardware.IgnitionOn, true)
			return lens(b)
		}
		w.play("deadman", "start")
		w.pass(time.Minute)
		if w.safe != 0 {
			t.Error("told that all is safe while ignition_on reads on")
		}
		w.scene.board.Free(hardware.IgnitionOn)
		w.pass(5 * time.Minute)
		w.note(func() {
			if w.safe != 1 {
				t.Errorf("told %d times that all is safe", w.safe)
			}
		})
	})
}

// TestAShutdownOfAPumpThatHangsIsATrip: no orderly end closes the lines in the middle of a pulse.
func TestAShutdownOfAPumpThatHangsIsATrip(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, dir, append([]string{"set gpio.deadman=30s"}, states["RUNNING"]...)...)
		defer w.discharge()
		w.pump.Store(true)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = w.running.Stop(t.Context(), "signal")
		}()
		w.pass(offPulse + time.Second)
		if got := w.causes(); !slices.Equal(got, []string{"shutdown hung"}) {
			t.Errorf("trips %q", got)
		}
		w.pass(offPulse + 3*time.Second)
		w.stopped(w.at, true)
		<-done
		w.store.Close()
		w.running = nil
	})
}
