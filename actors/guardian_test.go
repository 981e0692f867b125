package actors

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestACriticalPanicTripsOnTheFailingGoroutineAndStaysDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		var stackAtTrip string
		h := NewHouse(Options{Trip: func(who string, reason any, stack []byte) {
			stackAtTrip = string(stack)
			l.add("trip %s: %v", who, reason)
		}})
		made := 0
		ref, err := h.Spawn("pump", Kind{Critical: true}, func() Actor {
			made++
			return &role{
				receive:  func(_ *Context, msg any) { theFrameThatFails(msg, &l) },
				stopping: func(*Context) { l.add("stopping") },
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, msg := range []string{"well", "panic", "never"} {
			ref.Send(msg)
		}
		synctest.Wait()
		ref.Send("too late")
		synctest.Wait()
		if got := fmt.Sprint(l.all()); got != "[well trip pump: boom stopping]" || made != 1 {
			t.Errorf("got %s, %d instances", got, made)
		}
		if !strings.Contains(stackAtTrip, "theFrameThatFails") {
			t.Errorf("the trip does not run on the failing stack:\n%s", stackAtTrip)
		}
		if len(h.Figures()) != 0 {
			t.Error("it still lives")
		}
		if err := h.StopAll(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func theFrameThatFails(msg any, l *log) {
	if msg == "panic" {
		panic("boom")
	}
	l.add("%v", msg)
}

func TestAnyOtherIsRestartedWithFreshStateAndKeepsItsMailbox(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		ref, err := h.Spawn("camera", Kind{}, func() Actor {
			count := 0
			return &role{
				receive: func(c *Context, msg any) {
					if msg == "panic" {
						panic("boom")
					}
					count++
					h.add("%v %d", msg, count)
				},
				stopping: func(*Context) { h.add("stopping") },
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, msg := range []string{"a", "b", "panic", "c", "d"} {
			ref.Send(msg)
		}
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[a 1 b 2 c 1 d 2]" || h.errors.Len() != 1 {
			t.Errorf("got %s, %d log lines", got, h.errors.Len())
		}
	})
}

func TestElevenPanicsInTenSecondsStopAnActor(t *testing.T) {
	for _, c := range []struct {
		every time.Duration
		lives bool
	}{{500 * time.Millisecond, false}, {2 * time.Second, true}} {
		bubble(t, func(t *testing.T, h *home) {
			ref := h.spawn(t, "camera", Kind{}, role{receive: func(_ *Context, msg any) {
				if msg == "panic" {
					panic("boom")
				}
				h.add("%v", msg)
			}})
			for n := range 30 {
				if n == 10 {
					ref.Send("after ten")
				}
				ref.Send("panic")
				time.Sleep(c.every)
			}
			ref.Send("alive")
			synctest.Wait()
			if h.count("after ten") != 1 || (h.count("alive") == 1) != c.lives {
				t.Errorf("every %s: got %v", c.every, h.all())
			}
			if living := len(h.Figures()) == 1; living != c.lives {
				t.Errorf("every %s: living %v", c.every, living)
			}
		})
	}
}

func TestAPanicInStartedIsTriedAgainOrTrips(t *testing.T) {
	for _, critical := range []bool{false, true} {
		bubble(t, func(t *testing.T, h *home) {
			tries := 0
			ref := h.spawn(t, "a", Kind{Critical: critical}, role{
				started: func(*Context) {
					if tries++; tries < 4 {
						panic("in Started")
					}
				},
				receive: func(_ *Context, msg any) { h.add("%v after %d", msg, tries) },
			})
			ref.Send("message")
			synctest.Wait()
			want := "[message after 4]"
			if critical {
				want = "[trip a: in Started]"
			}
			if got := fmt.Sprint(h.all()); got != want {
				t.Errorf("critical %v: got %s", critical, got)
			}
		})
	}
}

func TestAnActorThatCannotBeMadeIsStopped(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		tries := 0
		_, err := h.Spawn("a", Kind{}, func() Actor { tries++; panic("no such thing") })
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(h.Figures()) != 0 || tries != restartsAllowed+1 {
			t.Errorf("lives, or was tried %d times", tries)
		}
	})
}

func TestAPanicInStoppingStopsAllTheSameAndTripsACriticalActor(t *testing.T) {
	for _, critical := range []bool{false, true} {
		bubble(t, func(t *testing.T, h *home) {
			cancelled := false
			ref := h.spawn(t, "a", Kind{Critical: critical}, role{
				started: func(c *Context) {
					c.After("x", time.Minute)
					go func() { <-c.Done(); cancelled = true }()
				},
				receive:  func(_ *Context, msg any) { h.add("%v", msg) },
				stopping: func(*Context) { panic("in Stopping") },
			})
			start := time.Now()
			if err := h.Stop(t.Context(), ref); err != nil || time.Since(start) != 0 {
				t.Errorf("stop: %v after %s", err, time.Since(start))
			}
			time.Sleep(time.Hour)
			ref.Send("message")
			synctest.Wait()
			want := "[]"
			if critical {
				want = "[trip a: in Stopping]"
			}
			if got := fmt.Sprint(h.all()); got != want || !cancelled || h.errors.Len() != 1 {
				t.Errorf("critical %v: got %s, cancelled %v", critical, got, cancelled)
			}
		})
	}
}

func TestATripThatPanicsLeavesTheActorDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		h := NewHouse(Options{Trip: func(string, any, []byte) { l.add("trip"); panic("in the trip") }})
		ref, err := h.Spawn("gpio", Kind{Critical: true}, func() Actor {
			return &role{receive: func(_ *Context, msg any) { l.add("received"); panic(msg) }}
		})
		if err != nil {
			t.Fatal(err)
		}
		ref.Send("panic")
		ref.Send("again")
		synctest.Wait()
		if got := fmt.Sprint(l.all()); got != "[received trip]" || len(h.Figures()) != 0 {
			t.Errorf("got %s", got)
		}
	})
}

// TestAReasonThatPanicsWhenPrintedIsNoDanger: the log must not fail where the actor failed.
func TestAReasonThatPanicsWhenPrintedIsNoDanger(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		ref := h.spawn(t, "a", Kind{}, role{receive: func(_ *Context, msg any) {
			if msg == "alive" {
				h.add("alive")
				return
			}
			panic(msg)
		}})
		ref.Send(nasty{})
		ref.Send("alive")
		synctest.Wait()
		if h.count("alive") != 1 {
			t.Errorf("got %v", h.all())
		}
	})
}

type nasty struct{}

func (nasty) String() string { panic("not printable") }
func (nasty) Error() string  { panic("not printable") }
