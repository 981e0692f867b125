package discovery

import (
	"cmp"
	"slices"
)

// List is what discovery knows at one instant, for who looks on: a value that nobody changes.
type List struct {
	Cameras  []Camera  // sorted by name
	Suspects []Suspect // sorted by IP
	// Hosts are the addresses seen, cameras and suspects included. Asked are those that are being
	// interviewed, or wait to be.
	Hosts, Asked int
	// Rested: a full scan has ended, and everybody that it found was asked who he is.
	Rested bool
}

// Suspect is a host that may be a camera and has not proved it.
type Suspect struct{ MAC, IP, Maker, Why string }

// Asked asks the discovery actor for a List. Reply runs inside the actor and must not block.
type Asked struct{ Reply func(List) }

// List is what is known now.
func (m *Machine) List() List {
	l := List{Hosts: len(m.hosts)}
	for _, c := range m.order {
		l.Cameras = append(l.Cameras, m.snapshot(c))
		if m.hosts[c.ip] == nil {
			l.Hosts++
		}
	}
	for _, h := range m.hosts {
		if h.suspect != "" {
			l.Suspects = append(l.Suspects, Suspect{h.mac, h.ip, m.maker(h.mac), h.suspect + h.rivalry()})
		}
		if h.job != 0 || m.waiting[h] && h.suspect == "" {
			l.Asked++
		}
	}
	for _, j := range m.jobs {
		if j.camera != nil && j.kind == interview {
			l.Asked++
		}
	}
	slices.SortFunc(l.Cameras, func(a, b Camera) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key)) })
	slices.SortFunc(l.Suspects, func(a, b Suspect) int { return cmp.Compare(a.IP, b.IP) })
	l.Rested = m.scan.cycle > 0 && m.scan.ends.IsZero() && l.Asked == 0
	return l
}

// rivalry says who else claims the address.
func (h *host) rivalry() string {
	if h.rival == "" || h.rival == h.mac {
		return ""
	}
	return "; " + h.rival + " claims its address too"
}
