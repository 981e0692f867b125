package telemetry

import (
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// Refused logins are events, at a bounded rate: who guesses for a month must not push out of the history
// what matters more. What came meanwhile is counted in the next.
const (
	loginBurst = 10
	loginEvery = 10 * time.Minute // one more
)

// logins are the refused logins that no event has told yet.
type logins struct {
	used  float64 // of loginBurst
	at    time.Time
	last  protocol.Rejected
	count int
}

func (l *logins) note(r protocol.Rejected) {
	l.last, l.count = r, l.count+max(r.Count, 1)
}

// tell makes an event of what has not been told; wait is how long there is none yet, 0: nothing waits.
func (l *logins) tell(now time.Time) (o protocol.Occurred, ok bool, wait time.Duration) {
	if !l.at.IsZero() {
		l.used = max(0, l.used-now.Sub(l.at).Seconds()/loginEvery.Seconds())
	}
	l.at = now
	switch {
	case l.count == 0:
		return o, false, 0
	case l.used > loginBurst-1:
		return o, false, time.Duration((l.used-loginBurst+1)*float64(loginEvery)) + time.Millisecond
	}
	by := l.last.Source + ": " + l.last.Login
	if l.last.User != "" {
		by = l.last.Source + ": " + l.last.User + " from " + l.last.Login
	}
	o = protocol.Occurred{Action: protocol.LoginRefused, Reason: l.last.Reason, Details: map[string]any{
		"by": by, "source": l.last.Source, "address": l.last.Login, "user": l.last.User, "count": l.count}}
	l.used++
	l.count = 0
	return o, true, 0
}

// login notes a refused login and tells what may be told.
func (a *Actor) login(c *actors.Context, m protocol.Rejected) {
	if m.Login != "" {
		a.logins.note(m)
	}
	o, ok, wait := a.logins.tell(c.Now())
	if ok {
		a.occurred(c, o)
	}
	if wait > 0 {
		c.After("logins", wait)
	}
}
