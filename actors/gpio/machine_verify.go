package gpio

import (
	"time"

	"wildfire-watch/protocol"
)

// The codes of the faults that stand until they clear. A failed line's is faultLine and its name.
const (
	faultBoard = "gpio"
	faultCrank = "gpio_crank"
	faultLine  = "gpio_"
)

// driven takes up how the board answered.
func (m Machine) driven(c Limits, d Driven, now time.Time, e *Effect) Machine {
	if d.Write && !d.WriteFail {
		m = m.wrote(d.Wrote, now)
	}
	m.Read = d.Read
	if d.ReadFail {
		m.Read = 0 // what cannot be read is not verified
	}
	if d.WriteFail || d.ReadFail {
		return m.lost(now, e)
	}
	if m.Losses > 0 && d.Write {
		m.Losses, m.NextTry = 0, time.Time{}
		e.Events = append(e.Events, Event{Fault: faultBoard, Cleared: true})
	}
	m.Available = m.Losses == 0
	if m.Available {
		m = m.judge(c, now, e)
	}
	return m
}

// wrote takes up that the board accepted these levels.
func (m Machine) wrote(lines protocol.Lines, now time.Time) Machine {
	for l := range protocol.NumLines {
		if m.Lines[l].Since.IsZero() || lines.Has(l) != m.Commanded.Has(l) {
			m.Lines[l] = line{Since: now}
		}
	}
	m.Commanded, m.Done = lines, m.Seq
	if !lines.Has(protocol.IgnitionStart) {
		m.Cranking = time.Time{}
	}
	return m
}

// lost: the board cannot be written or read. It is tried again, ever more slowly, for ever.
func (m Machine) lost(now time.Time, e *Effect) Machine {
	if m.Losses == 0 {
		const reason = "write and read the board: it does not answer; it is tried again for ever"
		event := Event{Fault: faultBoard, Reason: reason}
		if !m.Validated {
			event.Action = protocol.HardwareValidationFailure
		}
		e.Events = append(e.Events, event)
	}
	for l := range m.Lines { // a lost board says nothing of its lines: they are judged anew
		m.Lines[l] = line{Since: m.Lines[l].Since, Right: m.Lines[l].Right}
	}
	m.NextTry = now.Add(delay(m.Losses))
	m.Losses++
	m.Available = false
	return m
}

// delay is 50 ms, doubled so many times, at most a second.
func delay(doublings int) time.Duration {
	return min(firstRetry<<min(max(doublings, 0), 8), lastRetry)
}

// Blind says that what is known of the inputs is too old to be relied on.
func (m Machine) Blind() bool { return m.Losses >= blindAfter }

// judge holds every line's reading against its command.
func (m Machine) judge(c Limits, now time.Time, e *Effect) Machine {
	if !m.Validated {
		m.Validated = true
		if m.Commanded == 0 && m.Read != 0 {
			e.Events = append(e.Events, Event{Action: protocol.HardwareValidationFailure, Lines: m.Read,
				Reason: "set every output inactive: " + m.Read.String() + " still reads on"})
		}
	}
	for l := range protocol.NumLines {
		if m.Commanded.Has(l) == m.Read.Has(l) {
			m = m.right(l, e)
		} else {
			m = m.wrong(c, l, now, e)
		}
	}
	return m
}

func (m Machine) right(l protocol.Line, e *Effect) Machine {
	m.Lines[l] = line{Since: m.Lines[l].Since, Right: true}
	if m.Failed.Has(l) {
		m.Failed = m.Failed.Without(l)
		e.Events = append(e.Events,
			Event{Lines: protocol.SetOf(l), Fault: faultLine + l.String(), Cleared: true})
	}
	return m
}

// wrong counts a reading that differs from the command, and fails the line when its attempts and
// its patience are used up. Readings between two attempts count nothing.
func (m Machine) wrong(c Limits, l protocol.Line, now time.Time, e *Effect) Machine {
	s := &m.Lines[l]
	if !s.Wrong {
		s.Wrong = true
		s.Patience = c.patience(l, *s, now)
		if settled := s.Since.Add(c.Settle); c.Fed.Has(l) && now.Before(settled) {
			s.Next = settled
			return m
		}
	} else if !s.Next.IsZero() {
		return m
	}
	s.Attempts = min(s.Attempts+1, c.Attempts)
	s.Next = now.Add(delay(s.Attempts - 1))
	switch {
	case m.Failed.Has(l):
		s.Next = now.Add(lastRetry)
	case s.Attempts < c.Attempts:
	case now.Before(s.Patience):
		s.Next = earlier(s.Next, s.Patience)
	default:
		m.Failed = m.Failed.With(l)
		s.Next = now.Add(lastRetry)
		e.Events = append(e.Events, Event{Action: protocol.GPIOFailureFinal, Lines: protocol.SetOf(l),
			Attempt: s.Attempts, Reason: m.sticks(l), Fault: faultLine + l.String()})
	}
	return m
}

// patience is until when a line that reads wrong from now on has not failed.
func (c Limits) patience(l protocol.Line, s line, now time.Time) time.Time {
	switch {
	case s.Right && l == protocol.MainValve:
		return now.Add(c.Grace)
	case !s.Right && c.Fed.Has(l) && valves.Has(l):
		return s.Since.Add(c.Travel)
	}
	return now
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// sticks says how a line reads.
func (m Machine) sticks(l protocol.Line) string {
	if m.Read.Has(l) {
		return l.String() + " reads on, commanded off"
	}
	return l.String() + " reads off, commanded on"
}
