package camera

import (
	"slices"
	"time"

	"wildfire-watch/protocol"
)

const (
	// fragmentGap is how long after its last sighting an object can be continued under a new id.
	fragmentGap = 30 * time.Second
	// fragmentOverlap is the least intersection over union of a continuation.
	fragmentOverlap = 0.3
	// maxNames is how many ids of one object are remembered; the longest unheard goes.
	maxNames = 16
)

// identity is what a sender calls an object. An empty id is one object per label.
type identity struct{ label, id string }

// naming is one id of an object.
type naming struct {
	identity
	of    *object
	heard instant
}

// objectOf finds the object of a sighting that was heard at an instant: by its id, by overlap, or a
// new one.
func (m *Machine) objectOf(d *protocol.Detected, heard, now instant) *object {
	who := identity{plain(d.Label), d.Object}
	if n := m.names[who]; n != nil && now-n.heard <= m.config.keep() {
		n.heard = max(n.heard, heard)
		n.of.hear(d, heard)
		return n.of
	} else if n != nil {
		m.forget(n)
	}
	o := m.continued(who, d, heard, now)
	if o == nil {
		o = m.create(who, heard, now)
	}
	n := &naming{identity: who, of: o, heard: heard}
	m.names[who] = n
	o.names = append(o.names, n)
	if len(o.names) > maxNames {
		m.forget(slices.MinFunc(o.names, func(a, b *naming) int { return compare(a.heard, b.heard) }))
	}
	o.hear(d, heard)
	return o
}

func (o *object) hear(d *protocol.Detected, heard instant) {
	o.heard = max(o.heard, heard)
	if d.HasBox {
		o.box, o.hasBox = d.Box, true
	}
}

// continued is the object that a new id continues: the one with the most overlap, the older of two
// equals (SPEC §2 "Fragments").
func (m *Machine) continued(who identity, d *protocol.Detected, heard, now instant) (best *object) {
	if !d.HasBox || who.id == "" {
		return nil
	}
	most := 0.0
	for _, o := range m.objects {
		if o.label != who.label || !o.hasBox || heard-o.heard > fragmentGap ||
			now-o.heard > m.config.keep() {
			continue
		}
		if share := overlap(o.box, d.Box); share >= fragmentOverlap && share > most {
			best, most = o, share
		}
	}
	return best
}

// create makes room and adds an object: what nobody remembers goes, then the least recently heard.
func (m *Machine) create(who identity, heard, now instant) *object {
	if len(m.objects) >= m.config.MaxObjects {
		for _, o := range slices.Clone(m.objects) {
			if now-o.heard > m.config.keep() {
				m.drop(o)
			}
		}
	}
	if len(m.objects) >= m.config.MaxObjects {
		m.drop(slices.MinFunc(m.objects, func(a, b *object) int { return compare(a.heard, b.heard) }))
		m.Lost.Objects++
	}
	o := &object{label: who.label, id: who.id, heard: heard, until: never, frozen: -never}
	if o.id == "" {
		o.id = o.label
	}
	m.objects = append(m.objects, o)
	return o
}

// forget drops an id, and its object with the last one.
func (m *Machine) forget(n *naming) {
	delete(m.names, n.identity)
	n.of.names = slices.DeleteFunc(n.of.names, func(o *naming) bool { return o == n })
	if len(n.of.names) == 0 {
		m.drop(n.of)
	}
}

func (m *Machine) drop(o *object) {
	for _, n := range o.names {
		delete(m.names, n.identity)
	}
	m.count(o, -1)
	m.stale = m.stale || o.growing || o.steady
	m.objects = slices.DeleteFunc(m.objects, func(other *object) bool { return other == o })
}

func compare(a, b instant) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
