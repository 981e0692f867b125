package frigatepeer

import (
	"reflect"
	"testing"
	"time"

	wire "wildfire-watch/protocol/frigate"
)

var start = time.Unix(1764000000, 0)

func play(t *testing.T, s Scenario, length time.Duration) (events []wire.Event) {
	t.Helper()
	p := New(s, start)
	var last time.Time
	for at := time.Duration(0); at <= length; at += time.Second {
		for _, m := range p.Advance(start.Add(at)) {
			e, err := wire.DecodeEvent(m.Payload)
			if err != nil || m.Topic != "events" || m.At.Before(last) || m.At.After(start.Add(at)) {
				t.Fatalf("%s at %v: %s: %v", m.Topic, m.At, m.Payload, err)
			}
			last = m.At
			events = append(events, e)
		}
	}
	return events
}

func TestAGrowingFireIsToldEveryFiveSecondsAndEnds(t *testing.T) {
	events := play(t, Scenario{Release: Release014, Cameras: []Camera{{Name: "north"}},
		Fires: []Fire{{Camera: "north", Begins: 2 * time.Second, Ends: 62 * time.Second, Size: 0.01, GrowsIn: 30 * time.Second}}}, 90*time.Second)
	if len(events) < 10 || len(events) > 14 {
		t.Fatalf("%d events in a minute of growing fire", len(events))
	}
	for i, e := range events[:len(events)-1] {
		if e.Ended || i > 0 && (e.FrameTime.Sub(events[i-1].FrameTime) <= betterGap || e.Area <= events[i-1].Area) {
			t.Errorf("event %d: %+v after %+v", i, e, events[max(0, i-1)])
		}
	}
	if last := events[len(events)-1]; !last.Ended || last.FrameTime.After(start.Add(62*time.Second)) {
		t.Errorf("last: %+v", last)
	}
}

func TestASteadyFlameIsToldOnceAMinute(t *testing.T) {
	events := play(t, Scenario{Release: Release014, Cameras: []Camera{{Name: "north"}},
		Fires: []Fire{{Camera: "north", Size: 0.01}}}, 5*time.Minute)
	if len(events) != 5 {
		t.Errorf("%d events in five minutes", len(events))
	}
}

func TestOnly016AnswersAndListsWhatItSees(t *testing.T) {
	for _, release := range []Release{Release014, Release016} {
		p := New(Scenario{Release: release, Cameras: []Camera{{Name: "north", Width: 640, Height: 480}, {Name: "south"}},
			Fires: []Fire{{Camera: "north", Label: "smoke", Size: 0.02, GrowsIn: time.Minute}}, Noise: 0.1}, start)
		p.Advance(start.Add(10 * time.Second))
		m, ok := p.Answer(start.Add(10 * time.Second))
		if ok != (release == Release016) {
			t.Fatalf("release %d answers: %v", release, ok)
		}
		if !ok {
			continue
		}
		cameras, malformed, err := wire.DecodeActivity(m.Payload, func(string) bool { return true })
		if err != nil || malformed != 0 || len(cameras) != 2 {
			t.Fatalf("%+v, %d, %v", cameras, malformed, err)
		}
		for _, c := range cameras {
			if len(c.Objects) != map[string]int{"north": 1}[c.Camera] {
				t.Errorf("%+v", c)
			}
		}
		p.Freeze("north")
		p.Advance(start.Add(3 * time.Minute))
		if again, _ := p.Answer(start.Add(3 * time.Minute)); !reflect.DeepEqual(again.Payload, m.Payload) {
			t.Error("a frozen camera's objects change")
		}
	}
}

func TestTheSameSeedPlaysTheSame(t *testing.T) {
	s := Scenario{Release: Release016, Cameras: []Camera{{Name: "north"}}, Noise: 0.2, Seed: 5,
		Fires: []Fire{{Camera: "north", Size: 0.01, GrowsIn: 20 * time.Second, X: 0.95, Y: 0.05}}}
	once, again := play(t, s, 3*time.Minute), play(t, s, 3*time.Minute)
	if !reflect.DeepEqual(once, again) || len(once) < 10 {
		t.Errorf("%d and %d events", len(once), len(again))
	}
	for _, e := range once {
		if e.Box[2] > 1280 || e.Box[3] > 720 {
			t.Errorf("outside the frame: %+v", e)
		}
	}
	s.Seed = 6
	if reflect.DeepEqual(once, play(t, s, 3*time.Minute)) {
		t.Error("another seed plays the same")
	}
}

func TestTheConfigurationNamesEachSize(t *testing.T) {
	p := New(Scenario{Cameras: []Camera{{Name: "north", Width: 640, Height: 480}, {Name: "south"}}}, start)
	c, err := wire.DecodeConfig(p.Config())
	if want := map[string]wire.Size{"north": {Width: 640, Height: 480}, "south": {Width: 1280, Height: 720}}; err != nil || !reflect.DeepEqual(c.Detect, want) {
		t.Errorf("%+v, %v", c, err)
	}
}
