package test

import (
	"slices"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// enter takes up the state that the pump shows.
func (b *book) enter(s protocol.State) {
	if b.known && s == b.state {
		return
	}
	first := !b.known
	if first {
		b.check(!b.errorFound || s == protocol.Error,
			"P7 only a reset leaves ERROR, no restart does", "%v", s)
	} else if b.state == protocol.Error {
		b.check(b.happened[protocol.EmergencyReset], "P7 only a reset leaves ERROR", "to %v", s)
	}
	if b.state == protocol.Stopping && (s == protocol.Refilling || s == protocol.Cooldown) && !first {
		b.check(max(b.closeAt, b.heldAt, b.errorAt) >= b.offAt || b.at-b.drainFrom >= b.c.Pump.ValveCloseDelay-slack,
			"sequence: the main valve stays open for valve_close_delay", "%v", b.at-b.drainFrom)
	}
	if s == protocol.Idle || s == protocol.Refilling || s == protocol.Cooldown {
		b.cranks, b.stuckProved, b.unprovenFor = 0, false, 0
		if !b.ending && (!b.startPending || b.stateWas == s) {
			b.endRun()
		}
	}
	b.state, b.stateAt, b.known = s, b.at, true
}

// alarm: the lockout is said as long as it holds.
func (b *book) alarm() {
	if b.owed <= b.tolerance() || len(b.seen) == 1 { // no status at this instant
		return
	}
	b.check(slices.ContainsFunc(b.status.Alarms, func(a protocol.Alarm) bool { return a.Code == "refill_lockout" }),
		"P5 an alarm says that the lockout holds", "%v owed, state %v", b.owed, b.state)
}

// settle holds what has settled at an instant against the clauses.
func (b *book) settle() {
	if b.want&feeds == 0 && max(b.heldAt, b.errorAt) == b.at {
		b.endRun() // cranked and stopped at one instant
	}
	b.press()
	if b.want&feeds != 0 {
		b.fedAt = b.at
	}
	if b.want&offLine != 0 {
		b.offSeen = b.at
	}
	b.stops()
	b.states()
	b.guards()
	b.outcomes()
	b.remembers()
	b.alarm()
	if b.promise > 0 && b.want&feeds != 0 {
		b.promise = 0
	}
	if b.promise > 0 && !b.held && !b.latched && !b.ending {
		b.check(b.at <= b.promise,
			"P10 who was promised water has it", "promised %v ago, state %v", b.at-b.promise, b.state)
	}
}

// stops: a stop acts within its instant, and its pulse is full (P6, P14).
func (b *book) stops() {
	if b.stopAsked && !(b.ending && b.at > b.endAt) {
		b.check(b.want&(feeds|waters|slows) == 0 && b.want&offLine != 0,
			"P6 a stop acts at once", "%v after %v", b.want, b.was)
		b.offUntil = b.at + b.c.Pump.IgnitionOff
		if b.offAt != b.at { // else as it was when the pulse began: a hand may have opened it since
			b.mainThrough = b.want&mainLine != 0
		}
	}
	if b.at < b.offUntil-slack {
		b.check(b.want&offLine != 0,
			"P6 P15 the pulse goes on to its end", "%v left, %v", b.offUntil-b.at, b.want)
		b.check(!b.mainThrough || b.want&mainLine != 0,
			"P6 P15 the main valve is open to the pulse's end", "%v", b.want)
	}
	if b.held {
		b.check(b.want&(feeds|waters|slows) == 0,
			"P6 nothing but the pulse while a stop is held", "%v", b.want)
	}
	if b.bare {
		b.check(b.state == protocol.Error || !b.reads.mainOpen() || !b.readsWas.mainOpen() || b.deaf || b.deafWas,
			"sequence: the write that drops ignition start raises ignition on", "%v", b.want)
	}
	b.check(b.at-b.lastWrite <= 1100*time.Millisecond,
		"P7 the levels are rewritten", "%v ago", b.at-b.lastWrite)
	b.lastWrite = min(b.lastWrite, b.at)
}

// states: what each state may have on.
func (b *book) states() {
	if !b.known {
		return
	}
	p, pulse := b.c.Pump, b.c.Pump.IgnitionOff
	is := func(states ...protocol.State) bool { return slices.Contains(states, b.state) }
	if is(protocol.Error) {
		b.check(b.want&^(mainLine|offLine) == 0, "P7 nothing but the pulse in ERROR", "%v", b.want)
		if b.quiet > pulse+slack && b.at > b.deafAt+pulse+1100*time.Millisecond && b.at > max(b.errorAt, b.stateAt)+pulse+slack && b.at > b.offUntil+slack {
			b.check(b.want == 0, "P7 all off in ERROR", "%v", b.want)
		}
		if b.input(hardware.EngineRunning) && b.activeFor > 2*pulse+time.Second && b.at > b.errorAt+2*pulse+time.Second && !b.deaf && !b.ending {
			b.check(b.want&mainLine != 0 && b.at-b.offSeen <= pulse+time.Second,
				"P7 the pulse repeats while the engine runs", "%v", b.want)
		}
	}
	if is(protocol.Idle) && b.at > b.stateAt {
		b.check(b.want&^mainLine == 0, "P8 nothing is on in IDLE", "%v", b.want)
	}
	if is(protocol.Idle, protocol.Cooldown) && b.want&mainLine != 0 {
		b.check(b.at <= b.manualUntil+slack,
			"P8 only valve_open holds the main valve open at rest", "%v", b.want)
	}
	if is(protocol.Starting, protocol.Running, protocol.ReducingRPM) {
		b.check(b.want&mainLine != 0 && b.want.Has(protocol.RefillValve),
			"sequence: main and refill valve are open", "%v", b.want)
	}
	if !is(protocol.Starting, protocol.Running, protocol.ReducingRPM) {
		b.check(b.want&feeds == 0 || b.stateAt == b.at,
			"sequence: the engine is fed in a run alone", "%v in %v", b.want, b.state)
	}
	b.check(b.want&slows == 0 || is(protocol.ReducingRPM),
		"sequence: RPM is reduced in REDUCING_RPM alone", "%v", b.state)
	if is(protocol.Refilling) {
		b.check(b.want == waters&^(1<<protocol.PrimingValve)|b.want&mainLine,
			"sequence: the refill valve alone in REFILLING", "%v", b.want)
	}
	if is(protocol.Running) {
		b.check(b.at-b.lastFire <= p.FireOffDelay+slack,
			"sequence: no engine runs without fire", "last trigger %v ago", b.at-b.lastFire)
	}
	if is(protocol.Priming) {
		b.check(b.wrongFor <= b.c.GPIO.VerifyTimeout+b.c.GPIO.VerifyGrace+1500*time.Millisecond,
			"P1 a valve that is not verified leads to ERROR", "%v", b.wrongFor)
	}
}

// guards: the engine's budget and what watches over it.
func (b *book) guards() {
	p := b.c.Pump
	if b.want&feeds == 0 {
		return
	}
	b.check(b.engine <= p.MaxEngineRuntime+slack,
		"P4 engine time of a run is bounded", "%v", b.engine)
	b.check(b.dryFor <= p.MaxDryRunTime+slack, "P9 a dry run ends", "%v", b.dryFor)
	b.check(b.lowFor <= p.PressureCheckDelay+slack,
		"P9 low pressure stops the engine", "%v", b.lowFor)
	b.check(b.gone <= 3*time.Second+slack,
		"engine feedback: a lost engine is stopped", "%v", b.gone)
	b.check(b.wrongFor <= b.c.GPIO.VerifyGrace+1500*time.Millisecond,
		"P1 a lost main valve stops the engine", "%v", b.wrongFor)
	if b.want.Has(protocol.IgnitionStart) {
		b.check(b.reads.mainOpen() || b.crankAt == b.at,
			"P1 no crank goes on without the main valve", "%+v", b.reads)
	}
}

// outcomes: every order and trigger has exactly one (P11).
func (b *book) outcomes() {
	for _, k := range []string{"start", "stop", "valve_open", "valve_close", "reset"} {
		b.check(b.expected[k] == b.got[k],
			"P11 every command has one outcome", "%s: %d ordered, %d told", k, b.expected[k], b.got[k])
	}
	b.check(b.replies <= b.triggers,
		"P11 every trigger has one outcome", "%d of %d", b.replies, b.triggers)
	if b.at-b.lastTrigger > 1100*time.Millisecond {
		b.check(b.replies == b.triggers,
			"P11 every trigger has one outcome", "%d of %d", b.replies, b.triggers)
		b.check(len(b.open) == 0, "P11 consensus has its answer", "%v", b.open)
	}
}

// remembers: a trigger refused for lockout or budget starts the pump when that ends (P10).
func (b *book) remembers() {
	age := b.at - b.remembered
	rests := b.known && (b.state == protocol.Idle || b.state == protocol.Cooldown) && b.at-b.stateAt > slack
	if b.held || b.latched || b.ending || !rests || b.rememberBoots >= 3 || age > b.c.Pump.FireOffDelay-time.Second-slack {
		return
	}
	b.check(b.owedHi > 0 || b.input(hardware.ReservoirFloat),
		"P10 a remembered trigger starts the pump", "refused %v ago, %v", age, b.state)
}
