package alarms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

const fireOff = 30 * time.Minute

// config is config.toml's.
var config = Config{DiskFree: 256, Temperature: 80, CameraOffline: 5 * time.Second, Remind: 24 * time.Hour}

// bench feeds a machine in time of its own.
type bench struct {
	m      *Machine
	now    time.Time
	events []protocol.Occurred
	list   []protocol.Standing // the newest that was told
	told   int
}

func newBench() *bench {
	return &bench{m: NewMachine(config, fireOff), now: time.Unix(1_700_000_000, 0)}
}

func (b *bench) hears(in any) {
	events, list, news := b.m.Step(in, b.now, b.now)
	b.events = append(b.events, events...)
	if news {
		b.list = list
		b.told++
	}
}

// waits lets time pass; the machine is woken when it wants.
func (b *bench) waits(d time.Duration) {
	end := b.now.Add(d)
	for {
		until := b.m.Until()
		if until.IsZero() || until.After(end) {
			break
		}
		if until.After(b.now) {
			b.now = until
		}
		b.hears(nil)
	}
	b.now = end
}

// says is the list in short: code/subject, - if its cause is gone, ! if first, a if acknowledged, ×count.
func (b *bench) says() string {
	var all []string
	for _, s := range b.list {
		text := s.Code
		if s.Subject != "" {
			text += "/" + s.Subject
		}
		if !s.Active {
			text += "-"
		}
		if s.First {
			text += "!"
		}
		if s.Acknowledged != "" {
			text += "a"
		}
		if s.Count > 1 {
			text += fmt.Sprint("×", s.Count)
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// tells is the events in short, and forgets them.
func (b *bench) tells() string {
	var all []string
	for _, e := range b.events {
		text := strings.TrimPrefix(string(e.Action), "alarm_")
		if code, ok := e.Details["code"]; ok {
			text += fmt.Sprint(" ", code)
		}
		all = append(all, text)
	}
	b.events = nil
	return strings.Join(all, ", ")
}

func fault(code string, cleared ...bool) protocol.Fault {
	return protocol.Fault{Code: code, Text: "words of " + code, Cleared: len(cleared) > 0}
}

func pumpSays(codes ...string) protocol.PumpStatus {
	var s protocol.PumpStatus
	for _, code := range codes {
		s.System.Alarms = append(s.System.Alarms, protocol.Alarm{Code: code, Text: "words of " + code})
	}
	return s
}

func TestAnAlarmComesAndLeavesWithItsCause(t *testing.T) {
	b := newBench()
	b.hears(fault("journal"))
	if b.says() != "journal!" || b.tells() != "raised journal" {
		t.Fatalf("%s", b.says())
	}
	s := b.list[0]
	if s.Text != "words of journal" || s.Severity != protocol.SeverityTrouble || s.Title == "" || s.Do == "" ||
		s.Clears == "" || s.Since != seconds(b.now) || s.Count != 1 {
		t.Errorf("%+v", s)
	}
	b.waits(time.Minute)
	b.hears(fault("journal", true))
	if b.says() != "" || b.tells() != "cleared journal" || len(b.m.signals) != 0 {
		t.Errorf("%s", b.says())
	}
}

func TestALatchedAlarmStaysUntilSomebodyHasSeenIt(t *testing.T) {
	b := newBench()
	b.hears(protocol.FireConfirmed{Cameras: []string{"east", "north"}})
	if b.says() != "fire_confirmed!" || b.list[0].Text != "seen by east, north" || b.list[0].Severity != protocol.SeverityAlarm {
		t.Fatalf("%+v", b.list)
	}
	b.waits(fireOff - time.Second)
	b.hears(protocol.FireConfirmed{Cameras: []string{"east"}})
	b.waits(fireOff - time.Second)
	if b.says() != "fire_confirmed!" {
		t.Errorf("a later confirmation prolongs it: %s", b.says())
	}
	b.waits(time.Hour)
	if b.says() != "fire_confirmed-!" || b.tells() != "raised fire_confirmed, cleared fire_confirmed" {
		t.Errorf("%s", b.says())
	}
	b.hears(protocol.FireConfirmed{Cameras: []string{"west"}})
	if b.says() != "fire_confirmed!×2" || b.tells() != "raised fire_confirmed" {
		t.Errorf("it may come again before: %s", b.says())
	}
	b.waits(time.Hour)
	b.hears(protocol.Acknowledge{Code: protocol.AlarmFire, By: "page: anna"})
	if b.says() != "" || b.tells() != "cleared fire_confirmed, acknowledged" {
		t.Errorf("%s", b.says())
	}
}

func TestAnAcknowledgedAlarmIsShownForAsLongAsItsCauseHolds(t *testing.T) {
	b := newBench()
	b.hears(pumpSays("error", "stop_held"))
	b.hears(fault("journal"))
	b.tells()
	at := b.now.Add(-time.Second)
	b.hears(protocol.Acknowledge{Code: "error", By: "terminal: root", Wall: at})
	if b.says() != "stop_held errora! journal" && b.says() != "stop_held! errora journal" {
		t.Fatalf("%s", b.says())
	}
	i := slices.IndexFunc(b.list, func(s protocol.Standing) bool { return s.Code == "error" })
	if s := b.list[i]; s.Acknowledged != "terminal: root" || s.AcknowledgedAt != seconds(at) {
		t.Errorf("who and when: %+v", s)
	}
	if e := b.events[0]; e.Action != protocol.AlarmAcknowledged || e.Details["by"] != "terminal: root" || e.Details["count"] != 1 {
		t.Errorf("%+v", e)
	}
	b.tells()
	b.hears(protocol.Acknowledge{Code: "error", By: "again"})
	if b.tells() != "" || b.list[i].Acknowledged != "terminal: root" {
		t.Error("who has seen it first stands")
	}
	b.hears(protocol.Acknowledge{By: "page: anna"})
	if !strings.HasPrefix(b.tells(), "acknowledged") || strings.Count(b.says(), "a")-strings.Count("stop_held error journal", "a") != 3 {
		t.Errorf("all of them: %s", b.says())
	}
	b.waits(time.Minute)
	b.hears(pumpSays("stop_held"))
	if strings.Contains(b.says(), "error") {
		t.Errorf("seen and gone: %s", b.says())
	}
}

func TestASubjectIsAcknowledgedAlone(t *testing.T) {
	b := newBench()
	for _, camera := range []string{"east", "north"} {
		b.hears(protocol.CameraVerdict{Camera: camera})
	}
	b.waits(config.CameraOffline)
	b.hears(protocol.Acknowledge{Code: protocol.AlarmCameraOffline, Subject: "north", By: "page"})
	if b.says() != "camera_offline/east! camera_offline/northa" {
		t.Errorf("%s", b.says())
	}
	b.hears(protocol.Acknowledge{Code: protocol.AlarmCameraOffline, By: "page"})
	if b.says() != "camera_offline/east!a camera_offline/northa" {
		t.Errorf("%s", b.says())
	}
}

func TestTheFirstSinceAllWasQuietIsMarked(t *testing.T) {
	b := newBench()
	b.hears(fault("gpio"))
	b.hears(pumpSays("board_lost", "error"))
	b.waits(time.Second)
	if b.says() != "gpio! board_lost error" {
		t.Errorf("%s", b.says())
	}
	b.hears(protocol.Acknowledge{By: "page"})
	b.hears(fault("journal"))
	b.hears(fault("broker"))
	if b.says() != "board_losta errora gpioa broker journal!" {
		t.Errorf("after an acknowledgement the next is a first one: %s", b.says())
	}
}

func TestWhatComesAndGoesIsCountedAndToldOnce(t *testing.T) {
	b := newBench()
	for range 30 {
		b.hears(fault("gpio_main_valve"))
		b.waits(time.Second)
		b.hears(fault("gpio_main_valve", true))
		b.waits(time.Second)
	}
	if b.says() != "gpio_main_valve/main_valve!×30" || b.tells() != "raised gpio_main_valve" {
		t.Errorf("%s, %s", b.says(), b.tells())
	}
	b.waits(settle - time.Second)
	if b.says() != "" || b.tells() != "cleared gpio_main_valve" {
		t.Errorf("at last: %s", b.says())
	}
}

func TestTwoWhoSayTheSameAreOneAlarm(t *testing.T) {
	b := newBench()
	b.hears(pumpSays("safe_mode"))
	b.hears(fault("safe_mode"))
	b.hears(protocol.BrokerLink{Service: protocol.Telemetry, Reason: "gone"})
	b.hears(protocol.BrokerLink{Service: protocol.GPIOTrigger, Reason: "gone"})
	b.hears(fault("broker"))
	if b.says() != "safe_mode! broker" {
		t.Fatalf("%s", b.says())
	}
	b.waits(time.Minute)
	b.hears(fault("safe_mode", true))
	b.hears(protocol.BrokerLink{Service: protocol.Telemetry, Connected: true})
	b.hears(fault("broker", true))
	if b.says() != "safe_mode! broker" {
		t.Errorf("one of them still says so: %s", b.says())
	}
	b.hears(pumpSays())
	b.hears(protocol.BrokerLink{Service: protocol.GPIOTrigger, Connected: true})
	if b.says() != "" {
		t.Errorf("%s", b.says())
	}
}

func TestATextThatCountsSecondsIsPassedOnNowAndThen(t *testing.T) {
	b := newBench()
	for i := range 301 {
		s := pumpSays("refill_lockout")
		s.System.Alarms[0].Text = fmt.Sprintf("%d s left", 300-i)
		b.hears(s)
		b.waits(time.Second)
	}
	if b.told < 9 || b.told > 12 {
		t.Errorf("%d lists in five minutes", b.told)
	}
	if !strings.Contains(b.list[0].Text, " s left") || len(b.list[0].Text) > 8 {
		t.Errorf("%+v", b.list[0])
	}
}

func TestAMachineThatIsIllIsToldAndDoesNotFlap(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	bytes := func(v uint64) *uint64 { return &v }
	truth := func(v bool) *bool { return &v }
	b := newBench()
	for i, c := range []struct {
		view protocol.MachineView
		want string
	}{
		{protocol.MachineView{Disk: number(95), DiskFree: bytes(200 << 20)}, "disk_nearly_full!"},
		{protocol.MachineView{Disk: number(95), DiskFree: bytes(300 << 20)}, "disk_nearly_full!"},
		{protocol.MachineView{}, "disk_nearly_full!"}, // what could not be had changes nothing
		{protocol.MachineView{Disk: number(95), DiskFree: bytes(400 << 20)}, ""},
		{protocol.MachineView{Disk: number(99), DiskFree: bytes(5 << 30)}, ""}, // an NVR's disk
		{protocol.MachineView{Disk: number(20), DiskFree: bytes(1 << 20)}, ""}, // a small one
		{protocol.MachineView{Temperature: number(80)}, "processor_hot!"},
		{protocol.MachineView{Temperature: number(76)}, "processor_hot!"},
		{protocol.MachineView{Temperature: number(74)}, ""},
		{protocol.MachineView{ClockSynced: truth(false)}, "clock_unsynced!"},
		{protocol.MachineView{ClockSynced: truth(true)}, ""},
	} {
		b.hears(protocol.MachineSample{MachineView: c.view})
		b.waits(time.Minute)
		if b.says() != c.want {
			t.Errorf("%d: %s, want %s", i, b.says(), c.want)
		}
	}
}

func TestACameraThatIsNewOrForgottenIsNoTrouble(t *testing.T) {
	b := newBench()
	b.hears(protocol.CameraVerdict{Camera: "north"})
	b.waits(time.Second)
	b.hears(protocol.CameraVerdict{Camera: "north", Online: true})
	b.waits(time.Minute)
	if b.told != 0 || len(b.m.signals) != 0 {
		t.Errorf("%s", b.says())
	}
	b.hears(protocol.CameraVerdict{Camera: "north"})
	b.waits(time.Minute)
	b.hears(protocol.CameraVerdict{Camera: "north", Gone: true})
	if b.says() != "" || b.tells() != "raised camera_offline, cleared camera_offline" {
		t.Errorf("%s", b.says())
	}
}

func TestAConfiguredCameraThatNeverCameIsMissed(t *testing.T) {
	b := newBench()
	b.m.Expect([]string{"east", "north"}, time.Minute, b.now)
	b.hears(protocol.CameraVerdict{Camera: "north"})
	b.waits(time.Second)
	b.hears(protocol.CameraVerdict{Camera: "north", Online: true})
	b.waits(58 * time.Second)
	if b.told != 0 {
		t.Errorf("too early: %s", b.says())
	}
	b.waits(time.Second)
	if b.says() != "camera_offline/east!" || !strings.Contains(b.list[0].Text, "configuration") {
		t.Errorf("%s", b.says())
	}
	b.waits(time.Minute)
	b.hears(protocol.CameraVerdict{Camera: "east"})
	b.hears(protocol.CameraVerdict{Camera: "east", Online: true})
	if b.says() != "" {
		t.Errorf("it has come: %s", b.says())
	}
}

func TestAFloodIsBoundedAndLeavesTheFireItsPlace(t *testing.T) {
	b := newBench()
	for i := range 2 * maxKept {
		b.hears(protocol.CameraVerdict{Camera: fmt.Sprintf("camera %04d", i)})
	}
	b.waits(config.CameraOffline)
	b.hears(protocol.FireConfirmed{Cameras: slices.Repeat([]string{"c"}, 30)})
	if len(b.list) != maxListed || len(b.m.signals) > maxKept || b.list[0].Code != protocol.AlarmFire {
		t.Errorf("%d in the list, %d kept, first %+v", len(b.list), len(b.m.signals), b.list[0])
	}
	if n := len(b.events); n != burst+1 || b.events[burst].Details["left_out"] != maxKept-burst {
		t.Errorf("%d events, the last %+v", n, b.events[n-1])
	}
	if !strings.HasSuffix(b.list[0].Text, "and 20 more") {
		t.Error(b.list[0].Text)
	}
}

func TestWordsFromOutsideAreBounded(t *testing.T) {
	b := newBench()
	b.hears(protocol.Fault{Code: strings.Repeat("c", 1000), Text: strings.Repeat("\x00é", 1000)})
	b.hears(protocol.Acknowledge{By: strings.Repeat("b\n", 1000)})
	s := b.list[0]
	if len(s.Code) > maxName || len(s.Text) > maxText || len(s.Acknowledged) > maxName || strings.ContainsAny(s.Text+s.Acknowledged, "\x00\n") {
		t.Errorf("%+v", s)
	}
}

// TestWhateverHappensTheListIsTrue compares the list with a model of the causes alone.
func TestWhateverHappensTheListIsTrue(t *testing.T) {
	codes := []string{"journal", "gpio", "error", "engine_will_not_stop", "gpio_main_valve", "nobody knows this"}
	rapid.Check(t, func(t *rapid.T) {
		b := newBench()
		type cause struct {
			code, source string
		}
		holds := make(map[cause]bool)
		pump := func() protocol.PumpStatus {
			var said []string
			for _, code := range codes {
				if holds[cause{code, "pump"}] {
					said = append(said, code)
				}
			}
			return pumpSays(said...)
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			code := rapid.SampledFrom(codes).Draw(t, "code")
			on := rapid.Bool().Draw(t, "on")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				holds[cause{code, "fault"}] = on
				b.hears(protocol.Fault{Code: code, Text: "words of " + code, Cleared: !on})
			case 1:
				holds[cause{code, "pump"}] = on
				b.hears(pump())
			case 2:
				b.hears(protocol.Acknowledge{Code: rapid.SampledFrom([]string{"", code}).Draw(t, "which"), By: "x"})
			case 3:
				b.waits(time.Duration(rapid.IntRange(0, 15).Draw(t, "seconds")) * time.Second)
			}
			checkList(t, b, func(code string) bool { return holds[cause{code, "fault"}] || holds[cause{code, "pump"}] })
		}
		b.waits(settle)
		for _, s := range b.list {
			lives := holds[cause{s.Code, "fault"}] || holds[cause{s.Code, "pump"}]
			kind, _, _ := protocol.AlarmKindOf(s.Code)
			if s.Active != lives || !lives && (!kind.Latched || s.Acknowledged != "") {
				t.Fatalf("%+v stands, its cause %v", s, lives)
			}
		}
	})
}

// checkList is what holds at every instant.
func checkList(t *rapid.T, b *bench, lives func(code string) bool) {
	if fmt.Sprint(b.m.List()) != fmt.Sprint(b.list) && len(b.m.List())+len(b.list) > 0 {
		t.Fatalf("it is not told: %v, told %v", b.m.List(), b.list)
	}
	firsts := 0
	shown := make(map[string]protocol.Standing)
	for _, s := range b.list {
		shown[s.Code] = s
		if s.First {
			firsts++
		}
		if s.Count < 1 || s.Since == 0 {
			t.Fatalf("%+v", s)
		}
	}
	if firsts > 1 {
		t.Fatalf("%d first-outs: %s", firsts, b.says())
	}
	for _, code := range []string{"journal", "gpio", "error", "engine_will_not_stop", "gpio_main_valve", "nobody knows this"} {
		if lives(code) && !shown[code].Active {
			t.Fatalf("%s is hidden: %s", code, b.says())
		}
	}
}
