package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/test/gear"
)

// process is the real binary, started as a user starts it.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	dir    string
	log    *gear.Buffer
	exited chan struct{}
	run    struct{ MQTT, HTTP string }
}

var built struct {
	once sync.Once
	path string
	err  error
}

// binary is the program, built once for all tests, static as it is shipped.
func binary(t testing.TB) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// programTags are the build tags of the program under test: what is shipped has none.
var programTags string

// program builds the binary where no test is at hand to fail.
func program() (string, error) {
	built.once.Do(func() {
		dir, err := os.MkdirTemp("", "wildfire-test-")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "wildfire-watch")
		built.err = gear.Build(built.path, "..", programTags)
	})
	return built.path, built.err
}

// fast are durations with which a whole run passes in seconds.
var fast = []string{
	"consensus.growth_hold=300ms", "consensus.detection_window=2s", "consensus.cooldown_period=1s",
	"pump.pre_open_delay=100ms", "pump.ignition_start_duration=200ms", "simulator.catch_after=100ms",
	"pump.priming_duration=300ms", "pump.pressure_check_delay=300ms", "pump.fire_off_delay=1500ms",
	"pump.max_engine_runtime=10s", "pump.rpm_reduction_lead=500ms", "pump.rpm_reduction_duration=200ms",
	"pump.ignition_off_duration=300ms", "pump.valve_close_delay=500ms", "pump.refill_multiplier=0.2",
	"pump.cooldown_duration=200ms", "telemetry.health_interval=1s",
}

// startProcess starts the binary in a folder of its own on free ports, and waits until it is ready.
func startProcess(t testing.TB, dir string, sets ...string) *process {
	t.Helper()
	return startProcessIn(t, dir, nil, sets...)
}

// startProcessIn is startProcess with more in its environment.
func startProcessIn(t testing.TB, dir string, env []string, sets ...string) *process {
	t.Helper()
	p := launchIn(t, dir, env, sets...)
	p.awaitRun()
	return p
}

// startWriting is startProcess with what the program says going to a file.
func startWriting(t testing.TB, dir string, to *os.File, sets ...string) *process {
	t.Helper()
	p := prepare(t, dir, nil, nil, sets...)
	p.cmd.Stdout, p.cmd.Stderr = to, to
	p.begin()
	p.awaitRun()
	return p
}

// startProcessWith is startProcess with more on its command line.
func startProcessWith(t testing.TB, dir string, args []string, sets ...string) *process {
	t.Helper()
	p := prepare(t, dir, nil, args, sets...)
	p.begin()
	p.awaitRun()
	return p
}

// awaitRun waits until run.json says where the program is to be reached.
func (p *process) awaitRun() {
	p.t.Helper()
	p.eventually("run.json", func() bool {
		text, err := os.ReadFile(filepath.Join(p.dir, "data", "run.json"))
		return err == nil && json.Unmarshal(text, &p.run) == nil
	})
}

// launch is startProcess without waiting for anything.
func launch(t testing.TB, dir string, sets ...string) *process {
	t.Helper()
	return launchIn(t, dir, nil, sets...)
}

func launchIn(t testing.TB, dir string, env []string, sets ...string) *process {
	t.Helper()
	p := prepare(t, dir, env, nil, sets...)
	p.begin()
	return p
}

// prepare makes the command of a program in a folder of its own on free ports; more comes first on its
// command line.
func prepare(t testing.TB, dir string, env, more []string, sets ...string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, log: &gear.Buffer{}, exited: make(chan struct{})}
	args := append([]string{"run"}, more...)
	base := []string{"gpio.board=simulator", "cameras.discovery=false", "journal.dir=" + filepath.Join(dir, "data"), "broker.listen=127.0.0.1:0",
		"http.listen=127.0.0.1:0", "gpio.line_log=" + p.lineLogPath()}
	for _, set := range append(base, sets...) {
		args = append(args, "--set", set)
	}
	_ = os.Remove(filepath.Join(dir, "data", "run.json"))
	p.cmd = exec.Command(binary(t), args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return p
}

func (p *process) begin() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	p.t.Cleanup(func() { // its guard outlives it, and writes to the folder that goes next
		guard := p.guard()
		p.kill()
		gear.Await(5*time.Second, func() bool { _, runs := parentOf(guard); return guard == 0 || !runs })
	})
}

func (p *process) lineLogPath() string { return filepath.Join(p.dir, "lines.jsonl") }

// eventually polls with a deadline; on failure it shows the process's log.
func (p *process) eventually(what string, done func() bool) {
	p.t.Helper()
	if !gear.Await(20*time.Second, done) {
		p.t.Fatalf("%s: not within 20 s\n%s", what, p.log)
	}
}

// stop ends the process in good order and returns its exit code and how long it took.
func (p *process) stop() (code int, took time.Duration) {
	p.t.Helper()
	start := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(15 * time.Second):
		p.t.Fatalf("SIGTERM: still running after 15 s\n%s", p.log)
	}
	return p.cmd.ProcessState.ExitCode(), time.Since(start)
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// lineChange is a line of gpio.line_log.
type lineChange struct {
	T    int64  `json:"t"`
	Line int    `json:"line"`
	Name string `json:"name"`
	V    int    `json:"v"`
}

// lines reads the line log.
func (p *process) lines() (changes []lineChange) {
	text, _ := os.ReadFile(p.lineLogPath())
	for line := range strings.Lines(string(text)) {
		var c lineChange
		if json.Unmarshal([]byte(line), &c) == nil {
			changes = append(changes, c)
		}
	}
	return changes
}

// level is the last logged level of a line.
func (p *process) level(name string) int {
	level := -1
	for _, c := range p.lines() {
		if c.Name == name {
			level = c.V
		}
	}
	return level
}
