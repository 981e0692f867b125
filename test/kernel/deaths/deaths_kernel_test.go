//go:build kernel

// Package deaths lets the program hang, crash, exit, and be killed for want of memory, each in any state
// of the pump: somebody stops the engine in time, with a full pulse (SPEC P14). STOPS says how often it
// hangs.
package deaths

import (
	"os"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/test/kernel/lives"
)

//guest:options -m 320M -t 900

// deadman is gpio.deadman by default.
const deadman = 2 * time.Second

// end is how long an end may take that the program comes to by itself, its own stop pulse included.
const end = 10 * time.Second

func house(t *testing.T, appliances int, program string, seed uint64) *lives.House {
	return lives.New(t, appliances, lives.Settings{Seed: lives.Seed(t, seed), Multiplier: 0.4, Program: os.Getenv(program)})
}

func TestAProgramThatHangsIsEndedAndItsEngineStopped(t *testing.T) {
	c := lives.Campaign{Name: "SIGSTOP, promised 2.25s", Deaths: lives.Count(t, "STOPS", 50), Appliances: 4,
		Die: func(a *lives.Appliance) lives.Death {
			at, ended := a.Break(syscall.SIGSTOP, "stopped", end)
			if !ended {
				t.Error("nobody ended a program that hung")
			}
			return lives.Death{At: at, Within: deadman + lives.Promise}
		}}
	c.Run(t, house(t, c.Appliances, "WILDFIRE_BINARY", 4))
}

// crashes are ends that the program comes to by its own fault. A panic comes with the next message of
// the actor, at most a beat away; the runtime writes all goroutines down before it ends, which takes as
// long as it takes.
var crashes = []struct {
	fault  string
	signal syscall.Signal
	within time.Duration
}{
	{"exit", syscall.SIGUSR1, lives.Promise},
	{"panic pump", syscall.SIGUSR1, deadman/4 + lives.Promise},
	{"panic gpio", syscall.SIGUSR1, deadman/4 + lives.Promise},
	{"", syscall.SIGQUIT, deadman + lives.Promise},
	{"", syscall.SIGSEGV, deadman + lives.Promise},
}

func TestAProgramThatCrashesLeavesNoEngineRunning(t *testing.T) {
	c := lives.Campaign{Name: "exit, panic, SIGQUIT, SIGSEGV", Deaths: lives.Count(t, "CRASHES", 12), Appliances: 2}
	h := house(t, c.Appliances, "WILDFIRE_FAULTY", 5)
	next := make([]int, len(h.Appliances)) // each appliance touches its own
	index := func(a *lives.Appliance) *int { return &next[int(a.Name[1]-'0')] }
	c.Prepare = func(a *lives.Appliance) {
		*index(a) = (*index(a) + 1) % len(crashes)
		a.Renew("WILDFIRE_FAULT=" + crashes[*index(a)].fault)
	}
	c.Die = func(a *lives.Appliance) lives.Death {
		crash := crashes[*index(a)]
		at, ended := a.Break(crash.signal, crash.fault, end)
		if !ended {
			t.Errorf("%q %v: it did not end", crash.fault, crash.signal)
		}
		return lives.Death{At: at, Within: crash.within, Own: crash.signal == syscall.SIGUSR1 && crash.fault != "exit"}
	}
	c.Run(t, h)
}

// TestWhenMemoryRunsOutTheProgramGoesAndItsGuardStays has the guest's kernel choose whom to kill. Time
// counts from the release of the lines: until then the kernel is busy with the memory.
func TestWhenMemoryRunsOutTheProgramGoesAndItsGuardStays(t *testing.T) {
	spare := func(score string) { // this process, not what it starts
		if err := os.WriteFile("/proc/self/oom_score_adj", []byte(score), 0); err != nil {
			t.Error(err)
		}
	}
	c := lives.Campaign{Name: "killed for want of memory, promised 250ms", Deaths: lives.Count(t, "OOMS", 4), Appliances: 1}
	c.Prepare = func(a *lives.Appliance) {
		spare("0")
		a.Renew("WILDFIRE_FAULT=eat memory")
	}
	c.Die = func(a *lives.Appliance) lives.Death {
		spare("-1000")
		asked, _ := a.Break(syscall.SIGUSR1, "eat memory", 30*time.Second)
		a.Watch()
		at, released := a.Released(asked)
		if !a.Killed() || !released {
			t.Errorf("it was not killed for want of memory: %v, %v", a.Killed(), released)
		}
		return lives.Death{At: at, Within: lives.Promise}
	}
	c.Run(t, house(t, 1, "WILDFIRE_FAULTY", 6))
}
