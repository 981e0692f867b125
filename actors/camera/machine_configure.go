package camera

import (
	"slices"
	"time"
)

// normal is the configuration as the machine compares by it.
func (c Config) normal() Config {
	labels := make([]string, len(c.Labels))
	for i, label := range c.Labels {
		labels[i] = plain(label)
	}
	c.Labels = labels
	return c
}

// criteria are what growth is judged by.
func (c *Config) criteria() [8]any {
	return [8]any{c.Window, c.MinArea, c.MaxArea, c.Ratio, c.Average, c.Hold, c.Skew, c.MaxSamples}
}

// Configure has the machine judge by other settings from now on. Settings that
// are the same change nothing, now and later. Samples and objects stay, but for those that a narrower
// label, area or bound shuts out. Growth is judged anew as far back as a late sample may rewrite it
// (max_clock_skew); what was seen before counts toward growth_hold.
func (m *Machine) Configure(c Config, now time.Time) {
	u := m.instant(now)
	m.catchUp(u)
	before := m.config
	m.config = c.normal()
	for _, o := range slices.Clone(m.objects) {
		if !m.config.follows(o.label) {
			m.drop(o)
		}
	}
	for over := len(m.objects) - m.config.MaxObjects; over > 0; over-- {
		m.drop(slices.MinFunc(m.objects, func(a, b *object) int { return compare(a.heard, b.heard) }))
		m.Lost.Objects++
	}
	for _, o := range m.objects {
		m.Lost.Samples += o.rejudge(&before, &m.config, u)
		m.evaluate(o, u)
	}
}

// rejudge computes growth anew from the floor of before, and says how many samples max_samples cost.
func (o *object) rejudge(before, c *Config, now instant) (lost int) {
	floor := o.floor(before, now)
	if o.swept < now {
		o.sweep(before, o.swept, now)
	}
	o.settle(floor)
	if before.criteria() != c.criteria() {
		o.past.grew = o.past.grew || o.grew // a fire that has its water keeps it
	}
	o.frozen = max(o.frozen, floor) // a wider skew does not reach behind it
	o.samples = slices.DeleteFunc(o.samples, func(s sample) bool { return s.area < c.MinArea })
	if lost = max(len(o.samples)-c.MaxSamples, 0); lost > 0 {
		o.samples = slices.Delete(o.samples, 0, lost)
		o.frozen = now
	}
	o.first, o.last = half{}, half{}
	o.sweep(c, floor, now)
	return lost
}
