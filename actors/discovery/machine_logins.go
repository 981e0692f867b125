package discovery

import (
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// Logins: no camera's account is ever locked by us (SPEC §5). A login is tried at most once on a camera
// in an hour; at most three are refused there in an hour, for accounts lock at five; one that was refused
// is not tried there again until the file of logins changes. What is about to be tried counts as tried
// before it is, so that neither a crash nor a lost answer makes us forget.

// Credential is one login that may be tried, and on whom.
type Credential struct {
	Login protocol.Login
	// Print tells it from others without telling what it is.
	Print string
	// MAC or IP binds it to one camera; both empty: it may be tried on any.
	MAC, IP string
}

// Credentials is the input that hands over all logins there are now. Revision tells one state of the
// file from another.
type Credentials struct {
	All      []Credential
	Revision string
}

const (
	hour           = time.Hour
	mostRefusals   = 3
	mostAccounts   = 4096
	mostPrints     = 64 // of one account
	mostCredential = 256
)

// books keep the ledger and the logins.
type books struct {
	ledger  Ledger
	all     []Credential
	changes uint64 // rises when what matters over a restart changes
}

// accountOf is the name of the account at an address: several devices behind one MAC have one each.
func (m *Machine) accountOf(mac, ip string) string {
	if m.shared[mac] {
		mac += "@" + ip
	}
	return m.books.accountOf(mac, ip, m.now)
}

// bound says whether a login is meant for a device by name.
func (b *books) bound(ip, mac string) bool {
	return slices.ContainsFunc(b.all, func(c Credential) bool {
		return c.IP != "" && c.IP == ip || c.MAC != "" && c.MAC == mac
	})
}

// boundIPs lists the addresses that logins are bound to.
func (b *books) boundIPs() (ips []string) {
	for _, c := range b.all {
		if c.IP != "" && !slices.Contains(ips, c.IP) {
			ips = append(ips, c.IP)
		}
	}
	return ips
}

// entered takes in the logins there are. A changed file may hold a login that is right now: what was
// refused may be tried again, when its hour is over.
func (m *Machine) entered(c Credentials) {
	b := &m.books
	b.all = c.All[:min(len(c.All), mostCredential)]
	if c.Revision == b.ledger.Revision {
		m.stale = true
		return
	}
	b.ledger.Revision = c.Revision
	b.changes++
	for name, a := range b.ledger.Accounts {
		clear(a.Refused)
		a.Doubt = time.Time{}
		b.ledger.Accounts[name] = a
	}
	for _, c := range m.order {
		if c.login != protocol.LoginGood && c.login != protocol.LoginNone && !c.displaced {
			c.renew = m.now
		}
	}
	for h := range m.waiting {
		if h.login {
			h.next = m.now
		}
	}
	m.stale = true
}

// offer lists the logins that may be tried on a device now, in order: the one that was good, those bound
// to it, the others. They count as tried from now on.
func (b *books) offer(account, ip, mac string, now time.Time) (logins []protocol.Login, prints map[string]string) {
	a := b.account(account, now)
	a.Misses = slices.DeleteFunc(a.Misses, func(t time.Time) bool { return now.Sub(t) >= hour })
	left := mostRefusals - len(a.Misses)
	if now.Before(a.Locked) || left <= 0 || len(b.all) == 0 {
		return nil, nil
	}
	prints = make(map[string]string)
	for _, c := range b.inOrder(a, ip, mac) {
		at, tried := a.Tried[c.Print]
		_, refused := a.Refused[c.Print]
		// One that works may be used as often as needed: nothing counts against it.
		works := c.Print == a.Good && a.Doubt.IsZero()
		if !works && (refused || tried && now.Sub(at) < hour || c.Print == a.Good && now.Sub(a.Doubt) < hour) ||
			prints[c.Login.ID] != "" || len(logins) >= left {
			continue
		}
		logins, prints[c.Login.ID] = append(logins, c.Login), c.Print
		if !works {
			a.try(c.Print, now)
		}
	}
	if len(logins) == 0 {
		return nil, nil
	}
	b.ledger.Accounts[account] = a
	if account != ip {
		b.account(ip, now)
		b.ledger.Accounts[ip] = Account{Of: account, Touched: now}
	}
	b.changes++
	return logins, prints
}

// inOrder lists the logins that are meant for a device, each but once.
func (b *books) inOrder(a Account, ip, mac string) []Credential {
	var all []Credential
	add := func(wanted func(Credential) bool) {
		for _, c := range b.all {
			if wanted(c) && !slices.ContainsFunc(all, func(o Credential) bool { return o.Print == c.Print }) {
				all = append(all, c)
			}
		}
	}
	bound := func(c Credential) bool { return c.MAC != "" && c.MAC == mac || c.IP != "" && c.IP == ip }
	free := func(c Credential) bool { return c.MAC == "" && c.IP == "" }
	add(func(c Credential) bool { return c.Print == a.Good && (bound(c) || free(c)) })
	add(bound)
	add(free)
	return all
}

// book enters what an interview says of the logins that it was given, wherever its subject is by now.
func (m *Machine) book(j *job, r protocol.Interviewed) {
	a := m.books.account(j.account, m.now)
	for id, print := range j.prints {
		switch {
		case slices.Contains(r.Refused, id):
			a.refuse(print, m.now)
		case id == r.LoginID && r.Login == protocol.LoginGood:
			delete(a.Refused, print)
			a.Good, a.Doubt = print, time.Time{}
		case a.Tried[print].Equal(j.asked):
			delete(a.Tried, print) // it was not needed
		}
	}
	if r.Login == protocol.LoginLocked {
		a.Locked = m.now.Add(hour)
	}
	if len(j.prints) > 0 || r.Login == protocol.LoginLocked {
		m.books.changes++
		m.books.ledger.Accounts[j.account] = a
	}
}

// good is the login that a check may use: the one that works, if there is no doubt about it.
func (b *books) good(account, ip, mac string, now time.Time) (login protocol.Login, prints map[string]string) {
	a, known := b.ledger.Accounts[account]
	if !known || a.Good == "" || !a.Doubt.IsZero() || now.Before(a.Locked) {
		return login, nil
	}
	for _, c := range b.inOrder(a, ip, mac) {
		if c.Print == a.Good {
			return c.Login, map[string]string{c.Login.ID: c.Print}
		}
	}
	return login, nil
}

// doubt notes that a login which works was refused in a check.
func (b *books) doubt(j *job, now time.Time) {
	for _, print := range j.prints {
		a := b.account(j.account, now)
		a.refuse(print, now)
		b.ledger.Accounts[j.account] = a
		b.changes++
	}
}
