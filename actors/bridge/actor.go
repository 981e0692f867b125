// Package bridge connects the house to an MQTT broker: detections, commands and triggers in,
// triggers, events and reports out (SPEC §4).
//
// It decides nothing about fire or water. It promises that a broker that is away, slow or hostile
// never blocks anybody: it connects anew for ever, with a jittered backoff; what it subscribes to
// is subscribed anew and what is retained is published anew at each connection; events wait for
// the broker in order and none is lost but the oldest of more than 10,000. Each service has a
// connection of its own, and the commands' connection carries nothing that can flood.
// It must never act on a retained message (P13; Frigate's "available" is a state and excepted),
// never on our own trigger heard back, never refuse a stop for its age, and never hold up a stop.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
	"wildfire-watch/protocol/detection"
)

// Settings is what the bridge is made of.
type Settings struct {
	Config Config
	// FrigatePrefix is frigate.topic_prefix.
	FrigatePrefix string
	// HomeAssistant listens to Home Assistant's birth message.
	HomeAssistant bool
	// Instance names this process at random; it tells our own triggers (SPEC §4).
	Instance string
	// Dial reaches the broker; nil: Config.URL. The embedded broker's Dial belongs here.
	Dial Dial
	// DetectSize tells a camera's detect stream in pixels, 0, 0 if unknown; nil: all unknown. It
	// is called from several goroutines.
	DetectSize detection.Frame
	// Publish is House.Publish. It is called from the connections' goroutines.
	Publish func(msg any)
	// Log and Clock: zero ones get working defaults.
	Log   *zap.Logger
	Clock actors.Clock
}

// Kind is how to spawn it: it may restart by itself.
var Kind = actors.Kind{Name: "bridge", BulkLimit: 1024}

// Actor is the bridge. The same value may be given to the house again after a panic: its queue of
// events and its connections' memory live on.
type Actor struct {
	s     Settings
	links map[protocol.Service]*link
	in    *inbound
	self  actors.Ref

	up      map[protocol.Service]bool
	greeted bool // mqtt_connected was said, mqtt_disconnected not yet
	faulty  bool
	refused map[protocol.Service]string // subscriptions that the broker does not grant

	closing context.Context
	close   context.CancelFunc
	runs    sync.WaitGroup
}

// New makes the bridge; it connects when it is started.
func New(s Settings) *Actor {
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	if s.Clock == nil {
		s.Clock = actors.SystemClock{}
	}
	if s.Dial == nil {
		s.Dial = dialer(s.Config)
	}
	b := &Actor{s: s, links: make(map[protocol.Service]*link)}
	b.closing, b.close = context.WithCancel(context.Background())
	b.in = &inbound{prefixes: b.prefixes(), instance: s.Instance, detectSize: s.DetectSize,
		publish: s.Publish, clock: s.Clock, log: s.Log,
		odd: &oddities{publish: s.Publish, soon: func() { b.self.Send(oddSoon{}) }}}
	for _, service := range protocol.Services {
		b.links[service] = b.link(service)
	}
	return b
}

func (b *Actor) prefixes() protocol.Prefixes {
	return protocol.Prefixes{Ours: b.s.Config.TopicPrefix, Frigate: b.s.FrigatePrefix}
}

func (b *Actor) link(service protocol.Service) *link {
	filters := make(map[string]byte)
	for _, row := range incoming(service) {
		if row.Name == protocol.TopicHomeAssistant && !b.s.HomeAssistant {
			continue // a broker's access list may not grant what nobody asked for
		}
		filters[b.prefixes().Place(row, row.Filter())] = row.QoS
	}
	return &link{
		service: service, clientID: b.s.Config.ClientID + "-" + string(service),
		will:   b.prefixes().Of(protocol.TopicOf(protocol.TopicWill, string(service)), false),
		config: b.s.Config, dial: b.s.Dial, filters: filters, box: newOutbox(),
		receive: b.in.receiver(service), tell: func(msg any) { b.self.Send(msg) }, log: b.s.Log,
	}
}

// oddSoon asks for the flush of the oddities.
type oddSoon struct{}

// Started connects every service; it does not wait for the broker.
func (b *Actor) Started(c *actors.Context) {
	if b.self != c.Self() { // the same again after a panic, while old connections still read it
		b.self = c.Self()
	}
	b.up, b.greeted = make(map[protocol.Service]bool), false
	b.refused = make(map[protocol.Service]string)
	if exposed(b.s.Config.PasswordFile) != "" {
		b.s.Log.Warn("the password file can be read by others; chmod 600 it",
			zap.String("file", b.s.Config.PasswordFile))
	}
	for _, service := range protocol.Services {
		l := b.links[service]
		b.runs.Add(1)
		c.Go(func(ctx context.Context) any {
			defer b.runs.Done()
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(b.closing, cancel)()
			l.run(ctx)
			return nil
		})
	}
}

// Receive sends out what the house says, and tells it how the connections are.
func (b *Actor) Receive(c *actors.Context, msg any) {
	switch m := msg.(type) {
	case protocol.Event:
		b.event(m)
	case protocol.FireConfirmed:
		b.trigger(m)
	case protocol.Publication:
		b.publication(m)
	case linkUp:
		b.linkUp(c, m)
	case linkDown:
		b.linkDown(c, m)
	case oddSoon:
		c.After("odd", oddWindow)
	case actors.Fired:
		b.in.odd.flush(c.Wall())
	}
}

// Stopping says offline on every connection and closes it, within a second.
func (b *Actor) Stopping(*actors.Context) {
	b.close()
	done := make(chan struct{})
	go func() { b.runs.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Second):
		for _, l := range b.links {
			l.hangUp()
		}
	}
}

// Queue tells how many events wait for the broker, how many were dropped for want of room, and how
// many other messages were not sent because the broker was away. It may be called by anybody.
func (b *Actor) Queue() (waiting int, dropped, missed uint64) {
	for _, l := range b.links {
		w, d, m := l.box.figures()
		waiting, dropped, missed = waiting+w, dropped+d, missed+m
	}
	return waiting, dropped, missed
}

// linkUp: mqtt_connected is said when the last connection is up and subscribed, so that whoever
// waits for it (SPEC §6) can be heard on every topic.
func (b *Actor) linkUp(c *actors.Context, m linkUp) {
	b.up[m.link.service] = true
	c.Publish(protocol.BrokerLink{Service: m.link.service, Connected: true})
	b.refuse(c, m)
	if len(b.up) < len(b.links) || b.greeted {
		return
	}
	b.greeted = true
	b.s.Log.Info("connected to the broker", zap.String("broker", b.broker()))
	c.Publish(protocol.Occurred{Action: protocol.MQTTConnected, At: c.Wall(),
		Details: map[string]any{"broker": b.broker()}})
	b.clear(c)
}

// linkDown: mqtt_disconnected is said once, for the first connection lost.
func (b *Actor) linkDown(c *actors.Context, m linkDown) {
	reason := plain(m.reason)
	if m.was {
		delete(b.up, m.link.service)
		c.Publish(protocol.BrokerLink{Service: m.link.service, Reason: reason})
	}
	if b.greeted && m.was {
		b.greeted = false
		c.Publish(protocol.Occurred{Action: protocol.MQTTDisconnected, Reason: reason, At: c.Wall(),
			Details: map[string]any{"broker": b.broker(), "service": string(m.link.service)}})
	}
	if !b.faulty {
		b.faulty = true
		b.s.Log.Warn("the broker is away; trying again for ever", zap.String("broker", b.broker()),
			zap.String("connection", string(m.link.service)), zap.String("reason", reason))
		c.Publish(protocol.Fault{Code: "broker", Text: fmt.Sprintf("connect to broker %s: %s; the"+
			" pump is controlled without it; check that it runs and [mqtt]", b.broker(), reason)})
	}
}

// refuse: without its subscriptions a service is deaf, and nothing else would show it.
func (b *Actor) refuse(c *actors.Context, m linkUp) {
	filters := strings.Join(m.refused, ", ")
	if filters == b.refused[m.link.service] {
		return
	}
	f := protocol.Fault{Code: "broker_subscription_" + string(m.link.service)}
	if b.refused[m.link.service] = filters; filters == "" {
		f.Cleared = true
	} else {
		f.Text = fmt.Sprintf("subscribe to %s as %s: the broker refuses it; allow it in the"+
			" broker's access list", filters, m.link.clientID)
		b.s.Log.Error("the broker refuses a subscription", zap.String("topics", filters))
	}
	c.Publish(f)
}

func (b *Actor) clear(c *actors.Context) {
	if b.faulty {
		b.faulty = false
		c.Publish(protocol.Fault{Code: "broker", Cleared: true})
	}
}

// broker names the broker without a login.
func (b *Actor) broker() string {
	if b.s.Config.URL == "" {
		return "embedded"
	}
	return redacted(b.s.Config.URL)
}

// plain is an error's text; "" for a clean end.
func plain(err error) string {
	if err == nil || errors.Is(err, context.Canceled) {
		return "closed"
	}
	return err.Error()
}
