package web

import (
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"wildfire-watch/protocol"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "ask-the-socket" {
		os.Exit(askTheSocket(os.Args[2]))
	}
	goleak.VerifyTestMain(m)
}

// house is a house that knows what a test has told it, and answers as the actors do.
type house struct {
	mu       sync.Mutex
	status   protocol.PumpStatus
	known    bool
	overview *protocol.Overview
	watchers map[int]func(protocol.Overview)
	heard    []any
	history  []protocol.Event
	charts   map[string]protocol.Chart
	outcome  func(protocol.Command) protocol.CommandOutcome // nil: the pump hangs
	deaf     bool                                           // journal and cameras hang
}

func (h *house) Recovered() protocol.Recovered {
	return protocol.Recovered{Boots: 7, LastStop: "reboot or power cut", SafeMode: true}
}

func (h *house) Status() (protocol.PumpStatus, bool) { return h.status, h.known }

func (h *house) Wires() (protocol.Wires, bool) {
	return protocol.Wires{Board: "simulator", Simulated: true, Lines: protocol.LineReport{
		Commanded: protocol.SetOf(protocol.MainValve, protocol.IgnitionOn), Available: true,
		Read: protocol.SetOf(protocol.MainValve), Failed: protocol.SetOf(protocol.IgnitionOn)},
		Inputs: protocol.Inputs{Flow: protocol.Active, StopButton: protocol.Inactive}}, h.known
}

func (h *house) Overview() (o protocol.Overview, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.overview == nil {
		return o, false
	}
	return *h.overview, true
}

func (h *house) Watch(f func(protocol.Overview)) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[int]func(protocol.Overview))
	}
	key := len(h.watchers)
	h.watchers[key] = f
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, key)
	}
}

// tell is a new overview.
func (h *house) tell(o protocol.Overview) {
	h.mu.Lock()
	h.overview = &o
	all := []func(protocol.Overview){}
	for _, f := range h.watchers {
		all = append(all, f)
	}
	h.mu.Unlock()
	for _, f := range all {
		f(o)
	}
}

func (h *house) Publish(msg any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, msg)
	switch m := msg.(type) {
	case protocol.Command:
		if h.outcome != nil {
			m.Answer <- h.outcome(m)
		}
	case protocol.EventsAsked:
		if !h.deaf {
			go m.Reply(h.page(m))
		}
	case protocol.ChartAsked:
		if !h.deaf {
			c, ok := h.charts[m.Camera]
			go m.Reply(c, ok)
		}
	}
}

// page answers as the journal does.
func (h *house) page(q protocol.EventsAsked) ([]protocol.Event, uint64) {
	from := min(int(q.After), len(h.history))
	if q.Newest {
		from = max(0, len(h.history)-q.Limit)
	}
	to := min(from+q.Limit, len(h.history))
	return h.history[from:to], uint64(to)
}

// sent are the messages of a type that the page has published.
func sent[T any](h *house) (all []T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.heard {
		if one, ok := m.(T); ok {
			all = append(all, one)
		}
	}
	return all
}

// refused are the reasons of the refusals that were recorded.
func refused(h *house) (reasons []string) {
	for _, r := range sent[protocol.Rejected](h) {
		reasons = append(reasons, r.Reason)
	}
	return reasons
}

func yes(protocol.Command) protocol.CommandOutcome {
	return protocol.CommandOutcome{Accepted: true, Event: protocol.EmergencyStop}
}

// pumping is a house in the middle of a run.
func pumping() *house {
	full := true
	return &house{known: true, outcome: yes,
		status: protocol.PumpStatus{State: protocol.Running, System: protocol.SystemState{
			State: protocol.Running, EngineOn: true, MainValve: true, Why: "trigger", ReservoirFull: &full,
			Alarms: []protocol.Alarm{{Code: "x", Severity: protocol.SeverityTrouble, Text: "<b>bad</b> sensor"}}}},
		overview: &protocol.Overview{Number: 5, Site: "home", Ready: protocol.Readiness{Ready: true, Why: []string{}},
			Cameras: []protocol.CameraLine{{Name: "north"}, {Name: "south side"}},
			Lines:   protocol.LinesView{Outputs: []protocol.OutputView{{Name: "main_valve", On: true}}, Inputs: map[string]string{"flow": "active"}},
			Alarms:  []protocol.Standing{{Code: "refill_lockout", Severity: protocol.SeveritySupervisory, Active: true}}},
		history: []protocol.Event{
			{Action: protocol.EngineRunning, Timestamp: 1782000000.5, Seq: 1, Boot: "b", Host: "pi", System: protocol.SystemState{State: protocol.Running}},
			{Action: protocol.CommandRefused, Reason: "=1+1", Timestamp: 1782000001, Seq: 2, Boot: "b", Details: map[string]any{"command": "start", "n": 1.0}},
		},
		charts: map[string]protocol.Chart{"north": {Camera: "north", Window: 30, Objects: []protocol.ChartTrack{
			{ID: "1", Label: "fire", Points: [][2]float64{{1, .01}, {2, .02}}}}}},
	}
}

// quick are patiences for tests.
var quick = limits{order: 300 * time.Millisecond, reply: 300 * time.Millisecond, picture: time.Second,
	beat: 30 * time.Millisecond, slow: time.Second}

// serving opens a page and closes it with the test.
func serving(t *testing.T, s Settings, h *house) *Page {
	t.Helper()
	if s.Config.Listen == "" {
		s.Config.Listen = "127.0.0.1:0"
	}
	p, err := open(s, h, quick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// answerOf is what came back.
type answerOf struct {
	code   int
	body   string
	header http.Header
}

// request sends one request; each header is "Name: value".
func request(t *testing.T, method, url, body string, headers ...string) answerOf {
	t.Helper()
	return requestBy(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}, method, url, body, headers...)
}

func requestBy(t *testing.T, c *http.Client, method, url, body string, headers ...string) answerOf {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	a, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answerOf{a.StatusCode, string(text), a.Header}
}

func get(t *testing.T, p *Page, path string, headers ...string) answerOf {
	t.Helper()
	return request(t, http.MethodGet, p.URL()+path, "", headers...)
}

func post(t *testing.T, p *Page, path, body string, headers ...string) answerOf {
	t.Helper()
	return request(t, http.MethodPost, p.URL()+path, body, headers...)
}

// eventually asks until it is so, at most for 5 s.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	limit := time.NewTimer(5 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}
