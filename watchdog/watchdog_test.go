package watchdog

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// systemd hears what it is told; it may fail, or hang until it is let go.
type systemd struct {
	mu   sync.Mutex
	said []string
	at   []time.Time
	fail error
	hang chan struct{}
}

func (s *systemd) hear(state string) error {
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	if hang != nil {
		<-hang
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for _, line := range strings.Split(state, "\n") {
		s.said, s.at = append(s.said, line), append(s.at, time.Now())
	}
	return nil
}

func (s *systemd) all() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.said)
}

func (s *systemd) count(prefix string) (n int) {
	for _, line := range s.all() {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// dog is a device with state.
type dog struct {
	mu       sync.Mutex
	keeps    time.Duration // the timeout it keeps whatever it is told; 0: as told
	fed      []time.Time
	broken   error
	disarmed bool
	left     bool
}

func (d *dog) arm(timeout time.Duration) (time.Duration, error) {
	if d.keeps > 0 {
		return d.keeps, nil
	}
	return whole(timeout), nil
}

func (d *dog) feed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken == nil {
		d.fed = append(d.fed, time.Now())
	}
	return d.broken
}

func (d *dog) disarm() error { d.disarmed = true; return nil }
func (d *dog) leave() error  { d.left = true; return nil }

// meals is how often it was fed.
func (d *dog) meals() int {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.fed)
}

// watched runs a test in a bubble with a Watchdog of both kinds; within is systemd's WatchdogSec.
func watched(t *testing.T, within time.Duration, test func(t *testing.T, w *Watchdog, s *systemd, d *dog)) {
	t.Helper()
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	t.Setenv("WATCHDOG_USEC", strconv.FormatInt(within.Microseconds(), 10))
	if within == 0 {
		t.Setenv("WATCHDOG_USEC", "")
	}
	synctest.Test(t, func(t *testing.T) {
		s, d := &systemd{}, &dog{}
		w, err := start(Config{Device: "/dev/watchdog", Timeout: 15 * time.Second}, nil, true, s.hear,
			func(string) (device, error) { return d, nil })
		if err != nil {
			t.Fatal(err)
		}
		test(t, w, s, d)
		w.Close(true)
	})
}

// live gives a sign of life every half second for d.
func live(w *Watchdog, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		w.Alive()
	}
}

func TestReadyIsSaidOnceAndNotBeforeTheOutputsAreProvenSafe(t *testing.T) {
	watched(t, 6*time.Second, func(t *testing.T, w *Watchdog, s *systemd, _ *dog) {
		w.Status("starting")
		live(w, 20*time.Second)
		if s.count("READY=1") != 0 || s.count("WATCHDOG=1") != 0 {
			t.Errorf("said %q before the outputs were safe", s.all())
		}
		w.Safe()
		w.Safe()
		w.Status("IDLE")
		w.Status("IDLE")
		live(w, time.Second)
		if s.count("READY=1") != 1 || s.count("STATUS=IDLE") != 1 || s.count("STATUS=starting") != 1 {
			t.Errorf("said %q", s.all())
		}
	})
}

// TestAHouseWhoseOutputsAreInDoubtAsksForPatience: systemd must not restart it for ever; one that
// hangs asks no more.
func TestAHouseWhoseOutputsAreInDoubtAsksForPatience(t *testing.T) {
	watched(t, 6*time.Second, func(t *testing.T, w *Watchdog, s *systemd, _ *dog) {
		live(w, time.Minute)
		if n := s.count("EXTEND_TIMEOUT_USEC=30000000"); n < 6 || n > 13 {
			t.Errorf("asked %d times in a minute: %q", n, s.all())
		}
		before := len(s.all())
		time.Sleep(time.Hour)
		if len(s.all()) != before {
			t.Errorf("without a sign of life: %q", s.all()[before:])
		}
	})
}

func TestWatchdogsAreFedBySignsOfLifeAndByNothingElse(t *testing.T) {
	watched(t, 6*time.Second, func(t *testing.T, w *Watchdog, s *systemd, d *dog) {
		w.Safe()
		live(w, time.Minute)
		if n := s.count("WATCHDOG=1"); n < 20 || n > 31 {
			t.Errorf("systemd was fed %d times in a minute with WatchdogSec=6", n)
		}
		if n := d.meals(); n < 10 || n > 13 {
			t.Errorf("the device was fed %d times in a minute with 15 s", n)
		}
		fed, meals := s.count("WATCHDOG=1"), d.meals()
		for range 100 { // words are no life
			w.Status("IDLE " + time.Now().String())
			w.Safe()
			time.Sleep(time.Second)
		}
		if s.count("WATCHDOG=1") != fed || d.meals() != meals {
			t.Errorf("fed without a sign of life: %d, %d", s.count("WATCHDOG=1")-fed, d.meals()-meals)
		}
		w.Alive()
		if s.count("WATCHDOG=1") != fed+1 || d.meals() != meals+1 {
			t.Error("life came back and nobody was told")
		}
	})
}

func TestWithoutWatchdogSecSystemdIsNotFed(t *testing.T) {
	for _, c := range []struct{ usec, pid string }{{"", ""}, {"6000000", "1"}, {"rubbish", ""}, {"-1", ""}} {
		t.Setenv("WATCHDOG_USEC", c.usec)
		t.Setenv("WATCHDOG_PID", c.pid)
		synctest.Test(t, func(t *testing.T) {
			s := &systemd{}
			w, err := start(Config{}, zap.NewNop(), true, s.hear, nil)
			if err != nil {
				t.Fatal(err)
			}
			w.Safe()
			live(w, time.Minute)
			if got := s.all(); !slices.Equal(got, []string{"READY=1"}) {
				t.Errorf("%+v: said %q", c, got)
			}
			w.Close(true)
		})
	}
}

// TestASystemdThatHangsHoldsUpNobody: neither who calls nor the device; and a sign of life that is
// old when systemd listens again is none.
func TestASystemdThatHangsHoldsUpNobody(t *testing.T) {
	watched(t, 6*time.Second, func(t *testing.T, w *Watchdog, s *systemd, d *dog) {
		w.Safe()
		live(w, 10*time.Second)
		let := make(chan struct{})
		s.mu.Lock()
		s.hang = let
		s.mu.Unlock()
		fed, meals := s.count("WATCHDOG=1"), d.meals()
		begun := time.Now()
		live(w, time.Minute)
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("who gave signs of life was held up: %v", took)
		}
		if d.meals() < meals+10 {
			t.Errorf("the device was fed %d times meanwhile", d.meals()-meals)
		}
		time.Sleep(time.Hour)
		s.mu.Lock()
		s.hang = nil
		s.mu.Unlock()
		close(let)
		if n := s.count("WATCHDOG=1"); n > fed+1 { // the one that hung
			t.Errorf("%d old signs of life were passed on", n-fed)
		}
	})
}

func TestWhatSystemdDidNotHearIsSaidAgain(t *testing.T) {
	watched(t, 6*time.Second, func(t *testing.T, w *Watchdog, s *systemd, _ *dog) {
		s.mu.Lock()
		s.fail = errors.New("no buffer space")
		s.mu.Unlock()
		w.Status("IDLE")
		w.Safe()
		live(w, 10*time.Second)
		s.mu.Lock()
		s.fail = nil
		s.mu.Unlock()
		live(w, 10*time.Second)
		if s.count("READY=1") != 1 || s.count("STATUS=IDLE") != 1 || s.count("WATCHDOG=1") < 3 {
			t.Errorf("said %q", s.all())
		}
	})
}

// TestAStopIsAnnouncedWithItsTime: the stop pulse may be longer than TimeoutStopSec, and no actor
// gives signs of life while a trip gives it.
func TestAStopIsAnnouncedWithItsTime(t *testing.T) {
	watched(t, 6*time.Second, func(t *testing.T, w *Watchdog, s *systemd, d *dog) {
		w.Safe()
		live(w, 10*time.Second)
		w.Stopping(60 * time.Second)
		w.Stopping(600 * time.Second) // said once
		begun := time.Now()
		if got := s.all()[len(s.all())-2:]; !slices.Equal(got, []string{"STOPPING=1", "EXTEND_TIMEOUT_USEC=62000000"}) {
			t.Errorf("said %q", got)
		}
		time.Sleep(10 * time.Minute)
		d.mu.Lock()
		defer d.mu.Unlock()
		last := d.fed[len(d.fed)-1].Sub(begun)
		if last < 55*time.Second || last > 60*time.Second {
			t.Errorf("the device was fed until %v after, want through the pulse and no longer", last)
		}
		for i := 1; i < len(d.fed); i++ {
			if gap := d.fed[i].Sub(d.fed[i-1]); gap >= 15*time.Second {
				t.Errorf("the device went hungry for %v", gap)
			}
		}
	})
}

func TestOnlyAnOrderlyEndDisarmsTheDevice(t *testing.T) {
	for _, orderly := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := &dog{}
			w, err := start(Config{Device: "/dev/watchdog", Timeout: 3 * time.Second}, nil, false, nil,
				func(string) (device, error) { return d, nil })
			if err != nil {
				t.Fatal(err)
			}
			w.Alive()
			synctest.Wait() // an end may come before a sign of life is passed on
			w.Status("nobody hears it")
			w.Safe()
			w.Close(orderly)
			w.Close(!orderly) // once
			if d.disarmed != orderly || d.left == orderly || len(d.fed) != 1 {
				t.Errorf("orderly %v: %+v", orderly, d)
			}
		})
	}
}

func TestADeviceThatCannotBeHadIsTroubleAndNoReasonToStop(t *testing.T) {
	w, err := Start(Config{Device: filepath.Join(t.TempDir(), "watchdog"), Timeout: 15 * time.Second}, nil)
	if err == nil || !strings.Contains(err.Error(), "is the watchdog's driver loaded?") {
		t.Errorf("%v", err)
	}
	said := "nothing"
	w.OnTrouble(func(text string) { said = text })
	if said != err.Error() {
		t.Errorf("told %q", said)
	}
	w.Alive()
	w.Stopping(time.Second)
	w.Close(true)
}

func TestTroubleWithFeedingIsToldOnceAndItsEndToo(t *testing.T) {
	watched(t, 0, func(t *testing.T, w *Watchdog, _ *systemd, d *dog) {
		var said []string
		w.OnTrouble(func(text string) { said = append(said, text) })
		set := func(err error) { d.mu.Lock(); d.broken = err; d.mu.Unlock() }
		live(w, time.Minute)
		set(syscall.EIO)
		live(w, time.Minute)
		set(nil)
		live(w, time.Minute)
		synctest.Wait()
		if len(said) != 2 || said[0] != "feed /dev/watchdog: input/output error" || said[1] != "" {
			t.Errorf("told %q", said)
		}
	})
}

func TestADeviceThatKeepsAnotherTimeIsFedByItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dog{keeps: 6 * time.Second}
		w, err := start(Config{Device: "/dev/watchdog", Timeout: 15 * time.Second}, nil, false, nil,
			func(string) (device, error) { return d, nil })
		if err == nil || !strings.Contains(err.Error(), "keeps 6s, not 15s") {
			t.Errorf("%v", err)
		}
		live(w, time.Minute)
		if n := d.meals(); n < 25 {
			t.Errorf("fed %d times in a minute, at 6 s", n)
		}
		w.Close(true)
	})
}

func TestTheDeviceMustLeaveTimeToTheLayersBeforeIt(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		device                  string
		timeout, deadman, pulse time.Duration
		mistake, warning        bool
	}{
		{"/dev/watchdog", 15 * s, 2 * s, 5 * s, false, false},
		{"/dev/watchdog", 9 * s, 2 * s, 5 * s, false, false},
		{"/dev/watchdog", 9*s - 1, 2 * s, 5 * s, false, true},
		{"/dev/watchdog", 15 * s, 2 * s, 60 * s, false, true},
		{"/dev/watchdog", 5 * s, 5 * s, 1 * s, true, false},
		{"", 3 * s, 30 * s, 60 * s, false, false},
	} {
		found := Config{Device: c.device, Timeout: c.timeout}.CheckAgainst(c.deadman, c.pulse)
		if (len(found) == 1 && !found[0].Warning) != c.mistake || (len(found) == 1 && found[0].Warning) != c.warning {
			t.Errorf("%+v: %+v", c, found)
		}
	}
	for device, wrong := range map[string]int{"": 0, "/dev/watchdog0": 0, "watchdog": 1, "/dev/\x00": 1} {
		if got := (Config{Device: device}).Check(); len(got) != wrong {
			t.Errorf("%q: %+v", device, got)
		}
	}
}

func TestAStatusIsOneLine(t *testing.T) {
	if got := oneLine("a\nREADY=1\r\n b"); got != "a READY=1 b" {
		t.Errorf("%q", got)
	}
}
