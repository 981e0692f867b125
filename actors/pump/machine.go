// Package pump is the pump's state machine: it decides which output is on, from what it is told of
// fire, orders, lines and sensors (SPEC §3).
//
// It promises P1 to P15 of SPEC §3 for every order of messages, timers, faults and restarts: a
// test visits every reachable state and checks each of them there. It must never crank a running
// engine or one without water, never run it longer than its budget, never keep a stop waiting.
//
// Step is a pure function over Machine; actor.go is the shell that feeds it messages and time and
// carries out what it says. All of the machine's timers are durations that Step advances, so a
// machine means the same at any instant and survives a restart as a few numbers.
package pump

import (
	"time"

	"wildfire-watch/protocol"
)

// What is not configurable: it belongs to the sensors and to the meaning of an order.
const (
	feedbackLost = 3 * time.Second  // SPEC "Lost 3 s in RUNNING"
	catchWait    = 3 * time.Second  // an engine's own signal may come this late after a crank
	floatSteady  = 1 * time.Second  // SPEC "Full (steady 1 s)"
	staleAfter   = 60 * time.Second // P13
	mostPulses   = 3                // stop pulses in STOPPING before it will not stop: ERROR
	mostResumes  = 3                // P15
	// engineInterval and refillInterval are P5's checkpoints.
	engineInterval = 5 * time.Second
	refillInterval = 60 * time.Second
)

// Cause says why RPM is reduced.
type Cause uint8

// The causes; only a reduction for want of fire is cancelled by a trigger (P10).
const (
	ByFireOff Cause = iota
	ByBudget
)

// Restart says that the engine is cranked anew when the stop pulse has ended, and for whom.
type Restart uint8

// The reasons for a restart.
const (
	NoRestart    Restart = iota
	ForTrigger           // P10
	ForEmergency         // an emergency start follows the pulse, as a run of its own
	ForFeedback          // the engine was lost, or its feedback proved stuck
	ForResume            // P15: the run of before the restart of the process
)

// Machine is the pump's whole memory: comparable, printable. The zero value is IDLE, all off. Every
// duration runs by itself from step to step; "For" durations count up while their cause lasts.
type Machine struct {
	Phase Phase
	At    time.Time // of the last step
	Due   time.Time // the next instant at which something happens by itself; zero: never

	Left      time.Duration // until the phase ends by itself
	PrimeLeft time.Duration // until the priming valve closes
	ValveLeft time.Duration // until a main valve opened by hand closes; 0: not opened by hand

	// What the world says.
	Inputs   protocol.Inputs
	Deaf     bool           // booted, and the inputs have not been reported yet
	Verified protocol.Lines // outputs that read on, of those commanded on
	Failed   protocol.Lines
	Lost     bool          // no board
	Unsent   bool          // a stop pulse is commanded that no report has shown on the lines
	Waited   time.Duration // for that report
	MainSeen bool          // the main valve has read open since it was commanded so
	WrongFor time.Duration // the main valve has not read as commanded for this long

	// The run (P4) and this start of it.
	RunOpen    bool
	Emergency  bool          // the run, or the start before its first crank, is a person's
	Engine     time.Duration // engine time of this run
	Charged    bool          // the interval of a restart is in it, the engine has stood since
	Resumed    int           // by how many restarts of the process
	Cranks     int           // of this start
	Uncranked  bool          // the engine was found running, and nothing has proved it yet
	Stuck      bool          // the engine feedback is known to stick: not believed in this run
	Hot        bool          // the engine may turn: it was powered, no full stop pulse since
	Restart    Restart
	Cause      Cause
	Pulses     int           // stop pulses since the engine was last powered
	TriggerAge time.Duration // since the last trigger, at most fire_off_delay

	// What is watched in RUNNING and REDUCING_RPM.
	PrimedFor  time.Duration // past priming for this long, at most pressure_check_delay
	DryFor     time.Duration // past priming and no flow
	LowFor     time.Duration // past the pressure check and no pressure
	LostFor    time.Duration // the engine feedback says that it stands
	NothingFor time.Duration // uncranked, and neither flow nor pressure

	// The refill (P5). The lockout holds while RefillTotal is not 0.
	RefillTotal time.Duration // computed at the end of the run
	RefillOwed  time.Duration // what is left of it
	RefillFor   time.Duration // how long the refill valve has been open for it
	FullFor     time.Duration // REFILLING and the float says full

	SafeMode      bool // too many starts of the process failed: nothing starts by itself
	Held          bool // emergency stop, until reset (P6)
	Ending        bool // the process ends (P14)
	Remembered    bool // a trigger refused for lockout or budget (P10)
	RememberedAge time.Duration
	Fault         string // why ERROR is latched; empty: it is not
	WontStop      bool   // engine_will_not_stop has been said
	Why           string // why it is in this state

	EngineMark, RefillMark time.Duration // since the last checkpoint
	TotalEngine            time.Duration // over the device's life
	Runs, Starts           uint64
}

// State is the public state.
func (m Machine) State() protocol.State { return rows[m.Phase].state }

// Outputs is every output's level: the phase's row, and a main valve opened by hand.
func (m Machine) Outputs() protocol.Lines {
	on := rows[m.Phase].on
	if m.ValveLeft > 0 {
		on |= mainValve
	}
	return on
}

// Until is the next instant at which the machine changes by itself; zero: never.
func (m Machine) Until() time.Time { return m.Due }

// Locked says that the refill lockout holds (P5).
func (m Machine) Locked() bool { return m.RefillTotal > 0 }

// step is a machine while it makes one step.
type step struct {
	Machine
	c       Timing
	in      Input
	ask     Ask   // not answered yet
	pressed bool  // the stop button asks for a stop
	boot    *Boot // not dealt with yet
	was     Phase // before the rule that is being applied
	save    bool  // a checkpoint is due whatever else says so
	out     []Outcome
}

// settleLimit is more than the longest chain of rules; a test shows that no step comes near it.
const settleLimit = 40

// Step is one decision: time passes, the input is taken in, and rules are applied, the most
// dangerous first, until none fires. It returns what the shell has to do, in order.
func Step(c Timing, m Machine, in Input, now time.Time) (Machine, []Outcome) {
	return stepWith(c, m, in, now, func(int) {})
}

// stepWith tells which rules fired.
func stepWith(c Timing, m Machine, in Input, now time.Time, fired func(rule int)) (
	Machine, []Outcome,
) {
	s := &step{Machine: m, c: c, in: in, ask: in.Ask, boot: in.Boot}
	before := s.durable()
	s.advance(now)
	if s.boot != nil {
		s.recall()
	}
	s.take()
	for range settleLimit {
		i := s.next()
		if i < 0 {
			break
		}
		fired(i)
		s.apply(&rules[i])
	}
	s.watch()
	if s.RefillOwed == 0 && s.Phase != Refill && !s.prolonged() {
		s.settled() // an old debt, repaid during a run that was started in spite of it
	}
	s.checkpoint(before)
	s.Due = s.due()
	return s.Machine, s.out
}

// next is the first rule that fires, or -1.
func (s *step) next() int {
	for i := range rules {
		r := &rules[i]
		if r.from.has(s.Phase) && (r.ask == AskNothing || r.ask == s.ask) &&
			(r.when == nil || r.when(s)) {
			return i
		}
	}
	return -1
}

func (s *step) apply(r *rule) {
	old := s.Outputs()
	s.was = s.Phase
	if r.to != stay {
		s.Phase = r.to
		if !r.keep {
			s.Left = s.c.length(r.to)
		}
	}
	if r.do != nil {
		r.do(s)
	}
	if r.ask != AskNothing {
		s.ask = AskNothing
	}
	s.recommanded(old ^ s.Outputs())
}

// recommanded forgets what was known of lines whose command has changed: it was of the old one.
func (s *step) recommanded(changed protocol.Lines) {
	s.Verified &^= changed
	s.Failed &^= changed
	if on := s.Outputs() & changed; changed.Has(protocol.IgnitionOff) || on.Has(protocol.MainValve) {
		s.Unsent, s.Waited = s.Outputs()&kill != 0, 0
	}
	if changed.Has(protocol.MainValve) {
		s.MainSeen, s.WrongFor = false, 0
	}
}

// take folds the input's news into the machine.
func (s *step) take() {
	if l := s.in.Lines; l != nil {
		s.degraded(l.Failed &^ s.Failed)
		s.Verified, s.Failed, s.Lost = l.Verified&s.Outputs(), l.Failed, l.Lost
		s.Unsent = l.Unsent && s.Outputs()&kill != 0
		if !s.Unsent && !s.Ending { // at the end it is remembered that the pulse is short
			s.Waited = 0
		}
	}
	if i := s.in.Inputs; i != nil {
		old := s.Inputs
		s.Inputs, s.Deaf = *i, false
		// A press counts if the release before it was seen: a button that is held, stuck or not
		// readable at boot starts nothing.
		if old.EmergencyButton == protocol.Inactive && i.EmergencyButton == protocol.Active {
			s.event(protocol.EmergencyButtonPressed, "")
			s.ask, s.in.Source, s.in.Age = AskStart, "emergency_button", 0
		}
		// Stop is a level. An unreadable stop button stops nothing (a broken wire of a normally
		// closed button reads active, which does), but it does not let a reset pass either.
		if i.StopButton == protocol.Active && (old.StopButton != protocol.Active || !s.Held) {
			s.pressed = true
		}
	}
	s.watch()
}

func (s *step) event(a protocol.Action, reason string, details ...any) *Outcome {
	o := Outcome{Kind: EventOccurred, Action: a, Reason: reason, Then: s.Machine}
	if len(details) > 0 {
		o.Details = make(map[string]any, len(details)/2)
		for i := 0; i+1 < len(details); i += 2 {
			o.Details[details[i].(string)] = details[i+1]
		}
	}
	s.out = append(s.out, o)
	return &s.out[len(s.out)-1]
}
