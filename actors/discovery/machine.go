package discovery

import (
	"time"

	"wildfire-watch/protocol"
)

// Rules are what the machine decides by.
type Rules struct {
	// Links, Networks, Wide, ARPRate and Ports go into each order to look around.
	Links, Networks []string
	Wide            bool
	ARPRate         int
	Ports           []int
	// Discovery is the time between the first three full scans, Steady between the later ones.
	Discovery, Steady time.Duration
	// Health is the time between two checks of a camera; Offline how long it may be silent.
	Health, Offline time.Duration
	// RTSP and ONVIF are the patience with one camera's services.
	RTSP, ONVIF time.Duration
	// Frames: a check counts pictures too.
	Frames bool
	// MaxCameras bounds what is known.
	MaxCameras int
	// Names are the configuration's names by MAC (lower case with :).
	Names map[string]string
	// Maker tells who makes devices with that MAC if they are cameras; nil: nobody knows.
	Maker func(mac string) string
}

// Woke is the input that says that the deadline named by Until has come, or that it begins.
type Woke struct{}

// The bounds of what is remembered and of what is under way at once.
const (
	mostHosts      = 4096 // addresses, cameras' apart
	mostSuspects   = 200
	mostShared     = 256 // MACs with several devices behind them
	mostChecks     = 8
	mostLostChecks = 4 // of them, for cameras that did not answer last time
	mostInterviews = 16
)

// Machine is what is known of the cameras on the network. One actor owns it; its methods keep no clock
// and do no I/O, but change it. Every method takes now, monotonic and never earlier than before.
type Machine struct {
	rules Rules
	begun time.Time
	now   time.Time
	out   []any

	hosts   map[string]*host // by IP
	waiting map[*host]bool   // those to be interviewed at their next
	suspect int              // hosts that are suspects

	cameras map[string]*camera // by key
	order   []*camera          // the same, the oldest first
	at      map[string]*camera // by IP, further addresses too
	shared  map[string]bool    // MACs behind which several devices were seen at one time
	ordinal int                // cameras ever made

	words map[string]*word // what the NVR says, by its names
	books books

	jobs       map[uint64]*job
	generation uint64
	scan       scanning
	clashes    map[string]time.Time // what to ask the operator → until when it stands
	talk       talking

	stale   bool // something changed: look what is due
	renamed bool // names are to be thought over
	until   time.Time
}

// NewMachine makes the machine that knows no camera. first is a number above every generation given out
// before; ledger is what was tried before.
func NewMachine(r Rules, first uint64, ledger Ledger, now time.Time) *Machine {
	m := &Machine{rules: r, begun: now, now: now, hosts: make(map[string]*host),
		waiting: make(map[*host]bool), cameras: make(map[string]*camera),
		at: make(map[string]*camera), shared: make(map[string]bool), words: make(map[string]*word),
		jobs: make(map[uint64]*job), clashes: make(map[string]time.Time), generation: first,
		stale: true}
	m.books.ledger = ledger.bounded(now)
	m.scan.next = now
	return m
}

// Generation is the highest number given out.
func (m *Machine) Generation() uint64 { return m.generation }

// Until is when Step wants to be called with Woke at the latest; it is never zero.
func (m *Machine) Until() time.Time { return m.until }

// Step takes one input and says what is to be done: protocol's orders as work (Scan, Interview, Check),
// messages to publish, and Announcement, Withdrawal, Handover.
func (m *Machine) Step(in any, now time.Time) []any {
	m.now = now
	switch in := in.(type) {
	case protocol.Sighting:
		m.sighted(in)
	case protocol.ScanReport:
		m.scanned(in)
	case protocol.Interviewed:
		m.carried(in.Generation, in.IP, in.MAC)
		m.interviewed(in)
	case protocol.Checked:
		m.carried(in.Generation, in.IP, in.MAC)
		m.checked(in)
	case protocol.NVRCamera:
		m.told(in)
	case protocol.CameraSeen:
		m.watched(in)
	case Credentials:
		m.entered(in)
	case Woke:
		m.stale = true
	}
	if m.stale || !now.Before(m.until) {
		m.tick()
	}
	out := m.out
	m.out = nil
	return out
}

// tick does what time has made due, and finds out when the next thing will be.
func (m *Machine) tick() {
	m.stale = false
	m.until = m.now.Add(longest)
	m.expire()
	m.settleNames()
	for _, c := range m.order {
		m.judge(c)
	}
	m.lookAround()
	m.interviewDue()
	m.checkDue()
	m.forgetClashes()
	m.settleNames() // who has moved meanwhile may be called otherwise
	m.announce()
	if m.stale { // what was decided late in this look may make something else due
		m.until = m.now
	}
	if !m.until.After(m.now) {
		m.until = m.now.Add(time.Millisecond) // never a loop without time passing
	}
}

// longest is the longest sleep: renewals need no nearer deadline.
const longest = time.Hour

// by says that something is due then.
func (m *Machine) by(t time.Time) {
	if t.Before(m.until) {
		m.until = t
	}
}

func (m *Machine) say(msg any) { m.out = append(m.out, msg) }

// refuse counts what came from outside and was not used.
func (m *Machine) refuse(reason, camera string) {
	m.say(protocol.Rejected{Source: "discovery", Reason: reason, Camera: camera})
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
