package pump

import (
	"time"

	"wildfire-watch/protocol"
)

// Boot is what a process starts with.
type Boot struct {
	Recovered protocol.Recovered
	// BootID and SinceBoot are of the kernel that runs now.
	BootID    string
	SinceBoot time.Duration
}

// recall takes over what the journal holds (SPEC P15). Which phase follows from it is a rule's.
func (s *step) recall() {
	b := s.boot
	mem := b.Recovered.Pump
	s.Deaf = s.in.Inputs == nil
	s.SafeMode = b.Recovered.SafeMode
	s.TotalEngine, s.Runs, s.Starts = max(0, mem.TotalEngine), mem.Runs, mem.Starts
	s.RefillOwed, s.RefillFor = max(0, mem.RefillOwed), max(0, mem.RefillFor)
	s.RefillTotal = max(0, mem.RefillTotal)
	if s.RefillTotal == 0 && s.RefillOwed > 0 {
		s.RefillTotal = s.RefillOwed + s.RefillFor
	}
	s.Held = mem.StopHeld
	if mem.InError {
		if s.Fault = mem.ErrorWhy; s.Fault == "" {
			s.Fault = "latched before the restart"
		}
	}
	s.TriggerAge = s.c.FireOffDelay
	if age, ok := b.since(mem.LastTrigger); ok {
		s.TriggerAge = min(age, s.c.FireOffDelay)
	}
	s.Resumed = max(0, mem.RunResumed)
	s.Hot = mem.RunOpen || mem.PulseOpen || b.Recovered.Unreadable
	if mem.RunOpen || b.Recovered.Unreadable {
		s.reopen(mem)
	}
	s.recallTrigger()
	s.save = true
}

// reopen goes on with the run that was open, one checkpoint interval longer than is known; once,
// not at every restart of a process that dies before it cranks.
func (s *step) reopen(mem protocol.PumpMemory) {
	s.RunOpen, s.Emergency = true, mem.RunEmergency
	s.Engine = max(0, mem.RunEngine)
	if !mem.RunCharged {
		s.Engine += engineInterval
		s.TotalEngine += engineInterval
	}
	s.Charged = true
	switch {
	case s.Held, s.Fault != "":
		s.closeRun()
	case s.boot.Recovered.Unreadable, s.SafeMode, s.Emergency, s.Resumed >= mostResumes:
	case s.TriggerAge < s.c.FireOffDelay:
		s.Restart = ForResume
		s.Resumed++
	}
}

// recallTrigger takes over a trigger that was remembered. If nothing seems to have been in its way,
// the process died before the first crank: then it counts as a resumption, so that a process that
// dies again and again does not open valves for ever.
func (s *step) recallTrigger() {
	age, ok := s.boot.since(s.boot.Recovered.Pump.Remembered)
	if !ok || age >= s.c.FireOffDelay || s.SafeMode {
		return
	}
	if !s.RunOpen && !s.Held && (!s.Locked() || s.c.StartsInLockout()) {
		if s.Resumed >= mostResumes {
			return
		}
		s.Resumed++
	}
	s.Remembered, s.RememberedAge = true, age
}

// since is how long ago an instant of the journal was; not ok if there is none or it belongs to
// another boot of the kernel.
func (b *Boot) since(instant time.Duration) (age time.Duration, ok bool) {
	mem := b.Recovered.Pump
	if instant <= 0 || b.BootID == "" || mem.BootID != b.BootID || instant > b.SinceBoot {
		return 0, false
	}
	return b.SinceBoot - instant, true
}

// recovered says what the boot found, for the event; empty: nothing worth one.
func (b *Boot) recovered() string {
	mem := b.Recovered.Pump
	_, sameKernel := b.since(mem.Remembered)
	switch {
	case b.Recovered.Unreadable:
		return "journal unreadable"
	case mem.RunOpen:
		return "open run"
	case mem.PulseOpen:
		return "open stop pulse"
	case mem.InError:
		return "error latched"
	case mem.StopHeld:
		return "stop held"
	case mem.RefillOwed > 0 || mem.RefillTotal > 0:
		return "refill owed"
	case mem.Remembered > 0 && !sameKernel:
		return "trigger dropped: the machine was started anew"
	case mem.Remembered > 0:
		return "trigger remembered"
	}
	return ""
}

// Memory is what must survive, as of the machine's last step; sinceBoot and bootID are of then.
func (m Machine) Memory(c Timing, sinceBoot time.Duration, bootID string) protocol.PumpMemory {
	mem := protocol.PumpMemory{
		RefillOwed: m.RefillOwed, RefillFor: m.RefillFor, RefillTotal: m.RefillTotal,
		RunOpen: m.RunOpen, RunEmergency: m.Emergency, RunResumed: m.Resumed, RunCharged: m.Charged,
		PulseOpen: m.owesPulse(), StopHeld: m.Held,
		InError: m.Fault != "", ErrorWhy: m.Fault, BootID: bootID,
		TotalEngine: m.TotalEngine, Runs: m.Runs, Starts: m.Starts,
	}
	if m.RunOpen {
		mem.RunEngine = m.Engine
	}
	if m.TriggerAge < c.FireOffDelay {
		mem.LastTrigger = max(1, sinceBoot-m.TriggerAge)
	}
	switch {
	case m.Remembered:
		mem.Remembered = max(1, sinceBoot-m.RememberedAge)
	case m.unbegun():
		// Dying between the trigger and the first crank must not lose the fire.
		mem.Remembered = max(1, sinceBoot-m.TriggerAge)
	}
	return mem
}

// owesPulse: a stop pulse goes on, or the process ended before any board took it.
func (m Machine) owesPulse() bool { return (pulsing | faultPulse).has(m.Phase) || m.Ending && m.Hot }

// unbegun: a trigger was taken, its run has not begun.
func (m Machine) unbegun() bool { return priming.has(m.Phase) && !m.RunOpen && !m.Emergency }

// durable is what a change of makes a checkpoint due.
type durable struct {
	runOpen, emergency, charged, pulse, held, remembered, unbegun bool
	resumed                                                       int
	total                                                         time.Duration
	fault                                                         string
	runs, starts                                                  uint64
}

func (m Machine) durable() durable {
	return durable{m.RunOpen, m.Emergency, m.Charged, m.owesPulse(), m.Held,
		m.Remembered, m.unbegun(), m.Resumed, m.RefillTotal, m.Fault, m.Runs, m.Starts}
}

// checkpoint asks for one if it is due (SPEC P5).
func (s *step) checkpoint(before durable) {
	if !s.save && s.durable() == before && s.EngineMark < engineInterval &&
		s.RefillMark < refillInterval {
		return
	}
	s.EngineMark, s.RefillMark = 0, 0
	s.out = append(s.out, Outcome{Kind: CheckpointDue, Then: s.Machine})
}
