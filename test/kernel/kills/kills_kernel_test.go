//go:build kernel

// Package kills kills the program in every state of the pump, on lines that fall to their pull when
// they are let go. KILLS says how often, over both suites; package killspi is the other one.
package kills

import (
	"testing"

	"wildfire-watch/test/kernel/lives"
)

//guest:options -m 512M -t 1800

func TestAKilledProgramNeverLeavesTheEngineRunning(t *testing.T) {
	lives.Kills(t, (lives.Count(t, "KILLS", 100)+1)/2, lives.Count(t, "KILLS_AT_ONCE", 2), lives.Seed(t, 1))
}
