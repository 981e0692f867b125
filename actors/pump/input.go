package pump

import (
	"time"

	"wildfire-watch/protocol"
)

// Ask is what somebody wants of the pump. The zero value wants nothing.
type Ask uint8

// What may be asked.
const (
	AskNothing    Ask = iota
	AskTrigger        // consensus or fire/trigger: there is fire
	AskStart          // a person wants water: an emergency start
	AskStop           // emergency stop
	AskValveOpen      // open the main valve
	AskValveClose     // shut it
	AskReset          // leave ERROR, end a held stop
	AskEnd            // the process is ending (SPEC P14)
	numAsks
)

func (a Ask) String() string {
	return [...]string{"nothing", "trigger", "start", "stop", "valve_open", "valve_close", "reset",
		"end"}[min(a, AskEnd)]
}

// Input is one thing that reached the pump; the zero value is the passing of time.
type Input struct {
	Ask    Ask
	Source string // who asks: "consensus", "mqtt", "page", "emergency_button"
	ID     uint64 // of FireConfirmed
	// Age is how old a trigger or start is by its own timestamp; 0 if it has none or a future one.
	Age time.Duration
	// Lines and Inputs are news of the outputs and inputs; nil: none.
	Lines  *Lines
	Inputs *protocol.Inputs
	// Boot is the first input of a process; nil afterwards.
	Boot *Boot
}

// tripped is the Source of an AskEnd that the trip has announced already: it has no event.
const tripped = "trip"

// Lines is what is known of the outputs, with what belongs to older commands taken out.
type Lines struct {
	Verified protocol.Lines // commanded on and reading on
	Failed   protocol.Lines // kept reading wrong through all attempts (SPEC P12)
	Lost     bool           // the board can be neither written nor read
	// Unsent: the stop pulse that is commanded was not on the lines yet.
	Unsent bool
}

// Age is how old a message is by its own timestamp. A missing or future one counts as now (P13).
func Age(stamp, wall time.Time) time.Duration {
	if stamp.IsZero() {
		return 0
	}
	return max(0, wall.Sub(stamp))
}

// OutcomeKind says what the shell has to do.
type OutcomeKind uint8

// The kinds of outcome.
const (
	EventOccurred   OutcomeKind = iota // publish an event
	TriggerAnswered                    // tell consensus
	CheckpointDue                      // the journal is to have the memory of now
	CooldownOver                       // consensus's cooldown ends
	Ended                              // AskEnd is fulfilled: pulse over, all commanded off
)

// Outcome is one thing that a step wants done.
type Outcome struct {
	Kind    OutcomeKind
	Action  protocol.Action
	Reason  string
	Details map[string]any
	// Then is the machine at that moment, for the event's snapshot.
	Then Machine
	// Answers is what this event is the one outcome of (SPEC P11); AskNothing if of nothing.
	Answers Ask
	// Shared: identical ones within a second become one event with a count (SPEC P11).
	Shared   bool
	ID       uint64 // TriggerAnswered
	Accepted bool   // TriggerAnswered
}

// The reasons for which a trigger or a command is refused.
const (
	refusedEnding  = "shutting_down"
	refusedFault   = "error"
	refusedHeld    = "stop_held"
	refusedStale   = "stale"
	refusedLockout = "refill_lockout"
	refusedBudget  = "run_budget"
	refusedEngine  = "engine_not_stopped"
	refusedNoTime  = "valve_close_delay_is_0"
	refusedPressed = "stop_button_active"
	refusedUnread  = "stop_button_unreadable"
)
