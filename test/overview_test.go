package test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/protocol"
)

// inScene runs a test on the whole system in virtual time.
func inScene(t *testing.T, sets []string, test func(w *scene)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newScene(t, dir, "")
		w.sets = append(w.sets, sets...)
		defer w.end()
		if err := w.boot(); err != nil {
			t.Fatal(err)
		}
		test(w)
	})
}

// seen is the overview as it is a quarter of a second from now.
func (w *scene) seen() protocol.Overview {
	w.t.Helper()
	w.pass(250 * time.Millisecond)
	o, ok := w.running.Overview()
	if !ok {
		w.t.Fatal("there is no overview")
	}
	return o
}

// standing is an alarm of the overview; ok is false if it does not stand.
func standing(o protocol.Overview, code string) (protocol.Standing, bool) {
	i := slices.IndexFunc(o.Alarms, func(s protocol.Standing) bool { return s.Code == code })
	if i < 0 {
		return protocol.Standing{}, false
	}
	return o.Alarms[i], true
}

func TestTheOverviewFollowsAFireFromTheFirstSightingToTheAcknowledgement(t *testing.T) {
	inScene(t, []string{"site.name=ranch"}, func(w *scene) {
		o := w.seen()
		if o.Ready.Ready || len(o.Ready.Why) < 3 || !strings.Contains(o.Ready.Why[0], "simulator") {
			t.Errorf("a simulated house without cameras and broker: %q", o.Ready.Why)
		}
		if _, ok := standing(o, protocol.AlarmSimulated); !ok || o.Site != "ranch" || !o.Lines.Simulated || !o.Lines.Available {
			t.Errorf("%+v", o)
		}
		w.fires = []*blaze{{camera: "north", area: 0.01, growth: 1.03}, {camera: "east", area: 0.01, growth: 1.03}}
		w.pass(30 * time.Second)
		o = w.seen()
		fire, ok := standing(o, protocol.AlarmFire)
		if !ok || fire.Severity != protocol.SeverityAlarm || fire.Text != "seen by east, north" || o.Alarms[0].Code != protocol.AlarmFire {
			t.Errorf("%+v", o.Alarms)
		}
		if len(o.Cameras) != 2 || !o.Cameras[0].Growing || o.Consensus.Since == 0 || o.Consensus.Triggers != 1 ||
			o.Pump.State != protocol.Starting && o.Pump.State != protocol.Running || !o.Lines.Outputs[0].On {
			t.Errorf("%+v %+v %v", o.Cameras, o.Consensus, o.Pump.State)
		}
		answered := false
		w.running.Publish(protocol.ChartAsked{Camera: "north", Reply: func(c protocol.Chart, ok bool) {
			answered = true
			if !ok || len(c.Objects) != 1 || !c.Objects[0].Growing || c.Objects[0].Later <= c.Objects[0].Earlier*c.Ratio ||
				len(c.Objects[0].Points) < 25 {
				t.Errorf("the chart: %v %+v", ok, c)
			}
		}})
		if synctest.Wait(); !answered {
			t.Error("nobody answers for the chart")
		}
		w.fires = nil
		w.running.Publish(protocol.Command{Action: protocol.CommandStop, Source: "page", Arrived: time.Now(), Wall: w.clock.Wall()})
		o = w.seen()
		if _, held := standing(o, "stop_held"); !held || !strings.Contains(o.Ready.Why[0], "stop is held") {
			t.Errorf("%q %+v", o.Ready.Why, o.Alarms)
		}
		w.running.Publish(protocol.Acknowledge{By: "page: anna", Wall: w.clock.Wall()})
		o = w.seen()
		for _, s := range o.Alarms {
			if s.Acknowledged != "page: anna" || s.AcknowledgedAt == 0 {
				t.Errorf("not acknowledged: %+v", s)
			}
		}
		w.pass(90 * time.Second)
		if s, ok := standing(w.seen(), protocol.AlarmCameraOffline); !ok || s.Subject != "east" || s.Acknowledged != "" {
			t.Errorf("the cameras went blind: %+v", s)
		}
		if text, err := json.Marshal(w.seen()); err != nil || strings.Contains(string(text), ":null,\"first\"") {
			t.Errorf("%v %s", err, text)
		}
	})
}

func TestWhoWatchesSeesEachOverviewOnceAndInOrder(t *testing.T) {
	inScene(t, nil, func(w *scene) {
		var numbers []uint64
		stop := w.running.Watch(func(o protocol.Overview) { numbers = append(numbers, o.Number) })
		w.fires = []*blaze{{camera: "north", area: 0.01, growth: 1.03}, {camera: "east", area: 0.01, growth: 1.03}}
		begin := time.Now()
		w.pass(time.Minute)
		stop()
		n := len(numbers)
		if most := int(time.Since(begin)/(200*time.Millisecond)) + 1; n < 30 || n > most {
			t.Errorf("%d overviews in a minute of fire, at most %d", n, most)
		}
		for i := 1; i < n; i++ {
			if numbers[i] != numbers[i-1]+1 {
				t.Fatalf("%d comes after %d", numbers[i], numbers[i-1])
			}
		}
		w.pass(time.Minute)
		if len(numbers) != n {
			t.Error("it is told after the stop")
		}
	})
}

func TestAlarmsAndOverviewStayInSafeMode(t *testing.T) {
	inScene(t, []string{"journal.safe_mode_after=2"}, func(w *scene) {
		for range 2 {
			w.pass(time.Second)
			w.die()
			w.pass(time.Second)
			if err := w.boot(); err != nil {
				t.Fatal(err)
			}
		}
		o := w.seen()
		if s, ok := standing(o, "safe_mode"); !ok || !o.Start.SafeMode || o.Ready.Ready || !strings.Contains(strings.ToLower(o.Ready.Why[0]), "safe mode") {
			t.Errorf("%+v %q", s, o.Ready.Why)
		}
		answers := make(chan bool, 1)
		w.running.Publish(protocol.ChartAsked{Camera: "north", Reply: func(_ protocol.Chart, ok bool) { answers <- ok }})
		synctest.Wait()
		if len(answers) != 0 {
			t.Error("there is a registry in safe mode")
		}
	})
}
