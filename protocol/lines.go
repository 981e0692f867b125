package protocol

import "time"

// Lines is every output's level, as a set of bits by Line; the zero value is everything off.
type Lines uint8

// Line is one output of the pump.
type Line uint8

// The outputs, in the order of SPEC §3. The names are those of the [gpio] keys.
const (
	MainValve Line = iota
	IgnitionStart
	IgnitionOn
	IgnitionOff
	RefillValve
	PrimingValve
	RPMReduce
	NumLines
)

var lineNames = [NumLines]string{"main_valve", "ignition_start", "ignition_on", "ignition_off",
	"refill_valve", "priming_valve", "rpm_reduce"}

// String is the line's name: its [gpio] key.
func (l Line) String() string {
	if l < NumLines {
		return lineNames[l]
	}
	return "unknown_line"
}

// Has says whether the line is on in the set.
func (s Lines) Has(l Line) bool { return s&(1<<l) != 0 }

// With returns the set with that line on.
func (s Lines) With(l Line) Lines { return s | 1<<l }

// Without returns the set with that line off.
func (s Lines) Without(l Line) Lines { return s &^ (1 << l) }

// SetOf makes a set.
func SetOf(lines ...Line) (s Lines) {
	for _, l := range lines {
		s = s.With(l)
	}
	return s
}

// String lists the lines that are on.
func (s Lines) String() string {
	text := ""
	for l := Line(0); l < NumLines; l++ {
		if s.Has(l) {
			if text != "" {
				text += "+"
			}
			text += l.String()
		}
	}
	if text == "" {
		return "none"
	}
	return text
}

// SetOutputs is the whole set of outputs that the pump wants now. It is sent whole after every
// step, so a lost or repeated one heals itself. The pump sends it, the gpio actor hears it.
type SetOutputs struct {
	Seq   uint64 // rises with every message
	Lines Lines
}

// Urgent: a line is never kept waiting.
func (SetOutputs) Urgent() bool { return true }

// LineReport is what the gpio actor knows of its outputs; sent at every change of it.
type LineReport struct {
	Seq uint64 // of the SetOutputs last carried out
	// Heard is the Seq of the SetOutputs last taken up, carried out or not: a board that refuses
	// is no silence. It is a sign of life, nothing more.
	Heard uint64
	// Commanded is what was written last, Read what the lines read back (through the feedback
	// input where there is one).
	Commanded, Read Lines
	// Failed are lines that kept reading wrong through gpio.write_attempts (SPEC P12); a line
	// leaves the set when it reads right again.
	Failed Lines
	// Available is false when the board cannot be written or read at all.
	Available bool
	At        time.Time
}

// Verified says whether a line is commanded on and reads back on.
func (r LineReport) Verified(l Line) bool { return r.Commanded.Has(l) && r.Read.Has(l) }

// Urgent: it decides over cranking.
func (LineReport) Urgent() bool { return true }

// Sensor is one input's state, after polarity and debounce.
type Sensor uint8

// What an input may say. The zero value is ignorance, never "fine".
const (
	NotFitted Sensor = iota // no such input configured
	Unknown                 // configured, not yet read or not readable
	Inactive
	Active
)

func (s Sensor) String() string {
	return [...]string{"not fitted", "unknown", "inactive", "active"}[min(s, Active)]
}

// Fitted says whether there is such an input.
func (s Sensor) Fitted() bool { return s != NotFitted }

// Inputs are all inputs of the pump. Active means: reservoir full, line pressure ok, flow flowing,
// emergency button pressed, stop pressed, engine running.
type Inputs struct {
	ReservoirFloat  Sensor
	LinePressure    Sensor
	Flow            Sensor
	EmergencyButton Sensor
	StopButton      Sensor
	EngineRunning   Sensor
}

// InputReport is sent by the gpio actor at every change of an input and once after start.
type InputReport struct {
	Inputs Inputs
	At     time.Time
}

// Urgent: a stop button is an input.
func (InputReport) Urgent() bool { return true }
