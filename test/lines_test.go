package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/test/gear"
)

// byHand is `lines test` as a person or a script runs it, on the simulator board with a line log.
type byHand struct {
	process
	terminal *os.File // what the person types into; nil without one
}

// startByHand starts it; with a terminal of its own if somebody is to type.
func startByHand(t *testing.T, typed bool, args ...string) *byHand {
	t.Helper()
	dir := t.TempDir()
	h := &byHand{process: process{t: t, dir: dir, log: &gear.Buffer{}, exited: make(chan struct{})}}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"lines", "test", "--set", "gpio.board=simulator", "--set", "journal.dir=" + data,
		"--set", "gpio.line_log=" + h.lineLogPath(), "--set", "pump.ignition_off_duration=300ms"}, args...)
	h.cmd = exec.Command(binary(t), args...)
	h.cmd.Stdout, h.cmd.Stderr = h.log, h.log
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var theirs *os.File
	if typed {
		h.terminal, theirs = gear.Terminal(t)
		h.cmd.Stdin, h.cmd.Stdout, h.cmd.Stderr = theirs, theirs, theirs
		h.cmd.SysProcAttr.Setsid, h.cmd.SysProcAttr.Setctty = true, true
		gear.Seen(h.terminal, h.log)

	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if theirs != nil {
		_ = theirs.Close()
	}
	go func() { _ = h.cmd.Wait(); close(h.exited) }()
	t.Cleanup(h.kill)
	return h
}

func (h *byHand) says(text string) {
	h.t.Helper()
	h.eventually(text, func() bool { return strings.Contains(h.log.String(), text) })
}

func (h *byHand) types(text string) {
	h.t.Helper()
	if _, err := h.terminal.WriteString(text); err != nil {
		h.t.Fatal(err)
	}
}

func (h *byHand) ends(code int) {
	h.t.Helper()
	h.eventually("its end", func() bool {
		select {
		case <-h.exited:
			return true
		default:
			return false
		}
	})
	if got := h.cmd.ProcessState.ExitCode(); got != code {
		h.t.Errorf("exit code %d, want %d\n%s", got, code, h.log)
	}
}

// switched is what the line log tells, initial levels left out: "main_valve 1".
func (h *byHand) switched() (all []string) {
	for i, c := range h.lines() {
		if i >= 7 {
			all = append(all, fmt.Sprintf("%s %d", c.Name, c.V))
		}
	}
	return all
}

func TestLinesTestWantsTheWholeSentenceTypedAndSwitchesOneByOne(t *testing.T) {
	t.Parallel()
	h := startByHand(t, true, "--for", "100ms", "--only", "main_valve,rpm_reduce")
	h.says("    test main_valve rpm_reduce\r\n\r\n> ")
	h.types("test main_valve rpm_reduce\n")
	h.says("Everything is off.")
	h.ends(0)
	want := "[main_valve 1 main_valve 0 rpm_reduce 1 rpm_reduce 0]"
	if got := fmt.Sprint(h.switched()); got != want {
		t.Errorf("switched %s, want %s", got, want)
	}
	again := startByHand(t, true)
	again.says("> ")
	again.types("yes\n")
	again.ends(1)
	again.says("nothing was switched")
	if got := again.lines(); got != nil {
		t.Errorf("the board was touched: %v", got)
	}
}

func TestCtrlCSwitchesEverythingOffAtOnce(t *testing.T) {
	t.Parallel()
	h := startByHand(t, true, "--for", "30s", "--only", "refill_valve")
	h.says("> ")
	h.types("test refill_valve\n")
	h.eventually("the refill valve", func() bool { return h.level("refill_valve") == 1 })
	h.types("\x03")
	h.ends(1)
	h.says("ended early: Ctrl-C; everything is off")
	if got := fmt.Sprint(h.switched()); got != "[refill_valve 1 refill_valve 0]" {
		t.Error(got)
	}
}

func TestAClosedTerminalSwitchesEverythingOff(t *testing.T) {
	t.Parallel()
	h := startByHand(t, true, "--for", "30s", "--only", "refill_valve")
	h.says("> ")
	h.types("test refill_valve\n")
	h.eventually("the refill valve", func() bool { return h.level("refill_valve") == 1 })
	_ = h.terminal.Close()
	h.ends(1)
	if got := fmt.Sprint(h.switched()); got != "[refill_valve 1 refill_valve 0]" {
		t.Error(got)
	}
}

func TestAKilledLinesTestIsFinishedByItsGuard(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		h := startByHand(t, false, "--for", "30s", "--only", "priming_valve", "--confirm", "test priming_valve",
			"--set", "gpio.deadman=500ms")
		h.eventually("the priming valve", func() bool { return h.level("priming_valve") == 1 })
		h.eventually("a guard", func() bool { return strings.Contains(h.log.String(), "priming_valve") })
		_ = h.cmd.Process.Signal(signal)
		h.eventually("everything off", func() bool {
			lines := h.lines()
			pulsed := false
			for _, c := range lines {
				pulsed = pulsed || c.Name == "ignition_off" && c.V == 1
			}
			return pulsed && h.level("main_valve") == 0 && h.level("ignition_off") == 0 && h.level("priming_valve") == 0
		})
	}
}

func TestLinesShowsWhatTheRunningProgramHolds(t *testing.T) {
	t.Parallel()
	p := startProcess(t, t.TempDir(), "gpio.board=simulator", "gpio.flow=21", "pump.ignition_off_duration=100ms")
	args := []string{"lines", "--once", "--set", "gpio.board=simulator", "--set", "gpio.flow=21", "--set",
		"journal.dir=" + filepath.Join(p.dir, "data")}
	shown := ""
	p.eventually("the lines", func() bool {
		out, err := exec.Command(binary(t), args...).CombinedOutput()
		shown = string(out)
		return err == nil && strings.Contains(shown, "pump IDLE")
	})
	for _, want := range []string{
		fmt.Sprintf("wildfire-watch runs (process %d), pump IDLE.\n", p.cmd.Process.Pid),
		"\n  main_valve        18  -     out  high    as-is  off       low  wildfire-watch\n",
		"\n  flow              21  -     in   high    as-is  inactive  low  wildfire-watch\n",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
	args = append([]string{"lines", "test", "--confirm", "x"}, args[2:]...)
	out, err := exec.Command(binary(t), args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "It drives the lines, and the test would take them from it. "+
		"Stop it first: sudo systemctl stop wildfire-watch") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestNoProgramStartsOnLinesThatAreTested(t *testing.T) {
	t.Parallel()
	h := startByHand(t, false, "--for", "30s", "--only", "priming_valve", "--confirm", "test priming_valve")
	h.eventually("the priming valve", func() bool { return h.level("priming_valve") == 1 })
	out, err := exec.Command(binary(t), "run", "--set", "journal.dir="+filepath.Join(h.dir, "data"), "--set",
		"gpio.board=simulator", "--set", "cameras.discovery=false", "--set", "broker.listen=127.0.0.1:0", "--set", "http.listen=").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another wildfire-watch is using it") {
		t.Errorf("%v: %s", err, out)
	}
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	start := time.Now()
	h.ends(1)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("SIGTERM took %v", took)
	}
}
