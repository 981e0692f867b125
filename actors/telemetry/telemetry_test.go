package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// office is a house with telemetry in it; use it inside a synctest bubble.
type office struct {
	t     *testing.T
	house *actors.House
	ref   actors.Ref
	log   *observer.ObservedLogs
	mu    sync.Mutex // nothing orders a test's reading before the next timer
	said  []any
}

func (o *office) hear(m any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said = append(o.said, m)
}

// heard is all that was published so far; ask after synctest.Wait.
func (o *office) heard() []any {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.said)
}

func settings() Settings {
	return Settings{Config: Config{HealthInterval: time.Minute, SystemInterval: time.Minute},
		Site: "ranch", Host: "pi", Boot: "b1", Instance: "me", Version: "v1", Known: 3,
		Sample: func(context.Context) Sample { return Sample{Load: []float64{1, 2, 3}} }}
}

func in(t *testing.T, s Settings, f func(o *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, log := observer.New(zapcore.InfoLevel)
		s.Log = zap.New(core)
		o := &office{t: t, log: log}
		o.house = actors.NewHouse(actors.Options{Route: o.hear})
		a := New(s)
		var err error
		if o.ref, err = o.house.Spawn("telemetry", Kind, func() actors.Actor { return a }); err != nil {
			t.Fatal(err)
		}
		f(o)
		if err := o.house.StopAll(context.Background()); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
	})
}

func (o *office) send(messages ...any) {
	for _, m := range messages {
		o.ref.Send(m)
	}
	synctest.Wait()
}

func (o *office) events() (all []protocol.Event) {
	for _, m := range o.heard() {
		if e, ok := m.(protocol.Event); ok {
			all = append(all, e)
		}
	}
	return all
}

// health returns the payloads of one service's reports.
func (o *office) health(s protocol.Service) (all []map[string]any) {
	o.t.Helper()
	synctest.Wait()
	for _, m := range o.heard() {
		p, ok := m.(protocol.Publication)
		if !ok || p.Topic != "system/"+string(s)+"/health" {
			continue
		}
		if p.Service != s || !p.Retained || p.Queue {
			o.t.Errorf("report of %s: %+v", s, p)
		}
		var fields map[string]any
		if err := json.Unmarshal(p.Payload, &fields); err != nil {
			o.t.Fatal(err)
		}
		all = append(all, fields)
	}
	return all
}

func last[T any](all []T) T { return all[len(all)-1] }

func TestEventsAreNumberedFromOneInOrderWithTheStateOfTheirMoment(t *testing.T) {
	in(t, settings(), func(o *office) {
		at := time.Unix(1_700_000_000, 250_000_000)
		own := protocol.SystemState{State: protocol.Stopping}
		o.send(protocol.Occurred{Action: protocol.BootRecovered, At: at})
		o.send(protocol.LineReport{Available: true},
			protocol.PumpStatus{State: protocol.Running, System: protocol.SystemState{
				State: protocol.Running, EngineOn: true}},
			protocol.Occurred{Action: protocol.EngineRunning, At: at, Reason: "r",
				Details: map[string]any{"k": 1}},
			protocol.Occurred{Action: protocol.EmergencyStop, System: &own})
		e := o.events()
		if len(e) != 3 {
			t.Fatalf("%d events", len(e))
		}
		for i := range e {
			if e[i].Seq != uint64(i+1) || e[i].Boot != "b1" || e[i].Host != "pi" {
				t.Errorf("event %d: %+v", i, e[i])
			}
			if e[i].System.ActiveTimers == nil {
				t.Errorf("event %d: active_timers would be null", i)
			}
		}
		if e[0].GPIOAvailable || !e[1].GPIOAvailable || !e[1].System.EngineOn {
			t.Errorf("state of the moment: %+v, %+v", e[0], e[1])
		}
		if e[0].Timestamp != 1_700_000_000.25 || e[1].Reason != "r" || e[1].Details["k"] != 1 {
			t.Errorf("%+v", e[1])
		}
		if e[2].System.State != protocol.Stopping || e[2].Timestamp == 0 {
			t.Errorf("an occurrence's own state wins, and none is without a time: %+v", e[2])
		}
	})
}

func TestEventNumbersGoOnAfterAPanic(t *testing.T) {
	s := settings()
	broken := true
	s.Queue = func() (int, uint64, uint64) {
		if broken {
			broken = false
			return 0, 0, 0
		}
		broken = true
		panic("figures")
	}
	in(t, s, func(o *office) {
		o.send(protocol.Occurred{Action: protocol.BootRecovered})
		time.Sleep(time.Minute + time.Second) // the health report panics
		o.send(protocol.Occurred{Action: protocol.EngineRunning})
		if e := o.events(); len(e) != 2 || e[1].Seq != 2 {
			t.Errorf("%+v", e)
		}
		before := len(o.health(protocol.Telemetry))
		time.Sleep(3 * time.Minute)
		if len(o.health(protocol.Telemetry)) == before {
			t.Error("no reports after the restart")
		}
	})
}

func TestEveryServiceReportsAtOnceAndEveryInterval(t *testing.T) {
	s := settings()
	s.Figures = func() []actors.Figures {
		return []actors.Figures{{Name: "camera/a", Kind: "camera", Depth: 2, HighWater: 3, Received: 10,
			Slowest: time.Millisecond}, {Name: "camera/b", Kind: "camera", Depth: 1, HighWater: 9,
			Received: 5, Dropped: 4}, {Name: "pump", Kind: "pump"}}
	}
	s.Queue = func() (int, uint64, uint64) { return 5, 6, 7 }
	in(t, s, func(o *office) {
		for _, service := range protocol.Services {
			h := o.health(service)
			if len(h) != 1 {
				t.Fatalf("%s: %d reports at start", service, len(h))
			}
			for _, key := range []string{"service", "status", "healthy", "timestamp", "host", "uptime",
				"version"} {
				if _, ok := h[0][key]; !ok {
					t.Errorf("%s: no %s in %v", service, key, h[0])
				}
			}
		}
		o.send(protocol.CameraVerdict{Camera: "a", Online: true}, protocol.CameraVerdict{Camera: "b"},
			protocol.CameraVerdict{Camera: "c", Online: true},
			protocol.CameraVerdict{Camera: "c", Gone: true},
			protocol.ConsensusStatus{Cameras: 2, Online: 1, Agreeing: []string{"a"}, Triggers: 3,
				Accepted: 2, CooldownUntil: time.Now().Add(2 * time.Minute)})
		time.Sleep(10*time.Minute + time.Second)
		d := o.health(protocol.CameraDetector)
		if len(d) != 11 {
			t.Errorf("%d reports in ten minutes", len(d))
		}
		if got := last(d); got["cameras_total"] != 2.0 || got["cameras_online"] != 1.0 ||
			got["cameras_configured"] != 3.0 || fmt.Sprint(got["cameras_offline"]) != "[b]" ||
			got["uptime"] != 600.0 || got["healthy"] != true {
			t.Errorf("camera_detector %v", got)
		}
		c := o.health(protocol.FireConsensus)
		if got := c[1]; got["cooldown"] != 60.0 || got["cameras_total"] != 2.0 ||
			got["trigger_count"] != 3.0 || fmt.Sprint(got["agreeing"]) != "[a]" {
			t.Errorf("fire_consensus %v", got)
		}
		if got := last(c); got["cooldown"] != 0.0 {
			t.Errorf("fire_consensus later %v", got)
		}
		got := last(o.health(protocol.Telemetry))
		boxes := got["mailboxes"].([]any)
		camera := boxes[0].(map[string]any)
		if len(boxes) != 2 || camera["actors"] != 2.0 || camera["depth"] != 3.0 ||
			camera["high_water"] != 9.0 || camera["dropped"] != 4.0 || camera["slowest"] != 0.001 {
			t.Errorf("mailboxes %v", boxes)
		}
		if got["events_waiting"] != 5.0 || got["events_dropped"] != 6.0 ||
			got["publications_missed"] != 7.0 {
			t.Errorf("telemetry %v", got)
		}
	})
}

func TestTheDetectorReportsWhatDiscoveryKnowsOnceItSearches(t *testing.T) {
	in(t, settings(), func(o *office) {
		if h := o.health(protocol.CameraDetector)[0]; h["known_ips"] != nil || h["discovery_cycle"] != nil {
			t.Errorf("nobody searches, and it says %v", h)
		}
		o.send(protocol.DiscoveryStatus{Cycle: 4, Steady: true, Known: 2, Online: 1, Suspects: 3,
			KnownIPs: []string{"10.0.0.7", "10.0.0.8"}, Reduced: "no CAP_NET_RAW",
			Last: protocol.ScanReport{Hosts: 17, Asked: 254, Took: 2 * time.Second, ARPTook: 500 * time.Millisecond,
				Skipped: []string{"10.0.0.0/8"}}})
		time.Sleep(newsAfter)
		h := last(o.health(protocol.CameraDetector))
		for key, want := range map[string]any{"discovery_cycle": 4.0, "discovery_steady": true, "cameras_discovered": 2.0,
			"cameras_answering": 1.0, "suspects": 3.0, "discovery_reduced": "no CAP_NET_RAW", "scan_hosts": 17.0,
			"scan_asked": 254.0, "scan_took": 2.0, "scan_arp_took": 0.5, "healthy": true, "cameras_configured": 3.0} {
			if h[key] != want {
				t.Errorf("%s: %v, want %v", key, h[key], want)
			}
		}
		if fmt.Sprint(h["known_ips"], h["scan_skipped"]) != "[10.0.0.7 10.0.0.8] [10.0.0.0/8]" {
			t.Errorf("%v", h)
		}
	})
}

func TestAPumpInErrorReadsUnhealthyWithinASecondAndTheIntervalGoesOn(t *testing.T) {
	in(t, settings(), func(o *office) {
		o.send(protocol.LineReport{Available: true},
			protocol.PumpStatus{State: protocol.Idle, System: protocol.SystemState{}})
		time.Sleep(newsAfter)
		if h := last(o.health(protocol.GPIOTrigger)); h["healthy"] != true || h["state"] != "IDLE" {
			t.Fatalf("%v", h)
		}
		alarm := protocol.Alarm{Code: "engine_will_not_stop", Severity: protocol.SeverityAlarm}
		o.send(protocol.PumpStatus{State: protocol.Error, System: protocol.SystemState{
			State: protocol.Error, Alarms: []protocol.Alarm{alarm}}})
		time.Sleep(newsAfter)
		h := last(o.health(protocol.GPIOTrigger))
		if h["healthy"] != false || h["state"] != "ERROR" || len(h["alarms"].([]any)) != 1 {
			t.Errorf("%v", h)
		}
		for range 200 { // changes all the time must not starve the interval
			o.send(protocol.LineReport{Available: false})
			time.Sleep(time.Second)
			o.send(protocol.LineReport{Available: true})
		}
		if n := len(o.health(protocol.GPIOTrigger)); n > 220 {
			t.Errorf("%d reports in 200 s: more than one a second", n)
		}
		o.send(protocol.BrokerLink{Service: protocol.Telemetry, Connected: true})
		time.Sleep(time.Minute)
		synctest.Wait()
		if e := o.events(); len(e) != 1 || e[0].Action != protocol.HealthReport {
			t.Errorf("the pulse: %v", e)
		}
	})
}

// TestSafeModeReadsUnhealthyFromTheFirstReport: of everybody who watches or acts, and its fault stands
// in each of their reports.
func TestSafeModeReadsUnhealthyFromTheFirstReport(t *testing.T) {
	s := settings()
	s.Recovered = protocol.Recovered{Boots: 9, LastStop: "crash", Failed: 5, SafeMode: true}
	in(t, s, func(o *office) {
		h := o.health(protocol.GPIOTrigger)[0]
		if h["boots"] != 9.0 || h["last_stop"] != "crash" || h["failed_starts"] != 5.0 || h["safe_mode"] != true {
			t.Errorf("%v", h)
		}
		o.send(protocol.LineReport{Available: true}, protocol.PumpStatus{State: protocol.Idle},
			protocol.Fault{Code: "safe_mode", Text: "why"})
		time.Sleep(newsAfter)
		for _, service := range protocol.Services {
			watches := service != protocol.Telemetry
			for i, h := range o.health(service) {
				if h["healthy"] == watches || i > 0 && (h["faults"] != nil) != watches {
					t.Errorf("report %d of %s: %v", i, service, h)
				}
			}
		}
	})
}

func TestTheHealthReportEventStopsWhileTheBrokerIsAway(t *testing.T) {
	in(t, settings(), func(o *office) {
		time.Sleep(5*time.Minute + time.Second)
		o.send(protocol.BrokerLink{Service: protocol.Telemetry, Connected: true})
		time.Sleep(3 * time.Minute)
		o.send(protocol.BrokerLink{Service: protocol.Telemetry})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := len(o.events()); n != 3 {
			t.Errorf("%d events, want one for each minute with a broker", n)
		}
	})
}

func TestFaultsStandInTheReportOfTheirServiceUntilTheyClear(t *testing.T) {
	in(t, settings(), func(o *office) {
		o.send(protocol.Fault{Code: "journal", Text: "disk full"},
			protocol.Fault{Code: "journal", Text: "disk full"},
			protocol.Fault{Code: "frigate_api", Text: "no answer"},
			protocol.Fault{Code: "broker_subscription_gpio_trigger", Text: "refused"})
		time.Sleep(newsAfter)
		for s, code := range map[protocol.Service]string{protocol.Telemetry: "journal",
			protocol.CameraDetector: "frigate_api",
			protocol.GPIOTrigger:    "broker_subscription_gpio_trigger"} {
			h := last(o.health(s))
			if h["healthy"] != false || !strings.Contains(fmt.Sprint(h["faults"]), code) {
				t.Errorf("%s: %v", s, h)
			}
		}
		if n := o.log.FilterMessage("fault").Len(); n != 3 {
			t.Errorf("%d log lines for three faults, one of them repeated", n)
		}
		o.send(protocol.Fault{Code: "journal", Cleared: true}, protocol.Fault{Code: "x", Cleared: true})
		time.Sleep(newsAfter)
		if h := last(o.health(protocol.Telemetry)); h["healthy"] != true || h["faults"] != nil {
			t.Errorf("cleared: %v", h)
		}
		if n := o.log.FilterMessage("fault cleared").Len(); n != 1 {
			t.Errorf("%d faults cleared in the log", n)
		}
	})
}

func TestAFloodOfRefusedInputIsCountedAndFillsNeitherCountersNorLog(t *testing.T) {
	in(t, settings(), func(o *office) {
		for i := range 3000 {
			o.send(protocol.Rejected{Source: "fire/detection", Reason: "json"},
				protocol.Rejected{Source: "x", Reason: fmt.Sprint(i), Count: 2})
		}
		time.Sleep(time.Minute)
		h := last(o.health(protocol.Telemetry))
		rejected := h["rejected"].([]any)
		if len(rejected) != maxListed {
			t.Errorf("%d kinds listed", len(rejected))
		}
		counts := map[string]float64{}
		for _, r := range rejected {
			r := r.(map[string]any)
			counts[r["source"].(string)+" "+r["reason"].(string)] = r["count"].(float64)
		}
		if counts["fire/detection json"] != 3000 {
			t.Errorf("counted %v", counts)
		}
		if want := float64(2 * (3000 - (maxReasons - 1))); counts["other other"] != want {
			t.Errorf("other: %v, want %v", counts["other other"], want)
		}
		if n := o.log.Len(); n > maxReasons+11 {
			t.Errorf("%d log lines", n)
		}
	})
}

func TestSystemFiguresComeEveryIntervalAndAHangingDiskDoesNotPileUp(t *testing.T) {
	s := settings()
	running, most := 0, 0
	var released atomic.Bool
	s.Sample = func(context.Context) Sample {
		running++
		most = max(most, running)
		for !released.Load() { // a disk that hangs heeds no context
			time.Sleep(time.Second)
		}
		running--
		return Sample{}
	}
	in(t, s, func(o *office) {
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if most != 1 {
			t.Errorf("%d samples at once", most)
		}
		released.Store(true)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		n := 0
		for _, m := range o.heard() {
			if p, ok := m.(protocol.Publication); ok && p.Topic == protocol.TopicSystemTelemetry {
				n++
				if p.Retained || p.Queue || p.Service != protocol.Telemetry {
					t.Errorf("%+v", p)
				}
				if !strings.Contains(string(p.Payload), `"instance":"me"`) {
					t.Errorf("%s", p.Payload)
				}
			}
		}
		if n != 4 { // the late one and one a minute
			t.Errorf("%d system reports", n)
		}
	})
}

func TestAPanickingSampleDoesNotEndTheFigures(t *testing.T) {
	s := settings()
	n := 0
	s.Sample = func(context.Context) Sample {
		n++
		panic("no /proc")
	}
	in(t, s, func(*office) {
		time.Sleep(3*time.Minute + time.Second)
		synctest.Wait()
		if n != 3*looks+1 {
			t.Errorf("%d samples", n)
		}
	})
}

func TestAFigureThatIsNoNumberDoesNotSilenceAReport(t *testing.T) {
	in(t, settings(), func(o *office) {
		o.send(protocol.PumpStatus{System: protocol.SystemState{TotalRuntime: math.NaN()}})
		time.Sleep(time.Minute)
		if h := last(o.health(protocol.GPIOTrigger)); h["service"] != "gpio_trigger" || h["healthy"] != false {
			t.Errorf("%v", h)
		}
	})
}

func TestTheRealMachineGivesFigures(t *testing.T) {
	s := measure(t.TempDir(), true)(context.Background())
	if s.Memory == nil || s.Disk == nil || s.CPU == nil || len(s.Load) != 3 {
		t.Errorf("%+v", s)
	}
}

func TestCameraCountsAreBounded(t *testing.T) {
	l := newLedger()
	for i := range maxCameras + 10 {
		l.verdict(protocol.CameraVerdict{Camera: fmt.Sprint(i)})
	}
	if len(l.cameras) != maxCameras || len(l.offline()) != maxListed || !slices.IsSorted(l.offline()) {
		t.Errorf("%d cameras, %d listed", len(l.cameras), len(l.offline()))
	}
}

func TestTheMachineIsLookedAtOftenEnoughForAlarms(t *testing.T) {
	s := settings()
	disk := 97.0
	s.Sample = func(context.Context) Sample { return Sample{Disk: &disk} }
	in(t, s, func(o *office) {
		time.Sleep(2*time.Minute + time.Second)
		synctest.Wait()
		var samples, reports int
		var last time.Time
		for _, m := range o.heard() {
			switch m := m.(type) {
			case protocol.MachineSample:
				if samples++; !last.IsZero() && m.At.Sub(last) > 5*time.Second || *m.Disk != 97 {
					t.Errorf("%v after the last: %+v", m.At.Sub(last), m)
				}
				last = m.At
			case protocol.Publication:
				if m.Topic == protocol.TopicSystemTelemetry {
					reports++
				}
			}
		}
		if samples != 2*looks+1 || reports != 3 {
			t.Errorf("%d samples, %d reports", samples, reports)
		}
	})
}

func TestTheKernelSaysWhetherItsClockIsKeptRight(t *testing.T) {
	if clockSynced(true) == nil {
		t.Error("this kernel does not say")
	}
	// Unasked, it has said nothing; systemd-timesyncd may have.
	if _, err := os.Stat(timesyncd); (clockSynced(false) != nil) != (err == nil) {
		t.Error("the kernel is asked where that may end the process")
	}
}
