package telemetry

import (
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
	"wildfire-watch/protocol/allowance"
)

// Refused logins are events, at a bounded rate: who guesses for a month must not push out of the history
// what matters more. What came meanwhile is counted in the next.
const (
	loginBurst = 10
	loginEvery = 10 * time.Minute // one more
)

// logins are the refused logins that no event has told yet.
type logins struct {
	bucket allowance.Bucket
	last   protocol.Rejected
	count  int
}

func (l *logins) note(r protocol.Rejected) {
	l.last, l.count = r, l.count+max(r.Count, 1)
}

// tell makes an event of what has not been told; wait is how long there is none yet, 0: nothing waits.
func (l *logins) tell(now time.Time) (o protocol.Occurred, ok bool, wait time.Duration) {
	if l.count == 0 {
		return o, false, 0
	}
	if wait = l.bucket.Take(now, loginBurst, loginEvery); wait > 0 {
		return o, false, wait
	}
	by := l.last.Source + ": " + l.last.Login
	if l.last.User != "" {
		by = l.last.Source + ": " + l.last.User + " from " + l.last.Login
	}
	o = protocol.Occurred{Action: protocol.LoginRefused, Reason: l.last.Reason, Details: map[string]any{
		"by": by, "source": l.last.Source, "address": l.last.Login, "user": l.last.User, "count": l.count}}
	l.count = 0
	return o, true, 0
}

// tellLogins tells what may be told of refused logins, and the rest later.
func (a *Actor) tellLogins(c *actors.Context) {
	o, ok, wait := a.logins.tell(c.Now())
	if ok {
		a.occurred(c, o)
	}
	if wait > 0 {
		c.After("logins", wait)
	}
}
