package journal

import (
	"cmp"
	"context"
	"slices"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// disk is what the actor asks of a Store.
type disk interface {
	saveMemory(ctx context.Context, m Memory) error
	saveEvents(ctx context.Context, events []protocol.Event) (note string, err error)
	findEvents(ctx context.Context, q protocol.EventsAsked) ([]protocol.Event, uint64, error)
}

// Codes of the faults that the journal reports: its memory, and the history alone.
const (
	FaultMemory  = "journal"
	FaultHistory = "journal_history"
)

const defaultAnswer, maxAnswer = 100, 1000

type journal struct {
	disk    disk
	machine Machine
	asks    []protocol.EventsAsked
	flushes []chan struct{}
	note    string            // what was found wrong with the history when it was opened
	told    map[string]string // standing faults by code

	goodAfter time.Duration // a sign of life this long after the start proves it good; 0: none does
	good      time.Time
}

// New makes the journal's actor. It hears PumpMemory, ConsensusMemory, Event, Heartbeat, JournalFlush
// and EventsAsked, and publishes Fault. A nil store forgets everything. In safe mode no sign of life
// proves anything: it is the normal house that must.
func New(c Config, s *Store) actors.Actor {
	if s == nil {
		return newJournal(nowhere{}, "")
	}
	j := newJournal(s, s.problem)
	if !s.safeMode {
		j.goodAfter = c.GoodAfter
	}
	return j
}

func newJournal(d disk, problem string) *journal {
	j := &journal{disk: d, told: make(map[string]string)}
	j.machine.ForMemory.Text = problem
	return j
}

// Started tells what was wrong at the opening; the first write that succeeds clears it.
func (j *journal) Started(c *actors.Context) {
	if j.goodAfter > 0 {
		j.good = c.Now().Add(j.goodAfter)
	}
	j.tell(c)
}

// Stopping leaves the files to Store.Close. Whoever still waits for a flush is let go.
func (j *journal) Stopping(*actors.Context) { j.release() }

// finished is what an errand comes back with.
type finished struct {
	work    Work
	problem string
	note    string
	answer  func() // a question's reply, still to be called
}

func (finished) Urgent() bool { return true }

// Receive notes what must be kept and sends the next errands on their way.
func (j *journal) Receive(c *actors.Context, msg any) {
	now := c.Now()
	m := &j.machine
	switch msg := msg.(type) {
	case protocol.PumpMemory:
		m.Remember(msg)
	case protocol.ConsensusMemory:
		m.RememberConsensus(msg)
	case protocol.Event:
		m.Add(msg, now)
	case protocol.Heartbeat:
		if m.Memory.Good || j.good.IsZero() || now.Before(j.good) {
			return
		}
		m.Prove()
	case protocol.EventsAsked:
		j.ask(c, msg)
	case protocol.JournalFlush:
		m.WantFlush(msg.Cause, msg.Orderly, now)
		if msg.Done != nil {
			j.flushes = append(j.flushes, msg.Done)
		}
	case finished:
		j.finish(c, msg, now)
	}
	j.goOn(c, now)
}

func (j *journal) finish(c *actors.Context, f finished, now time.Time) {
	j.machine.Done(f.work, f.problem, now)
	if f.note != "" || f.work == SaveEvents && f.problem == "" {
		j.note = f.note
	}
	if f.answer != nil {
		c.Go(func(context.Context) any { f.answer(); return nil })
	}
}

// goOn does what is due now, and arms the one timer for what is due next.
func (j *journal) goOn(c *actors.Context, now time.Time) {
	m := &j.machine
	if !m.Flush.IsZero() && m.Flushed(now) {
		j.release()
	}
	if m.BeginMemory(now) {
		memory := m.Memory
		j.errand(c, SaveMemory, func(ctx context.Context) (f finished, err error) {
			return f, j.disk.saveMemory(ctx, memory)
		})
	}
	j.history(c, m.BeginHistory(now))
	m.Watch(now)
	j.tell(c)
	if at := m.Until(); at.IsZero() {
		c.Cancel("deadline")
	} else {
		c.After("deadline", max(0, at.Sub(now)))
	}
}

func (j *journal) history(c *actors.Context, w Work) {
	switch w {
	case SaveEvents:
		events := slices.Clone(j.machine.Events[:j.machine.Taken])
		j.errand(c, w, func(ctx context.Context) (f finished, err error) {
			f.note, err = j.disk.saveEvents(ctx, events)
			return f, err
		})
	case FindEvents:
		q, events := j.asks[0], slices.Clone(j.machine.Events)
		j.asks = j.asks[1:]
		j.errand(c, w, func(ctx context.Context) (f finished, err error) {
			found, last, err := j.disk.findEvents(ctx, q)
			all, last := withWaiting(q, found, last, events, err)
			f.answer = func() { q.Reply(all, last) }
			return f, err
		})
	}
}

// errand runs work in a goroutine, which always comes back, from a panic too.
func (j *journal) errand(c *actors.Context, w Work, work func(context.Context) (finished, error)) {
	c.Go(func(ctx context.Context) any {
		var f finished
		err := guarded(func() (err error) {
			f, err = work(ctx)
			return err
		})
		f.work = w
		if err != nil {
			f.problem = err.Error()
		}
		return f
	})
}

// release lets go whoever waits for a flush.
func (j *journal) release() {
	for _, done := range j.flushes {
		close(done)
	}
	j.flushes, j.machine.Flush = nil, time.Time{}
}

func (j *journal) ask(c *actors.Context, q protocol.EventsAsked) {
	switch {
	case q.Reply == nil:
		return
	case len(j.asks) >= maxAsks:
		c.Go(func(context.Context) any { q.Reply(nil, q.After); return nil })
		return
	case q.Limit <= 0:
		q.Limit = defaultAnswer
	}
	q.Limit = min(q.Limit, maxAnswer)
	j.asks = append(j.asks, q)
	j.machine.Asks++
}

// withWaiting adds the events that are not stored yet: theirs are the next numbers, unless the
// disk fails. Then the asker rather sees one twice than never.
func withWaiting(q protocol.EventsAsked, found []protocol.Event, last uint64,
	waiting []protocol.Event, err error,
) ([]protocol.Event, uint64) {
	if q.Newest {
		waiting = waiting[max(0, len(waiting)-q.Limit):]
		found = found[min(len(found), max(0, len(found)+len(waiting)-q.Limit)):]
	} else {
		waiting = waiting[:min(len(waiting), q.Limit-len(found))]
	}
	if err == nil {
		last += uint64(len(waiting))
	}
	return append(slices.Clone(found), waiting...), last
}

// tell publishes what changed about the disk.
func (j *journal) tell(c *actors.Context) {
	const slow = "the disk has not answered for 5 s; control goes on; check the disk"
	memory, history := j.machine.ForMemory.Text, j.machine.ForHistory.Text
	if j.machine.OnMemory.Slow {
		memory = slow
	}
	if j.machine.OnHistory.Slow {
		history = slow
	}
	j.fault(c, FaultMemory, memory)
	j.fault(c, FaultHistory, cmp.Or(history, j.note))
}

func (j *journal) fault(c *actors.Context, code, text string) {
	if j.told[code] == text {
		return
	}
	j.told[code] = text
	c.Publish(protocol.Fault{Code: code, Text: text, Cleared: text == ""})
}

// nowhere is a disk that forgets.
type nowhere struct{}

func (nowhere) saveMemory(context.Context, Memory) error { return nil }

func (nowhere) saveEvents(context.Context, []protocol.Event) (string, error) { return "", nil }

func (nowhere) findEvents(_ context.Context, q protocol.EventsAsked) ([]protocol.Event, uint64,
	error,
) {
	return nil, q.After, nil
}
