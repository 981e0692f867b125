//go:build mosquitto

package test

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/actors/bridge"
	"wildfire-watch/actors/homeassistant"
	"wildfire-watch/protocol"
	"wildfire-watch/test/gear"
)

// homeOnMosquitto is a house of bridge and homeassistant alone; the orders that it hears come back.
func homeOnMosquitto(t *testing.T, m *mosquitto, c homeassistant.Config) (say func(any), orders <-chan protocol.Command, leave func()) {
	t.Helper()
	heard := make(chan protocol.Command, 10)
	var toBridge, toHome actors.Ref
	h := actors.NewHouse(actors.Options{Route: func(msg any) {
		switch msg := msg.(type) {
		case protocol.Publication:
			toBridge.Send(msg)
		case protocol.Overview, protocol.Incoming:
			toHome.Send(msg)
		case protocol.Command:
			heard <- msg
		}
	}})
	settings := bridge.Config{URL: m.url(), ClientID: "ww", TopicPrefix: "site7"}
	b := bridge.New(bridge.Settings{Config: settings, FrigatePrefix: "frigate", HomeAssistant: c.Enabled, Publish: h.Publish})
	var err error
	if toBridge, err = h.Spawn("bridge", bridge.Kind, func() actors.Actor { return b }); err != nil {
		t.Fatal(err)
	}
	if toHome, err = h.Spawn("homeassistant", homeassistant.Kind, func() actors.Actor {
		return homeassistant.New(homeassistant.Settings{Config: c, Site: "Ridge", Version: "1", ClientID: "ww", TopicPrefix: "site7"})
	}); err != nil {
		t.Fatal(err)
	}
	leave = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = h.StopAll(ctx)
	})
	t.Cleanup(leave)
	return h.Publish, heard, leave
}

// one waits for one message on a topic, a retained one if it is there; empty if none comes.
func (m *mosquitto) one(topic, within string) (payload string) {
	out, _ := exec.Command("mosquitto_sub", "-p", m.port, "-t", topic, "-C", "1", "-W", within).Output()
	return strings.TrimSpace(string(out))
}

func TestMosquittoHomeAssistantSeesTheHouseAndItsButtonsWork(t *testing.T) {
	m := startMosquitto(t)
	m.pub("online", "-t", "homeassistant/status", "-r") // it was there before us
	say, orders, _ := homeOnMosquitto(t, m, homeassistant.Config{Enabled: true, Prefix: "homeassistant"})
	o := protocol.Overview{Pump: protocol.SystemState{State: protocol.Priming}, Cameras: []protocol.CameraLine{{Name: "north", Online: true}}}
	say(o)

	type component struct {
		Platform     string `json:"platform"`
		StateTopic   string `json:"state_topic"`
		CommandTopic string `json:"command_topic"`
		PayloadPress string `json:"payload_press"`
	}
	var device struct {
		StateTopic   string                   `json:"state_topic"`
		Availability []struct{ Topic string } `json:"availability"`
		Components   map[string]component     `json:"components"`
	}
	text := m.one("homeassistant/device/+/config", "15")
	if err := json.Unmarshal([]byte(text), &device); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	if again := m.one("homeassistant/device/+/config", "5"); again != text {
		t.Error("the device message is not retained")
	}
	for _, a := range device.Availability {
		if got := m.one(a.Topic, "5"); got != "online" {
			t.Errorf("%s says %q", a.Topic, got)
		}
	}
	if state := m.one(device.StateTopic, "5"); !strings.Contains(state, `"state":"PRIMING"`) || !strings.Contains(state, `"camera_north":true`) {
		t.Errorf("%s: %s", device.StateTopic, state)
	}
	for key, want := range map[string]protocol.CommandAction{"stop": protocol.CommandStop, "reset": protocol.CommandReset} {
		c := device.Components[key]
		m.pub(c.PayloadPress, "-t", c.CommandTopic, "-q", "1")
		select {
		case got := <-orders:
			if got.Action != want {
				t.Errorf("%s ordered %v", key, got.Action)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s was not heard on %s", key, c.CommandTopic)
		}
	}

	// Home Assistant starts anew.
	sub := m.sub("homeassistant/device/+/config")
	m.pub("offline", "-t", "homeassistant/status", "-r")
	m.pub("online", "-t", "homeassistant/status", "-r")
	if !gear.Await(10*time.Second, func() bool {
		for _, r := range sub.records() {
			if r.Retain == 0 && r.Payload == text {
				return true
			}
		}
		return false
	}) {
		t.Error("its birth was not answered")
	}
}

func TestMosquittoHomeAssistantIsToldThatItIsOver(t *testing.T) {
	m := startMosquitto(t)
	say, _, leave := homeOnMosquitto(t, m, homeassistant.Config{Enabled: true, Prefix: "homeassistant"})
	say(protocol.Overview{})
	if m.one("homeassistant/device/+/config", "15") == "" || m.one("site7/system/state", "5") == "" {
		t.Fatal("nothing was told")
	}
	leave()
	if m.one("homeassistant/device/+/config", "2") == "" {
		t.Error("a stop took the device away: its wills say that it is offline")
	}
	homeOnMosquitto(t, m, homeassistant.Config{Prefix: "homeassistant"}) // the next start
	if !gear.Await(10*time.Second, func() bool { return m.one("homeassistant/device/+/config", "1")+m.one("site7/system/state", "1") == "" }) {
		t.Error("the device is still retained")
	}
}
