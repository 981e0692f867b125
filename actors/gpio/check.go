package gpio

import (
	"fmt"
	"strconv"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

// Check finds what no single key shows: two functions on one line, an output without one, a line
// that the simulator does not have, a debounce that outlasts the verification.
func (c Config) Check() []protocol.Mistake {
	found := c.checkLines()
	fed := false
	for _, r := range c.Relays() {
		fed = fed || r.Feedback.Fitted()
	}
	if fed && c.Debounce >= c.VerifyTimeout {
		found = append(found, protocol.Mistake{Key: "debounce", Value: c.Debounce.String(),
			Allowed: "shorter than verify_timeout: a feedback is debounced too"})
	}
	if c.LineLog != "" && c.LineLog == c.SimulatorInputs {
		found = append(found, protocol.Mistake{Key: "simulator_inputs", Value: c.SimulatorInputs,
			Allowed: "another file than line_log"})
	}
	if c.Board == "simulator" && c.Chip != "" {
		found = append(found, protocol.Mistake{Warning: true, Key: "chip", Value: c.Chip,
			Problem: `means nothing to the simulator: with board = "simulator" no real line is driven`,
			Allowed: `empty, or board = "gpiocdev"`})
	}
	return found
}

// lastSimulated is the last line of the simulated chip.
const lastSimulated = 63

// checkLines holds every line against every other and against the simulated chip.
func (c Config) checkLines() (found []protocol.Mistake) {
	owner := make(map[string]string)
	claim := func(key string, l Line, needed bool) {
		m := protocol.Mistake{Key: key, Value: l.String()}
		place := l.Name
		if place == "" || numbered.MatchString(place) {
			place = strconv.Itoa(l.Number)
		}
		switch first, taken := owner[place]; {
		case !l.Fitted() && needed:
			m.Allowed = "a line: every output needs one"
		case !l.Fitted():
			return
		case taken:
			m.Allowed, m.Problem = "a line of its own", "is the line of "+first+" already"
		case c.Board == "simulator" && (l.Number > lastSimulated || place == l.Name):
			m.Allowed = fmt.Sprintf(`a line of the simulator: 0 to %d or "GPIO0" to "GPIO%d"`,
				lastSimulated, lastSimulated)
		default:
			owner[place] = key
			return
		}
		found = append(found, m)
	}
	for o, r := range c.Relays() {
		claim(hardware.OutputNames[o], r.Line, true)
	}
	for o, r := range c.Relays() {
		claim(hardware.OutputNames[o]+"_feedback", r.Feedback, false)
	}
	for i, s := range c.Sensors() {
		claim(hardware.InputNames[i], s.Line, false)
	}
	return found
}

// Check reads the lines that stick.
func (c SimulatorConfig) Check() []protocol.Mistake {
	if _, err := simulator.ParseStick(c.Stick); err != nil {
		return []protocol.Mistake{{Key: "stick", Value: fmt.Sprintf("%q", c.Stick),
			Allowed: `LINE:LEVEL, several separated by commas, LINE 0 to 63 and LEVEL 0 or 1: "24:1"`}}
	}
	return nil
}

// PumpTimes are the pump's durations that size the simulated plant.
type PumpTimes struct {
	Crank    time.Duration // pump.ignition_start_duration
	Attempts int           // pump.crank_attempts
	Run      time.Duration // pump.max_engine_runtime
	Priming  time.Duration // pump.priming_duration
	Check    time.Duration // pump.pressure_check_delay
	Pulse    time.Duration // pump.ignition_off_duration
	Refill   float64       // pump.refill_multiplier
}

// A crank shorter than this is a test's (SPEC §3: real ones last at least so long). An engine that
// could then not catch in all the attempts together catches in this share of one: its time scales
// with the configured ones (SPEC §6).
const (
	shortestRealCrank = 500 * time.Millisecond
	scaledCatch       = 0.4
)

// Simulator is what the simulated board is made of.
func (c Config) Simulator(s SimulatorConfig, t PumpTimes) simulator.Settings {
	catch := s.CatchAfter
	if t.Crank < shortestRealCrank && catch > t.Crank*time.Duration(t.Attempts) {
		catch = time.Duration(scaledCatch * float64(t.Crank))
	}
	return simulator.Settings{
		Wiring: c.Wiring(), CatchAfter: catch, NeverCatch: s.NeverCatch, Stick: s.Stick,
		LineLog: c.LineLog, InputsFile: c.SimulatorInputs,
		Times: simulator.Times{Run: t.Run, Priming: t.Priming, Check: t.Check, StopWait: t.Pulse,
			Verify: c.VerifyTimeout, Refill: t.Refill},
	}
}
