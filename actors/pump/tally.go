package pump

import (
	"time"

	"wildfire-watch/protocol"
)

// tallySpan is how long identical trigger events are gathered into one (SPEC P11).
const tallySpan = time.Second

// gathered is one event that stands for several triggers.
type gathered struct {
	event Outcome
	count int
	first time.Time // monotonic
}

// tally gathers the events of triggers that change nothing, so that a flood of them is one event a
// second with a count. What can be gathered is a handful of kinds: it needs no bound.
type tally struct{ waiting []gathered }

// add counts the event in, or begins to gather.
func (t *tally) add(o Outcome, now time.Time) {
	for i := range t.waiting {
		w := &t.waiting[i]
		if w.event.Action == o.Action && w.event.Reason == o.Reason &&
			w.event.Details["source"] == o.Details["source"] {
			w.count++
			return
		}
	}
	t.waiting = append(t.waiting, gathered{o, 1, now})
}

// take returns the events whose second is over, with their count; all of them if the end has come.
func (t *tally) take(now time.Time, all bool) (ripe []Outcome) {
	rest := t.waiting[:0]
	for _, w := range t.waiting {
		if !all && now.Sub(w.first) < tallySpan {
			rest = append(rest, w)
			continue
		}
		details := map[string]any{"count": w.count}
		for k, v := range w.event.Details {
			details[k] = v
		}
		w.event.Details = details
		ripe = append(ripe, w.event)
	}
	t.waiting = rest
	return ripe
}

// due is when the next event is ripe; zero: none waits.
func (t *tally) due() time.Time {
	if len(t.waiting) == 0 {
		return time.Time{}
	}
	return t.waiting[0].first.Add(tallySpan)
}

// outputs is what was sent to the gpio actor, and since which message each line has its command:
// a report of an earlier one says nothing about the line.
type outputs struct {
	seq   uint64
	lines protocol.Lines
	since [protocol.NumLines]uint64
}

// set is the next message to send.
func (o *outputs) set(lines protocol.Lines) protocol.SetOutputs {
	o.seq++
	for l := range protocol.NumLines {
		if changed := o.lines ^ lines; changed.Has(l) || o.seq == 1 {
			o.since[l] = o.seq
		}
	}
	o.lines = lines
	return protocol.SetOutputs{Seq: o.seq, Lines: lines}
}

// carriesPulse: the report is of a write with the stop pulse that is commanded, and with the main
// valve open if it is to be.
func (o *outputs) carriesPulse(r protocol.LineReport) bool {
	pulse := o.lines & (kill | mainValve)
	if !pulse.Has(protocol.MainValve) {
		return r.Seq >= o.since[protocol.IgnitionOff] && r.Commanded&pulse == pulse
	}
	return r.Seq >= max(o.since[protocol.IgnitionOff], o.since[protocol.MainValve]) &&
		r.Commanded&pulse == pulse
}

// known is what a report says about the commands of now.
func (o *outputs) known(r protocol.LineReport) Lines {
	news := Lines{Lost: !r.Available, Unsent: !o.carriesPulse(r)}
	for l := range protocol.NumLines {
		if r.Seq < o.since[l] {
			continue
		}
		if o.lines.Has(l) && r.Verified(l) {
			news.Verified = news.Verified.With(l)
		}
		if r.Failed.Has(l) {
			news.Failed = news.Failed.With(l)
		}
	}
	return news
}
