package actors

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

type stop struct{ n int }
type order struct{ n int }
type seen struct{ n int }
type maybe struct{ urgent, bulk bool }

func (stop) Urgent() bool    { return true }
func (seen) Bulk() bool      { return true }
func (m maybe) Urgent() bool { return m.urgent }
func (m maybe) Bulk() bool   { return m.bulk }

func TestALaneIsChosenByValue(t *testing.T) {
	for msg, want := range map[any]int{
		stop{}: laneUrgent, order{}: laneControl, seen{}: laneBulk,
		maybe{}: laneControl, maybe{urgent: true}: laneUrgent, maybe{bulk: true}: laneBulk,
		maybe{urgent: true, bulk: true}: laneUrgent,
		worked{result: stop{}}:          laneUrgent, worked{result: seen{}}: laneBulk,
		fired{}: laneUrgent, "text": laneControl,
	} {
		if got := laneOf(msg); got != want {
			t.Errorf("%T%+v is in lane %d, want %d", msg, msg, got, want)
		}
	}
}

// idle never runs what is posted: the test takes the messages itself.
type idle struct{}

func (idle) Schedule(func()) {}
func (idle) Throughput() int { return 300 }

// TestLanesAgreeWithASimpleModel posts and takes messages at random, against three plain slices.
func TestLanesAgreeWithASimpleModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 50).Draw(t, "limit")
		box := newLanes(limit)
		box.RegisterHandlers(nil, idle{})
		var model [numLanes][]any
		var figures Figures
		n := 0
		t.Repeat(map[string]func(*rapid.T){
			"post": func(t *rapid.T) {
				lane := rapid.IntRange(0, numLanes-1).Draw(t, "lane")
				for range rapid.SampledFrom([]int{1, 5, 60}).Draw(t, "many") {
					n++
					msg := []any{stop{n}, order{n}, seen{n}}[lane]
					box.PostUserMessage(msg)
					if lane == laneBulk && len(model[lane]) == limit {
						model[lane] = model[lane][1:]
						figures.Dropped++
					}
					model[lane] = append(model[lane], msg)
					figures.Received++
					depth := len(model[0]) + len(model[1]) + len(model[2])
					figures.HighWater = max(figures.HighWater, depth)
				}
			},
			"nil": func(*rapid.T) { box.PostUserMessage(nil) },
			"take": func(t *rapid.T) {
				for range rapid.SampledFrom([]int{1, 7, 100}).Draw(t, "many") {
					msg, _, ok := box.next()
					var want any
					for lane := range model {
						if len(model[lane]) > 0 {
							want, model[lane] = model[lane][0], model[lane][1:]
							break
						}
					}
					if ok != (want != nil) || msg != want {
						t.Fatalf("took %+v, want %+v", msg, want)
					}
				}
			},
			"": func(t *rapid.T) {
				figures.Depth = len(model[0]) + len(model[1]) + len(model[2])
				got := box.snapshot()
				got.Oldest, got.Waited = 0, 0 // of their own test
				if got != figures || box.UserMessageCount() != figures.Depth {
					t.Fatalf("figures %+v, want %+v", got, figures)
				}
			},
		})
	})
}

func TestAClosedMailboxIsEmptyAndCountsWhatComesLate(t *testing.T) {
	box := newLanes(0)
	box.RegisterHandlers(nil, idle{})
	box.PostUserMessage(order{1})
	box.close()
	for range 3 {
		box.PostUserMessage(stop{2})
	}
	if f := box.snapshot(); f.Late != 3 || f.Depth != 0 {
		t.Errorf("figures %+v", f)
	}
	if msg, _, ok := box.next(); ok {
		t.Errorf("a closed mailbox gave %+v", msg)
	}
}

// TestARingAgreesWithASlice: order, growth, wrap-around, and that it holds nothing alive.
func TestARingAgreesWithASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ring
		var model []any
		n := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.SampledFrom([]int{1, 9, 3000}).Draw(t, "many") {
					n++
					r.push(n)
					model = append(model, n)
				}
			},
			"pop": func(t *rapid.T) {
				for range min(len(model), rapid.SampledFrom([]int{1, 9, 5000}).Draw(t, "many")) {
					if got := r.pop(); got != model[0] {
						t.Fatalf("popped %v, want %v", got, model[0])
					}
					model = model[1:]
				}
			},
			"": func(t *rapid.T) {
				held := 0
				for _, v := range r.slots {
					if v.msg != nil {
						held++
					}
				}
				if r.len() != len(model) || held != len(model) {
					t.Fatalf("length %d, holds %d, want %d", r.len(), held, len(model))
				}
				if len(model) == 0 && len(r.slots) > ringRest {
					t.Fatalf("an empty ring keeps %d slots", len(r.slots))
				}
			},
		})
	})
}

func TestARingGivesItsStorageBackAfterAFlood(t *testing.T) {
	for _, c := range []struct{ flood, rest int }{{100, 128}, {ringRest, ringRest}, {ringRest + 1, 0}} {
		var r ring
		for i := range c.flood {
			r.push(i)
		}
		for range c.flood {
			r.pop()
		}
		if len(r.slots) != c.rest {
			t.Errorf("after %d: %s slots left, want %d", c.flood, fmt.Sprint(len(r.slots)), c.rest)
		}
	}
}

func TestAMailboxTellsHowLongItsMessagesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := newLanes(2)
		box.RegisterHandlers(nil, idle{})
		told := func(wantOldest, wantWaited time.Duration) {
			t.Helper()
			if f := box.snapshot(); f.Oldest != wantOldest || f.Waited != wantWaited {
				t.Errorf("oldest %v, waited %v; want %v and %v", f.Oldest, f.Waited, wantOldest, wantWaited)
			}
		}
		told(0, 0)
		box.PostUserMessage(seen{1})
		time.Sleep(time.Second)
		box.PostUserMessage(order{2})
		time.Sleep(time.Second)
		told(2*time.Second, 0)
		box.next() // the order, before bulk
		told(2*time.Second, time.Second)
		box.PostUserMessage(seen{3})
		box.PostUserMessage(seen{4}) // drops the first, which nobody has handled
		time.Sleep(time.Second)
		told(time.Second, time.Second)
		time.Sleep(time.Minute)
		box.next()
		box.next()
		told(0, time.Minute+time.Second)
	})
}
