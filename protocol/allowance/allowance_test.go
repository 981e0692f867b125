package allowance

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestABucketLetsSoManyThroughAndOneMoreEachSpan(t *testing.T) {
	const most, each = 3, time.Second
	var b Bucket
	begun := time.Now()
	for _, c := range []struct {
		at, wait time.Duration
	}{
		{0, 0}, {0, 0}, {0, 0}, {0, each}, {each - 1, 1}, {each, 0}, {each, each}, {5 * each / 2, 0}, {5 * each / 2, each / 2},
		{time.Hour, 0}, {time.Hour, 0}, {time.Hour, 0}, {time.Hour, each},
	} {
		if wait := b.Take(begun.Add(c.at), most, each); wait != c.wait {
			t.Errorf("after %v: %v, want %v", c.at, wait, c.wait)
		}
	}
}

// TestABucketAgainstCounting: of any stretch of time no more than most and one a span, and who waits as long as
// it is told to is let through.
func TestABucketAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most, each := rapid.IntRange(1, 5).Draw(t, "most"), time.Duration(rapid.IntRange(1, 1000).Draw(t, "each"))
		now := time.Now()
		var b Bucket
		var taken []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "pause")))
			wait := b.Take(now, most, each)
			if wait > 0 {
				if now = now.Add(wait); b.Take(now, most, each) != 0 {
					t.Fatalf("nothing after %v of waiting", wait)
				}
			}
			taken = append(taken, now)
			for i, first := range taken {
				if n := len(taken) - i; n > most+int(now.Sub(first)/each) {
					t.Fatalf("%d in %v", n, now.Sub(first))
				}
			}
		}
	})
}
