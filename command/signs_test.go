package command

import (
	"testing"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// named is a board that says what it is.
type named struct {
	hardware.Board
	simulated bool
}

func (n named) Describe() string { return "gpiochip0 [pinctrl-bcm2711]" }
func (n named) Simulated() bool  { return n.simulated }

// TestTheStatusLineSaysHowThingsAre is what `systemctl status` shows.
func TestTheStatusLineSaysHowThingsAre(t *testing.T) {
	now := time.Now()
	stuck := protocol.SetOf(protocol.IgnitionOn, protocol.RefillValve)
	idle := protocol.PumpStatus{State: protocol.Idle, At: now}
	for want, s := range map[string]*signs{
		"the lines have not been read yet; starting; gpiochip0 [pinctrl-bcm2711]": {},
		"not ready: ignition_on, refill_valve reads on though commanded off; IDLE; gpiochip0 [pinctrl-bcm2711]": {
			status: idle, report: protocol.LineReport{At: now, Available: true, Read: stuck}},
		"not ready: the board can be neither written nor read; IDLE; gpiochip0 [pinctrl-bcm2711]": {
			status: idle, report: protocol.LineReport{At: now}},
		"not ready before every output has read off once; STOPPING; gpiochip0 [pinctrl-bcm2711]": {
			status: protocol.PumpStatus{State: protocol.Stopping, At: now},
			report: protocol.LineReport{At: now, Available: true, Read: stuck, Commanded: stuck}},
		"IDLE; simulator, nothing real is driven": {safe: true, status: idle, board: named{simulated: true}},
		"REFILLING, a fire now would be refused: refill_lockout; gpiochip0 [pinctrl-bcm2711]; no guard": {
			safe: true, status: protocol.PumpStatus{State: protocol.Refilling, Refuses: "refill_lockout", At: now},
			faults: map[string]bool{"guard": true, "journal": true}},
		"ERROR; gpiochip0 [pinctrl-bcm2711]": {
			safe: true, status: protocol.PumpStatus{State: protocol.Error, Refuses: "error", At: now},
			faults: map[string]bool{"guard": false}},
		"safe mode, see the log; IDLE, a fire now would be refused: safe_mode; gpiochip0 [pinctrl-bcm2711]": {
			safe: true, status: protocol.PumpStatus{State: protocol.Idle, Refuses: "safe_mode", At: now},
			faults: map[string]bool{"safe_mode": true}},
	} {
		if s.board == nil {
			s.board = named{}
		}
		if got := s.line(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
