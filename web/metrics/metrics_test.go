package metrics

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"wildfire-watch/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a source that says what the test says.
type told struct {
	mu        sync.Mutex
	overview  protocol.Overview
	ok        bool
	mailboxes []Mailbox
	outbox    Outbox
}

func (s *told) Overview() (protocol.Overview, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overview, s.ok
}
func (s *told) Mailboxes() []Mailbox { return s.mailboxes }
func (s *told) Outbox() Outbox       { return s.outbox }

func has[T any](x T) *T { return &x }

// cameras are n, c000 first; the one in three is offline.
func cameras(n int) (all []protocol.CameraLine) {
	for i := range n {
		all = append(all, protocol.CameraLine{Name: fmt.Sprintf("c%03d", i), Online: i%3 != 0, Healthy: i%3 != 0,
			Growing: i%7 == 1, LastHeard: 1000 + float64(i)})
	}
	return all
}

// burning is a house in a fire with everything that can be said.
func burning(n int) *told {
	o := protocol.Overview{At: 1e9, Number: 7, Site: "Ridge", Version: "1.2", Uptime: 3600,
		Ready: protocol.Readiness{Why: []string{"an emergency stop is held"}},
		Pump: protocol.SystemState{State: protocol.Running, EngineOn: true, TotalRuntime: 4000, CurrentRuntime: 12.5,
			RuntimeLeft: 1787.5, RefillOwed: 500, LockoutSeconds: 500, NextDeadline: 30, StopHeld: true, Remembered: true},
		Lines: protocol.LinesView{Board: "simulator", Available: true,
			Inputs: map[string]string{"flow": "active", "line_pressure": "inactive", "stop_button": "unknown"}},
		Cameras: cameras(n),
		Consensus: protocol.FireView{Threshold: 2, Online: 3, Agreeing: []string{"c001", "c008"}, Since: 1e9 - 5,
			Cooldown: 1e9 + 60, Triggers: 3, Accepted: 2},
		Alarms: []protocol.Standing{
			{Code: "fire_confirmed", Severity: protocol.SeverityAlarm, Active: true},
			{Code: "camera_offline", Subject: "c000", Severity: protocol.SeverityTrouble, Active: true},
			{Code: "camera_offline", Subject: "c003", Severity: protocol.SeverityTrouble, Active: true, Acknowledged: "page: anna"},
			{Code: "error", Severity: protocol.SeverityTrouble}},
		Services: []protocol.LinkView{{Name: protocol.Telemetry, Connected: true}},
		NVR:      protocol.NVRView{Seen: true, Running: true, Heard: 1e9},
		Machine: protocol.MachineView{CPU: has(25.0), Memory: has(50.0), Disk: has(75.0), DiskFree: has(uint64(1 << 33)),
			Temperature: has(61.5), ClockSynced: has(true)},
		Discovery: protocol.FoundView{Enabled: true, Cycle: 4, Steady: true, Known: 9, Suspects: 2, Reduced: "no ARP", LastScan: 1e9},
		Start:     protocol.StartView{Boots: 12, Failed: 1, SafeMode: true},
	}
	for l := range protocol.NumLines {
		o.Lines.Outputs = append(o.Lines.Outputs, protocol.OutputView{Name: l.String(), On: l == protocol.MainValve,
			Reads: l == protocol.MainValve, Failed: l == protocol.RPMReduce})
	}
	return &told{overview: o, ok: true, outbox: Outbox{3, 5, 8}, mailboxes: []Mailbox{
		{Name: "pump", Kind: "pump", Depth: 1, HighWater: 4, Received: 100, Slowest: time.Millisecond, Oldest: 2 * time.Second},
		{Name: "a", Kind: "camera", Depth: 2, HighWater: 9, Received: 10, Dropped: 1, Late: 2, Waited: time.Second},
		{Name: "b", Kind: "camera", Depth: 3, HighWater: 8, Received: 20, Dropped: 2}}}
}

// heard is a tally that has seen a little of everything.
func heard() *Tally {
	var t Tally
	for range 30 {
		t.Hear(protocol.Detected{})
	}
	t.Hear(protocol.Rejected{Source: "fire/detection", Reason: "box", Count: 4})
	t.Hear(protocol.Rejected{Source: "fire/trigger", Reason: "retained"})
	t.Hear(protocol.Event{Action: protocol.RefillFailed})
	t.Hear(protocol.Event{Action: protocol.CameraMoved})
	return &t
}

func scrape(t testing.TB, source Source, tally *Tally) string {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(source, tally, "1.2").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("code %d, %v: %s", w.Code, err, text)
	}
	return string(text)
}

// want checks that every line stands in the scrape as it is.
func want(t *testing.T, text string, lines ...string) {
	t.Helper()
	all := strings.Split(text, "\n")
	for _, l := range lines {
		if !slices.Contains(all, l) {
			t.Errorf("no line %q", l)
		}
	}
}

func TestAScrapeSaysWhatTheOverviewSays(t *testing.T) {
	text := scrape(t, burning(8), heard())
	want(t, text,
		"wildfire_ready 0", "wildfire_starts_total 12", "wildfire_failed_starts 1", "wildfire_safe_mode 1",
		`wildfire_pump_state{state="RUNNING"} 1`, `wildfire_pump_state{state="IDLE"} 0`, `wildfire_pump_state{state="ERROR"} 0`,
		"wildfire_pump_run_seconds 12.5", "wildfire_pump_engine_seconds_total 4000", "wildfire_pump_refill_owed_seconds 500",
		"wildfire_pump_lockout_seconds 500", "wildfire_pump_next_deadline_seconds 30", "wildfire_pump_stop_held 1",
		`wildfire_output_commanded{output="main_valve"} 1`, `wildfire_output_read{output="ignition_on"} 0`,
		`wildfire_output_failed{output="rpm_reduce"} 1`,
		`wildfire_input_active{input="flow"} 1`, `wildfire_input_active{input="line_pressure"} 0`,
		`wildfire_alarms{severity="alarm"} 1`, `wildfire_alarms{severity="supervisory"} 0`, `wildfire_alarms{severity="trouble"} 2`,
		`wildfire_alarm_active{code="camera_offline",severity="trouble"} 2`, `wildfire_alarm_active{code="error",severity="trouble"} 0`,
		"wildfire_alarms_unacknowledged 3",
		"wildfire_cameras_known 8", "wildfire_cameras_online 5", "wildfire_cameras_growing 1",
		`wildfire_camera_online{camera="c000"} 0`, `wildfire_camera_online{camera="c001"} 1`,
		"wildfire_consensus_agreeing_cameras 2", "wildfire_consensus_cooldown_seconds 60",
		"wildfire_triggers_total 3", "wildfire_triggers_accepted_total 2", "wildfire_detections_total 30",
		`wildfire_rejections_total{reason="box",source="fire/detection"} 4`,
		`wildfire_mqtt_connected{service="telemetry"} 1`, `wildfire_mqtt_connected{service="gpio_trigger"} 0`,
		`wildfire_events_total{action="refill_failed"} 1`, `wildfire_events_total{action="engine_will_not_stop"} 0`,
		"wildfire_events_waiting 3", "wildfire_events_dropped_total 5", "wildfire_publications_missed_total 8",
		`wildfire_mailbox_depth{kind="camera"} 5`, `wildfire_mailbox_high_water{kind="camera"} 9`,
		`wildfire_mailbox_received_total{kind="camera"} 30`, `wildfire_mailbox_oldest_seconds{kind="pump"} 2`,
		`wildfire_mailbox_slowest_seconds{kind="pump"} 0.001`, `wildfire_mailbox_longest_wait_seconds{kind="camera"} 1`,
		"wildfire_discovery_cycles_total 4", "wildfire_discovery_known_cameras 9", "wildfire_discovery_suspects 2",
		"wildfire_machine_cpu_ratio 0.25", "wildfire_machine_temperature_celsius 61.5", "wildfire_machine_clock_synced 1")
	if strings.Contains(text, `input="stop_button"`) {
		t.Error("an input that cannot be read is told")
	}
	for _, process := range []string{"go_goroutines ", "process_resident_memory_bytes ", "wildfire_build_info{"} {
		if !strings.Contains(text, "\n"+process) {
			t.Errorf("no %s", process)
		}
	}
}

func TestBeforeTheFirstOverviewTheHouseIsNotReadyAndNothingIsInvented(t *testing.T) {
	text := scrape(t, &told{mailboxes: []Mailbox{{Name: "pump", Kind: "pump"}}}, &Tally{})
	want(t, text, "wildfire_ready 0", "wildfire_detections_total 0", `wildfire_mailbox_depth{kind="pump"} 0`)
	for _, name := range []string{"wildfire_pump_state", "wildfire_cameras_known", "wildfire_mqtt_connected"} {
		if strings.Contains(text, name) {
			t.Errorf("%s is told", name)
		}
	}
}

func TestNamesAndHelpKeepToPrometheusGuidelines(t *testing.T) {
	all, err := Registry(burning(8), heard(), "1.2").Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(all).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	said := make(map[string]bool)
	for _, f := range families {
		if said[f.name] || !regexp.MustCompile(`^[A-Z1].*\.$`).MatchString(f.help) || strings.HasSuffix(f.name, "_total") != (f.kind == counter) {
			t.Errorf("%s: twice, no sentence, or not named as its kind", f.name)
		}
		said[f.name] = true
	}
}

// TestNothingFromOutsideMakesSeriesWithoutEnd floods every label.
func TestNothingFromOutsideMakesSeriesWithoutEnd(t *testing.T) {
	s, tally := burning(3000), &Tally{}
	s.overview.Cameras = append(s.overview.Cameras, protocol.CameraLine{Name: other}, protocol.CameraLine{Name: "c001"},
		protocol.CameraLine{Name: "bad\xff\"\n" + strings.Repeat("x", 5000)}, protocol.CameraLine{Online: true})
	for i := range 5000 {
		name := fmt.Sprint("made up ", i)
		tally.Hear(protocol.Rejected{Source: name, Reason: "x"})
		tally.Hear(protocol.Rejected{Source: "fire/detection", Reason: name + strings.Repeat("y", 1000)})
		tally.Hear(protocol.Event{Action: protocol.Action(name)})
		s.overview.Alarms = append(s.overview.Alarms, protocol.Standing{Code: name, Active: true, Severity: protocol.Severity(name)})
		s.mailboxes = append(s.mailboxes, Mailbox{Name: name, Kind: name, Received: 1})
	}
	text := scrape(t, s, tally)
	series := make(map[string]int)
	for _, line := range strings.Split(text, "\n") {
		if name, _, labelled := strings.Cut(line, "{"); labelled && strings.HasPrefix(line, prefix) {
			series[name]++
		}
		if len(line) > 400 {
			t.Fatalf("a line of %d bytes: %.80s", len(line), line)
		}
	}
	for name, most := range map[string]int{"wildfire_camera_online": maxCameras + 1, "wildfire_rejections_total": maxReasons + 1,
		"wildfire_events_total": maxActions + len(watched) + 1, "wildfire_alarm_active": maxCodes + 2,
		"wildfire_mailbox_depth": maxKinds + 1} {
		if series[name] == 0 || series[name] > most {
			t.Errorf("%s: %d series, at most %d", name, series[name], most)
		}
	}
	want(t, text, `wildfire_camera_online{camera="other"} 0`, `wildfire_camera_growing{camera="other"} 1`, "wildfire_cameras_known 3004")
}

func TestACounterOfAKindNeverFallsWhenActorsComeAndGo(t *testing.T) {
	var k kinds
	sum := func(want uint64, all ...Mailbox) {
		t.Helper()
		got := k.sum(all)
		if len(got) != 1 || got[0].received != want || got[0].actors != len(all) {
			t.Errorf("got %+v, want %d received", got, want)
		}
	}
	of := func(name string, received uint64) Mailbox {
		return Mailbox{Name: name, Kind: "camera", Received: received}
	}
	sum(30, of("a", 10), of("b", 20))
	sum(32, of("a", 12))
	sum(32)
	sum(33, of("a", 1))
	sum(38, of("a", 5), of("b", 1))
	sum(40, of("a", 2), of("b", 1)) // the name of one that died between two scrapes
}

func TestFiguresThatAreNoNumbersDoNotEndAScrape(t *testing.T) {
	s := burning(2)
	s.overview.Pump.RuntimeLeft, s.overview.Pump.State = math.NaN(), protocol.NumStates
	s.overview.Consensus.Cooldown = math.Inf(1)
	want(t, scrape(t, s, heard()), "wildfire_pump_run_left_seconds NaN", `wildfire_pump_state{state="ERROR"} 0`)
}

func TestScrapesAndMessagesMayOverlap(t *testing.T) {
	s, tally := burning(20), heard()
	h := Handler(s, tally, "1")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
				if w.Code != http.StatusOK && w.Code != http.StatusServiceUnavailable {
					t.Errorf("code %d", w.Code)
				}
				tally.Hear(protocol.Detected{})
				tally.Hear(protocol.Rejected{Source: "s", Reason: "r"})
				tally.Hear(protocol.Event{Action: "a"})
			}
		})
	}
	all.Wait()
}
