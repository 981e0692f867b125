package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestATimerFiresOnceAndToTheNanosecondAfterTwentyHours(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		start := time.Now()
		h.spawn(t, "a", Kind{}, role{
			started: func(c *Context) { c.After("refill", 20*time.Hour) },
			receive: func(c *Context, msg any) { h.add("%v after %s", msg, c.Now().Sub(start)) },
		})
		time.Sleep(100 * time.Hour)
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[{refill} after 20h0m0s]" {
			t.Errorf("got %s", got)
		}
	})
}

func TestARearmedTimerFiresAtItsNewTimeOnly(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		start := time.Now()
		ref := h.spawn(t, "a", Kind{}, role{receive: func(c *Context, msg any) {
			switch msg := msg.(type) {
			case time.Duration:
				c.After("x", msg)
				c.After("other", time.Hour)
			case Fired:
				h.add("%s %s", msg.Name, time.Since(start))
			}
		}})
		ref.Send(3 * time.Second)
		time.Sleep(time.Second)
		ref.Send(5 * time.Second) // later
		time.Sleep(time.Second)
		ref.Send(time.Second) // sooner
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[x 3s]" {
			t.Errorf("got %s", got)
		}
	})
}

// TestALateExpiryIsIgnored: the timer has fired and its message waits while the actor disarms it.
func TestALateExpiryIsIgnored(t *testing.T) {
	for _, rearm := range []bool{false, true} {
		bubble(t, func(t *testing.T, h *home) {
			start := time.Now()
			ref := h.spawn(t, "a", Kind{}, role{receive: func(c *Context, msg any) {
				if f, ok := msg.(Fired); ok {
					h.add("%s %s", f.Name, time.Since(start))
					return
				}
				c.After("x", time.Second)
				time.Sleep(2 * time.Second) // x fires meanwhile and waits in the mailbox
				c.Cancel("x")
				c.Cancel("never armed")
				if rearm {
					c.After("x", 3*time.Second)
				}
			}})
			ref.Send("go")
			time.Sleep(time.Minute)
			synctest.Wait()
			want := map[bool]string{false: "[]", true: "[x 5s]"}[rearm]
			if got := fmt.Sprint(h.all()); got != want {
				t.Errorf("rearm %v: got %s", rearm, got)
			}
		})
	}
}

func TestTimersOfAnInstanceEndWithIt(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		instance := 0
		ref, err := h.Spawn("a", Kind{}, func() Actor {
			instance++
			n, began := instance, time.Now()
			return &role{
				started: func(c *Context) { c.After("x", time.Duration(n)*10*time.Second) },
				receive: func(c *Context, msg any) {
					if f, ok := msg.(Fired); ok {
						h.add("%s of %d %s after its start", f.Name, n, time.Since(began))
						return
					}
					if msg == "late" {
						time.Sleep(25 * time.Second) // x of this instance waits in the mailbox
					}
					panic(msg)
				},
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		ref.Send("now")
		synctest.Wait()
		ref.Send("late")
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[x of 3 30s after its start]" {
			t.Errorf("got %s", got)
		}
		ref.Send("arm no more")
		synctest.Wait()
		if err := h.Stop(t.Context(), ref); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(h.all()) != 1 {
			t.Errorf("a timer fired after the stop: %v", h.all())
		}
	})
}

// TestTimersAgreeWithAModel arms, rearms and cancels at random: each fires exactly when it should.
func TestTimersAgreeWithAModel(t *testing.T) {
	type arm struct {
		name string
		d    time.Duration // below zero: cancel
	}
	rapid.Check(t, func(rt *rapid.T) {
		names := []string{"a", "b", "c"}
		var plan []arm
		var waits []time.Duration
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			plan = append(plan, arm{rapid.SampledFrom(names).Draw(rt, "name"),
				time.Duration(rapid.IntRange(-5, 60).Draw(rt, "d"))*time.Second + 500*time.Millisecond})
			waits = append(waits, time.Duration(rapid.IntRange(0, 20).Draw(rt, "wait"))*time.Second)
		}
		due, got, want := map[string]time.Duration{}, map[string]int{}, map[string]int{}
		var now time.Duration
		for i, p := range plan {
			if delete(due, p.name); p.d > 0 {
				due[p.name] = now + p.d
			}
			now += waits[i]
			for name, at := range due {
				if at < now || i == len(plan)-1 {
					want[fmt.Sprint(name, at)]++
					delete(due, name)
				}
			}
		}
		bubble(t, func(t *testing.T, h *home) {
			start := time.Now()
			ref := h.spawn(t, "a", Kind{}, role{receive: func(c *Context, msg any) {
				switch msg := msg.(type) {
				case arm:
					if msg.d > 0 {
						c.After(msg.name, msg.d)
					} else {
						c.Cancel(msg.name)
					}
				case Fired:
					got[fmt.Sprint(msg.Name, time.Since(start))]++
				}
			}})
			for i, p := range plan {
				ref.Send(p)
				synctest.Wait()
				time.Sleep(waits[i])
			}
			time.Sleep(time.Hour)
			synctest.Wait()
		})
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("fired %v, want %v", got, want)
		}
	})
}

func TestWorkComesBackAsAMessage(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		ref := h.spawn(t, "a", Kind{}, role{receive: func(c *Context, msg any) {
			if msg != "go" {
				h.add("%v", msg)
				return
			}
			c.Go(func(context.Context) any { time.Sleep(time.Second); return order{1} })
			c.Go(func(context.Context) any { return nil })
		}})
		ref.Send("go")
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[{1}]" {
			t.Errorf("got %s", got)
		}
	})
}

func TestWorkIsCancelledAtTheStopAndItsResultDropped(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		ref := h.spawn(t, "a", Kind{}, role{
			started: func(c *Context) {
				done := c.Done()
				c.Go(func(ctx context.Context) any {
					<-ctx.Done()
					<-done
					h.add("cancelled")
					return "too late"
				})
			},
			receive: func(_ *Context, msg any) { h.add("%v", msg) },
		})
		synctest.Wait()
		if err := h.Stop(t.Context(), ref); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[cancelled]" {
			t.Errorf("got %s", got)
		}
	})
}

// TestALaterInstanceNeverGetsEarlierWork: the result waits in the mailbox while the actor fails.
func TestALaterInstanceNeverGetsEarlierWork(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		instance := 0
		ref, err := h.Spawn("a", Kind{}, func() Actor {
			instance++
			n := instance
			return &role{receive: func(c *Context, msg any) {
				if msg != "go" {
					h.add("instance %d: %v", n, msg)
					return
				}
				c.Go(func(context.Context) any { return fmt.Sprint("result of ", n) })
				if n == 1 {
					c.Go(func(ctx context.Context) any { <-ctx.Done(); h.add("cancelled"); return nil })
					time.Sleep(time.Second)
					panic("after the work was done")
				}
			}}
		})
		if err != nil {
			t.Fatal(err)
		}
		ref.Send("go")
		time.Sleep(time.Minute)
		ref.Send("go")
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[cancelled instance 2: result of 2]" {
			t.Errorf("got %s", got)
		}
	})
}

func TestAPanicInWorkIsReportedAndTripsACriticalActor(t *testing.T) {
	for _, critical := range []bool{false, true} {
		bubble(t, func(t *testing.T, h *home) {
			ref := h.spawn(t, "a", Kind{Critical: critical}, role{receive: func(c *Context, msg any) {
				if msg != "go" {
					h.add("%v", msg)
					return
				}
				c.Go(func(context.Context) any { panic("in work") })
			}})
			ref.Send("go")
			synctest.Wait()
			ref.Send("alive")
			synctest.Wait()
			want := "[alive]"
			if critical {
				want = "[trip a: in work alive]"
			}
			if got := fmt.Sprint(h.all()); got != want || h.errors.Len() != 1 {
				t.Errorf("critical %v: got %s, %d log lines", critical, got, h.errors.Len())
			}
		})
	}
}
