package discovery

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// What the NVR says of its cameras: whether pictures arrive, and which name it gives to whom.

const (
	// wordFor is how long the NVR's word on a camera counts: two and a half of its reports.
	wordFor = 150 * time.Second
	// badWords in a row make a camera offline: an NVR that starts says 0 fps of all.
	badWords = 2
	// mostHostsOfName bounds the addresses of one of the NVR's cameras.
	mostHostsOfName = 8
)

// word is what the NVR said last of one of its cameras.
type word struct {
	name    string
	hosts   []string // IPs
	running bool
	bad     int // words in a row that it does not run
	problem string
	at      time.Time
}

// told takes in the NVR's word.
func (m *Machine) told(n protocol.NVRCamera) {
	name := clean(n.Name)
	if name == "" || name != n.Name {
		m.refuse("nvr name", "")
		return
	}
	w := m.words[name]
	if w == nil {
		if len(m.words) >= m.rules.MaxCameras && !m.dropWord() {
			m.refuse("nvr cameras", "")
			return
		}
		w = &word{name: name}
		m.words[name] = w
	}
	var hosts []string
	for _, s := range n.Hosts[:min(len(n.Hosts), mostHostsOfName)] {
		if ip, ok := protocol.ParseHostIP(s); ok && !slices.Contains(hosts, ip) {
			hosts = append(hosts, ip)
		}
	}
	if len(hosts) > 0 {
		w.hosts = hosts
	}
	w.at, w.running, w.problem = m.now, n.Running, clean(n.Problem)
	if w.bad++; n.Running {
		w.bad = 0
	} else if w.problem == "" {
		w.problem = "no pictures"
	}
	m.renamed, m.stale = true, true
	for _, c := range m.order {
		if n.Running && c.called(name) {
			c.pictures = m.now
		}
	}
}

// dropWord makes room among the NVR's cameras: one that it speaks of no more goes.
func (m *Machine) dropWord() bool {
	for name, w := range m.words {
		if m.now.Sub(w.at) >= wordFor {
			delete(m.words, name)
			return true
		}
	}
	return false
}

// watched notes that a detection of a camera came: somebody gets its pictures.
func (m *Machine) watched(s protocol.CameraSeen) {
	for _, c := range m.order {
		if !c.called(s.Camera) && (s.MAC == "" || s.MAC != c.mac || m.shared[c.mac]) {
			continue
		}
		c.pictures = later(c.pictures, s.At)
		m.stale = m.stale || !c.online
		for name := range c.names() {
			if w := m.words[name]; w != nil && s.At.After(w.at) {
				w.bad = 0
			}
		}
	}
}

// wordOn is the NVR's fresh word on a camera; nil if it says nothing. Of several channels the best
// counts: the device is there as long as one of them runs.
func (m *Machine) wordOn(c *camera) (best *word) {
	if len(m.words) == 0 {
		return nil
	}
	for name := range c.names() {
		w := m.words[name]
		if w == nil || m.now.Sub(w.at) >= wordFor {
			continue
		}
		m.by(w.at.Add(wordFor))
		if best == nil || w.bad < best.bad {
			best = w
		}
	}
	return best
}

// names are all that the camera is called.
func (c *camera) names() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if !yield(c.name) {
			return
		}
		for _, all := range [][]string{c.aliases, c.channels} {
			for _, name := range all {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// called says whether a name is the camera's.
func (c *camera) called(name string) bool {
	return name == c.name || slices.Contains(c.aliases, name) || slices.Contains(c.channels, name)
}

// call gives a camera further names.
func (c *camera) call(names ...string) {
	for _, name := range names {
		if name != "" && name != c.name && !slices.Contains(c.aliases, name) {
			c.aliases = append(c.aliases, name)
		}
	}
	if extra := len(c.aliases) - mostAliases; extra > 0 {
		c.aliases = slices.Delete(c.aliases, 0, extra)
	}
}

// settleNames gives each camera its name: the configuration's for its MAC, else the NVR's for its
// address if the two are one to one, else one made of its MAC. A name once given by the NVR stays until
// the NVR means another camera by it.
func (m *Machine) settleNames() {
	if !m.renamed {
		return
	}
	m.renamed = false
	meant, called := m.meant()
	// single is the one camera that the NVR means by a name, if it calls it nothing else.
	single := func(name string) *camera {
		if all := meant[name]; len(all) == 1 && len(called[all[0]]) == 1 {
			return all[0]
		}
		return nil
	}
	for _, c := range m.order {
		names := called[c]
		slices.Sort(names)
		c.aliases = slices.DeleteFunc(c.aliases, func(alias string) bool {
			other := single(alias)
			return other != nil && other != c
		})
		switch nvr := ""; {
		case len(names) > 1:
			m.rename(c, cmp.Or(m.rules.Names[c.address()], m.nameOf(c)))
		default:
			if len(names) == 1 && single(names[0]) == c && !m.reserved(names[0]) {
				nvr = names[0]
			} else if m.words[c.name] != nil && single(c.name) == nil && !m.reserved(c.name) {
				nvr = c.name // it has moved, and the NVR has not heard of it
			}
			m.rename(c, m.chosen(c, nvr))
			m.alias(c, nvr)
			names = nil
		}
		if !slices.Equal(names, c.channels) {
			c.channels = names
			m.changed(c)
		}
	}
}

// meant says which cameras the NVR means by each of its names, and what it calls each camera. What it
// has stopped to speak of, it calls nobody.
func (m *Machine) meant() (byName map[string][]*camera, byCamera map[*camera][]string) {
	byName, byCamera = make(map[string][]*camera), make(map[*camera][]string)
	var newest time.Time
	for _, w := range m.words {
		newest = later(newest, w.at)
	}
	for _, w := range m.words {
		for _, ip := range w.hosts {
			c := m.at[ip]
			if c != nil && newest.Sub(w.at) < 2*wordFor && !slices.Contains(byName[w.name], c) {
				byName[w.name] = append(byName[w.name], c)
				byCamera[c] = append(byCamera[c], w.name)
			}
		}
	}
	return byName, byCamera
}

// chosen is the name that a camera is to have.
func (m *Machine) chosen(c *camera, nvr string) string {
	if name := m.rules.Names[c.address()]; name != "" {
		return name
	}
	return cmp.Or(nvr, m.nameOf(c))
}

// reserved says whether the configuration gives a name to some MAC: nobody else gets it.
func (m *Machine) reserved(name string) bool {
	for _, taken := range m.rules.Names {
		if taken == name {
			return true
		}
	}
	return false
}

// alias makes the NVR's name another name of a camera that the configuration calls otherwise.
func (m *Machine) alias(c *camera, name string) {
	if name != "" && !c.called(name) {
		c.call(name)
		m.changed(c)
	}
}

// rename gives a camera a name. One that we made up goes on meaning it.
func (m *Machine) rename(c *camera, name string) {
	if name == c.name {
		return
	}
	old := c.name
	c.name = name
	c.aliases = slices.DeleteFunc(c.aliases, func(alias string) bool { return alias == name })
	if strings.HasPrefix(old, madeUp) {
		c.call(old)
	}
	m.changed(c)
}

// madeUp is how names begin that we make of MACs.
const madeUp = "cam_"

// nameOf is a name made of what a camera is known by.
func (m *Machine) nameOf(c *camera) string {
	if mac := c.address(); mac != "" {
		return madeUp + strings.ReplaceAll(mac, ":", "")
	}
	return madeUp + plain(c.key)
}

// address is the MAC that a camera goes by: of its frames, or one that it reports; empty if it is known
// by something else.
func (c *camera) address() string {
	if c.mac == c.key {
		return c.mac
	}
	mac, _ := protocol.ParseMAC(c.key)
	return mac
}

// plain makes a word of letters, digits and _ of a key.
func plain(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, key)
}
