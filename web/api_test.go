package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"wildfire-watch/protocol"
)

func decode[T any](t *testing.T, a answerOf) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

func TestTheStatusIsTheEventsSystemStateAndTheOverviewBesideIt(t *testing.T) {
	a := get(t, serving(t, Settings{}, pumping()), "/api/status")
	got := decode[Status](t, a)
	if a.code != 200 || got.State != protocol.Running || !got.EngineOn || !got.MainValve || got.Boots != 7 ||
		got.LastStop != "reboot or power cut" || !got.SafeMode || got.Overview == nil || got.Overview.Number != 5 {
		t.Errorf("code %d, got %+v", a.code, got)
	}
	if len(got.Alarms) != 1 || got.Alarms[0].Code != "x" {
		t.Errorf("the pump's own alarms are %v", got.Alarms)
	}
}

func TestTheLinesAreAllTheOutputsAndTheFittedInputs(t *testing.T) {
	a := get(t, serving(t, Settings{}, pumping()), "/api/lines")
	off := Output{}
	want := Wires{Board: "simulator", Simulation: true, State: protocol.Running, Available: true,
		Outputs: map[string]Output{"main_valve": {true, true, false}, "ignition_on": {true, false, true},
			"ignition_start": off, "ignition_off": off, "refill_valve": off, "priming_valve": off, "rpm_reduce": off},
		Inputs: map[string]string{"flow": "active", "stop_button": "inactive"}}
	if got := decode[Wires](t, a); a.code != 200 || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestBeforeTheFirstReportNothingClaimsHealth(t *testing.T) {
	p := serving(t, Settings{}, &house{deaf: true})
	for path, want := range map[string]int{"/healthz": 503, "/readyz": 503, "/api/status": 503, "/api/lines": 503, "/api/overview": 503,
		"/api/events": 503, "/api/events.csv": 503, "/api/cameras/north/chart": 503, "/api/cameras/north/snapshot": 404,
		"/": 200, "/index.html": 200, "/static/index.html": 200, "/nothing": 404, "/api/nothing": 404, "/metrics": 404, "/debug/pprof/": 404} {
		if a := get(t, p, path); a.code != want {
			t.Errorf("%s: code %d, want %d: %s", path, a.code, want, a.body)
		}
	}
}

func TestReadyIsWhatTheOverviewSays(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	if a := get(t, p, "/healthz"); a.code != 200 || a.body != "ok\n" {
		t.Errorf("/healthz: %d %q", a.code, a.body)
	}
	if a := get(t, p, "/readyz"); a.code != 200 || a.body != "ready\n" {
		t.Errorf("/readyz: %d %q", a.code, a.body)
	}
	h.tell(protocol.Overview{Number: 6, Ready: protocol.Readiness{Why: []string{"no camera is online"}}})
	if a := get(t, p, "/readyz"); a.code != 503 || strings.Contains(a.body, "camera is online") {
		t.Errorf("/readyz: %d %q, want 503 and no reasons for strangers", a.code, a.body)
	}
}

func TestAWrongMethodIsToldTheRightOne(t *testing.T) {
	p := serving(t, Settings{}, pumping())
	if a := request(t, http.MethodDelete, p.URL()+"/api/status", ""); a.code != 405 || a.header.Get("Allow") != "GET" {
		t.Errorf("%d, Allow %q", a.code, a.header.Get("Allow"))
	}
	if a := get(t, p, "/api/commands"); a.code != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("%d, Allow %q", a.code, a.header.Get("Allow"))
	}
	if a := request(t, http.MethodPut, p.URL()+"/nothing", ""); a.code != 404 {
		t.Errorf("code %d", a.code)
	}
	if a := request(t, http.MethodHead, p.URL()+"/api/status", ""); a.code != 200 {
		t.Errorf("HEAD: code %d", a.code)
	}
}

func TestEventsAreAskedOfTheJournal(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	for query, want := range map[string]struct {
		seqs []uint64
		last uint64
	}{"": {[]uint64{1, 2}, 2}, "?after=1": {[]uint64{2}, 2}, "?limit=1": {[]uint64{1}, 1}, "?newest=1&limit=1": {[]uint64{2}, 2},
		"?after=99": {[]uint64{}, 2}} {
		got := decode[Events](t, get(t, p, "/api/events"+query))
		seqs := []uint64{}
		for _, e := range got.Events {
			seqs = append(seqs, e.Seq)
		}
		if !slices.Equal(seqs, want.seqs) || got.Last != want.last {
			t.Errorf("%s: %v, last %d; want %v, %d", query, seqs, got.Last, want.seqs, want.last)
		}
	}
	for _, query := range []string{"?after=-1", "?after=x", "?limit=0", "?limit=1001", "?limit=x", "?newest=maybe"} {
		for _, path := range []string{"/api/events", "/api/events.csv"} {
			if a := get(t, p, path+query); a.code != 400 || decode[Problem](t, a).Error == "" {
				t.Errorf("%s%s: code %d %s", path, query, a.code, a.body)
			}
		}
	}
}

func TestTheCSVHoldsTheWholeHistoryAndNoFormula(t *testing.T) {
	h := pumping()
	for i := len(h.history); i < 2500; i++ {
		h.history = append(h.history, protocol.Event{Action: protocol.PrimingStarted, Seq: uint64(i + 1), Timestamp: 1782000002})
	}
	a := get(t, serving(t, Settings{}, h), "/api/events.csv")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != 2501 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") || !strings.Contains(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("headers %v", a.header)
	}
	if got := rows[1][0]; got != "2026-06-21T00:00:00.500Z" {
		t.Errorf("time %s", got)
	}
	if rows[2][5] != "'=1+1" || rows[2][12] != `{"command":"start","n":1}` {
		t.Errorf("row %q", rows[2])
	}
	if harmless("-5") != "-5" || harmless("-a") != "'-a" || harmless("@x") != "'@x" {
		t.Error("numbers are none, or formulas are left")
	}
}

func TestAChartComesFromTheCamera(t *testing.T) {
	p := serving(t, Settings{}, pumping())
	if a := get(t, p, "/api/cameras/north/chart"); a.code != 200 || len(decode[protocol.Chart](t, a).Objects) != 1 {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := get(t, p, "/api/cameras/nobody/chart"); a.code != 404 {
		t.Errorf("%d %s", a.code, a.body)
	}
}

func TestAPictureComesThroughFrigateOrNotAtAll(t *testing.T) {
	jpeg := "\xff\xd8\xff\xe0" + strings.Repeat("x", 1000)
	var saying atomic.Pointer[func(w http.ResponseWriter)]
	frigate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/api/south%20side/latest.jpg" {
			t.Errorf("Frigate is asked for %s", r.URL)
		}
		(*saying.Load())(w)
	}))
	defer frigate.Close()
	p := serving(t, Settings{Frigate: frigate.URL + "/"}, pumping())
	hang := make(chan struct{})
	for what, c := range map[string]struct {
		say  func(w http.ResponseWriter)
		code int
	}{
		"a picture":     {func(w http.ResponseWriter) { _, _ = w.Write([]byte(jpeg)) }, 200},
		"an error":      {func(w http.ResponseWriter) { w.WriteHeader(500) }, 502},
		"a redirection": {func(w http.ResponseWriter) { w.Header().Set("Location", "http://127.0.0.1:1/"); w.WriteHeader(302) }, 502},
		"a page":        {func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html><script>")) }, 502},
		"too much":      {func(w http.ResponseWriter) { _, _ = w.Write([]byte(jpeg + strings.Repeat("x", maxPicture))) }, 502},
		"silence":       {func(http.ResponseWriter) { <-hang }, 502},
	} {
		saying.Store(&c.say)
		a := get(t, p, "/api/cameras/south%20side/snapshot")
		if a.code != c.code || c.code == 200 && (a.body != jpeg || a.header.Get("Content-Type") != "image/jpeg") {
			t.Errorf("%s: %d %q", what, a.code, a.body[:min(len(a.body), 80)])
		}
	}
	close(hang)
	for _, name := range []string{"nobody", "..%2f..%2fapi%2fconfig"} {
		if a := get(t, p, "/api/cameras/"+name+"/snapshot"); a.code != 404 {
			t.Errorf("%s: %d", name, a.code)
		}
	}
}

func TestAnOrderIsGivenAndItsOutcomeAnswered(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	for _, c := range []struct {
		body   string
		says   protocol.CommandOutcome
		action protocol.CommandAction
		code   int
		want   Outcome
	}{
		{`{"command":"stop"}`, protocol.CommandOutcome{Accepted: true, Event: protocol.EmergencyStop}, protocol.CommandStop, 200,
			Outcome{Command: "stop", Accepted: true, Outcome: "accepted", Event: "emergency_stop"}},
		{`{"command":"start","confirm":true}`, protocol.CommandOutcome{Event: protocol.CommandRefused, Reason: "stop_held"}, protocol.CommandStart, 409,
			Outcome{Command: "start", Outcome: "refused", Event: "command_refused", Reason: "stop_held", Text: "A stop is held: reset first."}},
		{`{"command":"valve_open","confirm":true}`, protocol.CommandOutcome{Accepted: true, Event: protocol.EmergencyValveOpen}, protocol.CommandValveOpen, 200,
			Outcome{Command: "valve_open", Accepted: true, Outcome: "accepted", Event: "emergency_valve_open"}},
	} {
		h.outcome = func(got protocol.Command) protocol.CommandOutcome {
			if got.Action != c.action || got.Source != "page" || got.By != "page: this machine" || got.Wall.IsZero() || got.Arrived.IsZero() {
				t.Errorf("%s: the pump hears %+v", c.body, got)
			}
			return c.says
		}
		a := post(t, p, "/api/commands", c.body)
		got := decode[Outcome](t, a)
		if got.At == 0 || got.By != "page: this machine" {
			t.Errorf("%s: who and when is not said: %+v", c.body, got)
		}
		got.At, got.By = 0, ""
		if a.code != c.code || got != c.want {
			t.Errorf("%s: %d %+v", c.body, a.code, got)
		}
	}
}

func TestAnOrderThatIsNoneNeverReachesThePump(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	for body, want := range map[string]int{
		"": 400, "stop": 400, `{}`: 400, `{"command":"dance","confirm":true}`: 400, `{"command":"STOP"}`: 400,
		`{"command":"start"}`: 400, `{"command":"reset","confirm":false}`: 400, `{"command":"valve_close"}`: 400,
		`{"command":"stop"}{"command":"start"}`: 400, `{"command":"stop","why":1}`: 400, `[]`: 400, `null`: 400,
		`{"command":"` + strings.Repeat("x", maxBody) + `"}`: 413,
	} {
		if a := post(t, p, "/api/commands", body); a.code != want || decode[Problem](t, a).Do == "" {
			t.Errorf("%.40s: %d %s", body, a.code, a.body)
		}
	}
	if a := request(t, "POST", p.URL()+"/api/commands", `{"command":"stop"}`, "Content-Type: text/plain"); a.code != 415 {
		t.Errorf("a body that is no JSON by its type: %d", a.code)
	}
	if got := sent[protocol.Command](h); len(got) != 0 {
		t.Errorf("the pump hears %+v", got)
	}
	for _, want := range []string{"confirmation", "unknown word", "json", "size", "type"} {
		if !slices.Contains(refused(h), want) {
			t.Errorf("no refusal for %q is recorded: %v", want, refused(h))
		}
	}
	told := sent[protocol.Occurred](h)
	if len(told) == 0 || told[0].Action != protocol.CommandRefused || told[0].Details["by"] != "page: this machine" {
		t.Errorf("events %+v", told)
	}
}

func TestAPumpThatHangsIsSaidToHang(t *testing.T) {
	h := pumping()
	h.outcome = nil
	a := post(t, serving(t, Settings{}, h), "/api/commands", `{"command":"stop"}`)
	if a.code != 504 || !strings.Contains(a.body, "stop button") {
		t.Errorf("%d %s", a.code, a.body)
	}
}

func TestStopsGoThroughHoweverManyOrdersWait(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	for range maxOrders {
		p.orders <- struct{}{}
	}
	if a := post(t, p, "/api/commands", `{"command":"start","confirm":true}`); a.code != 503 {
		t.Errorf("an order too many: %d", a.code)
	}
	if a := post(t, p, "/api/commands", `{"command":"stop"}`); a.code != 200 {
		t.Errorf("a stop: %d", a.code)
	}
}

func TestAlarmsAreAcknowledgedByName(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	if a := post(t, p, "/api/alarms/acknowledge", `{"code":"camera_offline","subject":"north"}`); a.code != 202 {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := post(t, p, "/api/alarms/acknowledge", `{}`); a.code != 202 {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := post(t, p, "/api/alarms/acknowledge", fmt.Sprintf(`{"code":"%0201d"}`, 0)); a.code != 400 {
		t.Errorf("%d %s", a.code, a.body)
	}
	got := sent[protocol.Acknowledge](h)
	if len(got) != 2 || got[0].Code != "camera_offline" || got[0].Subject != "north" || got[0].By != "page: this machine" ||
		got[0].Wall.IsZero() || got[1].Code != "" {
		t.Errorf("got %+v", got)
	}
}

func TestWhatSettingsAdd(t *testing.T) {
	p := serving(t, Settings{Config: Config{Pprof: true}, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("up 1\n"))
	})}, pumping())
	if a := get(t, p, "/metrics"); a.code != 200 || a.body != "up 1\n" {
		t.Errorf("/metrics: %d %q", a.code, a.body)
	}
	if a := get(t, p, "/debug/pprof/goroutine?debug=1"); a.code != 200 || !strings.Contains(a.body, "goroutine profile") {
		t.Errorf("/debug/pprof: %d", a.code)
	}
}
