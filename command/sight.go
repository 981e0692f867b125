package command

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wildfire-watch/hardware"
)

// lookAtLines is how often the board is read while an output is tested.
const lookAtLines = 5 * time.Millisecond

// sight is what was read while outputs were switched on and off.
type sight struct {
	before  hardware.Levels
	on, off [hardware.NumOutputs]change
	inputs  []string // what changed, in order
	last    hardware.Levels
}

// change is one edge of an output: when it was commanded, and how long after it was read.
type change struct {
	asked time.Time // zero: not yet
	seen  bool
	after time.Duration
}

func (c *change) look(asked, reads bool, now time.Time) {
	if asked && c.asked.IsZero() {
		c.asked = now
	}
	if asked && reads && !c.seen {
		c.seen, c.after = true, now.Sub(c.asked)
	}
}

func (c change) text(otherwise string) string {
	switch {
	case !c.seen:
		return otherwise
	case c.after < time.Millisecond:
		return "at once"
	}
	return fmt.Sprintf("after %v", c.after.Round(time.Millisecond))
}

func (w *walk) begin() sight {
	l, _ := w.hand.board.Read() // what cannot be read is seen as inactive
	return sight{before: l, last: l}
}

// witness reads until every output is inactive again and reads so, or until patience ends.
func (w *walk) witness(s *sight) {
	tick := time.NewTicker(lookAtLines)
	defer tick.Stop()
	limit, rest := time.Now().Add(w.limit()), w.hand.resting()
	var resting time.Time
	for {
		asked, l, err := w.hand.look()
		now := time.Now()
		if err == nil {
			s.take(asked, l, now)
		}
		select {
		case <-rest:
			if resting.IsZero() {
				resting = now
			}
		default:
		}
		done := !resting.IsZero() && (s.settled() || now.Sub(resting) > w.patience())
		if done || now.After(limit) {
			return
		}
		<-tick.C
	}
}

// patience is how long an output may take to read off: a feedback as long as a valve.
func (w *walk) patience() time.Duration {
	patience := 200*time.Millisecond + w.wiring.Debounce
	if slices.ContainsFunc(w.wiring.Feedbacks[:], func(line int) bool { return line >= 0 }) {
		patience = max(patience, w.verify)
	}
	return patience
}

func (s *sight) take(asked hardware.Outputs, l hardware.Levels, now time.Time) {
	for o := range hardware.NumOutputs {
		s.on[o].look(asked.Has(o), l.Outputs.Has(o), now)
		s.off[o].look(!s.on[o].asked.IsZero() && !asked.Has(o), !l.Outputs.Has(o), now)
	}
	for i := range hardware.NumInputs {
		if l.Fitted[i] && l.Inputs[i] != s.last.Inputs[i] {
			s.inputs = append(s.inputs, fmt.Sprintf("%s became %s", hardware.InputNames[i],
				[2]string{"inactive", "active"}[bit(l.Inputs[i])]))
		}
	}
	s.last = l
}

// settled says that whatever was switched on reads off.
func (s *sight) settled() bool {
	for o := range s.on {
		if !s.on[o].asked.IsZero() && !s.off[o].seen {
			return false
		}
	}
	return true
}

// moved lists the inputs that changed; an input that flutters is not told for ever.
func (s *sight) moved() string {
	const most = 4
	if len(s.inputs) > most {
		return strings.Join(s.inputs[:most], ", ") + fmt.Sprintf(" and %d more changes", len(s.inputs)-most)
	}
	return strings.Join(s.inputs, ", ")
}
