package simulator

import (
	"time"

	"wildfire-watch/hardware"
)

// The channels: the inputs first, then a feedback for each output.
const numChannels = int(hardware.NumInputs) + int(hardware.NumOutputs)

func feedbackChannel(o hardware.Output) int { return int(hardware.NumInputs) + int(o) }

// channel is one input line with what is behind it: a source that may lag or be held by hand, and
// the debounce before it.
type channel struct {
	line      int // -1: not fitted
	activeLow bool
	lag       time.Duration // of a feedback behind its output
	debounce  time.Duration

	forced, held bool // held by hand, at that logical level
	source       bool // what is at the end of the wire, logical
	sourceNext   time.Time
	raw          bool // what is on the wire, logical
	since        time.Time
	steady       bool // what is read
}

// begin takes a level as given from the start.
func (c *channel) begin(level bool, now time.Time) {
	c.source, c.raw, c.steady, c.since = level, level, level, now
}

// due is when the channel moves by itself; zero: it does not.
func (c *channel) due() (next time.Time) {
	if c.line < 0 {
		return time.Time{}
	}
	if c.raw != c.steady {
		next = c.since.Add(c.debounce)
	}
	if !c.sourceNext.IsZero() && (next.IsZero() || c.sourceNext.Before(next)) {
		next = c.sourceNext
	}
	return next
}

// take puts a level on the wire and says whether what is read has changed.
func (c *channel) take(level bool, now time.Time) (changed bool) {
	if c.raw != level {
		c.raw, c.since = level, now
	}
	if c.raw != c.steady && now.Sub(c.since) >= c.debounce {
		c.steady = c.raw
		return true
	}
	return false
}

// wire sets the channels up as the wiring says, at the levels that the plant gives now.
func (b *Simulator) wire(now time.Time, verify time.Duration) {
	for i := range hardware.NumInputs {
		b.channels[i] = channel{line: b.wiring.Inputs[i], activeLow: b.wiring.InputActiveLow[i],
			debounce: b.wiring.Debounce}
	}
	lag := min(verify/100, 50*time.Millisecond)
	for i := range hardware.NumOutputs {
		b.channels[feedbackChannel(i)] = channel{line: b.wiring.Feedbacks[i],
			activeLow: b.wiring.FeedbackActiveLow[i], debounce: b.wiring.Debounce, lag: lag}
	}
	for i := range b.channels {
		b.channels[i].begin(b.plantLevel(i), now)
	}
}

// sample puts the present levels on every wire; true if a level that can be read has changed.
func (b *Simulator) sample(now time.Time) (changed bool) {
	for i := range b.channels {
		c := &b.channels[i]
		if c.line < 0 {
			continue
		}
		follow(&c.source, &c.sourceNext, b.plantLevel(i), now, c.lag)
		changed = c.take(b.sensed(i), now) || changed
	}
	return changed
}

// sensed is what is on a channel's wire: the file wins over the hand, the hand over the plant.
func (b *Simulator) sensed(i int) bool {
	c := &b.channels[i]
	if level, ok := b.levels[c.line]; ok {
		return level != c.activeLow
	}
	if c.held {
		return c.forced
	}
	return c.source
}

// plantLevel is what the plant says on a channel, without lag.
func (b *Simulator) plantLevel(i int) bool {
	p := &b.plant
	switch hardware.Input(i) {
	case hardware.ReservoirFloat:
		return p.Full
	case hardware.LinePressure:
		return p.Pressure
	case hardware.Flow:
		return p.Flow
	case hardware.EngineRunning:
		return p.Turning
	case hardware.EmergencyButton, hardware.StopButton:
		return false
	}
	return p.Pins.Has(hardware.Output(i - int(hardware.NumInputs)))
}
