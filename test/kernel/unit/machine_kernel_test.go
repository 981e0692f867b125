//go:build kernel

package unit

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/hardware"
	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

const (
	config = "/etc/wildfire-watch/config.toml"
	cgroup = "/sys/fs/cgroup/system.slice/wildfire-watch.service"
	// patience is how long anything that must happen may take on a busy machine.
	patience = 60 * time.Second
)

// machine is the guest with its systemd, the service and the relays.
type machine struct {
	t    *testing.T
	chip *gpiosim.Chip
	w    *appliance.Wires
	mqtt mqtt.Client
}

// run runs a line of shell that must succeed.
func (m *machine) run(line string) string {
	m.t.Helper()
	out, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s\n%s", line, err, out, m.journal())
	}
	return strings.TrimSpace(string(out))
}

// wants runs a line, whatever its status, and says if it does not print this.
func (m *machine) wants(line, wanted string) {
	m.t.Helper()
	out, _ := exec.Command("sh", "-c", line).CombinedOutput()
	if got := strings.TrimSpace(string(out)); got != wanted {
		m.t.Errorf("%s: prints %q, want %q", line, got, wanted)
	}
}

// said counts the service's log lines with a text in them, ExecStopPost's and systemd's included.
func (m *machine) said(text string) int {
	return strings.Count(m.journal(), text)
}

func (m *machine) journal() string {
	out, _ := exec.Command("journalctl", "-u", "wildfire-watch", "-o", "short-monotonic",
		"--no-pager").CombinedOutput()
	return "journal:\n" + string(out)
}

// shows is the service as systemd sees it.
type shows struct {
	main                 int
	state, result        string
	restarts             int
	started, ready, left time.Duration // gpiosim.Now: of the main process, its READY, the end of the last one
}

func (m *machine) shows() (s shows) {
	m.t.Helper()
	out := m.run("systemctl show wildfire-watch -p MainPID,ActiveState,Result,NRestarts," +
		"ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic,ExecMainExitTimestampMonotonic")
	number := func(text string) int { n, _ := strconv.Atoi(text); return n }
	at := func(text string) time.Duration { return time.Duration(number(text)) * time.Microsecond }
	for _, line := range strings.Split(out, "\n") {
		switch key, value, _ := strings.Cut(line, "="); key {
		case "MainPID":
			s.main = number(value)
		case "ActiveState":
			s.state = value
		case "Result":
			s.result = value
		case "NRestarts":
			s.restarts = number(value)
		case "ExecMainStartTimestampMonotonic":
			s.started = at(value)
		case "ActiveEnterTimestampMonotonic":
			s.ready = at(value)
		case "ExecMainExitTimestampMonotonic":
			s.left = at(value)
		}
	}
	return s
}

// processes are those of the service.
func (m *machine) processes() (pids []int) {
	text, _ := os.ReadFile(cgroup + "/cgroup.procs")
	for _, field := range strings.Fields(string(text)) {
		pid, _ := strconv.Atoi(field)
		pids = append(pids, pid)
	}
	return pids
}

// guard is the process beside the main one.
func (m *machine) guard(main int) int {
	m.t.Helper()
	pids := slices.DeleteFunc(m.processes(), func(pid int) bool { return pid == main })
	if len(pids) != 1 {
		m.t.Fatalf("besides process %d there are %v\n%s", main, pids, m.journal())
	}
	return pids[0]
}

// await asks until done, at most for limit, and leaves the only processor to the others in between.
func (m *machine) await(limit time.Duration, what string, done func() bool) {
	m.t.Helper()
	for end := time.Now().Add(limit); !done(); {
		if time.Now().After(end) {
			m.t.Fatalf("waited %v for %s in vain\n%s", limit, what, m.journal())
		}
		<-time.After(200 * time.Millisecond)
	}
}

// page is what /api/status says, as far as it is looked at.
type page struct {
	State    string `json:"state"`
	SafeMode bool   `json:"safe_mode"`
	LastStop string `json:"last_stop"`
}

func (m *machine) page() (p page) {
	client := http.Client{Timeout: 2 * time.Second}
	r, err := client.Get("http://127.0.0.1:8080/api/status")
	if err != nil {
		return page{}
	}
	defer r.Body.Close()
	if json.NewDecoder(r.Body).Decode(&p) != nil {
		return page{}
	}
	return p
}

// publish sends a message, if the broker can be had.
func (m *machine) publish(topic, payload string) {
	if m.mqtt == nil || !m.mqtt.IsConnectionOpen() {
		c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://127.0.0.1:1883").SetClientID(
			fmt.Sprintf("suite-%d", gpiosim.Now())).SetAutoReconnect(false))
		if token := c.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			return
		}
		m.mqtt = c
	}
	m.mqtt.Publish(topic, 1, false, payload).WaitTimeout(5 * time.Second)
}

// burns is a fire that grows, as two cameras see it, until the engine runs.
func (m *machine) burns() {
	m.t.Helper()
	begun := time.Now()
	m.await(patience, "RUNNING", func() bool {
		side := math.Sqrt(min(0.01*math.Pow(1.5, time.Since(begun).Seconds()), 0.5))
		for _, camera := range []string{"north", "east"} {
			m.publish("fire/detection/"+camera, fmt.Sprintf(
				`{"confidence":0.9,"bbox":[0.1,0.1,%.5f,%.5f],"object_id":"f","label":"fire"}`,
				0.1+side, 0.1+side))
		}
		return m.page().State == "RUNNING"
	})
}

// runs waits for the engine to run, and triggers it if it rests.
func (m *machine) runs() {
	m.t.Helper()
	m.await(patience, "RUNNING", func() bool {
		state := m.page().State
		if state == "IDLE" {
			m.publish("fire/trigger", `{"action":"trigger"}`)
		}
		return state == "RUNNING"
	})
}

// stopped holds what the relays did in a time against SPEC P6: the engine goes off and stays off; from
// the first stop pulse on nothing but the main valve and ignition off is on; each pulse has its full time
// with the main valve open; in the end everything is off. It returns when the engine was off. (Who takes
// lines sets them one by one, within microseconds.)
func (m *machine) stopped(from, to time.Duration) (off time.Duration) {
	m.t.Helper()
	const engine = hardware.Outputs(1<<hardware.IgnitionStart | 1<<hardware.IgnitionOn)
	const pulsing = hardware.Outputs(1<<hardware.MainValve | 1<<hardware.IgnitionOff)
	var text []string
	var last hardware.Outputs
	begun := false
	for _, s := range m.w.Steps() {
		if s.At < from || s.At >= to {
			continue
		}
		text = append(text, s.String())
		last = s.On
		begun = begun || s.On == pulsing
		switch {
		case off == 0 && s.On&engine == 0:
			off = s.At
		case off != 0 && s.On&engine != 0, begun && s.On&^pulsing != 0:
			m.t.Errorf("%07b is on: %v", s.On, s)
		}
	}
	pulses := 0
	for _, p := range m.w.Pulses() {
		if p.From < from || p.From >= to {
			continue
		}
		pulses++
		if p.To == 0 || p.To >= to || p.To-p.From < appliance.StopPulse-appliance.Jitter || !p.Watered {
			m.t.Errorf("a stop pulse of %v: %+v", p.To-p.From, p)
		}
	}
	if off == 0 || pulses == 0 || last != 0 || m.t.Failed() {
		m.t.Errorf("engine off at %.6f, %d pulses, at the end %07b is on; from %.6f to %.6f the relays did\n\t%s",
			off.Seconds(), pulses, last, from.Seconds(), to.Seconds(), strings.Join(text, "\n\t"))
	}
	return off
}

// requested is when each of the relays' lines became an output after an instant, and whether all of
// them were low then.
func requested(h *gpiosim.History, since time.Duration) (at time.Duration, lines int, low bool) {
	low = true
	for _, e := range h.Events() {
		if e.What == gpiosim.Out && e.At >= since && slices.Contains(appliance.Lines[:], e.Line) {
			at, lines, low = e.At, lines+1, low && !e.High
		}
	}
	return at, lines, low
}
