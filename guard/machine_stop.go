package guard

import (
	"time"

	"wildfire-watch/protocol"
)

// work is a step of the stop itself: kill, take the lines, pulse, all off.
func (m Machine) work(c Limits, in Input, now time.Time, e *Effect) Machine {
	if !m.Dead && !now.Before(m.Kill) {
		e.Kill, m.Kill = true, now.Add(killAgain)
	}
	if (m.Phase == Seizing || m.Phase == Pulsing) && now.Sub(m.Began) >= c.GiveUp {
		m.GaveUp = true
		return m.close(now, e)
	}
	switch m.Phase {
	case Killing:
		if m.Dead || now.Sub(m.Since) >= killPatience {
			m = m.seize(c, now)
			e.Open = Whole
		}
	case Seizing:
		m = m.take(c, in, now, e)
	case Pulsing:
		m = m.pulse(c, now, e)
	case Closing:
		m = m.end(in, now, e)
	}
	return m
}

// take goes on to the pulse as soon as a line of the engine is held, and else asks again.
func (m Machine) take(c Limits, in Input, now time.Time, e *Effect) Machine {
	if m.Held&engine != 0 {
		m.Phase, m.Since, m.Next = Pulsing, now, now.Add(rewrite)
		e.Write, e.Lines = true, StopLevels
		return m
	}
	if in.Opened == nil && !now.Before(m.Next) {
		e.Open = Whole
		if now.Sub(m.Since) >= narrowAfter {
			e.Open = Apart
		}
		m.Next = now.Add(m.pace(c, now))
	}
	return m
}

// written counts the pulse: only time between two writes that both succeeded is time in which
// ignition off was certainly held.
func (m Machine) written(lines protocol.Lines, now time.Time) Machine {
	if m.Phase != Pulsing {
		return m
	}
	if lines&engine != 0 && m.Stopped.IsZero() {
		m.Stopped = now
	}
	if !lines.Has(protocol.IgnitionOff) {
		m.Wrote = time.Time{}
		return m
	}
	if !m.Wrote.IsZero() {
		m.Pulsed += now.Sub(m.Wrote)
	}
	m.Wrote = now
	return m
}

// pulse holds the stop pulse, writing again so that a line altered meanwhile heals, and asks for
// lines that are still missing.
func (m Machine) pulse(c Limits, now time.Time, e *Effect) Machine {
	if m.Pulsed >= c.Pulse && !m.Wrote.IsZero() {
		m.Ended = now
		return m.close(now, e)
	}
	if end := m.Wrote.Add(c.Pulse - m.Pulsed); !m.Wrote.IsZero() && end.Before(m.Next) {
		m.Next = end
	}
	if !now.Before(m.Next) {
		if m.Held != Every {
			e.Open = Apart
		}
		e.Write, e.Lines = true, StopLevels
		m.Next = now.Add(rewrite)
	}
	return m
}

// close begins the end: everything off.
func (m Machine) close(now time.Time, e *Effect) Machine {
	m.Phase, m.Since, m.Next, m.Tries = Closing, now, now.Add(rewrite), 1
	e.Write, e.Lines = true, 0
	return m
}

// end finishes when every line held has taken the last write, or will not.
func (m Machine) end(in Input, now time.Time, e *Effect) Machine {
	switch {
	case in.Written != nil && *in.Written == m.Held, m.Tries >= closeTries && !now.Before(m.Next):
		m.Phase = Done
		e.Finish = true
	case !now.Before(m.Next):
		m.Tries++
		m.Next = now.Add(rewrite)
		e.Write, e.Lines = true, 0
	}
	return m
}
