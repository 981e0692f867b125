package frigate

// Configure has the machine go by other rules from now on. Objects of a label that is no fire any more
// are no longer asked for; what was told of them stays told.
func (m *Machine) Configure(r Rules) {
	m.rules = r
	for o := range m.followed {
		if !r.counts(o.label) {
			delete(m.followed, o)
		}
	}
}
