package guard

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// relays is a board of which any set of lines can be taken, busy and refusing as a test wants.
type relays struct {
	mu       sync.Mutex
	busy     int            // so many attempts find every line held
	stranger protocol.Lines // held for ever
	refuse   int            // so many writes fail
	held     protocol.Lines
	levels   protocol.Lines
	history  []protocol.Lines
	asked    []protocol.Lines
}

var errBusy = errors.New("request lines: busy")

func (r *relays) open(_ Orders, lines protocol.Lines) (hardware.Board, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, lines)
	if r.busy--; r.busy >= 0 || lines&(r.stranger|r.held) != 0 {
		return nil, errBusy
	}
	r.held |= lines
	r.put(r.levels&^lines | lines&StopLevels) // taken at the levels of the pulse
	return some{r, lines}, nil
}

func (r *relays) put(levels protocol.Lines) {
	if r.levels != levels {
		r.levels = levels
		r.history = append(r.history, levels)
	}
}

type some struct {
	*relays
	lines protocol.Lines
}

func (s some) Write(o hardware.Outputs) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse--; s.refuse >= 0 {
		return errors.New("write outputs: input/output error")
	}
	s.put(s.levels&^s.lines | protocol.Lines(o)&s.lines)
	return nil
}

func (s some) Read() (hardware.Levels, error) { return hardware.Levels{}, nil }
func (s some) Watch(func(hardware.Levels))    {}
func (s some) Describe() string               { return "relays" }
func (s some) Simulated() bool                { return true }
func (s some) Close() error                   { return s.Write(0) }

// ward is a process to be watched over, and the guard's own end of it.
type ward struct {
	t      *testing.T
	cmd    *exec.Cmd
	orders Orders
	socket int // main's end; -1: closed
	theirs int
	said   []string
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{t: t, cmd: exec.Command("sleep", "60")}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
	})
	started, err := startedAt(w.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	w.orders = Orders{PID: w.cmd.Process.Pid, Started: started, Pulse: 60 * time.Millisecond,
		Deadman: 50 * time.Millisecond, Dir: t.TempDir(), Beating: true}
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.socket, w.theirs = ends[0], ends[1]
	return w
}

func (w *ward) say(packets ...string) {
	w.t.Helper()
	for _, p := range packets {
		if err := unix.Send(w.socket, []byte(p), unix.MSG_NOSIGNAL); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *ward) hangUp() { _ = unix.Close(w.socket) }

// lives says whether the process still runs.
func (w *ward) lives() bool {
	_, err := startedAt(w.cmd.Process.Pid)
	return err == nil
}

// watch runs the guard until it ends.
func (w *ward) watch(r *relays) Record {
	w.t.Helper()
	text, err := json.Marshal(w.orders)
	if err != nil {
		w.t.Fatal(err)
	}
	// The orders come first whatever was said already.
	g := &watcher{socket: w.theirs, main: -1, open: r.open, packet: make([]byte, mostPacket),
		say: func(s string) { w.said = append(w.said, s) }}
	if err := json.Unmarshal(text, &g.orders); err != nil {
		w.t.Fatal(err)
	}
	g.limits = LimitsOf(g.orders)
	g.machine = Begin(g.limits, time.Now())
	g.grasp()
	g.loop()
	return g.record()
}

func TestAGuardStopsTheEngine(t *testing.T) {
	for name, c := range map[string]struct {
		relays  *relays
		happens func(w *ward)
		lives   bool // the process, afterwards
		cause   Cause
		words   []string // among the problems
	}{
		"of a process that hangs": {cause: Hung, happens: func(w *ward) { w.say("b", "b") }},
		"of a process that died": {cause: Died, happens: func(w *ward) {
			_ = w.cmd.Process.Kill()
			w.hangUp()
		}},
		"of a process that closed its socket":    {cause: Died, happens: (*ward).hangUp},
		"of a trip that never ends":              {cause: TripOverran, happens: func(w *ward) { w.say("tpump") }},
		"of a process whose number is another's": {cause: Died, lives: true, happens: func(w *ward) { w.orders.Started++ }},
		"when the lines are busy at first":       {cause: Died, relays: &relays{busy: 30}, happens: (*ward).hangUp},
		"when a stranger holds rpm_reduce": {cause: Died, happens: (*ward).hangUp,
			relays: &relays{stranger: protocol.SetOf(protocol.RPMReduce)}, words: []string{"busy"}},
		"when a stranger holds ignition start": {cause: Died, happens: (*ward).hangUp,
			relays: &relays{stranger: protocol.SetOf(protocol.IgnitionStart)}, words: []string{"busy"}},
		"when the board refuses at first": {cause: Died, happens: (*ward).hangUp, relays: &relays{refuse: 5},
			words: []string{"input/output error"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			c.happens(w)
			r := c.relays
			if r == nil {
				r = &relays{}
			}
			if c.cause == TripOverran {
				w.orders.Pulse = 10 * time.Millisecond // and two seconds
			}
			record := w.watch(r)
			pulse := StopLevels &^ r.stranger
			if len(r.history) < 2 || r.history[len(r.history)-1] != 0 || !slices.Contains(r.history, pulse) {
				t.Errorf("drove %v, want %s and in the end none", r.history, pulse)
			}
			for _, l := range r.history {
				if l&^StopLevels != 0 {
					t.Errorf("drove %s", l)
				}
			}
			if !record.Full || record.Pulsed < w.orders.Pulse || record.Cause != c.cause {
				t.Errorf("%+v", record)
			}
			if w.lives() != c.lives {
				t.Errorf("the process lives: %v", w.lives())
			}
			for _, word := range c.words {
				if !strings.Contains(strings.Join(record.Problems, "\n"), word) {
					t.Errorf("problems %q say nothing of %q", record.Problems, word)
				}
			}
			kept, ok, err := Last(w.orders.Dir)
			if !ok || err != nil || kept.Cause != c.cause || kept.PID != w.orders.PID {
				t.Errorf("guard.json: %+v, %v, %v", kept, ok, err)
			}
		})
	}
}

func TestAGuardThatIsToldGoodbyeDoesNothing(t *testing.T) {
	for name, happens := range map[string]func(w *ward){
		"and nothing else": func(w *ward) { w.say("b", "q") },
		"before a death":   func(w *ward) { w.say("q"); w.hangUp(); _ = w.cmd.Process.Kill() },
		"after a trip":     func(w *ward) { w.say("tpump", "q") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r := newWard(t), &relays{}
			happens(w)
			w.watch(r)
			if _, ok, _ := Last(w.orders.Dir); ok || len(r.asked) > 0 || len(w.said) > 0 {
				t.Errorf("it asked for %v, said %q, left a record: %v", r.asked, w.said, ok)
			}
		})
	}
}

// TestLinesAreTakenTheEnginesFirst: with a stranger on one of them, none is left out that can be had.
func TestLinesAreTakenTheEnginesFirst(t *testing.T) {
	r := &relays{stranger: protocol.SetOf(protocol.RefillValve)}
	var h hold
	open := func(lines protocol.Lines) (hardware.Board, error) { return r.open(Orders{}, lines) }
	var faults []string
	note := func(text string) { faults = append(faults, text) }
	if got := h.take(Whole, open, note); got != 0 || len(faults) > 0 {
		t.Errorf("in one request: %s, %q", got, faults)
	}
	if got := h.take(Apart, open, note); got != Every.Without(protocol.RefillValve) || r.asked[1] != engine {
		t.Errorf("apart: %s after %v", got, r.asked)
	}
	r.stranger = 0
	if got := h.take(Apart, open, note); got != Every {
		t.Errorf("when the stranger has gone: %s", got)
	}
	if done := h.write(StopLevels, note); done != Every || r.levels != StopLevels {
		t.Errorf("wrote %s, on the lines %s", done, r.levels)
	}
	h.release(note)
	if r.levels != 0 {
		t.Errorf("lets go of %s", r.levels)
	}
}

func TestStopGivesUpWhatIsHeldForEver(t *testing.T) {
	r := &relays{}
	o := Orders{Dir: t.TempDir(), Pulse: 30 * time.Millisecond}
	if record := Stop(o, r.open, func(text string) { t.Log(text) }); !record.Full || record.Pulsed < o.Pulse || r.levels != 0 {
		t.Errorf("%+v, %s", record, r.levels)
	}
}

func TestWaitingForAGuard(t *testing.T) {
	dir := t.TempDir()
	if waited, done := Wait(dir, time.Minute, nil); waited || !done {
		t.Error("waits for nobody")
	}
	m, err := setMark(dir)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	tell := func(text string) { told = append(told, text) }
	if waited, done := Wait(dir, 20*time.Millisecond, tell); !waited || done || len(told) != 1 {
		t.Errorf("waited %v, done %v, told %q", waited, done, told)
	}
	if waited, _ := Wait(t.TempDir(), time.Minute, nil); waited {
		t.Error("waits for the guard of another folder")
	}
	if _, err := setMark(dir); err == nil {
		t.Error("two guards at work in one folder")
	}
	if waited, done := Wait(dir, time.Minute, func(string) { go m.remove() }); !waited || !done {
		t.Errorf("waited %v, done %v", waited, done)
	}
}

func TestARecordSurvives(t *testing.T) {
	dir := t.TempDir()
	if _, ok, err := Last(dir); ok || err != nil {
		t.Errorf("a record out of nothing: %v", err)
	}
	want := Record{Cause: ByHand, Full: true, Problems: []string{"x"}}
	if err := want.Keep(dir, Died); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := Last(dir); !ok || err != nil || got.Cause != Died || !got.Full {
		t.Errorf("%+v, %v", got, err)
	}
	if all, _ := os.ReadDir(dir); len(all) != 1 {
		t.Errorf("left behind: %v", all)
	}
	if err := want.Keep(dir+"/none", Died); err == nil {
		t.Error("written into no folder")
	}
}

// TestTheMainSideNeverWaits: for a guard that reads nothing, that cannot be had, or that dies at once.
func TestTheMainSideNeverWaits(t *testing.T) {
	for name, command := range map[string][]string{
		"a guard that reads nothing":  {"sleep", "60"},
		"a guard that cannot be had":  {"/nonexistent/guard"},
		"a guard that dies at once":   {"false"},
		"a guard that ends by itself": {"true"},
	} {
		t.Run(name, func(t *testing.T) {
			lost := make(chan error, 1)
			w, err := Start(Orders{Dir: t.TempDir(), Pulse: time.Second, Deadman: time.Second},
				Options{Command: command, Lost: func(why error) { lost <- why }})
			if (err != nil) != strings.HasPrefix(command[0], "/non") {
				t.Error(err)
			}
			begun := time.Now()
			for range 2000 {
				w.Alive()
			}
			w.Tripping(strings.Repeat("x", 1000))
			if took := time.Since(begun); took > time.Second {
				t.Errorf("2000 beats took %s", took)
			}
			if command[0] != "sleep" {
				if why := <-lost; why == nil || w.PID() != 0 {
					t.Errorf("lost: %v, still process %d", why, w.PID())
				}
			}
			begun = time.Now()
			pid := w.PID()
			w.Bye()
			if took := time.Since(begun); took > time.Second {
				t.Errorf("goodbye took %s", took)
			}
			if pid != 0 {
				_ = unix.Kill(pid, unix.SIGKILL)
				<-w.done
			}
		})
	}
}
