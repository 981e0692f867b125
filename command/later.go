package command

import (
	"context"
	"time"

	"wildfire-watch/hardware/gpiocdev"
)

// askLines is how often a house that fell back to the simulator asks for real lines again.
const askLines = 5 * time.Second

// linesLater calls found once the lines that gpio.board = "auto" could not have can be had: a chip
// that was plugged in late, or a line that somebody let go, must not leave a pump simulated for ever.
// It returns with ctx.
func (c configured) linesLater(ctx context.Context, found func()) {
	tick := time.NewTicker(askLines)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if c.linesThere() {
				found()
				return
			}
		}
	}
}

// linesThere takes the lines, every output inactive, and lets them go.
func (c configured) linesThere() bool {
	board, err := gpiocdev.Open(gpiocdev.Settings{Chip: c.GPIO.Chip, Wiring: c.GPIO.Wiring()})
	if err != nil {
		return false
	}
	return board.Close() == nil
}
