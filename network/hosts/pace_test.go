package hosts

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func mostInASecond(sent []time.Time) int { return mostIn(time.Second, sent) }

// mostIn is the most that any such time holds, wherever it begins.
func mostIn(any time.Duration, sent []time.Time) (most int) {
	first := 0
	for i, at := range sent {
		for at.Sub(sent[first]) >= any {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestNoSecondHoldsMoreThanTheRate(t *testing.T) {
	for _, rate := range []int{1, 2, 10, 64, 199, 1000, 10000} {
		for _, late := range []time.Duration{0, 300 * time.Microsecond, 3 * time.Millisecond, 50 * time.Millisecond, 2 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				p, random := newPacer(rate), rand.New(rand.NewPCG(1, uint64(rate)))
				began := time.Now()
				var sent []time.Time
				for range 3 * rate {
					if err := p.wait(t.Context()); err != nil {
						t.Fatal(err)
					}
					sent = append(sent, time.Now())
					if late > 0 && random.IntN(10) == 0 {
						time.Sleep(time.Duration(random.Int64N(int64(late)))) // the machine is busy
					}
				}
				if burst := mostIn(5*time.Millisecond, sent); burst > 6*p.most {
					t.Errorf("rate %d, up to %v late: %d in 5 ms", rate, late, burst)
				}
				if most := mostInASecond(sent); most > rate {
					t.Errorf("rate %d, up to %v late: %d in a second", rate, late, most)
				}
				if took := time.Since(began); late < time.Millisecond && took > 3*window {
					t.Errorf("rate %d, up to %v late: %v for %d", rate, late, took, len(sent))
				}
			})
		}
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		p := newPacer(1)
		if err := errors.Join(p.wait(ctx), p.wait(ctx)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := p.wait(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := p.wait(ctx); err == nil {
			t.Error("it goes on")
		}
		if err := sleep(ctx, time.Hour); err == nil {
			t.Error("it sleeps")
		}
	})
}

func TestRatesAreKept(t *testing.T) {
	for told, want := range map[int]int{0: DefaultRate, -5: DefaultRate, 1: 1, 1000: 1000, 1 << 30: MostRate} {
		if got := rateOf(told); got != want {
			t.Errorf("%d is taken for %d, want %d", told, got, want)
		}
	}
}
