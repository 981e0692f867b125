package discovery

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func TestTheCadence(t *testing.T) {
	w := newWorld(t, plainRules)
	var scans []string
	for range 100 {
		w.run(time.Minute)
		for _, s := range take[Scan](w) {
			scans = append(scans, fmt.Sprintf("%d %v", s.Order.Cycle, w.now.Sub(w.begun).Truncate(time.Minute)))
		}
	}
	want := []string{"1 1m0s", "2 5m0s", "3 10m0s", "4 40m0s", "5 1h10m0s", "6 1h40m0s"}
	if !slices.Equal(scans, want) {
		t.Errorf("scans %q", scans)
	}
	status := take[protocol.DiscoveryStatus](w)
	last := status[len(status)-1]
	if last.Cycle != 6 || !last.Steady {
		t.Errorf("status %+v", last)
	}
}

func TestEveryCameraIsCheckedOnceAnIntervalAndNotAllAtOnce(t *testing.T) {
	w := newWorld(t, plainRules)
	for i := range 60 {
		w.add(device{ip: fmt.Sprintf("10.0.1.%d", i), mac: fmt.Sprintf("aa:00:00:00:01:%02x", i), camera: true})
	}
	w.run(10 * time.Minute)
	most := 0
	start := w.now
	for range 60 {
		before := 0
		for _, d := range w.devices {
			before += len(d.checks)
		}
		w.run(time.Second)
		after := 0
		for _, d := range w.devices {
			after += len(d.checks)
		}
		most = max(most, after-before)
	}
	for _, d := range w.devices {
		n := 0
		for _, at := range d.checks {
			if at.After(start) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was checked %d times in a minute", d.ip, n)
		}
	}
	if most > 4 || w.most > 8 {
		t.Errorf("%d checks in one second, %d at once", most, w.most)
	}
}

func TestCamerasThatHangDoNotKeepUsFromTheOthers(t *testing.T) {
	w := newWorld(t, plainRules)
	for i := range 600 {
		w.add(device{ip: fmt.Sprintf("10.0.%d.%d", i/200, i%200), mac: fmt.Sprintf("aa:00:00:00:%02x:%02x", i/200, i%200),
			camera: true})
	}
	w.run(3 * time.Minute)
	w.changes()
	frozen := w.now
	for _, d := range w.devices[:550] {
		d.frozen = true
	}
	w.run(12 * time.Minute)
	offline := 0
	for _, c := range take[Change](w) {
		if c.What == "offline" {
			offline++
		}
	}
	if offline != 550 || w.most > 8 {
		t.Errorf("%d went offline, %d checks at once", offline, w.most)
	}
	for _, d := range w.devices[550:] {
		for i := 1; i < len(d.checks); i++ {
			// Until each of those that hang was asked once nobody knows that they do.
			known := d.checks[i-1].Sub(frozen) > plainRules.Offline
			if gap := d.checks[i].Sub(d.checks[i-1]); gap > plainRules.Offline || known && gap > 2*plainRules.Health {
				t.Errorf("%s was not checked for %v", d.ip, gap)
			}
		}
	}
}

func TestOneLostProbeIsNotOfflineAndIsRepeatedSoon(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(10 * time.Minute)
	w.changes()
	n := len(a.checks)
	a.frozen = true
	for len(w.m.cameras[macA].problem) == 0 {
		w.run(time.Second)
	}
	lostAt := w.now
	a.frozen = false
	w.run(10 * time.Second)
	if len(a.checks) != n+1 || a.checks[n].Sub(lostAt) > 6*time.Second {
		t.Errorf("it was not asked again soon: %d", len(a.checks)-n)
	}
	w.run(10 * time.Minute)
	w.says("")
}

func TestSilentForTheThresholdIsOfflineAndOneGoodCheckBringsItBack(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(10 * time.Minute)
	w.changes()
	alive := w.m.cameras[macA].alive()
	a.frozen = true
	for range 20 { // its card still answers: that proves nothing
		w.run(15 * time.Second)
		w.sees(a, protocol.ByARP)
	}
	var off Change
	for _, c := range take[Change](w) {
		if c.What == "offline" {
			off = c
		}
	}
	if off.Why == "" || off.Camera.Online {
		t.Fatalf("it is not offline: %+v", off)
	}
	since := w.m.cameras[macA].since.Sub(alive)
	if since < plainRules.Offline || since > plainRules.Offline+plainRules.Health {
		t.Errorf("offline %v after its last sign of life", since)
	}
	a.frozen = false
	w.sees(a, protocol.ByARP)
	w.run(10 * time.Second)
	w.says("online " + namA + " " + ipA)
}

func TestAProcessThatSleptAsksBeforeItCallsACameraOffline(t *testing.T) {
	w := newWorld(t, plainRules)
	w.add(cameraA())
	w.run(10 * time.Minute)
	w.changes()
	w.now = w.now.Add(30 * time.Minute)
	w.put(Woke{})
	w.run(10 * time.Minute)
	w.says("")
}

func TestADetectionIsASignOfLife(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(10 * time.Minute)
	w.changes()
	a.frozen = true
	for range 60 {
		w.run(10 * time.Second)
		w.put(protocol.CameraSeen{Camera: namA, MAC: macA, At: w.now})
	}
	w.says("")
	w.run(5 * time.Minute)
	w.says("offline " + namA + " " + ipA)
	w.put(protocol.CameraSeen{Camera: namA, MAC: macA, At: w.now})
	w.says("online " + namA + " " + ipA)
}

// word is the NVR's, every minute.
func (w *world) nvr(minutes int, n protocol.NVRCamera) {
	for range minutes {
		w.put(n)
		w.run(time.Minute)
	}
}

func TestTheNVRsWordCountsWhileItIsFresh(t *testing.T) {
	w := newWorld(t, plainRules)
	w.add(cameraA())
	w.run(10 * time.Minute)
	w.changes()
	frozen := protocol.NVRCamera{Name: "north", Hosts: []string{ipA}, Problem: "0 fps"}
	running := protocol.NVRCamera{Name: "north", Hosts: []string{ipA}, Running: true, FPS: 5}
	w.nvr(3, running)
	w.says("")
	w.nvr(1, frozen)
	w.nvr(2, running)
	w.says("") // an NVR that starts says so of all
	take[protocol.CamerasFound](w)
	w.nvr(3, frozen)
	w.says("offline north " + ipA)
	if s := w.m.snapshot(w.m.cameras[macA]); s.Problem != "the NVR says: 0 fps" {
		t.Errorf("%+v", s)
	}
	for _, batch := range take[protocol.CamerasFound](w) {
		if f := batch.Cameras[0]; !f.At.IsZero() && f.Problem != "" || f.Healthy && f.Problem == "" && f.At.IsZero() {
			t.Errorf("the registry heard %+v", f)
		}
	}
	w.nvr(2, running)
	w.says("online north " + ipA)
	w.nvr(2, frozen)
	w.says("offline north " + ipA)
	w.run(5 * time.Minute) // the NVR falls silent; the camera answers
	w.says("online north " + ipA)
}

func TestAMissingCameraIsSearchedForAtOnceThenLessAndLessOften(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(30 * time.Minute)
	take[Scan](w)
	a.dead = true
	died := w.now
	var searches []time.Duration
	full := 0
	for range 120 {
		w.run(30 * time.Second)
		for _, s := range take[Scan](w) {
			if len(s.Order.Wanted) == 0 {
				full++
				continue
			}
			if len(s.Order.Wanted) != 1 || s.Order.Wanted[0] != macA {
				t.Fatalf("searched for %v", s.Order.Wanted)
			}
			searches = append(searches, w.now.Sub(died))
		}
	}
	if len(searches) < 4 || searches[0] > 2*time.Minute {
		t.Fatalf("searches after %v", searches)
	}
	for i := 2; i < len(searches); i++ {
		if gap := searches[i] - searches[i-1]; gap < 30*time.Second {
			t.Errorf("searches after %v", searches)
		}
	}
	if len(searches) > 12 || full < 2 || full > 4 {
		t.Errorf("%d searches and %d full scans in an hour: %v", len(searches), full, searches)
	}
}

func TestNamesComeFromTheConfigurationThenTheNVRThenTheMAC(t *testing.T) {
	r := plainRules
	r.Names = map[string]string{macB: "gate"}
	w := newWorld(t, r)
	a := w.add(cameraA())
	w.add(cameraB())
	w.run(time.Minute)
	w.wants(macA+" "+namA+" "+ipA+" online", macB+" gate "+ipB+" online")
	take[protocol.CamerasFound](w)
	for _, n := range []protocol.NVRCamera{{Name: "north", Hosts: []string{ipA}, Running: true},
		{Name: "front", Hosts: []string{ipB}, Running: true}} {
		w.put(n)
	}
	w.wants(macA+" north "+ipA+" online", macB+" gate "+ipB+" online")
	w.put(protocol.NVRCamera{Name: "gate", Hosts: []string{ipC}, Running: true}) // nobody is there
	names := map[string][]string{}
	for _, batch := range take[protocol.CamerasFound](w) {
		for _, f := range batch.Cameras {
			names[f.Camera] = f.Aliases
		}
	}
	if fmt.Sprint(names) != "map[gate:[front] north:["+namA+"]]" {
		t.Errorf("the registry heard %v", names)
	}
	d := w.add(device{ip: ipC, mac: "aa:00:00:00:00:0d", camera: true}) // what the configuration names, nobody else gets
	w.sees(d, protocol.ByConnect)
	w.run(time.Minute)
	if got := w.m.cameras[d.mac].name; got != "cam_aa000000000d" {
		t.Errorf("it is called %s", got)
	}
	w.m.forget(w.m.cameras[d.mac])
	w.lan.devices = w.lan.devices[:2]
	// It moves, and the NVR has not heard of it: the name stays.
	a.ip = ipC
	w.sees(a, protocol.ByARP)
	w.run(time.Minute)
	w.wants(macA+" north "+ipC+" online", macB+" gate "+ipB+" online")
	// Another camera comes to the address that the NVR looks at: the name is its own now.
	c := w.add(device{ip: ipA, mac: macC, camera: true})
	w.sees(c, protocol.ByConnect)
	w.run(time.Minute)
	w.wants(macA+" "+namA+" "+ipC+" online", macB+" gate "+ipB+" online", macC+" north "+ipA+" online")
}

func TestAnNVRsChannelsAreCamerasOfTheirOwn(t *testing.T) {
	w := newWorld(t, plainRules)
	w.add(cameraA())
	w.run(time.Minute)
	take[protocol.CamerasFound](w)
	one := protocol.NVRCamera{Name: "one", Hosts: []string{ipA}, Running: true}
	two := protocol.NVRCamera{Name: "two", Hosts: []string{ipA}, Problem: "frozen"}
	for range 3 {
		w.put(one)
		w.put(two)
		w.run(time.Minute)
	}
	w.wants(macA + " " + namA + " " + ipA + " online")
	heard := map[string]protocol.CameraFound{}
	for _, batch := range take[protocol.CamerasFound](w) {
		for _, f := range batch.Cameras {
			if f.Channel {
				heard[f.Camera] = f
			}
		}
	}
	if len(heard) != 2 || !heard["one"].Healthy || heard["two"].Healthy || heard["one"].MAC != macA {
		t.Errorf("the registry heard %+v", heard)
	}
}

func TestTheHistoryIsNotFilledByACameraThatComesAndGoes(t *testing.T) {
	w := newWorld(t, plainRules)
	for i := range 40 {
		w.add(device{ip: fmt.Sprintf("10.0.1.%d", i), mac: fmt.Sprintf("aa:00:00:00:01:%02x", i), camera: true})
	}
	for i := range 12 {
		for _, d := range w.devices {
			d.dead = i%2 == 1
		}
		w.run(5 * time.Minute)
	}
	if n := len(take[protocol.Occurred](w)); n > mostEvents {
		t.Errorf("%d events in an hour", n)
	}
}
