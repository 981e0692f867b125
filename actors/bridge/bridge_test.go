package bridge

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/goleak"

	"wildfire-watch/actors"
	"wildfire-watch/broker"
	"wildfire-watch/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// home is a house with a bridge in it, and everything that it published.
type home struct {
	t      testing.TB
	house  *actors.House
	bridge *Actor
	ref    actors.Ref

	mu      sync.Mutex
	heard   []any
	changed chan struct{}
}

// move starts a bridge. dial nil: settings.Config.URL.
func move(t testing.TB, s Settings) *home {
	t.Helper()
	h := &home{t: t, changed: make(chan struct{}, 1)}
	h.house = actors.NewHouse(actors.Options{Route: h.hear})
	if s.Config.ClientID == "" {
		s.Config.ClientID = "test"
	}
	if s.FrigatePrefix == "" {
		s.FrigatePrefix = "frigate"
	}
	if s.Publish == nil {
		s.Publish = h.house.Publish
	}
	h.bridge = New(s)
	var err error
	h.ref, err = h.house.Spawn("bridge", Kind, func() actors.Actor { return h.bridge })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.leave)
	return h
}

func (h *home) hear(msg any) {
	h.mu.Lock()
	h.heard = append(h.heard, msg)
	h.mu.Unlock()
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

func (h *home) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.house.StopAll(ctx); err != nil {
		h.t.Error(err)
	}
}

// all returns what was published so far, of one kind.
func all[T any](h *home) (of []T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.heard {
		if m, ok := m.(T); ok {
			of = append(of, m)
		}
	}
	return of
}

// until waits for n messages of a kind.
func until[T any](h *home, n int) []T {
	h.t.Helper()
	deadline := time.After(patience)
	for {
		if of := all[T](h); len(of) >= n {
			return of
		}
		select {
		case <-h.changed:
		case <-deadline:
			h.t.Fatalf("waited in vain for %d %T, heard %d; all: %v", n, *new(T), len(all[T](h)),
				h.heard)
		}
	}
}

// occurred waits until an action has occurred n times.
func (h *home) occurred(a protocol.Action, n int) []protocol.Occurred {
	h.t.Helper()
	deadline := time.After(patience)
	for {
		of := slices.DeleteFunc(all[protocol.Occurred](h),
			func(o protocol.Occurred) bool { return o.Action != a })
		if len(of) >= n {
			return of
		}
		select {
		case <-h.changed:
		case <-deadline:
			h.t.Fatalf("waited in vain for %s; heard: %v", a, h.heard)
		}
	}
}

// client is somebody else on the broker.
type client struct {
	t testing.TB
	paho.Client
	got chan paho.Message
}

func join(t testing.TB, addr string, filters ...string) *client {
	t.Helper()
	c := &client{t: t, got: make(chan paho.Message, 20_000)}
	o := paho.NewClientOptions().AddBroker("tcp://" + addr).SetAutoReconnect(false)
	o.SetClientID(fmt.Sprintf("client-%d", time.Now().UnixNano())).SetProtocolVersion(4)
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { c.got <- m })
	c.Client = paho.NewClient(o)
	c.done(c.Connect())
	for _, f := range filters {
		c.done(c.Subscribe(f, 2, nil))
	}
	t.Cleanup(func() { c.Disconnect(100) })
	return c
}

func (c *client) done(token paho.Token) {
	c.t.Helper()
	if !token.WaitTimeout(patience) {
		c.t.Fatal("the broker does not answer")
	}
	if token.Error() != nil {
		c.t.Fatal(token.Error())
	}
}

func (c *client) say(topic string, qos byte, retained bool, payload string) {
	c.t.Helper()
	c.done(c.Publish(topic, qos, retained, payload))
}

// next waits for the next message on a topic; what comes on others meanwhile is skipped.
func (c *client) next(topic string) paho.Message {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m := <-c.got:
			if m.Topic() == topic {
				return m
			}
		case <-deadline:
			c.t.Fatalf("waited in vain for %s", topic)
		}
	}
}

// embedded starts the product's own broker on a port of its own.
func embedded(t testing.TB, listen string) *broker.Broker {
	t.Helper()
	b, err := broker.Start(listen, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestReadinessIsOnlineOnEveryServiceAndThenMQTTConnectedOnce(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	watch := join(t, b.Addr, "system/+/lwt")
	h := move(t, Settings{Dial: b.Dial})
	h.occurred(protocol.MQTTConnected, 1)
	online := map[string]bool{}
	for range protocol.Services {
		m := <-watch.got
		if string(m.Payload()) != "online" || m.Qos() != 1 {
			t.Errorf("%s: %q with QoS %d", m.Topic(), m.Payload(), m.Qos())
		}
		online[m.Topic()] = true
	}
	if len(online) != len(protocol.Services) {
		t.Errorf("online on %v", online)
	}
	if links := all[protocol.BrokerLink](h); len(links) != 4 {
		t.Errorf("links: %v", links)
	}
	h.leave()
	for range protocol.Services {
		if m := <-watch.got; string(m.Payload()) != "offline" {
			t.Errorf("%s says %q after a clean stop", m.Topic(), m.Payload())
		}
	}
	late := join(t, b.Addr, "system/gpio_trigger/lwt")
	if m := late.next("system/gpio_trigger/lwt"); !m.Retained() || string(m.Payload()) != "offline" {
		t.Errorf("kept %q, retained %v", m.Payload(), m.Retained())
	}
}

func TestWhatComesInReachesTheHouse(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	h := move(t, Settings{Dial: b.Dial, Instance: "me", Config: Config{TopicPrefix: "site7"},
		FrigatePrefix: "nvr"})
	h.occurred(protocol.MQTTConnected, 1)
	c := join(t, b.Addr)
	before := time.Now()
	c.say("site7/fire/detection/north", 0, false,
		`{"confidence":0.9,"bbox":[0.1,0.1,0.3,0.3],"label":"Fire-verified"}`)
	d := until[protocol.Detected](h, 1)[0]
	if d.Camera != "north" || d.Label != "fire" || d.Arrived.Before(before) || d.Wall.IsZero() {
		t.Errorf("detected %+v", d)
	}
	c.say("nvr/events", 0, false, `{"type":"new"}`)
	c.say("nvr/available", 1, true, `online`)
	c.say("nvr/stats", 0, false, `{"cameras":{}}`)
	c.say("nvr/cam_1/status/detect", 0, false, `online`)
	frigate := until[protocol.Incoming](h, 4)
	if frigate[0].Topic != "events" || frigate[1].Topic != "available" || frigate[0].Arrived.IsZero() ||
		frigate[2].Topic != "stats" || frigate[3].Topic != protocol.TopicFrigateStatus || frigate[3].Level != "cam_1" {
		t.Errorf("incoming %+v", frigate)
	}
	c.say("site7/system/camera_telemetry", 0, false, `{"camera_id":"south"}`)
	c.say("site7/system/telemetry", 0, false, `{"camera_id":"west"}`)
	c.say("site7/system/telemetry", 0, false, `{"host":"pi"}`)
	if heard := until[protocol.CameraHeard](h, 2); heard[0].Camera != "south" || heard[1].Camera != "west" {
		t.Errorf("heard %+v", heard)
	}
	c.say("site7/fire/trigger", 2, false, `{"action":"trigger","instance":"me"}`)
	c.say("site7/fire/trigger", 2, false, `{"action":"trigger","instance":"other","timestamp":5}`)
	c.say("site7/fire/trigger", 2, false, `trigger`)
	trigger := until[protocol.TriggerRequested](h, 1)
	if trigger[0].Stamp.Unix() != 5 || trigger[0].Arrived.Before(before) || trigger[0].Wall.IsZero() {
		t.Errorf("trigger %+v", trigger)
	}
	c.say("site7/fire/emergency", 1, false, " STOP\n")
	c.say("site7/fire/emergency", 1, false, `{"command":"stop","timestamp":1}`)
	stops := until[protocol.Command](h, 2)
	if stops[0].Action != protocol.CommandStop || stops[1].Action != protocol.CommandStop ||
		stops[1].Stamp.Unix() != 1 {
		t.Errorf("commands %+v", stops)
	}
	if n := len(all[protocol.TriggerRequested](h)); n != 1 {
		t.Errorf("%d triggers: our own echo and a bare word are none", n)
	}
	c.say("fire/emergency", 1, false, "start") // outside the prefix
	c.say("site7/fire/emergency", 1, false, "reset")
	if cmds := until[protocol.Command](h, 3); cmds[2].Action != protocol.CommandReset {
		t.Errorf("commands %+v", cmds)
	}
}

func TestHomeAssistantsBirthIsHeardRetainedToWhereItIsAskedFor(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	c := join(t, b.Addr)
	c.say("homeassistant/status", 1, true, "online")
	c.say("frigate/available", 1, true, "online")
	for _, asked := range []bool{false, true} {
		h := move(t, Settings{Dial: b.Dial, HomeAssistant: asked, Config: Config{TopicPrefix: "site7"}})
		h.occurred(protocol.MQTTConnected, 1)
		heard := until[protocol.Incoming](h, 1)
		if asked {
			heard = until[protocol.Incoming](h, 2)
		}
		_, subscribed := h.bridge.links[protocol.Telemetry].filters["homeassistant/status"]
		is := func(m protocol.Incoming) bool {
			return m.Topic == protocol.TopicHomeAssistant && m.Retained && string(m.Payload) == "online"
		}
		if subscribed != asked || slices.ContainsFunc(heard, is) != asked {
			t.Errorf("asked for %v: subscribed %v, heard %+v", asked, subscribed, heard)
		}
		h.leave()
	}
}
