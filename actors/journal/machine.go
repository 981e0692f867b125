package journal

import (
	"slices"
	"time"

	"wildfire-watch/protocol"
)

const (
	batchDelay = time.Second            // an event waits at most this long for others …
	batchSize  = 100                    // … unless so many wait
	batchLimit = 500                    // events of one transaction
	maxQueue   = 2_000                  // events waiting for a disk that is away
	maxAsks    = 16                     // questions waiting
	slowWrite  = 5 * time.Second        // then it is a fault
	retryFirst = 500 * time.Millisecond // after a failure, doubling up to retryLast
	retryLast  = time.Minute
	flushLimit = 2 * time.Second
)

// Work is one errand to the disk.
type Work uint8

// The errands. The zero value is none.
const (
	NoWork Work = iota
	SaveMemory
	SaveEvents
	FindEvents
)

// Machine decides what is written when, and what is told about the disk. Memory and history are
// two files: each has at most one errand under way, and memory never waits for the history. Its
// zero value is ready.
type Machine struct {
	Memory  Memory // newest, from the actors
	Stored  Memory // what the disk holds of it
	writing Memory // what is on its way there

	Events  []protocol.Event // not yet stored, oldest first
	Oldest  time.Time        // when the first of them came
	Taken   int              // how many of them are on their way
	Dropped uint64           // events lost for want of room
	Asks    int              // questions waiting for FindEvents

	OnMemory, OnHistory   Errand
	ForMemory, ForHistory Trouble

	Flush time.Time // until then somebody waits for everything to be stored; zero: nobody
}

// Errand is what is under way on one file.
type Errand struct {
	Work  Work
	Since time.Time
	Slow  bool // it takes too long
}

// Trouble is what is wrong with one file; zero: nothing.
type Trouble struct {
	Text  string
	Again time.Time // try again then
	Wait  time.Duration
}

// Remember takes a newer memory of the pump.
func (m *Machine) Remember(p protocol.PumpMemory) { m.Memory.Pump, m.Memory.HasPump = p, true }

// RememberConsensus takes a newer memory of consensus.
func (m *Machine) RememberConsensus(c protocol.ConsensusMemory) {
	m.Memory.Consensus, m.Memory.HasConsensus = c, true
}

// Prove takes it that this start has not failed.
func (m *Machine) Prove() { m.Memory.Good = true }

// Add queues an event for the history; a full queue drops its oldest that is not on its way.
func (m *Machine) Add(e protocol.Event, now time.Time) {
	if len(m.Events) >= maxQueue {
		m.Events = slices.Delete(m.Events, m.Taken, m.Taken+1)
		m.Dropped++
	}
	if len(m.Events) == m.Taken {
		m.Oldest = now
	}
	m.Events = append(m.Events, e)
}

// WantFlush hurries everything: a disk that failed gets one more try at once.
func (m *Machine) WantFlush(cause string, orderly bool, now time.Time) {
	if cause != "" {
		m.Memory.Stop, m.Memory.Orderly = cause, m.Memory.Orderly || orderly
	}
	if m.Flush.IsZero() {
		m.Flush = now.Add(flushLimit)
	}
	m.ForMemory.Again, m.ForHistory.Again = time.Time{}, time.Time{}
}

// Flushed says whether nobody needs to wait any longer.
func (m *Machine) Flushed(now time.Time) bool {
	return m.Memory == m.Stored && len(m.Events) == 0 || !now.Before(m.Flush)
}

// eventsDue is when the waiting events are to be written.
func (m *Machine) eventsDue() time.Time {
	if len(m.Events) >= batchSize || !m.Flush.IsZero() {
		return m.ForHistory.Again
	}
	return later(m.Oldest.Add(batchDelay), m.ForHistory.Again)
}

// BeginMemory says whether Memory is to be written now, and marks it as on its way.
func (m *Machine) BeginMemory(now time.Time) bool {
	if m.OnMemory.Work != NoWork || m.Memory == m.Stored || now.Before(m.ForMemory.Again) {
		return false
	}
	m.OnMemory, m.writing = Errand{Work: SaveMemory, Since: now}, m.Memory
	return true
}

// BeginHistory chooses the history's next errand, and marks it as under way.
func (m *Machine) BeginHistory(now time.Time) Work {
	if m.OnHistory.Work != NoWork {
		return NoWork
	}
	switch {
	case m.Asks > 0:
		m.Asks--
		m.OnHistory = Errand{Work: FindEvents, Since: now}
	case len(m.Events) > 0 && !now.Before(m.eventsDue()):
		m.Taken = min(len(m.Events), batchLimit)
		m.OnHistory = Errand{Work: SaveEvents, Since: now}
	}
	return m.OnHistory.Work
}

// Done takes the outcome of an errand; problem is empty if it went well.
func (m *Machine) Done(w Work, problem string, now time.Time) {
	switch w {
	case SaveMemory:
		m.OnMemory = Errand{}
		m.ForMemory = m.ForMemory.after(problem, now)
		if problem == "" {
			m.Stored = m.writing
		}
	case SaveEvents:
		m.OnHistory = Errand{}
		m.ForHistory = m.ForHistory.after(problem, now)
		if problem == "" {
			m.Events, m.Oldest = slices.Delete(m.Events, 0, m.Taken), now
		}
		m.Taken = 0
	case FindEvents:
		m.OnHistory = Errand{}
	}
}

// after is the trouble after one more outcome.
func (t Trouble) after(problem string, now time.Time) Trouble {
	if problem == "" {
		return Trouble{}
	}
	wait := min(max(2*t.Wait, retryFirst), retryLast)
	return Trouble{Text: problem, Again: now.Add(wait), Wait: wait}
}

// Watch notes errands that take too long.
func (m *Machine) Watch(now time.Time) {
	for _, e := range []*Errand{&m.OnMemory, &m.OnHistory} {
		e.Slow = e.Work != NoWork && now.Sub(e.Since) >= slowWrite
	}
}

// Until is when the machine must be asked again without a message; zero: never.
func (m *Machine) Until() time.Time {
	at := m.Flush
	switch {
	case m.OnMemory.Work == NoWork && m.Memory != m.Stored:
		at = sooner(at, m.ForMemory.Again)
	case m.OnMemory.Work != NoWork && !m.OnMemory.Slow:
		at = sooner(at, m.OnMemory.Since.Add(slowWrite))
	}
	switch {
	case m.OnHistory.Work == NoWork && len(m.Events) > 0:
		at = sooner(at, m.eventsDue())
	case m.OnHistory.Work != NoWork && !m.OnHistory.Slow:
		at = sooner(at, m.OnHistory.Since.Add(slowWrite))
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sooner is the earlier of two instants, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
