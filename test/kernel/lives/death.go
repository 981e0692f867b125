package lives

import (
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/test/kernel/appliance"
)

// late is how much shorter than configured a stop pulse of a boot may look: the pump counts it from the
// report that it is on the lines. The shortest is printed.
const late = appliance.Jitter

// boot holds the first lines of a process against what it inherited (P15).
func (b *Book) boot(was hardware.Outputs) {
	const pulse = hardware.Outputs(1<<hardware.MainValve | 1<<hardware.IgnitionOff)
	h := b.first
	if h == nil {
		return
	}
	hot := h.run.or(h.pulse)
	switch {
	case b.stage == dark && b.on == pulse && !(hot == no && b.stopped):
		b.stage, b.pulsed = pulsing, b.at
		if hot == no {
			b.wrong("P15: a stop pulse at boot, and nothing was open: %+v", *h)
		}
	case b.stage == dark:
		b.stage = past
		if hot == yes {
			b.wrong("P15: the first thing on is %07b, and a run (%v) or a stop pulse (%v) was open", b.on, h.run, h.pulse)
		}
	case b.stage == pulsing && b.on.Has(hardware.IgnitionOff):
		if b.on != pulse {
			b.wrong("P15: in the stop pulse of the boot on is %07b", b.on)
		}
	case b.stage == pulsing:
		b.stage = past
		took := b.at - b.pulsed
		b.Shortest = min(b.Shortest, took)
		if took < b.Terms.Pulse-late {
			b.wrong("P15: the stop pulse of the boot took %v", took)
		}
	}
}

// lastStops is what a death is told as by the next process of the same kernel.
var lastStops = map[string]string{"killed": "crash", "stopped": "hung: the guard killed it"}

// death says what the next process inherits.
func (b *Book) death(f Fact) {
	prev := b.pending
	inherit := func(s since, before func(*heir) fact3, doubt bool) fact3 {
		switch {
		case prev == nil || s.at > 0:
			return s.sure(b.at, b.Lag, doubt)
		case doubt:
			return maybe
		}
		return before(prev)
	}
	stops, resets, starts := b.asked["stop"] > 0, b.asked["reset"] > 0, b.asked["start"] > 0
	h := &heir{
		run: inherit(b.run, func(h *heir) fact3 { return h.run },
			b.run.is && (stops || starts || b.jammed || b.opened)),
		held:  inherit(b.held, func(h *heir) fact3 { return h.held }, stops || resets),
		fault: inherit(b.fault, func(h *heir) fact3 { return h.fault }, resets || b.jammed),
		pulse: b.pulseLeft(prev),
		unbegun: b.unbegun.sure(b.at, b.Lag, prev != nil || stops || resets || starts || b.jammed ||
			b.on&^(1<<hardware.RefillValve|1<<hardware.PrimingValve) != 1<<hardware.MainValve),
		engine:   b.engine,
		total:    b.total,
		charged:  b.cranked,
		refilled: b.refilled,
		debt:     b.owed.plus(b.engine.times(b.Terms.Multiplier)),
		by:       b.by,
		resumes:  b.resumes,
		lastStop: "?",
	}
	if stop, known := lastStops[f.Text]; known {
		h.lastStop = stop
	}
	if prev != nil {
		b.unsaid(h, prev)
	}
	if !b.spoke {
		b.silent++
	}
	b.pending = h
	b.run.at, b.held.at, b.fault.at, b.pulse.at = 0, 0, 0, 0
}

// pulseLeft says whether a stop pulse was under way, its own or one that it had inherited.
func (b *Book) pulseLeft(prev *heir) fact3 {
	nearlyOver := b.pulse.is && b.at-b.pulse.at > b.Terms.Pulse-b.Lag
	p := b.pulse.sure(b.at, b.Lag, nearlyOver)
	if b.stopped && b.asked["stop"] > 0 {
		p = max(p, maybe)
	}
	if b.stage != dark || b.first == nil {
		return p
	}
	if prev == nil { // what it had found was told, and nothing was on yet
		prev = b.first
	}
	if prev.run != no {
		return max(p, prev.pulse, maybe)
	}
	return max(p, prev.pulse)
}

// unsaid: a process died before it had said what it found. It may or may not have written that down.
func (b *Book) unsaid(h, prev *heir) {
	if prev.charged && h.charged {
		const both = time.Duration(engineInterval)
		h.engine.hi, h.total.hi = h.engine.hi+both, h.total.hi+both
		h.debt.hi += time.Duration(float64(both) * b.Terms.Multiplier)
	}
	h.charged = h.charged || prev.charged
	h.refilled += prev.refilled
	h.resumes++
	if !b.spoke && h.lastStop != "?" && prev.lastStop != h.lastStop {
		h.lastStop = "?"
	}
}
