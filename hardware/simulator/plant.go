package simulator

import (
	"math"
	"time"

	"wildfire-watch/hardware"
)

// Plant is engine, pump, tank and pipe at one instant. It is a value: it changes only when it is
// asked to advance or is driven, and names the next instant at which a sensor of it may change.
type Plant struct {
	At   time.Time
	Pins hardware.Outputs // what really is on the lines
	// Running: the engine has caught and burns fuel. It is a petrol engine with a kill relay: it
	// runs on while ignition start or ignition on feeds it, its flywheel bears a short gap between
	// the two, and ignition off kills it at once.
	Running bool
	// Cranked is how long it has been cranked since it last ran.
	Cranked time.Duration
	// Primed is how much of the priming has been done, as time with the priming valve open.
	Primed time.Duration
	// Water is what is in the tank, in seconds of rated flow.
	Water float64
	// Dry: the tank ran empty and has not yet filled by a twentieth.
	Dry bool
	// What the sensors say before debounce.
	Turning, Pressure, Flow, Full bool

	stallDue                      time.Time // when it dies for want of ignition; zero: it has some
	turnDue, pressureDue, flowDue time.Time // when that sensor follows; zero: it is right
}

// figures are a plant's constants.
type figures struct {
	catchAfter time.Duration
	neverCatch bool
	prime      time.Duration // engine time until primed, with the priming valve open
	stallLag   time.Duration // running on without ignition
	turnLag    time.Duration // spinning down
	flowLag    time.Duration
	pressLag   time.Duration
	tank       float64 // capacity in seconds of rated flow
	fill       float64 // filling, in seconds of rated flow per second
}

// The plant in shares of the pump's durations. The tank outlasts the longest run by a quarter, and
// filling is a tenth quicker than the refill that the pump computes.
const (
	tankShare   = 1.25
	refillShare = 0.9
	floatDrop   = 0.99 // the float leaves "full" below this share
	dryUntil    = 0.05 // an empty tank gives water again from this share on
)

func figuresOf(s Settings) figures {
	t := s.Times
	return figures{
		catchAfter: s.CatchAfter,
		neverCatch: s.NeverCatch,
		prime:      t.Priming / 6,
		stallLag:   t.StopWait / 20,
		turnLag:    t.StopWait / 10,
		flowLag:    t.Check / 30,
		pressLag:   t.Check / 20,
		tank:       max(tankShare*t.Run.Seconds(), 1e-3),
		fill:       1 / max(refillShare*t.Refill, 0.1),
	}
}

// rest is a plant with a full tank and nothing moving.
func (f figures) rest(now time.Time) Plant { return Plant{At: now, Water: f.tank, Full: true} }

// drive puts levels on the lines.
func (f figures) drive(p Plant, pins hardware.Outputs, now time.Time) Plant {
	p = f.advance(p, now)
	p.Pins = pins
	return f.settle(p)
}

// advance lets time pass up to now.
func (f figures) advance(p Plant, now time.Time) Plant {
	for {
		next := f.next(p)
		if next.IsZero() || next.After(now) {
			break
		}
		p = f.settle(f.flowOn(p, next))
	}
	return f.settle(f.flowOn(p, now))
}

// flowOn adds up what adds up between two instants in which nothing switches.
func (f figures) flowOn(p Plant, to time.Time) Plant {
	d := to.Sub(p.At)
	if d <= 0 {
		return p
	}
	p.At = to
	p.Water = min(max(p.Water+f.rate(p)*d.Seconds(), 0), f.tank)
	if p.cranking() {
		p.Cranked = min(p.Cranked+d, f.catchAfter)
	}
	if p.priming() {
		p.Primed = min(p.Primed+d/f.primePace(p), f.prime)
	}
	return p
}

// settle switches what switches at this instant.
func (f figures) settle(p Plant) Plant {
	stalled := false
	follow(&stalled, &p.stallDue, p.Running && !p.fed(), p.At, f.stallLag)
	switch {
	case p.Pins.Has(hardware.IgnitionOff), stalled:
		p.Running, p.Cranked, p.stallDue = false, 0, time.Time{} // the next start begins anew
	case p.cranking() && !f.neverCatch && p.Cranked >= f.catchAfter:
		p.Running = true
	}
	const drop = 1e-9 // seconds of flow; what rounding may leave
	switch {
	case p.Water <= drop:
		p.Dry, p.Water = true, 0
	case p.Water >= dryUntil*f.tank-drop:
		p.Dry = false
	}
	if !p.Pins.Has(hardware.MainValve) || p.Dry {
		p.Primed = 0
	}
	switch {
	case p.Water >= f.tank-drop:
		p.Full = true
	case p.Water <= floatDrop*f.tank+drop:
		p.Full = false
	}
	pumping := f.pumping(p)
	turnLag := f.turnLag
	if p.Running { // a speed switch sees it at once
		turnLag = 0
	}
	follow(&p.Turning, &p.turnDue, p.Running, p.At, turnLag)
	follow(&p.Flow, &p.flowDue, pumping, p.At, f.flowLag)
	follow(&p.Pressure, &p.pressureDue, pumping, p.At, f.pressLag)
	return p
}

// follow lets a sensor take up a level once that has lasted for lag.
func follow(sensor *bool, due *time.Time, level bool, now time.Time, lag time.Duration) {
	switch {
	case *sensor == level:
		*due = time.Time{}
		return
	case due.IsZero():
		*due = now.Add(lag)
	}
	if !due.After(now) {
		*sensor, *due = level, time.Time{}
	}
}

// next is the next instant at which something switches by itself; zero: never.
func (f figures) next(p Plant) (next time.Time) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if p.cranking() && !f.neverCatch {
		sooner(p.At.Add(f.catchAfter - p.Cranked))
	}
	if p.priming() && p.Primed < f.prime {
		sooner(p.At.Add((f.prime - p.Primed) * f.primePace(p)))
	}
	rate := f.rate(p)
	for _, mark := range [...]float64{0, dryUntil * f.tank, floatDrop * f.tank, f.tank} {
		if way := mark - p.Water; rate != 0 && way/rate > 1e-9 {
			sooner(p.At.Add(time.Duration(math.Ceil(way/rate*1e9)) + 1))
		}
	}
	sooner(p.stallDue)
	sooner(p.turnDue)
	sooner(p.pressureDue)
	sooner(p.flowDue)
	return next
}

// fed: the engine has ignition.
func (p Plant) fed() bool {
	return p.Pins&(1<<hardware.IgnitionStart|1<<hardware.IgnitionOn) != 0
}

func (p Plant) cranking() bool {
	return !p.Running && p.Pins.Has(hardware.IgnitionStart) && !p.Pins.Has(hardware.IgnitionOff)
}

func (p Plant) priming() bool { return p.Running && p.Pins.Has(hardware.MainValve) && !p.Dry }

// primePace: without the priming valve the pump draws by itself, in twice the time.
func (f figures) primePace(p Plant) time.Duration {
	if p.Pins.Has(hardware.PrimingValve) {
		return 1
	}
	return 2
}

// pumping: water leaves the pump. Once primed it stays so when the priming valve closes.
func (f figures) pumping(p Plant) bool { return p.priming() && p.Primed >= f.prime }

// rate is how the tank's content changes, in seconds of rated flow per second.
func (f figures) rate(p Plant) (rate float64) {
	if f.pumping(p) {
		rate--
	}
	if p.Pins.Has(hardware.RefillValve) && (p.Water < f.tank || rate < 0) {
		rate += f.fill
	}
	return rate
}
