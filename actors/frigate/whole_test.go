package frigate

import (
	"testing"
	"time"

	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
)

// status is the newest word on the NVR as a whole in what was told.
func status(out []any) (s protocol.NVRStatus, told bool) {
	for _, msg := range out {
		if m, ok := msg.(protocol.NVRStatus); ok {
			s, told = m, true
		}
	}
	return s, told
}

func TestTheNVRIsToldAsAWhole(t *testing.T) {
	r := rules
	r.HasAPI = true
	m := NewMachine(r)
	now := epoch
	step := func(in any) (protocol.NVRStatus, bool) { return status(m.Step(in, now)) }
	if s, told := step(Connected{}); told {
		t.Errorf("nothing is known yet: %+v", s)
	}
	if s, told := step(Saw{Event: wire.Event{Camera: "north", ID: "a", Label: "car"}, Arrived: now}); told {
		t.Errorf("an event may be anybody's: %+v", s)
	}
	if s, told := step(Fetched{}); !told || !s.Seen || !s.Running || !s.API || s.Heard != now {
		t.Errorf("its API answers: %+v", s)
	}
	now = now.Add(time.Minute)
	figures := Counted{Cameras: []wire.CameraStats{{Camera: "north", CameraFPS: 5}, {Camera: "east"}}, Version: "0.16.0"}
	for range 2 {
		now = now.Add(time.Minute)
		if s, told := step(figures); !told || s.Version != "0.16.0" || s.Cameras != 2 || s.Heard != now || !s.Running {
			t.Errorf("each message of figures is told: %+v %v", s, told)
		}
	}
	if s, told := step(Fetched{Problem: "404"}); !told || s.API || !s.Running {
		t.Errorf("its API has failed: %+v", s)
	}
	end := now.Add(heardWithin)
	for m.Until().Before(end) {
		if now = m.Until(); now.Before(epoch) {
			now = end.Add(-time.Second)
		}
		if s, told := step(Woke{}); told {
			t.Fatalf("%v before it is silent: %+v", end.Sub(now), s)
		}
		if m.fetch.busy {
			step(Fetched{Problem: "404"})
		}
	}
	now = end
	if s, told := step(Woke{}); !told || s.Running || s.Stopped || !s.Seen {
		t.Errorf("it is silent: %+v %v", s, told)
	}
	if s, told := step(Available{"offline"}); !told || !s.Stopped {
		t.Errorf("it says so itself: %+v %v", s, told)
	}
	if s, told := step(figures); !told || !s.Running || s.Stopped {
		t.Errorf("it is back: %+v %v", s, told)
	}
}

func TestANVRThatHasNeverToldFiguresIsNotMissed(t *testing.T) {
	m := NewMachine(rules)
	m.Step(Available{"online"}, epoch)
	for i := range 100 {
		if s, told := status(m.Step(Woke{}, epoch.Add(time.Duration(i)*time.Hour))); told {
			t.Errorf("%+v", s)
		}
	}
}
