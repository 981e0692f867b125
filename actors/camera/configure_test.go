package camera

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

func spot(id, label string, area float64, at time.Time) protocol.Detected {
	return protocol.Detected{Camera: "north", Object: id, Label: label, Confidence: 0.9, Area: area, Arrived: at, Wall: at}
}

// blaze feeds a machine a fire that grows, once a second.
func blaze(m *Machine, from, to int) {
	for i := from; i < to; i++ {
		now := start.Add(time.Duration(i) * time.Second)
		m.Detected(spot("a", "fire", 0.01*(1+float64(i)/4), now), now)
	}
}

// TestTheSameSettingsChangeNothing: a machine that is told its own settings again and again says at every
// instant, late samples included, what one says that is left alone.
func TestTheSameSettingsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := standard()
		c.Hold = time.Duration(rapid.IntRange(0, 12).Draw(t, "hold")) * time.Second
		c.MaxSamples, c.MaxObjects = rapid.IntRange(20, 40).Draw(t, "samples"), rapid.IntRange(1, 3).Draw(t, "objects")
		alone, told := New(c, "north", start), New(c, "north", start)
		now := start
		for range rapid.IntRange(10, 120).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				told.Configure(c, now)
			case 1:
				id := uint64(now.Sub(start))
				for _, m := range []*Machine{alone, told} {
					m.Confirmed(protocol.FireConfirmed{ID: id, At: now}, now)
					m.Answered(protocol.TriggerOutcome{ID: id, Accepted: true}, now)
				}
			default:
				d := spot(fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "id")), "fire",
					rapid.SampledFrom([]float64{0.01, 0.012, 0.02, 0.03, 0.05, 0.08, 0.12}).Draw(t, "area"), now)
				d.Stamp = now.Add(-time.Duration(rapid.IntRange(0, 9000).Draw(t, "age")) * time.Millisecond)
				alone.Detected(d, now)
				told.Detected(d, now)
			}
			if a, b := alone.Verdict(now), told.Verdict(now); !reflect.DeepEqual(a, b) {
				t.Fatalf("at %v: alone %+v, told %+v", now.Sub(start), a, b)
			}
			if alone.Lost != told.Lost {
				t.Fatalf("at %v: lost %+v and %+v", now.Sub(start), alone.Lost, told.Lost)
			}
		}
	})
}

func TestOtherSettingsAreJudgedByAtOnce(t *testing.T) {
	at := start.Add(30 * time.Second)
	for name, c := range map[string]struct {
		change        func(c *Config)
		before, after bool
	}{
		"the same":                 {func(*Config) {}, true, true},
		"a shorter window":         {func(c *Config) { c.Window = 12 * time.Second }, true, true},
		"a longer window":          {func(c *Config) { c.Window = 90 * time.Second }, true, true},
		"a ratio out of reach":     {func(c *Config) { c.Ratio = 4.9 }, true, false},
		"a label less":             {func(c *Config) { c.Labels = []string{"smoke"} }, true, false},
		"a label more":             {func(c *Config) { c.Labels = []string{"smoke", "Fire-verified"} }, true, true},
		"larger areas alone":       {func(c *Config) { c.MinArea = 0.5 }, true, false},
		"a wider skew":             {func(c *Config) { c.Skew = time.Minute }, true, true},
		"a shorter hold":           {func(c *Config) { c.Hold = time.Second }, true, true},
		"a hold not yet seen":      {func(c *Config) { c.Hold = 100 * time.Second }, true, false},
		"more samples to decide":   {func(c *Config) { c.Average = 10 }, true, true},
		"fewer samples are kept":   {func(c *Config) { c.MaxSamples = 20 }, true, true},
		"one object is kept":       {func(c *Config) { c.MaxObjects = 1 }, true, true},
		"a shorter camera silence": {func(c *Config) { c.Timeout = 10 * time.Second }, true, true},
	} {
		m := New(standard(), "north", start)
		blaze(m, 0, 30)
		if got := m.Verdict(at).Growing; got != c.before {
			t.Errorf("%s: before, growing is %v", name, got)
		}
		other := standard()
		c.change(&other)
		m.Configure(other, at)
		if got := m.Verdict(at).Growing; got != c.after {
			t.Errorf("%s: after, growing is %v", name, got)
		}
	}
}

// TestAFireThatSettingsWereTooStrictForCountsSoon: its samples are there already, and so is the growth of
// the last max_clock_skew.
func TestAFireThatSettingsWereTooStrictForCountsSoon(t *testing.T) {
	strict := standard()
	strict.Ratio = 4.9
	m := New(strict, "north", start)
	blaze(m, 0, 30)
	at := start.Add(30 * time.Second)
	if m.Verdict(at).Growing {
		t.Fatal("it grows by the strict settings already")
	}
	m.Configure(standard(), at)
	blaze(m, 30, 32)
	if v := m.Verdict(at.Add(2 * time.Second)); !v.Growing || !slices.Equal(v.Objects, []string{"a"}) {
		t.Errorf("%+v", v)
	}
}

func TestASteadyFireKeepsItsWaterOverAChange(t *testing.T) {
	m := New(standard(), "north", start)
	blaze(m, 0, 30)
	at := start.Add(30 * time.Second)
	m.Confirmed(protocol.FireConfirmed{ID: 1, At: at}, at)
	m.Answered(protocol.TriggerOutcome{ID: 1, Accepted: true}, at)
	for i := range 60 {
		now := at.Add(time.Duration(i) * time.Second)
		m.Detected(spot("a", "fire", 0.08, now), now)
	}
	at = at.Add(time.Minute)
	if v := m.Verdict(at); v.Growing || !v.Steady {
		t.Fatalf("before: %+v", v)
	}
	c := standard()
	c.Window, c.Ratio = 20*time.Second, 2
	m.Configure(c, at)
	if v := m.Verdict(at); v.Growing || !v.Steady {
		t.Errorf("after: %+v", v)
	}
}

func TestTheRegistryTellsEveryCameraAndSaysWhenTheyHaveSpoken(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.grows(25, "north", "east", "west")
		done := 0
		c := standard()
		c.Ratio = 4.9
		s.registry.Send(Configured{c, func() {
			done++
			if s.verdictsOf("north").Growing {
				t.Error("done before north has spoken")
			}
		}})
		for _, name := range []string{"north", "east", "west"} {
			if v := s.last(name); v.Growing || !v.Online {
				t.Errorf("%s: %+v", name, v)
			}
		}
		if done != 1 {
			t.Errorf("done %d times", done)
		}
		c = standard()
		c.MaxCameras = 2
		s.hears("east")
		s.hears("west")
		s.registry.Send(Configured{Config: c})
		if got := s.names(); !slices.Equal(got, []string{"east", "west"}) {
			t.Errorf("beyond max_cameras %q stay", got)
		}
		if v := s.last("north"); !v.Gone {
			t.Errorf("north still votes: %+v", v)
		}
		if v := s.last("east"); !v.Growing {
			t.Errorf("by the old settings east grows again: %+v", v)
		}
	})
}

// verdictsOf is the newest verdict of a camera, from within a message.
func (s *street) verdictsOf(camera string) (v protocol.CameraVerdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.verdicts {
		if one.Camera == camera {
			v = one
		}
	}
	return v
}
