package discovery

import (
	"time"

	"wildfire-watch/actors"
)

// store turns the ledger's times into the kernel's.
func store(l Ledger, salt []byte, clock actors.Clock) stored {
	now, since := clock.Now(), clock.SinceBoot()
	at := func(t time.Time) time.Duration {
		if t.IsZero() {
			return 0
		}
		return since + t.Sub(now)
	}
	all := func(times map[string]time.Time) map[string]time.Duration {
		out := make(map[string]time.Duration, len(times))
		for print, t := range times {
			out[print] = at(t)
		}
		return out
	}
	s := stored{Salt: salt, Boot: clock.BootID(), Revision: l.Revision,
		Accounts: make(map[string]storedAccounts, len(l.Accounts))}
	for name, a := range l.Accounts {
		misses := make([]time.Duration, len(a.Misses))
		for i, t := range a.Misses {
			misses[i] = at(t)
		}
		s.Accounts[name] = storedAccounts{Tried: all(a.Tried), Refused: all(a.Refused), Misses: misses,
			Good: a.Good, Doubt: at(a.Doubt), Locked: at(a.Locked), Touched: at(a.Touched), Of: a.Of}
	}
	return s
}

// ledger turns the kernel's times back. After a reboot nobody knows how long ago anything was: it counts
// as of now, so that rather too little is tried than too much.
func (s stored) ledger(clock actors.Clock) Ledger {
	now, since := clock.Now(), clock.SinceBoot()
	same := s.Boot != "" && s.Boot == clock.BootID()
	at := func(d time.Duration) time.Time {
		switch {
		case d == 0:
			return time.Time{}
		case !same || d > since+hour:
			return now
		}
		return now.Add(d - since)
	}
	all := func(times map[string]time.Duration) map[string]time.Time {
		out := make(map[string]time.Time, len(times))
		for print, d := range times {
			if len(out) < mostPrints {
				out[print] = at(d)
			}
		}
		return out
	}
	l := Ledger{Revision: s.Revision, Accounts: make(map[string]Account)}
	for name, a := range s.Accounts {
		if len(l.Accounts) >= mostAccounts {
			break
		}
		to := Account{Tried: all(a.Tried), Refused: all(a.Refused), Good: a.Good, Doubt: at(a.Doubt),
			Touched: at(a.Touched), Of: a.Of, Locked: at(a.Locked)}
		if a.Locked != 0 && !same {
			to.Locked = now.Add(hour)
		}
		for _, d := range a.Misses {
			to.miss(at(d))
		}
		l.Accounts[name] = to
	}
	return l
}
