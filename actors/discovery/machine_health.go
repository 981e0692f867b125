package discovery

import (
	"cmp"
	"fmt"
	"time"

	"wildfire-watch/protocol"
)

// How a camera is. A sign of life is an answer to a check or an interview, a detection, or the NVR's
// word that its pictures arrive and change; an ARP answer is none: a camera whose network card lives
// may be dead all the same.

// health is what is known of how one camera is.
type health struct {
	online   bool
	since    time.Time // it is so
	answers  time.Time // the last answer to us
	pictures time.Time // the last sign that somebody gets pictures
	// confirmed is when it last said who it is, or refused to say otherwise.
	confirmed time.Time
	lost      int    // checks without an answer, in a row
	problem   string // what the last answer, or its absence, says
	why       string // it is offline

	phase   time.Duration // of its checks within the interval
	due     time.Time     // the next check
	checked time.Time     // the last one was ordered
}

const (
	// offlineLosses is how many checks must be lost, besides the time, before a camera is offline: that
	// we had no time to ask is no fault of the camera's.
	offlineLosses = 2
	// soonest is the time between two checks of one camera at the least.
	soonest = 5 * time.Second
	// shortestCheck is the least patience when many cameras hang at once.
	shortestCheck = 2 * time.Second
)

// retries are the waits after lost checks; after the last of them it is the interval again.
var retries = []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second}

// alive is the last sign of life.
func (h *health) alive() time.Time { return later(h.answers, h.pictures) }

// plan sets the next check to the camera's place within the interval.
func (c *camera) plan(m *Machine) {
	every := m.rules.Health
	passed := m.now.Sub(m.begun) - c.phase
	n := passed/every + 1
	if passed < 0 {
		n = 0
	}
	c.due = m.begun.Add(c.phase + n*every)
}

// phase spreads the checks of all cameras evenly: each new one goes into one of the widest gaps.
func (m *Machine) phase(ordinal int) time.Duration {
	const golden = 0.6180339887498949
	share := float64(ordinal) * golden
	share -= float64(int(share))
	return time.Duration(share * float64(m.rules.Health))
}

// hasten asks a camera soon, but not without pause.
func (c *camera) hasten(m *Machine) {
	if at := later(m.now, c.checked.Add(soonest)); c.job == 0 && at.Before(c.due) {
		c.due = at
		m.stale = true
	}
}

// checkDue asks the cameras whose time has come, those due for longest first. Those that did not answer
// last time cost most of the time that there is: they have one place while others wait, and at most a
// few.
func (m *Machine) checkDue() {
	all, lost := m.under(check)
	for all < mostChecks {
		next, again := m.nextDue()
		if again != nil && (lost == 0 || next == nil && lost < mostLostChecks) {
			next = again
			lost++
		}
		if next == nil {
			return
		}
		all++
		m.check(next)
	}
}

// nextDue are the cameras that are due for longest: of those that answered last time, and of the others.
func (m *Machine) nextDue() (next, again *camera) {
	for _, c := range m.order {
		of := &next
		if c.lost > 0 {
			of = &again
		}
		switch {
		case c.job != 0 || c.displaced:
		case m.now.Before(c.due):
			m.by(c.due)
		case *of == nil || c.due.Before((*of).due):
			*of = c
		}
	}
	return next, again
}

// check orders one check.
func (m *Machine) check(c *camera) {
	patience := m.patience()
	if c.contest != nil {
		patience = min(patience, shortestCheck)
	}
	j := &job{kind: check, camera: c, ip: c.ip, lost: c.lost > 0}
	o := protocol.CheckOrder{Key: c.key, IP: c.ip, MAC: m.hostAt(c.ip).mac, XAddr: c.xaddr, Frames: m.rules.Frames, Time: patience}
	if len(c.streams) > 0 {
		o.Stream = c.streams[0]
	}
	j.account = m.accountOf(m.hostAt(c.ip).mac, c.ip)
	o.Login, j.prints = m.books.good(j.account, c.ip, c.mac, m.now)
	o.Generation = m.begin(j, patience)
	c.checked = m.now
	c.plan(m)
	m.say(Check{Order: o, Within: patience})
}

// patience with one check: as configured, less when so many cameras are known that their hanging at
// once would keep us from the rest.
func (m *Machine) patience() time.Duration {
	fair := m.rules.Health * mostChecks / time.Duration(max(len(m.cameras), 1))
	return min(m.rules.RTSP, max(fair, shortestCheck))
}

// checked takes in how a check ended.
func (m *Machine) checked(r protocol.Checked) {
	j := m.take(r.Generation, check, r.Key, r.IP, func(j *job) {
		if r.Refused {
			m.books.doubt(j, m.now)
		}
	})
	if j == nil {
		return
	}
	c := j.camera
	if !r.Alive || m.rules.Frames && r.Frames == 0 && !r.Refused {
		m.lost(c, cmp.Or(clean(r.Problem), "no picture came"))
		return
	}
	c.problem = clean(r.Problem)
	if c.mac == "" && c.lost > 0 {
		c.renew = m.now // nothing but its own word tells that it is still the same
	}
	if r.Refused && len(j.prints) > 0 {
		c.login, c.loginID = protocol.LoginWrong, ""
		c.renew = m.now.Add(hour)
	}
	m.answered(c)
	if c.contest != nil {
		c.contest.held = yes
		m.decide(c)
	}
}

// answered notes that a camera answered us.
func (m *Machine) answered(c *camera) {
	c.answers, c.lost = m.now, 0
	m.stale = true
}

// lost notes that a camera did not answer: it is asked again soon, and searched for if that is lost too.
func (m *Machine) lost(c *camera, problem string) {
	c.lost++
	c.problem = problem
	if c.lost <= len(retries) {
		c.due = m.now.Add(retries[c.lost-1])
	} else {
		c.plan(m)
	}
	if c.lost == offlineLosses {
		m.missing(c)
		if c.renew.IsZero() {
			m.postpone(c) // it may be there with other streams
		}
	}
	if c.contest != nil {
		c.contest.held = no
		m.decide(c)
	}
	m.stale = true
}

// judge says whether a camera is online, and tells when that changes.
func (m *Machine) judge(c *camera) {
	if c.contest != nil {
		m.by(c.contest.until)
		m.decide(c)
	}
	word := m.wordOn(c)
	bad := word != nil && !word.running
	if !c.online {
		if c.alive().After(c.since) && !bad && (c.mac != "" || c.confirmed.After(c.since)) {
			c.turn(m, true, "")
			if c.mac != "" {
				c.renew = m.now
			}
		}
		return
	}
	silent := c.alive().Add(m.rules.Offline)
	switch {
	case bad && word.bad >= badWords:
		c.turn(m, false, "the NVR says: "+word.problem)
	case c.lost < offlineLosses && !c.displaced:
	case m.now.Before(silent):
		m.by(silent)
	default:
		c.turn(m, false, cmp.Or(c.problem, fmt.Sprintf("no sign of life for %v", m.rules.Offline)))
	}
}

// turn puts a camera online or offline.
func (c *camera) turn(m *Machine, online bool, why string) {
	c.online, c.since = online, m.now
	m.stale = true
	action, word := protocol.CameraOffline, "offline"
	if online {
		action, word = protocol.CameraOnline, "online"
		c.why = ""
	} else {
		c.why = why
		m.missing(c)
	}
	m.status(c, word, why, "")
	m.happened(action, c, why, nil)
}
