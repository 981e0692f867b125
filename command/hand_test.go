package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"wildfire-watch/hardware"
)

// rig is a board in memory that keeps what was driven, and reads what the test wants.
type rig struct {
	mu      sync.Mutex
	begun   time.Time
	driven  hardware.Outputs
	history []driven
	stuck   hardware.Outputs // outputs that never read on
	inputs  map[hardware.Input]bool
	follow  func(hardware.Outputs, map[hardware.Input]bool) // what inputs do by themselves
	refuse  func(hardware.Outputs) error
	changed func(hardware.Levels)
	closed  bool
}

type driven struct {
	at  time.Duration
	set hardware.Outputs
}

func newRig() *rig { return &rig{begun: time.Now(), inputs: map[hardware.Input]bool{}} }

func (r *rig) Write(set hardware.Outputs) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		if err := r.refuse(set); err != nil {
			return err
		}
	}
	if r.driven != set {
		r.history = append(r.history, driven{time.Since(r.begun), set})
	}
	r.driven = set
	if r.follow != nil {
		r.follow(set, r.inputs)
	}
	return nil
}

func (r *rig) Read() (l hardware.Levels, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.Outputs = r.driven &^ r.stuck
	for in, active := range r.inputs {
		l.Fitted[in], l.Inputs[in] = true, active
	}
	return l, nil
}

func (r *rig) Watch(f func(hardware.Levels)) { r.changed = f }
func (r *rig) Describe() string              { return "rig" }
func (r *rig) Simulated() bool               { return true }
func (r *rig) Close() error                  { r.closed = true; return r.Write(0) }

// told is the history in words; reading every few milliseconds does not count.
func (r *rig) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, d := range r.history {
		var names []string
		for o, name := range hardware.OutputNames {
			if d.set.Has(hardware.Output(o)) {
				names = append(names, name)
			}
		}
		fmt.Fprintf(&b, "%v %s\n", d.at.Truncate(50*time.Millisecond), or(strings.Join(names, "+"), "nothing"))
	}
	return b.String()
}

func equal(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

const (
	main_ = hardware.MainValve
	start = hardware.IgnitionStart
)

func TestAnOutputGoesOffInTimeWhateverTheRestOfTheProgramDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		h := newHand(r, 5*time.Second)
		if err := h.on(hardware.PrimingValve, time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // nobody comes back to it
		equal(t, r.told(), "0s priming_valve\n1s nothing\n")
	})
}

func TestTheStarterTurnsOnlyWithTheMainValveReadingOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		h := newHand(r, 5*time.Second)
		if h.on(start, time.Second) == nil || h.crank(time.Second) == nil {
			t.Error("cranked with the main valve closed")
		}
		r.stuck = onlyMainValve
		_ = h.on(main_, 10*time.Second)
		if h.crank(time.Second) == nil {
			t.Error("cranked with a main valve that does not read open")
		}
		r.stuck = 0
		if err := h.crank(500 * time.Millisecond); err != nil {
			t.Error(err)
		}
		<-h.resting()
		equal(t, r.told(), "0s main_valve\n0s main_valve+ignition_start\n"+
			"500ms main_valve+ignition_off\n5.5s nothing\n")
	})
}

func TestAStopDropsEverythingAtOnceButThePulseAfterACrank(t *testing.T) {
	cases := map[string]struct {
		do   func(h *hand)
		want string
	}{
		"an output": {func(h *hand) {
			_ = h.on(hardware.RefillValve, time.Minute)
			time.Sleep(time.Second)
			h.stop("Ctrl-C", true)
		}, "0s refill_valve\n1s nothing\n"},
		"a crank": {func(h *hand) {
			_ = h.on(main_, time.Minute)
			_ = h.crank(500 * time.Millisecond)
			time.Sleep(200 * time.Millisecond)
			h.stop("Ctrl-C", true)
		}, "0s main_valve\n0s main_valve+ignition_start\n200ms main_valve+ignition_off\n5.2s nothing\n"},
		"the pulse": {func(h *hand) {
			_ = h.on(main_, time.Minute)
			_ = h.crank(500 * time.Millisecond)
			time.Sleep(2 * time.Second)
			h.stop("Ctrl-C", true)
		}, "0s main_valve\n0s main_valve+ignition_start\n500ms main_valve+ignition_off\n5.5s nothing\n"},
		"a second Ctrl-C": {func(h *hand) {
			_ = h.on(main_, time.Minute)
			_ = h.crank(500 * time.Millisecond)
			time.Sleep(2 * time.Second)
			h.stop("Ctrl-C", true)
			time.Sleep(time.Second)
			h.stop("Ctrl-C", true)
		}, "0s main_valve\n0s main_valve+ignition_start\n500ms main_valve+ignition_off\n3s nothing\n"},
		"a terminal that goes after Ctrl-C": {func(h *hand) {
			_ = h.on(main_, time.Minute)
			_ = h.crank(500 * time.Millisecond)
			h.stop("Ctrl-C", true)
			time.Sleep(time.Second)
			h.stop("the terminal was closed", false)
		}, "0s main_valve\n0s main_valve+ignition_start\n0s main_valve+ignition_off\n5s nothing\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig()
				h := newHand(r, 5*time.Second)
				c.do(h)
				<-h.resting()
				equal(t, r.told(), c.want)
				if h.on(main_, time.Second) == nil || h.crank(time.Second) == nil || h.shut() == nil {
					t.Error("something is switched on after the stop")
				}
			})
		})
	}
}

func TestABoardThatRefusesIsAskedUntilEverythingIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		h := newHand(r, 5*time.Second)
		gone := errors.New("no such device")
		r.refuse = func(set hardware.Outputs) error {
			if at := time.Since(r.begun); at >= time.Second && at < 3*time.Second {
				return gone
			}
			return nil
		}
		_ = h.on(main_, time.Minute)
		if err := h.crank(1500 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		<-h.resting() // the pulse runs from the write that worked
		equal(t, r.told(), "0s main_valve\n0s main_valve+ignition_start\n3s main_valve+ignition_off\n8s nothing\n")
		if !errors.Is(h.trouble(), gone) {
			t.Errorf("trouble %v", h.trouble())
		}
	})
}

func TestWhateverHappensNothingRunsThatWasNotAllowed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		broken := ""
		synctest.Test(t, func(t *testing.T) {
			const pulse, crank = 5 * time.Second, 500 * time.Millisecond
			r := newRig()
			h := newHand(r, pulse)
			failing := rapid.SliceOfN(rapid.IntRange(0, 60), 0, 4).Draw(rt, "seconds in which writes fail")
			r.refuse = func(hardware.Outputs) error {
				for _, s := range failing {
					if int(time.Since(r.begun).Seconds()) == s {
						return io.ErrUnexpectedEOF
					}
				}
				return nil
			}
			dropped := false
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				switch rapid.IntRange(0, 6).Draw(rt, "step") {
				case 0, 1:
					_ = h.on(hardware.Output(rapid.IntRange(0, int(hardware.NumOutputs)-1).Draw(rt, "output")), 2*time.Second)
				case 2, 3:
					_ = h.crank(crank)
				case 4:
					_ = h.shut()
				case 5:
					drop := rapid.Bool().Draw(rt, "by Ctrl-C")
					dropped = dropped || drop && h.isOver()
					h.stop("x", drop)
				}
				time.Sleep(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "ms")) * time.Millisecond)
			}
			h.stop("end", false)
			<-h.resting()
			if broken = accuse(r.history, pulse, crank, len(failing) > 0, dropped); broken != "" {
				broken += "\n" + r.told()
			}
		})
		if broken != "" {
			rt.Fatal(broken)
		}
	})
}

// accuse looks at what was driven and says what must not have been.
func accuse(history []driven, pulse, crank time.Duration, failed, dropped bool) string {
	for i, d := range history {
		next := time.Duration(-1)
		if i+1 < len(history) {
			next = history[i+1].at - d.at
		}
		switch set := d.set; {
		case set == 0:
		case next < 0:
			return "something stays on"
		case set == onlyMainValve.With(start, true):
			if i == 0 || history[i-1].set != onlyMainValve {
				return "a crank without the main valve open before"
			}
			if next > crank && !failed {
				return "a crank too long"
			}
			if history[i+1].set != stopPulse {
				return "no stop pulse after a crank"
			}
		case set == stopPulse:
			if next < pulse && !dropped {
				return "a stop pulse cut short"
			}
		case set&(set-1) != 0:
			return "two outputs at once"
		case set.Has(start):
			return "the starter alone"
		case next > 2*time.Second && !failed:
			return "an output on for too long"
		}
	}
	return ""
}
