package camera

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

// seen makes one sighting.
func seen(object string, area float64, at time.Time) protocol.Detected {
	return protocol.Detected{Camera: "north", Object: object, Label: "fire", Confidence: 0.9, Area: area,
		Arrived: at, Wall: at}
}

func TestTheChartShowsEachSampleAndTheHalvesThatDecide(t *testing.T) {
	c := standard()
	base := time.Unix(1_700_000_000, 0)
	m := New(c, "north", base)
	now := base
	for i := range 25 {
		now = base.Add(time.Duration(i) * time.Second)
		m.Detected(seen("a", 0.01*float64(i+1), now), now)
		m.Detected(seen("b", 0.02, now), now)
	}
	wall := now.Add(time.Hour) // the wall clock is where it likes
	chart := m.Chart(now, wall)
	if chart.Camera != "north" || chart.At != unix(wall) || chart.Window != c.Window.Seconds() ||
		chart.Hold != c.Hold.Seconds() || chart.Ratio != c.Ratio || chart.MinArea != c.MinArea || chart.MaxArea != c.MaxArea {
		t.Errorf("the rule: %+v", chart)
	}
	if len(chart.Objects) != 2 {
		t.Fatalf("%d objects", len(chart.Objects))
	}
	a, b := chart.Objects[0], chart.Objects[1]
	if a.ID != "a" || !a.Growing || a.Since < unix(wall)-25 || a.Since > unix(wall)-10 {
		t.Errorf("the growing one comes first, since growth was seen: %+v", a)
	}
	if b.ID != "b" || b.Growing || b.Since != 0 || b.Earlier != 0.02 || b.Later != 0.02 {
		t.Errorf("the other one: %+v", b)
	}
	// 25 samples, halves of 12: medians of 1…12 and of 14…25 hundredths.
	if fmt.Sprintf("%.4f %.4f", a.Earlier, a.Later) != "0.0650 0.1950" {
		t.Errorf("medians %v %v", a.Earlier, a.Later)
	}
	if len(a.Points) != 25 || a.Points[0] != [2]float64{unix(wall) - 24, 0.01} || a.Points[24] != [2]float64{unix(wall), 0.25} {
		t.Errorf("points: %v", a.Points)
	}
	if chart = m.Chart(now.Add(c.Window+time.Second), wall); len(chart.Objects) != 0 || chart.Objects == nil {
		t.Errorf("what has left the window is not shown: %+v", chart)
	}
}

// TestAChartIsBoundedAndChangesNoVerdict asks for charts between samples at random.
func TestAChartIsBoundedAndChangesNoVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := standard()
		c.MaxSamples, c.MaxObjects, c.Window = 2000, 50, time.Hour
		base := time.Unix(1_700_000_000, 0)
		with, without := New(c, "north", base), New(c, "north", base)
		now := base
		step := time.Duration(rapid.IntRange(1, 2000).Draw(t, "step ms")) * time.Millisecond
		objects := rapid.IntRange(1, 30).Draw(t, "objects")
		for i := range rapid.IntRange(1, 1500).Draw(t, "samples") {
			now = now.Add(step)
			d := seen(fmt.Sprint(i%objects), 0.01+0.0001*float64(i), now)
			with.Detected(d, now)
			without.Detected(d, now)
			if i%100 == 0 {
				with.Chart(now, now)
			}
		}
		chart := with.Chart(now, now)
		if len(chart.Objects) > chartObjects {
			t.Fatalf("%d objects", len(chart.Objects))
		}
		for _, o := range chart.Objects {
			if len(o.Points) == 0 || len(o.Points) > chartPoints {
				t.Fatalf("%d points", len(o.Points))
			}
			for i := 1; i < len(o.Points); i++ {
				if o.Points[i][0] < o.Points[i-1][0] {
					t.Fatal("points are out of order")
				}
			}
		}
		if a, b := with.Verdict(now), without.Verdict(now); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("a chart changed the verdict: %+v, without %+v", a, b)
		}
	})
}

func TestAChartIsAskedByAnyNameOfTheCamera(t *testing.T) {
	known := map[string]Known{"north": {Aliases: []string{"n"}}}
	inStreet(t, standard(), known, func(t *testing.T, s *street) {
		now := time.Now()
		s.registry.Send(seen("a", 0.05, now))
		synctest.Wait()
		answers := make(chan string, 8)
		for _, name := range []string{"north", "n", "nobody", ""} {
			s.registry.Send(protocol.ChartAsked{Camera: name, Reply: func(c protocol.Chart, ok bool) {
				answers <- fmt.Sprintf("%s: %v %s %d", name, ok, c.Camera, len(c.Objects))
			}})
			synctest.Wait()
		}
		close(answers)
		var got []string
		for a := range answers {
			got = append(got, a)
		}
		if want := "[north: true north 1 n: true north 1 nobody: false  0 : false  0]"; fmt.Sprint(got) != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
