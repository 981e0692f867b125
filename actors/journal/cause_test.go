package journal

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// acted is the record of a guard that did its work.
func acted(cause string) guardEnd { return guardEnd{Cause: cause, Full: true} }

func TestTheCauseOfTheLastStopIsSaidAsExactlyAsItIsKnown(t *testing.T) {
	const boot = "b1"
	same, other := life{Boot: boot}, life{Boot: "b0"}
	for want, c := range map[string]struct {
		was  life
		boot string
		ends ends
	}{
		"signal":                                        {life{Stop: "signal", Boot: "b0"}, boot, ends{end: End{Result: "timeout"}}},
		"dead-man: the pump was silent":                 {life{Stop: "dead-man: the pump was silent"}, boot, ends{guard: acted("died")}},
		"reboot or power cut":                           {other, boot, ends{}},
		"crash":                                         {same, boot, ends{}},
		"power or crash":                                {life{}, boot, ends{}},
		"hung: the guard killed it":                     {same, boot, ends{acted("hung"), End{Result: "signal", Status: "KILL"}}},
		"hung: systemd's watchdog killed it":            {same, boot, ends{acted("died"), End{Result: "watchdog", Status: "ABRT"}}},
		"crash: killed by SIGSEGV":                      {same, boot, ends{acted("died"), End{Result: "core-dump", Status: "SEGV"}}},
		"crash: killed for want of memory":              {same, boot, ends{end: End{Result: "oom-kill"}}},
		"crash: exit code 2":                            {other, boot, ends{acted("died"), End{Result: "exit-code", Status: "2"}}},
		"crash: trip overran":                           {same, boot, ends{guard: acted("trip overran")}},
		"systemd's time for a start or a stop was over": {same, boot, ends{end: End{Result: "timeout"}}},
	} {
		if got := causeOf(c.was, c.boot, c.ends); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
	if got := causeOf(same, boot, ends{guard: acted("died")}); got != "crash" {
		t.Errorf("a death that the guard saw: %q", got)
	}
	if got := causeOf(same, boot, ends{guard: guardEnd{Cause: "trip overran", Tripping: "cut-off: crank"}}); got !=
		"cut-off: crank; its guard could not give the full stop pulse" {
		t.Errorf("a trip that the disk did not take, and a board that is gone: %q", got)
	}
	if got := causeOf(same, "", ends{}); got != "power or crash" {
		t.Errorf("without a boot id: %q", got)
	}
}

func TestARebootIsToldFromACrash(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ boot, want string }{{"b1", ""}, {"b1", "crash"},
		{"b2", "reboot or power cut"}, {"b2", "crash"}, {"", "power or crash"}} {
		s, r, err := OpenIn(config(dir), c.boot)
		if err != nil {
			t.Fatal(err)
		}
		if r.LastStop != c.want {
			t.Errorf("in %q: %q, want %q", c.boot, r.LastStop, c.want)
		}
		s.Close()
	}
}

func TestWhatOthersSawOfTheEndIsToldOnce(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	dir := s.lock.dir
	for _, e := range []End{{Result: "success"}, {Result: "watchdog"}, {Result: "exit-code", Status: "1"}} {
		if err := WriteEnd(dir, e); err != nil {
			t.Fatal(err)
		}
	}
	s, r := reopened(t, s)
	if r.LastStop != "hung: systemd's watchdog killed it" {
		t.Errorf("the end that came first is the run's: %q", r.LastStop)
	}
	if err := os.WriteFile(filepath.Join(dir, guardName), []byte(`{"at":"x","cause":"hung"`), 0o600); err != nil {
		t.Fatal(err)
	}
	s, r = reopened(t, s)
	if r.LastStop != "crash" {
		t.Errorf("half a record says nothing: %q", r.LastStop)
	}
	_, r = reopened(t, s)
	if left, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(left) > 0 || r.LastStop != "crash" {
		t.Errorf("%q, left behind %v", r.LastStop, left)
	}
}

// starts are what happens to a process, and what the next start must find.
func TestFailedStartsInARowLeadToSafeMode(t *testing.T) {
	good, signal := Memory{Good: true}, Memory{Stop: "signal", Orderly: true}
	over := Memory{Stop: protocol.StopSafeModeOver, Orderly: true}
	trip := Memory{Stop: "trip"}
	dir := t.TempDir()
	c := config(dir)
	c.SafeModeAfter = 3
	for i, step := range []struct {
		then   *Memory // what the process tells the journal before it ends; nil: nothing
		failed int     // what it found at its start
		safe   bool
	}{
		{nil, 0, false}, {&trip, 1, false}, {&good, 2, false}, // proved good: counted anew
		{nil, 0, false}, {nil, 1, false}, {&signal, 2, false}, // stopped in good order: the same
		{nil, 0, false}, {nil, 1, false}, {nil, 2, false}, {nil, 3, true}, {&trip, 4, true},
		{&over, 5, true},                // safe mode ends by itself: one try
		{nil, 2, false}, {nil, 3, true}, // which failed
		{&signal, 4, true},               // somebody restarts it
		{nil, 0, false}, {nil, 1, false}, // all is forgotten
	} {
		s, r, err := OpenIn(c, "boot")
		if err != nil {
			t.Fatal(err)
		}
		if r.Failed != step.failed || r.SafeMode != step.safe {
			t.Fatalf("start %d: %d failed, safe mode %v; want %d, %v", i, r.Failed, r.SafeMode,
				step.failed, step.safe)
		}
		if step.then != nil {
			save(t, s, *step.then)
			save(t, s, pumpMemory(i)) // a late word changes nothing
		}
		s.Close()
	}
}

func TestSafeModeCanBeForbidden(t *testing.T) {
	c := config(t.TempDir())
	for i := range 4 {
		s, r, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		if r.SafeMode || r.Failed != i {
			t.Errorf("start %d: %+v", i, r)
		}
		s.Close()
	}
}

// TestASignOfLifeProvesTheStart: not before good_after, and not without one.
func TestASignOfLifeProvesTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &card{}
		house := actors.NewHouse(actors.Options{})
		ref, err := house.Spawn("journal", actors.Kind{}, func() actors.Actor {
			j := newJournal(d, "")
			j.goodAfter = time.Minute
			return j
		})
		if err != nil {
			t.Fatal(err)
		}
		beat := func(after time.Duration) int {
			time.Sleep(after)
			ref.Send(protocol.Heartbeat{At: time.Now()})
			time.Sleep(time.Millisecond)
			d.mu.Lock()
			defer d.mu.Unlock()
			return len(d.memories)
		}
		if n := beat(0) + beat(59*time.Second); n != 0 {
			t.Errorf("%d writes before the time", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(d.memories) != 0 {
			t.Error("time alone proves nothing")
		}
		if n := beat(0); n != 1 || !d.memories[0].Good {
			t.Errorf("%d writes: %+v", n, d.memories)
		}
		if n := beat(time.Second); n != 1 {
			t.Errorf("proved once, written %d times", n)
		}
		_ = house.StopAll(context.Background())
		time.Sleep(3 * time.Second) // protoactor's throttle goroutine ends
	})
}
