package appliance

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/test/kernel/gpiosim"
)

// client is connected when it is needed first, and hears events from then on.
func (p *Process) client() mqtt.Client {
	p.t.Helper()
	if p.mqtt != nil {
		return p.mqtt
	}
	o := mqtt.NewClientOptions().AddBroker(p.run.MQTT).SetClientID(fmt.Sprintf("suite-%d", gpiosim.Now()))
	c := mqtt.NewClient(o)
	if token := c.Connect(); token.Wait() && token.Error() != nil {
		p.t.Fatalf("connect to %s: %v\n%s", p.run.MQTT, token.Error(), p.Log())
	}
	p.mqtt = c
	online := make(chan struct{}, 16)
	listen := func(topic string, hear mqtt.MessageHandler) {
		if token := c.Subscribe(topic, 1, hear); token.Wait() && token.Error() != nil {
			p.t.Fatalf("subscribe to %s: %v", topic, token.Error())
		}
	}
	listen("system/trigger_telemetry", p.hear)
	// Readiness (SPEC §6); telemetry's first report comes when every connection is up.
	listen("system/gpio_trigger/lwt", func(_ mqtt.Client, m mqtt.Message) {
		if string(m.Payload()) == "online" {
			online <- struct{}{}
		}
	})
	select {
	case <-online:
	case <-time.After(patience):
		p.t.Fatalf("system/gpio_trigger/lwt: not online within %v\n%s", patience, p.Log())
	}
	return c
}

func (p *Process) hear(_ mqtt.Client, m mqtt.Message) {
	var e Event
	if json.Unmarshal(m.Payload(), &e) != nil {
		return
	}
	e.At = gpiosim.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, e)
}

// Events are those heard since the first Publish, Burn or Events.
func (p *Process) Events() []Event {
	p.t.Helper()
	p.client()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.said)
}

// Publish sends a message, QoS 1, not retained.
func (p *Process) Publish(topic, payload string) {
	p.t.Helper()
	if token := p.client().Publish(topic, 1, false, payload); token.Wait() && token.Error() != nil {
		p.t.Fatalf("publish on %s: %v", topic, token.Error())
	}
}

// Burn publishes what two cameras see of a fire that grows, five times a second, until it is done.
func (p *Process) Burn(done func() bool) {
	p.t.Helper()
	begun := time.Now()
	p.eventually("the end of a fire", func() bool {
		side := math.Sqrt(min(0.01*math.Pow(1.5, time.Since(begun).Seconds()), 0.5))
		for _, camera := range []string{"north", "east"} {
			p.Publish("fire/detection/"+camera, fmt.Sprintf(
				`{"confidence":0.9,"bbox":[0.1,0.1,%.5f,%.5f],"object_id":"f","label":"fire"}`, 0.1+side, 0.1+side))
		}
		<-time.After(200 * time.Millisecond)
		return done()
	})
}

// Trigger starts the pump from outside, and waits for a state.
func (p *Process) Trigger(state string) {
	p.t.Helper()
	p.Publish("fire/trigger", `{"action":"trigger"}`)
	p.Await(state)
}
