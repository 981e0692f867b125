package discovery

import (
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func TestACameraFoundThreeWaysIsOne(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(2 * time.Second)
	w.sees(a, protocol.ByMDNS)
	w.sees(a, protocol.ByNeighbours)
	w.run(2 * time.Minute)
	w.wants(macA + " " + namA + " " + ipA + " online")
	if n := len(a.asked); n != 1 {
		t.Errorf("it was interviewed %d times", n)
	}
	s := w.m.snapshot(w.m.cameras[macA])
	if s.Title != "Acme One" || len(s.Means) != 5 || s.Streams[0].URL != "rtsp://"+ipA+":554/main" {
		t.Errorf("%+v", s)
	}
	w.says("online " + namA + " " + ipA)
}

func TestOnlyAHostThatProvesItIsACamera(t *testing.T) {
	w := newWorld(t, plainRules)
	printer := w.add(device{ip: ipA, mac: macA, announce: true, printer: true, noDoors: true})
	nas := w.add(device{ip: ipB, mac: macB})
	quiet := w.add(device{ip: ipC, mac: macC, noDoors: true})
	w.run(3 * time.Hour)
	w.wants()
	if len(quiet.asked) != 0 || len(nas.asked) > 4 || len(printer.asked) > 4 {
		t.Errorf("asked: printer %d, nas %d, quiet %d times", len(printer.asked), len(nas.asked), len(quiet.asked))
	}
	if len(nas.asked) < 2 {
		t.Error("a host that was none an hour ago is never looked at again")
	}
}

func TestAMoveKeepsWhoItIs(t *testing.T) {
	for _, means := range []protocol.Means{protocol.ByARP, protocol.ByWSDiscovery} {
		w := newWorld(t, plainRules)
		a := w.add(cameraA())
		w.run(time.Minute)
		before := w.m.cameras[macA].generation
		w.changes()
		take[protocol.CamerasFound](w)
		a.ip = ipB
		w.sees(a, means)
		w.run(5 * time.Second)
		w.wants(macA + " " + namA + " " + ipB + " online")
		if told := take[Change](w); len(told) != 1 || told[0].What != "ip_changed" || told[0].OldIP != ipA ||
			told[0].Camera.Streams[0].URL != "rtsp://"+ipB+":554/main" {
			t.Errorf("said %+v", told)
		}
		s := w.m.snapshot(w.m.cameras[macA])
		if s.Streams[0].URL != "rtsp://"+ipB+":554/main" || s.XAddr != "http://"+ipB+"/onvif/device_service" ||
			s.Generation <= before {
			t.Errorf("%v: %+v", means, s)
		}
		var last protocol.CameraFound
		for _, batch := range take[protocol.CamerasFound](w) {
			last = batch.Cameras[0]
		}
		if last.IP != ipB || last.MAC != macA || last.Generation <= before {
			t.Errorf("the registry heard %+v", last)
		}
	}
}

func TestAMoveThatNobodyAnnouncedIsFoundByASearchAtOnce(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(20 * time.Minute)
	w.changes()
	a.ip = ipB
	w.run(90 * time.Second)
	w.wants(macA + " " + namA + " " + ipB + " online")
	w.says("ip_changed " + namA + " " + ipB + " from " + ipA)
}

func TestAnOldTableIsNoMove(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(time.Minute)
	ghost := *a
	ghost.ip = ipB
	w.changes()
	w.put(ghost.sighting(protocol.ByNeighbours, w.now))
	w.run(2 * time.Minute)
	w.wants(macA + " " + namA + " " + ipA + " online")
	w.says("")
}

func TestAnotherDeviceAtTheSameAddressIsAnotherCamera(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(time.Minute)
	w.changes()
	take[Scan](w)
	a.dead = true
	b := cameraB()
	b.ip = ipA
	swapped := w.add(b)
	w.sees(swapped, protocol.ByARP)
	w.sees(swapped, protocol.ByConnect)
	w.run(10 * time.Second)
	w.wants(macA+" "+namA+" nowhere online", macB+" "+namB+" "+ipA+" online")
	scans := take[Scan](w)
	if len(scans) == 0 || strings.Join(scans[0].Order.Wanted, "") != macA {
		t.Errorf("it is not searched for: %+v", scans)
	}
	w.run(10 * time.Minute)
	w.wants(macA+" "+namA+" nowhere offline", macB+" "+namB+" "+ipA+" online")
	if got := w.changes(); !strings.Contains(got, "online "+namB+" "+ipA) ||
		!strings.Contains(got, "offline "+namA+" nowhere") {
		t.Errorf("said %q", got)
	}
	a.dead, a.ip = false, ipC
	w.run(40 * time.Minute)
	w.wants(macA+" "+namA+" "+ipC+" online", macB+" "+namB+" "+ipA+" online")
}

func TestTwoCamerasThatChangePlacesStayWhoTheyAre(t *testing.T) {
	w := newWorld(t, plainRules)
	a, b := w.add(cameraA()), w.add(cameraB())
	w.run(time.Minute)
	a.ip, b.ip = b.ip, a.ip
	w.sees(a, protocol.ByARP)
	w.sees(b, protocol.ByARP)
	w.run(time.Minute)
	w.wants(macA+" "+namA+" "+ipB+" online", macB+" "+namB+" "+ipA+" online")
}

// Behind a repeater all have its MAC.
func TestTwoDevicesBehindOneMACAreTwo(t *testing.T) {
	w := newWorld(t, plainRules)
	a, b := cameraA(), cameraB()
	b.mac, a.own, b.own = macA, nil, []string{macB}
	w.add(a)
	w.add(b)
	w.run(2 * time.Minute)
	w.wants(macA+" "+namA+" "+ipA+" online", macB+" "+namB+" "+ipB+" online")
	w.lan.devices[1].ip = ipC
	w.run(40 * time.Minute)
	w.wants(macA+" "+namA+" "+ipA+" online", macB+" "+namB+" "+ipC+" online")
}

func TestTwoThatCannotBeToldApartCountAsTwoAndTheOperatorIsAsked(t *testing.T) {
	w := newWorld(t, plainRules)
	for _, ip := range []string{ipA, ipB} {
		w.add(device{ip: ip, mac: macA, camera: true})
	}
	w.run(2 * time.Minute)
	if len(w.m.order) != 2 || w.m.cameras[macA] == nil {
		t.Errorf("known:\n%s", w.known())
	}
	faults := take[protocol.Fault](w)
	if len(faults) == 0 || faults[0].Code != FaultAddress || !strings.Contains(faults[0].Text, ipA) ||
		!strings.Contains(faults[0].Text, ipB) {
		t.Errorf("faults %+v", faults)
	}
}

// An NVR, or a camera with two addresses: the same MAC, and its own word agrees.
func TestADeviceWithTwoAddressesIsOne(t *testing.T) {
	w := newWorld(t, plainRules)
	a := cameraA()
	w.add(a)
	a.ip = ipB
	w.add(a)
	w.run(2 * time.Minute)
	w.wants(macA + " " + namA + " " + ipA + " online")
	if s := w.m.snapshot(w.m.cameras[macA]); len(s.Also) != 1 || s.Also[0] != ipB {
		t.Errorf("further addresses %v", s.Also)
	}
	w.lan.devices[0].dead = true // its first address goes
	w.run(10 * time.Minute)
	w.wants(macA + " " + namA + " " + ipB + " online")
}

func TestADeviceWithTwoCardsIsOneIfItReportsBoth(t *testing.T) {
	w := newWorld(t, plainRules)
	a := cameraA()
	a.own = []string{macA, macB}
	w.add(a)
	w.run(10 * time.Second)
	a.ip, a.mac = ipB, macB
	w.add(a)
	w.run(10 * time.Minute)
	w.wants(macA + " " + namA + " " + ipA + " online")
}

func TestClonedFirmwareDoesNotMakeOneOfTwo(t *testing.T) {
	w := newWorld(t, plainRules)
	a, b := cameraA(), cameraB()
	b.epr, b.serial, b.announce, b.own = a.epr, a.serial, true, a.own
	w.add(a)
	w.add(b)
	w.run(2 * time.Minute)
	w.wants(macA+" "+namA+" "+ipA+" online", macB+" "+namB+" "+ipB+" online")
}

func TestAcrossARouterACameraIsKnownByItsOwnWord(t *testing.T) {
	for name, c := range map[string]struct {
		change func(d *device)
		key    string
	}{
		"its MAC":     {func(d *device) {}, macA},
		"its EPR":     {func(d *device) { d.own = []string{"00:00:00:00:00:00"} }, "urn:uuid:0000000a-1"},
		"its serial":  {func(d *device) { d.own, d.epr = nil, "" }, "serial:Acme/SN-000A"},
		"its address": {func(d *device) { d.own, d.epr, d.serial = nil, "", ipA+":80" }, ipA},
	} {
		w := newWorld(t, plainRules)
		a := cameraA()
		a.routed = true
		c.change(&a)
		d := w.add(a)
		w.run(time.Minute)
		if len(w.m.order) != 1 || w.m.order[0].key != c.key {
			t.Errorf("%s: known %s", name, w.known())
			continue
		}
		d.ip = ipB
		w.run(90 * time.Minute)
		if c.key != ipA && (len(w.m.order) != 1 || w.m.order[0].key != c.key || w.m.order[0].ip != ipB) {
			t.Errorf("%s: after its move known %s", name, w.known())
		}
		d.routed = false // it is moved to our own network: its frames are seen
		w.run(90 * time.Minute)
		last := w.m.cameras[macA]
		if last == nil || last.ip != ipB || last.mac != macA {
			t.Errorf("%s: on our own network known %s", name, w.known())
		}
		if c.key != ipA && len(w.m.order) != 1 {
			t.Errorf("%s: it counts twice: %s", name, w.known())
		}
	}
}

func TestANameThatWasMadeOfAnAddressGoesOnMeaningTheCamera(t *testing.T) {
	w := newWorld(t, plainRules)
	d := w.add(device{ip: ipA, mac: macA, camera: true, routed: true})
	w.run(time.Minute)
	w.wants(ipA + " cam_10_0_0_10 " + ipA + " online")
	take[protocol.CamerasFound](w)
	d.routed = false
	w.sees(d, protocol.ByARP)
	w.run(time.Minute)
	w.wants(macA + " " + namA + " " + ipA + " online")
	if gone := take[Withdrawal](w); len(gone) != 1 || gone[0].Key != ipA {
		t.Errorf("taken back: %+v", gone)
	}
	found := take[protocol.CamerasFound](w)
	if len(found) == 0 || found[0].Cameras[0].Camera != namA || found[0].Cameras[0].Aliases[0] != "cam_10_0_0_10" {
		t.Errorf("the registry heard %+v", found)
	}
}

func TestAnotherDeviceAcrossARouterIsNoRecovery(t *testing.T) {
	w := newWorld(t, plainRules)
	a, b := cameraA(), cameraB()
	a.routed, b.routed, b.ip = true, true, ipA
	d := w.add(a)
	w.run(time.Minute)
	d.dead = true
	w.run(6 * time.Minute)
	w.changes()
	w.add(b)
	w.run(2 * time.Hour)
	w.says("online " + namB + " " + ipA)
	w.wants(macA+" "+namA+" nowhere offline", macB+" "+namB+" "+ipA+" online")
}

// Where answers do not say from which MAC they came, what a device says of itself raises a doubt.
func TestWhoAnswersForACameraUnseenIsNotTakenForIt(t *testing.T) {
	w := newWorld(t, plainRules)
	w.blind = true
	a := w.add(cameraA())
	w.run(20 * time.Minute)
	a.frozen = true
	w.run(5 * time.Minute)
	a.dead = true
	b := cameraB()
	b.ip = ipA
	w.add(b)
	w.deaf = true // no sweep sees it
	w.run(3 * time.Minute)
	if c := w.m.cameras[macA]; c.serial != "SN-000A" || c.doubt.IsZero() {
		t.Errorf("it was taken for %s", c.serial)
	}
	w.deaf = false
	w.run(time.Hour)
	w.wants(macA+" "+namA+" nowhere offline", macB+" "+namB+" "+ipA+" online")
}

func TestACameraWithAnotherMindIsTheSame(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(20 * time.Minute)
	w.changes()
	a.serial, a.own = "SN-NEW1", []string{"ac:00:00:00:00:0f"} // a new board in the old case
	a.frozen = true
	w.run(10 * time.Minute)
	a.frozen = false
	w.run(time.Hour)
	w.wants(macA + " " + namA + " " + ipA + " online")
	if c := w.m.cameras[macA]; c.serial != "SN-NEW1" || !c.doubt.IsZero() {
		t.Errorf("known %+v", w.m.snapshot(c))
	}
}

func TestAnotherThatAnswersWhereACameraWasDoesNotKeepItFromMoving(t *testing.T) {
	w := newWorld(t, plainRules)
	w.blind = true
	a := w.add(cameraA())
	w.run(20 * time.Minute)
	a.ip = ipC
	b := cameraB()
	b.ip = ipA
	w.add(b)
	w.sees(a, protocol.ByARP)
	w.run(5 * time.Second)
	if c := w.m.cameras[macA]; c.ip != ipC || len(w.m.order) > 2 {
		t.Errorf("known %s", w.known())
	}
	w.run(time.Hour)
	w.wants(macA+" "+namA+" "+ipC+" online", macB+" "+namB+" "+ipA+" online")
}

func TestWhatWasSeenFirstHandIsNotContradictedByAnOldTable(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(20 * time.Minute)
	w.sees(a, protocol.ByARP)
	b := cameraB()
	b.ip = ipA
	w.put(b.sighting(protocol.ByNeighbours, w.now))
	if c := w.m.cameras[macA]; c.displaced {
		t.Error("it lost its address")
	}
}

// A check that was under way when other hardware was seen at the address ends with what the kernel's table had
// when it began: nobody has answered it, or the old one has for the last time.
func TestACheckThatBeganBeforeDoesNotBringTheOldHardwareBack(t *testing.T) {
	for _, alive := range []bool{false, true} {
		w := newWorld(t, plainRules)
		a := w.add(cameraA())
		w.run(time.Minute)
		a.dead, w.slow = true, 5*time.Second
		var generation uint64
		for generation == 0 {
			w.run(time.Second)
			for g, j := range w.m.jobs {
				if j.kind == check {
					generation = g
				}
			}
		}
		b := cameraB()
		b.ip = ipA
		w.sees(w.add(b), protocol.ByARP)
		w.changes()
		w.put(protocol.Checked{Key: macA, Generation: generation, IP: ipA, MAC: macA, Alive: alive, Problem: "unreachable"})
		w.run(time.Second)
		if said := w.changes(); strings.Contains(said, namA) || !w.m.cameras[macA].displaced {
			t.Errorf("alive %v: said %q", alive, said)
		}
	}
}

func TestAnAddressThatTwoClaimIsAFault(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.run(time.Minute)
	intruder := cameraB()
	intruder.ip = ipA
	for range 20 {
		w.put(intruder.sighting(protocol.ByARP, w.now))
		w.run(time.Second)
		w.sees(a, protocol.ByARP)
		w.run(time.Second)
	}
	faults := take[protocol.Fault](w)
	if len(faults) != 1 || !strings.Contains(faults[0].Text, macA) || !strings.Contains(faults[0].Text, macB) {
		t.Errorf("faults %+v", faults)
	}
	if c := w.m.cameras[macA]; c == nil || c.displaced || !c.online {
		t.Errorf("known %s", w.known())
	}
	w.run(15 * time.Minute)
	if faults = take[protocol.Fault](w); len(faults) != 1 || !faults[0].Cleared {
		t.Errorf("later %+v", faults)
	}
}

func TestALateAnswerChangesNothing(t *testing.T) {
	w := newWorld(t, plainRules)
	a := w.add(cameraA())
	w.slow = 3 * time.Second
	w.run(3100 * time.Millisecond) // seen and asked, not heard
	if len(w.m.jobs) != 1 {
		t.Fatalf("%d under way", len(w.m.jobs))
	}
	b := cameraB()
	b.ip = ipA
	w.put(b.sighting(protocol.ByARP, w.now)) // another has the address meanwhile
	w.rejected("")
	w.pending = w.pending[:0]
	r := w.interview(protocol.InterviewOrder{Key: hostKey(ipA), Generation: w.m.generation, IP: ipA}, w.now)
	w.put(r)
	w.put(r) // a second one is nobody's
	w.put(protocol.Checked{Key: macA, Generation: 99, IP: ipA, Alive: true})
	w.put(protocol.ScanReport{Cycle: 99})
	w.wants()
	if n := w.rejected("late"); n != 4 {
		t.Errorf("%d late ones were counted", n)
	}
	_ = a
}

func TestBeyondMaxCamerasTheLongestOfflineGoes(t *testing.T) {
	r := plainRules
	r.MaxCameras = 1
	w := newWorld(t, r)
	a := w.add(cameraA())
	w.run(time.Minute)
	w.add(cameraB())
	w.run(10 * time.Minute)
	w.wants(macA + " " + namA + " " + ipA + " online")
	if w.rejected("max_cameras") == 0 {
		t.Error("it was not counted")
	}
	a.dead = true
	w.run(3 * time.Hour)
	w.wants(macB + " " + namB + " " + ipB + " online")
}

func TestUselessSerialsAreNone(t *testing.T) {
	for serial, useful := range map[string]bool{"": false, "0": false, "00000000": false, "10.0.0.7:8899": false,
		"camera:80": false, "12345678": false, "unknown": false, "SN1": false, "SN-000A": true, "AB:CD:EF": true,
		"DS-2CD2042-I20160823AAWR": true} {
		if got := usefulSerial(serial) != ""; got != useful {
			t.Errorf("%q: %v", serial, got)
		}
	}
}
