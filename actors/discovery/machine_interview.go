package discovery

import (
	"cmp"
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// interviewDue asks those whose time has come who they are: cameras first, then hosts, the longest
// waiting first, a bounded number at once.
func (m *Machine) interviewDue() {
	under, _ := m.under(interview)
	for _, c := range m.order {
		switch {
		case c.renew.IsZero() || c.job != 0 || c.displaced:
		case m.now.Before(c.renew):
			m.by(c.renew)
		case under < mostInterviews:
			c.renew = time.Time{}
			under++
			m.ask(&job{kind: interview, camera: c, ip: c.ip}, c.key, m.hostAt(c.ip))
		}
	}
	var due []*host
	for h := range m.waiting {
		switch {
		case m.at[h.ip] != nil:
			delete(m.waiting, h)
		case h.suspect != "" && m.now.Sub(h.seen) >= goneAfter:
			m.dismiss(h, 0)
		case m.now.Before(h.next):
			m.by(h.next)
		default:
			due = append(due, h)
		}
	}
	slices.SortFunc(due, func(a, b *host) int {
		return cmp.Or(a.next.Compare(b.next), cmp.Compare(a.ip, b.ip))
	})
	for _, h := range due[:min(len(due), mostInterviews-min(under, mostInterviews))] {
		delete(m.waiting, h)
		m.ask(&job{kind: interview, host: h, ip: h.ip}, hostKey(h.ip), h)
	}
}

// ask orders an interview of a host.
func (m *Machine) ask(j *job, key string, h *host) {
	j.learned = h.learned
	within := m.rules.ONVIF + 3*m.rules.RTSP
	generation := m.begin(j, within)
	o := protocol.InterviewOrder{Key: key, Generation: generation, IP: h.ip, MAC: h.mac,
		Maker: m.maker(h.mac), XAddrs: slices.Clone(h.xaddrs), Doors: slices.Clone(h.doors),
		Transmitter: h.transmitter, Ports: m.rules.Ports, ONVIFTime: m.rules.ONVIF, RTSPTime: m.rules.RTSP}
	if c := j.camera; c != nil {
		if c.xaddr != "" && !slices.Contains(o.XAddrs, c.xaddr) {
			o.XAddrs = append([]string{c.xaddr}, o.XAddrs...)
		}
	}
	j.account = m.accountOf(o.MAC, h.ip)
	o.Logins, j.prints = m.books.offer(j.account, h.ip, o.MAC, m.now)
	m.say(Interview{Order: o, Within: within})
}

// interviewed takes in who a host says that it is.
func (m *Machine) interviewed(r protocol.Interviewed) {
	j := m.take(r.Generation, interview, r.Key, r.IP, func(j *job) { m.book(j, r) })
	switch {
	case j == nil:
	case j.camera != nil:
		m.renewed(j.camera, r)
	default:
		m.met(j.host, j, r)
	}
}

// renewed takes in what a known camera says of itself. Across a router nothing but its own word tells
// that it is still the same.
func (m *Machine) renewed(c *camera, r protocol.Interviewed) {
	h := m.hostAt(c.ip)
	if r.Proof == "" {
		if r.Open {
			c.confirmed = m.now
		}
		c.login, c.problem = cmp.Or(r.Login, c.login), cmp.Or(clean(r.Problem), c.problem)
		m.postpone(c)
		return
	}
	if agree, differ := c.compare(h, r); differ > agree && !m.doubted(c, h) {
		m.displace(c, "a device that calls itself otherwise")
		m.anew(h, h.mac)
		m.identify(h, r)
		return
	} else if differ > agree && !c.doubt.IsZero() {
		return
	}
	c.doubt = time.Time{}
	c.renewals, c.confirmed = 0, m.now
	m.answered(c)
	m.learn(c, h, r)
}

// doubted begins or goes on with the doubt whether a camera that calls itself otherwise than before still
// is the one whose MAC was seen at its address; false if it never was the MAC that told. If the MAC is
// seen there once more, it is the camera, with another mind.
func (m *Machine) doubted(c *camera, h *host) bool {
	switch {
	case c.mac == "" || c.mac != h.mac:
		return false
	case h.macSeen.After(c.doubt) && !c.doubt.IsZero():
		c.doubt = time.Time{}
	case c.doubt.IsZero():
		c.doubt = m.now
		fallthrough
	default:
		c.renew = m.now.Add(searchPause)
		m.missing(c)
	}
	return true
}

// postpone asks again later, each time twice as late.
func (m *Machine) postpone(c *camera) {
	c.renewals++
	c.renew = m.now.Add(doubled(10*time.Minute, c.renewals-1, time.Hour))
	if c.login == protocol.LoginMissing || c.login == protocol.LoginLocked || c.login == protocol.LoginWrong {
		c.renew = m.now.Add(time.Hour)
	}
	m.stale = true
}

// met takes in what a host said of which no camera was known at that address.
func (m *Machine) met(h *host, j *job, r protocol.Interviewed) {
	if c := m.contendedBy(h); c != nil {
		open := r.Open || r.Proof != ""
		c.contest.open, c.contest.word = verdictOf(open), &r
		if !open {
			m.unproven(h, j, r)
		}
		m.decide(c)
		return
	}
	if r.Proof == "" {
		m.unproven(h, j, r)
		return
	}
	h.tries = 0
	m.unsuspect(h)
	m.identify(h, r)
}
