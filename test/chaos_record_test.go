package test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"wildfire-watch/actors/system"
	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// kind says what a fact is.
type kind uint8

const (
	factBooted  kind = iota // a process began; text is its kernel
	factOrdered             // somebody ordered something; text is the scenario's line
	factAsked               // consensus triggered
	factEnding              // the process was told to end
	factRead                // the board was read
	factTold                // an event left the house
	factEntered             // the pump showed its state
	factAnswer              // the pump answered it
	factWrote               // the board was written
	factEnded               // the telling of the end has returned
	factFell                // the process died: its lines fell
)

// fact is one thing that can be seen from outside.
type fact struct {
	at     time.Duration // since the scene's start
	kind   kind
	lines  protocol.Lines // wrote: as tried; read: as read back
	failed bool           // wrote, read: the board refused
	ran    bool           // wrote: the plant's engine ran just before, and no welded relay feeds it
	levels hardware.Levels
	event  protocol.Event
	status protocol.PumpStatus
	id     uint64 // asked, answer
	text   string
	order  protocol.CommandAction
	count  int  // of triggers ordered; 0: it is a command
	stale  bool // ordered: by its stamp older than 60 s
}

// record is what was seen of one history.
type record struct {
	mu     sync.Mutex // guards facts
	start  time.Time
	facts  []fact
	config system.Config
}

func (r *record) add(f fact) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.at = time.Since(r.start)
	r.facts = append(r.facts, f)
}

// hear takes from what is published only what leaves the house or answers somebody.
func (r *record) hear(msg any) {
	switch m := msg.(type) {
	case protocol.Event:
		r.add(fact{kind: factTold, event: m})
	case protocol.PumpStatus:
		r.add(fact{kind: factEntered, status: m})
	case protocol.FireConfirmed:
		r.add(fact{kind: factAsked, id: m.ID})
	case protocol.TriggerOutcome:
		if m.ID != 0 {
			r.add(fact{kind: factAnswer, id: m.ID})
		}
	}
}

// instants are the facts in the order of time, those of one instant in the order of their kinds.
func (r *record) instants() (all [][]fact) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := 0; i < len(r.facts); {
		j := i
		for j < len(r.facts) && r.facts[j].at == r.facts[i].at {
			j++
		}
		one := slices.Clone(r.facts[i:j])
		slices.SortStableFunc(one, func(a, b fact) int { return int(a.kind) - int(b.kind) })
		all = append(all, one)
		i = j
	}
	return all
}

// lens is a board that writes down what goes through it.
type lens struct {
	hardware.Board
	record *record
	ran    func() bool
}

func (l lens) Write(o hardware.Outputs) error {
	ran := l.ran()
	err := l.Board.Write(o)
	l.record.add(fact{kind: factWrote, lines: protocol.Lines(o), failed: err != nil, ran: ran})
	return err
}

func (l lens) Read() (hardware.Levels, error) {
	levels, err := l.Board.Read()
	l.record.add(fact{kind: factRead, lines: protocol.Lines(levels.Outputs), levels: levels, failed: err != nil})
	return levels, err
}

func (l lens) Close() error {
	err := l.Board.Close()
	l.record.add(fact{kind: factWrote})
	return err
}

// text is all that was seen, for people.
func (r *record) text() string {
	var b strings.Builder
	var last, seen fact
	state := ""
	for _, f := range r.facts {
		line := ""
		switch f.kind {
		case factWrote:
			if last.lines != f.lines || f.failed != last.failed {
				line = "wrote  " + f.lines.String()
			}
			last = f
		case factRead:
			if seen.lines != f.lines || f.failed != seen.failed || seen.levels.Inputs != f.levels.Inputs {
				line = fmt.Sprintf("read   %v %v", f.lines, f.levels.Inputs)
			}
			seen = f
		case factTold:
			line = fmt.Sprintf("event  %s (%s) %v", f.event.Action, f.event.Reason, f.event.Details)
		case factEntered:
			if f.status.State.String() != state {
				line = "state  " + f.status.State.String()
			}
			state = f.status.State.String()
		default:
			line = fmt.Sprintf(">>     %d %s", f.kind, f.text)
		}
		if f.failed && line != "" {
			line += " FAILED"
		}
		if line != "" && !strings.HasSuffix(b.String(), line+"\n") {
			fmt.Fprintf(&b, "%14v  %s\n", f.at, line)
		}
	}
	return b.String()
}
