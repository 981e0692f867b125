package test

import (
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// begin is a process's first instant (P15).
func (b *book) begin(kernel string) {
	reboot := b.boots > 0 && kernel != b.kernel
	b.alive, b.ending, b.known, b.firstWrite, b.kernel = true, false, false, false, kernel
	b.boots++
	b.errorFound = b.latched
	b.taken = 0
	b.want, b.was, b.lastWrite, b.deaf, b.stopLevel, b.reads = 0, 0, b.at, false, false, reading{}
	b.offUntil, b.mainThrough, b.stuckProved, b.unprovenFor, b.cranks = 0, false, false, 0, 0
	b.promise, b.afterPulse, b.startPending = 0, false, false
	b.fullFor, b.activeFor, b.quiet, b.wrongFor, b.dryFor, b.lowFor, b.gone, b.primedFor = 0, 0, 0, 0, 0, 0, 0, 0
	b.rememberBoots++
	if reboot {
		b.noAuto, b.remembered, b.unresumed, b.lastFire = true, longAgo, longAgo, longAgo
	}
	if b.fitted[hardware.ReservoirFloat] {
		b.owedHi *= 2
	}
	if b.owed > 0 || b.owedHi > 0 {
		b.owedHi += time.Minute // a checkpoint of the refill
	}
	if !b.runOpen && !b.pulseCut {
		return
	}
	p := b.c.Pump
	b.offUntil = b.at + p.IgnitionOff
	b.mainThrough = true
	if !b.runOpen {
		return
	}
	b.engineHi += 5 * time.Second
	if b.held || b.latched {
		b.endRun()
		return
	}
	b.resumes++
	b.unresumed = b.lastFire // a resumption that the lockout or the budget forbids may be remembered
	free := b.owedHi == 0 || b.startsInLockout()
	young := b.at-b.lastFire < p.FireOffDelay-p.IgnitionOff-time.Second
	left := p.MaxEngineRuntime-b.engineHi > p.IgnitionStart+slack
	if !reboot && !b.emergency && !b.mixed && young && left && free && b.resumes <= 3 {
		b.promised(b.at)
	}
}

// fall is a process's last.
func (b *book) fall() {
	b.take(b.taken) // the pulse that goes on may have lasted long enough
	b.pulseCut = b.alive && (b.want&offLine != 0 || b.at < b.offUntil)
	if b.alive && b.at-b.lastTrigger > 1100*time.Millisecond {
		b.check(b.replies == b.triggers,
			"P11 every trigger has one outcome", "%d of %d", b.replies, b.triggers)
	}
	if b.alive {
		b.unbegun()
	}
	if b.replies < b.triggers {
		b.lastFire, b.unresumed = max(b.lastFire, b.lastTrigger), b.lastTrigger // answered, and not told any more
		b.noAuto = false
	}
	b.replies, b.alive, b.want = b.triggers, false, 0
	b.open = map[uint64]bool{}
	for k := range b.expected {
		b.got[k] = b.expected[k]
	}
}

// unbegun: dying between a trigger and its first crank must not lose the fire.
func (b *book) unbegun() {
	if b.state == protocol.Priming && !b.runOpen && !b.startPending && b.remembered == longAgo {
		b.remembered = b.lastFire
	}
}

func (b *book) order(f fact) {
	if f.count > 0 {
		b.triggers += f.count
		b.lastTrigger = b.at
		return
	}
	b.expected[f.order.String()]++
	if f.order == protocol.CommandStop {
		b.stopAsked = true
	}
}

// look takes up what the program was told.
func (b *book) look(f fact) {
	if f.failed {
		b.reads.ok = false
		return
	}
	b.reads = reading{ok: true, lines: f.lines, in: f.levels.Inputs}
}

// press: a stop button that can be read and is active asks for a stop, once.
func (b *book) press() {
	if !b.reads.ok || b.deaf {
		return
	}
	pressed := b.input(hardware.StopButton)
	b.stopAsked = b.stopAsked || pressed && !b.stopLevel
	b.stopLevel = pressed
}

// write holds each single write against P1, P2, P3 and the length of pulses.
func (b *book) write(f fact) {
	is, old := f.lines, b.want
	b.deaf, b.want, b.lastWrite = f.failed, is, b.at
	if f.failed {
		b.deafAt = b.at
	}
	rises := func(l protocol.Line) bool { return is.Has(l) && !old.Has(l) }
	falls := func(l protocol.Line) bool { return !is.Has(l) && old.Has(l) }
	if !b.alive {
		return
	}
	if !f.failed {
		b.take(is)
	}
	if !b.firstWrite {
		b.firstWrite = true
		b.check(is == 0, "P15 every line is inactive first", "%v", is)
	}
	b.check(is&offLine == 0 || is&feeds == 0, "P2 ignition off is alone", "%v", is)
	b.check(is&feeds != feeds, "sequence: ignition start is high alone", "%v", is)
	b.check(!is.Has(protocol.IgnitionStart) || is.Has(protocol.MainValve),
		"P1 cranked with the main valve open", "%v", is)
	if rises(protocol.IgnitionOff) {
		b.check(!b.stopAsked || !old.Has(protocol.MainValve) || is.Has(protocol.MainValve),
			"P6 a stop leaves the main valve open", "%v after %v", is, old)
		b.offAt, b.offUntil, b.mainThrough = b.at, max(b.offUntil, b.at+b.c.Pump.IgnitionOff), is.Has(protocol.MainValve)
		b.cranks = 0
	}
	if falls(protocol.IgnitionOff) {
		if b.drainFrom = longAgo; b.runOpen {
			b.drainFrom = b.at
		}
		b.check(b.at >= b.offUntil-slack,
			"P6 a stop pulse lasts its full duration", "%v of it left", b.offUntil-b.at)
		if b.afterPulse {
			b.afterPulse = false
			b.endRun() // what follows is a run of its own
			b.promised(b.at)
		}
	}
	if falls(protocol.MainValve) && b.mainThrough {
		b.check(b.at >= b.offUntil-slack,
			"P6 the main valve closes only after the pulse", "%v of it left", b.offUntil-b.at)
	}
	if is&(mainLine|waters) == mainLine|waters && old&(mainLine|waters) != mainLine|waters {
		b.openSince = b.at
	}
	if is&feeds != 0 && old&feeds == 0 {
		b.fed()
	}
	if rises(protocol.IgnitionStart) {
		b.crank(f)
	}
	if falls(protocol.IgnitionStart) {
		b.cranked(is)
	}
	if rises(protocol.IgnitionOn) && !old.Has(protocol.IgnitionStart) {
		b.check(b.input(hardware.EngineRunning) || b.fitted[hardware.EngineRunning] && b.readsWas.in[hardware.EngineRunning],
			"sequence: ignition on follows a crank, or an engine that says it runs", "%v after %v", is, old)
	}
}

// take is what the board has taken: a pulse that it refused has stopped nothing.
func (b *book) take(is protocol.Lines) {
	old := b.taken
	b.taken = is
	if old&offLine != 0 && b.at-b.takenAt >= b.c.Pump.IgnitionOff-slack {
		b.hot = false
	}
	if is&offLine != 0 && old&offLine == 0 {
		b.takenAt = b.at
	}
	b.hot = b.hot || is&feeds != 0
	b.check(!b.hot || is&mainLine != 0 || !b.firstWrite || b.ending, "P6 P7 an engine that ran gets its full pulse before the main valve shuts",
		"%v after %v", is, old)
}

// fed: the engine is switched on.
func (b *book) fed() {
	if b.startPending {
		b.startPending, b.emergency = false, true
	}
	b.runOpen = true
	b.promise = 0
}

func (b *book) crank(f fact) {
	p := b.c.Pump
	b.crankAt = b.at
	b.cranks++
	b.check(b.reads.mainOpen() || b.readsWas.mainOpen(),
		"P1 cranked with the main valve verified", "%+v", b.reads)
	says := b.fitted[hardware.EngineRunning] && b.reads.ok && b.readsWas.ok && b.reads.in[hardware.EngineRunning] &&
		b.readsWas.in[hardware.EngineRunning]
	b.check(!says || b.stuckProved,
		"P3 an engine that says it runs is not cranked", "feedback active for %v", b.activeFor)
	b.check(!f.ran || b.fitted[hardware.EngineRunning] && !says,
		"P3 an engine that runs is not cranked", "")
	b.check(b.at-b.openSince >= p.PreOpenDelay-slack,
		"sequence: pre_open_delay before the crank", "%v", b.at-b.openSince)
	most := p.CrankAttempts
	if !b.fitted[hardware.EngineRunning] && b.wrongFor == 0 {
		most = max(1, most)
	}
	b.check(b.cranks <= most, "sequence: at most crank_attempts", "%d", b.cranks)
	b.check(b.cranks == 1 || b.at-b.crankEnd >= min(p.CrankRest, b.at-b.offAt)-slack, "sequence: crank_rest between cranks",
		"%v", b.at-b.crankEnd)
	b.check(!b.stopped(0), "P6 P7 nothing starts while a stop is held, or in ERROR", "cranked")
	b.check(!b.ending || b.endAt == b.at, "P14 nothing starts while the process ends", "cranked")
}

func (b *book) cranked(is protocol.Lines) {
	p := b.c.Pump
	lasted := b.at - b.crankAt
	b.crankEnd = b.at
	b.check(lasted <= p.IgnitionStart+21*time.Millisecond,
		"P3 a crank ends in time", "lasted %v", lasted)
	b.bare = !is.Has(protocol.IgnitionOn) && is&offLine == 0
	if is.Has(protocol.IgnitionOn) && !b.fitted[hardware.EngineRunning] {
		b.check(lasted >= p.IgnitionStart-slack,
			"sequence: a crank lasts ignition_start_duration", "lasted %v", lasted)
	}
}

// promised: the engine is to be fed soon after then.
func (b *book) promised(from time.Duration) {
	c := b.c
	b.promise = from + 3*c.Pump.IgnitionOff + c.GPIO.VerifyTimeout + c.Pump.PreOpenDelay + 1500*time.Millisecond
}
