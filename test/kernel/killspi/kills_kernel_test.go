//go:build kernel

// Package killspi kills the program as package kills does, on lines that keep their level when they
// are let go, as those of a Raspberry Pi.
package killspi

import (
	"testing"

	"wildfire-watch/test/kernel/lives"
)

//guest:options -m 512M -t 1800 -a gpio_sim.persist=1

func TestAKilledProgramNeverLeavesTheEngineRunningOnALineThatStays(t *testing.T) {
	lives.Kills(t, (lives.Count(t, "KILLS", 100)+1)/2, lives.Count(t, "KILLS_AT_ONCE", 2), lives.Seed(t, 2))
}
