package discovery

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

// anyLife plays a random life of a network against the machine. What must hold is said by a model that knows
// the devices themselves: a camera is one of them, by its MAC, and nothing else.
type anyLife struct {
	*world
	rt     *rapid.T
	placed map[string]time.Time // when a camera was first seen to have an address
}

func (l *anyLife) pick(what string) *device {
	return l.devices[rapid.IntRange(0, len(l.devices)-1).Draw(l.rt, what)]
}

// free is an address that nobody has.
func (l *anyLife) free() string {
	for {
		ip := fmt.Sprintf("10.0.0.%d", rapid.IntRange(10, 40).Draw(l.rt, "ip"))
		if !slices.ContainsFunc(l.devices, func(d *device) bool { return d.ip == ip }) {
			return ip
		}
	}
}

func (l *anyLife) act() {
	d := l.pick("device")
	means := rapid.SampledFrom([]protocol.Means{protocol.ByARP, protocol.ByConnect, protocol.ByWSDiscovery,
		protocol.ByNeighbours}).Draw(l.rt, "means")
	switch rapid.IntRange(0, 13).Draw(l.rt, "act") {
	case 0: // it moves, and may say so
		d.ip = l.free()
	case 1:
		other := l.pick("other")
		d.ip, other.ip = other.ip, d.ip
	case 2:
		d.dead = true
	case 3:
		d.dead, d.frozen = false, false
	case 4:
		d.frozen = true
	case 5: // somebody's table is old
		ghost := *d
		ghost.ip = l.free()
		l.put(ghost.sighting(protocol.ByNeighbours, l.now))
	case 6: // answers are lost
		l.pending = slices.DeleteFunc(l.pending, func(a answer) bool { return a.order%3 == 0 })
		l.checks = 0
	case 7:
		l.slow = time.Duration(rapid.IntRange(0, 8000).Draw(l.rt, "slow")) * time.Millisecond
	case 8:
		l.put(protocol.NVRCamera{Name: rapid.SampledFrom([]string{"north", "south"}).Draw(l.rt, "name"),
			Hosts: []string{d.ip}, Running: rapid.Bool().Draw(l.rt, "running")})
	case 9:
		l.logins(fmt.Sprint("revision ", rapid.IntRange(0, 3).Draw(l.rt, "revision")), "a:1", "b:2", "c:3", "d:4", "e:5")
	case 10:
		s := d.sighting(means, l.now)
		s.Gone = true
		l.put(s)
	case 11:
		l.late()
	default:
		if !d.dead {
			l.sees(d, means)
		}
	}
}

// late gives an answer that is nobody's any more.
func (l *anyLife) late() {
	l.run(2 * time.Millisecond) // what is due anyway is not its doing
	before := l.known()
	l.rejected("")
	serial := "SN-LATE"
	for generation := range uint64(3) {
		g := l.m.generation - generation
		if j := l.m.jobs[g]; j != nil {
			continue
		}
		for _, key := range []string{macA, hostKey(ipA), hostKey(l.pick("late").ip)} {
			l.put(protocol.Interviewed{Key: key, Generation: g, IP: l.pick("where").ip, Proof: "onvif", Open: true,
				Serial: serial, MACs: []string{"bb:00:00:00:00:01"}})
			l.put(protocol.Checked{Key: key, Generation: g, IP: l.pick("where").ip, Alive: true})
		}
	}
	if after := l.known(); after != before {
		l.rt.Fatalf("a late answer changed\n%s\ninto\n%s", before, after)
	}
}

// holds checks what must hold at every instant.
func (l *anyLife) holds() {
	seen := make(map[*device]string)
	for _, c := range l.m.order {
		i := slices.IndexFunc(l.devices, func(d *device) bool { return d.mac == c.key })
		if owner := l.m.at[c.ip]; !c.displaced && owner != c {
			l.rt.Fatalf("%s is not found at %s:\n%s", c.key, c.ip, l.known())
		}
		if l.blind {
			continue // who took whose address unseen shows at the next sweep
		}
		if i < 0 || !l.devices[i].camera {
			l.rt.Fatalf("an invented camera:\n%s", l.known())
		}
		d := l.devices[i]
		if c.serial != "" && c.serial != d.serial {
			l.rt.Fatalf("%s was taken for %s:\n%s", d.serial, c.serial, l.known())
		}
		if seen[d] != "" {
			l.rt.Fatalf("%s counts twice:\n%s", d.mac, l.known())
		}
		seen[d] = c.key
	}
	names := make(map[string]bool)
	for _, c := range l.m.order {
		if names[c.name] {
			l.rt.Fatalf("two are called %s:\n%s", c.name, l.known())
		}
		names[c.name] = true
	}
	checks, _ := l.m.under(check)
	interviews, _ := l.m.under(interview)
	if checks > 8 || interviews > mostInterviews || len(l.m.jobs) != checks+interviews {
		l.rt.Fatalf("%d checks and %d interviews at once", checks, interviews)
	}
	for _, d := range l.devices {
		if l.blind {
			break // what goes to another's address unseen is nobody's to count
		}
		if n := within(d.refusals); n > 3 {
			l.rt.Fatalf("%s refused %d logins in an hour: %v", d.mac, n, d.tries)
		}
		for login, at := range d.tries {
			if login != d.login && within(at) > 1 {
				l.rt.Fatalf("%s was tried twice in an hour on %s", login, d.mac)
			}
		}
	}
}

// checked sees to it that no known camera was left unasked for two intervals.
func (l *anyLife) checked() {
	for _, c := range l.m.order {
		if c.displaced {
			delete(l.placed, c.key)
			continue
		}
		if l.placed[c.key].IsZero() {
			l.placed[c.key] = l.now
		}
		last := later(later(c.checked, c.answers), l.placed[c.key])
		if gap := l.now.Sub(last); gap > 2*l.m.rules.Health+l.m.rules.RTSP {
			l.rt.Fatalf("%s was not asked for %v:\n%s", c.key, gap, l.known())
		}
	}
}

func TestAnyLifeOfANetwork(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := &anyLife{world: newWorld(t, plainRules), rt: rt, placed: make(map[string]time.Time)}
		for i := range rapid.IntRange(1, 6).Draw(rt, "devices") {
			d := device{ip: fmt.Sprintf("10.0.0.%d", 10+i), mac: fmt.Sprintf("aa:00:00:00:00:%02x", 10+i),
				camera: true, maker: "Acme", serial: fmt.Sprintf("SN-%04d", i), epr: fmt.Sprintf("urn:uuid:%08d", i+1)}
			d.own = []string{d.mac}
			switch rapid.IntRange(0, 5).Draw(rt, "sort") {
			case 0:
				d.camera = false
			case 1:
				d.login = rapid.SampledFrom([]string{"a:1", "e:5", "x:9"}).Draw(rt, "login")
			case 2:
				d.announce = true
			}
			l.add(d)
		}
		l.blind = rapid.IntRange(0, 3).Draw(rt, "blind") == 0
		l.logins("revision 0", "a:1", "b:2", "c:3", "d:4", "e:5")
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			l.act()
			l.holds()
			l.run(time.Duration(rapid.SampledFrom([]int{0, 1, 7, 60, 600}).Draw(rt, "seconds")) * time.Second)
			l.holds()
			l.checked()
		}
		// Peace: everybody lives, at an address of his own.
		l.slow = 0
		for _, d := range l.devices {
			d.dead, d.frozen = false, false
		}
		l.run(3 * time.Hour)
		l.holds()
		for _, d := range l.devices {
			c := l.m.cameras[d.mac]
			if d.camera && (d.login == "" || d.announce) && (c == nil || c.ip != d.ip || c.displaced) {
				rt.Fatalf("%s at %s is not known there:\n%s", d.mac, d.ip, l.known())
			}
			word := c != nil && l.m.wordOn(c) != nil
			if d.camera && d.login == "" && !word && !c.online {
				rt.Fatalf("%s is not online:\n%s", d.mac, l.known())
			}
		}
	})
}
