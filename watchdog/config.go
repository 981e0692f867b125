package watchdog

import (
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// Config is the table [watchdog] of config.toml. What systemd's watchdog wants (WatchdogSec) stands
// in the unit; the program learns it from its environment.
type Config struct {
	// Device is the kernel's watchdog, "/dev/watchdog"; empty: none.
	Device string `key:"device" len:"0..255"`
	// Timeout is after how long without a sign of life the device resets the machine. The kernel
	// counts whole seconds: fractions are rounded up.
	Timeout time.Duration `key:"timeout" range:"3s..600s"`
}

// Check reports what no single range can say.
func (c Config) Check() []protocol.Mistake {
	if c.Device != "" && (!strings.HasPrefix(c.Device, "/") || strings.ContainsRune(c.Device, 0)) {
		return []protocol.Mistake{{Key: "device", Value: c.Device,
			Allowed: `the path of a watchdog device, "/dev/watchdog", or empty for none`}}
	}
	return nil
}

// silence is what the layers before a watchdog need to notice a process that hangs and to end it:
// the guard's own margin and a restart (docs/decisions: the layers of stopping).
const silence = 2 * time.Second

// CheckAgainst compares the device with what must act before it: the dead-man, and the guard, whose
// stop pulse a reset of the machine would cut short. Keys are relative to the section.
func (c Config) CheckAgainst(deadman, pulse time.Duration) []protocol.Mistake {
	if c.Device == "" {
		return nil
	}
	switch least := deadman + pulse + silence; {
	case c.Timeout <= deadman:
		return []protocol.Mistake{{Key: "timeout", Value: c.Timeout.String(),
			Allowed: "longer than gpio.deadman (" + deadman.String() +
				"): the process must be able to stop the engine before the machine is reset"}}
	case c.Timeout < least:
		return []protocol.Mistake{{Key: "timeout", Value: c.Timeout.String(), Warning: true,
			Allowed: "at least " + least.String() + " (gpio.deadman, pump.ignition_off_duration " +
				"and 2s), or the machine is reset in the middle of the guard's stop pulse"}}
	}
	return nil
}
