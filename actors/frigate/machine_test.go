package frigate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
)

var (
	epoch = time.Unix(1_000_000, 0)  // monotonic
	wall  = time.Unix(1764000000, 0) // ours and Frigate's, unless a test says otherwise
)

var rules = Rules{Labels: []string{"fire", "smoke"}, AskTopic: "frigate/onConnect", AskInterval: time.Second,
	Detect:     map[string]wire.Size{"north": {Width: 1000, Height: 1000}, "south": {Width: 1000, Height: 1000}},
	MaxCameras: 4, MaxObjects: 3}

// bench drives a machine along a clock.
type bench struct {
	*testing.T
	m   *Machine
	now time.Time
	got []any // everything it ever said
}

func newBench(t *testing.T, r Rules) *bench { return &bench{T: t, m: NewMachine(r), now: epoch} }

func (b *bench) wall() time.Time { return wall.Add(b.now.Sub(epoch)) }

func (b *bench) step(in any) []any {
	b.Helper()
	before := b.m.Until()
	out := append([]any(nil), b.m.Step(in, b.now)...)
	b.got = append(b.got, out...)
	if until := b.m.Until(); !until.IsZero() && !until.After(b.now) {
		b.Fatalf("after %#v at %v the deadline is %v: it would never come to rest (before: %v)", in, b.now, until, before)
	}
	return out
}

// wait lets time pass, waking the machine as it asks for.
func (b *bench) wait(d time.Duration) {
	b.Helper()
	for end := b.now.Add(d); ; {
		until := b.m.Until()
		if until.IsZero() || until.After(end) {
			b.now = end
			return
		}
		b.now = until
		b.step(Woke{})
	}
}

func (b *bench) saw(camera, id string, side float64, change ...func(*wire.Event)) []any {
	b.Helper()
	e := wire.Event{Camera: camera, ID: id, Label: "fire", Score: 0.8, FrameTime: b.wall().Add(-200 * time.Millisecond),
		Box: [4]float64{100, 100, 100 + side, 100 + side}, HasBox: true, Area: side * side}
	for _, f := range change {
		f(&e)
	}
	return b.step(Saw{Event: e, Arrived: b.now, Wall: b.wall()})
}

// answered tells of objects, written camera, id, area, camera, id, area …
func (b *bench) answered(what ...any) []any {
	b.Helper()
	var cameras []wire.CameraActivity
	for i := 0; i < len(what); i += 3 {
		cameras = append(cameras, wire.CameraActivity{Camera: what[i].(string),
			Objects: []wire.ActiveObject{{ID: what[i+1].(string), Label: "fire", Score: 0.8, Area: float64(what[i+2].(int))}}})
	}
	return b.step(Answered{Cameras: cameras, Arrived: b.now, Wall: b.wall()})
}

func of[T any](out []any) (some []T) {
	for _, o := range out {
		if v, ok := o.(T); ok {
			some = append(some, v)
		}
	}
	return some
}

// asks counts the questions since the last call.
func (b *bench) asks() int {
	n := len(of[protocol.Publication](b.got))
	b.got = nil
	return n
}

func TestAnEventIsASampleWithTimeBoxAndAreaInShares(t *testing.T) {
	b := newBench(t, rules)
	d := of[protocol.Detected](b.saw("north", "a", 100))
	want := protocol.Detected{Camera: "north", Object: "a", Label: "fire", Confidence: 0.8, Area: 0.01,
		Box: protocol.Box{X1: 0.1, Y1: 0.1, X2: 0.2, Y2: 0.2}, HasBox: true, Stamp: wall.Add(-200 * time.Millisecond), Arrived: epoch, Wall: wall}
	if len(d) != 1 || d[0] != want {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
	d = of[protocol.Detected](b.saw("north", "a", 100, func(e *wire.Event) { e.HasBox, e.Box = false, [4]float64{} }))
	if len(d) != 1 || d[0].HasBox || d[0].Area != 0.01 {
		t.Errorf("without a box: %+v", d)
	}
}

func TestWhileAFireLivesItIsAskedOnceASecondAndNotOtherwise(t *testing.T) {
	b := newBench(t, rules)
	b.wait(time.Hour)
	if n := b.asks(); n != 0 {
		t.Fatalf("%d questions without a fire", n)
	}
	out := b.saw("north", "a", 100)
	asked := of[protocol.Publication](out)
	want := protocol.Publication{Service: protocol.CameraDetector, Topic: "frigate/onConnect", Foreign: true}
	if len(asked) != 1 || fmt.Sprint(asked[0]) != fmt.Sprint(want) {
		t.Fatalf("asked %+v, want %+v", asked, want)
	}
	b.asks()
	for i := range 30 {
		b.wait(time.Second)
		b.answered("north", "a", 10000+100*i)
	}
	if n := b.asks(); n != 30 {
		t.Errorf("%d questions in 30 s", n)
	}
}

func TestAFireThatIsNotFireIsNeverAskedFor(t *testing.T) {
	for name, change := range map[string]func(*wire.Event){
		"a false positive": func(e *wire.Event) { e.FalsePositive = true },
		"another label":    func(e *wire.Event) { e.Label = "car" },
	} {
		b := newBench(t, rules)
		out := b.saw("north", "a", 100, change)
		if len(out) != 1 || out[0] != (protocol.CameraHeard{Camera: "north", Arrived: epoch}) {
			t.Errorf("%s: %+v, want the camera heard of and no more", name, out)
		}
		b.asks()
		b.wait(time.Minute)
		if n := b.asks(); n != 0 {
			t.Errorf("%s is asked for %d times", name, n)
		}
	}
}

func TestACameraWithoutFireIsReportedAliveOnceASecondAtMost(t *testing.T) {
	b := newBench(t, rules)
	for range 100 {
		b.saw("north", "a", 100, func(e *wire.Event) { e.Label = "car" })
		b.wait(100 * time.Millisecond)
	}
	if n := len(of[protocol.CameraHeard](b.got)); n != 10 {
		t.Errorf("reported %d times in 10 s", n)
	}
}

func TestAnEndIsASampleAndStopsTheAsking(t *testing.T) {
	b := newBench(t, rules)
	b.saw("north", "a", 100)
	b.wait(5 * time.Second)
	d := of[protocol.Detected](b.saw("north", "a", 110, func(e *wire.Event) { e.Ended = true }))
	if len(d) != 1 || !d[0].Ended || d[0].Area != 0.0121 {
		t.Errorf("%+v", d)
	}
	b.asks()
	b.wait(time.Minute)
	if n := b.asks(); n != 0 {
		t.Errorf("%d questions after the end", n)
	}
	if out := b.answered("north", "a", 20000); len(out) != 0 {
		t.Errorf("an answer that crossed the end: %+v", out)
	}
}

func TestAnAnswerThatRepeatsAreaAndScoreIsNoSample(t *testing.T) {
	b := newBench(t, rules)
	b.saw("north", "a", 100)
	if out := of[protocol.Detected](b.answered("north", "a", 10000)); len(out) != 0 {
		t.Errorf("the event's values again: %+v", out)
	}
	b.wait(time.Second)
	d := of[protocol.Detected](b.answered("north", "a", 12000))
	want := protocol.Detected{Camera: "north", Object: "a", Label: "fire", Confidence: 0.8, Area: 0.012, Arrived: b.now, Wall: b.wall()}
	if len(d) != 1 || d[0] != want {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
	for range 3 {
		b.wait(time.Second)
		if out := of[protocol.Detected](b.answered("north", "a", 12000)); len(out) != 0 {
			t.Errorf("a repetition: %+v", out)
		}
	}
	b.wait(time.Second)
	if d = of[protocol.Detected](b.answered("north", "a", 10000)); len(d) != 1 || d[0].Area != 0.01 {
		t.Errorf("smaller again: %+v", d)
	}
}

func TestAnObjectAbsentFromThreeAnswersIsNoLongerAskedFor(t *testing.T) {
	b := newBench(t, rules)
	b.saw("north", "a", 100)
	for range 2 {
		b.wait(time.Second)
		b.answered()
	}
	b.wait(time.Second)
	b.answered("north", "a", 11000) // there again: the row is broken
	b.asks()
	for i := range 5 {
		b.wait(time.Second)
		if n, want := b.asks(), 1; i < 3 && n != want || i >= 3 && n != 0 {
			t.Errorf("%d questions after %d answers without it", n, i)
		}
		b.answered("south", "elsewhere", 5000)
		if i == 0 { // the other one is followed too: let it end
			b.saw("south", "elsewhere", 70, func(e *wire.Event) { e.Ended = true })
			b.got = nil
		}
	}
	b.saw("north", "a", 120)
	b.wait(3 * time.Second)
	if n := b.asks(); n < 3 {
		t.Errorf("%d questions after a new event of it", n)
	}
}

func TestABurstOfAnswersCountsAsOneAbsence(t *testing.T) {
	b := newBench(t, rules)
	b.saw("north", "a", 100)
	b.wait(time.Second)
	for range 10 {
		b.answered()
	}
	b.asks()
	b.wait(time.Second)
	if b.asks() != 1 {
		t.Error("ten answers at one instant end the asking")
	}
}

func TestAnObjectUnchangedForAMinuteIsNoLongerAskedFor(t *testing.T) {
	b := newBench(t, rules)
	b.saw("north", "a", 100)
	b.asks()
	for range 120 {
		b.wait(time.Second)
		b.answered("north", "a", 10000) // a dead camera's object is listed for ever
	}
	if n := b.asks(); n != 59 {
		t.Errorf("%d questions, want 59", n)
	}
	b.answered("north", "a", 10001)
	b.wait(3 * time.Second)
	if n := b.asks(); n < 3 {
		t.Errorf("%d questions after it changed", n)
	}
}

func TestAskingCanBeTurnedOff(t *testing.T) {
	r := rules
	r.AskInterval = 0
	b := newBench(t, r)
	b.step(Connected{})
	b.saw("north", "a", 100)
	b.wait(time.Minute)
	if n := b.asks(); n != 0 {
		t.Errorf("%d questions", n)
	}
	if d := of[protocol.Detected](b.answered("north", "a", 12000)); len(d) != 1 {
		t.Errorf("an answer to somebody else's question: %+v", d)
	}
}

func TestADeadCamerasListedObjectNeverSoundsAlive(t *testing.T) {
	b := newBench(t, rules)
	b.step(Connected{})
	for range 300 {
		b.wait(time.Second)
		if out := b.answered("north", "old", 10000); len(of[protocol.Detected](out))+len(of[protocol.CameraHeard](out)) != 0 {
			t.Fatalf("%+v", out)
		}
	}
	if n := b.asks(); n < 50 || n > 65 {
		t.Errorf("%d questions, want about a minute of them", n)
	}
}

func TestAnObjectFirstSeenInAnAnswerCountsOnceItChanges(t *testing.T) {
	b := newBench(t, rules)
	b.step(Connected{})
	first := b.now
	b.answered("north", "a", 10000)
	b.wait(time.Second)
	d := of[protocol.Detected](b.answered("north", "a", 12000))
	if len(d) != 2 || d[0].Area != 0.01 || d[0].Arrived != first || d[1].Area != 0.012 || d[1].Arrived != b.now {
		t.Errorf("%+v", d)
	}
	b.wait(time.Second)
	if d = of[protocol.Detected](b.answered("north", "a", 13000)); len(d) != 1 {
		t.Errorf("%+v", d)
	}
	c := newBench(t, rules)
	c.answered("north", "a", 10000)
	if d = of[protocol.Detected](c.saw("north", "a", 100)); len(d) != 2 {
		t.Errorf("its event proves that it lives: %+v", d)
	}
}

func TestABoxOrAreaOutsideTheFrameChangesNothing(t *testing.T) {
	for name, change := range map[string]func(*wire.Event){
		"right":  func(e *wire.Event) { e.Box[2] = 1001 },
		"bottom": func(e *wire.Event) { e.Box[3] = 1001 },
		"area":   func(e *wire.Event) { e.Area = 1e6 + 1 },
	} {
		b := newBench(t, rules)
		out := b.saw("north", "a", 100, change)
		if len(out) != 1 || out[0] != (protocol.Rejected{Source: "frigate/events", Reason: "box", Camera: "north"}) || len(b.m.cameras) != 0 {
			t.Errorf("%s: %+v, %d cameras known", name, out, len(b.m.cameras))
		}
	}
	b := newBench(t, rules)
	b.saw("north", "a", 100)
	out := b.answered("north", "a", 1_000_001)
	if len(out) != 1 || out[0] != (protocol.Rejected{Source: "frigate/camera_activity", Reason: "area", Camera: "north"}) {
		t.Errorf("%+v", out)
	}
}

func TestAnUnknownFrameIsTakenFor1280x720WithOneWarning(t *testing.T) {
	r := rules
	r.Detect = nil
	b := newBench(t, r)
	d := of[protocol.Detected](b.saw("north", "a", 96))
	if len(d) != 1 || d[0].Area != 0.01 || !d[0].HasBox {
		t.Errorf("%+v", d)
	}
	for range 10 {
		b.wait(time.Second)
		b.saw("north", "a", 100)
	}
	if f := of[protocol.Fault](b.got); len(f) != 1 || !strings.Contains(f[0].Text, "north (1280x720)") || f[0].Cleared {
		t.Errorf("%+v", f)
	}
	if f := of[protocol.Fault](b.saw("south", "a", 100)); len(f) != 1 || !strings.Contains(f[0].Text, "south") {
		t.Errorf("a second camera: %+v", f)
	}
}

func TestAGuessIsWidenedByABoxThatDoesNotFit(t *testing.T) {
	r := rules
	r.Detect = nil
	b := newBench(t, r)
	b.saw("north", "a", 96)
	d := of[protocol.Detected](b.saw("north", "b", 144, func(e *wire.Event) { e.Box = [4]float64{1700, 900, 1844, 1044} }))
	if len(d) != 1 || math.Abs(d[0].Area-0.01) > 1e-9 || d[0].HasBox {
		t.Errorf("%+v, want a hundredth of 1920x1080, and no box soon after the change of scale", d)
	}
	b.wait(31 * time.Second)
	if d = of[protocol.Detected](b.saw("north", "b", 100)); len(d) != 1 || !d[0].HasBox || d[0].Object != "b" {
		t.Errorf("%+v", d)
	}
	if out := b.saw("north", "b", 100, func(e *wire.Event) { e.Box[2] = 5000 }); len(of[protocol.Rejected](out)) != 1 {
		t.Errorf("%+v", out)
	}
}

func TestAChangeOfScaleNeverLooksLikeGrowth(t *testing.T) {
	r := rules
	r.Detect, r.HasAPI = nil, true
	b := newBench(t, r)
	before := of[protocol.Detected](b.saw("north", "a", 100))
	b.step(Fetched{Detect: map[string]wire.Size{"north": {Width: 640, Height: 480}}})
	b.wait(time.Second)
	after := of[protocol.Detected](b.saw("north", "a", 100))
	if len(before) != 1 || len(after) != 1 || before[0].Object == after[0].Object || after[0].HasBox {
		t.Errorf("before %+v\nafter  %+v: want another object, and no box that continues the old one", before, after)
	}
	if want := 100.0 * 100 / 640 / 480; after[0].Area != want {
		t.Errorf("area %v, want %v", after[0].Area, want)
	}
	b.wait(time.Second)
	if d := of[protocol.Detected](b.saw("north", "b", 100)); len(d) != 1 || d[0].Object != "b" {
		t.Errorf("an object that began in the new scale: %+v", d)
	}
	b.wait(fragmentGap)
	if d := of[protocol.Detected](b.saw("north", "a", 100)); len(d) != 1 || d[0].Object != after[0].Object || !d[0].HasBox {
		t.Errorf("later: %+v", d)
	}
}

func TestFrigatesWordOnTheFrameWinsOverTheOperators(t *testing.T) {
	r := rules
	r.HasAPI = true
	b := newBench(t, r)
	b.step(Connected{})
	b.step(Fetched{Detect: map[string]wire.Size{"north": {Width: 500, Height: 500}}})
	if d := of[protocol.Detected](b.saw("north", "a", 100)); d[0].Area != 0.04 {
		t.Errorf("north: %+v", d)
	}
	if d := of[protocol.Detected](b.saw("south", "a", 100)); d[0].Area != 0.01 {
		t.Errorf("south, which Frigate does not name: %+v", d)
	}
	if f := of[protocol.Fault](b.got); len(f) != 0 {
		t.Errorf("warned %+v", f)
	}
}

func TestNoWarningBeforeFrigateHasBeenAskedForTheFrame(t *testing.T) {
	r := rules
	r.Detect, r.HasAPI = nil, true
	b := newBench(t, r)
	if out := b.step(Connected{}); len(of[Fetch](out)) != 1 {
		t.Fatalf("%+v, want a fetch at the start", out)
	}
	out := b.saw("north", "a", 100)
	if len(of[protocol.Detected](out)) != 1 || len(of[protocol.Fault](out)) != 0 {
		t.Errorf("%+v, want the sample at once and no warning yet", out)
	}
	f := of[protocol.Fault](b.step(Fetched{Problem: "fetch: refused"}))
	if len(f) != 2 || f[0].Code != "frigate_api" || f[1].Code != "frigate_frame_size" {
		t.Errorf("%+v", f)
	}
	b.wait(firstRetry)
	f = of[protocol.Fault](b.step(Fetched{Detect: map[string]wire.Size{"north": {Width: 640, Height: 480}}}))
	if len(f) != 2 || !f[0].Cleared || !f[1].Cleared {
		t.Errorf("%+v", f)
	}
}

func TestFetchesBackOffAndAreRefreshed(t *testing.T) {
	r := rules
	r.HasAPI = true
	b := newBench(t, r)
	b.step(Connected{})
	var gaps []time.Duration
	for range 9 {
		b.step(Fetched{Problem: "refused"})
		last := b.now
		for n := len(of[Fetch](b.got)); len(of[Fetch](b.got)) == n; {
			b.wait(time.Second)
		}
		gaps = append(gaps, b.now.Sub(last))
	}
	if want := "[5s 10s 20s 40s 1m20s 2m40s 5m0s 5m0s 5m0s]"; fmt.Sprint(gaps) != want {
		t.Errorf("retries after %v, want %s", gaps, want)
	}
	if f := of[protocol.Fault](b.got); len(f) != 1 {
		t.Errorf("one problem is said %d times", len(f))
	}
	b.step(Fetched{Problem: "refused"})
	b.step(Available{"online"})
	n := len(of[Fetch](b.got))
	b.wait(fetchGap)
	if len(of[Fetch](b.got)) != n+1 {
		t.Error("Frigate is back and its configuration is not fetched")
	}
	b.step(Fetched{Detect: map[string]wire.Size{}})
	n = len(of[Fetch](b.got))
	for i := range 50 { // unknown cameras do not make it fetch faster
		b.saw(fmt.Sprint("new", i), "a", 100)
		b.wait(100 * time.Millisecond)
	}
	if len(of[Fetch](b.got)) != n {
		t.Error("fetched again within the gap")
	}
	b.wait(fetchGap)
	if len(of[Fetch](b.got)) != n+1 {
		t.Error("an unknown camera is not looked up")
	}
	b.step(Fetched{Detect: map[string]wire.Size{}})
	b.got = nil
	b.wait(fetchEvery + time.Second)
	if len(of[Fetch](b.got)) != 1 {
		t.Error("no refresh")
	}
}

func TestFrigateOfflineIsAFaultUntilItIsHeardOf(t *testing.T) {
	for _, word := range []string{"offline", "stopped"} {
		b := newBench(t, rules)
		if f := of[protocol.Fault](b.step(Available{word})); len(f) != 1 || f[0].Code != "frigate" || f[0].Cleared {
			t.Errorf("%s: %+v", word, f)
		}
		if f := of[protocol.Fault](b.step(Available{word})); len(f) != 0 {
			t.Errorf("%s said again: %+v", word, f)
		}
		if f := of[protocol.Fault](b.saw("north", "a", 100)); len(f) != 1 || !f[0].Cleared {
			t.Errorf("an event after %s: %+v", word, f)
		}
	}
	b := newBench(t, rules)
	b.step(Available{"offline"})
	if f := of[protocol.Fault](b.step(Available{"online"})); len(f) != 1 || !f[0].Cleared {
		t.Errorf("back: %+v", f)
	}
	b.wait(10 * time.Second)
	if n := b.asks(); n != surveyQuestions {
		t.Errorf("%d questions after its return, want %d", n, surveyQuestions)
	}
	if out := b.step(Available{"perhaps"}); len(of[protocol.Rejected](out)) != 1 {
		t.Errorf("%+v", out)
	}
}

func TestAvailabilityThatFlapsEachSecondCostsNoFire(t *testing.T) {
	b := newBench(t, rules)
	b.saw("north", "a", 100)
	samples := 0
	for i := range 60 {
		b.step(Available{"offline"})
		b.step(Available{"online"})
		b.wait(time.Second)
		samples += len(of[protocol.Detected](b.answered("north", "a", 10001+i)))
	}
	if n := b.asks(); samples != 60 || n != 60 && n != 61 {
		t.Errorf("%d samples, %d questions in a minute", samples, n)
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	b := newBench(t, rules)
	for i := range 100 {
		b.wait(time.Second)
		b.saw(fmt.Sprint("camera", i), "a", 100)
		b.saw("camera0", fmt.Sprint("object", i), 100)
	}
	if len(b.m.cameras) != 4 || len(b.m.cameras["camera0"].objects) != 3 || len(b.m.followed) > 12 {
		t.Errorf("%d cameras, %d objects, %d followed", len(b.m.cameras), len(b.m.cameras["camera0"].objects), len(b.m.followed))
	}
	if b.m.cameras["camera99"] == nil || b.m.cameras["camera0"].objects["object99"] == nil {
		t.Error("the newest is not among them")
	}
	reasons := map[string]int{}
	for _, r := range of[protocol.Rejected](b.got) {
		reasons[r.Reason]++
	}
	if reasons["too many cameras"] != 96 || reasons["too many objects"] != 98 {
		t.Errorf("counted %v", reasons)
	}
}

func TestAnAnswerNeverDisplacesWhatEventsToldOf(t *testing.T) {
	b := newBench(t, rules)
	for _, camera := range []string{"c1", "c2", "c3", "c4"} {
		for _, id := range []string{"a", "b", "c"} {
			b.saw(camera, id, 100)
		}
	}
	for i := range 200 { // many dead objects, listed for ever: asking ends all the same
		b.wait(time.Second)
		b.answered("c1", fmt.Sprint("dead", i%9), 5000, "c5", "dead", 5000)
	}
	if b.m.cameras["c5"] != nil || b.m.cameras["c1"].objects["a"] == nil {
		t.Error("displaced")
	}
	b.asks()
	b.wait(time.Minute)
	if n := b.asks(); n != 0 {
		t.Errorf("%d questions", n)
	}
}

func TestObjectsWithoutAnIDAreOnePerLabel(t *testing.T) {
	b := newBench(t, rules)
	fire := of[protocol.Detected](b.saw("north", "", 100))
	smoke := of[protocol.Detected](b.saw("north", "", 200, func(e *wire.Event) { e.Label = "smoke" }))
	if fire[0].Object != "" || smoke[0].Object != "" || len(b.m.cameras["north"].objects) != 2 {
		t.Errorf("%+v %+v", fire, smoke)
	}
}

// Whatever comes in whatever order: bounds hold, samples are sound, nothing is asked too often, and
// without input the machine comes to rest.
func TestNoOrderOfMessagesBreaksTheBounds(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		rule := rules
		rule.HasAPI = seed%2 == 0
		if seed%3 == 0 {
			rule.Detect = nil
		}
		b := newBench(t, rule)
		var asked time.Time
		pick := func(of ...string) string { return of[r.IntN(len(of))] }
		for range 400 {
			camera, id := pick("north", "south", "c", "d", "e", "f"), pick("", "a", "b", "c", "d", "e")
			var out []any
			switch r.IntN(11) {
			case 0, 1, 2:
				out = b.saw(camera, id, 1+float64(r.IntN(1200)), func(e *wire.Event) {
					e.Ended, e.FalsePositive = r.IntN(5) == 0, r.IntN(9) == 0
					e.Label = pick("fire", "smoke", "car")
				})
			case 3, 4:
				out = b.answered(camera, "x"+id, 1+r.IntN(2_000_000), pick("north", "south"), "a", 1+r.IntN(3))
			case 5:
				out = b.step(Available{pick("online", "offline", "stopped")})
			case 6:
				out = b.step(Fetched{Problem: pick("", "refused"), Detect: map[string]wire.Size{camera: {Width: 640, Height: 480}}})
			case 7:
				b.wait(time.Duration(r.IntN(100)) * time.Second / 4)
			case 8:
				out = b.step(Counted{Cameras: []wire.CameraStats{{Camera: camera, CameraFPS: float64(r.IntN(3))}, {Camera: pick("north", "g"), CameraFPS: 5}}})
			case 9:
				out = b.step(Reported{Camera: camera, Status: wire.Status(pick("online", "offline", "disabled"))})
			case 10:
				out = b.step(Looked{Camera: pick(camera, b.m.witness.looking), Size: r.IntN(5000), Print: Print{byte(r.IntN(2))}, Problem: pick("", "", "refused")})
			}
			if len(b.m.witness.cameras) > 4 || len(of[Look](out)) > 1 {
				t.Fatalf("seed %d: %d cameras watched, %+v", seed, len(b.m.witness.cameras), out)
			}
			for _, c := range of[protocol.NVRCamera](out) {
				if c.Running != (c.Problem == "") || c.Running && c.At.Before(b.now.Add(-heardWithin)) {
					t.Fatalf("seed %d: %+v", seed, c)
				}
			}
			for _, d := range of[protocol.Detected](out) {
				if !(d.Area > 0 && d.Area <= 1) || d.HasBox && (d.Box.X2 > 1 || d.Box.Y2 > 1) || d.Label == "car" || d.Arrived.After(b.now) {
					t.Fatalf("seed %d: %+v", seed, d)
				}
			}
			if len(of[protocol.Publication](out)) > 0 {
				if b.now.Sub(asked) < time.Second {
					t.Fatalf("seed %d: asked twice within %v", seed, b.now.Sub(asked))
				}
				asked = b.now
			}
			if len(b.m.cameras) > 4 {
				t.Fatalf("seed %d: %d cameras", seed, len(b.m.cameras))
			}
			objects := 0
			for _, c := range b.m.cameras {
				if objects += len(c.objects); len(c.objects) > 3 {
					t.Fatalf("seed %d: %d objects", seed, len(c.objects))
				}
			}
			if len(b.m.followed) > objects {
				t.Fatalf("seed %d: %d followed of %d", seed, len(b.m.followed), objects)
			}
		}
		b.step(Fetched{})
		b.wait(heardWithin)
		for _, w := range b.m.witness.cameras {
			if w.told.Problem != protocol.NVRUnknown {
				t.Fatalf("seed %d: in silence still %+v", seed, w.told)
			}
		}
		b.asks()
		b.wait(5 * time.Minute)
		if n := b.asks(); n != 0 {
			t.Fatalf("seed %d: still asking", seed)
		}
	}
}

func BenchmarkStepOfAnEventWithAThousandCameras(b *testing.B) {
	r := rules
	r.MaxCameras, r.MaxObjects, r.AskInterval = 1000, 50, time.Second
	m := NewMachine(r)
	e := wire.Event{Label: "fire", Score: 0.8, Box: [4]float64{1, 1, 100, 100}, HasBox: true, Area: 9801}
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprint("camera", i)
		e.Camera, e.ID = names[i], "a"
		m.Step(Saw{Event: e, Arrived: epoch, Wall: wall}, epoch)
	}
	now := epoch
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Millisecond)
		e.Camera, e.Area = names[i%1000], float64(9000+i%500)
		m.Step(Saw{Event: e, Arrived: now, Wall: wall}, now)
	}
}
