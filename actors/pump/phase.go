package pump

import (
	"time"

	"wildfire-watch/protocol"
)

// Phase is where the pump is inside its public state. A pulse, a rest and a wait are phases, so
// that what they need of the outputs stands in one table. The zero value is rest, everything off.
type Phase uint8

// The phases, in the order of a run.
const (
	AtRest         Phase = iota // IDLE
	Opening                     // PRIMING: the main valve is to open, the refill valve is shut
	OpeningFilling              // PRIMING: the same with the refill valve open already
	Filling                     // PRIMING: the pump fills for pre_open_delay
	Cranking                    // STARTING: the starter turns
	Catching                    // STARTING: cranked, ignition on, does the engine say that it runs?
	CrankRest                   // STARTING: it did not; the starter cools
	RunPriming                  // RUNNING with the priming valve open
	Run                         // RUNNING
	SlowPriming                 // REDUCING_RPM with the priming valve open
	Slow                        // REDUCING_RPM
	StopPulse                   // STOPPING: planned stop
	SafePulse                   // STOPPING: emergency stop, boot or shutdown; main valve open
	ShutPulse                   // STOPPING: emergency stop while the main valve was shut
	Draining                    // STOPPING: engine off, the main valve open for valve_close_delay
	LowPulse                    // LOW_PRESSURE: the stop pulse
	Refill                      // REFILLING
	Cool                        // COOLDOWN
	ErrorPulse                  // ERROR: the stop pulse, main valve open
	ErrorGap                    // ERROR: the engine still runs; main valve open between two pulses
	ErrorShutPulse              // ERROR: a stop pulse ordered while all was off
	InError                     // ERROR: all off
	numPhases
	stay = numPhases // in a rule: the phase remains
)

// row is what a phase means: its public state and the outputs that are on in it.
type row struct {
	name  string
	state protocol.State
	on    protocol.Lines
	about string
}

const (
	mainValve = 1 << protocol.MainValve
	starter   = 1 << protocol.IgnitionStart
	ignition  = 1 << protocol.IgnitionOn
	kill      = 1 << protocol.IgnitionOff
	refill    = 1 << protocol.RefillValve
	primer    = 1 << protocol.PrimingValve
	slowed    = 1 << protocol.RPMReduce
)

// rows is the only place that says which output is on when (SPEC §3). A table: it may be long.
var rows = [numPhases]row{
	AtRest:  {"at rest", protocol.Idle, 0, "all off"},
	Opening: {"opening", protocol.Priming, mainValve, "until the main valve is verified"},
	OpeningFilling: {"opening, filling", protocol.Priming, mainValve | refill,
		"the same, refill open already"},
	Filling: {"filling", protocol.Priming, mainValve | refill | primer,
		"for pre_open_delay"},
	Cranking: {"cranking", protocol.Starting, mainValve | refill | primer | starter,
		"for ignition_start_duration, or until the engine runs"},
	Catching: {"catching", protocol.Starting, mainValve | refill | primer | ignition,
		"engine feedback only: up to 3 s of crank_rest"},
	CrankRest: {"crank rest", protocol.Starting, mainValve | refill | primer,
		"for the rest of crank_rest"},
	RunPriming: {"running, priming", protocol.Running, mainValve | refill | primer | ignition,
		"for priming_duration"},
	Run: {"running", protocol.Running, mainValve | refill | ignition,
		"until fire_off_delay, or rpm_reduction_lead before max_engine_runtime"},
	SlowPriming: {"slowed, priming", protocol.ReducingRPM,
		mainValve | refill | primer | ignition | slowed, "the same as slowed"},
	Slow: {"slowed", protocol.ReducingRPM, mainValve | refill | ignition | slowed,
		"for rpm_reduction_duration, or to the end of max_engine_runtime"},
	StopPulse: {"stop pulse", protocol.Stopping, mainValve | refill | kill,
		"for ignition_off_duration"},
	SafePulse: {"safe pulse", protocol.Stopping, mainValve | kill,
		"emergency stop, boot, shutdown: for ignition_off_duration"},
	ShutPulse: {"shut pulse", protocol.Stopping, kill, "the same, the main valve was shut"},
	Draining:  {"draining", protocol.Stopping, mainValve | refill, "for valve_close_delay"},
	LowPulse: {"low pressure pulse", protocol.LowPressure, mainValve | refill | kill,
		"for ignition_off_duration"},
	Refill:     {"refilling", protocol.Refilling, refill, "until full, or for the refill owed"},
	Cool:       {"cooldown", protocol.Cooldown, 0, "for cooldown_duration"},
	ErrorPulse: {"error pulse", protocol.Error, mainValve | kill, "the stop pulse is finished"},
	ErrorGap: {"error gap", protocol.Error, mainValve,
		"between pulses while the engine still runs"},
	ErrorShutPulse: {"error shut pulse", protocol.Error, kill, "emergency stop in ERROR"},
	InError:        {"error", protocol.Error, 0, "all off, until reset"},
}

// String is the phase's name, for logs and tests.
func (p Phase) String() string {
	if p < numPhases {
		return rows[p].name
	}
	return "stay"
}

// length is how long a phase lasts by itself; 0 where something else ends it.
func (c Timing) length(p Phase) time.Duration {
	switch p {
	case Filling:
		return c.PreOpenDelay
	case Cranking:
		return c.IgnitionStart
	case Catching:
		return min(catchWait, c.CrankRest/2)
	case CrankRest:
		return c.CrankRest
	case SlowPriming, Slow:
		return c.RPMReductionDuration
	case StopPulse, SafePulse, ShutPulse, LowPulse, ErrorPulse, ErrorGap, ErrorShutPulse:
		return c.IgnitionOff
	case Draining:
		return c.ValveCloseDelay
	case Cool:
		return c.CooldownDuration
	}
	return 0
}

// phases is a set of Phase.
type phases uint32

func setOf(list ...Phase) (s phases) {
	for _, p := range list {
		s |= 1 << p
	}
	return s
}

func (s phases) has(p Phase) bool { return s&(1<<p) != 0 }

var (
	anyPhase   = phases(1)<<numPhases - 1
	inFault    = setOf(ErrorPulse, ErrorGap, ErrorShutPulse, InError)
	notFault   = anyPhase &^ inFault
	opening    = setOf(Opening, OpeningFilling)
	priming    = opening | setOf(Filling)
	starting   = setOf(Cranking, Catching, CrankRest)
	running    = setOf(RunPriming, Run)
	reducing   = setOf(SlowPriming, Slow)
	turning    = running | reducing                  // the engine turns, its feedback is watched
	powered    = turning | setOf(Cranking, Catching) // engine time counts
	past       = setOf(Run, Slow)                    // past priming: flow and pressure are watched
	pulsing    = setOf(StopPulse, SafePulse, ShutPulse, LowPulse)
	faultPulse = setOf(ErrorPulse, ErrorShutPulse)
	startingUp = priming | starting | running // a trigger extends, it starts nothing
	quiet      = setOf(AtRest, Cool)          // nothing is in the way of a start
)
