package test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// listener is an MQTT client of a test's own: it hears a set of topics and publishes.
type listener struct {
	t      testing.TB
	client mqtt.Client
	mu     sync.Mutex
	heard  []heard
}

type heard struct {
	topic    string
	payload  string
	retained bool
	at       time.Time
}

func listen(t testing.TB, url string, topics ...string) *listener {
	t.Helper()
	l := &listener{t: t}
	o := mqtt.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprintf("test-%d", time.Now().UnixNano()))
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.heard = append(l.heard, heard{m.Topic(), string(m.Payload()), m.Retained(), time.Now()})
	})
	l.client = mqtt.NewClient(o)
	if token := l.client.Connect(); token.Wait() && token.Error() != nil {
		t.Fatalf("connect to %s: %v", url, token.Error())
	}
	t.Cleanup(func() { l.client.Disconnect(50) })
	for _, topic := range topics {
		if token := l.client.Subscribe(topic, 1, nil); token.Wait() && token.Error() != nil {
			t.Fatalf("subscribe to %s: %v", topic, token.Error())
		}
	}
	return l
}

func (l *listener) publish(topic string, qos byte, payload string) {
	l.t.Helper()
	if token := l.client.Publish(topic, qos, false, payload); token.Wait() && token.Error() != nil {
		l.t.Fatalf("publish on %s: %v", topic, token.Error())
	}
}

func (l *listener) on(topic string) (found []heard) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.heard {
		if h.topic == topic {
			found = append(found, h)
		}
	}
	return found
}

// actions are the events heard, in order.
func (l *listener) actions() (actions []string) {
	for _, h := range l.on("system/trigger_telemetry") {
		var e struct{ Action string }
		if json.Unmarshal([]byte(h.payload), &e) == nil {
			actions = append(actions, e.Action)
		}
	}
	return actions
}

// connected waits for readiness (SPEC §6): every connection of the appliance is up and subscribed.
func (p *process) connected(l *listener) {
	p.t.Helper()
	p.eventually("readiness", func() bool {
		online := l.on("system/gpio_trigger/lwt")
		return len(online) > 0 && online[len(online)-1].payload == "online"
	})
	p.eventually("connection", func() bool {
		health := l.on("system/telemetry/health")
		return slices.ContainsFunc(health, func(h heard) bool { return !h.retained })
	})
}

// burn publishes what a camera sees of a growing fire, ten times a second, until stop says so.
func (l *listener) burn(cameras []string, limit time.Duration, stop func() bool) {
	start := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !stop() && time.Since(start) < limit {
		for _, camera := range cameras {
			l.publish("fire/detection/"+camera, 0, flame(time.Since(start)))
		}
		<-tick.C
	}
}

// flame is a detection of a fire that has burnt for t and grows by half every second.
func flame(t time.Duration) string {
	side := math.Sqrt(min(0.01*math.Pow(1.5, t.Seconds()), 0.5))
	return fmt.Sprintf(`{"confidence":0.9,"bbox":[0.1,0.1,%.5f,%.5f],"object_id":"f","label":"fire","timestamp":%.3f}`,
		0.1+side, 0.1+side, float64(time.Now().UnixMilli())/1000)
}

// TestBinaryMeetsAFireOverMQTT is the main job on the real binary: detections in, water out, and
// everything off again.
func TestBinaryMeetsAFireOverMQTT(t *testing.T) {
	t.Parallel()
	p := startProcess(t, t.TempDir(), fast...)
	l := listen(t, p.run.MQTT, "system/#", "fire/trigger")
	p.connected(l)
	l.burn([]string{"north", "east"}, 15*time.Second, func() bool { return p.level("ignition_on") == 1 })
	if p.level("main_valve") != 1 || p.level("ignition_on") != 1 {
		t.Fatalf("no water: lines %v\n%s", p.lines(), p.log)
	}
	p.eventually("back to IDLE", func() bool { return slices.Contains(l.actions(), "idle_state_entered") })
	for _, name := range []string{"main_valve", "ignition_start", "ignition_on", "ignition_off", "refill_valve", "priming_valve", "rpm_reduce"} {
		if p.level(name) != 0 {
			t.Errorf("%s is still on in IDLE", name)
		}
	}
	if n := len(l.on("fire/trigger")); n < 1 {
		t.Errorf("heard %d messages on fire/trigger", n)
	}
	for _, want := range []string{"pump_sequence_start", "engine_start_sequence", "engine_running", "shutdown_initiated", "shutdown_complete", "cooldown_entered"} {
		if !slices.Contains(l.actions(), want) {
			t.Errorf("no event %s in %v", want, l.actions())
		}
	}
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM\n%s", code, p.log)
	}
}

// TestBinaryStopsTheEngineOnSIGTERM holds P14: engine off, a full stop pulse, exit 0 within the pulse
// and 2 s.
func TestBinaryStopsTheEngineOnSIGTERM(t *testing.T) {
	t.Parallel()
	p := startProcess(t, t.TempDir(), fast...)
	l := listen(t, p.run.MQTT, "system/#")
	p.connected(l)
	l.publish("fire/trigger", 2, `{"action":"trigger"}`)
	p.eventually("the engine", func() bool { return p.level("ignition_on") == 1 })
	code, took := p.stop()
	if code != 0 || took > 2300*time.Millisecond {
		t.Errorf("exit code %d after %v; want 0 within 2.3 s\n%s", code, took, p.log)
	}
	var off, pulseOn, pulseOff int64
	for _, c := range p.lines() {
		switch {
		case c.Name == "ignition_on" && c.V == 0:
			off = c.T
		case c.Name == "ignition_off" && c.V == 1:
			pulseOn = c.T
		case c.Name == "ignition_off" && c.V == 0:
			pulseOff = c.T
		}
	}
	if off == 0 || pulseOn < off {
		t.Errorf("the engine was not stopped first: %v", p.lines())
	}
	if pulse := time.Duration(pulseOff - pulseOn); pulse < 300*time.Millisecond {
		t.Errorf("the stop pulse took %v, want the full 300 ms", pulse)
	}
}
