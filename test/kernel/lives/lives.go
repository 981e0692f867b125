// Package lives plays lives of the real program on simulated lines, each of them ended by a death, and
// keeps the books of them. A House has several appliances, each with a chip, a folder and an accountant of
// its own; a driver gives each of them triggers, orders and sensors at random, and notes what can be seen
// from outside: lines by the kernel's record, events and the page. A Book holds what the next process
// says and does against what was seen before (SPEC P5, P6, P7, P10, P14, P15).
//
// The book trusts nobody: it keeps the engine's hours and the tank's debt from the lines alone. What
// was decided less than Lag before a death may or may not be on the disk: the journal promises no
// more than the write under way.
package lives

import (
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/test/kernel/gpiosim"
)

// Kind says what a fact is.
type Kind string

// What can be seen of a life.
const (
	Started Kind = "started" // a process was started; Text is the kernel's boot, PID the process
	Ordered Kind = "ordered" // about to be sent: "trigger", "start", "stop", "reset" …; or a sensor
	Told    Kind = "told"    // an event was heard
	Shown   Kind = "shown"   // the page was read
	Line    Kind = "line"    // the kernel noted a change of a line
	Tick    Kind = "tick"    // the observer was still there
	Ended   Kind = "ended"   // the process was ended; Text says how
)

// How a life ends, as far as the book must know: anything else is the death of the process alone.
const Cut = "power cut"

// Fact is one thing that was seen.
type Fact struct {
	At    time.Duration `json:"at"` // gpiosim.Now; of an event, when it occurred
	Kind  Kind          `json:"kind"`
	Text  string        `json:"text,omitempty"`
	PID   int           `json:"pid,omitempty"`
	Heard time.Duration `json:"heard,omitempty"` // of an event, when it was announced
	Event *Event        `json:"event,omitempty"`
	Page  *Page         `json:"page,omitempty"`
	Line  *gpiosim.Event
}

// Event is a message on system/trigger_telemetry.
type Event struct {
	Action    protocol.Action      `json:"action"`
	Reason    string               `json:"reason"`
	Boot      string               `json:"boot"`
	Seq       uint64               `json:"seq"`
	Timestamp float64              `json:"timestamp"`
	Details   map[string]any       `json:"details"`
	System    protocol.SystemState `json:"system_state"`
}

// Page is what /api/status shows.
type Page struct {
	protocol.SystemState
	Boots    uint64 `json:"boots"`
	LastStop string `json:"last_stop"`
}

// Terms are what a book must know of a configuration.
type Terms struct {
	Pulse      time.Duration // pump.ignition_off_duration
	Multiplier float64       // pump.refill_multiplier
}

// What the journal owes (SPEC P5), and what an observer cannot see exactly.
const (
	engineInterval = 5 * time.Second
	refillInterval = 60 * time.Second
	mostResumes    = 3
	youngFire      = 50 * time.Second // less than pump.fire_off_delay, 60 s
	// slack is between a decision and its line, twice, on a busy machine.
	slack = 300 * time.Millisecond
)
