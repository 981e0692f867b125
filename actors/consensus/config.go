package consensus

import (
	"time"

	"wildfire-watch/protocol"
)

// Config is what consensus itself reads of [consensus] (SPEC §2); the cameras read the rest.
type Config struct {
	// Threshold is how many cameras must agree.
	Threshold int `key:"threshold" range:"1..10"`
	// Cooldown is how long after an accepted trigger no second one is sent.
	Cooldown time.Duration `key:"cooldown_period" range:"0s..3600s"`
	// ZoneActivation puts the zones of the agreeing cameras into the trigger.
	ZoneActivation bool `key:"zone_activation"`
	// ZoneMapping is camera → zones, by canonical camera name.
	ZoneMapping map[string][]string `key:"zone_mapping"`
}

// Check finds what the ranges of single keys cannot.
func (c Config) Check() (found []protocol.Mistake) {
	if c.ZoneActivation && len(c.ZoneMapping) == 0 {
		found = append(found, protocol.Mistake{Key: "zone_activation", Value: "true",
			Allowed: "used with a zone_mapping: no trigger names a zone without one", Warning: true})
	}
	return found
}
