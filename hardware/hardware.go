// Package hardware says what the gpio actor asks of a board. A board drives seven outputs and reads
// up to six inputs and seven feedbacks; it knows nothing of pumps. Two exist: hardware/gpiocdev, the
// kernel's lines, and hardware/simulator, a plant in memory; both pass hardware/hardwaretest.
package hardware

import "time"

// Output is one output, by its place in the pump's relay table.
type Output uint8

// The outputs. They stand in the order of protocol.Line, so that a set of bits means the same on
// both sides of the border.
const (
	MainValve Output = iota
	IgnitionStart
	IgnitionOn
	IgnitionOff
	RefillValve
	PrimingValve
	RPMReduce
	NumOutputs
)

// OutputNames are the [gpio] keys, by Output.
var OutputNames = [NumOutputs]string{"main_valve", "ignition_start", "ignition_on", "ignition_off",
	"refill_valve", "priming_valve", "rpm_reduce"}

// Outputs is every output's logical level, one bit each; the zero value is all inactive.
type Outputs uint8

// Has says whether that output is active.
func (o Outputs) Has(line Output) bool { return o&(1<<line) != 0 }

// With returns the set with that output at that level.
func (o Outputs) With(line Output, active bool) Outputs {
	if active {
		return o | 1<<line
	}
	return o &^ (1 << line)
}

// Input is one input.
type Input uint8

// The inputs.
const (
	ReservoirFloat Input = iota
	LinePressure
	Flow
	EmergencyButton
	StopButton
	EngineRunning
	NumInputs
)

// InputNames are the [gpio] keys, by Input.
var InputNames = [NumInputs]string{"reservoir_float", "line_pressure", "flow", "emergency_button",
	"stop_button", "engine_running"}

// Levels is what a board reads at one instant.
type Levels struct {
	// Outputs is what each output reads back: its feedback input where one is configured, else
	// the level of the line itself.
	Outputs Outputs
	// Inputs is the logical, debounced level of each input; meaningless where not Fitted.
	Inputs [NumInputs]bool
	Fitted [NumInputs]bool
	At     time.Time
}

// Board is a set of lines. Write, Read and Close may be called from any goroutine.
type Board interface {
	// Write drives all outputs to these logical levels in one step: no output passes through a
	// level it is not told, and lines that keep their level are not touched. It returns within
	// milliseconds or not at all with an error that says what was tried and why.
	Write(Outputs) error
	// Read returns the levels as they are now.
	Read() (Levels, error)
	// Watch names the function to call, from any goroutine, when an input or a feedback has
	// changed. It must not block. Call it once, before the first Write.
	Watch(changed func(Levels))
	// Describe says what the board is: "simulator", "gpiochip0 [pinctrl-bcm2711]".
	Describe() string
	// Simulated says that nothing real is driven.
	Simulated() bool
	// Close sets every output inactive and lets the lines go. A second call does nothing.
	Close() error
}

// Bias is the resistor inside the chip that pulls a line which nothing else drives.
type Bias uint8

// The biases. The zero value leaves a line as the firmware or the device tree made it.
const (
	AsIs Bias = iota
	Disabled
	PullUp
	PullDown
)

// BiasNames are the words of the configuration, by Bias.
var BiasNames = [...]string{"as-is", "disabled", "pull-up", "pull-down"}

// Wiring says which line each function is on and how it is read.
type Wiring struct {
	// Outputs, Feedbacks and Inputs are numbers of lines; -1 is no line. Feedbacks read whether the
	// output has really switched (a valve's end switch).
	Outputs   [NumOutputs]int
	Feedbacks [NumOutputs]int
	Inputs    [NumInputs]int
	// A name that is not empty takes the place of the number: the board looks it up, and the number
	// only says, by not being negative, that the line is there.
	OutputNames   [NumOutputs]string
	FeedbackNames [NumOutputs]string
	InputNames    [NumInputs]string
	// Lines that are active when they are low.
	OutputActiveLow   [NumOutputs]bool
	FeedbackActiveLow [NumOutputs]bool
	InputActiveLow    [NumInputs]bool

	OutputBias   [NumOutputs]Bias
	FeedbackBias [NumOutputs]Bias
	InputBias    [NumInputs]Bias
	// Debounce is how long an input or a feedback must be steady.
	Debounce time.Duration
}
