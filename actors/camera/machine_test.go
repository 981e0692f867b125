package camera

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// pair is the machine and the dumb evaluation, fed the same.
type pair struct {
	m   *Machine
	d   *dumb
	now instant
}

func newPair(c Config) *pair {
	return &pair{m: New(c, "north", start), d: &dumb{c: c, name: "north"}}
}

func (p *pair) time(u instant) time.Time { return start.Add(u) }

func (p *pair) machineVerdict(u instant) protocol.CameraVerdict {
	v := p.m.Verdict(p.time(u))
	v.At = time.Time{}
	if len(v.Objects) == 0 {
		v.Objects = nil
	}
	return v
}

func (p *pair) dumbVerdict(u instant) protocol.CameraVerdict {
	v := p.d.verdict(u)
	if len(v.Objects) == 0 {
		v.Objects = nil
	}
	return v
}

type failer interface{ Fatalf(string, ...any) }

func (p *pair) compare(t failer, u instant) {
	if got, want := p.machineVerdict(u), p.dumbVerdict(u); !reflect.DeepEqual(got, want) {
		t.Fatalf("at %v the machine says %+v, all samples say %+v", u, got, want)
	}
}

// pass goes to an instant. looking compares both at every turn on the way; else the machine sleeps
// as its actor would, and must be right whenever it would have slept.
func (p *pair) pass(t failer, to instant, looking bool) {
	if looking {
		for _, u := range p.d.turns(p.now, to) {
			p.compare(t, u)
			p.now = u
		}
	} else {
		held := p.machineVerdict(p.now)
		until := p.m.Until(p.time(p.now))
		end := to
		if !until.IsZero() {
			end = min(end, until.Sub(start))
		}
		for _, u := range p.d.turns(p.now, end) {
			if want := p.dumbVerdict(u); !reflect.DeepEqual(held, want) {
				t.Fatalf("asleep from %v until %v with %+v, but at %v it is %+v",
					p.now, until.Sub(start), held, u, want)
			}
		}
	}
	p.now = to
}

func (p *pair) detected(d protocol.Detected, arrived, age instant, stamped bool) {
	d.Arrived = p.time(arrived)
	d.Wall = start.Add(1000*time.Hour + arrived)
	at := arrived
	if stamped {
		d.Stamp = d.Wall.Add(-age)
		if age > 0 && age <= p.d.c.Skew {
			at = arrived - age
		}
	}
	p.m.Detected(d, p.time(p.now))
	p.d.detected(d, arrived, at, p.now)
}

func drawConfig(t *rapid.T) Config {
	second := func(name string, values ...int) time.Duration {
		return time.Duration(rapid.SampledFrom(values).Draw(t, name)) * time.Second
	}
	return Config{
		Window: second("window", 10, 12, 40), Hold: second("hold", 0, 1, 4, 15),
		Skew: second("skew", 0, 2, 5), Timeout: second("timeout", 8, 20),
		MinConfidence: 0.7, MinArea: 0.001, MaxArea: 0.8,
		Ratio:      rapid.SampledFrom([]float64{1, 1.2}).Draw(t, "ratio"),
		Average:    rapid.SampledFrom([]int{1, 2, 3}).Draw(t, "w"),
		Labels:     []string{"fire", "smoke"},
		MaxObjects: rapid.SampledFrom([]int{1, 2, 3, 50}).Draw(t, "maxObjects"),
		MaxSamples: rapid.SampledFrom([]int{6, 9, 20, 600}).Draw(t, "maxSamples"),
		MaxCameras: 10,
	}
}

var boxes = []protocol.Box{{X1: 0.1, Y1: 0.1, X2: 0.3, Y2: 0.3},
	{X1: 0.12, Y1: 0.12, X2: 0.34, Y2: 0.34}, {X1: 0.2, Y1: 0.1, X2: 0.42, Y2: 0.3},
	{X1: 0.7, Y1: 0.7, X2: 0.9, Y2: 0.9}}

var areas = []float64{0.01, 0.012, 0.0121, 0.02, 0.03, 0.05, 0.1, 0.3, 0.8, 0.81, 1, 0.0005}

func drawDetected(t *rapid.T, p *pair, step int) {
	d := protocol.Detected{Camera: "north", Confidence: 0.9,
		Label:  rapid.SampledFrom([]string{"fire", "fire", "fire", "smoke", "car"}).Draw(t, "label"),
		Object: rapid.SampledFrom([]string{"a", "a", "a", "a", "b", "c", "d", ""}).Draw(t, "object")}
	if rapid.IntRange(0, 2).Draw(t, "how") == 0 {
		d.Area = rapid.SampledFrom(areas).Draw(t, "area")
	} else { // a fire that grows, so that verdicts turn at all
		d.Area = min(0.75, 0.01+float64(step)*0.004)
	}
	if rapid.IntRange(0, 9).Draw(t, "unsure") == 0 {
		d.Confidence = 0.5
	}
	if i := rapid.IntRange(-3, len(boxes)-1).Draw(t, "box"); i >= 0 {
		d.HasBox, d.Box = true, boxes[i]
	}
	tick := 500 * time.Millisecond
	delay := tick * time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(t, "delay"))
	age := tick * time.Duration(rapid.IntRange(-1, 12).Draw(t, "age"))
	stamped := rapid.Bool().Draw(t, "stamped")
	p.detected(d, p.now-delay, age, stamped)
	if rapid.IntRange(0, 9).Draw(t, "twice") == 0 {
		p.detected(d, p.now-delay, age, stamped)
	}
}

// drawTriggers sends triggers and answers in any order, some never answered, some refused.
func drawTrigger(t *rapid.T, p *pair, sent uint64) uint64 {
	switch rapid.IntRange(0, 3).Draw(t, "trigger") {
	case 0:
		sent++
		at := p.now - time.Duration(rapid.IntRange(0, 1).Draw(t, "ago"))*500*time.Millisecond
		p.m.Confirmed(protocol.FireConfirmed{ID: sent, At: p.time(at)}, p.time(p.now))
		p.d.confirmedAt(sent, at, p.now)
	case 1: // the answer overtakes
		sent++
		p.m.Answered(protocol.TriggerOutcome{ID: sent, Accepted: true}, p.time(p.now))
		p.d.answered(sent, true)
		p.m.Confirmed(protocol.FireConfirmed{ID: sent, At: p.time(p.now)}, p.time(p.now))
		p.d.confirmedAt(sent, p.now, p.now)
	default:
		accepted := rapid.Bool().Draw(t, "accepted")
		p.m.Answered(protocol.TriggerOutcome{ID: sent, Accepted: accepted}, p.time(p.now))
		p.d.answered(sent, accepted)
	}
	return sent
}

func TestTheVerdictIsAFunctionOfSamplesAndTimeAlone(t *testing.T) {
	var seen struct{ growing, steady, lost, turns int }
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(drawConfig(t))
		var sent uint64
		was := p.machineVerdict(0)
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			gap := rapid.SampledFrom([]int{0, 1, 1, 2, 2, 2, 3, 5, 9, 61, 70}).Draw(t, "gap")
			p.pass(t, p.now+time.Duration(gap)*500*time.Millisecond,
				rapid.Bool().Draw(t, "looking"))
			switch kind := rapid.IntRange(0, 19).Draw(t, "kind"); {
			case kind == 0:
				p.m.Heard(p.time(p.now), p.time(p.now))
				p.d.hear(p.now, p.now)
			case kind <= 2:
				sent = drawTrigger(t, p, sent)
			default:
				drawDetected(t, p, step)
			}
			if rapid.IntRange(0, 3).Draw(t, "blind") > 0 {
				p.compare(t, p.now)
				v := p.machineVerdict(p.now)
				if v.Growing {
					seen.growing++
				}
				if v.Steady && !v.Growing {
					seen.steady++
				}
				if !reflect.DeepEqual(v, was) {
					seen.turns++
				}
				was = v
			}
		}
		p.pass(t, p.now+2*time.Minute, true)
		seen.lost += p.m.Lost.Samples + p.m.Lost.Objects
	})
	if seen.growing == 0 || seen.steady == 0 || seen.lost == 0 || seen.turns == 0 {
		t.Errorf("the histories prove nothing: %+v", seen)
	}
	t.Logf("seen %+v", seen)
}

// In a different order of arrival, all heard in the end, the verdict is the same.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := standard()
		c.Skew = 20 * time.Second
		n := rapid.IntRange(1, 40).Draw(t, "n")
		type one struct {
			at   instant
			area float64
		}
		var all []one
		for i := range n {
			all = append(all, one{time.Duration(rapid.IntRange(0, 19).Draw(t, "at")) * time.Second,
				0.01 + 0.001*float64(i)*float64(rapid.IntRange(0, 3).Draw(t, "up"))})
		}
		feed := func(order []one) protocol.CameraVerdict {
			m := New(c, "north", start)
			for _, s := range order {
				now := start.Add(20 * time.Second)
				wall := now.Add(time.Hour)
				m.Detected(protocol.Detected{Camera: "north", Label: "fire", Object: "a", Confidence: 0.9,
					Area: s.area, Arrived: now, Wall: wall, Stamp: wall.Add(s.at - 20*time.Second)}, now)
				m.Verdict(now)
			}
			return m.Verdict(start.Add(20 * time.Second))
		}
		sorted := slices.Clone(all)
		slices.SortFunc(sorted, func(a, b one) int { return int(a.at - b.at) })
		if a, b := feed(sorted), feed(rapid.Permutation(all).Draw(t, "order")); !reflect.DeepEqual(a, b) {
			t.Fatalf("in order %+v, out of order %+v", a, b)
		}
	})
}

// standard is the default configuration of SPEC §2.
func standard() Config {
	return Config{Window: 30 * time.Second, MinConfidence: 0.7, MinArea: 0.001, MaxArea: 0.8,
		Ratio: 1.2, Average: 3, Hold: 10 * time.Second, Timeout: 60 * time.Second, Skew: 10 * time.Second,
		Labels: []string{"fire", "smoke"}, MaxCameras: 1000, MaxObjects: 50, MaxSamples: 600}
}

// The same with one object that is always at its bound and half of whose samples are late: what
// max_samples took stays in the past, and late samples do not rewrite what they cannot know.
func TestTheVerdictHoldsAtTheBoundOfSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := standard()
		c.Window, c.Skew = 10*time.Second, 6*time.Second
		c.Hold = time.Duration(rapid.IntRange(0, 4).Draw(t, "hold")) * time.Second
		c.Average = rapid.IntRange(1, 2).Draw(t, "w")
		c.MaxSamples = rapid.IntRange(4, 8).Draw(t, "maxSamples")
		p := newPair(c)
		for range rapid.IntRange(20, 80).Draw(t, "steps") {
			gap := rapid.SampledFrom([]int{0, 1, 2, 3, 8}).Draw(t, "gap")
			p.pass(t, p.now+time.Duration(gap)*500*time.Millisecond, rapid.Bool().Draw(t, "looking"))
			area := 0.01 * float64(rapid.SampledFrom([]int{1, 2, 3, 6, 90}).Draw(t, "area"))
			age := rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5, 9, 12}).Draw(t, "age")
			p.detected(protocol.Detected{Camera: "north", Label: "fire", Object: "a", Confidence: 1,
				Area: area}, p.now, time.Duration(age)*500*time.Millisecond, true)
			if rapid.Bool().Draw(t, "look") {
				p.compare(t, p.now)
			}
		}
		p.pass(t, p.now+30*time.Second, true)
	})
}
