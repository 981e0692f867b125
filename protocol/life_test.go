package protocol

import (
	"testing"
	"time"
)

func TestABeatIsAQuarterOfTheDeadmanAndAtMostASecond(t *testing.T) {
	for _, c := range []struct{ deadman, beat time.Duration }{
		{0, time.Second}, {500 * time.Millisecond, 125 * time.Millisecond},
		{2 * time.Second, 500 * time.Millisecond}, {30 * time.Second, time.Second},
	} {
		if got := BeatOf(c.deadman); got != c.beat {
			t.Errorf("deadman %v: a beat of %v, want %v", c.deadman, got, c.beat)
		}
	}
}

func TestASilenceIsOverWhenItsPatienceIs(t *testing.T) {
	const patience = 2 * time.Second
	start := time.Unix(1000, 0)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	heard := Vigil{}.Heard(start)
	for _, c := range []struct {
		name     string
		vigil    Vigil
		patience time.Duration
		due      time.Duration // since start; below zero: never
	}{
		{"nobody is watched", Vigil{}, patience, -1},
		{"no patience is patience for ever", heard, 0, -1},
		{"after the last word", heard, patience, patience},
		{"before the first word", Vigil{}.Began(start, patience), patience, FirstPatience},
		{"before the first word, with a longer patience", Vigil{}.Began(start, 30*time.Second), 30 * time.Second, 30 * time.Second},
		{"a timer on time is no pause", heard.Paused(at(patience), at(patience)), patience, patience},
		{"a timer a little late is no pause", heard.Paused(at(patience), at(patience+LateBy)), patience, patience},
		{"a late timer is a pause", heard.Paused(at(patience), at(time.Minute)), patience, time.Minute + Grace},
		{"a pause early in the silence takes nothing away", heard.Paused(at(0), at(time.Second)), patience, patience},
		{"a word ends its graces", heard.Paused(at(0), at(time.Minute)).Heard(at(time.Hour)), patience, time.Hour + patience},
	} {
		due := c.vigil.Due(c.patience)
		if c.due < 0 {
			if !due.IsZero() || c.vigil.Over(c.patience, at(1000*time.Hour)) {
				t.Errorf("%s: over at %v", c.name, due)
			}
			continue
		}
		if !due.Equal(at(c.due)) || c.vigil.Over(c.patience, due.Add(-1)) || !c.vigil.Over(c.patience, due) {
			t.Errorf("%s: over after %v, want %v", c.name, due.Sub(start), c.due)
		}
	}
}

func TestNoLatenessProlongsASilenceForEver(t *testing.T) {
	v, now := Vigil{}.Heard(time.Unix(1000, 0)), time.Unix(1000, 0)
	for n := range 100 {
		due := now
		now = now.Add(3 * time.Second)
		if v = v.Paused(due, now); v.Over(2*time.Second, now) {
			if n != MostGraces {
				t.Errorf("over at the late timer number %d, want %d", n, MostGraces)
			}
			return
		}
	}
	t.Error("a silence without an end")
}
