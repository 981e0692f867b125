package telemetry

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/protocol"
)

func TestRefusedLoginsAreEventsAtABoundedRateAndNoneIsUncounted(t *testing.T) {
	in(t, settings(), func(o *office) {
		told := func() (all []protocol.Event, count int) {
			synctest.Wait()
			for _, e := range o.events() {
				if e.Action == protocol.LoginRefused {
					all = append(all, e)
					count += e.Details["count"].(int)
				}
			}
			return all, count
		}
		o.send(protocol.Rejected{Source: "broker", Reason: "login", User: "anna", Login: "192.0.2.7", Count: 3},
			protocol.Rejected{Source: "fire/detection", Reason: "json"})
		all, _ := told()
		want := map[string]any{"by": "broker: anna from 192.0.2.7", "source": "broker", "user": "anna", "address": "192.0.2.7", "count": 3}
		if len(all) != 1 || all[0].Reason != "login" || !reflect.DeepEqual(all[0].Details, want) {
			t.Fatalf("%+v", all)
		}
		for range 1000 {
			o.send(protocol.Rejected{Source: "http", Reason: "password", Login: "192.0.2.8"})
		}
		if all, _ := told(); len(all) != loginBurst {
			t.Errorf("%d events at once", len(all))
		}
		time.Sleep(loginEvery + time.Second)
		if all, count := told(); len(all) != loginBurst+1 || count != 1003 {
			t.Errorf("%d events, %d logins counted", len(all), count)
		}
		for range 60 { // an hour of guessing
			o.send(protocol.Rejected{Source: "http", Reason: "guessing", Login: "192.0.2.8"})
			time.Sleep(time.Minute)
		}
		if all, _ := told(); len(all) > loginBurst+8 {
			t.Errorf("%d events after another hour", len(all))
		}
	})
}
