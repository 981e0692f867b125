package actors

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// role is an actor made of functions; nil ones do nothing.
type role struct {
	started  func(c *Context)
	receive  func(c *Context, msg any)
	stopping func(c *Context)
}

func (r *role) Started(c *Context) {
	if r.started != nil {
		r.started(c)
	}
}

func (r *role) Receive(c *Context, msg any) {
	if r.receive != nil {
		r.receive(c, msg)
	}
}

func (r *role) Stopping(c *Context) {
	if r.stopping != nil {
		r.stopping(c)
	}
}

// log is what happened, in order.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *log) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

func (l *log) count(line string) (n int) {
	for _, s := range l.all() {
		if s == line {
			n++
		}
	}
	return n
}

// home is a house whose trips and errors are recorded.
type home struct {
	*House
	*log
	errors *observer.ObservedLogs
}

func newHome() *home {
	core, logs := observer.New(zap.ErrorLevel)
	h := &home{log: &log{}, errors: logs}
	h.House = NewHouse(Options{Log: zap.New(core), Trip: func(who string, reason any, stack []byte) {
		h.add("trip %s: %v", who, reason)
		if len(stack) == 0 {
			h.add("no stack")
		}
	}})
	return h
}

func (h *home) spawn(t testing.TB, name string, k Kind, r role) Ref {
	t.Helper()
	ref, err := h.Spawn(name, k, func() Actor { return &r })
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// bubble runs test with virtual time in a house that is emptied at the end.
func bubble(t *testing.T, test func(t *testing.T, h *home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		test(t, h)
		if err := h.StopAll(context.Background()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

func TestMessagesOfOneSenderAndLaneKeepTheirOrder(t *testing.T) {
	const senders, each = 8, 5000
	h := newHome()
	next, bad := make(map[[2]int]int), 0
	done := make(chan struct{})
	left := senders * each * 2
	ref := h.spawn(t, "a", Kind{}, role{receive: func(_ *Context, msg any) {
		var key [2]int
		var n int
		switch m := msg.(type) {
		case stop:
			key, n = [2]int{0, m.n / each}, m.n%each
		case order:
			key, n = [2]int{1, m.n / each}, m.n%each
		}
		if next[key] != n {
			bad++
		}
		next[key] = n + 1
		if left--; left == 0 {
			close(done)
		}
	}})
	var senting sync.WaitGroup
	for s := range senders {
		senting.Go(func() {
			for n := range each {
				ref.Send(order{s*each + n})
				ref.Send(stop{s*each + n})
			}
		})
	}
	senting.Wait()
	<-done
	if err := h.StopAll(t.Context()); err != nil || bad > 0 {
		t.Errorf("%d out of order, %v", bad, err)
	}
}

func TestUrgentOvertakesControlOvertakesBulk(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		gate := make(chan struct{})
		ref := h.spawn(t, "a", Kind{BulkLimit: 2}, role{receive: func(_ *Context, msg any) {
			if msg == "gate" {
				<-gate
				return
			}
			h.add("%T%v", msg, msg)
		}})
		ref.Send("gate")
		synctest.Wait()
		for _, msg := range []any{seen{1}, seen{2}, order{1}, seen{3}, stop{1}, order{2}, stop{2}, nil} {
			ref.Send(msg)
		}
		close(gate)
		synctest.Wait()
		want := "[actors.stop{1} actors.stop{2} actors.order{1} actors.order{2} actors.seen{2} actors.seen{3}]"
		if got := fmt.Sprint(h.all()); got != want {
			t.Errorf("got %s", got)
		}
		f := h.Figures()
		if len(f) != 1 || f[0].Name != "a" || f[0].Dropped != 1 || f[0].Received != 8 {
			t.Errorf("figures %+v", f)
		}
	})
}

// TestAFloodDelaysNoUrgentMessage: in virtual time each message costs a millisecond, so an urgent
// one may wait for one other, never for the thousand in front of it.
func TestAFloodDelaysNoUrgentMessage(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		var worst time.Duration
		ref := h.spawn(t, "a", Kind{}, role{receive: func(_ *Context, msg any) {
			if at, ok := msg.(stampedStop); ok {
				worst = max(worst, time.Since(time.Time(at)))
				return
			}
			time.Sleep(time.Millisecond)
		}})
		for range 200 {
			for n := range 50 {
				ref.Send(seen{n})
				ref.Send(order{n})
			}
			time.Sleep(1500 * time.Microsecond)
			ref.Send(stampedStop(time.Now()))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if worst > time.Millisecond {
			t.Errorf("an urgent message waited %s", worst)
		}
	})
}

type stampedStop time.Time

func (stampedStop) Urgent() bool { return true }

func TestATakenNameIsRefusedAndFreeAfterTheStop(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		first := h.spawn(t, "pump", Kind{}, role{})
		if _, err := h.Spawn("pump", Kind{}, func() Actor { return &role{} }); err == nil {
			t.Error("two actors of one name")
		}
		if err := h.Stop(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		second := h.spawn(t, "pump", Kind{}, role{receive: func(_ *Context, msg any) { h.add("%v", msg) }})
		first.Send("old") // the old address reaches nobody
		second.Send("new")
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[new]" {
			t.Errorf("received %s", got)
		}
	})
}

func TestWhatIsSentToNobodyIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		var nobody Ref
		nobody.Send("x")
		if nobody.Name() != "" || h.Stop(t.Context(), nobody) != nil {
			t.Error("nobody has a name, or cannot be stopped")
		}
		ref := h.spawn(t, "a", Kind{}, role{receive: func(*Context, any) { h.add("received") }})
		for range 2 { // twice is no mistake
			if err := h.Stop(t.Context(), ref); err != nil {
				t.Error(err)
			}
		}
		ref.Send("x")
		synctest.Wait()
		if len(h.all()) != 0 || ref.cell.box.snapshot().Late != 1 || ref.Name() != "a" {
			t.Errorf("received %v, figures %+v", h.all(), ref.cell.box.snapshot())
		}
	})
}

func TestStopAllStopsTheYoungestFirstAndWhatTheySpawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		for _, name := range []string{"gpio", "pump", "bridge"} {
			h.spawn(t, name, Kind{}, role{stopping: func(c *Context) {
				h.add("%s", name)
				if name == "pump" {
					c.Spawn("late", Kind{}, func() Actor {
						return &role{stopping: func(*Context) { h.add("late") }}
					})
				}
			}})
		}
		if err := h.StopAll(t.Context()); err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(h.all()); got != "[bridge pump gpio late]" {
			t.Errorf("stopped %s", got)
		}
		if len(h.Figures()) != 0 {
			t.Error("somebody is left")
		}
	})
}

func TestAStopWaitsForTheRunningReceiveAndDropsTheRest(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		ref := h.spawn(t, "a", Kind{}, role{
			receive:  func(_ *Context, msg any) { time.Sleep(time.Second); h.add("%v", msg) },
			stopping: func(*Context) { h.add("stopping") },
		})
		for n := range 100 {
			ref.Send(n)
		}
		time.Sleep(1500 * time.Millisecond)
		start := time.Now()
		if err := h.Stop(t.Context(), ref); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 500*time.Millisecond {
			t.Errorf("took %s", took)
		}
		if got := fmt.Sprint(h.all()); got != "[0 1 stopping]" {
			t.Errorf("got %s", got)
		}
	})
}

func TestWhoCatchesUpHasHandledWhatWasSentBefore(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		ref := h.spawn(t, "a", Kind{}, role{
			receive: func(_ *Context, msg any) { time.Sleep(time.Second); h.add("%v", msg) },
		})
		for n := range 3 {
			ref.Send(n)
		}
		limit, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.CatchUp(limit, ref); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before it could: %v", err)
		}
		if err := h.CatchUp(t.Context(), ref); err != nil || fmt.Sprint(h.all()) != "[0 1 2]" {
			t.Errorf("%v, after %v", err, h.all())
		}
		for _, r := range []Ref{ref, {}} {
			_ = h.Stop(t.Context(), ref)
			if err := h.CatchUp(t.Context(), r); err != nil {
				t.Errorf("one that is gone: %v", err)
			}
		}
	})
}

func TestAnActorThatHangsDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		h.spawn(t, "good", Kind{}, role{stopping: func(*Context) { h.add("good stopped") }})
		gate := make(chan struct{})
		bad := h.spawn(t, "bad", Kind{}, role{receive: func(*Context, any) { <-gate }})
		bad.Send("hang")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.StopAll(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if h.count("good stopped") != 1 {
			t.Errorf("got %v", h.all())
		}
		close(gate)
		synctest.Wait()
	})
}

func TestMessagesArePublishedToWhereTheRouteSends(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		hearer := h.spawn(t, "b", Kind{}, role{receive: func(_ *Context, msg any) { h.add("b %v", msg) }})
		h.Publish("before there are routes")
		h.SetRoute(func(msg any) { hearer.Send(msg) })
		speaker := h.spawn(t, "a", Kind{}, role{receive: func(c *Context, msg any) {
			c.Publish(msg)
			c.Publish(nil)
		}})
		speaker.Send(1)
		h.Publish(nil)
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[b 1]" {
			t.Errorf("got %s", got)
		}
		h.SetRoute(nil)
		h.Publish("to nobody")
	})
}

func TestAStartingActorMaySendToItselfAndSpawn(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		h.spawn(t, "a", Kind{}, role{
			started: func(c *Context) {
				c.Self().Send("hello")
				if _, err := c.Spawn("b", Kind{}, func() Actor { return &role{} }); err != nil {
					t.Error(err)
				}
			},
			receive: func(c *Context, msg any) { h.add("%s %v", c.Self().Name(), msg) },
		})
		synctest.Wait()
		if got := fmt.Sprint(h.all()); got != "[a hello]" || len(h.Figures()) != 2 {
			t.Errorf("got %s, %d actors", got, len(h.Figures()))
		}
	})
}

func TestFiguresKnowTheSlowestReceive(t *testing.T) {
	bubble(t, func(t *testing.T, h *home) {
		ref := h.spawn(t, "a", Kind{Name: "kind"}, role{receive: func(_ *Context, msg any) {
			time.Sleep(msg.(time.Duration))
		}})
		for _, d := range []time.Duration{1, 5, 2} {
			ref.Send(d * time.Second)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if f := h.Figures()[0]; f.Slowest != 5*time.Second || f.Kind != "kind" || f.HighWater < 2 {
			t.Errorf("figures %+v", f)
		}
	})
}

func TestTheSystemClockTellsThreeTimes(t *testing.T) {
	var c SystemClock
	first := c.SinceBoot()
	if first <= 0 || c.SinceBoot() < first || len(c.BootID()) != 36 {
		t.Errorf("since boot %s, boot id %q", first, c.BootID())
	}
	if w := c.Wall(); w != w.Round(0) {
		t.Error("the wall clock carries a monotonic reading")
	}
	if n := c.Now(); n == n.Round(0) {
		t.Error("the deciding clock is not monotonic")
	}
}

// TestNoTwoActorsWaitForEachOther: ten actors publish to all ten, each message until its hops are
// used up, while ten senders push more in. Whoever waited for another would stop the count.
func TestNoTwoActorsWaitForEachOther(t *testing.T) {
	const members, hops, sends = 10, 4, 10
	h := newHome()
	var refs []Ref
	var handled atomic.Int64
	for n := range members {
		refs = append(refs, h.spawn(t, fmt.Sprint("member", n), Kind{}, role{
			receive: func(c *Context, msg any) {
				handled.Add(1)
				if left := msg.(order).n; left > 0 {
					c.Publish(order{left - 1})
				}
			}}))
	}
	h.SetRoute(func(msg any) {
		for _, r := range refs {
			r.Send(msg)
		}
	})
	var senders sync.WaitGroup
	for n := range members {
		senders.Go(func() {
			for range sends {
				refs[n].Send(order{hops - 1})
			}
		})
	}
	senders.Wait()
	want, step := int64(0), int64(members*sends)
	for range hops {
		want, step = want+step, step*members
	}
	for until := time.Now().Add(20 * time.Second); handled.Load() < want && time.Now().Before(until); {
		runtime.Gosched()
	}
	if got := handled.Load(); got != want {
		t.Errorf("%d messages handled, want %d", got, want)
	}
	if err := h.StopAll(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAHouseIsEmptiedInTheMiddleOfAFlood: spawns, sends and stops race with StopAll. The flood has an
// end: StopAll goes on for as long as there is somebody to stop, and a slow machine never overtakes
// spawners that do not tire.
func TestAHouseIsEmptiedInTheMiddleOfAFlood(t *testing.T) {
	h := newHome()
	const guests = 500
	var busy sync.WaitGroup
	for n := range 4 {
		busy.Go(func() {
			for i := range guests {
				ref, err := h.Spawn(fmt.Sprint("guest", n, "/", i), Kind{}, func() Actor {
					return &role{
						started: func(c *Context) { c.After("x", time.Microsecond) },
						receive: func(c *Context, msg any) {
							if msg != (seen{}) { // a result asks for no more
								c.Go(func(context.Context) any { return seen{} })
							}
							if i%7 == 0 && msg == "panic" {
								panic(msg)
							}
						}}
				})
				if err != nil {
					t.Error(err)
					return
				}
				ref.Send(order{})
				ref.Send("panic")
				if i%3 == 0 {
					h.Stop(t.Context(), ref)
				}
			}
		})
	}
	for range 20 {
		h.StopAll(t.Context())
		h.Figures()
	}
	busy.Wait()
	if err := h.StopAll(t.Context()); err != nil || len(h.Figures()) != 0 {
		t.Errorf("%v, %d are left", err, len(h.Figures()))
	}
	// A restart that comes after the stop is a dead letter: protoactor keeps a goroutine a second for it.
	for range 10 {
		if goleak.Find() == nil {
			return
		}
	}
	t.Error("goroutines are left")
}
