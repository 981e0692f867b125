package test

import (
	"fmt"
	"math"
	"time"

	"wildfire-watch/actors/system"
	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// slack is how much later than the clause says something may be seen: the simulator's and the
// timers' rounding, not a second of a person's.
const slack = 50 * time.Millisecond

// longAgo is before everything.
const longAgo = -1000 * time.Hour

// book is an accountant of SPEC §3 who trusts nobody: it knows the wires, the orders and what is
// published, and keeps the engine's hours and the tank's debt by itself.
type book struct {
	c        system.Config
	fitted   [hardware.NumInputs]bool
	breached map[string]bool
	found    []string

	at               time.Duration
	alive, ending    bool
	kernel           string
	boots            int
	firstWrite       bool           // of this process, has been made
	want, was        protocol.Lines // as written last; as it had settled at the instant before
	lastWrite        time.Duration
	reads, readsWas  reading
	deaf, deafWas    bool          // the last write failed
	failing          bool          // something was refused at this instant
	deafAt           time.Duration // last
	state, stateWas  protocol.State
	seen             []protocol.State // at this instant
	status           protocol.SystemState
	known            bool // the process has shown its state
	stateAt          time.Duration
	happened         map[protocol.Action]bool // events of this instant
	stopAsked        bool                     // at this instant
	endAt            time.Duration            // the process was told to end
	stopLevel        bool                     // the stop button was seen active last
	fullFor          time.Duration
	activeFor, quiet time.Duration // the engine feedback says running, or not

	// The engine.
	runOpen, emergency   bool
	mixed                bool          // an emergency run that a trigger has taken over
	engine, engineHi     time.Duration // of the run, and what the device may at most think
	resumes, resumed     int           // restarts found it open; it went on after them
	crankAt, crankEnd    time.Duration
	fedAt                time.Duration // last
	runEnd               time.Duration
	cranks               int
	bare                 bool // start fell at this instant, and neither on nor off rose
	openSince            time.Duration
	wrongFor             time.Duration // engine lines on, main valve not verified
	unprovenFor          time.Duration // found running, nothing moves
	stuckProved          bool
	startPending         bool // an emergency start waits for its crank
	primedFor            time.Duration
	dryFor, lowFor, gone time.Duration

	// The pulse.
	offAt, offUntil time.Duration
	offSeen         time.Duration  // high
	taken           protocol.Lines // by the board
	takenAt         time.Duration  // since the board has ignition off
	hot             bool           // the board has fed the engine, and not yet taken a full pulse
	drainFrom       time.Duration  // the pulse of an open run ended
	mainThrough     bool
	pulseCut        bool // the process died in it

	// What is owed.
	owed, owedHi time.Duration
	owedAt       time.Duration // last

	held, latched bool
	errorFound    bool // at boot
	errorAt       time.Duration
	heldAt        time.Duration
	resetAt       time.Duration
	startedAt     time.Duration
	manualUntil   time.Duration
	lastFire      time.Duration
	remembered    time.Duration // when; longAgo: not
	rememberBoots int
	unresumed     time.Duration // when the trigger came of a run found open at boot
	noAuto        bool          // since a power cut nobody has asked for water
	safeMode      bool          // the process that runs said so at its start
	promise       time.Duration // the engine is fed before then; 0: no promise
	afterPulse    bool          // the promise begins when the pulse has ended
	closeAt       time.Duration // valve_close was ordered

	expected, got     map[string]int
	triggers, replies int
	lastTrigger       time.Duration
	open              map[uint64]bool // triggers of consensus not answered
}

// reading is what the program was told of the world.
type reading struct {
	ok    bool
	lines protocol.Lines
	in    [hardware.NumInputs]bool
}

func (r *record) breaches() []string {
	b := &book{c: r.config, breached: map[string]bool{}, expected: map[string]int{}, got: map[string]int{},
		open: map[uint64]bool{}, remembered: longAgo, manualUntil: longAgo, lastFire: longAgo, crankEnd: longAgo,
		crankAt: longAgo, lastTrigger: longAgo, openSince: longAgo, errorAt: longAgo, heldAt: longAgo, resetAt: longAgo, closeAt: longAgo, fedAt: longAgo, owedAt: longAgo, deafAt: longAgo, drainFrom: longAgo, runEnd: longAgo, startedAt: longAgo, unresumed: longAgo}
	for i, line := range r.config.GPIO.Wiring().Inputs {
		b.fitted[i] = line >= 0
	}
	for _, facts := range r.instants() {
		b.pass(facts[0].at - b.at)
		b.at = facts[0].at
		b.was, b.readsWas, b.deafWas, b.stateWas = b.want, b.reads, b.deaf, b.state
		b.happened, b.stopAsked, b.bare = map[protocol.Action]bool{}, false, false
		b.failing = false
		b.seen = []protocol.State{b.state}
		for _, f := range facts {
			b.failing = b.failing || f.failed
			if f.kind == factEntered {
				b.seen = append(b.seen, f.status.State)
			}
		}
		for _, f := range facts {
			b.note(f)
		}
		if b.alive {
			b.settle()
		}
	}
	return b.found
}

// check notes a breach, once for each name.
func (b *book) check(holds bool, name, format string, args ...any) {
	if holds || b.breached[name] {
		return
	}
	b.breached[name] = true
	b.found = append(b.found, fmt.Sprintf("%s at %v: %s", name, b.at, fmt.Sprintf(format, args...)))
}

const (
	feeds    = protocol.Lines(1<<protocol.IgnitionStart | 1<<protocol.IgnitionOn)
	mainLine = protocol.Lines(1 << protocol.MainValve)
	offLine  = protocol.Lines(1 << protocol.IgnitionOff)
	waters   = protocol.Lines(1<<protocol.RefillValve | 1<<protocol.PrimingValve)
	slows    = protocol.Lines(1 << protocol.RPMReduce)
)

func (r reading) mainOpen() bool { return r.ok && r.lines&mainLine != 0 }

func (b *book) input(i hardware.Input) bool { return b.fitted[i] && b.reads.ok && b.reads.in[i] }

// guard is the sensor against a dry run.
func (b *book) guard() (i hardware.Input, fitted bool) {
	if b.fitted[hardware.Flow] {
		return hardware.Flow, true
	}
	return hardware.LinePressure, b.fitted[hardware.LinePressure]
}

func (b *book) startsInLockout() bool {
	_, fitted := b.guard()
	return b.c.Pump.FireInLockout == "start" && fitted
}

// sum lets a time go on while its cause lasts.
func sum(t *time.Duration, lasts bool, dt time.Duration) {
	if lasts {
		*t += dt
	} else {
		*t = 0
	}
}

// pass lets time pass under what had settled.
func (b *book) pass(dt time.Duration) {
	if !b.alive {
		return
	}
	fed := b.want&feeds != 0
	if fed && b.runOpen {
		b.engine += dt
		b.engineHi += dt
	}
	if b.owedHi > 0 {
		b.owedAt = b.at + dt
	}
	if b.want.Has(protocol.RefillValve) {
		b.owed, b.owedHi = max(0, b.owed-dt), max(0, b.owedHi-dt)
	}
	sum(&b.fullFor, b.input(hardware.ReservoirFloat), dt)
	sum(&b.activeFor, b.input(hardware.EngineRunning) && !b.deaf, dt) // a deaf board is not believed
	sum(&b.quiet, !b.input(hardware.EngineRunning), dt)
	sum(&b.wrongFor, b.want&mainLine != 0 && (!b.reads.mainOpen() || b.deaf), dt)
	on := b.want.Has(protocol.IgnitionOn)
	past := on && !b.want.Has(protocol.PrimingValve) &&
		(b.state == protocol.Running || b.state == protocol.ReducingRPM)
	check := b.c.Pump.PressureCheckDelay
	absent := b.fitted[hardware.LinePressure] && b.reads.ok && !b.reads.in[hardware.LinePressure]
	if past {
		checked := max(0, b.primedFor+dt-max(check, b.primedFor))
		sum(&b.lowFor, absent, min(dt, checked))
	} else {
		b.lowFor = 0
	}
	sum(&b.primedFor, past, dt)
	guard, guarded := b.guard()
	sum(&b.dryFor, past && guarded && b.reads.ok && !b.reads.in[guard], dt)
	lost := b.fitted[hardware.EngineRunning] && b.reads.ok && !b.reads.in[hardware.EngineRunning]
	sum(&b.gone, on && b.state == protocol.Running && lost && !b.stuckProved, dt)
	moves := b.input(hardware.Flow) || b.input(hardware.LinePressure)
	sum(&b.unprovenFor, on && guarded && !moves, dt)
	if b.unprovenFor+slack >= check && guarded && b.input(hardware.EngineRunning) {
		b.stuckProved = true
	}
}

// endRun: what the engine took is owed.
func (b *book) endRun() {
	if !b.runOpen {
		return
	}
	b.runEnd = b.at
	owes := func(engine time.Duration) time.Duration {
		return time.Duration(float64(engine) * b.c.Pump.RefillMultiplier)
	}
	b.owed += owes(b.engine)
	b.owedHi += owes(b.engineHi)
	if b.fitted[hardware.ReservoirFloat] { // prolonged to twice the time
		b.owedHi *= 2
	}
	b.mixed = false
	b.runOpen, b.emergency, b.engine, b.engineHi, b.resumes, b.resumed = false, false, 0, 0, 0, 0
}

// tolerance is what a debt may differ by: the engine's time to a slack, multiplied.
func (b *book) tolerance() time.Duration {
	return time.Duration(float64(slack) * math.Max(1, b.c.Pump.RefillMultiplier))
}

func (b *book) note(f fact) {
	switch f.kind {
	case factBooted:
		b.begin(f.text)
	case factFell:
		b.fall()
	case factOrdered:
		b.order(f)
	case factEnding:
		b.ending, b.endAt, b.stopAsked, b.promise = true, b.at, true, 0
		b.unbegun()
		b.afterPulse, b.startPending = false, false
	case factEnded:
		pulse := b.c.Pump.IgnitionOff
		b.check(b.at-b.endAt >= pulse-slack,
			"P14 the pulse is full before the process ends", "after %v", b.at-b.endAt)
		b.check(b.at-b.endAt <= pulse+2*time.Second,
			"P14 the process ends within the pulse and 2 s", "after %v", b.at-b.endAt)
		b.check(b.want == 0, "P14 all lines are off when the process has ended", "%v", b.want)
		b.check(b.replies == b.triggers,
			"P11 every trigger is answered before an orderly end", "%d of %d", b.replies, b.triggers)
		b.alive = false
	case factRead:
		if b.alive {
			b.look(f)
		}
	case factTold:
		if b.alive {
			b.hear(f.event)
		}
	case factEntered:
		b.enter(f.status.State)
		b.status = f.status.System
	case factAsked:
		b.triggers++
		b.lastTrigger = b.at
		b.open[f.id] = true
	case factAnswer:
		b.check(b.open[f.id], "P11 a trigger of consensus is answered once", "%d", f.id)
		delete(b.open, f.id)
	case factWrote:
		b.write(f)
	}
}
