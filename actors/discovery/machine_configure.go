package discovery

// Configure has the machine go by other rules from now on. What is known of cameras, what was tried on
// whom and what is under way stay; the next full scan and the next checks are planned anew from the last
// ones, and the NVR is handed its cameras once more: what it is to look for may be another.
func (m *Machine) Configure(r Rules) {
	before := m.rules
	m.rules = r
	if s := &m.scan; !s.last.IsZero() && (before.Discovery != r.Discovery || before.Steady != r.Steady) {
		every := r.Steady
		if s.cycle < firstScans {
			every = r.Discovery
		}
		s.next = s.last.Add(every)
	}
	if before.Health != r.Health {
		for _, c := range m.order {
			c.phase = m.phase(c.ordinal)
			c.replan(m)
		}
	}
	if len(m.order) > 0 {
		m.talk.handover = m.now.Add(handoverAfter)
	}
	m.stale = true
}

// replan moves the next check into the interval of now; one that is due is not put off.
func (c *camera) replan(m *Machine) {
	if c.job != 0 || !m.now.Before(c.due) {
		return
	}
	due := c.due
	if c.plan(m); c.lost > 0 && due.Before(c.due) {
		c.due = due // a retry keeps its time
	}
}
