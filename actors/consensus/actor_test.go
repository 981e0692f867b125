package consensus

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// town is consensus in a house, with a pump that answers as told.
type town struct {
	house *actors.House
	ref   actors.Ref

	answer func(protocol.FireConfirmed) *protocol.TriggerOutcome
	mu     sync.Mutex
	said   said
}

// said is what consensus published.
type said struct {
	fires    []protocol.FireConfirmed
	statuses []protocol.ConsensusStatus
	memories []protocol.ConsensusMemory
}

func newTown(t testing.TB, s Settings) *town {
	w := &town{}
	w.house = actors.NewHouse(actors.Options{Route: w.route})
	var err error
	w.ref, err = w.house.Spawn("consensus", Kind, func() actors.Actor { return New(s) })
	if err != nil {
		t.Fatal(err)
	}
	w.answer = func(f protocol.FireConfirmed) *protocol.TriggerOutcome {
		return &protocol.TriggerOutcome{ID: f.ID, Accepted: true, At: f.At}
	}
	return w
}

func (w *town) route(msg any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch m := msg.(type) {
	case protocol.FireConfirmed:
		w.said.fires = append(w.said.fires, m)
		if o := w.answer(m); o != nil {
			w.ref.Send(*o)
		}
	case protocol.ConsensusStatus:
		w.said.statuses = append(w.said.statuses, m)
	case protocol.ConsensusMemory:
		w.said.memories = append(w.said.memories, m)
	}
}

func (w *town) verdict(camera string, growing, steady bool) {
	w.ref.Send(protocol.CameraVerdict{Camera: camera, Online: true, Growing: growing, Steady: steady,
		Objects: []string{"fire-1"}})
}

// settle waits until nobody has anything to do, and copies what was said so far.
func (w *town) settle() said {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return said{slices.Clone(w.said.fires), slices.Clone(w.said.statuses),
		slices.Clone(w.said.memories)}
}

func (w *town) stop(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.house.StopAll(ctx); err != nil {
		t.Error(err)
	}
}

func defaults() Settings {
	r := standard()
	return Settings{Config: r.Config, FireOffDelay: r.FireOffDelay}
}

func TestTheTriggerNamesTheCamerasTheirObjectsAndZones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := defaults()
		s.Config.ZoneActivation = true
		s.Config.ZoneMapping = map[string][]string{"north": {"roof"}, "south": {"yard", "roof"},
			"west": {"shed"}}
		w := newTown(t, s)
		w.verdict("south", true, false)
		w.verdict("west", false, true)
		w.verdict("north", true, false)
		got := w.settle()
		if len(got.fires) != 1 {
			t.Fatalf("%d triggers, want 1", len(got.fires))
		}
		f := got.fires[0]
		want := protocol.FireConfirmed{ID: 1, At: f.At, Wall: f.Wall, Cameras: []string{"north", "south"},
			Fires: [][2]string{{"north", "fire-1"}, {"south", "fire-1"}}, Count: 1,
			Zones: []string{"roof", "yard"}}
		if !reflect.DeepEqual(f, want) {
			t.Errorf("trigger %+v, want %+v", f, want)
		}
		w.stop(t)
	})
}

func TestConcurrentTriggersInsideTheCooldownLeaveOneTrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, defaults())
		var senders sync.WaitGroup
		for s := range 10 {
			senders.Go(func() {
				for i := range 200 {
					w.verdict(fmt.Sprintf("camera-%d", s), i%2 == 0, false)
					w.verdict(fmt.Sprintf("other-%d", s), true, false)
				}
			})
		}
		senders.Wait()
		w.settle()
		time.Sleep(299 * time.Second)
		got := w.settle()
		if len(got.fires) != 1 {
			t.Errorf("%d triggers inside the cooldown, want 1", len(got.fires))
		}
		time.Sleep(2 * time.Second)
		got = w.settle()
		if len(got.fires) != 2 {
			t.Errorf("%d triggers after the cooldown, want 2: the fire still grows", len(got.fires))
		}
		w.stop(t)
	})
}

func TestAPumpThatDoesNotAnswerIsAskedUntilItDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, defaults())
		accept := w.answer
		w.answer = func(f protocol.FireConfirmed) *protocol.TriggerOutcome {
			if f.ID < 4 {
				return nil
			}
			return accept(f)
		}
		w.verdict("north", true, false)
		w.verdict("south", true, false)
		time.Sleep(20 * time.Second)
		got := w.settle()
		if n := len(got.fires); n != 4 || got.fires[3].At.Sub(got.fires[0].At) != 6*time.Second {
			t.Errorf("%d triggers, want 4 in 6s", n)
		}
		w.stop(t)
	})
}

func TestTheCooldownIsRememberedWhenItBeginsAndWhenAResetEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := defaults()
		s.Memory.Triggers = 41
		w := newTown(t, s)
		w.verdict("north", true, false)
		w.verdict("south", true, false)
		w.settle()
		w.verdict("south", false, false)
		w.ref.Send(protocol.CooldownEnded{Why: "reset"})
		w.ref.Send(protocol.CooldownEnded{Why: "reset"})
		got := w.settle()
		if len(got.memories) != 2 || got.memories[0].LastAccepted == 0 ||
			got.memories[1].LastAccepted != 0 || got.memories[0].Triggers != 42 {
			t.Errorf("remembered %+v", got.memories)
		}
		w.stop(t)
	})
}

func TestAThousandChangesAtOnceMakeAFewStatusesAndTheLastIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := defaults()
		s.Config.Threshold = 10
		w := newTown(t, s)
		w.settle()
		for i := range 1000 {
			w.verdict(fmt.Sprintf("camera-%d", i), i < 3, false)
		}
		time.Sleep(time.Second)
		got := w.settle()
		want := protocol.ConsensusStatus{Cameras: 1000, Online: 1000,
			Agreeing: []string{"camera-0", "camera-1", "camera-2"}}
		if got := got.statuses[len(got.statuses)-1]; !reflect.DeepEqual(got, want) {
			t.Errorf("status %+v, want %+v", got, want)
		}
		if len(got.statuses) > 4 {
			t.Errorf("%d statuses for one burst", len(got.statuses))
		}
		w.stop(t)
	})
}

func TestTheStatusShowsTheCooldownAndItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, defaults())
		w.verdict("north", true, false)
		w.verdict("south", true, false)
		time.Sleep(time.Second)
		got := w.settle()
		s := got.statuses[len(got.statuses)-1]
		if s.Triggers != 1 || s.Accepted != 1 || s.CooldownUntil.Sub(got.fires[0].At) != 300*time.Second {
			t.Errorf("status %+v", s)
		}
		w.verdict("south", false, false)
		time.Sleep(300 * time.Second)
		got = w.settle()
		if s := got.statuses[len(got.statuses)-1]; !s.CooldownUntil.IsZero() || len(s.Agreeing) != 1 {
			t.Errorf("status %+v after the cooldown", s)
		}
		w.stop(t)
	})
}

func TestConsensusIsCritical(t *testing.T) {
	if !Kind.Critical {
		t.Error("a consensus that was restarted would have forgotten who agrees")
	}
}

// BenchmarkVerdict is the cost of one verdict with so many cameras, of which one changes its mind.
func BenchmarkVerdict(b *testing.B) {
	for _, n := range []int{4, 10_000} {
		b.Run(fmt.Sprintf("cameras=%d", n), func(b *testing.B) {
			s := defaults()
			a := New(s).(*consensus)
			names := make([]string, n)
			now := time.Now()
			for i := range names {
				names[i] = fmt.Sprintf("camera-%d", i)
				a.roll.Note(protocol.CameraVerdict{Camera: names[i], Online: true})
			}
			objects := []string{"fire-1"}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				a.roll.Note(protocol.CameraVerdict{Camera: names[i/2%n], Online: true, Growing: i%2 == 0,
					Objects: objects})
				a.machine, _ = Step(a.rules, a.machine, a.roll.Counts, now)
				a.machine.Until(a.rules, now)
			}
		})
	}
}
