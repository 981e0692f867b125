package homeassistant

import (
	"strings"

	"wildfire-watch/protocol"
)

// Config is the [homeassistant] section.
type Config struct {
	// Enabled tells Home Assistant of this appliance, by MQTT device discovery.
	Enabled bool `key:"enabled"`
	// Prefix is Home Assistant's discovery prefix.
	Prefix string `key:"prefix" len:"1..64"`
	// StartButton offers to start the pump.
	StartButton bool `key:"start_button"`
}

// Check reports what a range cannot say.
func (c Config) Check() (wrong []protocol.Mistake) {
	if strings.Trim(c.Prefix, "/ ") != c.Prefix || strings.ContainsAny(c.Prefix, "+#\x00$") || strings.Contains(c.Prefix, "//") {
		wrong = append(wrong, protocol.Mistake{Key: "prefix", Value: c.Prefix,
			Allowed: "a topic without + # or $, not beginning or ending with /"})
	}
	if c.StartButton && c.Enabled {
		wrong = append(wrong, protocol.Mistake{Key: "start_button", Value: "true", Warning: true,
			Problem: "puts a button that starts the pump, past its lockout, on everybody's Home Assistant"})
	}
	return wrong
}
