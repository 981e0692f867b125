// Package homeassistant makes what Home Assistant is told over MQTT: one retained device message, from
// which it makes a device with its entities (MQTT device discovery, Home Assistant 2024.11 and later),
// and one retained state that all of these entities read.
//
// It promises that the ids of device and entities stay the same over restarts, updates and changes of
// names; that both messages are bounded whatever the house looks like; that a value which is not known is
// said to be unknown. It must never offer to start the pump unless it is asked to, and no button's message
// is ever retained: a retained order would be an order without end.
//
// The rules are those of homeassistant/components/mqtt: schemas.py, discovery.py and the platforms.
package homeassistant

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"

	"wildfire-watch/protocol"
)

// Bounds of what is told.
const (
	// MaxCameras is how many cameras become entities, the first by name.
	MaxCameras = 100
	// MaxText bounds a text that becomes a state: Home Assistant takes 255 characters.
	MaxText = 250
	// MaxListed bounds the alarms that are listed.
	MaxListed = 20
	maxName   = 60
)

// House is what the device message is made of.
type House struct {
	// ID names the appliance among all on the broker; IDOf makes one.
	ID string
	// Prefix is Home Assistant's discovery prefix, usually "homeassistant".
	Prefix string
	// Site and Version are for people.
	Site, Version string
	// State, Alive, Told and Emergency are topics as they are on the broker: the state of State, the
	// will of gpio_trigger, the will of telemetry (which tells the state), and where orders go.
	State, Alive, Told, Emergency string
	// StartButton offers to start the pump.
	StartButton bool
	// Tank, Pressure and Flow: there is such an input.
	Tank, Pressure, Flow bool
	// Cameras are sorted by name; those after MaxCameras are left out.
	Cameras []Camera
	// Gone are components of messages before that are to be taken away: keys of the map that
	// Components returns.
	Gone []string
}

// Camera is one camera: its name in the house, and its title for people if it has one.
type Camera struct{ Name, Title string }

// IDOf is the ID of the appliance that connects with a client id below a topic prefix: two on one broker
// differ in one of them. A client id has no slash.
func IDOf(clientID, topicPrefix string) string {
	id := clientID
	if topicPrefix != "" {
		id += "/" + topicPrefix
	}
	return slug(id, true)
}

// Topic is where the device message goes; it must be retained.
func (h House) Topic() string { return h.Prefix + "/device/" + h.ID + "/config" }

// device, origin and availability are as in schemas.py.
type device struct {
	Identifiers  []string `json:"identifiers"`
	Name         string   `json:"name"`
	Manufacturer string   `json:"manufacturer"`
	Model        string   `json:"model"`
	SWVersion    string   `json:"sw_version"`
}

type origin struct {
	Name      string `json:"name"`
	SWVersion string `json:"sw_version"`
}

type availability struct {
	Topic        string `json:"topic"`
	Available    string `json:"payload_available"`
	NotAvailable string `json:"payload_not_available"`
}

type message struct {
	Device       device               `json:"device"`
	Origin       origin               `json:"origin"`
	Availability []availability       `json:"availability"`
	Mode         string               `json:"availability_mode"`
	StateTopic   string               `json:"state_topic"`
	Components   map[string]Component `json:"components"`
}

func alive(topics ...string) (all []availability) {
	for _, t := range topics {
		all = append(all, availability{t, "online", "offline"})
	}
	return all
}

// Payload is the device message. Its entities can be read while both the pump's connection and the one
// that tells the state are up; a button needs the pump's alone.
func (h House) Payload() []byte {
	name := "Wildfire Watch"
	if h.Site != "" {
		name += " " + clip(h.Site, maxName)
	}
	payload, _ := json.Marshal(message{ // strings alone: never an error
		Device: device{Identifiers: []string{h.ID}, Name: name, Manufacturer: "Wildfire Watch",
			Model: "Fire pump controller", SWVersion: clip(h.Version, maxName)},
		Origin:       origin{"wildfire-watch", clip(h.Version, maxName)},
		Availability: alive(h.Alive, h.Told), Mode: "all", StateTopic: h.State,
		Components: h.Components(),
	})
	return payload
}

// slug makes an id of a text: lower-case letters, digits, _ and, where dashes are allowed, -. A text that
// is no id already gets a mark of its own, so that two different ones never meet.
func slug(s string, dashes bool) string {
	const most = 40
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-' && dashes:
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, s)
	if id == s && id != "" && len(id) <= most {
		return id
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return fmt.Sprintf("%.*s_%08x", most, id, h.Sum32())
}

// clip shortens a text to so many characters, and makes it fit for JSON.
func clip(s string, most int) string {
	runes := []rune(strings.ToValidUTF8(s, "?"))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// states are the pump's, as the enumeration that Home Assistant is told.
func states() (all []string) {
	for s := range protocol.NumStates {
		all = append(all, s.String())
	}
	return all
}
