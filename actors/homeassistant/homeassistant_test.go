package homeassistant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/homeassistant"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	deviceTopic = "homeassistant/device/ww/config"
	stateTopic  = "system/state"
)

// home is a house with this one actor; told is what it has published since it was last asked.
func home(t *testing.T, c Config, act func(say func(any), told func() map[string][]protocol.Publication)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		all := make(map[string][]protocol.Publication)
		h := actors.NewHouse(actors.Options{Route: func(msg any) {
			mu.Lock()
			defer mu.Unlock()
			p := msg.(protocol.Publication)
			all[p.Topic] = append(all[p.Topic], p)
		}})
		if c.Prefix == "" {
			c.Prefix = "homeassistant"
		}
		ref, err := h.Spawn("homeassistant", Kind, func() actors.Actor {
			return New(Settings{Config: c, Site: "Ridge", Version: "1.2", ClientID: "ww"})
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		act(func(msg any) { ref.Send(msg); synctest.Wait() }, func() map[string][]protocol.Publication {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			now := all
			all = make(map[string][]protocol.Publication)
			return now
		})
		_ = h.StopAll(context.Background())
		time.Sleep(3 * time.Second) // protoactor's throttle goroutine ends
	})
}

func overview(state protocol.State, cameras ...string) protocol.Overview {
	o := protocol.Overview{Pump: protocol.SystemState{State: state}}
	for _, name := range cameras {
		o.Cameras = append(o.Cameras, protocol.CameraLine{Name: name, Online: true})
	}
	return o
}

func components(t *testing.T, p protocol.Publication) map[string]wire.Component {
	t.Helper()
	var m struct{ Components map[string]wire.Component }
	if err := json.Unmarshal(p.Payload, &m); err != nil {
		t.Fatal(err)
	}
	return m.Components
}

var on = Config{Enabled: true}

func TestTheFirstOverviewTellsTheStateAtOnceAndTheDeviceWhenItHasSettled(t *testing.T) {
	home(t, on, func(say func(any), told func() map[string][]protocol.Publication) {
		time.Sleep(time.Minute)
		if got := told(); len(got) > 0 {
			t.Errorf("told before anything is known: %v", got)
		}
		say(overview(protocol.Idle, "north"))
		first := told()
		if len(first[stateTopic]) != 1 || len(first) != 1 {
			t.Fatalf("told %v", first)
		}
		p := first[stateTopic][0]
		if !p.Retained || p.Service != protocol.Telemetry || p.Foreign || p.QoS != 1 || !strings.Contains(string(p.Payload), `"state":"IDLE"`) {
			t.Errorf("%+v", p)
		}
		time.Sleep(deviceSettle - time.Second)
		say(overview(protocol.Idle, "north", "south"))
		time.Sleep(time.Second)
		devices := told()[deviceTopic]
		if len(devices) != 1 || !devices[0].Retained || !devices[0].Foreign || devices[0].QoS != 1 {
			t.Fatalf("devices %v", devices)
		}
		if c := components(t, devices[0]); c["camera_north"].UniqueID != "ww_camera_north" || c["camera_south"].UniqueID == "" {
			t.Errorf("%v", c)
		}
		time.Sleep(24 * time.Hour)
		if got := told(); len(got) > 0 {
			t.Errorf("told without news: %v", got)
		}
	})
}

func TestWhatCountsIsToldWithinASecondAndWhatRunsEveryTen(t *testing.T) {
	home(t, on, func(say func(any), told func() map[string][]protocol.Publication) {
		say(overview(protocol.Idle))
		time.Sleep(time.Minute)
		told()
		say(overview(protocol.Priming))
		if n := len(told()[stateTopic]); n != 1 {
			t.Errorf("%d told of the first change", n)
		}
		say(overview(protocol.Starting)) // five a second
		say(overview(protocol.Running))
		if n := len(told()[stateTopic]); n != 0 {
			t.Errorf("%d told within the second", n)
		}
		time.Sleep(stateSpacing)
		if all := told()[stateTopic]; len(all) != 1 || !strings.Contains(string(all[0].Payload), "RUNNING") {
			t.Errorf("told %v", all)
		}
		for i := range 600 { // two minutes of a run
			o := overview(protocol.Running)
			o.Pump.CurrentRuntime = float64(i) / 5
			say(o)
			time.Sleep(200 * time.Millisecond)
		}
		if n := len(told()[stateTopic]); n < 11 || n > 13 {
			t.Errorf("%d told of a run of two minutes", n)
		}
	})
}

func TestAFloodOfChangesIsBounded(t *testing.T) {
	home(t, on, func(say func(any), told func() map[string][]protocol.Publication) {
		for i := range 3000 { // ten minutes, five a second
			say(overview(protocol.State(i%int(protocol.NumStates)), fmt.Sprint("camera", i)))
			time.Sleep(200 * time.Millisecond)
		}
		got := told()
		if states, devices := len(got[stateTopic]), len(got[deviceTopic]); states > 601 || devices > 21 || devices < 10 {
			t.Errorf("%d states, %d devices in ten minutes", states, devices)
		}
		last := got[deviceTopic][len(got[deviceTopic])-1]
		if n := len(components(t, last)); n > 40+maxEver {
			t.Errorf("%d components", n)
		}
	})
}

func TestACameraThatIsGoneIsTakenAway(t *testing.T) {
	home(t, on, func(say func(any), told func() map[string][]protocol.Publication) {
		say(overview(protocol.Idle, "north", "south"))
		time.Sleep(time.Minute)
		told()
		say(overview(protocol.Idle, "south"))
		time.Sleep(deviceSpacing)
		all := told()[deviceTopic]
		if len(all) != 1 {
			t.Fatalf("%d devices", len(all))
		}
		c := components(t, all[0])
		if north := c["camera_north"]; north.Platform != "binary_sensor" || north.UniqueID != "" || c["camera_south"].UniqueID == "" {
			t.Errorf("%+v", c)
		}
		say(overview(protocol.Idle, "north", "south"))
		time.Sleep(deviceSpacing)
		if c := components(t, told()[deviceTopic][0]); c["camera_north"].UniqueID == "" {
			t.Error("a camera that is back is not told")
		}
	})
}

func TestHomeAssistantsBirthIsAnsweredWithEverything(t *testing.T) {
	birth := func(word string) protocol.Incoming {
		return protocol.Incoming{Topic: protocol.TopicHomeAssistant, Payload: []byte(word), Retained: true}
	}
	home(t, on, func(say func(any), told func() map[string][]protocol.Publication) {
		say(birth("online")) // before anything is known
		time.Sleep(time.Minute)
		if len(told()) > 0 {
			t.Error("told of nothing")
		}
		say(overview(protocol.Idle, "north"))
		time.Sleep(time.Minute)
		told()
		for _, word := range []string{"offline", "", "onlin", strings.Repeat("x", 1000)} {
			say(birth(word))
		}
		time.Sleep(time.Minute)
		if got := told(); len(got) > 0 {
			t.Errorf("told %v", got)
		}
		for range 50 {
			say(birth(" Online\n"))
		}
		time.Sleep(time.Minute)
		if got := told(); len(got[deviceTopic]) != 1 || len(got[stateTopic]) != 1 {
			t.Errorf("told %d devices and %d states", len(got[deviceTopic]), len(got[stateTopic]))
		}
	})
}

func TestWhatIsNotWantedIsTakenAwayAndNothingIsTold(t *testing.T) {
	home(t, Config{}, func(say func(any), told func() map[string][]protocol.Publication) {
		got := told()
		for _, topic := range []string{deviceTopic, stateTopic} {
			if all := got[topic]; len(all) != 1 || !all[0].Retained || len(all[0].Payload) != 0 {
				t.Errorf("%s: %v", topic, all)
			}
		}
		say(overview(protocol.Idle, "north"))
		say(protocol.Incoming{Topic: protocol.TopicHomeAssistant, Payload: []byte("online")})
		time.Sleep(time.Hour)
		if got := told(); len(got) > 0 {
			t.Errorf("told %v", got)
		}
	})
}

func TestTopicsKeepTheirPrefixes(t *testing.T) {
	a := New(Settings{Config: Config{Enabled: true, Prefix: "ha", StartButton: true}, ClientID: "ww", TopicPrefix: "site7"})
	h := a.house
	if h.State != "site7/system/state" || h.Alive != "site7/system/gpio_trigger/lwt" || h.Told != "site7/system/telemetry/lwt" ||
		h.Emergency != "site7/fire/emergency" || !strings.HasPrefix(h.Topic(), "ha/device/ww_site7_") || !h.StartButton {
		t.Errorf("%+v, %s", h, h.Topic())
	}
}

func TestMistakesOfTheSectionAreFound(t *testing.T) {
	for prefix, ok := range map[string]bool{"homeassistant": true, "a/b": true, "/a": false, "a/": false, "a+": false, "#": false, "a//b": false, "$SYS": false} {
		if got := len(Config{Prefix: prefix}.Check()) == 0; got != ok {
			t.Errorf("%q: %v", prefix, got)
		}
	}
	found := Config{Prefix: "homeassistant", Enabled: true, StartButton: true}.Check()
	if len(found) != 1 || !found[0].Warning || !slices.ContainsFunc(found, func(m protocol.Mistake) bool { return m.Key == "start_button" }) {
		t.Errorf("%+v", found)
	}
}
