//go:build kernel

// Package death ends the program in every way that it can end, with the engine running, and looks at
// who stops the engine then, and how soon.
package death

//guest:options -t 600

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

// deadman is gpio.deadman by default.
const deadman = 2 * time.Second

// How a program dies, and how soon the engine is off (SPEC P14).
var deaths = []struct {
	name   string
	signal syscall.Signal
	fault  string
	within time.Duration
	trips  bool // the program itself stops the engine
}{
	{"killed", syscall.SIGKILL, "", 250 * time.Millisecond, false},
	{"stopped, as if it hung", syscall.SIGSTOP, "", deadman + 250*time.Millisecond, false},
	// The runtime writes down every goroutine before it ends: that takes as long as who reads it.
	{"ended by a fatal error of the runtime", syscall.SIGABRT, "", deadman + 250*time.Millisecond, false},
	{"ended by an exit", syscall.SIGUSR1, "exit", 250 * time.Millisecond, false},
	// A fault comes with the next message of the actor, which is at most a beat away.
	{"the pump panics", syscall.SIGUSR1, "panic pump", deadman/4 + 250*time.Millisecond, true},
	{"the gpio actor panics", syscall.SIGUSR1, "panic gpio", deadman/4 + 250*time.Millisecond, true},
	{"the pump hangs", syscall.SIGUSR1, "wedge pump", deadman/4 + deadman + 250*time.Millisecond, true},
	{"the gpio actor hangs", syscall.SIGUSR1, "wedge gpio", deadman/4 + deadman + 250*time.Millisecond, true},
}

// TestNoDeathOfTheProgramLeavesTheEngineRunning has ignition on pulled up, so that a line which nobody
// drives is an engine that runs.
func TestNoDeathOfTheProgramLeavesTheEngineRunning(t *testing.T) {
	for _, d := range deaths {
		kinds := []bool{false, true}
		if d.trips {
			kinds = kinds[:1] // it lets nothing go before all is done
		}
		for _, persist := range kinds {
			name := d.name + ", lines fall to their pull"
			if persist {
				name = d.name + ", lines keep their level"
			}
			t.Run(name, func(t *testing.T) {
				chip, w := appliance.Board(t)
				if persist {
					chip.Persist()
				}
				p := appliance.Start(t, appliance.Options{Chip: chip, Fault: d.fault})
				p.Trigger("RUNNING")
				chip.Pull(appliance.Lines[hardware.IgnitionOn], true)
				still := gpiosim.WatchStalls(t)
				at := p.Die(d.signal)
				w.Await("+ignition_off", d.within+20*time.Second)
				_, stalled := still.Since()
				p.Alone()
				off := w.TakenOver(at, appliance.StopPulse)
				fmt.Printf("figure: %s: engine off after %v, promised within %v (the guest was held up for %v)\n", name, off-at,
					d.within, stalled)
				if t.Failed() || off-at > d.within+stalled {
					t.Logf("since then\n\t%s", w.Record(at))
				}
				if off-at > d.within+stalled {
					t.Errorf("engine off after %v, promised within %v; the guest was held up for %v", off-at, d.within, stalled)
				}
				if code, _ := p.Exit(time.Second); code == 0 {
					t.Error("its exit code says that all is well")
				}
			})
		}
	}
}
