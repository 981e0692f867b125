package overview

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// desk is a house with this actor and, if there are views, a camera registry.
type desk struct {
	ref   actors.Ref
	mu    sync.Mutex // nothing orders a test's reading before the next timer
	told  []protocol.Overview
	at    []time.Time
	asked int
	views []protocol.CameraView
}

func in(t *testing.T, f func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		house := actors.NewHouse(actors.Options{Route: d.route})
		a := New(facts())
		var err error
		if d.ref, err = house.Spawn("overview", Kind, func() actors.Actor { return a }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f(d)
		if err := house.StopAll(context.Background()); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second) // protoactor's throttle goroutine ends
	})
}

func (d *desk) route(msg any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m := msg.(type) {
	case protocol.Overview:
		d.told, d.at = append(d.told, m), append(d.at, time.Now())
	case protocol.CamerasAsked:
		d.asked++
		if views := d.views; views != nil {
			m.Reply(views)
		}
	}
}

func (d *desk) hears(msg any) {
	d.ref.Send(msg)
	synctest.Wait()
}

// all is what was told so far; gap the longest time between two of the last few, to now.
func (d *desk) all() []protocol.Overview {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told
}

func (d *desk) longest(from int) (gap time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := from + 1; i < len(d.at); i++ {
		gap = max(gap, d.at[i].Sub(d.at[i-1]))
	}
	return max(gap, time.Since(d.at[len(d.at)-1]))
}

func TestAQuietPictureIsNeverOlderThanTwoSeconds(t *testing.T) {
	in(t, func(d *desk) {
		time.Sleep(time.Minute)
		if n := len(d.all()); n < 30 || n > 32 || d.longest(0) > quiet {
			t.Errorf("%d in a minute, %v between two", n, d.longest(0))
		}
		for i, o := range d.all() {
			if o.Number != uint64(i+1) {
				t.Errorf("number %d is the %dth", o.Number, i+1)
			}
		}
	})
}

func TestACountdownIsNeverOlderThanTwoSeconds(t *testing.T) {
	for name, msg := range map[string]any{
		"a state that ends":    protocol.PumpStatus{State: protocol.Stopping, System: protocol.SystemState{NextDeadline: 100}},
		"a valve that is held": protocol.PumpStatus{System: protocol.SystemState{NextDeadline: 100}},
		"a cooldown":           nil,
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(d *desk) {
				if msg == nil {
					msg = protocol.ConsensusStatus{CooldownUntil: time.Now().Add(time.Hour)}
				}
				d.hears(msg)
				from := len(d.all())
				time.Sleep(time.Minute)
				if n := len(d.all()) - from; n < 30 || n > 33 || d.longest(from) > quiet {
					t.Errorf("%d in a minute, %v between two", n, d.longest(from))
				}
			})
		})
	}
}

func TestAChangeIsShownWithinAFifthOfASecondAndAFloodFiveTimesASecond(t *testing.T) {
	in(t, func(d *desk) {
		time.Sleep(time.Second)
		d.hears(protocol.PumpStatus{System: protocol.SystemState{State: protocol.Priming}})
		if all := d.all(); all[len(all)-1].Pump.State != protocol.Priming {
			t.Error("the first change waits")
		}
		time.Sleep(atMost / 2)
		d.hears(protocol.PumpStatus{System: protocol.SystemState{State: protocol.Starting}})
		time.Sleep(atMost / 2)
		if all := d.all(); all[len(all)-1].Pump.State != protocol.Starting {
			t.Error("the next one waits longer than it must")
		}
		time.Sleep(time.Second)
		from := len(d.all())
		for i := range 1000 {
			d.hears(protocol.ConsensusStatus{Online: i})
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(atMost)
		all := d.all()
		if n := len(all) - from; n < 45 || n > 53 {
			t.Errorf("%d in 10 s", n)
		}
		if got := all[len(all)-1].Consensus.Online; got != 999 {
			t.Errorf("the last word is %d", got)
		}
	})
}

func TestCamerasAreAskedWhenOneChangesAndNowAndThen(t *testing.T) {
	in(t, func(d *desk) {
		d.mu.Lock()
		d.views = []protocol.CameraView{{Name: "north"}}
		d.mu.Unlock()
		time.Sleep(6 * time.Second)
		if all := d.all(); len(all[len(all)-1].Cameras) != 1 {
			t.Errorf("%+v", all[len(all)-1].Cameras)
		}
		d.mu.Lock()
		d.views = []protocol.CameraView{{Name: "north", Growing: true}}
		before := d.asked
		d.mu.Unlock()
		for range 100 {
			d.hears(protocol.CameraVerdict{Camera: "north", Growing: true})
		}
		time.Sleep(2 * atMost)
		all := d.all()
		if !all[len(all)-1].Cameras[0].Growing || d.asked-before > 3 {
			t.Errorf("%v after %d questions", all[len(all)-1].Cameras, d.asked-before)
		}
	})
}

func TestThePictureOutlivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		panicked := false
		house := actors.NewHouse(actors.Options{Route: func(msg any) {
			if o, ok := msg.(protocol.Overview); ok && o.Pump.State == protocol.Running && !panicked {
				panicked = true
				panic("in the overview actor")
			}
			d.route(msg)
		}})
		a := New(facts())
		ref, err := house.Spawn("overview", Kind, func() actors.Actor { return a })
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		ref.Send(protocol.PumpStatus{State: protocol.Running, System: protocol.SystemState{State: protocol.Running}})
		time.Sleep(time.Second)
		all := d.all()
		if last := all[len(all)-1]; !panicked || last.Pump.State != protocol.Running {
			t.Errorf("%v %+v", panicked, fmt.Sprint(last.Pump.State))
		}
		_ = house.StopAll(context.Background())
		time.Sleep(3 * time.Second) // protoactor's throttle goroutine ends
	})
}
