// Package appliance runs the real program on simulated lines of the guest's kernel, for suites of
// test/kernel. Start starts it (sets, folder, chip), Publish and Burn speak MQTT to it, Await waits for
// a state of /api/status, Signal, Exit and Kill end it; Watch and Steps say what the relays did, by the
// kernel's record, in words that a suite compares: "+main_valve", "+ignition_on -ignition_start".
//
//	chip := gpiosim.Open(t)
//	wires := appliance.Watch(t, chip)
//	p := appliance.Start(t, appliance.Options{Chip: chip})
//	p.Burn(func() bool { return p.State() == "RUNNING" })
//	p.Signal(syscall.SIGTERM)
//	code, took := p.Exit(5 * time.Second)
//	wires.Expect("+main_valve", "+refill_valve +priming_valve", …)
//
// A second Start with the Dir of the first is a restart of the same appliance. The program is the
// binary in WILDFIRE_BINARY. Whatever it started is gone at the end of the test: its guard too.
package appliance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/test/gear"
	"wildfire-watch/test/kernel/gpiosim"
)

// Quick are the shortest times that a real board allows, so that a run takes seconds. The dead-man
// and everything that is not named has its default.
var Quick = []string{
	"consensus.growth_hold=0", "consensus.cooldown_period=0", "consensus.detection_window=30s",
	"pump.pre_open_delay=500ms", "pump.ignition_start_duration=500ms", "pump.priming_duration=1s",
	"pump.pressure_check_delay=0", "pump.rpm_reduction_lead=1s", "pump.rpm_reduction_duration=1s",
	"pump.ignition_off_duration=1s", "pump.valve_close_delay=1s", "pump.refill_multiplier=0",
	"pump.cooldown_duration=0",
}

// StopPulse is ignition_off_duration in Quick.
const StopPulse = time.Second

// Options are how the program is started.
type Options struct {
	Chip *gpiosim.Chip // gpio.chip; nil: no real board is named
	Dir  string        // its folder; empty: a new one in the guest's memory
	Sets []string      // laid over Quick
	Env  []string      // besides the test's own
	// Fault is what breaks in it at SIGUSR1: "panic pump", "wedge gpio" … as command/faults.go says.
	Fault string
	// Sudden does not wait until it is ready.
	Sudden bool
}

// Process is a program that was started.
type Process struct {
	Dir    string
	t      testing.TB
	binary string
	cmd    *exec.Cmd
	log    gear.Buffer
	gone   chan struct{}
	run    struct{ MQTT, HTTP string }
	mqtt   mqtt.Client
	mu     sync.Mutex
	said   []Event
}

// Event is one message on system/trigger_telemetry.
type Event struct {
	Action, Reason string
	Boot           string
	Seq            uint64
	At             time.Duration // heard, gpiosim.Now
}

// patience is how long anything that must happen may take on a busy machine.
const patience = 30 * time.Second

// Start starts the program and waits until its page answers.
func Start(t testing.TB, o Options) *Process {
	t.Helper()
	p := &Process{Dir: o.Dir, t: t, gone: make(chan struct{})}
	if p.Dir == "" {
		p.Dir = t.TempDir()
	}
	variable := "WILDFIRE_BINARY"
	if o.Fault != "" {
		variable = "WILDFIRE_FAULTY"
		o.Env = append(o.Env, "WILDFIRE_FAULT="+o.Fault)
	}
	var err error
	if p.binary, err = filepath.EvalSymlinks(os.Getenv(variable)); err != nil {
		t.Fatalf("%s: %v: test/kernel/test.sh names the program", variable, err)
	}
	sets := append([]string{"journal.dir=" + p.data(), "broker.listen=127.0.0.1:0", "http.listen=127.0.0.1:0"},
		Quick...)
	if o.Chip != nil {
		sets = append(sets, "gpio.board=gpiocdev", "gpio.chip="+o.Chip.Name())
	}
	args := []string{"run"}
	for _, set := range append(sets, o.Sets...) {
		args = append(args, "--set", set)
	}
	_ = os.Remove(p.runFile())
	p.cmd = exec.Command(p.binary, args...)
	p.cmd.Env = append(os.Environ(), o.Env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	// The guard holds the log open for longer than the program lives.
	p.cmd.WaitDelay = 10 * time.Millisecond
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.gone) }()
	t.Cleanup(p.clean)
	if !o.Sudden {
		p.Ready()
	}
	return p
}

func (p *Process) data() string    { return filepath.Join(p.Dir, "data") }
func (p *Process) runFile() string { return filepath.Join(p.data(), "run.json") }

// Ready waits until the program has said where it listens and its page answers.
func (p *Process) Ready() {
	p.t.Helper()
	p.eventually("run.json", func() bool {
		text, err := os.ReadFile(p.runFile())
		return err == nil && json.Unmarshal(text, &p.run) == nil
	})
	p.eventually("/api/status", func() bool { return p.State() != "" })
}

// PID is the program's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log is what it wrote so far.
func (p *Process) Log() string { return p.log.String() }

func (p *Process) eventually(what string, done func() bool) {
	p.t.Helper()
	dead := false
	if !gear.Await(patience, func() bool {
		select {
		case <-p.gone:
			dead = true
		default:
		}
		return dead || done()
	}) || dead && !done() {
		p.t.Fatalf("%s: not within %v (the program ended: %v)\n%s", what, patience, dead, p.Log())
	}
}

// State is the pump's state, "RUNNING"; empty while nobody answers.
func (p *Process) State() string {
	client := http.Client{Timeout: 2 * time.Second}
	r, err := client.Get(p.run.HTTP + "/api/status")
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	var s struct {
		State string `json:"state"`
	}
	if json.NewDecoder(r.Body).Decode(&s) != nil || r.StatusCode != http.StatusOK {
		return ""
	}
	return s.State
}

// Await waits for a state of the pump.
func (p *Process) Await(state string) {
	p.t.Helper()
	p.eventually("state "+state, func() bool { return p.State() == state })
}

// Signal sends it a signal.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %v: %v", s, err)
	}
}

// Exit waits for its end: the exit code, -1 after a signal, and how long it took from now.
func (p *Process) Exit(limit time.Duration) (code int, took time.Duration) {
	p.t.Helper()
	start := time.Now()
	select {
	case <-p.gone:
	case <-time.After(limit):
		p.t.Fatalf("still running after %v\n%s", limit, p.Log())
	}
	return p.cmd.ProcessState.ExitCode(), time.Since(start)
}

// Kill kills it and waits for its end; the instant is just before the signal.
func (p *Process) Kill() (at time.Duration) {
	at = gpiosim.Now()
	_ = p.cmd.Process.Kill()
	<-p.gone
	return at
}

// Die sends a signal that it does not outlive, or does not come back from; the instant is just before.
func (p *Process) Die(s syscall.Signal) (at time.Duration) {
	p.t.Helper()
	at = gpiosim.Now()
	p.Signal(s)
	return at
}

// Alone waits until nobody but the program itself runs its binary: its guard has done its work.
func (p *Process) Alone() {
	p.t.Helper()
	if !gear.Await(patience, func() bool { return len(p.Others()) == 0 }) {
		p.t.Fatalf("still there: processes %v\n%s", p.Others(), p.Log())
	}
}

// clean ends what is left of it: the program, then whoever else runs the same binary, its guard.
func (p *Process) clean() {
	if p.mqtt != nil {
		p.mqtt.Disconnect(0)
	}
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	p.Kill()
	if p.t.Failed() {
		p.t.Logf("the program's log:\n%s", p.Log())
	}
	if !gear.Await(patience, func() bool { return len(p.Others()) == 0 }) {
		p.t.Errorf("left behind: processes %v", p.Others())
		for _, pid := range p.Others() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// Others are the processes that run the same binary besides it: its guard.
func (p *Process) Others() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		var pid int
		if _, err := fmt.Sscanf(e.Name(), "%d", &pid); err != nil || pid == p.PID() {
			continue
		}
		if exe, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe")); err == nil && exe == p.binary && !zombie(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := bytes.Cut(text, []byte(") "))
	return errors.Is(err, os.ErrNotExist) || bytes.HasPrefix(after, []byte("Z"))
}
