package simulator

import (
	"slices"
	"time"

	"wildfire-watch/hardware"
)

// What a test, or a scenario, does to the plant by hand.

// SetInput holds an input at a logical level, whatever the plant says. The debounce still applies.
func (b *Simulator) SetInput(in hardware.Input, active bool) {
	b.handle(int(in), true, active)
}

// FollowPlant lets the plant speak on that input again.
func (b *Simulator) FollowPlant(in hardware.Input) { b.handle(int(in), false, false) }

// SetFeedback holds an output's feedback at a logical level, whatever the line does.
func (b *Simulator) SetFeedback(o hardware.Output, active bool) {
	b.handle(feedbackChannel(o), true, active)
}

// FollowLine lets the feedback follow its line again.
func (b *Simulator) FollowLine(o hardware.Output) { b.handle(feedbackChannel(o), false, false) }

func (b *Simulator) handle(channel int, held, level bool) {
	_ = b.do(func(time.Time) error {
		b.channels[channel].held, b.channels[channel].forced = held, level
		return nil
	})
}

// StickOutput holds an output's line at a logical level, whatever is written: a welded relay, a cut
// wire.
func (b *Simulator) StickOutput(o hardware.Output, active bool) {
	_ = b.do(func(now time.Time) error {
		b.stuck[b.wiring.Outputs[o]] = active != b.wiring.OutputActiveLow[o]
		b.drive(now)
		return nil
	})
}

// Free lets an output's line follow what was written last.
func (b *Simulator) Free(o hardware.Output) {
	_ = b.do(func(now time.Time) error {
		delete(b.stuck, b.wiring.Outputs[o])
		b.drive(now)
		return nil
	})
}

// FailWrites makes every Write fail with that error and change nothing; nil: no longer.
func (b *Simulator) FailWrites(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writeErr = err
}

// FailReads makes every Read fail with that error; nil: no longer.
func (b *Simulator) FailReads(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readErr = err
}

// Plant is the plant as it is now.
func (b *Simulator) Plant() Plant {
	var p Plant
	_ = b.do(func(time.Time) error {
		p = b.plant
		return nil
	})
	return p
}

// Lines is what is on the output lines now, logical.
func (b *Simulator) Lines() hardware.Outputs {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.plant.Pins
}

// History is every change of an output line since New, in order, at most the last few thousand.
func (b *Simulator) History() []Change {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.history)
}

// Armed says whether a timer stands: the plant or a debounce will change something by itself.
func (b *Simulator) Armed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.timer != nil
}
