package overview

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

var base = time.Unix(1_700_000_000, 0)

func facts() Facts {
	return Facts{Site: "ranch", Host: "pi", Version: "v1", Boot: "b1", Board: "gpiochip0", Threshold: 2, Broker: true,
		Discovery: true, Recovered: protocol.Recovered{Boots: 7, LastStop: "signal"}}
}

// well is a house that is ready.
func well(f Facts) *Machine {
	m := NewMachine(f, base)
	for _, in := range []any{
		protocol.PumpStatus{}, protocol.LineReport{Available: true}, protocol.InputReport{},
		protocol.ConsensusStatus{Cameras: 3, Online: 3}, protocol.AlarmsStanding{},
		protocol.BrokerLink{Service: protocol.CameraDetector, Connected: true},
		protocol.BrokerLink{Service: protocol.FireConsensus, Connected: true},
	} {
		m.Hear(in, base, base)
	}
	return m
}

func standing(code, text string, active bool) protocol.Standing {
	kind, _, _ := protocol.AlarmKindOf(code)
	return protocol.Standing{Code: code, Title: kind.Title, Text: text, Active: active}
}

func TestTheHouseIsReadyOnlyIfAFireWouldBringWater(t *testing.T) {
	held := protocol.PumpStatus{Refuses: "stop_held", System: protocol.SystemState{
		Alarms: []protocol.Alarm{{Code: "stop_held", Text: "an emergency stop is held: fire starts nothing until reset"}}}}
	for name, c := range map[string]struct {
		heard []any
		facts func(*Facts)
		want  string
	}{
		"all is well": {want: ""},
		"a stop is held": {heard: []any{held, protocol.AlarmsStanding{Alarms: []protocol.Standing{
			standing("stop_held", "x", true)}}},
			want: "An emergency stop is held: fire starts nothing until reset"},
		"a word without an alarm":  {heard: []any{protocol.PumpStatus{Refuses: "run_budget"}}, want: refusals["run_budget"]},
		"a word that nobody knows": {heard: []any{protocol.PumpStatus{Refuses: "odd"}}, want: "The pump would refuse a fire: odd"},
		"one camera": {heard: []any{protocol.ConsensusStatus{Online: 1}},
			want: "Only 1 of the 2 cameras that must agree is online"},
		"the board is lost": {heard: []any{protocol.LineReport{}, protocol.AlarmsStanding{Alarms: []protocol.Standing{
			standing("gpio", "x", true), standing("board_lost", "y", true)}}},
			want: "The board can be neither written nor read"},
		"a simulator": {facts: func(f *Facts) { f.Simulated = true },
			heard: []any{protocol.AlarmsStanding{Alarms: []protocol.Standing{standing("simulated_board", "x", true)}}},
			want:  "The board is a simulator: nothing real is driven"},
		"the NVR is silent": {heard: []any{protocol.AlarmsStanding{Alarms: []protocol.Standing{
			standing("nvr_silent", "no figures", true)}}}, want: "The NVR is silent: no figures"},
		"an alarm that is over": {heard: []any{protocol.AlarmsStanding{Alarms: []protocol.Standing{
			standing("main_valve_wrong", "x", false)}}}, want: ""},
		"an alarm that stops nothing": {heard: []any{protocol.AlarmsStanding{Alarms: []protocol.Standing{
			standing("clock_unsynced", "x", true)}}}, want: ""},
		"a fire": {heard: []any{protocol.AlarmsStanding{Alarms: []protocol.Standing{
			standing("fire_confirmed", "x", true)}}}, want: ""},
		"no broker yet": {heard: []any{protocol.BrokerLink{Service: protocol.CameraDetector},
			protocol.BrokerLink{Service: protocol.FireConsensus}}, want: "No detection can arrive: the broker is not connected yet"},
		"the broker is away": {heard: []any{protocol.BrokerLink{Service: protocol.CameraDetector},
			protocol.BrokerLink{Service: protocol.FireConsensus}, protocol.AlarmsStanding{Alarms: []protocol.Standing{
				standing("broker", "connect: refused", true)}}}, want: "The broker is away: connect: refused"},
		"without a broker": {facts: func(f *Facts) { f.Broker = false }, want: "No detection can arrive: there is no broker"},
		"much at once, the worst first": {heard: []any{held, protocol.ConsensusStatus{},
			protocol.AlarmsStanding{Alarms: []protocol.Standing{standing("frigate", "it says offline", true)}}},
			want: "An emergency stop is held: fire starts nothing until reset / Only 0 of the 2 cameras that must agree are" +
				" online / The NVR has stopped: it says offline"},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts()
			if c.facts != nil {
				c.facts(&f)
			}
			m := well(f)
			for _, in := range c.heard {
				m.Hear(in, base, base)
			}
			r := m.Tell(base, base).Ready
			if got := strings.Join(r.Why, " / "); got != c.want || r.Ready != (c.want == "") {
				t.Errorf("ready %v, because %q, want %q", r.Ready, got, c.want)
			}
		})
	}
}

func TestNothingIsReadyBeforeAnythingWasHeard(t *testing.T) {
	r := NewMachine(facts(), base).Tell(base, base).Ready
	want := "The pump has not reported yet / The lines have not been read yet / Only 0 of the 2 cameras that must agree" +
		" are online / No detection can arrive: the broker is not connected yet"
	if got := strings.Join(r.Why, " / "); got != want {
		t.Error(got)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	m := well(facts())
	var all []protocol.Standing
	for i := range 100 {
		all = append(all, standing("broker", fmt.Sprint("text ", i), true))
	}
	m.Hear(protocol.AlarmsStanding{Alarms: all}, base, base)
	if n := len(m.Tell(base, base).Ready.Why); n != mostReasons {
		t.Errorf("%d reasons", n)
	}
}

func TestThePictureShowsWhatWasHeardOnTheWallClock(t *testing.T) {
	m := well(facts())
	now, wall := base.Add(time.Minute), base.Add(time.Hour) // the wall clock has jumped
	hot := 55.0
	for _, in := range []any{
		protocol.PumpStatus{State: protocol.Running, System: protocol.SystemState{State: protocol.Running, NextDeadline: 9}},
		protocol.LineReport{Available: true, Commanded: protocol.SetOf(protocol.MainValve, protocol.IgnitionOn),
			Read: protocol.SetOf(protocol.MainValve), Failed: protocol.SetOf(protocol.IgnitionOn)},
		protocol.InputReport{Inputs: protocol.Inputs{Flow: protocol.Active, StopButton: protocol.Unknown}},
		Seen{{Name: "north", Title: "Acme 5", MAC: "aa:bb:cc:dd:ee:ff", IP: "10.0.0.5", LastHeard: now.Add(-3 * time.Second),
			Online: true, Growing: true, Objects: []string{"a"}, Found: true, Healthy: true}, {Name: "south"}},
		protocol.ConsensusStatus{Cameras: 2, Online: 2, Agreeing: []string{"east", "north"}, CooldownUntil: now.Add(time.Minute),
			Triggers: 2, Accepted: 1},
		protocol.FireConfirmed{Wall: wall.Add(-time.Second)},
		protocol.NVRStatus{Seen: true, Running: true, Version: "0.16", Cameras: 2, API: true, Heard: now.Add(-4 * time.Second)},
		protocol.MachineSample{MachineView: protocol.MachineView{Temperature: &hot}},
		protocol.DiscoveryStatus{Cycle: 3, Steady: true, Known: 4, Suspects: 1, Last: protocol.ScanReport{Cycle: 3}},
	} {
		if !m.Hear(in, now, wall) {
			t.Errorf("%T is no news", in)
		}
	}
	later := now.Add(10 * time.Second)
	o := m.Tell(later, wall.Add(10*time.Second))
	at := seconds(wall)
	if o.At != at+10 || o.Number != 1 || o.Uptime != 70 || o.Pump.State != protocol.Running || o.Start.Boots != 7 || o.Boot != "b1" {
		t.Errorf("%+v", o)
	}
	if c := o.Cameras[0]; len(o.Cameras) != 2 || c.LastHeard != at-3 || c.Title != "Acme 5" || !c.Growing || o.Cameras[1].LastHeard != 0 {
		t.Errorf("%+v", o.Cameras)
	}
	if f := o.Consensus; f.Since != at || f.Cooldown != at+60 || f.Last != at-1 || f.Threshold != 2 || len(f.Agreeing) != 2 {
		t.Errorf("%+v", f)
	}
	if o.NVR.Heard != at-4 || !o.NVR.API || o.Discovery.LastScan != at || *o.Machine.Temperature != 55 {
		t.Errorf("%+v %+v", o.NVR, o.Discovery)
	}
	if l := o.Lines; len(l.Outputs) != int(protocol.NumLines) || !l.Outputs[0].On || !l.Outputs[0].Reads || !l.Outputs[2].Failed ||
		fmt.Sprint(l.Inputs) != "map[flow:active stop_button:unknown]" {
		t.Errorf("%+v", l)
	}
	m.Hear(protocol.ConsensusStatus{Agreeing: []string{"east"}}, later, wall)
	if o = m.Tell(later, wall); o.Consensus.Since != 0 || o.Consensus.Cooldown != 0 || o.Number != 2 {
		t.Errorf("one camera is no agreement: %+v", o.Consensus)
	}
}

func TestThePictureOfNothingHasNoNullLists(t *testing.T) {
	text, err := json.Marshal(NewMachine(Facts{}, base).Tell(base, base))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"why", "outputs", "cameras", "agreeing", "alarms", "services", "active_timers", "inputs"} {
		if strings.Contains(string(text), `"`+list+`":null`) {
			t.Errorf("%s is null: %s", list, text)
		}
	}
}

func TestASignOfLifeAloneIsNoNews(t *testing.T) {
	m := well(facts())
	views := func(heard time.Time, online bool) Seen {
		return Seen{{Name: "north", Online: online, LastHeard: heard}}
	}
	if !m.Hear(views(base, true), base, base) || m.Hear(views(base.Add(time.Second), true), base, base) ||
		!m.Hear(views(base, false), base, base) {
		t.Error("news")
	}
	if m.Hear(protocol.LineReport{Available: true, Seq: 9}, base, base) || m.Hear("something", base, base) {
		t.Error("a beat is news")
	}
}
