package gpio

import (
	"slices"
	"time"

	"wildfire-watch/hardware"
)

// Config is the [gpio] section.
type Config struct {
	// Board is "simulator", "gpiocdev" (the kernel's lines, or no start) or "auto": the one that the
	// command finds before it loads the configuration once more.
	Board string `key:"board" oneof:"auto|simulator|gpiocdev"`
	// Chip is the name, path or label of the chip; empty is the header of a Raspberry Pi.
	Chip string `key:"chip" len:"0..255"`

	MainValve     Relay `key:"main_valve"`
	IgnitionStart Relay `key:"ignition_start"`
	IgnitionOn    Relay `key:"ignition_on"`
	IgnitionOff   Relay `key:"ignition_off"`
	RefillValve   Relay `key:"refill_valve"`
	PrimingValve  Relay `key:"priming_valve"`
	RPMReduce     Relay `key:"rpm_reduce"`

	ReservoirFloat  Sensor `key:"reservoir_float"`
	LinePressure    Sensor `key:"line_pressure"`
	Flow            Sensor `key:"flow"`
	EmergencyButton Sensor `key:"emergency_button"`
	StopButton      Sensor `key:"stop_button"`
	EngineRunning   Sensor `key:"engine_running"`

	// Debounce is how long an input must be steady.
	Debounce time.Duration `key:"debounce" range:"0s..1s"`
	// VerifyTimeout is how long a valve with a feedback may take before it counts as failed;
	// the pump waits as long for the main valve (SPEC P1).
	VerifyTimeout time.Duration `key:"verify_timeout" range:"0.1s..60s"`
	// VerifyGrace is how long the pump bears a lost verification.
	VerifyGrace time.Duration `key:"verify_grace" range:"0s..30s"`
	// WriteAttempts is how often a line that reads wrong is written before it counts as failed.
	WriteAttempts int `key:"write_attempts" range:"1..10"`

	// Deadman is how long the lines wait for the pump to confirm its outputs before the process
	// trips and stops the engine.
	Deadman time.Duration `key:"deadman" range:"0.5s..30s"`

	LineLog         string `key:"line_log"`
	SimulatorInputs string `key:"simulator_inputs"`
}

// SimulatorConfig is the [simulator] section.
type SimulatorConfig struct {
	CatchAfter time.Duration `key:"catch_after" range:"0s..30s"`
	NeverCatch bool          `key:"never_catch"`
	Stick      string        `key:"stick"`
}

// Relay is one output and the feedback on it. Its keys follow on its name: main_valve_active_low.
type Relay struct {
	Line      Line   `key:""`
	ActiveLow bool   `key:"_active_low"`
	Bias      string `key:"_bias" oneof:"as-is|disabled|pull-up|pull-down"`
	// Feedback is an input that reads whether the output has switched.
	Feedback          Line   `key:"_feedback"`
	FeedbackActiveLow bool   `key:"_feedback_active_low"`
	FeedbackBias      string `key:"_feedback_bias" oneof:"as-is|disabled|pull-up|pull-down"`
}

// Sensor is one input.
type Sensor struct {
	Line      Line   `key:""`
	ActiveLow bool   `key:"_active_low"`
	Bias      string `key:"_bias" oneof:"as-is|disabled|pull-up|pull-down"`
}

// Relays are the outputs in the order of hardware.Output.
func (c Config) Relays() [hardware.NumOutputs]Relay {
	return [...]Relay{c.MainValve, c.IgnitionStart, c.IgnitionOn, c.IgnitionOff, c.RefillValve,
		c.PrimingValve, c.RPMReduce}
}

// Sensors are the inputs in the order of hardware.Input.
func (c Config) Sensors() [hardware.NumInputs]Sensor {
	return [...]Sensor{c.ReservoirFloat, c.LinePressure, c.Flow, c.EmergencyButton, c.StopButton,
		c.EngineRunning}
}

// Wiring is the section as a board takes it.
func (c Config) Wiring() hardware.Wiring {
	w := hardware.Wiring{Debounce: c.Debounce}
	for o, r := range c.Relays() {
		w.Outputs[o], w.OutputNames[o] = r.Line.Number, r.Line.Name
		w.OutputActiveLow[o], w.OutputBias[o] = r.ActiveLow, bias(r.Bias)
		w.Feedbacks[o], w.FeedbackNames[o] = r.Feedback.Number, r.Feedback.Name
		w.FeedbackActiveLow[o], w.FeedbackBias[o] = r.FeedbackActiveLow, bias(r.FeedbackBias)
	}
	for i, s := range c.Sensors() {
		w.Inputs[i], w.InputNames[i] = s.Line.Number, s.Line.Name
		w.InputActiveLow[i], w.InputBias[i] = s.ActiveLow, bias(s.Bias)
	}
	return w
}

func bias(word string) hardware.Bias {
	return hardware.Bias(max(slices.Index(hardware.BiasNames[:], word), 0))
}
