package discovery

import (
	"fmt"
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// A camera that is seen at a second address has moved, or several devices look like one: a repeater
// gives all behind it its own MAC, a kernel's table is old, firmware is cloned, somebody lies. So the
// first address is asked whether the camera is still there, and the second who it is. Only when the
// first is dead, or another's, has it moved. When both live they are one device only if two of its marks say so and
// none says otherwise; else they are kept apart, and the operator is asked.

// contest is a claim to a camera's identity by another address.
type contest struct {
	ip    string
	firm  bool                  // the claim does not rest on an old table
	open  verdict               // a camera may be at the new address
	held  verdict               // the old address still answers
	word  *protocol.Interviewed // what the new one says
	began time.Time
	until time.Time
}

// verdict is what is known of a claim.
type verdict int

const (
	open verdict = iota
	yes
	no
)

func verdictOf(is bool) verdict {
	if is {
		return yes
	}
	return no
}

// contestFor bounds a contest: what is not decided by then is left as it is.
const contestFor = time.Minute

// contend begins or goes on with a contest of an address for a camera. r is what the address says, if
// it was asked already.
func (m *Machine) contend(c *camera, h *host, firm bool, r *protocol.Interviewed) {
	if c.displaced || c.lost > 0 || !c.online {
		if firm || r != nil {
			m.move(c, h.ip)
			if r != nil && r.Proof != "" {
				m.learn(c, h, *r)
			}
			return
		}
	}
	if c.contest == nil {
		if r == nil && m.now.Before(h.next) && h.suspect == "" {
			return // it was asked, and is none
		}
		c.contest = &contest{ip: h.ip, began: m.now, until: m.now.Add(contestFor)}
		if !c.displaced {
			c.due = m.now
		}
	}
	if c.contest.ip != h.ip {
		return // one at a time: it will be seen again
	}
	c.contest.firm = c.contest.firm || firm
	if r != nil {
		c.contest.open, c.contest.word = yes, r
	} else if c.contest.open == open && h.job == 0 {
		m.waiting[h] = true
	}
	m.stale = true
}

// contendedBy is the camera whose identity a host claims.
func (m *Machine) contendedBy(h *host) *camera {
	for _, c := range m.order {
		if c.contest != nil && c.contest.ip == h.ip {
			return c
		}
	}
	return nil
}

// decide ends a contest when enough is known.
func (m *Machine) decide(c *camera) {
	t := c.contest
	if t == nil {
		return
	}
	h := m.hostAt(t.ip)
	gone := t.held == no || c.displaced
	switch {
	case gone && (t.firm || t.open == yes):
		m.move(c, t.ip)
		if t.word != nil && t.word.Proof != "" {
			m.learn(c, h, *t.word)
		}
	case t.open == no && (gone || t.held == yes), !m.now.Before(t.until):
		c.contest = nil
	case t.held == yes && t.open == yes && c.confirmed.Before(t.began):
		c.renew = m.now // something answers where it was: is it that camera?
	case t.held == yes && t.open == yes:
		c.contest = nil
		m.twice(c, h, *t.word)
	}
}

// twice decides what two living addresses with one identity are.
func (m *Machine) twice(c *camera, h *host, r protocol.Interviewed) {
	agree, differ := c.compare(h, r)
	if r.Proof != "" && differ == 0 && agree >= 2 {
		m.adopt(c, h)
		return
	}
	if h.mac != "" && h.mac == c.mac {
		m.share(h.mac)
	}
	if differ == 0 && r.Proof != "" {
		m.clash(fmt.Sprintf("%s and %s look like one camera and both live: they count as two; if they "+
			"are one, give it one address", c.ip, h.ip), time.Hour)
	}
	if r.Proof == "" {
		m.unproven(h, &job{learned: h.learned}, r)
		return
	}
	if other, _ := m.match(h, r); other != nil && other != c {
		m.contend(other, h, true, &r)
		return
	}
	m.create(h, r)
}

// adopt makes an address a further one of a camera's.
func (m *Machine) adopt(c *camera, h *host) {
	if len(c.also) < mostAlso {
		c.also = append(c.also, h.ip)
		slices.Sort(c.also)
		m.at[h.ip] = c
	}
	m.mark(c, h)
	m.dismiss(h, strangerFor)
	m.renamed = true
	m.changed(c)
}

// clash notes what only the operator can put in order; it stands for so long after it was last seen.
func (m *Machine) clash(text string, stands time.Duration) {
	if len(m.clashes) >= mostClashes && m.clashes[text].IsZero() {
		return
	}
	m.clashes[text] = m.now.Add(stands)
	m.stale = true
}

const mostClashes = 20
