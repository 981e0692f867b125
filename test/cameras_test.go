package test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/system"
	"wildfire-watch/command"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

// street is a network in memory on which there are cameras, by IP.
type street struct {
	mu      sync.Mutex
	cameras map[string]string // IP → MAC
	scans   int
}

func (s *street) Scan(_ context.Context, _ protocol.ScanOrder, sighted func(protocol.Sighting)) protocol.ScanReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scans++
	for ip, mac := range s.cameras {
		sighted(protocol.Sighting{IP: ip, MAC: mac, Means: protocol.ByARP, Camera: true, At: time.Now()})
	}
	return protocol.ScanReport{Hosts: len(s.cameras), Asked: 254}
}

func (s *street) Watch(ctx context.Context, _ func(protocol.Sighting)) { <-ctx.Done() }

func (s *street) Interview(_ context.Context, o protocol.InterviewOrder) protocol.Interviewed {
	s.mu.Lock()
	defer s.mu.Unlock()
	mac := s.cameras[o.IP]
	if mac == "" {
		return protocol.Interviewed{}
	}
	return protocol.Interviewed{Proof: "onvif", Open: true, MAC: mac, Manufacturer: "Acme", Model: "One",
		Login: protocol.LoginNone, Streams: []protocol.Stream{{URL: "rtsp://" + o.IP + "/main"}}}
}

func (s *street) Check(_ context.Context, o protocol.CheckOrder) protocol.Checked {
	s.mu.Lock()
	defer s.mu.Unlock()
	mac := s.cameras[o.IP]
	return protocol.Checked{MAC: mac, Alive: mac != ""}
}

// moves changes where a camera is; an empty IP is nowhere.
func (s *street) moves(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mac := s.cameras[from]
	delete(s.cameras, from)
	if to != "" {
		s.cameras[to] = mac
	}
}

// inStreet runs the whole house, without MQTT, on a street.
func inStreet(t *testing.T, sets []string, safe bool, f func(h *system.System, s *street)) {
	defaults, err := os.ReadFile("../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	sets = append([]string{"gpio.board=simulator", "journal.dir=" + filepath.Join(t.TempDir(), "journal")}, sets...)
	synctest.Test(t, func(t *testing.T) {
		c, mistakes, err := system.Load(defaults, "", sets)
		if err != nil || len(mistakes) > 0 {
			t.Fatal(err, mistakes)
		}
		board, err := simulator.New(command.SimulatorSettings(c))
		if err != nil {
			t.Fatal(err)
		}
		store, found, err := journal.Open(c.Journal)
		if err != nil {
			t.Fatal(err)
		}
		found.SafeMode = safe
		s := &street{cameras: map[string]string{"10.0.0.7": "aa:00:00:00:00:07", "10.0.0.8": "aa:00:00:00:00:08"}}
		h, err := system.Start(system.Parts{Config: c, Board: board, Store: store, Recovered: found, NoBridge: true,
			Network: s, Exit: func(int) {}})
		if err != nil {
			t.Fatal(err)
		}
		f(h, s)
		if err := h.Stop(t.Context(), "signal"); err != nil {
			t.Error(err)
		}
		store.Close()
	})
}

// views asks the registry for all that it knows.
func views(h *system.System) []protocol.CameraView {
	answer := make(chan []protocol.CameraView, 1)
	h.Publish(protocol.CamerasAsked{Reply: func(all []protocol.CameraView) { answer <- all }})
	return <-answer
}

// one asks for one camera.
func one(h *system.System, q protocol.CameraAsked) (view protocol.CameraView) {
	answer := make(chan protocol.CameraView, 1)
	q.Reply = func(v protocol.CameraView, _ bool) { answer <- v }
	h.Publish(q)
	return <-answer
}

func TestACameraIsOneFromTheNetworkToConsensus(t *testing.T) {
	inStreet(t, []string{"cameras.north.mac=AA-00-00-00-00-07"}, false, func(h *system.System, s *street) {
		time.Sleep(5 * time.Second)
		var names []string
		for _, v := range views(h) {
			names = append(names, fmt.Sprint(v.Name, " ", v.IP, " ", v.Online, " ", v.Healthy, " ", v.Title))
		}
		want := []string{"cam_aa0000000008 10.0.0.8 true true Acme One", "north 10.0.0.7 true true Acme One"}
		if !slices.Equal(names, want) {
			t.Errorf("known %q", names)
		}
		// The NVR calls it otherwise, and it moves: it is the same camera, in the middle of a fire.
		h.Publish(protocol.NVRCamera{Name: "tower", Hosts: []string{"10.0.0.8"}, Running: true, At: time.Now()})
		for i := range 20 {
			for _, name := range []string{"tower", "aa:00:00:00:00:07"} {
				h.Publish(protocol.Detected{Camera: name, Object: "a", Label: "fire", Confidence: 0.9,
					Area: 0.01 * (1 + float64(i)/4), Arrived: time.Now(), Wall: time.Now()})
			}
			if i == 10 {
				s.moves("10.0.0.7", "10.0.0.9")
			}
			time.Sleep(time.Second)
		}
		for _, q := range []protocol.CameraAsked{{Name: "cam_aa0000000008"}, {MAC: "aa0000000008"}, {IP: "10.0.0.8"}} {
			if v := one(h, q); v.Name != "tower" || !v.Growing {
				t.Errorf("%+v", v)
			}
		}
		if len(views(h)) != 2 {
			t.Errorf("known %+v", views(h))
		}
		if status, _ := h.Status(); status.State == protocol.Idle {
			t.Error("two cameras saw a fire grow, and nothing started")
		}
		time.Sleep(3 * time.Minute)
		if v := one(h, protocol.CameraAsked{Name: "north"}); v.IP != "10.0.0.9" || !v.Healthy || !v.Online {
			t.Errorf("after its move %+v", v)
		}
		s.moves("10.0.0.9", "")
		time.Sleep(10 * time.Minute)
		if v := one(h, protocol.CameraAsked{Name: "north"}); v.Healthy || v.Online || v.Problem == "" {
			t.Errorf("after its death %+v", v)
		}
		// Checks alone keep a camera online between them.
		online := true
		for range 600 {
			time.Sleep(time.Second)
			online = online && one(h, protocol.CameraAsked{Name: "tower"}).Online
		}
		if !online {
			t.Error("a camera that answers every check went offline between two")
		}
	})
}

func TestNobodySearchesTheNetworkUnasked(t *testing.T) {
	for name, c := range map[string]struct {
		sets []string
		safe bool
	}{"switched off": {[]string{"cameras.discovery=false"}, false}, "safe mode": {nil, true}} {
		inStreet(t, c.sets, c.safe, func(h *system.System, s *street) {
			time.Sleep(2 * time.Minute)
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.scans != 0 {
				t.Errorf("%s: %d scans", name, s.scans)
			}
		})
	}
}
