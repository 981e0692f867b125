package camera

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// street is a registry in a house; what the cameras say is written down.
type street struct {
	t        *testing.T
	house    *actors.House
	registry actors.Ref

	mu       sync.Mutex
	verdicts []protocol.CameraVerdict
	rejected []protocol.Rejected
}

func newStreet(t *testing.T, c Config, known map[string]Known) *street {
	s := &street{t: t}
	s.house = actors.NewHouse(actors.Options{Route: s.route})
	r := NewRegistry(c, known)
	var err error
	s.registry, err = s.house.Spawn("cameras", actors.Kind{Name: "cameras", BulkLimit: 1 << 20},
		func() actors.Actor { return r })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *street) route(msg any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := msg.(type) {
	case protocol.CameraVerdict:
		s.verdicts = append(s.verdicts, m)
		s.registry.Send(m)
	case protocol.Rejected:
		s.rejected = append(s.rejected, m)
	}
}

// said waits until all is done and copies the verdicts of one camera; of all if it is empty.
func (s *street) said(camera string) (all []protocol.CameraVerdict) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.verdicts {
		if camera == "" || v.Camera == camera {
			all = append(all, v)
		}
	}
	return all
}

func (s *street) last(camera string) protocol.CameraVerdict {
	all := s.said(camera)
	if len(all) == 0 {
		s.t.Fatalf("camera %s said nothing", camera)
	}
	return all[len(all)-1]
}

func (s *street) refusals() map[string]int {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]int)
	for _, r := range s.rejected {
		all[r.Reason] += max(1, r.Count)
	}
	return all
}

func (s *street) snapshot() []protocol.CameraView {
	answer := make(chan []protocol.CameraView, 1)
	s.registry.Send(protocol.CamerasAsked{Reply: func(all []protocol.CameraView) { answer <- all }})
	return <-answer
}

func (s *street) names() (all []string) {
	synctest.Wait()
	for _, v := range s.snapshot() {
		all = append(all, v.Name)
	}
	return all
}

func (s *street) sees(camera string, area float64) {
	s.registry.Send(protocol.Detected{Camera: camera, Object: "a", Label: "fire", Confidence: 0.9,
		Area: area, Arrived: time.Now(), Wall: time.Now()})
}

func (s *street) hears(camera string) {
	s.registry.Send(protocol.CameraHeard{Camera: camera, Arrived: time.Now()})
}

// grows lets a camera see a fire grow for some seconds.
func (s *street) grows(seconds int, cameras ...string) {
	for i := range seconds {
		for _, camera := range cameras {
			s.sees(camera, 0.01*(1+float64(i)/4))
		}
		time.Sleep(time.Second)
	}
}

func (s *street) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.house.StopAll(ctx); err != nil {
		s.t.Error(err)
	}
	synctest.Wait()
}

// inStreet runs a test in virtual time.
func inStreet(t *testing.T, c Config, known map[string]Known, test func(t *testing.T, s *street)) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreet(t, c, known)
		test(t, s)
		s.stop()
	})
}

func TestAGrowingFireIsToldOnceAndItsEndWhenTheSamplesLeave(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		begin := time.Now()
		s.grows(20, "north")
		time.Sleep(100 * time.Second)
		var got []string
		for _, v := range s.said("north") {
			got = append(got, fmt.Sprintf("%v online=%v growing=%v %v", v.At.Sub(begin), v.Online,
				v.Growing, v.Objects))
		}
		want := []string{
			"0s online=false growing=false []", "0s online=true growing=false []",
			// six samples at 5 s, ten seconds later the sixteenth
			"15s online=true growing=true [a]",
			// the samples of 14 to 19 s are left: median 0.055 is not 1.2 times 0.0475
			"43s online=true growing=false []",
			"1m19.000000001s online=false growing=false []",
		}
		if !slices.Equal(got, want) {
			t.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestACameraIsMadeByWhatCountsAndByTelemetryAndByNothingElse(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.sees("oversize", 0.9)
		s.sees("tiny", 0.0001)
		s.registry.Send(protocol.Detected{Camera: "unsure", Label: "fire", Confidence: 0.6, Area: 0.1})
		s.registry.Send(protocol.Detected{Camera: "dog", Label: "dog", Confidence: 0.9, Area: 0.1})
		s.sees("", 0.1)
		s.sees("new\nline", 0.1)
		s.sees(strings.Repeat("x", 129), 0.1)
		s.sees("\xff", 0.1)
		s.registry.Send(protocol.Detected{Camera: "id", Label: "fire", Confidence: 0.9, Area: 0.1,
			Object: strings.Repeat("x", 129)})
		s.sees("north", 0.1)
		s.hears("south")
		if got := s.names(); !slices.Equal(got, []string{"north", "south"}) {
			t.Errorf("cameras %q", got)
		}
		if got := s.refusals(); got["camera"] != 4 || got["object id"] != 1 {
			t.Errorf("refused %v", got)
		}
	})
}

func TestADetectionBelowThresholdKeepsAKnownCameraOnline(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.hears("north")
		for range 5 {
			time.Sleep(40 * time.Second)
			s.registry.Send(protocol.Detected{Camera: "north", Label: "fire", Confidence: 0.1, Area: 0.1,
				Arrived: time.Now()})
		}
		if !s.last("north").Online {
			t.Error("it went offline")
		}
		time.Sleep(60*time.Second + 1)
		if s.last("north").Online {
			t.Error("it stays online for ever")
		}
	})
}

func TestNamesMACAndAliasesOfOneCameraCountOnce(t *testing.T) {
	known := map[string]Known{"north": {Aliases: []string{"cam1", "tower"}, MAC: "AA-BB-CC-DD-EE-0F"}}
	inStreet(t, standard(), known, func(t *testing.T, s *street) {
		s.grows(20, "north", "cam1", "tower", "aa:bb:cc:dd:ee:0f", "AA:BB:CC:DD:EE:0F", "aabbccddee0f")
		if got := s.names(); !slices.Equal(got, []string{"north"}) {
			t.Errorf("cameras %q", got)
		}
		if !s.last("north").Growing {
			t.Error("the fire that six names saw was not found")
		}
		s.hears("11-22-33-44-55-66")
		s.hears("112233445566")
		if got := s.names(); !slices.Equal(got, []string{"11:22:33:44:55:66", "north"}) {
			t.Errorf("cameras %q", got)
		}
	})
}

func TestACameraKnownByItsMACAloneIsGoneWhenItsNameIsFound(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.grows(20, "aa:bb:cc:dd:ee:0f", "north")
		s.registry.Send(protocol.CamerasFound{Cameras: []protocol.CameraFound{
			{Camera: "north", MAC: "AABBCCDDEE0F", IP: "10.0.0.7", At: time.Now()}}})
		if v := s.last("aa:bb:cc:dd:ee:0f"); !v.Gone {
			t.Errorf("it votes twice: %+v", v)
		}
		s.sees("AA:BB:CC:DD:EE:0F", 0.1)
		want := []protocol.CameraView{{Name: "north", MAC: "aa:bb:cc:dd:ee:0f", IP: "10.0.0.7",
			LastHeard: time.Now(), Online: true, Growing: true, Objects: []string{"a"}, Found: true}}
		s.names()
		if got := s.snapshot(); !reflect.DeepEqual(got, want) {
			t.Errorf("known %+v, want %+v", got, want)
		}
	})
}

func TestBeyondMaxCamerasTheLeastRecentlyHeardGoesAndComesBackWhenHeard(t *testing.T) {
	c := standard()
	c.MaxCameras = 3
	inStreet(t, c, nil, func(t *testing.T, s *street) {
		s.grows(20, "a", "b", "c")
		s.hears("a")
		s.hears("c")
		s.hears("d")
		if got := s.names(); !slices.Equal(got, []string{"a", "c", "d"}) {
			t.Errorf("cameras %q", got)
		}
		if v := s.last("b"); !v.Gone || v.Growing {
			t.Errorf("b still votes: %+v", v)
		}
		if v := s.last("d"); !v.Online || v.Growing {
			t.Errorf("d inherits b's fire: %+v", v)
		}
		s.hears("b")
		if v := s.last("b"); !v.Online || v.Gone || v.Growing {
			t.Errorf("b came back as %+v", v)
		}
		time.Sleep(2 * time.Second)
		s.hears("b")
		if got := s.refusals()["max_cameras"]; got != 2 {
			t.Errorf("%d dropped were counted", got)
		}
	})
}

func TestAFloodOfInventedNamesMakesNoMoreActorsThanMaxCameras(t *testing.T) {
	c := standard()
	c.MaxCameras = 10
	inStreet(t, c, nil, func(t *testing.T, s *street) {
		for i := range 5000 {
			s.sees(fmt.Sprintf("invented-%d", i), 0.1)
		}
		synctest.Wait()
		if n := len(s.house.Figures()); n != 11 {
			t.Errorf("%d actors", n)
		}
		alive := map[string]bool{}
		for _, v := range s.said("") {
			if alive[v.Camera] = true; v.Gone {
				delete(alive, v.Camera)
			}
		}
		if len(alive) != 10 || !alive["invented-4999"] {
			t.Errorf("%d cameras still vote", len(alive))
		}
	})
}

func TestASteadyFireIsToldAfterAnAcceptedTriggerInWhateverOrderItsMessagesCome(t *testing.T) {
	for _, overtakes := range []bool{false, true} {
		inStreet(t, standard(), nil, func(t *testing.T, s *street) {
			s.grows(20, "north")
			fire, answer := any(protocol.FireConfirmed{ID: 1, At: time.Now()}),
				any(protocol.TriggerOutcome{ID: 1, Accepted: true, At: time.Now()})
			if overtakes {
				fire, answer = answer, fire
			}
			s.registry.Send(fire)
			s.registry.Send(answer)
			if v := s.last("north"); !v.Steady || !v.Growing {
				t.Errorf("overtakes %v: %+v", overtakes, v)
			}
			for range 60 {
				s.sees("north", 0.05+0.0001*rand.Float64())
				time.Sleep(time.Second)
			}
			if v := s.last("north"); !v.Steady || v.Growing || !slices.Equal(v.Objects, []string{"a"}) {
				t.Errorf("overtakes %v, a minute later: %+v", overtakes, v)
			}
		})
	}
}

// fragile is a camera's actor that one message makes panic.
type fragile struct{ *watch }

type poison struct{}

func (f fragile) Receive(c *actors.Context, msg any) {
	if _, bad := msg.(poison); bad {
		panic("poison")
	}
	f.watch.Receive(c, msg)
}

func TestAfterAPanicTheOldVerdictDoesNotStand(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.grows(1, "north")
		old := s.last("north").Watch
		// the same actor as the registry makes, but fragile
		camera, err := s.house.Spawn("fragile", actors.Kind{Name: "camera"},
			fragileMaker(standard(), "east"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			camera.Send(protocol.Detected{Camera: "east", Object: "a", Label: "fire", Confidence: 0.9,
				Area: 0.01 * (1 + float64(i)/4), Arrived: time.Now(), Wall: time.Now()})
			time.Sleep(time.Second)
		}
		if !s.last("east").Growing {
			t.Fatal("no fire before the panic")
		}
		camera.Send(poison{})
		if v := s.last("east"); v.Growing || v.Online || v.Gone {
			t.Errorf("after the panic %+v", v)
		}
		for range 11 { // more than restarts are allowed
			camera.Send(poison{})
		}
		if v := s.last("east"); !v.Gone {
			t.Errorf("after it was stopped %+v", v)
		}
		if s.last("north").Watch != old {
			t.Error("another camera was touched")
		}
	})
}

func fragileMaker(c Config, name string) func() actors.Actor {
	duty, config := dutyOf(assigned{name, 1}), new(atomic.Pointer[Config])
	config.Store(&c)
	return func() actors.Actor { return fragile{&watch{config: config, duty: duty}} }
}

func TestARegistryThatPanicsStillKnowsItsCameras(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.grows(20, "north")
		s.registry.Send(protocol.CamerasAsked{Reply: func([]protocol.CameraView) { panic("reader") }})
		s.sees("north", 0.2)
		if got := s.names(); !slices.Equal(got, []string{"north"}) {
			t.Errorf("cameras %q", got)
		}
		if v := s.last("north"); !v.Growing {
			t.Errorf("the fire was forgotten: %+v", v)
		}
	})
}

func TestTenSendersAddingTenCamerasEachLeaveExactlyAHundred(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		var senders sync.WaitGroup
		for i := range 10 {
			senders.Go(func() {
				for k := range 10 {
					s.sees(fmt.Sprintf("camera-%d-%d", i, k), 0.1)
					s.hears(fmt.Sprintf("camera-%d-%d", (i+1)%10, k))
				}
			})
		}
		senders.Wait()
		if n := len(s.names()); n != 100 {
			t.Errorf("%d cameras", n)
		}
	})
}

func TestRacingStatusUpdatesLeaveOneWinner(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		var senders sync.WaitGroup
		sent := make(map[string]bool)
		for i := range 20 {
			ip := fmt.Sprintf("10.0.0.%d", i)
			sent[ip] = true
			senders.Go(func() {
				for range 50 {
					s.registry.Send(protocol.CamerasFound{Cameras: []protocol.CameraFound{
						{Camera: "north", MAC: "aa:bb:cc:dd:ee:ff", IP: ip, At: time.Now()}}})
				}
			})
		}
		senders.Wait()
		s.names()
		all := s.snapshot()
		if len(all) != 1 || !sent[all[0].IP] || all[0].MAC != "aa:bb:cc:dd:ee:ff" || !all[0].Online {
			t.Errorf("known %+v", all)
		}
	})
}

func TestADiscoveryRacingADetectionLosesNeither(t *testing.T) {
	for range 20 {
		inStreet(t, standard(), nil, func(t *testing.T, s *street) {
			var senders sync.WaitGroup
			senders.Go(func() {
				s.registry.Send(protocol.CamerasFound{Cameras: []protocol.CameraFound{
					{Camera: "north", MAC: "aabbccddeeff", IP: "10.0.0.1", At: time.Now()}}})
			})
			senders.Go(func() { s.sees("north", 0.01) })
			senders.Go(func() { s.sees("aa:bb:cc:dd:ee:ff", 0.01) })
			senders.Wait()
			for i := range 19 {
				s.sees("aa:bb:cc:dd:ee:ff", 0.01*(1+float64(i)/4))
				time.Sleep(time.Second)
			}
			s.names()
			all := s.snapshot()
			if len(all) != 1 || all[0].Name != "north" || all[0].IP != "10.0.0.1" || !all[0].Growing {
				t.Errorf("known %+v", all)
			}
		})
	}
}

func TestABatchOfCamerasArrivesWhole(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		var batch []protocol.CameraFound
		for i := range 50 {
			batch = append(batch, protocol.CameraFound{MAC: fmt.Sprintf("aa:bb:cc:dd:ee:%02x", i),
				At: time.Now()})
		}
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for range 50 {
					if n := len(s.snapshot()); n != 0 && n != 50 {
						t.Errorf("a reader saw %d of the batch", n)
					}
				}
			})
		}
		readers.Go(func() { s.registry.Send(protocol.CamerasFound{Cameras: batch}) })
		readers.Wait()
		if n := len(s.names()); n != 50 {
			t.Errorf("%d cameras", n)
		}
	})
}

func TestASnapshotNeverChangesUnderItsReader(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.grows(20, "north", "south")
		s.names()
		held := s.snapshot()
		before := fmt.Sprintf("%+v", held)
		s.grows(5, "north", "east")
		time.Sleep(2 * time.Minute)
		s.names()
		if after := fmt.Sprintf("%+v", held); after != before {
			t.Errorf("it was\n%s\nand became\n%s", before, after)
		}
		for i := range held { // nor is the registry changed by its reader
			held[i].Objects = append(held[i].Objects[:0], "scribbled")
			held[i].Name = "scribbled"
		}
		if now := fmt.Sprintf("%+v", s.snapshot()); strings.Contains(now, "scribbled") {
			t.Errorf("a reader changed the registry: %s", now)
		}
	})
}
