package test

import (
	"net"
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

	"wildfire-watch/actors/system"
	"wildfire-watch/test/gear"
	"wildfire-watch/watchdog"
)

// notified is what systemd hears on its socket.
type notified struct {
	t    *testing.T
	mu   sync.Mutex
	said []string
	at   []time.Time
}

// systemd plays systemd for the processes that this test starts.
func systemd(t *testing.T, watchdog time.Duration) *notified {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "")
	if watchdog > 0 {
		t.Setenv("WATCHDOG_USEC", strconv.FormatInt(watchdog.Microseconds(), 10))
	}
	n := &notified{t: t}
	go func() {
		buffer := make([]byte, 4096)
		for {
			size, err := c.Read(buffer)
			if err != nil {
				return
			}
			n.mu.Lock()
			for _, line := range strings.Split(string(buffer[:size]), "\n") {
				n.said, n.at = append(n.said, line), append(n.at, time.Now())
			}
			n.mu.Unlock()
		}
	}()
	return n
}

func (n *notified) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.said)
}

// last is when a line was heard last; zero: never.
func (n *notified) last(prefix string) (at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, line := range n.said {
		if strings.HasPrefix(line, prefix) {
			at = n.at[i]
		}
	}
	return at
}

func (n *notified) has(prefix string) bool { return !n.last(prefix).IsZero() }

// TestSystemdHearsReadyWhenEveryLineHasReadOff: not before, then signs of life, and the stop.
func TestSystemdHearsReadyWhenEveryLineHasReadOff(t *testing.T) {
	n := systemd(t, time.Second)
	p := startProcess(t, t.TempDir(), fast...)
	p.eventually("READY", func() bool { return n.has("READY=1") })
	first := p.lines()[:7] // the initial levels
	for _, c := range first {
		if c.V != 0 || time.Unix(0, c.T).After(n.last("READY=1")) {
			t.Errorf("READY before %+v", c)
		}
	}
	p.eventually("signs of life", func() bool { return n.last("WATCHDOG=1").Sub(n.last("READY=1")) > time.Second })
	l := listen(t, p.run.MQTT, "system/#")
	p.connected(l)
	l.publish("fire/trigger", 2, `{"action":"trigger"}`)
	p.eventually("the engine's state", func() bool { return n.has("STATUS=RUNNING; simulator, nothing real is driven") })
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
	if said := n.all(); !slices.Contains(said, "STOPPING=1") || !slices.Contains(said, "EXTEND_TIMEOUT_USEC=4200000") {
		t.Errorf("of the stop systemd heard %q", said)
	}
	if said := n.all(); slices.Index(said, "WATCHDOG=1") < slices.Index(said, "READY=1") {
		t.Errorf("heard %q", said)
	}
}

// TestALineThatReadsOnKeepsSystemdWaitingAndTheHouseAtWork: READY would be a lie, and a restart for
// want of it would take page, alarms and buttons away again and again.
func TestALineThatReadsOnKeepsSystemdWaitingAndTheHouseAtWork(t *testing.T) {
	n := systemd(t, time.Second)
	p := startProcess(t, t.TempDir(), append(fast, "simulator.stick=24:1")...)
	p.eventually("asking for patience", func() bool { return n.has("EXTEND_TIMEOUT_USEC=30000000") })
	p.eventually("the reason", func() bool { return n.has("STATUS=not ready: ignition_on reads on though commanded off") })
	p.eventually("the alarm", func() bool { return slices.Contains(p.status().alarms(), "error") })
	if n.has("READY=1") || n.has("WATCHDOG=1") {
		t.Errorf("heard %q", n.all())
	}
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}

// TestAnActorThatHangsStarvesSystemdsWatchdog: pump or gpio actor alone, while everything else of the
// process goes on, its clocks included. (That the dead-man trips as well is another test's.)
func TestAnActorThatHangsStarvesSystemdsWatchdog(t *testing.T) {
	for name, hang := range map[string]func(*ward){
		"pump": func(w *ward) { w.pump.Store(true) },
		"gpio": func(w *ward) { w.board.Store(-1) },
	} {
		n, dir := systemd(t, 6*time.Second), t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			w := newWard(t, dir)
			defer w.discharge()
			dog, err := watchdog.Start(watchdog.Config{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			w.vitals = system.Vitals{Safe: dog.Safe, Alive: dog.Alive}
			for _, line := range []string{"start", "trigger", "until RUNNING 1m", "wait 20s"} {
				w.play("watchdog", line)
			}
			dog.Status("hangs from here")
			synctest.Wait()
			hang(w)
			time.Sleep(time.Minute)
			dog.Status("a minute later")
			dog.Close(false)
		})
		if !gear.Await(10*time.Second, func() bool { return n.has("STATUS=a minute later") }) {
			t.Fatalf("%s: heard %q", name, n.all())
		}
		said := n.all()
		from := slices.Index(said, "STATUS=hangs from here")
		before, after := 0, 0
		for i, line := range said {
			switch {
			case line != "WATCHDOG=1":
			case i < from:
				before++
			default:
				after++
			}
		}
		if before < 10 || after > 1 {
			t.Errorf("%s: fed %d times before it hung and %d times after: %q", name, before, after, said)
		}
	}
}

// TestAProcessThatHangsGivesNoSignOfLife: all of it, as a debugger or a full memory may stop it.
func TestAProcessThatHangsGivesNoSignOfLife(t *testing.T) {
	n := systemd(t, time.Second)
	p := startProcess(t, t.TempDir(), fast...)
	p.eventually("a sign of life", func() bool { return n.has("WATCHDOG=1") })
	hung := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	<-p.exited // its guard kills it
	if after := n.last("WATCHDOG=1").Sub(hung); after > 100*time.Millisecond {
		t.Errorf("a sign of life %v after it was stopped", after)
	}
	p = startProcess(t, p.dir, fast...) // when the guard has done its work
	p.eventually("the cause", func() bool { return p.status().LastStop == "hung: the guard killed it" })
}
