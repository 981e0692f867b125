package alarms

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// office is a house with this actor in it; told is all that it has published.
type office struct {
	ref  actors.Ref
	mu   sync.Mutex // nothing orders a test's reading before the next timer
	told []any
}

func in(t *testing.T, f func(o *office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := &office{}
		house := actors.NewHouse(actors.Options{Route: func(msg any) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.told = append(o.told, msg)
		}})
		a := New(Settings{Config: config, FireOffDelay: fireOff, Host: "pi"})
		var err error
		if o.ref, err = house.Spawn("alarms", Kind, func() actors.Actor { return a }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f(o)
		if err := house.StopAll(context.Background()); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second) // protoactor's throttle goroutine ends
	})
}

func (o *office) hears(msg any) {
	o.ref.Send(msg)
	synctest.Wait()
}

func of[T any](o *office) (all []T) {
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, msg := range o.told {
		if m, ok := msg.(T); ok {
			all = append(all, m)
		}
	}
	return all
}

// list is the newest list.
func (o *office) list() []protocol.Standing {
	all := of[protocol.AlarmsStanding](o)
	return all[len(all)-1].Alarms
}

// causes is what makes each alarm that is neither a pump's nor a fault's come, and go.
var causes = map[string][2]any{
	protocol.AlarmFire:             {protocol.FireConfirmed{Cameras: []string{"north"}}, nil},
	protocol.AlarmCameraOffline:    {protocol.CameraVerdict{Camera: "north"}, protocol.CameraVerdict{Camera: "north", Online: true}},
	protocol.AlarmNVRSilent:        {protocol.NVRStatus{Seen: true}, protocol.NVRStatus{Seen: true, Running: true}},
	protocol.AlarmBroker:           {protocol.BrokerLink{Service: protocol.Telemetry}, protocol.BrokerLink{Service: protocol.Telemetry, Connected: true}},
	protocol.AlarmDiskFull:         {sample(99, 1<<20, 20, true), sample(9, 1<<30, 20, true)},
	protocol.AlarmHot:              {sample(9, 1<<30, 90, true), sample(9, 1<<30, 20, true)},
	protocol.AlarmClock:            {sample(9, 1<<30, 20, false), sample(9, 1<<30, 20, true)},
	protocol.AlarmDiscoveryReduced: {protocol.DiscoveryStatus{Reduced: "no CAP_NET_RAW"}, protocol.DiscoveryStatus{}},
	protocol.AlarmSimulated:        {protocol.PumpStatus{System: protocol.SystemState{SimulationBoard: true}}, protocol.PumpStatus{}},
}

func sample(disk float64, free uint64, heat float64, synced bool) protocol.MachineSample {
	return protocol.MachineSample{MachineView: protocol.MachineView{Disk: &disk, DiskFree: &free, Temperature: &heat,
		ClockSynced: &synced}}
}

// TestEveryKindIsReportedWithinTenSecondsOfItsCause goes through the whole table.
func TestEveryKindIsReportedWithinTenSecondsOfItsCause(t *testing.T) {
	for _, kind := range protocol.AlarmKinds {
		code := kind.Code
		if kind.Prefix {
			code += "something"
		}
		ways := map[string][2]any{
			"as a fault": {fault(code), fault(code, true)}, "by the pump": {pumpSays(code), pumpSays()},
		}
		if of, ok := causes[code]; ok {
			ways = map[string][2]any{"by its own message": of}
		}
		for way, cause := range ways {
			t.Run(code+" "+way, func(t *testing.T) {
				in(t, func(o *office) {
					o.hears(cause[0])
					time.Sleep(10 * time.Second)
					list := o.list()
					if len(list) != 1 || list[0].Code != code || !list[0].Active || !list[0].First ||
						list[0].Severity != kind.Severity || list[0].Title != kind.Title {
						t.Fatalf("%+v", list)
					}
					if kind.Prefix && list[0].Subject != "something" {
						t.Errorf("its subject is %q", list[0].Subject)
					}
					if cause[1] == nil {
						return
					}
					o.hears(cause[1])
					time.Sleep(10 * time.Second)
					if list = o.list(); kind.Latched != (len(list) == 1) || kind.Latched && list[0].Active {
						t.Errorf("ten seconds after its cause has gone: %+v", list)
					}
				})
			})
		}
	}
}

func TestTheListStandsRetainedOnTheBroker(t *testing.T) {
	in(t, func(o *office) {
		posts := of[protocol.Publication](o)
		if len(posts) != 1 {
			t.Fatalf("nothing stands, and an older list must not: %+v", posts)
		}
		for i := range 100 {
			o.hears(protocol.Fault{Code: fmt.Sprintf("gpio_%d", i), Text: "t"})
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(postEvery)
		posts = of[protocol.Publication](o)
		if n := len(posts); n < 2 || n > 5 {
			t.Errorf("%d publications in 3 s", n)
		}
		p := posts[len(posts)-1]
		if p.Topic != "system/alarms" || !p.Retained || p.QoS != 1 || p.Service != protocol.Telemetry || len(p.Payload) > 32<<10 {
			t.Errorf("%+v, %d bytes", p.Topic, len(p.Payload))
		}
		var b board
		if err := json.Unmarshal(p.Payload, &b); err != nil || b.Total != 100 || b.Unacknowledged != 100 || len(b.Alarms) != maxPosted ||
			b.Host != "pi" {
			t.Errorf("%v %+v", err, b)
		}
		row := slices.IndexFunc(protocol.Topics, func(row protocol.Topic) bool { return row.Name == p.Topic })
		if row < 0 || protocol.Topics[row].QoS != p.QoS || !protocol.Topics[row].Retained {
			t.Error("the table of topics says otherwise")
		}
	})
}

func TestWhatStandsOutlivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{}
		house := actors.NewHouse(actors.Options{Route: func(msg any) {
			o.mu.Lock()
			defer o.mu.Unlock()
			if e, ok := msg.(protocol.Occurred); ok && e.Details["code"] == "boom" {
				panic("in the alarms actor")
			}
			o.told = append(o.told, msg)
		}})
		a := New(Settings{Config: config, FireOffDelay: fireOff})
		var err error
		if o.ref, err = house.Spawn("alarms", Kind, func() actors.Actor { return a }); err != nil {
			t.Fatal(err)
		}
		o.hears(protocol.CameraVerdict{Camera: "north"})
		o.hears(fault("journal"))
		o.hears(fault("boom"))
		time.Sleep(time.Minute)
		var codes []string
		for _, s := range o.list() {
			codes = append(codes, s.Code)
		}
		if fmt.Sprint(codes) != "[journal boom camera_offline]" {
			t.Errorf("%v: a camera's five seconds too are counted anew", codes)
		}
		_ = house.StopAll(context.Background())
		time.Sleep(3 * time.Second) // protoactor's throttle goroutine ends
	})
}

func TestEventsTellWhatCameWentAndWasSeen(t *testing.T) {
	in(t, func(o *office) {
		o.hears(fault("journal"))
		o.hears(protocol.Acknowledge{By: "mqtt"})
		time.Sleep(time.Minute)
		o.hears(fault("journal", true))
		var got []string
		for _, e := range of[protocol.Occurred](o) {
			if e.At.IsZero() {
				t.Errorf("%+v", e)
			}
			got = append(got, string(e.Action))
		}
		if fmt.Sprint(got) != "[alarm_raised alarm_acknowledged alarm_cleared]" {
			t.Error(got)
		}
		if n := len(of[protocol.AlarmsStanding](o)); n != 4 {
			t.Errorf("%d lists: one at the start, one at each change", n)
		}
	})
}
