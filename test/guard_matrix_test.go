//go:build guard

package test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func init() { programTags = "faults" }

// guardBeat is how often pump and gpio actor speak to one another.
var guardBeat = protocol.BeatOf(guardDeadman)

// deaths are the ways in which a process ends or ceases to be one.
var deaths = []struct {
	name   string
	signal syscall.Signal
	fault  string // for SIGUSR1
	within time.Duration
	cause  string // in guard.json; empty: the process gave its own stop pulse and said goodbye
	hangs  bool   // one of the two actors that watch over each other
}{
	{"SIGKILL", syscall.SIGKILL, "", 250 * time.Millisecond, "died", false},
	{"SIGSTOP", syscall.SIGSTOP, "", guardDeadman + 250*time.Millisecond, "hung", false},
	{"SIGQUIT", syscall.SIGQUIT, "", 250 * time.Millisecond, "died", false},
	{"SIGABRT", syscall.SIGABRT, "", 250 * time.Millisecond, "died", false},
	{"SIGSEGV", syscall.SIGSEGV, "", 250 * time.Millisecond, "died", false},
	{"exit", syscall.SIGUSR1, "exit", 250 * time.Millisecond, "died", false},
	// The next beat meets the fault.
	{"panic of the pump", syscall.SIGUSR1, "panic pump", guardBeat + 350*time.Millisecond, "", false},
	{"panic of the gpio actor", syscall.SIGUSR1, "panic gpio", guardBeat + 350*time.Millisecond, "", false},
	{"pump hangs", syscall.SIGUSR1, "wedge pump", guardDeadman + guardBeat + 600*time.Millisecond, "", true},
	{"gpio actor hangs", syscall.SIGUSR1, "wedge gpio", guardDeadman + guardBeat + 600*time.Millisecond, "", true},
}

// TestEveryDeathInEveryState is the whole of issue 3's table on the simulator board, one at a time few
// at a time so that its times mean something (make test-guard).
func TestEveryDeathInEveryState(t *testing.T) {
	for _, d := range deaths {
		for _, s := range lastScenes {
			t.Run(d.name+" in "+s.state, func(t *testing.T) {
				t.Parallel()
				p := s.playUntil(t, t.TempDir(), "WILDFIRE_FAULT="+d.fault)
				guard := p.guard()
				death := time.Now()
				_ = p.cmd.Process.Signal(d.signal)
				p.end(guard)
				r, ok := p.guardRecord()
				a := p.after(death, ok)
				if len(a.wrong) > 0 || a.engineOff > d.within {
					t.Errorf("engine off after %s, want %s: %v\n%v\n%s", a.engineOff, d.within, a.wrong, p.lines(), p.log)
				}
				// The last beat may be older than the last word of a pump that hangs: the guard is
				// then the first to act.
				first := d.hangs && r.Cause == "hung"
				if !first && (ok != (d.cause != "") || r.Cause != d.cause) {
					t.Errorf("guard.json: %+v, %v\n%s", r, ok, p.log)
				}
				t.Logf("engine off after %s", a.engineOff)
			})
		}
	}
}

// TestKillsAtRandomInstants: from the trigger to COOLDOWN, whenever it comes; GUARD_KILLS says how many.
func TestKillsAtRandomInstants(t *testing.T) {
	kills, err := strconv.Atoi(cmp.Or(os.Getenv("GUARD_KILLS"), "100"))
	if err != nil || kills < 1 {
		t.Fatalf("GUARD_KILLS: want a number: %v", err)
	}
	var mu sync.Mutex
	var took []time.Duration
	t.Run("kills", func(t *testing.T) {
		for i := range kills {
			wait := rand.N(3 * time.Second)
			t.Run(fmt.Sprintf("%d after %s", i, wait.Round(time.Millisecond)), func(t *testing.T) {
				t.Parallel()
				p := startProcess(t, t.TempDir(), slices.Concat(guardSets, []string{"pump.fire_off_delay=2500ms"})...)
				l := listen(t, p.run.MQTT, "system/#")
				p.connected(l)
				l.publish("fire/trigger", 2, `{"action":"trigger"}`)
				<-time.After(wait)
				guard := p.guard()
				death := time.Now()
				_ = p.cmd.Process.Kill()
				p.end(guard)
				a := p.after(death, true)
				if len(a.wrong) > 0 || a.engineOff > 250*time.Millisecond {
					t.Errorf("engine off after %s: %v\n%v\n%s", a.engineOff, a.wrong, p.lines(), p.log)
				}
				mu.Lock()
				defer mu.Unlock()
				if a.engineOff > 0 {
					took = append(took, a.engineOff)
				}
			})
		}
	})
	slices.Sort(took)
	if len(took) == 0 {
		t.Fatal("the engine was never on")
	}
	t.Logf("%d kills, the engine on in %d: off after %s in the median, %s at most", kills, len(took),
		took[len(took)/2], took[len(took)-1])
}

// TestTheGuardIsSmall: it must not be what memory runs out of.
func TestTheGuardIsSmall(t *testing.T) {
	p := lastScenes[0].playUntil(t, t.TempDir())
	anonymous, resident := memory(t, p.guard())
	if anonymous > 12<<20 { // most of it is what the libraries of the whole program set up at their start
		t.Errorf("the guard takes %d bytes of its own", anonymous)
	}
	t.Logf("the guard takes %.1f MB, %.1f MB of it its own", float64(resident)/1e6, float64(anonymous)/1e6)
	if !strings.Contains(p.log.String(), "guarded") {
		t.Error("nothing is said of the guard")
	}
}

// memory is what a process holds in memory: its own, and all.
func memory(t *testing.T, pid int) (anonymous, resident int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.Atoi(fields[1])
		switch fields[0] {
		case "RssAnon:":
			anonymous = kb << 10
		case "VmRSS:":
			resident = kb << 10
		}
	}
	return anonymous, resident
}
