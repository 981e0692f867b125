package simulator

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"wildfire-watch/hardware"
)

// Settings is what a simulated board is made of. The zero value but for Wiring is a board whose
// engine catches at once and whose times are those of a plant of no size.
type Settings struct {
	Wiring hardware.Wiring
	// CatchAfter is how long the engine is cranked until it catches, several cranks added up.
	CatchAfter time.Duration
	NeverCatch bool
	// Stick names lines that stay at an electrical level: "24:1", several separated by commas.
	Stick string
	// LineLog is a file that gets one JSON object per output change; empty: none.
	LineLog string
	// InputsFile is a file {"16": 1} of electrical input levels that override the plant; empty: none.
	InputsFile string
	// Times sizes the plant.
	Times Times
}

// Times are the pump's configured durations. The plant's own times follow from them, so that a
// program with short durations meets a plant that is as quick (SPEC §6).
type Times struct {
	Run      time.Duration // pump.max_engine_runtime: the tank lasts longer than that
	Priming  time.Duration // pump.priming_duration: the pump is primed in a sixth of it
	Check    time.Duration // pump.pressure_check_delay: flow and pressure lag by a part of it
	StopWait time.Duration // pump.ignition_off_duration: the engine spins down in a tenth of it
	Verify   time.Duration // gpio.verify_timeout: feedbacks follow within a hundredth of it
	// Refill is pump.refill_multiplier: how much longer filling takes than draining.
	Refill float64
}

// numLines is one more than the highest line number.
const numLines = 64

// ParseStick reads "24:1, 18:0": lines (0 to 63) and the electrical level (0 or 1) that each stays
// at. The empty text is no line.
func ParseStick(text string) (map[int]bool, error) {
	stuck := make(map[int]bool)
	if strings.TrimSpace(text) == "" {
		return stuck, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		line, level, ok := strings.Cut(strings.TrimSpace(part), ":")
		n, err := strconv.ParseUint(line, 10, 8)
		if !ok || err != nil || n >= numLines || (level != "0" && level != "1") {
			return nil, fmt.Errorf("parse stick %q: want LINE:LEVEL, LINE 0 to 63, LEVEL 0 or 1", part)
		}
		if _, twice := stuck[int(n)]; twice {
			return nil, fmt.Errorf("parse stick %q: line %d is named twice", text, n)
		}
		stuck[int(n)] = level == "1"
	}
	return stuck, nil
}
