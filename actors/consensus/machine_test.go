package consensus

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

func standard() Rules {
	return Rules{Config{Threshold: 2, Cooldown: 300 * time.Second}, 1800 * time.Second}
}

// play feeds inputs at seconds and returns the seconds at which triggers were sent.
type play struct {
	t     *testing.T
	r     Rules
	m     Machine
	now   time.Duration
	fired []time.Duration
}

func newPlay(t *testing.T, r Rules) *play { return &play{t: t, r: r} }

func (p *play) step(in Input) {
	m, fire := Step(p.r, p.m, in, at(p.now))
	p.m = m
	if fire {
		p.fired = append(p.fired, p.now)
	}
}

// until passes time, waking only when the machine asked to.
func (p *play) until(end time.Duration) {
	for {
		next := p.m.Until(p.r, at(p.now))
		if next.IsZero() || next.Sub(start) > end {
			break
		}
		p.now = next.Sub(start)
		p.step(nil)
	}
	p.now = end
}

func (p *play) accept() { p.answer(protocol.TriggerOutcome{ID: p.m.Sent, Accepted: true}) }
func (p *play) refuse() { p.answer(protocol.TriggerOutcome{ID: p.m.Sent, Reason: "refill"}) }

func (p *play) answer(o protocol.TriggerOutcome) { p.step(o) }

func (p *play) want(seconds ...float64) {
	p.t.Helper()
	var want []time.Duration
	for _, s := range seconds {
		want = append(want, time.Duration(s*float64(time.Second)))
	}
	if !slices.Equal(p.fired, want) {
		p.t.Errorf("triggers at %v, want %v", p.fired, want)
	}
}

func growing(n int) Counts { return Counts{Cameras: n, Online: n, Growing: n} }
func steady(n int) Counts  { return Counts{Cameras: n, Online: n, Steady: n} }

func TestOneGrowingCameraDoesNotTriggerAtThresholdTwoAndTwoDoOnce(t *testing.T) {
	p := newPlay(t, standard())
	p.step(growing(1))
	p.want()
	p.step(growing(2))
	p.accept()
	for range 100 {
		p.step(growing(3))
		p.step(growing(2))
	}
	p.until(299 * time.Second)
	p.want(0)
}

func TestAThresholdOfOneIsEnough(t *testing.T) {
	r := standard()
	r.Threshold = 1
	p := newPlay(t, r)
	p.step(growing(1))
	p.want(0)
}

func TestAFireThatStillGrowsTriggersAgainAtTheEndOfTheCooldown(t *testing.T) {
	p := newPlay(t, standard())
	p.step(growing(2))
	p.accept()
	for range 3 {
		p.until(p.now + 300*time.Second)
		p.accept()
	}
	p.want(0, 300, 600, 900)
}

func TestWhileOneTriggerIsOutstandingNoOtherIsSent(t *testing.T) {
	p := newPlay(t, standard())
	p.step(growing(2))
	p.now = 1999 * time.Millisecond
	p.step(growing(3))
	p.want(0)
}

func TestAnUnansweredTriggerIsSentAgainAfterTwoSeconds(t *testing.T) {
	p := newPlay(t, standard())
	p.step(growing(2))
	p.until(5 * time.Second)
	p.want(0, 2, 4)
}

func TestALateAnswerStillStartsTheCooldown(t *testing.T) {
	p := newPlay(t, standard())
	p.step(growing(2))
	p.until(3 * time.Second)
	p.answer(protocol.TriggerOutcome{ID: 1, Accepted: true})
	p.accept()
	p.until(100 * time.Second)
	p.want(0, 2)
	if p.m.Accepted != 2 {
		t.Errorf("accepted %d, want 2", p.m.Accepted)
	}
}

func TestARefusedTriggerStartsNoCooldownAndIsSentAgainAfterTenSeconds(t *testing.T) {
	p := newPlay(t, standard())
	p.step(growing(2))
	p.refuse()
	if !p.m.CooldownUntil.IsZero() {
		t.Error("a refused trigger started the cooldown")
	}
	p.until(9999 * time.Millisecond)
	p.step(growing(3))
	p.want(0)
	p.until(10 * time.Second)
	p.want(0, 10)
}

func TestARefusedTriggerIsSentAtOnceWhenThePumpNoLongerRefuses(t *testing.T) {
	p := newPlay(t, standard())
	p.step(growing(2))
	p.refuse()
	p.step(protocol.PumpStatus{Refuses: "refill"})
	p.now = 3 * time.Second
	p.step(protocol.PumpStatus{Refuses: "refill"})
	p.want(0)
	p.step(protocol.PumpStatus{})
	p.want(0, 3)
	p.refuse()
	p.step(protocol.PumpStatus{}) // no change: no reason to ask again
	p.want(0, 3)
}

func TestAResetEndsTheCooldownAndTheWaitAfterARefusal(t *testing.T) {
	p := newPlay(t, standard())
	p.step(growing(2))
	p.accept()
	p.now = 5 * time.Second
	p.step(protocol.CooldownEnded{})
	p.want(0, 5)
	p.refuse()
	p.now = 6 * time.Second
	p.step(protocol.CooldownEnded{})
	p.want(0, 5, 6)
}

func TestASteadyFireAloneNeverStartsThePump(t *testing.T) {
	p := newPlay(t, standard())
	p.step(steady(5))
	p.until(time.Hour)
	p.want()
}

func TestASteadyFireKeepsItsWaterWithinFireOffDelayOfTheLastTrigger(t *testing.T) {
	r := standard()
	r.Cooldown, r.FireOffDelay = 100*time.Second, 150*time.Second
	p := newPlay(t, r)
	p.step(growing(2))
	p.accept()
	p.step(Counts{Cameras: 2, Online: 2, Growing: 1, Steady: 1})
	p.until(100 * time.Second)
	p.accept()
	p.step(steady(1))
	p.until(250 * time.Second)
	p.step(steady(2)) // exactly fire_off_delay after the last one
	p.want(0, 100, 250)
	p.accept()
	p.step(steady(1))
	p.until(400*time.Second + 1)
	p.step(steady(2))
	p.want(0, 100, 250)
}

func TestWithoutACooldownOneTriggerASecondIsTheMost(t *testing.T) {
	r := standard()
	r.Cooldown = 0
	p := newPlay(t, r)
	p.step(growing(2))
	p.accept()
	for range 50 {
		p.step(growing(2))
	}
	p.want(0)
	p.until(time.Second)
	p.want(0, 1)
}

func TestAnAnswerToATriggerFromOutsideIsNotOurs(t *testing.T) {
	p := newPlay(t, standard())
	p.step(growing(2))
	p.answer(protocol.TriggerOutcome{ID: 0, Accepted: true})
	p.answer(protocol.TriggerOutcome{ID: 9, Accepted: true})
	if !p.m.Outstanding || p.m.Accepted != 0 {
		t.Errorf("the answer was taken for ours: %+v", p.m)
	}
}

func TestTheCooldownGoesOnOverARestartButNotOverAReboot(t *testing.T) {
	r := standard()
	memory := protocol.ConsensusMemory{LastAccepted: 1000 * time.Second, BootID: "one"}
	for _, c := range []struct {
		why    string
		memory protocol.ConsensusMemory
		boot   string
		since  time.Duration
		left   time.Duration
	}{
		{"same boot", memory, "one", 1100 * time.Second, 200 * time.Second},
		{"same boot, long ago", memory, "one", 5000 * time.Second, 0},
		{"another boot", memory, "two", 1100 * time.Second, 0},
		{"no boot id", protocol.ConsensusMemory{LastAccepted: 1000 * time.Second}, "",
			1100 * time.Second, 0},
		{"from the future", memory, "one", 900 * time.Second, 0},
		{"fresh", protocol.ConsensusMemory{}, "one", 1100 * time.Second, 0},
	} {
		p := newPlay(t, r)
		p.m = Recall(r, c.memory, Clocks{start, c.since, c.boot})
		p.step(growing(2))
		p.until(c.left)
		p.fired = p.fired[:min(1, len(p.fired))]
		t.Run(c.why, func(t *testing.T) { p.t = t; p.want(c.left.Seconds()) })
	}
}

func TestWhatIsRememberedIsRecalled(t *testing.T) {
	r := standard()
	p := newPlay(t, r)
	p.step(growing(2))
	p.accept()
	p.until(40 * time.Second)
	memory := p.m.Memory(7, Clocks{at(p.now), 1040 * time.Second, "one"})
	want := protocol.ConsensusMemory{LastAccepted: 1000 * time.Second, BootID: "one", Triggers: 7}
	if memory != want {
		t.Fatalf("remembered %+v, want %+v", memory, want)
	}
	m := Recall(r, memory, Clocks{at(50 * time.Second), 1050 * time.Second, "one"})
	if !m.CooldownUntil.Equal(at(300 * time.Second)) {
		t.Errorf("cooldown until %v, want 300s", m.CooldownUntil.Sub(start))
	}
	p.step(protocol.CooldownEnded{})
	memory = p.m.Memory(7, Clocks{at(p.now), 1040 * time.Second, "one"})
	if memory.LastAccepted != 0 {
		t.Errorf("a cooldown that a reset ended is remembered: %+v", memory)
	}
}

// dumb keeps every verdict and answer and decides from the whole list.
type dumb struct {
	r        Rules
	verdicts map[string]protocol.CameraVerdict
	sent     []time.Duration
	asked    time.Duration // outstanding since; -1: not
	accepted time.Duration // last; -1: never
	quiet    time.Duration // no trigger before, for cooldown
	wait     time.Duration // no trigger before, for a refusal
	refuses  bool
}

func (d *dumb) agreeing(now time.Duration) (n int) {
	for _, v := range d.verdicts {
		kind2 := v.Steady && d.accepted >= 0 && now-d.accepted <= d.r.FireOffDelay
		if v.Online && (v.Growing || kind2) {
			n++
		}
	}
	return n
}

func (d *dumb) decide(now time.Duration) bool {
	waiting := d.asked >= 0 && now-d.asked < 2*time.Second
	if waiting || now < d.quiet || now < d.wait || d.agreeing(now) < d.r.Threshold {
		return false
	}
	d.asked = now
	d.sent = append(d.sent, now)
	return true
}

func (d *dumb) answered(id uint64, accepted bool, now time.Duration) {
	current := int(id) == len(d.sent)
	switch {
	case accepted:
		d.accepted = now
		if current {
			d.accepted, d.asked = d.sent[id-1], -1
		}
		d.quiet = d.accepted + max(d.r.Cooldown, time.Second)
	case current:
		d.asked, d.wait = -1, now+10*time.Second
	}
}

func TestTriggersAreThoseOfADumbEvaluationAtEveryInstant(t *testing.T) {
	total := 0
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(name string, values ...int) time.Duration {
			return time.Duration(rapid.SampledFrom(values).Draw(t, name)) * time.Second
		}
		r := Rules{Config{Threshold: rapid.IntRange(1, 3).Draw(t, "threshold"),
			Cooldown: seconds("cooldown", 0, 5, 30)}, seconds("off", 10, 60)}
		d := &dumb{r: r, verdicts: map[string]protocol.CameraVerdict{}, asked: -1, accepted: -1}
		roll, m := NewRoll(), Machine{}
		var now time.Duration
		var last uint64 // newest answered
		check := func(in Input, gap string) {
			next, fire := Step(r, m, in, at(now))
			m = next
			if want := d.decide(now); fire != want {
				t.Fatalf("%s at %v: trigger %v, want %v; %+v", gap, now, fire, want, m)
			}
			if again, twice := Step(r, m, nil, at(now)); twice || again != m {
				t.Fatalf("at %v the machine does not settle: %+v then %+v", now, m, again)
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			gap := rapid.SampledFrom([]int{0, 1, 2, 4, 9, 20, 61, 130}).Draw(t, "gap")
			end := now + 500*time.Millisecond*time.Duration(gap)
			for { // the dumb one decides at every instant at which anything could turn
				until := m.Until(r, at(now))
				turn := end
				for _, u := range []time.Duration{d.asked + 2*time.Second, d.quiet, d.wait,
					d.accepted + r.FireOffDelay + 1} {
					if now < u && u < turn {
						turn = u
					}
				}
				if turn == end {
					break
				}
				if until.IsZero() || until.After(at(turn)) {
					if c := *d; c.decide(turn) {
						t.Fatalf("asleep until %v, but a trigger is due at %v", until, turn)
					}
				}
				now = turn
				check(nil, "time")
			}
			now = end
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0:
				d.quiet, d.wait = 0, 0
				check(protocol.CooldownEnded{}, "reset")
			case 1:
				refuses := rapid.SampledFrom([]string{"", "refill"}).Draw(t, "refuses")
				if d.refuses && refuses == "" {
					d.wait = 0
				}
				d.refuses = refuses != ""
				check(protocol.PumpStatus{Refuses: refuses}, "status")
			case 2, 3, 4:
				id := uint64(len(d.sent) - rapid.IntRange(0, 1).Draw(t, "back"))
				if len(d.sent) == 0 || id <= last {
					check(nil, "nothing")
					continue
				}
				accepted := rapid.Bool().Draw(t, "accepted")
				last = id
				d.answered(id, accepted, now)
				check(protocol.TriggerOutcome{ID: id, Accepted: accepted}, "answer")
			default:
				v := protocol.CameraVerdict{
					Camera:  rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "camera"),
					Online:  rapid.IntRange(0, 3).Draw(t, "online") > 0,
					Growing: rapid.Bool().Draw(t, "growing"), Steady: rapid.Bool().Draw(t, "steady"),
					Gone: rapid.IntRange(0, 9).Draw(t, "gone") == 0}
				roll.Note(v)
				d.verdicts[v.Camera] = v
				if v.Gone {
					delete(d.verdicts, v.Camera)
				}
				check(roll.Counts, "verdict")
			}
		}
		total += len(d.sent)
	})
	if total == 0 {
		t.Error("no history had a trigger")
	}
	t.Logf("%d triggers", total)
}

func TestTheRollCountsWhatACountFromScratchFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRoll()
		newest := map[string]protocol.CameraVerdict{}
		for range rapid.IntRange(0, 50).Draw(t, "n") {
			v := protocol.CameraVerdict{Camera: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "camera"),
				Online: rapid.Bool().Draw(t, "online"), Growing: rapid.Bool().Draw(t, "growing"),
				Steady: rapid.Bool().Draw(t, "steady"), Gone: rapid.IntRange(0, 5).Draw(t, "gone") == 0,
				Watch: uint64(rapid.IntRange(1, 3).Draw(t, "watch")), Objects: []string{"x"}}
			r.Note(v)
			if old, ok := newest[v.Camera]; ok && v.Watch < old.Watch {
				continue
			}
			if newest[v.Camera] = v; v.Gone {
				delete(newest, v.Camera)
			}
		}
		var want Counts
		var cameras []string
		for name, v := range newest {
			want.Cameras++
			if v.Online {
				want.Online++
				if v.Growing {
					want.Growing++
				} else if v.Steady {
					want.Steady++
				}
				if v.Growing || v.Steady {
					cameras = append(cameras, name)
				}
			}
		}
		slices.Sort(cameras)
		if r.Counts != want {
			t.Fatalf("counts %+v, want %+v", r.Counts, want)
		}
		if got, _ := r.Agreeing(true); !slices.Equal(got, cameras) {
			t.Fatalf("agreeing %v, want %v", got, cameras)
		}
	})
}

func TestZonesAreThoseOfTheAgreeingCamerasAndOnlyWithZoneActivation(t *testing.T) {
	c := Config{ZoneMapping: map[string][]string{"a": {"roof", "yard"}, "b": {"yard"}, "c": {"shed"}}}
	if got := c.Zones([]string{"a", "b"}); got != nil {
		t.Errorf("zones %v without zone_activation", got)
	}
	c.ZoneActivation = true
	got, want := c.Zones([]string{"b", "a", "x"}), []string{"roof", "yard"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("zones %v, want %v", got, want)
	}
}
