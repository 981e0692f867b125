package homeassistant

import (
	"strings"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/homeassistant"
)

// Settings are what the actor is made of.
type Settings struct {
	Config Config
	// Site, Version and ClientID ([mqtt]) name the device.
	Site, Version, ClientID string
	// TopicPrefix is mqtt.topic_prefix.
	TopicPrefix string
}

// Kind is how the house runs this actor: it may restart by itself.
var Kind = actors.Kind{Name: "homeassistant", BulkLimit: 64}

// Actor hears Overview and Home Assistant's birth message, and publishes Publication.
type Actor struct {
	enabled bool
	house   wire.House
	machine *Machine
	armed   time.Time // what the timer is set to; zero: it is not
}

// New makes the actor. An instance after a panic tells everything anew.
func New(s Settings) *Actor {
	prefixes := protocol.Prefixes{Ours: s.TopicPrefix}
	topic := func(name string) string { return prefixes.Of(name, false) }
	will := func(of protocol.Service) string { return topic(protocol.TopicOf(protocol.TopicWill, string(of))) }
	h := wire.House{ID: wire.IDOf(s.ClientID, s.TopicPrefix), Prefix: s.Config.Prefix, Site: s.Site, Version: s.Version,
		State: topic(protocol.TopicState), Alive: will(protocol.GPIOTrigger), Told: will(protocol.Telemetry),
		Emergency: topic(protocol.TopicEmergency), StartButton: s.Config.StartButton}
	return &Actor{enabled: s.Config.Enabled, house: h, machine: NewMachine(h)}
}

// Started takes away what is not wanted any more; otherwise the first overview is waited for.
func (a *Actor) Started(c *actors.Context) {
	if a.enabled {
		return
	}
	for _, p := range Removal(a.house) {
		c.Publish(p)
	}
}

// Stopping leaves what is retained: the wills say that nobody tells any more.
func (a *Actor) Stopping(*actors.Context) {}

// Receive follows the house.
func (a *Actor) Receive(c *actors.Context, msg any) {
	if !a.enabled {
		return
	}
	switch m := msg.(type) {
	case protocol.Overview:
		a.machine.Hear(m, c.Now())
	case protocol.Incoming:
		if m.Topic == protocol.TopicHomeAssistant && strings.EqualFold(strings.TrimSpace(string(m.Payload)), "online") {
			a.machine.Born(c.Now())
		}
	case actors.Fired:
		a.armed = time.Time{}
	}
	for _, p := range a.machine.Due(c.Now()) {
		c.Publish(p)
	}
	switch until := a.machine.Until(); {
	case until.IsZero():
		c.Cancel("due")
		a.armed = until
	case !until.Equal(a.armed):
		c.After("due", until.Sub(c.Now()))
		a.armed = until
	}
}

var _ actors.Actor = (*Actor)(nil)
