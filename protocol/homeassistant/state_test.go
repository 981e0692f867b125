package homeassistant

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

// burning is a house in a fire.
func burning() protocol.Overview {
	o := protocol.Overview{At: 1e9, Ready: protocol.Readiness{Why: []string{"The tank is being refilled", "more"}},
		Pump: protocol.SystemState{State: protocol.Running, StopHeld: true, CurrentRuntime: 12.6, TotalRuntime: 4000, RefillOwed: 500.4,
			LockoutSeconds: 499.5, ReservoirFull: new(false)},
		Lines:     protocol.LinesView{Available: true, Inputs: map[string]string{"flow": "active", "line_pressure": "unknown"}},
		Cameras:   []protocol.CameraLine{{Name: "north", Online: true}, {Name: "Back Door/2"}, {Name: "aa:bb:cc:00:11:22", Online: true}},
		Consensus: protocol.FireView{Threshold: 2, Agreeing: []string{"north", "aa:bb:cc:00:11:22"}, Since: 1e9},
		Alarms: []protocol.Standing{{Code: "fire_confirmed", Severity: protocol.SeverityAlarm, Title: "Fire", Active: true},
			{Code: "refill_lockout", Severity: protocol.SeveritySupervisory, Title: "The tank is being refilled", Text: "until 12:00", Active: true},
			{Code: "error", Severity: protocol.SeverityTrouble, Title: "Gone"}},
	}
	for l := range protocol.NumLines {
		o.Lines.Outputs = append(o.Lines.Outputs, protocol.OutputView{Name: l.String(), On: true,
			Reads: l == protocol.MainValve || l == protocol.IgnitionOn})
	}
	return o
}

var template = regexp.MustCompile(`^\{\{ value_json\.([a-z0-9_.]+)( \| tojson)? \}\}$`)

// render evaluates a template of ours on a payload as Jinja does: a path, and how a JSON value is written.
func render(t *testing.T, text string, payload []byte) string {
	t.Helper()
	found := template.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("a template does more than read a place: %s", text)
	}
	var at any
	if err := json.Unmarshal(payload, &at); err != nil {
		t.Fatal(err)
	}
	for _, step := range strings.Split(found[1], ".") {
		// A place that is a word of Python's dictionaries would be that word.
		if slices.Contains([]string{"clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"}, step) {
			t.Errorf("%s: %s is a method", text, step)
		}
		of, _ := at.(map[string]any)
		next, there := of[step]
		if !there {
			t.Fatalf("%s: no %s in %s", text, step, payload)
		}
		at = next
	}
	if found[2] != "" {
		if _, is := at.(map[string]any); !is {
			t.Errorf("%s: attributes are a dictionary", text)
		}
		out, _ := json.Marshal(at)
		return string(out)
	}
	switch x := at.(type) {
	case bool:
		return map[bool]string{true: "True", false: "False"}[x]
	case nil:
		return "None"
	case float64:
		return fmt.Sprint(int64(x))
	}
	return at.(string)
}

func TestEveryTemplateReadsWhatTheStateSays(t *testing.T) {
	payload := StateOf(burning()).Payload()
	want := map[string]string{"ready": "False", "not_ready_because": "The tank is being refilled", "fire": "True", "agreeing": "2",
		"problem": "True", "alarms": "2", "worst_alarm": "Fire", "state": "RUNNING", "engine": "True", "main_valve": "True",
		"refill_valve": "False", "priming_valve": "False", "rpm_reduced": "False", "stop_held": "True", "trigger_remembered": "False",
		"run": "13", "engine_time": "4000", "refill_owed": "500", "lockout": "500", "tank_full": "False", "line_pressure": "None",
		"flow": "True", "cameras_online": "2", "cameras_known": "3", "nvr": "None", "simulated": "False",
		CameraKey("north"): "True", CameraKey("Back Door/2"): "False", CameraKey("aa:bb:cc:00:11:22"): "True"}
	for key, c := range ridge().Components() {
		if c.Value == "" {
			continue
		}
		got := render(t, c.Value, payload)
		if got != want[key] {
			t.Errorf("%s: %q, want %q", key, got, want[key])
		}
		delete(want, key)
		// None is unknown to every platform (PAYLOAD_NONE).
		if c.Platform == "binary_sensor" && got != c.On && got != c.Off && got != "None" ||
			c.Options != nil && !slices.Contains(c.Options, got) || c.StateClass != "" && !regexp.MustCompile(`^\d+$`).MatchString(got) {
			t.Errorf("%s: %q is no value of its", key, got)
		}
		if c.Attributes != "" {
			if got := render(t, c.Attributes, payload); !strings.Contains(got, `"texts":["Fire","The tank is being refilled: until 12:00"]`) {
				t.Errorf("%s: %s", key, got)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not read: %v", want)
	}
}

func TestAnEmptyHouseHasAStateToo(t *testing.T) {
	payload := StateOf(protocol.Overview{}).Payload()
	h := ridge()
	h.Cameras = nil
	for key, c := range h.Components() {
		if c.Value == "" {
			continue
		}
		if got := render(t, c.Value, payload); got == "" {
			t.Errorf("%s is empty: Home Assistant would keep the last value", key)
		}
	}
	if s := StateOf(protocol.Overview{}); s.Fire || s.Ready || s.Why != "unknown" || s.MainValve != nil || s.Engine != nil || s.NVR != nil {
		t.Errorf("%+v", s)
	}
	if s := StateOf(protocol.Overview{Ready: protocol.Readiness{Ready: true}}); s.Why != "ready" {
		t.Errorf("%+v", s)
	}
}

func TestTheStateShowsLinesAsTheyReadAndTheEngineByItsFeedback(t *testing.T) {
	o := burning()
	o.Lines.Inputs["engine_running"] = "inactive"
	if s := StateOf(o); s.Engine == nil || *s.Engine {
		t.Error("the ignition is believed and not the feedback")
	}
	o.Lines.Inputs["engine_running"] = "unknown"
	if s := StateOf(o); s.Engine != nil {
		t.Error("a feedback that cannot be read is known")
	}
	o.Lines.Available = false
	if s := StateOf(o); s.MainValve != nil {
		t.Error("lines that cannot be read are known")
	}
}

func TestTheFaceChangesWithWhatCountsAndNotWithWhatRuns(t *testing.T) {
	face := func(change func(o *protocol.Overview)) string {
		o := burning()
		change(&o)
		return StateOf(o).Face()
	}
	before := face(func(*protocol.Overview) {})
	for name, runs := range map[string]func(o *protocol.Overview){
		"engine time": func(o *protocol.Overview) { o.Pump.CurrentRuntime, o.Pump.TotalRuntime = 99, 5000 },
		"refill":      func(o *protocol.Overview) { o.Pump.RefillOwed, o.Pump.LockoutSeconds = 1, 1 },
		"texts":       func(o *protocol.Overview) { o.Alarms[1].Text, o.Ready.Why = "until 12:01", []string{"x"} }} {
		if face(runs) != before {
			t.Errorf("%s changes the face", name)
		}
	}
	for name, counts := range map[string]func(o *protocol.Overview){
		"state":  func(o *protocol.Overview) { o.Pump.State = protocol.Stopping },
		"valve":  func(o *protocol.Overview) { o.Lines.Outputs[protocol.MainValve].Reads = false },
		"camera": func(o *protocol.Overview) { o.Cameras[1].Online = true },
		"alarm":  func(o *protocol.Overview) { o.Alarms[1].Code = "stop_held" },
		"ready":  func(o *protocol.Overview) { o.Ready.Ready = true }} {
		if face(counts) == before {
			t.Errorf("%s does not change the face", name)
		}
	}
}

func TestFiguresThatAreNoNumbersAreStillAState(t *testing.T) {
	o := burning()
	o.Pump.RefillOwed, o.Pump.TotalRuntime = math.NaN(), math.Inf(1)
	if s := StateOf(o); len(s.Payload()) == 0 || s.RefillOwedSeconds != 0 || s.EngineSeconds != 0 {
		t.Errorf("%+v", s)
	}
}

func FuzzState(f *testing.F) {
	f.Add("north", "The tank is being refilled", "until 12:00", 12.5)
	f.Add("a-b/\xff{{", "}}", "\x00", math.Inf(-1))
	f.Fuzz(func(t *testing.T, camera, title, text string, seconds float64) {
		o := burning()
		o.Cameras = []protocol.CameraLine{{Name: camera, Online: true}}
		o.Alarms[0].Title, o.Alarms[0].Text, o.Pump.RefillOwed = title, text, seconds
		o.Ready.Why = []string{text}
		h := ridge()
		h.Cameras = []Camera{{camera, title}}
		payload := StateOf(o).Payload()
		if !json.Valid(payload) || !json.Valid(h.Payload()) {
			t.Fatal("no JSON")
		}
		c, there := h.Components()[CameraKey(camera)]
		if !there || render(t, c.Value, payload) != "True" {
			t.Fatalf("camera %q: %+v", camera, c)
		}
		if strings.ContainsAny(c.Value[2:len(c.Value)-2], "{}'\"") {
			t.Fatalf("a name is in a template: %s", c.Value)
		}
	})
}
