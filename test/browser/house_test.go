//go:build browser

package browser

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	mqtt "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/protocol"
)

// house is the real program on a simulated plant, started as a user starts it.
type house struct {
	t      *testing.T
	dir    string
	sets   []string
	cmd    *exec.Cmd
	exited chan struct{}
	run    struct{ MQTT, HTTP string }

	mu     sync.Mutex
	events []protocol.Event // as MQTT has them
}

// sensed are the sensors of the plant, and durations with which a run passes in half a minute, each step of it
// long enough to be looked at.
var sensed = []string{
	"gpio.reservoir_float=16", "gpio.line_pressure=20", "gpio.flow=21", "gpio.engine_running=12",
	"consensus.growth_hold=1s", "consensus.detection_window=4s", "consensus.cooldown_period=5s",
	"pump.pre_open_delay=2s", "pump.ignition_start_duration=5s", "simulator.catch_after=2s",
	"pump.priming_duration=2s", "pump.pressure_check_delay=2s", "pump.fire_off_delay=7s",
	"pump.max_engine_runtime=60s", "pump.rpm_reduction_lead=2s", "pump.rpm_reduction_duration=2s",
	"pump.ignition_off_duration=2s", "pump.valve_close_delay=2s", "pump.refill_multiplier=1.6",
	"pump.cooldown_duration=2s", "telemetry.health_interval=1s", "telemetry.system_interval=5s",
}

// program is the binary, built once, static as it is shipped.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "wildfire-watch")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// build opens a house on free ports of loopback.
func build(t *testing.T, sets ...string) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "ww-") // short: a socket's path is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := &house{t: t, dir: dir, sets: append([]string{"gpio.board=simulator", "cameras.discovery=false", "site.name=Hillside house",
		"journal.dir=" + filepath.Join(dir, "data"), "gpio.line_log=" + filepath.Join(dir, "lines.jsonl"),
		"broker.listen=127.0.0.1:0", "http.listen=127.0.0.1:0"}, sets...)}
	t.Cleanup(h.end)
	h.start()
	return h
}

// start starts the program, a second time on the ports it had, and waits until it says where it is.
func (h *house) start() {
	h.t.Helper()
	args := []string{"run"}
	for _, set := range h.sets {
		args = append(args, "--set", set)
	}
	if h.run.HTTP != "" {
		_, broker, _ := strings.Cut(h.run.MQTT, "://")
		_, page, _ := strings.Cut(h.run.HTTP, "://")
		args = append(args, "--set", "broker.listen="+broker, "--set", "http.listen="+page)
	}
	h.cmd, h.exited = command(h.t, args...), make(chan struct{})
	log, err := os.OpenFile(h.logPath(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	h.cmd.Stdout, h.cmd.Stderr = log, log
	runs := filepath.Join(h.dir, "data", "run.json")
	_ = os.Remove(runs)
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() { _ = h.cmd.Wait(); close(h.exited) }()
	h.eventually("run.json", func() bool {
		text, err := os.ReadFile(runs)
		return err == nil && json.Unmarshal(text, &h.run) == nil
	})
}

// command is a call of the program.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (h *house) logPath() string { return filepath.Join(h.dir, "log") }

// end stops the program in good order; its log is shown where the test has failed.
func (h *house) end() {
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-h.exited:
	case <-time.After(patience):
		h.kill()
	}
	if h.t.Failed() {
		log, _ := os.ReadFile(h.logPath())
		h.t.Logf("the program's log:\n%s", log)
	}
}

// kill is death without warning.
func (h *house) kill() {
	_ = h.cmd.Process.Kill()
	<-h.exited
}

func (h *house) eventually(what string, done func() bool) {
	h.t.Helper()
	end := time.After(patience)
	for !done() {
		select {
		case <-end:
			h.t.Fatalf("%s: not within %v", what, patience)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// level is the last level of a line, as the board wrote it; −1: none.
func (h *house) level(name string) int {
	text, _ := os.ReadFile(filepath.Join(h.dir, "lines.jsonl"))
	level := -1
	for line := range strings.Lines(string(text)) {
		var is struct {
			Name string
			V    int
		}
		if json.Unmarshal([]byte(line), &is) == nil && is.Name == name {
			level = is.V
		}
	}
	return level
}

// connect is a program on the broker: it hears the events, and may publish.
func (h *house) connect() mqtt.Client {
	h.t.Helper()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(h.run.MQTT).SetClientID("cameras").SetConnectRetry(true))
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		h.t.Fatalf("connect to %s: %v", h.run.MQTT, token.Error())
	}
	h.t.Cleanup(func() { client.Disconnect(10) })
	token := client.Subscribe("system/trigger_telemetry", 1, func(_ mqtt.Client, m mqtt.Message) {
		var e protocol.Event
		if json.Unmarshal(m.Payload(), &e) == nil {
			h.mu.Lock()
			h.events = append(h.events, e)
			h.mu.Unlock()
		}
	})
	if !token.WaitTimeout(patience) || token.Error() != nil {
		h.t.Fatalf("subscribe: %v", token.Error())
	}
	return client
}

// told waits for an event over MQTT.
func (h *house) told(action protocol.Action) (found protocol.Event) {
	h.t.Helper()
	h.eventually("event "+string(action), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		i := slices.IndexFunc(h.events, func(e protocol.Event) bool { return e.Action == action })
		if i >= 0 {
			found = h.events[i]
		}
		return i >= 0
	})
	return found
}

// alive lets cameras say that they are.
func alive(client mqtt.Client, cameras ...string) {
	for _, camera := range cameras {
		client.Publish("system/camera_telemetry", 0, false, fmt.Sprintf(`{"camera_id":%q}`, camera)).Wait()
	}
}

// burn lets cameras see a fire that grows by a tenth a second, four times a second, until put is called.
func burn(t *testing.T, client mqtt.Client, cameras ...string) (put func()) {
	t.Helper()
	out, ended := make(chan struct{}), make(chan struct{})
	put = sync.OnceFunc(func() { close(out); <-ended })
	t.Cleanup(put)
	begun := time.Now()
	go func() {
		defer close(ended)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			side := math.Sqrt(min(0.01*math.Pow(1.1, time.Since(begun).Seconds()), 0.5))
			for _, camera := range cameras {
				client.Publish("fire/detection/"+camera, 0, false, fmt.Sprintf(
					`{"confidence":0.9,"bbox":[0.1,0.1,%.5f,%.5f],"object_id":"f","label":"fire","timestamp":%.3f}`,
					0.1+side, 0.1+side, float64(time.Now().UnixMilli())/1000))
			}
			select {
			case <-tick.C:
			case <-out:
				return
			}
		}
	}()
	return put
}

// visit opens the page of a real house, and waits until it stands still.
func (h *house) visit(s screen) *visit {
	h.t.Helper()
	v := visitor(h.t, s)
	v.do(chromedp.Navigate(h.run.HTTP + "/"))
	v.until(`document.getElementById('pump-code').textContent === 'IDLE' && document.getElementById('alarm-list').innerText.includes('simulated')`)
	return v
}
