package frigate

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
)

// stats are figures, written camera, fps, camera, fps …
func (b *bench) stats(what ...any) []protocol.NVRCamera {
	b.Helper()
	var in Counted
	for i := 0; i < len(what); i += 2 {
		in.Cameras = append(in.Cameras, wire.CameraStats{Camera: what[i].(string), CameraFPS: float64(what[i+1].(int))})
	}
	return of[protocol.NVRCamera](b.step(in))
}

func (b *bench) status(camera string, s wire.Status) []protocol.NVRCamera {
	b.Helper()
	return of[protocol.NVRCamera](b.step(Reported{camera, s}))
}

// is says that out is one word on a camera.
func (b *bench) is(out []protocol.NVRCamera, camera, problem string) {
	b.Helper()
	if len(out) != 1 || out[0].Name != camera || out[0].Problem != problem || out[0].Running != (problem == "") {
		b.Errorf("%+v, want %s %q", out, camera, problem)
	}
}

// told are the words on a camera since the mark, by problem.
func (b *bench) toldSince(mark int, camera string) (problems []string) {
	for _, c := range of[protocol.NVRCamera](b.got[mark:]) {
		if c.Name == camera {
			problems = append(problems, c.Problem)
		}
	}
	return problems
}

func TestFiguresSayWhichCamerasRun(t *testing.T) {
	b := newBench(t, rules)
	if got := b.stats("north", 5, "south", 0); len(got) != 2 || !got[0].Running || got[0].FPS != 5 || got[0].At != b.now || got[1].Problem != protocol.NVRNoPictures {
		t.Errorf("%+v", got)
	}
	b.wait(time.Minute)
	if got := b.stats("north", 0, "south", 5); len(got) != 2 || got[0].Problem != protocol.NVRNoPictures || !got[1].Running {
		t.Errorf("%+v", got)
	}
	b.wait(time.Minute)
	b.is(b.stats("south", 5), "south", "") // every message is told, also without change
}

func TestOldFiguresSayNothing(t *testing.T) {
	b := newBench(t, rules)
	b.stats("north", 5)
	mark := len(b.got)
	b.wait(heardWithin - time.Millisecond)
	if got := b.toldSince(mark, "north"); got != nil {
		t.Errorf("before its time: %q", got)
	}
	b.wait(time.Millisecond)
	b.wait(time.Hour)
	if got := b.toldSince(mark, "north"); !reflect.DeepEqual(got, []string{protocol.NVRUnknown}) {
		t.Errorf("%q", got)
	}
	b.is(b.stats("north", 5), "north", "")
}

func TestAStatusCountsAtOnceAndNotForEver(t *testing.T) {
	b := newBench(t, rules)
	if got := b.status("north", wire.Online); len(got) != 0 || len(b.m.witness.cameras) != 0 {
		t.Errorf("a topic open to anybody made a camera known: %+v", got)
	}
	b.stats("north", 5)
	b.is(b.status("north", wire.Offline), "north", protocol.NVROffline)
	if got := b.status("north", wire.Offline); len(got) != 0 {
		t.Errorf("told again: %+v", got)
	}
	b.is(b.status("north", wire.Disabled), "north", protocol.NVRDisabled)
	b.is(b.status("north", wire.Online), "north", "")
	b.wait(time.Minute)
	b.stats("north", 0)
	if got := b.status("north", wire.Online); len(got) != 0 {
		t.Errorf("online outweighs 0 fps: %+v", got)
	}
	b.is(b.status("north", wire.Offline), "north", protocol.NVROffline)
	for range 3 { // figures go on, the status falls silent
		b.wait(time.Minute)
		b.stats("north", 5)
	}
	if got := b.m.witness.cameras["north"].told; !got.Running {
		t.Errorf("a status is believed for ever: %+v", got)
	}
}

func TestAFrigateThatSaysThatItIsGoneIsNoWitness(t *testing.T) {
	b := newBench(t, rules)
	b.stats("north", 5, "south", 0)
	got := of[protocol.NVRCamera](b.step(Available{"offline"}))
	if len(got) != 2 || got[0].Problem != protocol.NVRUnknown || got[1].Problem != protocol.NVRUnknown {
		t.Errorf("%+v", got)
	}
	if got = of[protocol.NVRCamera](b.step(Available{"online"})); len(got) != 2 || !got[0].Running || got[1].Running {
		t.Errorf("a flap: %+v", got)
	}
	b.step(Available{"offline"})
	b.wait(time.Minute)
	if got = b.stats("north", 5); len(of[protocol.Fault](b.got)) != 4 || len(got) < 1 || !got[len(got)-1].Running {
		t.Errorf("figures prove that it runs: %+v", got)
	}
}

func TestHostsAreToldWithTheCamera(t *testing.T) {
	b := newBench(t, rules)
	hosts := map[string][]string{"north": {"10.0.0.5"}, "south": {"10.0.0.6", "gate.lan"}}
	got := of[protocol.NVRCamera](b.step(Fetched{Hosts: hosts}))
	if len(got) != 2 || got[0].Problem != protocol.NVRUnknown || got[0].Hosts[0] != "10.0.0.5" || len(got[1].Hosts) != 2 {
		t.Errorf("%+v", got)
	}
	if got = b.stats("north", 5); len(got) != 1 || got[0].Hosts[0] != "10.0.0.5" || !got[0].Running {
		t.Errorf("%+v", got)
	}
	if got = of[protocol.NVRCamera](b.step(Fetched{Hosts: hosts})); len(got) != 0 {
		t.Errorf("told again: %+v", got)
	}
	b.is(of[protocol.NVRCamera](b.step(Fetched{Hosts: map[string][]string{"north": {"10.0.0.9"}, "south": hosts["south"]}})), "north", "")
}

// pictured is a machine that may look, and a camera that runs.
func pictured(t *testing.T) *bench {
	r := rules
	r.HasAPI = true
	b := newBench(t, r)
	b.step(Fetched{})
	b.stats("north", 5)
	return b
}

// picture answers the question that was asked, keeps figures coming, and waits until the next.
func (b *bench) picture(print byte, size int) {
	b.Helper()
	if b.m.witness.looking != "north" {
		b.Fatalf("looks at %q", b.m.witness.looking)
	}
	b.step(Looked{Camera: "north", Print: Print{print}, Size: size})
	b.wait(lookEvery - time.Second)
	b.stats("north", 5)
	b.wait(time.Second)
}

func TestTheSamePictureThreeTimesInARowIsFrozen(t *testing.T) {
	b := pictured(t)
	mark := len(b.got)
	for _, print := range []byte{1, 1, 2, 2, 1, 1} {
		b.picture(print, 9000)
	}
	for _, c := range of[protocol.NVRCamera](b.got[mark:]) {
		if !c.Running {
			t.Fatalf("%+v", c)
		}
	}
	mark = len(b.got)
	b.picture(1, 9000)
	b.picture(1, 9000)
	if got := b.toldSince(mark, "north"); !reflect.DeepEqual(got, []string{protocol.NVRFrozen, protocol.NVRFrozen, protocol.NVRFrozen}) {
		t.Errorf("%q", got)
	}
	mark = len(b.got)
	b.picture(3, 9000)
	if got := b.toldSince(mark, "north"); !reflect.DeepEqual(got, []string{"", ""}) {
		t.Errorf("it runs again: %q", got)
	}
	looks := of[Look](b.got)
	if len(looks) != 10 {
		t.Errorf("%d looks in nine minutes", len(looks))
	}
}

func TestADarkPictureSaysNothing(t *testing.T) {
	b := pictured(t)
	for range 6 {
		b.picture(1, leastPicture-1)
	}
	if w := b.m.witness.cameras["north"]; !w.told.Running || w.same != 0 {
		t.Errorf("%+v", w)
	}
}

func TestAPictureIsAskedForOneAtATimeAndNotOfACameraThatIsDown(t *testing.T) {
	r := rules
	r.HasAPI = true
	b := newBench(t, r)
	b.step(Fetched{})
	out := b.step(Counted{Cameras: []wire.CameraStats{{Camera: "b", CameraFPS: 5}, {Camera: "a", CameraFPS: 5}, {Camera: "down"}, {Camera: "../config", CameraFPS: 5}}})
	if got := of[Look](out); len(got) != 1 || got[0].Camera != "a" {
		t.Fatalf("%+v", got)
	}
	b.wait(10 * time.Second)
	if got := of[Look](b.got); len(got) != 1 {
		t.Fatalf("asks while it is asking: %+v", got)
	}
	if got := of[Look](b.step(Looked{Camera: "a", Size: 9000})); len(got) != 1 || got[0].Camera != "b" {
		t.Fatalf("%+v", got)
	}
	if got := of[Look](b.step(Looked{Camera: "b", Problem: "refused"})); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
	mark := len(b.got)
	b.wait(lookEvery - time.Second) // one could not be had: nobody is asked for a minute
	if got := of[Look](b.got[mark:]); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	b.wait(time.Second)
	if got := of[Look](b.got[mark:]); len(got) != 1 || got[0].Camera != "a" {
		t.Errorf("%+v", got)
	}
}

func TestWithoutAnAPINobodyLooks(t *testing.T) {
	b := newBench(t, rules)
	b.stats("north", 5)
	b.wait(10 * time.Minute)
	if got := of[Look](b.got); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestAFloodOfNamesDisplacesNoCameraThatIsHeard(t *testing.T) {
	b := newBench(t, rules) // four cameras
	b.stats("a", 5, "b", 5, "c", 5, "d", 5)
	out := b.step(Counted{Cameras: []wire.CameraStats{{Camera: "e", CameraFPS: 5}, {Camera: "a", CameraFPS: 5}}})
	if got := of[protocol.Rejected](out); len(got) != 1 || got[0].Camera != "e" || len(of[protocol.NVRCamera](out)) != 1 {
		t.Errorf("%+v", out)
	}
	b.wait(heardWithin)
	b.is(b.stats("e", 5), "e", "")
	b.wait(forgottenAfter)
	b.stats("f", 5)
	if n := len(b.m.witness.cameras); n != 1 {
		t.Errorf("%d cameras remembered that nobody mentions", n)
	}
}

func BenchmarkStepOfFiguresOfAThousandCameras(b *testing.B) {
	r := rules
	r.MaxCameras, r.HasAPI = 1000, true
	m := NewMachine(r)
	var in Counted
	for i := range 1000 {
		in.Cameras = append(in.Cameras, wire.CameraStats{Camera: fmt.Sprint("camera", i), CameraFPS: 5})
	}
	now := epoch
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Minute)
		m.Step(in, now)
	}
}
