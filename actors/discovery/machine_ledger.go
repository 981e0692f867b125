package discovery

import (
	"cmp"
	"slices"
	"time"
)

// Ledger is what was tried where: by MAC, or by IP where none was ever seen. It holds no secret.
type Ledger struct {
	Revision string
	Accounts map[string]Account
}

// Account is what was tried on one device. Times are monotonic.
type Account struct {
	Tried   map[string]time.Time // print → when
	Refused map[string]time.Time // print → when; not to be tried again
	Misses  []time.Time          // the last refusals
	Good    string               // the print that was accepted last
	Doubt   time.Time            // it was refused after that; zero: not
	Locked  time.Time            // the account is locked until then
	Touched time.Time
	// Of is the MAC whose account it is, for an IP at which one was seen.
	Of string
}

// bounded is the ledger as it may be used: nothing in the future, nothing beyond the bounds.
func (l Ledger) bounded(now time.Time) Ledger {
	out := Ledger{Revision: l.Revision, Accounts: make(map[string]Account)}
	for name, a := range l.Accounts {
		if len(out.Accounts) < mostAccounts {
			a.Touched = earlier(a.Touched, now)
			out.Accounts[name] = a.copy()
		}
	}
	return out
}

// copy shares nothing with the account.
func (a Account) copy() Account {
	tried, refused := make(map[string]time.Time), make(map[string]time.Time)
	for print, at := range a.Tried {
		tried[print] = at
	}
	for print, at := range a.Refused {
		refused[print] = at
	}
	a.Tried, a.Refused, a.Misses = tried, refused, slices.Clone(a.Misses)
	return a
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Ledger is a copy of what was tried where, to be kept over a restart.
func (m *Machine) Ledger() Ledger { return m.books.ledger.bounded(m.now) }

// LedgerChanges rises with each change of the ledger that matters over a restart.
func (m *Machine) LedgerChanges() uint64 { return m.books.changes }

// account finds or makes the account of a device; the longest unused makes room.
func (b *books) account(name string, now time.Time) Account {
	a, known := b.ledger.Accounts[name]
	if !known && len(b.ledger.Accounts) >= mostAccounts {
		oldest := ""
		for other, o := range b.ledger.Accounts {
			if of := b.ledger.Accounts[oldest]; oldest == "" || o.Touched.Before(of.Touched) {
				oldest = other
			}
		}
		delete(b.ledger.Accounts, oldest)
	}
	if a.Tried == nil {
		a.Tried, a.Refused = make(map[string]time.Time), make(map[string]time.Time)
	}
	a.Touched = now
	return a
}

// accountOf is the name of a device's account. The IP of a device whose MAC is known leads to it, also
// when the IP alone is known after a restart.
func (b *books) accountOf(mac, ip string, now time.Time) string {
	at := b.ledger.Accounts[ip]
	if mac == "" {
		return cmp.Or(at.Of, ip)
	}
	if len(at.Tried)+len(at.Misses) > 0 && at.Of == "" {
		b.merge(ip, mac, now)
	}
	return mac
}

// merge adds what was tried on an IP to the account of the MAC that it turned out to have.
func (b *books) merge(ip, mac string, now time.Time) {
	from, known := b.ledger.Accounts[ip]
	if !known {
		return
	}
	a := b.account(mac, now)
	for print, at := range from.Tried {
		a.Tried[print] = later(at, a.Tried[print])
	}
	for print, at := range from.Refused {
		a.Refused[print] = later(at, a.Refused[print])
	}
	a.miss(from.Misses...)
	if a.Good == "" {
		a.Good, a.Doubt = from.Good, from.Doubt
	}
	a.Locked = later(a.Locked, from.Locked)
	b.ledger.Accounts[mac] = a
	b.ledger.Accounts[ip] = Account{Of: mac, Touched: now}
	b.changes++
}

// miss notes refusals; the last few are kept.
func (a *Account) miss(at ...time.Time) {
	a.Misses = append(a.Misses, at...)
	slices.SortFunc(a.Misses, time.Time.Compare)
	a.Misses = slices.Clone(a.Misses[max(0, len(a.Misses)-2*mostRefusals):])
}

// try notes a login as tried; the oldest of too many goes.
func (a *Account) try(print string, now time.Time) {
	a.Tried[print] = now
	for _, tried := range []map[string]time.Time{a.Tried, a.Refused} {
		for len(tried) > mostPrints {
			oldest := ""
			for p, at := range tried {
				if oldest == "" || at.Before(tried[oldest]) {
					oldest = p
				}
			}
			delete(tried, oldest)
		}
	}
}

// refuse notes a refusal. Of a login that works it is no more than a doubt: a camera at its session limit
// refuses it too. It is tried once more in an hour, and not before.
func (a *Account) refuse(print string, now time.Time) {
	a.try(print, now)
	a.miss(now)
	switch {
	case print != a.Good:
		a.Refused[print] = now
	case a.Doubt.IsZero():
		a.Doubt = now
	default:
		a.Refused[print] = now
		a.Good, a.Doubt = "", time.Time{}
	}
}
