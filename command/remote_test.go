package command

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// golden compares a text with the file of that name: go test ./command -rewrite writes it anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s is not what is said (%v): go test ./command -rewrite, then read the diff\n%s", path, err, got)
	}
}

// far is a made-up program at a socket.
type far struct {
	t      *testing.T
	socket string

	mu       sync.Mutex
	overview protocol.Overview
	outcome  string // of commands: a JSON object
	status   int    // of commands
	events   []protocol.Event
	asked    []string // method, path and body of each request
	changed  chan struct{}
	reload   string // the answer of /api/reload; empty: 404
	server   *httptest.Server
}

func newFar(t *testing.T, o protocol.Overview) *far {
	t.Helper()
	f := &far{t: t, socket: filepath.Join(t.TempDir(), socketName), overview: o, status: 200,
		outcome: `{"outcome":"accepted"}`, changed: make(chan struct{})}
	f.start()
	t.Cleanup(f.end)
	return f
}

func (f *far) start() {
	l, err := net.Listen("unix", f.socket)
	if err != nil {
		f.t.Fatal(err)
	}
	f.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: f}}
	f.server.Start()
}

func (f *far) end() {
	f.server.CloseClientConnections()
	f.server.Close()
}

func (f *far) set(change func(o *protocol.Overview)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.overview)
	f.overview.Number++
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body strings.Builder
	_, _ = fmt.Fprintf(&body, "%s %s ", r.Method, r.URL)
	var sent map[string]any
	if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&sent) == nil {
		text, _ := json.Marshal(sent)
		body.Write(text)
	}
	f.mu.Lock()
	f.asked = append(f.asked, strings.TrimSpace(body.String()))
	overview, events, outcome, status, reload := f.overview, f.events, f.outcome, f.status, f.reload
	f.mu.Unlock()
	switch r.URL.Path {
	case "/api/overview":
		_ = json.NewEncoder(w).Encode(overview)
	case "/api/stream":
		f.stream(w, r)
	case "/api/events":
		after := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("after"), &after)
		page := eventPage{Events: []protocol.Event{}, Last: uint64(after)}
		for _, e := range events {
			if e.Seq > uint64(after) {
				page.Events, page.Last = append(page.Events, e), e.Seq
			}
		}
		_ = json.NewEncoder(w).Encode(page)
	case "/api/commands":
		w.WriteHeader(status)
		_, _ = w.Write([]byte(outcome))
	case "/api/alarms/acknowledge":
	case "/api/reload":
		if reload == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(reload))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (f *far) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		f.mu.Lock()
		text, _ := json.Marshal(f.overview)
		changed := f.changed
		f.mu.Unlock()
		fmt.Fprintf(w, ": hello\nevent: overview\nid: 1\ndata: %s\n\nevent: other\ndata: {}\n\n", text)
		w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// requests are what was asked, and forgets it.
func (f *far) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.asked
	f.asked = nil
	return all
}

func number(v float64) *float64 { return &v }

// noon is when the made-up programs say what they say.
var noon = float64(time.Date(2026, 7, 14, 12, 0, 0, 0, time.UTC).Unix())

// quiet is a program that waits for a fire.
func quiet() protocol.Overview {
	yes := true
	return protocol.Overview{At: noon, Number: 7, Site: "ridge house", Host: "pump", Version: "v1.0.0", Boot: "b1",
		Uptime: 7384, Ready: protocol.Readiness{Ready: true},
		Lines: protocol.LinesView{Board: "gpiochip0 [pinctrl-bcm2711]", Available: true,
			Inputs: map[string]string{"flow": "inactive", "stop_button": "inactive"}},
		Cameras: []protocol.CameraLine{
			{Name: "east", Title: "Gate", MAC: "02:00:00:00:00:01", IP: "10.0.0.11", Online: true, Healthy: true, Found: true, LastHeard: noon - 2},
			{Name: "north", Online: true, LastHeard: noon - 31}},
		Consensus: protocol.FireView{Threshold: 2, Online: 2},
		Services: []protocol.LinkView{{Name: protocol.CameraDetector, Connected: true}, {Name: protocol.FireConsensus, Connected: true},
			{Name: protocol.GPIOTrigger, Connected: true}, {Name: protocol.Telemetry, Connected: true}},
		NVR: protocol.NVRView{Seen: true, Running: true, Version: "0.15.1", Cameras: 2, Heard: noon},
		Machine: protocol.MachineView{CPU: number(12.4), Memory: number(40), Disk: number(31), Temperature: number(52.3),
			ClockSynced: &yes},
		Discovery: protocol.FoundView{Enabled: true, Steady: true, Known: 1, LastScan: noon - 640}}
}

// fire is a program that pumps, with trouble beside it.
func fire() protocol.Overview {
	o := quiet()
	no := false
	o.Pump = protocol.SystemState{State: protocol.Running, EngineOn: true, MainValve: true, RefillValve: true,
		CurrentRuntime: 300, RuntimeLeft: 1500, NextDeadline: 905, Why: "trigger by consensus"}
	o.Consensus = protocol.FireView{Threshold: 2, Online: 2, Agreeing: []string{"east", "north"}, Since: noon - 312,
		Cooldown: noon + 12, Triggers: 2, Accepted: 1, Last: noon - 288}
	o.Cameras[0].Growing, o.Cameras[1].Steady = true, true
	o.Cameras = append(o.Cameras, protocol.CameraLine{Name: "west", Found: true, LastHeard: noon - 4000, Problem: "the stream is frozen",
		IP: "10.0.0.12"}, protocol.CameraLine{Name: "yard\x1b[2J"})
	o.Ready = protocol.Readiness{Why: []string{"the broker is away: detections of cameras cannot arrive, so that a fire would not be " +
		"noticed before it is back", "1 camera online of 2 needed"}}
	o.Alarms = []protocol.Standing{
		{Code: "engine_will_not_stop", Severity: protocol.SeverityAlarm, Title: "The engine does not stop",
			Text: "engine_running is active after 3 stop pulses", Do: "Stop the engine by its own switch.", Active: true,
			First: true, Since: noon - 61, Clears: "when engine_running is inactive"},
		{Code: "camera_offline", Subject: "west", Severity: protocol.SeverityTrouble, Title: "A camera is offline",
			Since: noon - 4000, Acknowledged: "page: anna"}}
	o.Services[1].Connected, o.Services[1].Reason = false, "connection refused"
	o.NVR.Running = false
	o.Machine.ClockSynced = &no
	o.Lines.Simulated = true
	o.Lines.Outputs = []protocol.OutputView{{Name: "priming_valve", On: true, Failed: true}}
	o.Discovery = protocol.FoundView{}
	return o
}

// locked is a program after a stop, in safe mode, without anything else to tell.
func locked() protocol.Overview {
	return protocol.Overview{At: noon, Site: "ridge house", Start: protocol.StartView{SafeMode: true},
		Ready: protocol.Readiness{Why: []string{"a stop is held"}},
		Pump: protocol.SystemState{State: protocol.Refilling, RefillValve: true, LockoutSeconds: 1180, StopHeld: true,
			NextDeadline: 1180, Remembered: true}}
}

// street is a program with many cameras.
func street() protocol.Overview {
	o := quiet()
	o.Cameras = nil
	for i := range 200 {
		o.Cameras = append(o.Cameras, protocol.CameraLine{Name: fmt.Sprintf("cam-%03d", i), Online: i%10 != 3, LastHeard: noon - float64(i),
			Growing: i == 77})
	}
	return o
}

func TestTheTextsOfOneScreen(t *testing.T) {
	for name, o := range map[string]protocol.Overview{"quiet": quiet(), "fire": fire(), "locked": locked(), "street": street(),
		"nothing": {}} {
		v := statusView{Overview: o, now: o.At, zone: time.UTC}
		golden(t, "status-"+name, v.text())
		golden(t, "cameras-"+name, v.cameraTable())
		golden(t, "alarms-"+name, v.alarmList())
		if text := v.text(); strings.Contains(text, "\x1b") || strings.Count(text, "\n") > 45 {
			t.Errorf("%s: a control character, or more than a screen:\n%s", name, text)
		}
		if painted := (paint{true}).text(v.text()); !strings.Contains(painted, "\x1b[") || unpainted(painted) != v.text() {
			t.Errorf("%s: colours are not only colours: %q", name, painted)
		}
		if line := v.headline(); strings.Contains(line, "\n") {
			t.Errorf("%s: headline %q", name, line)
		}
	}
	old := statusView{Overview: quiet(), now: noon + 90, zone: time.UTC, trouble: "the connection was closed"}
	golden(t, "status-old", old.text())
}

func unpainted(s string) string {
	for _, code := range []string{red, yellow, green, plainAgain} {
		s = strings.ReplaceAll(s, code, "")
	}
	return s
}

func TestSpans(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0s", -5: "0s", 0.4: "0s", 59.6: "1m 0s", 61: "1m 1s", 3599: "59m 59s",
		3661: "1h 1m", 86400 * 3: "3d 0h"} {
		if got := span(seconds); got != want {
			t.Errorf("%v: %q, want %q", seconds, got, want)
		}
	}
}
