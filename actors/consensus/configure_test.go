package consensus

import (
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/protocol"
)

func TestACooldownLastsAsTheRulesOfNowSay(t *testing.T) {
	before := standard()
	for name, c := range map[string]struct {
		cooldown time.Duration
		at       time.Duration
		reset    bool
		until    time.Duration // since the start; 0: none
	}{
		"shorter":                      {100 * time.Second, 10 * time.Second, false, 100 * time.Second},
		"shorter than what has passed": {5 * time.Second, 10 * time.Second, false, 5 * time.Second},
		"longer":                       {900 * time.Second, 10 * time.Second, false, 900 * time.Second},
		"longer, but it is over":       {900 * time.Second, 400 * time.Second, false, 0},
		"longer, but a reset ended it": {900 * time.Second, 10 * time.Second, true, 0},
		"the same":                     {300 * time.Second, 10 * time.Second, false, 300 * time.Second},
		"none":                         {0, 100 * time.Millisecond, false, leastCooldown},
	} {
		p := newPlay(t, before)
		p.step(growing(2))
		p.accept()
		p.step(growing(0))
		p.until(c.at)
		if c.reset {
			p.step(protocol.CooldownEnded{})
		}
		after := before
		after.Cooldown = c.cooldown
		m := p.m.Ruled(before, after, at(p.now))
		want := time.Time{}
		if c.until > 0 {
			want = at(c.until)
		}
		if !m.CooldownUntil.Equal(want) {
			t.Errorf("%s: until %v, want %v", name, m.CooldownUntil.Sub(start), c.until)
		}
	}
}

func TestOtherRulesDecideAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, defaults())
		w.verdict("north", true, false)
		if n := len(w.settle().fires); n != 0 {
			t.Fatalf("%d fires by the old rules", n)
		}
		s := defaults()
		s.Config.Threshold = 1
		w.ref.Send(Configured{Config: s.Config, FireOffDelay: s.FireOffDelay})
		if n := len(w.settle().fires); n != 1 {
			t.Errorf("%d fires by the new rules", n)
		}
		s.Config.Threshold = 2
		w.ref.Send(Configured{Config: s.Config, FireOffDelay: s.FireOffDelay})
		time.Sleep(s.Config.Cooldown + time.Second)
		if n := len(w.settle().fires); n != 1 {
			t.Errorf("%d fires by stricter rules", n)
		}
		w.stop(t)
	})
}
