package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/hardware"
)

// walking is a test of outputs on a rig, on the default wiring.
func walking(r *rig, ignition bool) (*walk, *bytes.Buffer) {
	l := linesTestCommand{For: time.Second, Ignition: ignition}
	outputs, err := l.outputs()
	if err != nil {
		panic(err)
	}
	out := &bytes.Buffer{}
	w := &walk{outputs: outputs, hold: l.For, crankBy: 5 * time.Second, verify: 5 * time.Second,
		wiring: hardware.Wiring{Feedbacks: [hardware.NumOutputs]int{-1, -1, -1, -1, -1, -1, -1}}, out: out}
	w.hand = newHand(r, 5*time.Second)
	return w, out
}

// toTheEnd walks and lets the lines go.
func (w *walk) toTheEnd(r *rig) error {
	err := w.run()
	return errors.Join(err, w.end(r))
}

const allOff = "\nEverything is off. The lines read back as commanded; whether relays and valves moved,\n" +
	"only you have seen.\n"

func TestTheOutputsGoOnOneByOneAndIgnitionStaysOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		w, out := walking(r, false)
		if err := w.toTheEnd(r); err != nil {
			t.Error(err)
		}
		equal(t, out.String(), `
  main_valve      on at once, off at once
  priming_valve   on at once, off at once
  refill_valve    on at once, off at once
  rpm_reduce      on at once, off at once
`+allOff)
		equal(t, r.told(), "0s main_valve\n1s nothing\n1s priming_valve\n2s nothing\n2s refill_valve\n3s nothing\n"+
			"3s rpm_reduce\n4s nothing\n")
		if !r.closed {
			t.Error("the lines were not let go")
		}
	})
}

func TestIgnitionIsTestedWithTheMainValveOpenAndAFullStopPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		w, out := walking(r, true)
		if err := w.toTheEnd(r); err != nil {
			t.Error(err)
		}
		if !strings.HasSuffix(out.String(), `
  ignition_on     on at once, off at once
  ignition_start  on at once, off at once
  ignition_off    on at once, off at once
`+allOff) {
			t.Error(out)
		}
		_, engine, _ := strings.Cut(r.told(), "4s nothing\n")
		equal(t, engine, "4s ignition_on\n5s nothing\n5s main_valve\n5s main_valve+ignition_start\n"+
			"5.5s main_valve+ignition_off\n10.5s nothing\n")
	})
}

func TestWhatDoesNotReadBackIsToldAndFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		r.stuck = hardware.Outputs(0).With(hardware.RefillValve, true)
		w, out := walking(r, false)
		err := w.toTheEnd(r)
		if err == nil || err.Error() != "not as it should be: refill_valve; everything is off" {
			t.Error(err)
		}
		if !strings.Contains(out.String(), "  refill_valve    on NEVER READ ON, off at once   <-- WRONG\n") {
			t.Error(out)
		}
	})
}

func TestAMainValveThatDoesNotReadOpenIsNotCrankedWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		r.stuck = onlyMainValve
		w, out := walking(r, true)
		if err := w.toTheEnd(r); err == nil {
			t.Error("it succeeds")
		}
		if strings.Contains(r.told(), "ignition_start") ||
			!strings.Contains(out.String(), "  ignition_start  not cranked: the main valve does not read open   <-- WRONG\n") {
			t.Errorf("%s\n%s", out, r.told())
		}
	})
}

func TestAnEngineThatRunsIsNotCranked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		r.inputs[hardware.EngineRunning] = true
		w, out := walking(r, true)
		if err := w.toTheEnd(r); err == nil {
			t.Error("it succeeds")
		}
		if strings.Contains(r.told(), "ignition_start") || !strings.Contains(out.String(), "not cranked: the engine runs") {
			t.Errorf("%s\n%s", out, r.told())
		}
	})
}

func TestAnEngineThatRunsOnGetsPulsesUntilItStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		r.inputs[hardware.EngineRunning] = false
		pulses := 0
		r.follow = func(set hardware.Outputs, inputs map[hardware.Input]bool) {
			if set.Has(start) {
				inputs[hardware.EngineRunning] = true
			}
			if set == stopPulse {
				if pulses++; pulses == 3 {
					inputs[hardware.EngineRunning] = false
				}
			}
		}
		w, out := walking(r, true)
		if err := w.toTheEnd(r); err == nil {
			t.Error("it succeeds")
		}
		if pulses != 3 || strings.Count(out.String(), "THE ENGINE RUNS after its stop pulse") != 2 ||
			!strings.Contains(out.String(), "meanwhile engine_running became active") {
			t.Errorf("%d pulses\n%s\n%s", pulses, out, r.told())
		}
	})
}

func TestAStopEndsTheWalkAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		w, out := walking(r, false)
		time.AfterFunc(1500*time.Millisecond, func() { w.hand.stop("Ctrl-C", true) })
		err := w.toTheEnd(r)
		if err == nil || err.Error() != "ended early: Ctrl-C; everything is off" {
			t.Error(err)
		}
		equal(t, r.told(), "0s main_valve\n1s nothing\n1s priming_valve\n1.5s nothing\n")
		equal(t, out.String(), "\n  main_valve      on at once, off at once\n  priming_valve   ended early\n")
	})
}

// stuckTerminal takes no more after some lines: Ctrl-S, or a connection that hangs.
type stuckTerminal struct{ left int }

func (s *stuckTerminal) Write(p []byte) (int, error) {
	if s.left--; s.left < 0 {
		time.Sleep(24 * time.Hour)
	}
	return len(p), nil
}

func TestATerminalThatHangsKeepsNothingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		w, _ := walking(r, false)
		w.out = &stuckTerminal{left: 2}
		go func() { _ = w.run() }()
		time.Sleep(time.Minute)
		equal(t, r.told(), "0s main_valve\n1s nothing\n")
		time.Sleep(500 * time.Hour) // let it come to its end
	})
}

func TestABoardThatTakesNoWritesIsToldAsDanger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		w, _ := walking(r, false)
		r.refuse = func(set hardware.Outputs) error {
			if time.Since(r.begun) > 500*time.Millisecond {
				return errors.New("no such device")
			}
			return nil
		}
		err := w.run()
		if err == nil || err.Error() != "THE OUTPUTS MAY STILL BE ON, cut their power: write the outputs: no such device" {
			t.Error(err)
		}
		w.hand.mu.Lock()
		w.hand.timer.Stop()
		w.hand.mu.Unlock()
	})
}

func TestOnlyAndForAreChecked(t *testing.T) {
	for _, c := range []struct{ args, why string }{
		{"--for 31s", "--for 31s: must be 100ms to 30s"},
		{"--only valve", "--only valve: must be among main_valve, ignition_start, ignition_on, ignition_off, refill_valve, priming_valve, rpm_reduce"},
		{"--only ignition_off", "--only ignition_off: it belongs to the engine: --ignition must be given too"},
	} {
		got := run(t, append([]string{"lines", "test"}, strings.Fields(c.args)...)...)
		if got.code != 1 || got.out != "" || got.errs != "wildfire-watch: "+c.why+"\n" {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
}

func TestTheTestIsRefusedWithoutTheSentence(t *testing.T) {
	t.Chdir(t.TempDir())
	const sentence = "test main_valve priming_valve refill_valve rpm_reduce"
	got := run(t, "lines", "test", "--confirm", "yes")
	if got.code != 1 || got.errs != fmt.Sprintf("wildfire-watch: that is not %q: nothing was switched\n", sentence) {
		t.Errorf("%+v", got)
	}
	equal(t, got.out, `simulator: nothing real is driven
These outputs will be switched on, one after the other, 1s each:

  main_valve      line 18   water can flow
  priming_valve   line 26   water goes to prime the pump
  refill_valve    line 22   the tank fills
  rpm_reduce      line 27   the throttle moves

Stand where you see the pump. Ctrl-C switches everything off at once.
`)
	got = run(t, "lines", "test", "--ignition", "--only", "ignition_start,ignition_off", "--confirm", "yes")
	if !strings.HasSuffix(got.out, `
  ignition_start  line 23   THE ENGINE TURNS AND MAY START: 500ms, with the main valve open
  ignition_off    line 25   what stops the engine: right after it, 5s, with the main valve open

Stand where you see the pump. Ctrl-C switches everything off at once.
Nobody may be near the engine, and you must be able to stop it by hand.
`) || !strings.Contains(got.errs, `"test ignition_start ignition_off and nobody is near the engine"`) {
		t.Errorf("%+v", got)
	}
}

func TestTheSentenceIsTypedOrGiven(t *testing.T) {
	for _, c := range []struct {
		typed, given, why string
		person            bool
	}{
		{typed: "test main_valve\n", person: true},
		{typed: "  Test  MAIN_VALVE \n", person: true},
		{typed: "y\n", person: true, why: `that is not "test main_valve": nothing was switched`},
		{typed: "test main_valve", person: true, why: "nothing was confirmed, nothing was switched"}, // Ctrl-D
		{given: "test main_valve"},
		{given: "test", person: true, why: `that is not "test main_valve": nothing was switched`},
		{typed: "test main_valve\n", why: `nobody is at the terminal to confirm; a script says --confirm "test main_valve"`},
	} {
		err := confirm(strings.NewReader(c.typed), io.Discard, c.person, "test main_valve", c.given)
		if err == nil && c.why != "" || err != nil && err.Error() != c.why {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
