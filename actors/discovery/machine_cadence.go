package discovery

import (
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// The cadence of looking around (SPEC §5): three full scans, then seldom; a search for what is missing
// at once, and less and less often while it stays missing.

const (
	firstScans = 3
	// scanLimit bounds one look around; a /16 at 1,000 requests a second takes a minute.
	scanLimit = 10 * time.Minute
	// searchPause is the least time between two searches; it doubles while nothing new is missing.
	searchPause = 30 * time.Second
	// vainSearches without a find bring the next full scan forward.
	vainSearches = 2
)

// scanning is how far looking around has come.
type scanning struct {
	cycle  uint64 // full scans begun
	number uint64 // looks around begun, searches too: what reports are matched by
	ends   time.Time
	full   bool      // the one under way
	next   time.Time // the next full one
	last   time.Time // the last full one began
	report protocol.ScanReport
	steady bool

	search   time.Time // the next search; zero: none
	searched time.Time // the last one began
	vain     int       // searches since something new went missing
	hurried  bool      // a full scan was brought forward since
}

// missing notes that a camera is not where it was: it is searched for at once.
func (m *Machine) missing(*camera) {
	m.scan.vain, m.scan.hurried = 0, false
	m.scan.search = later(m.now, m.scan.searched.Add(searchPause))
	m.stale = true
}

// sought lists the MACs of the cameras that are missing, and whether some have none to search by.
func (m *Machine) sought() (macs []string, others bool) {
	for _, c := range m.order {
		if !c.displaced && c.lost < offlineLosses && c.doubt.IsZero() {
			continue
		}
		if c.mac == "" {
			others = true
		} else {
			macs = append(macs, c.mac)
		}
	}
	slices.Sort(macs)
	return slices.Compact(macs), others
}

// lookAround begins the scan or the search that is due, one at a time.
func (m *Machine) lookAround() {
	s := &m.scan
	if !s.ends.IsZero() && m.now.Before(s.ends) {
		m.by(s.ends)
		return
	}
	s.ends = time.Time{}
	macs, others := m.sought()
	if len(macs) == 0 && !others {
		s.search = time.Time{}
	}
	if !s.search.IsZero() && !s.hurried && (len(macs) == 0 || s.vain >= vainSearches) {
		s.hurried = true
		if hurry := later(m.now, s.last.Add(m.rules.Discovery)); hurry.Before(s.next) {
			s.next = hurry
		}
	}
	switch {
	case !m.now.Before(s.next):
		m.fullScan()
	case len(macs) > 0 && !s.search.IsZero() && !m.now.Before(s.search):
		m.searchFor(macs)
	default:
		m.by(s.next)
		if len(macs) > 0 && !s.search.IsZero() {
			m.by(s.search)
		}
	}
}

func (m *Machine) fullScan() {
	s := &m.scan
	s.cycle++
	s.full, s.last = true, m.now
	every := m.rules.Steady
	if s.cycle < firstScans {
		every = m.rules.Discovery
	}
	s.next = m.now.Add(every)
	for _, ip := range m.books.boundIPs() {
		m.sighted(protocol.Sighting{IP: ip, Means: protocol.BySettings, At: m.now})
	}
	m.look(nil)
}

func (m *Machine) searchFor(macs []string) {
	s := &m.scan
	s.full, s.searched = false, m.now
	s.search = m.now.Add(doubled(searchPause, s.vain, m.rules.Steady))
	s.vain++
	m.look(macs)
}

// look orders a look around.
func (m *Machine) look(wanted []string) {
	m.scan.number++
	m.scan.ends = m.now.Add(scanLimit + grace)
	m.by(m.scan.ends)
	known := m.knownIPs()
	m.say(Scan{Within: scanLimit, Order: protocol.ScanOrder{Cycle: m.scan.number, Links: m.rules.Links,
		Networks: m.rules.Networks, Wide: m.rules.Wide, Rate: m.rules.ARPRate, Known: known,
		Ports: m.rules.Ports, Wanted: wanted}})
	m.stale = true
}

// knownIPs are the addresses of the cameras, sorted.
func (m *Machine) knownIPs() []string {
	known := make([]string, 0, len(m.order))
	for _, c := range m.order {
		if !c.displaced {
			known = append(known, c.ip)
		}
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// scanned takes in what a look around covered. Its sightings may still be on their way.
func (m *Machine) scanned(r protocol.ScanReport) {
	s := &m.scan
	if s.ends.IsZero() || r.Cycle != s.number {
		m.refuse("late", "")
		return
	}
	s.ends = time.Time{}
	m.stale = true
	if !s.full {
		return
	}
	r.Reduced = clip(r.Reduced, 4*mostText)
	r.Skipped = r.Skipped[:min(len(r.Skipped), mostHostsOfName)]
	s.report = r
	s.steady = s.cycle >= firstScans
	m.talk.all = true
	m.unshare()
}
