package test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// pageStatus is what /api/status answers, as far as these tests look at it.
type pageStatus struct {
	State    string           `json:"state"`
	Boots    int              `json:"boots"`
	LastStop string           `json:"last_stop"`
	SafeMode bool             `json:"safe_mode"`
	Alarms   []protocol.Alarm `json:"alarms"`
}

func (s pageStatus) alarms() (codes []string) {
	for _, a := range s.Alarms {
		codes = append(codes, a.Code)
	}
	return codes
}

// status asks the page; zero if it does not answer.
func (p *process) status() (s pageStatus) {
	r, err := http.Get(p.run.HTTP + "/api/status")
	if err != nil {
		return pageStatus{}
	}
	defer r.Body.Close()
	if json.NewDecoder(r.Body).Decode(&s) != nil {
		return pageStatus{}
	}
	return s
}

// health is the newest retained health of gpio_trigger.
type triggerHealth struct {
	Healthy  bool   `json:"healthy"`
	Boots    int    `json:"boots"`
	LastStop string `json:"last_stop"`
	Failed   int    `json:"failed_starts"`
	SafeMode bool   `json:"safe_mode"`
	Faults   []struct{ Code, Text string }
}

func (l *listener) health(service string) (h triggerHealth) {
	if all := l.on("system/" + service + "/health"); len(all) > 0 {
		_ = json.Unmarshal([]byte(all[len(all)-1].payload), &h)
	}
	return h
}

// reason is the reason of the newest event of that kind; empty if there was none.
func (l *listener) reason(action string) (reason string) {
	for _, h := range l.on("system/trigger_telemetry") {
		var e struct{ Action, Reason string }
		if json.Unmarshal([]byte(h.payload), &e) == nil && e.Action == action {
			reason = e.Reason
		}
	}
	return reason
}

// loop starts the program and kills it, so many times.
func loop(t *testing.T, dir string, times int, sets []string) {
	t.Helper()
	for range times {
		startProcess(t, dir, sets...).kill()
	}
}

// TestABootLoopLeadsToSafeModeInWhichAPersonDecides: after three starts that were killed nothing
// starts by itself; the emergency button does, and a stop stops. A restart in good order ends it.
func TestABootLoopLeadsToSafeModeInWhichAPersonDecides(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inputs := filepath.Join(dir, "inputs.json")
	press := func(level string) {
		if err := os.WriteFile(inputs, []byte(`{"16": `+level+`}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	press("0")
	sets := append(slices.Clone(fast), "journal.safe_mode_after=3", "journal.safe_mode_rest=1h", "gpio.emergency_button=16",
		"gpio.debounce=10ms", "gpio.simulator_inputs="+inputs, "pump.refill_multiplier=0")
	loop(t, dir, 3, sets)

	p := startProcess(t, dir, sets...)
	l := listen(t, p.run.MQTT, "system/#")
	p.connected(l)
	p.eventually("a status", func() bool { return p.status().Boots == 4 })
	if s := p.status(); !s.SafeMode || s.LastStop != "crash" || !slices.Contains(s.alarms(), "safe_mode") {
		t.Errorf("the page says %+v", s)
	}
	for _, service := range []string{"gpio_trigger", "fire_consensus", "camera_detector"} {
		p.eventually("a fault of "+service, func() bool { return len(l.health(service).Faults) > 0 })
		h := l.health(service)
		if h.Healthy || len(h.Faults) == 0 || !strings.Contains(h.Faults[0].Text,
			"safe mode: 3 starts in a row failed, last stop: crash") {
			t.Errorf("%s says %+v", service, h)
		}
	}
	p.eventually("rest after the stop pulse", func() bool { return p.status().State == "IDLE" })

	l.publish("fire/trigger", 2, `{"action":"trigger"}`)
	p.eventually("a refusal", func() bool { return l.reason("trigger_refused") == "safe_mode" })
	l.burn([]string{"north", "east"}, 1500*time.Millisecond, func() bool { return p.level("main_valve") == 1 })
	if p.level("main_valve") != 0 || p.status().State != "IDLE" {
		t.Fatalf("fire started the pump in safe mode: %v\n%s", p.lines(), p.log)
	}

	press("1")
	p.eventually("the engine, by the button", func() bool { return p.level("ignition_on") == 1 })
	l.publish("fire/emergency", 1, "stop")
	p.eventually("the engine off", func() bool { return p.level("ignition_on") == 0 && p.status().State == "IDLE" })
	press("0")
	l.publish("fire/emergency", 1, "reset")
	p.eventually("the reset", func() bool { return slices.Contains(l.actions(), "emergency_reset") })
	l.publish("fire/emergency", 1, "start")
	p.eventually("the engine, by command", func() bool { return p.level("ignition_on") == 1 })
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}

	p = startProcess(t, dir, sets...)
	l = listen(t, p.run.MQTT, "system/#")
	p.connected(l)
	p.eventually("a normal house", func() bool {
		s := p.status()
		return s.Boots == 5 && !s.SafeMode && s.LastStop == "signal"
	})
	p.eventually("rest after the stop pulse", func() bool { return p.status().State == "IDLE" })
	l.burn([]string{"north", "east"}, 15*time.Second, func() bool { return p.level("ignition_on") == 1 })
	if p.level("ignition_on") != 1 {
		t.Errorf("the normal house does not run for a fire\n%s", p.log)
	}
}

// TestSafeModeTriesANormalStartByItself: the same process becomes a fresh one; if that dies too, it is
// safe mode again at once.
func TestSafeModeTriesANormalStartByItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sets := append(slices.Clone(fast), "journal.safe_mode_after=2", "journal.safe_mode_rest=700ms", "http.listen=127.0.0.1:0")
	loop(t, dir, 2, sets)
	p := startProcess(t, dir, sets...)
	pid := p.cmd.Process.Pid
	score := func() string {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
		return string(text)
	}
	before := score()
	anew := func() bool { // the fresh process has other ports
		text, err := os.ReadFile(filepath.Join(dir, "data", "run.json"))
		return err == nil && json.Unmarshal(text, &p.run) == nil && p.status().Boots == 4
	}
	p.eventually("a normal start", anew)
	if s := p.status(); s.SafeMode || s.LastStop != protocol.StopSafeModeOver || p.cmd.Process.Pid != pid {
		t.Errorf("%+v", s)
	}
	if score() != before || before == "" {
		t.Errorf("oom_score_adj was %q and is %q", before, score())
	}
	p.kill()
	p = startProcess(t, dir, sets...)
	p.eventually("safe mode again", func() bool { s := p.status(); return s.Boots == 5 && s.SafeMode })
}

// TestASignalDuringAFreshStartEndsTheProgram: it comes while the process that is to start anew still
// gives its stop pulse; the fresh one would not know of it.
func TestASignalDuringAFreshStartEndsTheProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sets := append(slices.Clone(fast), "journal.safe_mode_after=2", "journal.safe_mode_rest=700ms")
	loop(t, dir, 2, sets)
	p := startProcess(t, dir, sets...)
	p.eventually("the end of safe mode", func() bool { return strings.Contains(p.log.String(), "starting anew") })
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
	if n := strings.Count(p.log.String(), " ready "); n != 1 {
		t.Errorf("it was ready %d times\n%s", n, p.log)
	}
}

// TestAStartThatLivesHasNotFailed: signs of life over journal.good_after, and it is counted anew.
func TestAStartThatLivesHasNotFailed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sets := append(slices.Clone(fast), "journal.safe_mode_after=2", "journal.good_after=100ms")
	loop(t, dir, 1, append(sets, "journal.good_after=1h"))
	p := startProcess(t, dir, sets...)
	l := listen(t, p.run.MQTT, "system/#")
	p.connected(l)
	p.eventually("one failed", func() bool { return l.health("gpio_trigger").Failed == 1 })
	p.eventually("three reports more", func() bool { return len(l.on("system/gpio_trigger/health")) > 3 }) // a second each
	p.kill()
	p = startProcess(t, dir, sets...)
	l = listen(t, p.run.MQTT, "system/#")
	p.connected(l)
	p.eventually("a report", func() bool { return l.health("gpio_trigger").Boots == 3 })
	if h := l.health("gpio_trigger"); h.Failed != 0 || h.SafeMode || h.LastStop != "crash" {
		t.Errorf("%+v", h)
	}
}

// TestSafeModeNeedsNoBroker: a port that somebody else has taken ends a normal start; in safe mode
// buttons and page work without.
func TestSafeModeNeedsNoBroker(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	inputs := filepath.Join(dir, "inputs.json")
	sets := append(slices.Clone(fast), "journal.safe_mode_after=2", "journal.safe_mode_rest=1h", "gpio.emergency_button=16",
		"gpio.debounce=10ms", "gpio.simulator_inputs="+inputs)
	loop(t, dir, 1, sets)
	sets = append(sets, "broker.listen="+taken.Addr().String())
	p := launch(t, dir, sets...)
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != 1 {
		t.Fatalf("a normal start without its port: exit code %d\n%s", code, p.log)
	}
	p = startProcess(t, dir, sets...)
	p.eventually("safe mode", func() bool { s := p.status(); return s.SafeMode && s.State == "IDLE" })
	if err := os.WriteFile(inputs, []byte(`{"16": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p.eventually("the engine, by the button", func() bool { return p.level("ignition_on") == 1 })
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
}

// TestWhatSystemdSawOfTheEndIsToldByTheNextStart: ExecStopPost is told, and keeps it.
func TestWhatSystemdSawOfTheEndIsToldByTheNextStart(t *testing.T) {
	t.Parallel()
	for result, want := range map[string]string{"watchdog": "hung: systemd's watchdog killed it",
		"oom-kill": "crash: killed for want of memory", "success": "crash"} {
		dir := t.TempDir()
		p := startProcess(t, dir, fast...)
		p.kill()
		args := append([]string{"safe"}, p.cmd.Args[2:]...)
		safe := exec.Command(binary(t), args...)
		safe.Env = append(os.Environ(), "SERVICE_RESULT="+result, "EXIT_CODE=killed", "EXIT_STATUS=ABRT")
		if out, err := safe.CombinedOutput(); err != nil {
			t.Errorf("safe: %v\n%s", err, out)
		}
		p = startProcess(t, dir, fast...)
		p.eventually("the cause "+want, func() bool { return p.status().LastStop == want })
		p.kill()
	}
}
