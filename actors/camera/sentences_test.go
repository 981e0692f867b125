package camera

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// story is one camera and a clock.
type story struct {
	t   *testing.T
	m   *Machine
	now time.Time
}

func newStory(t *testing.T, c Config) *story { return &story{t, New(c, "north", start), start} }

func (s *story) pass(d time.Duration) { s.now = s.now.Add(d) }

// sees takes a sighting of object a in, of a given area, one second after what was before.
func (s *story) sees(areas ...float64) {
	for _, area := range areas {
		s.pass(time.Second)
		s.detect(protocol.Detected{Object: "a", Area: area})
	}
}

// detect fills in what a sighting needs to count.
func (s *story) detect(d protocol.Detected) {
	if d.Label == "" {
		d.Label = "fire"
	}
	if d.Confidence == 0 {
		d.Confidence = 0.9
	}
	d.Camera, d.Arrived = "north", s.now
	if d.Wall.IsZero() {
		d.Wall = s.now
	}
	s.m.Detected(d, s.now)
}

func (s *story) want(why string, online, growing, steady bool) {
	s.t.Helper()
	v := s.m.Verdict(s.now)
	if v.Online != online || v.Growing != growing || v.Steady != steady {
		s.t.Errorf("%s: online %v growing %v steady %v, want %v %v %v", why, v.Online, v.Growing,
			v.Steady, online, growing, steady)
	}
}

func (s *story) grows(why string, want bool) { s.t.Helper(); s.want(why, true, want, false) }

// atOnce is the standard configuration without the hold.
func atOnce() Config {
	c := standard()
	c.Hold = 0
	return c
}

func TestADetectionCountsByLabelConfidenceAndArea(t *testing.T) {
	c := standard()
	for _, d := range []struct {
		why  string
		with protocol.Detected
		want bool
	}{
		{"a fire", protocol.Detected{Label: "fire", Confidence: 0.9, Area: 0.01}, true},
		{"smoke", protocol.Detected{Label: "smoke", Confidence: 0.9, Area: 0.01}, true},
		{"verified", protocol.Detected{Label: "fire-verified", Confidence: 0.9, Area: 0.01}, true},
		{"in capitals", protocol.Detected{Label: "Fire", Confidence: 0.9, Area: 0.01}, true},
		{"a car", protocol.Detected{Label: "car", Confidence: 0.9, Area: 0.01}, false},
		{"the least confidence", protocol.Detected{Label: "fire", Confidence: 0.7, Area: 0.01}, true},
		{"less confidence", protocol.Detected{Label: "fire", Confidence: 0.6999, Area: 0.01}, false},
		{"certainty", protocol.Detected{Label: "fire", Confidence: 1, Area: 0.01}, true},
		{"more than certainty", protocol.Detected{Label: "fire", Confidence: 1.01, Area: 0.01}, false},
		{"confidence NaN", protocol.Detected{Label: "fire", Confidence: math.NaN(), Area: 0.01}, false},
		{"the least area", protocol.Detected{Label: "fire", Confidence: 0.9, Area: 0.001}, true},
		{"less area", protocol.Detected{Label: "fire", Confidence: 0.9, Area: 0.00099}, false},
		{"the largest area", protocol.Detected{Label: "fire", Confidence: 0.9, Area: 0.8}, true},
		{"a larger area", protocol.Detected{Label: "fire", Confidence: 0.9, Area: 0.81}, false},
		{"area NaN", protocol.Detected{Label: "fire", Confidence: 0.9, Area: math.NaN()}, false},
		{"area infinite", protocol.Detected{Label: "fire", Confidence: 0.9, Area: math.Inf(1)}, false},
	} {
		if got := c.Counts(&d.with); got != d.want {
			t.Errorf("%s counts: %v, want %v", d.why, got, d.want)
		}
	}
}

func TestADetectionBelowThresholdKeepsTheCameraOnlineAndVotesForNothing(t *testing.T) {
	s := newStory(t, atOnce())
	s.want("not heard of yet", false, false, false)
	for i := range 20 {
		s.pass(time.Second)
		s.detect(protocol.Detected{Object: "a", Confidence: 0.69, Area: 0.01 * float64(1+i)})
	}
	s.want("unsure", true, false, false)
	s.pass(60 * time.Second)
	s.want("heard of exactly camera_timeout ago", true, false, false)
	s.pass(1)
	s.want("heard of longer ago", false, false, false)
}

func TestAnObjectGrowsWhenItsLaterHalfIsLargerByTheRatio(t *testing.T) {
	s := newStory(t, atOnce())
	s.sees(0.010, 0.010, 0.010, 0.012, 0.012)
	s.grows("five samples are too few for w = 3", false)
	s.sees(0.012)
	s.grows("median 0.012 is 1.2 times 0.010", true)

	s = newStory(t, atOnce())
	s.sees(0.010, 0.010, 0.010, 0.0119, 0.0119, 0.0119)
	s.grows("median 0.0119 is not", false)

	s = newStory(t, atOnce())
	s.sees(0.010, 0.010, 0.010, 0.010, 0.012, 0.014, 0.010, 0.012) // h = 4: 0.010 and 0.012
	s.grows("the median of an even count is the mean of the middle two", true)

	s = newStory(t, atOnce())
	s.sees(0.010, 0.010, 0.010, 0.010, 0.010, 0.9)
	s.grows("one outlier is not growth", false)
}

func TestGrowthCountsWhenItHasHeldForGrowthHoldWithoutABreak(t *testing.T) {
	s := newStory(t, standard())
	s.sees(0.010, 0.010, 0.010, 0.013, 0.013, 0.013) // from the sixth on
	s.pass(10*time.Second - 1)
	s.detect(protocol.Detected{Object: "a", Area: 0.013})
	s.grows("a moment short of ten seconds", false)
	s.pass(1)
	s.grows("ten seconds, but not seen", false)
	s.detect(protocol.Detected{Object: "a", Area: 0.013})
	s.grows("seen for ten seconds", true)

	s = newStory(t, standard())
	s.sees(0.010, 0.010, 0.010, 0.013, 0.013, 0.013)
	s.pass(5 * time.Second)
	s.sees(0.010, 0.010, 0.010, 0.010, 0.010) // shrinks: a break
	s.pass(2 * time.Second)
	s.grows("broken off after five seconds", false)
}

func TestACarPassingWithItsLightsOnIsNoFire(t *testing.T) {
	s := newStory(t, standard())
	for i := range 30 { // 6 s at five pictures a second, area x16
		s.pass(200 * time.Millisecond)
		s.detect(protocol.Detected{Object: "car", Area: 0.002 * math.Pow(16, float64(i)/29)})
	}
	for range 100 { // its samples read as growth until they leave the window
		s.pass(500 * time.Millisecond)
		if s.m.Verdict(s.now).Growing {
			s.t.Fatalf("growing %v after it came", s.now.Sub(start))
		}
	}
}

func TestAnOversizeSampleCountsOnlyAfterOneOfTheSameObjectWithinTheLimits(t *testing.T) {
	s := newStory(t, atOnce())
	s.sees(0.9, 0.9, 0.9, 0.95, 0.95, 0.95, 0.99, 0.99)
	s.grows("a frame-filling object that was never smaller", false)

	s = newStory(t, atOnce())
	s.sees(0.5, 0.6, 0.7, 0.85, 0.9, 0.95)
	s.grows("a followed fire that fills the frame stays a fire", true)
	s.pass(25*time.Second + 999*time.Millisecond) // the first two have left the window
	s.sees(0.96, 0.97, 0.98)
	s.pass(2 * time.Second) // and the third: nothing within the limits is left
	s.grows("nothing within the limits is in the window", false)

	c := atOnce()
	c.Average = 1
	s = newStory(t, c)
	s.sees(0.9, 0.95)
	s.grows("two, but never smaller", false)
	s.detect(protocol.Detected{Object: "a", Area: 0.5, Stamp: s.now.Add(-1500 * time.Millisecond)})
	s.grows("a late sample within the limits makes those after it count", true)
}

func TestASampleIsInsideTheWindowForExactlyItsLength(t *testing.T) {
	s := newStory(t, atOnce())
	s.sees(0.010, 0.010, 0.010, 0.013, 0.013, 0.013)
	s.pass(25*time.Second - 1)
	s.grows("the first sample is a moment younger than the window", true)
	s.pass(1)
	s.grows("the first sample has left", false)
}

func TestDroppingASampleCanCreateGrowth(t *testing.T) {
	s := newStory(t, atOnce())
	s.sees(0.02, 0.02) // large ones first, that hide the growth of the rest
	s.pass(5 * time.Second)
	s.sees(0.02, 0.010, 0.010, 0.010, 0.0121, 0.0121, 0.0121)
	s.grows("hidden", false)
	until := s.m.Until(s.now)
	s.pass(until.Sub(s.now))
	for range 5 {
		if s.m.Verdict(s.now).Growing {
			return
		}
		s.pass(s.m.Until(s.now).Sub(s.now))
	}
	t.Error("the growth that old samples hid was not seen when they left")
}

func TestSamplesEqualInObjectTimeAndAreaAreOne(t *testing.T) {
	s := newStory(t, atOnce())
	for _, area := range []float64{0.010, 0.010, 0.013, 0.013} {
		s.pass(time.Second)
		for range 3 {
			s.detect(protocol.Detected{Object: "a", Area: area})
		}
	}
	s.grows("four samples, each three times", false)
	s.detect(protocol.Detected{Object: "b", Area: 0.013})
	s.detect(protocol.Detected{Object: "c", Area: 0.013})
	s.grows("other objects' samples are theirs", false)
}

func TestALateSampleCountsWhereItBelongs(t *testing.T) {
	s := newStory(t, standard())
	s.sees(0.010, 0.010, 0.013, 0.013, 0.013) // at 1 … 5 s
	s.pass(7 * time.Second)
	// at 12 s one of 2.5 s arrives: from 5 s on there were six, and they grew
	s.detect(protocol.Detected{Object: "a", Area: 0.010, Stamp: s.now.Add(-9500 * time.Millisecond)})
	s.pass(3*time.Second - 1)
	s.detect(protocol.Detected{Object: "a", Area: 0.013})
	s.grows("a moment less than 10 s after the fifth", false)
	s.pass(1)
	s.detect(protocol.Detected{Object: "a", Area: 0.013})
	s.grows("the past was rewritten from 2.5 s on", true)
}

func TestASendersClockIsBelievedWithinMaxClockSkewAndNeverAheadOfItsArrival(t *testing.T) {
	for _, c := range []struct {
		why   string
		stamp time.Duration // to our wall clock
		want  time.Duration // to the arrival
	}{
		{"a little behind", -3 * time.Second, -3 * time.Second},
		{"at the limit", -10 * time.Second, -10 * time.Second},
		{"beyond the limit", -10*time.Second - 1, 0},
		{"a little ahead", 3 * time.Second, 0},
		{"a decade ahead", 87600 * time.Hour, 0},
		{"a decade behind", -87600 * time.Hour, 0},
	} {
		wall := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
		d := protocol.Detected{Arrived: start, Wall: wall, Stamp: wall.Add(c.stamp)}
		if got := d.SampleTime(10 * time.Second).Sub(start); got != c.want {
			t.Errorf("%s: counted %v from its arrival, want %v", c.why, got, c.want)
		}
	}
}

func TestAWallClockThatJumpsChangesNoVerdict(t *testing.T) {
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour, 87600 * time.Hour} {
		s := newStory(t, standard())
		for i := range 40 {
			s.pass(time.Second)
			wall := s.now
			if i > 15 {
				wall = wall.Add(jump)
			}
			s.detect(protocol.Detected{Object: "a", Area: 0.01 + 0.001*float64(i), Wall: wall,
				Stamp: s.now.Add(-100 * time.Millisecond)}) // the camera's clock does not jump
		}
		s.grows(jump.String(), true)
	}
}

var here = protocol.Box{X1: 0.1, Y1: 0.1, X2: 0.3, Y2: 0.3}

func TestANewIdThatOverlapsAnObjectContinuesIt(t *testing.T) {
	shifted := protocol.Box{X1: 0.14, Y1: 0.1, X2: 0.34, Y2: 0.3} // intersection over union 0.67
	far := protocol.Box{X1: 0.25, Y1: 0.1, X2: 0.45, Y2: 0.3}     // 0.14
	for _, c := range []struct {
		why   string
		label string
		box   protocol.Box
		no    bool // no box
		gap   time.Duration
		want  bool
	}{
		{"overlapping", "fire", shifted, false, time.Second, true},
		{"beside it", "fire", far, false, time.Second, false},
		{"without a box", "fire", shifted, true, time.Second, false},
		{"of another label", "smoke", shifted, false, time.Second, false},
		{"exactly 30 s later", "fire", shifted, false, 30 * time.Second, true},
		{"more than 30 s later", "fire", shifted, false, 30*time.Second + 1, false},
	} {
		config := atOnce()
		config.Window = 120 * time.Second
		s := newStory(t, config)
		for range 3 {
			s.pass(time.Second)
			s.detect(protocol.Detected{Object: "one", Area: 0.010, Box: here, HasBox: true, Ended: true})
		}
		s.pass(c.gap)
		for i := range 3 {
			s.detect(protocol.Detected{Object: "two", Area: 0.013, Label: c.label, Box: c.box,
				HasBox: !c.no})
			s.pass(time.Duration(i+1) * time.Second)
		}
		s.grows(c.why, c.want)
	}
}

func TestFlickerThatMakesANewIdEachSecondIsStillOneFire(t *testing.T) {
	s := newStory(t, standard())
	for i := range 40 {
		s.pass(time.Second)
		s.detect(protocol.Detected{Object: string(rune('A' + i)), Area: 0.01 + 0.001*float64(i),
			Box: here, HasBox: true})
	}
	s.grows("forty ids", true)
	if got := s.m.Verdict(s.now).Objects; !slices.Equal(got, []string{"A"}) {
		t.Errorf("objects %v, want the first id", got)
	}
	if n := len(s.m.names); n > maxNames {
		t.Errorf("%d ids are remembered", n)
	}
}

func TestWithoutAnObjectIdThereIsOneObjectPerLabel(t *testing.T) {
	s := newStory(t, atOnce())
	for _, area := range []float64{0.010, 0.010, 0.010, 0.013, 0.013} {
		s.pass(time.Second)
		s.detect(protocol.Detected{Label: "fire", Area: area})
		s.detect(protocol.Detected{Label: "smoke-verified", Area: area})
	}
	s.grows("five each", false)
	s.pass(time.Second)
	s.detect(protocol.Detected{Label: "smoke", Area: 0.013})
	s.grows("six of smoke", true)
	if got := s.m.Verdict(s.now).Objects; !slices.Equal(got, []string{"smoke"}) {
		t.Errorf("objects %v", got)
	}
}

// burning is a camera that saw a fire grow to an area and the trigger that followed.
func burning(t *testing.T) *story {
	c := atOnce()
	c.MaxSamples = 6 // short memory: what is said next is soon all there is
	s := newStory(t, c)
	s.sees(0.010, 0.010, 0.010, 0.020, 0.020, 0.020)
	s.want("before the trigger", true, true, false)
	s.m.Confirmed(protocol.FireConfirmed{ID: 1, At: s.now}, s.now)
	return s
}

func TestASteadyFireKeepsItsWater(t *testing.T) {
	s := burning(t)
	s.want("the pump has not answered", true, true, false)
	s.m.Answered(protocol.TriggerOutcome{ID: 1, Accepted: true}, s.now)
	s.want("accepted", true, true, true)
	s.sees(0.020, 0.020, 0.020, 0.020, 0.020, 0.020)
	s.want("it had grown and holds its size", true, false, true)
	s.sees(0.0101, 0.0101, 0.0101, 0.0101, 0.0101, 0.0101)
	s.want("a little above half", true, false, true)
	s.sees(0.0100, 0.0100, 0.0100, 0.0100, 0.0100, 0.0100)
	s.want("half", true, false, false)
	s.sees(0.0150, 0.0150, 0.0150, 0.0150, 0.0150, 0.0150)
	s.want("above half again", true, false, true)
	s.pass(30 * time.Second)
	s.want("no sample is in the window", true, false, false)
}

func TestARefusedTriggerLeavesTheOlderBaseLine(t *testing.T) {
	s := burning(t)
	s.m.Answered(protocol.TriggerOutcome{ID: 1, Accepted: true}, s.now)
	s.sees(0.011, 0.011, 0.011, 0.011, 0.011, 0.011)
	s.m.Confirmed(protocol.FireConfirmed{ID: 2, At: s.now}, s.now)
	s.m.Answered(protocol.TriggerOutcome{ID: 2, Reason: "stop_held"}, s.now)
	s.sees(0.009, 0.009, 0.009, 0.009, 0.009, 0.009)
	s.want("below half of the first trigger's size", true, false, false)
	s.sees(0.011, 0.011, 0.011, 0.011, 0.011, 0.011)
	s.m.Confirmed(protocol.FireConfirmed{ID: 3, At: s.now}, s.now)
	s.m.Answered(protocol.TriggerOutcome{ID: 3, Accepted: true}, s.now)
	s.sees(0.009, 0.009, 0.009, 0.009, 0.009, 0.009)
	s.want("above half of the third trigger's size", true, false, true)
}

func TestAnAnswerThatOvertakesItsTriggerStillMakesTheBaseLine(t *testing.T) {
	s := newStory(t, atOnce())
	s.sees(0.010, 0.010, 0.010, 0.020, 0.020, 0.020)
	s.m.Answered(protocol.TriggerOutcome{ID: 1, Accepted: true}, s.now)
	s.want("without sizes", true, true, false)
	s.m.Confirmed(protocol.FireConfirmed{ID: 1, At: s.now}, s.now)
	s.want("with sizes", true, true, true)
}

func TestAnObjectThatNeverGrewIsNoSteadyFire(t *testing.T) {
	s := newStory(t, atOnce())
	s.sees(0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02)
	s.m.Confirmed(protocol.FireConfirmed{ID: 1, At: s.now}, s.now)
	s.m.Answered(protocol.TriggerOutcome{ID: 1, Accepted: true}, s.now)
	s.want("a lamp", true, false, false)
}

func TestInventedIdsPushOutTheLeastRecentlyHeardAndAreCounted(t *testing.T) {
	c := atOnce()
	c.MaxObjects = 5
	s := newStory(t, c)
	for i := range 100 {
		s.pass(time.Millisecond)
		s.detect(protocol.Detected{Object: "real", Area: 0.01 + 0.001*float64(i)})
		s.detect(protocol.Detected{Object: string(rune(0x4e00 + i)), Area: 0.01})
	}
	s.grows("the one that is heard of stays", true)
	if s.m.Lost.Objects != 96 || len(s.m.objects) != 5 || len(s.m.names) != 5 {
		t.Errorf("dropped %d, kept %d under %d ids", s.m.Lost.Objects, len(s.m.objects), len(s.m.names))
	}
}

func TestAFloodOfSamplesIsBoundedAndCounted(t *testing.T) {
	s := newStory(t, standard())
	for i := range 5000 {
		s.pass(time.Millisecond)
		s.detect(protocol.Detected{Object: "a", Area: 0.01 + 0.00001*float64(i)})
	}
	if n := len(s.m.objects[0].samples); n != 600 || s.m.Lost.Samples != 4400 {
		t.Errorf("%d samples kept, %d dropped", n, s.m.Lost.Samples)
	}
}

func TestADenseFireIsFoundAlthoughMaxSamplesIsSoonReached(t *testing.T) {
	s := newStory(t, standard()) // 30 a second: 600 samples are 20 s
	for i := range 30 * 60 {
		s.pass(time.Second / 30)
		age := float64(i)/30 + 20
		s.detect(protocol.Detected{Object: "a", Area: 0.00005 * age * age})
	}
	s.grows("a minute of a fast fire", true)
}

// frames is a flame seen once a second: its size times the noise of the recordings (SOURCES.md
// there: AR(1) and white noise of each side, flicker of the height, outliers, misses).
func frames(seed uint64, seconds int, size func(float64) float64) (at, areas []float64) {
	r := rand.New(rand.NewPCG(seed, 7))
	slow := [2]float64{}
	phase := r.Float64() * 6
	for i := range seconds * 5 {
		second := float64(i) / 5
		side := [2]float64{}
		for k := range side {
			slow[k] = 0.9*slow[k] + 0.08*math.Sqrt(1-0.81)*r.NormFloat64()
			side[k] = slow[k] + 0.08*r.NormFloat64()
		}
		area := size(second) * math.Exp(side[0]+side[1]) * (1 + 0.13*math.Sin(phase+second*2*math.Pi*1.3))
		if r.Float64() < 0.02 {
			area *= []float64{0.45, 2}[r.IntN(2)]
		}
		if i%5 == 0 && r.Float64() > 0.08 {
			at, areas = append(at, second), append(areas, area)
		}
	}
	return at, areas
}

// found is the second at which growth is confirmed, -1 if it never is.
func found(t *testing.T, seed uint64, seconds int, size func(float64) float64) float64 {
	s := newStory(t, standard())
	at, areas := frames(seed, seconds, size)
	for i := range at {
		s.now = start.Add(time.Duration(at[i] * float64(time.Second)))
		s.detect(protocol.Detected{Object: "a", Area: areas[i]})
		if s.m.Verdict(s.now).Growing {
			return at[i]
		}
	}
	return -1
}

// With this noise (areas off by 23 %) a steady flame reads as growth once in forty minutes; twelve
// times five minutes have two. The recordings have none.
func TestFiresAreFoundAndASteadyFlameSeldomIs(t *testing.T) {
	for _, c := range []struct {
		name    string
		class   float64 // seconds to 2 % of the frame, NFPA t-squared; 0: steady
		least   int     // of 12 seeds, at least …
		most    int     // … and at most so many found
		seconds int
	}{
		{"steady", 0, 0, 2, 300}, {"ultrafast", 75, 12, 12, 300}, {"fast", 150, 12, 12, 300},
		{"medium", 300, 12, 12, 300}, {"slow", 600, 10, 12, 300},
	} {
		n, latest := 0, 0.0
		for seed := range uint64(12) {
			at := found(t, seed, c.seconds, func(second float64) float64 {
				if c.class == 0 {
					return 0.01
				}
				return 0.02 * (second / c.class) * (second / c.class)
			})
			if at >= 0 {
				n++
				latest = max(latest, at)
			}
		}
		t.Logf("%s: found %d of 12, the last after %.0f s", c.name, n, latest)
		if n < c.least || n > c.most {
			t.Errorf("%s: found %d of 12, want %d to %d", c.name, n, c.least, c.most)
		}
	}
}
