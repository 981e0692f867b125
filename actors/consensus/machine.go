package consensus

import (
	"time"

	"wildfire-watch/protocol"
)

const (
	// patience is how long the pump may take to answer a trigger before it is asked again.
	patience = 2 * time.Second
	// retry is how long after a refusal the pump is left alone.
	retry = 10 * time.Second
	// leastCooldown keeps cooldown_period = 0 from making a trigger of every message.
	leastCooldown = time.Second
)

// Rules are what the machine decides by.
type Rules struct {
	Config
	// FireOffDelay is pump.fire_off_delay: steady fires re-trigger within it of the last trigger.
	FireOffDelay time.Duration
}

// Machine is when the pump was triggered and when it may be again. The zero value has never
// triggered. All times are monotonic, zero is never.
type Machine struct {
	Counts Counts
	// Sent is the ID of the newest trigger; it is Outstanding until the pump answers or patience ends.
	Sent        uint64
	Outstanding bool
	SentAt      time.Time
	// Accepted counts accepted triggers, Answered is the newest ID that was answered.
	Accepted     int
	Answered     uint64
	LastAccepted time.Time
	// CooldownUntil and AskAgain must both have passed before the next trigger.
	CooldownUntil time.Time
	AskAgain      time.Time
	// Refuses: the pump says that it would refuse a trigger now.
	Refuses bool
}

// Input is what the machine hears: Counts, protocol.TriggerOutcome, protocol.CooldownEnded,
// protocol.PumpStatus, or nil when only time has passed.
type Input any

// Step applies one input and decides: fire says that a trigger, m.Sent, is to be sent now. Feeding
// the same input again changes nothing (SPEC §2 "Consensus").
func Step(r Rules, m Machine, in Input, now time.Time) (_ Machine, fire bool) {
	switch in := in.(type) {
	case Counts:
		m.Counts = in
	case protocol.TriggerOutcome:
		m = m.answered(r, in, now)
	case protocol.CooldownEnded:
		m.CooldownUntil, m.AskAgain = time.Time{}, time.Time{}
	case protocol.PumpStatus:
		if m.Refuses && in.Refuses == "" {
			m.AskAgain = time.Time{}
		}
		m.Refuses = in.Refuses != ""
	}
	if m.Outstanding && now.Sub(m.SentAt) >= patience {
		m.Outstanding = false
	}
	if !now.Before(m.CooldownUntil) {
		m.CooldownUntil = time.Time{}
	}
	if !now.Before(m.AskAgain) {
		m.AskAgain = time.Time{}
	}
	if m.Outstanding || !m.CooldownUntil.IsZero() || !m.AskAgain.IsZero() || !m.agreed(r, now) {
		return m, false
	}
	m.Sent++
	m.Outstanding, m.SentAt = true, now
	return m, true
}

// answered takes the pump's word on a trigger, the first word only. A refusal starts no cooldown.
// An answer that comes after patience ended still counts: the pump has the trigger.
func (m Machine) answered(r Rules, t protocol.TriggerOutcome, now time.Time) Machine {
	if t.ID <= m.Answered || t.ID > m.Sent {
		return m // a trigger from outside is 0
	}
	m.Answered = t.ID
	current := t.ID == m.Sent
	if current {
		m.Outstanding = false
	}
	if !t.Accepted {
		if current {
			m.AskAgain = now.Add(retry)
		}
		return m
	}
	m.Accepted++
	m.LastAccepted = now
	if current {
		m.LastAccepted = m.SentAt
	}
	m.CooldownUntil = m.LastAccepted.Add(max(r.Cooldown, leastCooldown))
	return m
}

// Ruled is the machine under other rules. A cooldown that is on lasts as long as it would have under
// them; one that is over, or that a reset has ended, does not come back.
func (m Machine) Ruled(before, after Rules, now time.Time) Machine {
	if before.Cooldown != after.Cooldown && m.CooldownUntil.After(now) {
		m.CooldownUntil = m.LastAccepted.Add(max(after.Cooldown, leastCooldown))
	}
	return m
}

// SteadyCounts says whether a fire that no longer grows keeps its water.
func (m Machine) SteadyCounts(r Rules, now time.Time) bool {
	return !m.LastAccepted.IsZero() && now.Sub(m.LastAccepted) <= r.FireOffDelay
}

func (m Machine) agreed(r Rules, now time.Time) bool {
	n := m.Counts.Growing
	if m.SteadyCounts(r, now) {
		n += m.Counts.Steady
	}
	return n >= r.Threshold
}

// Until is the next instant at which the machine changes by itself; zero if it does not. A cooldown
// that ends is a change even while nobody agrees.
func (m Machine) Until(r Rules, now time.Time) (next time.Time) {
	sooner := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if m.Outstanding {
		sooner(m.SentAt.Add(patience))
	}
	sooner(m.CooldownUntil)
	sooner(m.AskAgain)
	if !m.LastAccepted.IsZero() {
		sooner(m.LastAccepted.Add(r.FireOffDelay + 1))
	}
	return next
}

// Clocks are the readings that a memory is compared by.
type Clocks struct {
	Now       time.Time
	SinceBoot time.Duration // CLOCK_BOOTTIME
	BootID    string
}

// Recall is the machine after a restart of the process: the cooldown goes on in the same boot of
// the kernel and is over after a reboot (SPEC P15).
func Recall(r Rules, memory protocol.ConsensusMemory, at Clocks) (m Machine) {
	elapsed := at.SinceBoot - memory.LastAccepted
	if memory.LastAccepted <= 0 || elapsed < 0 || at.BootID == "" || memory.BootID != at.BootID {
		return m
	}
	m.LastAccepted = at.Now.Add(-elapsed)
	m.CooldownUntil = m.LastAccepted.Add(max(r.Cooldown, leastCooldown))
	return m
}

// Memory is what is to be remembered of the machine. A cooldown that a reset ended is not.
func (m Machine) Memory(triggers int, at Clocks) protocol.ConsensusMemory {
	memory := protocol.ConsensusMemory{BootID: at.BootID, Triggers: triggers}
	if !m.CooldownUntil.IsZero() {
		memory.LastAccepted = max(at.SinceBoot-at.Now.Sub(m.LastAccepted), 1)
	}
	return memory
}
