package frigate

import (
	"time"

	"wildfire-watch/protocol"
)

// How often Frigate's configuration is fetched.
const (
	fetchGap     = 10 * time.Second // between two fetches at least, whatever asks for them
	fetchEvery   = 10 * time.Minute // a detect stream may have been resized unnoticed
	firstRetry   = 5 * time.Second  // after a failure; doubles
	longestRetry = 5 * time.Minute
)

// fetching is what is known of the fetches.
type fetching struct {
	busy, wanted bool
	tried        bool      // one has ended, well or not
	started      time.Time // the newest
	notBefore    time.Time
	refresh      time.Time // due without being asked for; zero: never
	retry        time.Duration
	problem      string
}

// wantFetch asks for a fetch. anew: there is reason to think that it succeeds now, so a wait after
// a failure is over.
func (m *Machine) wantFetch(now time.Time, anew bool) {
	f := &m.fetch
	f.wanted = m.rules.HasAPI
	if anew && !f.started.IsZero() {
		f.retry, f.notBefore = 0, f.started.Add(fetchGap)
	}
}

func (m *Machine) fetchIfDue(now time.Time) {
	if until := m.fetch.until(); until.IsZero() || now.Before(until) {
		return
	}
	m.fetch.busy, m.fetch.wanted, m.fetch.started = true, false, now
	m.tell(Fetch{})
}

// farPast stands for "due since ever": a zero time means never.
var farPast = time.Unix(0, 0)

// until is when the next fetch is due; zero: none is.
func (f *fetching) until() time.Time {
	switch {
	case f.busy:
		return time.Time{}
	case f.wanted && f.notBefore.IsZero():
		return farPast
	case f.wanted:
		return f.notBefore
	}
	return f.refresh
}

// fetched takes the end of a fetch. A failure keeps what was known.
func (m *Machine) fetched(in Fetched, now time.Time) {
	f := &m.fetch
	f.busy, f.tried = false, true
	if in.Problem == "" {
		m.sizes = in.Detect
		m.located(in.Hosts, now)
		f.retry, f.notBefore, f.refresh = 0, now.Add(fetchGap), now.Add(fetchEvery)
	} else {
		f.retry = min(max(2*f.retry, firstRetry), longestRetry)
		f.wanted, f.notBefore = true, now.Add(f.retry)
	}
	if in.Problem != f.problem {
		f.problem = in.Problem
		m.tell(protocol.Fault{Code: "frigate_api", Text: in.Problem, Cleared: in.Problem == ""})
	}
	for _, c := range m.cameras {
		_, known := m.stated(c.name)
		c.guessed = c.frame.Width > 0 && !known
	}
	m.warn()
}
