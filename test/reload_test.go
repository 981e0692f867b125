package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors/system"
	"wildfire-watch/protocol"
)

// reload gives the running scene other settings, as SIGHUP does.
func (w *scene) reload(sets ...string) protocol.SettingsOutcome {
	w.t.Helper()
	defaults, err := os.ReadFile("../config.toml")
	if err != nil {
		w.t.Fatal(err)
	}
	c, mistakes, err := system.Load(defaults, "", slices.Concat(w.sets, sets))
	if err != nil {
		w.t.Fatal(err)
	}
	if system.Wrong(mistakes) {
		return w.running.Refuse(mistakes, nil)
	}
	o := w.running.Reload(c)
	synctest.Wait()
	return o
}

// agreeing are the cameras that agree now.
func (w *scene) agreeing() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.agrees
}

func outcome(applied, restart []string, refused ...protocol.SettingRefused) protocol.SettingsOutcome {
	return protocol.SettingsOutcome{Applied: append([]string{}, applied...), Restart: append([]string{}, restart...),
		Refused: append([]protocol.SettingRefused{}, refused...), Mistakes: []string{}}
}

// playing plays lines of a scenario before the test goes on.
func playing(t *testing.T, lines []string, test func(w *scene)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newScene(t, dir, "")
		defer w.end()
		for _, line := range lines {
			w.play("reload", line)
		}
		test(w)
	})
}

func (w *scene) has(o, want protocol.SettingsOutcome) {
	w.t.Helper()
	if !reflect.DeepEqual(o, want) {
		w.t.Errorf("outcome %+v, want %+v", o, want)
	}
}

// TestAThresholdLoweredInTheMiddleOfAFireStartsThePumpAtOnce: the votes are there.
func TestAThresholdLoweredInTheMiddleOfAFireStartsThePumpAtOnce(t *testing.T) {
	playing(t, []string{"start", "fire north grows", "wait 40s"}, func(w *scene) {
		shown := 0
		w.mu.Lock()
		w.heard = func(msg any) {
			if m, ok := msg.(protocol.SettingsChanged); ok {
				shown = m.Threshold
			}
		}
		w.mu.Unlock()
		if w.pumpState() != "IDLE" {
			t.Fatalf("one of two cameras has started the pump: %s", w.pumpState())
		}
		w.has(w.reload("consensus.threshold=1"), outcome([]string{"consensus.threshold"}, nil))
		state := w.pumpState()
		w.mu.Lock()
		defer w.mu.Unlock()
		if state != "PRIMING" || shown != 1 || !slices.Contains(w.events, string(protocol.SettingsReloaded)) {
			t.Errorf("%s after the change, threshold %d; events %q", state, shown, w.events)
		}
	})
}

// TestAWindowShortenedAndWidenedInTheMiddleOfAFireLosesNoVote, and a raised threshold takes no water.
func TestAWindowShortenedAndWidenedInTheMiddleOfAFireLosesNoVote(t *testing.T) {
	playing(t, []string{"start", "fire north east grows", "until RUNNING 2m"}, func(w *scene) {
		both := []string{"east", "north"}
		for _, window := range []string{"12s", "90s", "30s"} {
			w.reload("consensus.detection_window=" + window)
			if got := w.agreeing(); !slices.Equal(got, both) {
				t.Errorf("window %s: %q agree", window, got)
			}
			w.pass(3 * time.Second)
			if got := w.agreeing(); !slices.Equal(got, both) {
				t.Errorf("window %s, a moment later: %q agree", window, got)
			}
		}
		w.reload("consensus.threshold=3", "consensus.area_increase_ratio=4.9")
		w.pass(time.Second)
		if w.pumpState() != "RUNNING" {
			t.Errorf("stricter settings have taken the water away: %s", w.pumpState())
		}
	})
}

// TestACooldownIsShortenedWhileItIsOn: the second trigger comes by the new one.
func TestACooldownIsShortenedWhileItIsOn(t *testing.T) {
	playing(t, []string{"start", "fire north east grows", "until RUNNING 2m"}, func(w *scene) {
		confirmed := func() int { return strings.Count(w.traceText(), "fire   confirmed") }
		w.pass(60 * time.Second)
		if n := confirmed(); n != 1 {
			t.Fatalf("%d triggers before", n)
		}
		w.reload("consensus.cooldown_period=30s")
		if n := confirmed(); n != 2 {
			t.Errorf("%d triggers after", n)
		}
	})
}

// TestAlarmsAreJudgedByTheirNewLimits.
func TestAlarmsAreJudgedByTheirNewLimits(t *testing.T) {
	playing(t, []string{"start"}, func(w *scene) {
		var hot bool
		w.mu.Lock()
		w.heard = func(msg any) {
			if m, ok := msg.(protocol.AlarmsStanding); ok {
				hot = slices.ContainsFunc(m.Alarms, func(s protocol.Standing) bool { return s.Code == protocol.AlarmHot })
			}
		}
		w.mu.Unlock()
		degrees := 60.0
		for _, c := range []struct {
			limit string
			hot   bool
		}{{"80", false}, {"60", true}, {"70", false}} {
			w.reload("alarms.temperature=" + c.limit)
			w.running.Publish(protocol.MachineSample{MachineView: protocol.MachineView{Temperature: &degrees}})
			w.pass(20 * time.Second)
			w.mu.Lock()
			if hot != c.hot {
				t.Errorf("60 °C with a limit of %s: alarm %v", c.limit, hot)
			}
			w.mu.Unlock()
		}
	})
}

// TestThePumpTakesItsSettingsInIdleAlone: while it runs they are refused and everything else is taken.
func TestThePumpTakesItsSettingsInIdleAlone(t *testing.T) {
	change := []string{"pump.ignition_start_duration=20s", "pump.max_engine_runtime=2h", "gpio.verify_timeout=9s",
		"consensus.growth_hold=3s", "telemetry.health_interval=30m", "http.listen=127.0.0.1:9", "log.level=debug"}
	once := []string{"consensus.growth_hold", "log.level", "telemetry.health_interval"}
	pump := []string{"gpio.verify_timeout", "pump.ignition_start_duration", "pump.max_engine_runtime"}
	playing(t, []string{"set pump.refill_multiplier=0 gpio.engine_running=5 simulator.never_catch=true", "start", "trigger", "until PRIMING 1m"}, func(w *scene) {
		var refused []protocol.SettingRefused
		for _, key := range pump {
			refused = append(refused, protocol.SettingRefused{Key: key, Reason: "the pump is in PRIMING, not in IDLE"})
		}
		w.has(w.reload(change...), outcome(once, []string{"http.listen"}, refused...))
		if c := w.running.Config(); c.Pump.IgnitionStart != 5*time.Second || c.Growth.Hold != 3*time.Second {
			t.Errorf("what counts: %+v, %+v", c.Pump, c.Growth)
		}
		if got := w.cranks(12 * time.Second); got != 5*time.Second {
			t.Errorf("a crank lasts %v", got)
		}
		w.play("reload", "command stop")
		w.play("reload", "command reset")
		w.play("reload", "until IDLE 4h")
		w.has(w.reload(change...), outcome(pump, []string{"http.listen"}))
		w.play("reload", "trigger")
		if got := w.cranks(30 * time.Second); got != 20*time.Second {
			t.Errorf("after the change a crank lasts %v", got)
		}
		if code := w.exit.Load(); code != 0 {
			t.Errorf("who watches over the pump ended the process: %d", code)
		}
	})
}

// cranks lets time pass and says how long the starter was on.
func (w *scene) cranks(limit time.Duration) (on time.Duration) {
	for end := time.Now().Add(limit); time.Now().Before(end); w.pass(100 * time.Millisecond) {
		w.mu.Lock()
		on += time.Duration(bit(w.lines.Has(protocol.IgnitionStart))) * 100 * time.Millisecond
		w.mu.Unlock()
	}
	return on
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestSettingsWithMistakesChangeNothing, and the event names keys and never a value.
func TestSettingsWithMistakesChangeNothing(t *testing.T) {
	playing(t, []string{"start"}, func(w *scene) {
		var told protocol.Event
		w.mu.Lock()
		w.heard = func(msg any) {
			if e, ok := msg.(protocol.Event); ok && e.Action == protocol.SettingsRefused {
				told = e
			}
		}
		w.mu.Unlock()
		before := w.running.Config()
		o := w.reload("consensus.threshold=99", "consensus.labels=rain", "mqtt.client_id=hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2")
		synctest.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		want := []string{"--set mqtt.client_id must be 1 to 64 characters", "--set consensus.threshold must be 1 to 10"}
		if !slices.Equal(o.Mistakes, want) || len(o.Applied)+len(o.Restart)+len(o.Refused) > 0 {
			t.Errorf("%+v", o)
		}
		if told.Reason != strings.Join(want, "; ") || strings.Contains(fmt.Sprint(told), "hunter2") {
			t.Errorf("the event: %+v", told)
		}
		if !reflect.DeepEqual(before, w.running.Config()) {
			t.Error("settings have changed")
		}
	})
}

func TestAReloadInTheMiddleOfAStopWaitsForNobody(t *testing.T) {
	playing(t, []string{"start", "trigger", "until RUNNING 1m", "command stop"}, func(w *scene) {
		begun := time.Now()
		o := w.reload("pump.crank_rest=30s", "consensus.threshold=4")
		if len(o.Refused) != 1 || o.Refused[0].Reason != "the pump is in STOPPING, not in IDLE" || !slices.Equal(o.Applied, []string{"consensus.threshold"}) {
			t.Errorf("%+v", o)
		}
		if took := time.Since(begun); took > 10*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// settingsEvents are the events on settings that the broker carries, with their details.
func settingsEvents(l *listener) (all []protocol.Event) {
	for _, h := range l.on("system/trigger_telemetry") {
		var e protocol.Event
		if json.Unmarshal([]byte(h.payload), &e) == nil && strings.HasPrefix(string(e.Action), "settings_") {
			all = append(all, e)
		}
	}
	return all
}

// startOn starts the program on a file of settings of its own, which write writes anew.
func startOn(t *testing.T, text string) (p *process, write func(text string)) {
	t.Helper()
	dir := t.TempDir()
	home := filepath.Join(dir, "home.toml")
	write = func(text string) {
		t.Helper()
		if err := os.WriteFile(home, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	return startProcessWith(t, dir, []string{"--config", home}, fast...), write
}

// TestBinaryReadsItsSettingsAnewAtSIGHUP: the real program, its file changed under it.
func TestBinaryReadsItsSettingsAnewAtSIGHUP(t *testing.T) {
	t.Parallel()
	p, write := startOn(t, "[consensus]\nthreshold = 2\n")
	l := listen(t, p.run.MQTT, "system/#")
	p.connected(l)
	told := func(n int) protocol.Event {
		t.Helper()
		p.eventually(fmt.Sprintf("%d events on settings", n), func() bool { return len(settingsEvents(l)) >= n })
		return settingsEvents(l)[n-1]
	}
	write("[consensus]\nthreshold = 77\n[gpio]\nflow = 9\n")
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	if e := told(1); e.Action != protocol.SettingsRefused || !strings.Contains(e.Reason, "home.toml:2: consensus.threshold must be 1 to 10") {
		t.Errorf("%+v", e)
	}
	write("[consensus]\nthreshold = 1\n[gpio]\nflow = 9\n[log]\ntelemetry = \"error\"\n[pump]\ncrank_rest = \"3s\"\n")
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	want := map[string]any{"keys": []any{"consensus.threshold", "log.telemetry", "pump.crank_rest"}, "restart": []any{"gpio.flow"}, "refused": []any{}}
	if e := told(2); e.Action != protocol.SettingsReloaded || !reflect.DeepEqual(e.Details, want) {
		t.Errorf("%+v, want %+v", e.Details, want)
	}
	l.burn([]string{"north"}, 20*time.Second, func() bool { return p.level("ignition_on") == 1 })
	if p.level("ignition_on") != 1 {
		t.Errorf("one camera does not start the pump\n%s", p.log)
	}
	if log := p.log.String(); !strings.Contains(log, "INFO telemetry controller_started") || strings.Contains(log, "INFO telemetry pump_sequence_start") {
		t.Errorf("log.telemetry was not taken up\n%s", log)
	}
	// The command checks first, and then tells the program; over the socket, and says what came of it.
	out, err := reloadBy(p)
	if err != nil || !strings.Contains(out, "Waiting for a restart:\n  gpio.flow\n") {
		t.Errorf("reload: %v, %s", err, out)
	}
	told(3)
	write("[consensus]\nthreshold = 99\n")
	if out, err := reloadBy(p); err == nil || !strings.Contains(out, "consensus.threshold = 99:") {
		t.Errorf("reload of a file with a mistake: %v, %s", err, out)
	}
	if code, _ := p.stop(); code != 0 || len(settingsEvents(l)) != 3 {
		t.Errorf("exit code %d, %d events on settings\n%s", code, len(settingsEvents(l)), p.log)
	}
}

// reloadBy has a program that was started on a file take it up anew, as a person would.
func reloadBy(p *process) (string, error) {
	var out bytes.Buffer
	cmd := exec.Command(p.cmd.Path, "reload", "--config", filepath.Join(p.dir, "home.toml"), "--set", "gpio.board=simulator", "--set", "journal.dir="+filepath.Join(p.dir, "data"))
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}
