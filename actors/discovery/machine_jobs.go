package discovery

import (
	"time"

	"wildfire-watch/protocol"
)

// Work leaves the machine as an order with a number of its own, the generation, and comes back with it
// once. Whoever asked may have moved or be gone by then: such an answer is late, and changes nothing
// but the account of logins that were tried.

// Scan, Interview and Check are work: Within is how long it may take in all.
type (
	Scan struct {
		Order  protocol.ScanOrder
		Within time.Duration
	}
	Interview struct {
		Order  protocol.InterviewOrder
		Within time.Duration
	}
	Check struct {
		Order  protocol.CheckOrder
		Within time.Duration
	}
)

// kind tells two sorts of work apart.
type kind int

const (
	interview kind = iota
	check
)

// grace is how long after its deadline an answer may still come before the work counts as lost.
const grace = 10 * time.Second

// job is one order under way.
type job struct {
	kind    kind
	host    *host   // the host it is about; nil for a camera's
	camera  *camera // the camera it is about; nil for a host's
	ip      string
	account string            // whose logins were handed over
	prints  map[string]string // login's ID → print
	learned int               // the host's evidence when it was asked
	lost    bool              // a check of a camera that did not answer last time
	asked   time.Time
	ends    time.Time
}

// take ends the job that a result is of; nil if it is nobody's, or if its subject has moved, was
// dropped or asked anew meanwhile. booked hears of the job in any case in which it was ours.
func (m *Machine) take(generation uint64, k kind, key, ip string, booked func(*job)) *job {
	j := m.jobs[generation]
	if j == nil || j.kind != k {
		m.refuse("late", "")
		return nil
	}
	delete(m.jobs, generation)
	m.stale = true
	booked(j)
	if j.ip != ip || !j.wanted(m, generation) || j.key() != key {
		m.refuse("late", "")
		return nil
	}
	j.done()
	return j
}

// carried takes in which MAC the answer to an order came from, before the answer itself: if another
// device has the address by now, the answer is not the camera's, and the logins were refused by another.
// The kernel's table changes late: what was seen first hand since the order was given counts more.
func (m *Machine) carried(generation uint64, ip, mac string) {
	j := m.jobs[generation]
	mac, ok := protocol.ParseDeviceMAC(mac)
	if !ok || j == nil || j.ip != ip {
		return
	}
	if !m.shared[mac] {
		j.account = mac
	}
	if h := m.hosts[ip]; h != nil && h.mac != mac && h.macAt.After(j.asked) {
		return
	}
	m.sighted(protocol.Sighting{IP: ip, MAC: mac, At: m.now})
}

// wanted says whether the subject of a job still waits for it, where it was.
func (j *job) wanted(m *Machine, generation uint64) bool {
	if c := j.camera; c != nil {
		return m.cameras[c.key] == c && c.job == generation && c.ip == j.ip
	}
	return m.hosts[j.host.ip] == j.host && j.host.job == generation
}

func (j *job) key() string {
	if j.camera != nil {
		return j.camera.key
	}
	return hostKey(j.host.ip)
}

// hostKey is the key of an order about a host of which no camera is known.
func hostKey(ip string) string { return "host " + ip }

// done says to the subject that nothing is under way for it.
func (j *job) done() {
	if j.camera != nil {
		j.camera.job = 0
	} else {
		j.host.job = 0
	}
}

// expire gives up work of which no answer came. What it may have tried counts as tried.
func (m *Machine) expire() {
	for generation, j := range m.jobs {
		if m.now.Before(j.ends) {
			m.by(j.ends)
			continue
		}
		delete(m.jobs, generation)
		if !j.wanted(m, generation) {
			continue
		}
		j.done()
		switch {
		case j.kind == check:
			m.lost(j.camera, "no answer to a check")
		case j.camera != nil:
			m.postpone(j.camera)
		default:
			m.unproven(j.host, j, protocol.Interviewed{Open: true, Suspect: "its interview came to no end"})
		}
	}
}

// begin registers an order and returns its generation.
func (m *Machine) begin(j *job, within time.Duration) uint64 {
	m.generation++
	j.asked, j.ends = m.now, m.now.Add(within+grace)
	m.jobs[m.generation] = j
	m.by(j.ends)
	if j.camera != nil {
		j.camera.job = m.generation
	} else {
		j.host.job = m.generation
	}
	return m.generation
}

// under counts what is under way: of one kind, and of it for cameras that did not answer last time.
func (m *Machine) under(k kind) (all, lost int) {
	for _, j := range m.jobs {
		if j.kind == k {
			all++
			if j.lost {
				lost++
			}
		}
	}
	return all, lost
}
