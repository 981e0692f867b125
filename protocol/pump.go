package protocol

import (
	"strings"
	"time"
)

// State is one of the pump's states (SPEC §3).
type State uint8

// The states. The zero value is Idle: everything off.
const (
	Idle State = iota
	Priming
	Starting
	Running
	ReducingRPM
	Stopping
	Refilling
	Cooldown
	LowPressure
	Error
	NumStates
)

var stateNames = [NumStates]string{"IDLE", "PRIMING", "STARTING", "RUNNING", "REDUCING_RPM",
	"STOPPING", "REFILLING", "COOLDOWN", "LOW_PRESSURE", "ERROR"}

// String is the state's public name.
func (s State) String() string {
	if s < NumStates {
		return stateNames[s]
	}
	return "UNKNOWN"
}

// MarshalText writes the public name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a public name; an unknown one reads as Error, the state that does nothing.
func (s *State) UnmarshalText(text []byte) error {
	for i, name := range stateNames {
		if name == string(text) {
			*s = State(i)
			return nil
		}
	}
	*s = Error
	return nil
}

// CommandAction is what a person may order (SPEC §3 Commands).
type CommandAction uint8

// The commands. The zero value is none and does nothing.
const (
	NoCommand CommandAction = iota
	CommandStart
	CommandStop
	CommandValveOpen
	CommandValveClose
	CommandReset
	NumCommands
)

// CommandWords are the words on fire/emergency, trimmed and lower case.
var CommandWords = map[string]CommandAction{
	"start": CommandStart, "bypass_start": CommandStart,
	"stop": CommandStop, "emergency_stop": CommandStop,
	"valve_open": CommandValveOpen, "valve_close": CommandValveClose,
	"reset": CommandReset,
}

func (a CommandAction) String() string {
	return [...]string{"none", "start", "stop", "valve_open", "valve_close", "reset"}[min(a, CommandReset)]
}

// ParseCommand reads a command word in any case, surrounded by any white space.
func ParseCommand(word string) (CommandAction, bool) {
	a, ok := CommandWords[strings.ToLower(strings.TrimSpace(word))]
	return a, ok
}

// Command is an order by a person: fire/emergency, the page, the terminal. (The buttons arrive as
// InputReport.) The bridge and the page send it; the pump hears it.
type Command struct {
	Action  CommandAction
	Source  string    // "mqtt", "page", "terminal"
	Stamp   time.Time // the sender's wall clock; zero if none
	Arrived time.Time // monotonic
	Wall    time.Time // our wall clock on arrival
	// By is the person, as far as known: "page: anna", "terminal: root"; it goes into the event's details.
	By string
	// Answer takes the one outcome (SPEC P11). It has room for it: the pump waits for nobody. nil: nobody
	// wants to know.
	Answer chan<- CommandOutcome `json:"-"`
}

// CommandOutcome is the pump's answer to a Command.
type CommandOutcome struct {
	Accepted bool
	Event    Action // the outcome event
	Reason   string // why refused; of an accepted one how it is done, if the event does not say it all
}

// Urgent: a stop overtakes everything; the other commands keep their order behind it.
func (c Command) Urgent() bool { return c.Action == CommandStop }

// Shutdown tells the pump that the process is ending (SPEC P14: as P6, not held, the run stays
// open). Done is closed when the stop pulse has ended and the outputs are off.
type Shutdown struct {
	Done chan struct{} // nil: nobody waits
	// Tripped: the outputs have tripped already and are past the pump's reach. It is to store what
	// the next process must know and to take nothing on; the trip has events of its own.
	Tripped bool
}

// Urgent: the engine stops before anything else.
func (Shutdown) Urgent() bool { return true }

// SystemState is the `system_state` of an event and of the gpio_trigger health report (SPEC §4).
// Durations are seconds.
type SystemState struct {
	State           State    `json:"state"`
	EngineOn        bool     `json:"engine_on"`
	MainValve       bool     `json:"main_valve"`
	RefillValve     bool     `json:"refill_valve"`
	PrimingValve    bool     `json:"priming_valve"`
	RPMReduced      bool     `json:"rpm_reduced"`
	TotalRuntime    float64  `json:"total_runtime"`
	CurrentRuntime  float64  `json:"current_runtime"`
	ShuttingDown    bool     `json:"shutting_down"`
	RefillComplete  bool     `json:"refill_complete"`
	ActiveTimers    []string `json:"active_timers"`
	ReservoirFull   *bool    `json:"reservoir_full"`   // null: no such input
	LinePressureOK  *bool    `json:"line_pressure_ok"` // null: no such input
	StopHeld        bool     `json:"stop_held"`
	RefillOwed      float64  `json:"refill_owed"`
	LockoutSeconds  float64  `json:"lockout_seconds"` // the lockout still to come; 0: none
	Remembered      bool     `json:"trigger_remembered"`
	RuntimeLeft     float64  `json:"runtime_left"`
	NextDeadline    float64  `json:"next_deadline"` // seconds until the state changes by itself; 0: never
	Why             string   `json:"why,omitempty"` // why it is in this state
	SimulationBoard bool     `json:"simulation,omitempty"`
	Alarms          []Alarm  `json:"alarms,omitempty"`
}

// Severity is the kind of a signal (NFPA 72): a fire, protection impaired, or a fault.
type Severity string

// The severities.
const (
	SeverityAlarm       Severity = "alarm"
	SeveritySupervisory Severity = "supervisory"
	SeverityTrouble     Severity = "trouble"
)

// Alarm is a standing signal: it holds until its cause is gone.
type Alarm struct {
	Code     string   `json:"code"` // stable: "refill_lockout", "stop_held", "engine_will_not_stop"
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
}

// PumpStatus is a snapshot of the pump; sent at every step that changes it and once a second while
// a run or a refill is on. Telemetry and consensus hear it.
type PumpStatus struct {
	State  State
	Lines  Lines // as commanded
	Inputs Inputs
	System SystemState
	// Refuses is why an automatic trigger would be refused now; empty: it would be taken.
	Refuses string
	At      time.Time
}
