package camera

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/protocol"
)

func (s *street) finds(all ...protocol.CameraFound) {
	s.registry.Send(protocol.CamerasFound{Cameras: all})
}

func (s *street) asks(q protocol.CameraAsked) (view protocol.CameraView, ok bool) {
	type answer struct {
		view protocol.CameraView
		ok   bool
	}
	answers := make(chan answer, 1)
	q.Reply = func(view protocol.CameraView, ok bool) { answers <- answer{view, ok} }
	s.registry.Send(q)
	a := <-answers
	return a.view, a.ok
}

const macNorth = "aa:bb:cc:dd:ee:0f"

func TestOneViewHoldsDetectionsHealthAndIdentity(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.finds(protocol.CameraFound{Camera: "cam_aabbccddee0f", MAC: macNorth, IP: "10.0.0.7", Generation: 1,
			At: time.Now(), Title: "Acme One", Manufacturer: "Acme", Model: "One", Streams: 2, Healthy: true})
		s.grows(20, "AABBCCDDEE0F")
		v, ok := s.asks(protocol.CameraAsked{IP: "10.0.0.7"})
		if !ok || v.Name != "cam_aabbccddee0f" || !v.Growing || !v.Online || v.Title != "Acme One" ||
			v.Streams != 2 || !v.Healthy || !v.Found || v.Manufacturer != "Acme" || v.Model != "One" {
			t.Errorf("known %+v", v)
		}
		for _, q := range []protocol.CameraAsked{{Name: "cam_aabbccddee0f"}, {Name: macNorth},
			{MAC: "AA-BB-CC-DD-EE-0F"}, {IP: "10.0.0.7"}} {
			if got, ok := s.asks(q); !ok || got.MAC != macNorth {
				t.Errorf("%+v found %+v", q, got)
			}
		}
		for _, q := range []protocol.CameraAsked{{Name: "south"}, {MAC: "11:22:33:44:55:66"}, {IP: "10.0.0.8"}, {}} {
			if got, ok := s.asks(q); ok {
				t.Errorf("%+v found %+v", q, got)
			}
		}
		s.finds(protocol.CameraFound{Camera: "cam_aabbccddee0f", MAC: macNorth, Generation: 2, Problem: "0 fps"})
		if v, _ = s.asks(protocol.CameraAsked{MAC: macNorth}); v.IP != "" || v.Healthy || v.Problem != "0 fps" {
			t.Errorf("after it lost its address %+v", v)
		}
	})
}

func TestACameraThatIsGivenAnotherNameStaysOne(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		old := protocol.CameraFound{Camera: "cam_x", MAC: macNorth, IP: "10.0.0.7", Generation: 1, At: time.Now()}
		s.finds(old)
		s.grows(5, "cam_x")
		named := old
		named.Camera, named.Aliases, named.Generation = "north", []string{"cam_x", "front"}, 2
		s.finds(named)
		if v := s.last("cam_x"); !v.Gone {
			t.Errorf("it votes twice: %+v", v)
		}
		s.grows(20, "cam_x", "front", "north", macNorth)
		if got := s.names(); !slices.Equal(got, []string{"north"}) {
			t.Errorf("cameras %q", got)
		}
		// What comes late changes nothing, under whatever name.
		late := old
		late.IP = "10.0.0.9"
		s.finds(late)
		v, _ := s.asks(protocol.CameraAsked{Name: "cam_x"})
		if v.Name != "north" || v.IP != "10.0.0.7" || !slices.Equal(v.Aliases, []string{"cam_x", "front"}) ||
			s.refusals()["late"] != 1 {
			t.Errorf("known %+v", v)
		}
		// The NVR means another one by the name: the first is called as before.
		s.finds(protocol.CameraFound{Camera: "cam_x", MAC: macNorth, IP: "10.0.0.9", Generation: 3, At: time.Now()},
			protocol.CameraFound{Camera: "north", MAC: "aa:bb:cc:dd:ee:10", IP: "10.0.0.7", Generation: 4, At: time.Now()})
		s.sees(macNorth, 0.1)
		s.sees("cam_x", 0.1)
		if got := s.names(); !slices.Equal(got, []string{"cam_x", "north"}) {
			t.Errorf("cameras %q", got)
		}
		if v, _ = s.asks(protocol.CameraAsked{MAC: macNorth}); v.Name != "cam_x" || v.IP != "10.0.0.9" {
			t.Errorf("known %+v", v)
		}
	})
}

func TestWhatTheConfigurationSaysOfANameStands(t *testing.T) {
	known := map[string]Known{"north": {Aliases: []string{"tower"}, MAC: macNorth}, "south": {}}
	inStreet(t, standard(), known, func(t *testing.T, s *street) {
		s.finds(protocol.CameraFound{Camera: "intruder", MAC: macNorth, Aliases: []string{"tower", "south"},
			Generation: 1, At: time.Now()})
		for _, name := range []string{"tower", macNorth, "south"} {
			s.hears(name)
		}
		if got := s.names(); !slices.Equal(got, []string{"intruder", "north", "south"}) {
			t.Errorf("cameras %q", got)
		}
	})
}

func TestAnNVRsChannelsShareAMACAndAreNotOne(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.finds(protocol.CameraFound{Camera: "one", MAC: macNorth, IP: "10.0.0.7", Channel: true, At: time.Now()},
			protocol.CameraFound{Camera: "two", MAC: macNorth, IP: "10.0.0.7", Channel: true, At: time.Now()})
		s.grows(20, "one", "two")
		if !s.last("one").Growing || !s.last("two").Growing || len(s.names()) != 2 {
			t.Errorf("cameras %q", s.names())
		}
	})
}

func TestACameraThatWasNotHeardIsKnownAndOffline(t *testing.T) {
	inStreet(t, standard(), nil, func(t *testing.T, s *street) {
		s.finds(protocol.CameraFound{Camera: "north", MAC: macNorth, IP: "10.0.0.7", Generation: 1, Problem: "frozen"})
		v, ok := s.asks(protocol.CameraAsked{Name: "north"})
		if !ok || v.Online || v.Healthy || !v.LastHeard.IsZero() || s.last("north").Online {
			t.Errorf("known %+v", v)
		}
	})
}

func TestDiscoveryHearsOfACamerasDetectionsAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreet(t, standard(), nil)
		var seen []protocol.CameraSeen
		s.house.SetRoute(func(msg any) {
			if m, ok := msg.(protocol.CameraSeen); ok {
				s.mu.Lock()
				defer s.mu.Unlock()
				seen = append(seen, m)
			}
		})
		for range 300 {
			s.sees("north", 0.1)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		s.mu.Lock()
		if len(seen) != 3 || seen[0].Camera != "north" || seen[1].At.Sub(seen[0].At) < seenEvery {
			t.Errorf("%d times: %+v", len(seen), seen)
		}
		s.mu.Unlock()
		s.stop()
	})
}

func TestABatchOfAThousandIsBoundedAndArrivesWhole(t *testing.T) {
	c := standard()
	c.MaxCameras = 100
	inStreet(t, c, nil, func(t *testing.T, s *street) {
		var batch []protocol.CameraFound
		for i := range 1000 {
			batch = append(batch, protocol.CameraFound{Camera: fmt.Sprintf("camera-%d", i), At: time.Now(),
				Aliases: make([]string, 1000)})
		}
		s.finds(batch...)
		if n := len(s.names()); n != 100 {
			t.Errorf("%d cameras", n)
		}
	})
}
