// Package discovery finds the cameras on the network, knows them again wherever they turn up, and says
// how they are (SPEC §5).
//
// It decides whether a host is a camera (only one that proves it), which camera it is (by the MAC of its
// frames; where there is none by what it says of itself; never by its IP), whether it is online, when to
// look for what, and which login may be tried on whom. It promises that a camera which moves stays the
// same camera, and that two are never taken for one: where that cannot be told apart they count as two,
// and the operator is asked; that an answer which comes late changes nothing; that what it remembers, and
// what is under way at once, is bounded; that everybody hears at once what has become of a camera.
//
// It must never lock a camera's account: a login is tried at most once on a camera in an hour, three are
// refused there at most, and what is about to be tried is on disk before it is tried. It must never tell
// a login to anybody but the camera, nor hold up anything else: it does no network or disk work itself.
package discovery

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// Network is who goes out on it. Every method may block until ctx ends; none keeps anything running after
// it has returned. Sightings may be told on any goroutine, until the method returns.
type Network interface {
	Scan(ctx context.Context, o protocol.ScanOrder, sighted func(protocol.Sighting)) protocol.ScanReport
	// Watch listens to who speaks up by himself until ctx ends; it returns early if it cannot listen.
	Watch(ctx context.Context, sighted func(protocol.Sighting))
	Interview(ctx context.Context, o protocol.InterviewOrder) protocol.Interviewed
	Check(ctx context.Context, o protocol.CheckOrder) protocol.Checked
}

// Settings is what discovery is made of.
type Settings struct {
	Config  Config
	Network Network
	// MaxCameras is [consensus] max_cameras, CameraTimeout its camera_timeout.
	MaxCameras    int
	CameraTimeout time.Duration
	// Names are the configuration's names by MAC (lower case with :).
	Names map[string]string
	// Maker tells who makes devices with that MAC, if they make cameras; nil: nobody knows.
	Maker func(mac string) string
	// YAML makes what frigate/config/cameras carries; nil: nothing is handed over.
	YAML func([]Camera) ([]byte, error)
	// Credentials reads the logins again; problem is what the operator must know. salt is for their
	// prints. nil: from the file that the configuration names.
	Credentials func(salt []byte) (c Credentials, problem string)
	// LedgerFile is where it is kept what was tried; empty: it is kept over restarts of the actor alone.
	LedgerFile string
	Clock      actors.Clock
	Log        *zap.Logger
}

// Kind is how to spawn it: it may restart by itself. A sweep of a /20 fits its mailbox.
var Kind = actors.Kind{Name: "discovery", BulkLimit: 8192}

// New returns what makes the actor; spawn it as Kind. What was tried, and the generations given out,
// outlive an instance; what is known of cameras does not: it is found again.
func New(s Settings) func() actors.Actor {
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	if s.Clock == nil {
		s.Clock = actors.SystemClock{}
	}
	if s.Credentials == nil {
		s.Credentials = func(salt []byte) (Credentials, string) {
			return readLogins(s.Config.CredentialsFile, salt)
		}
	}
	k := &keeper{path: s.LedgerFile, clock: s.Clock}
	generation, configured := new(atomic.Uint64), new(atomic.Pointer[Configured])
	return func() actors.Actor {
		return &Actor{s: s, keeper: k, generation: generation, configured: configured}
	}
}

// Actor is the shell around the machine.
type Actor struct {
	s          Settings
	keeper     *keeper
	generation *atomic.Uint64
	configured *atomic.Pointer[Configured] // the newest; nil: none has come. It outlives an instance
	machine    *Machine                    // nil until the ledger is read
	salt       []byte
	saved      uint64 // LedgerChanges at the last save
	armed      time.Time
	faults     map[string]string // code → text, as told last
	reduced    string
}

// Messages of its own.
type (
	// opened: the ledger and the logins were read.
	opened struct {
		ledger  Ledger
		salt    []byte
		problem string
		logins  logins
	}
	logins struct {
		credentials Credentials
		problem     string
	}
	// sighted is a sighting for one instance: another has not asked for it.
	sighted struct {
		protocol.Sighting
		of *Actor
	}
	kept    struct{ problem string }
	unheard struct{} // nobody listens any more
)

// reread is how often the file of logins is looked at, listenAgain how soon listening is tried again.
const (
	reread      = time.Minute
	listenAgain = time.Minute
)

// Started reads what was tried before, and begins.
func (a *Actor) Started(c *actors.Context) {
	a.faults = make(map[string]string)
	c.Go(func(context.Context) any {
		o := opened{}
		o.ledger, o.salt, o.problem = a.keeper.load()
		o.logins.credentials, o.logins.problem = a.s.Credentials(o.salt)
		return o
	})
}

// Stopping leaves nothing to do: what was under way is cancelled.
func (a *Actor) Stopping(*actors.Context) {}

// Receive feeds the machine.
func (a *Actor) Receive(c *actors.Context, msg any) {
	switch m := msg.(type) {
	case opened:
		a.open(c, m)
		return
	case kept:
		a.fault(c, FaultLedger, m.problem)
		return
	case Configured:
		a.configured.Store(&m)
	}
	if a.machine == nil {
		return
	}
	switch m := msg.(type) {
	case sighted:
		if m.of == a {
			a.step(c, m.Sighting)
		}
	case logins:
		a.enter(c, m)
	case Configured:
		a.machine.Configure(a.s.with(a.configured.Load()).rules())
		a.step(c, Woke{})
	case Asked:
		m.Reply(a.machine.List())
	case unheard:
		c.After("listen", listenAgain)
	case actors.Fired:
		a.fired(c, m.Name)
	case protocol.ScanReport:
		a.reduce(m.Reduced)
		a.step(c, m)
	case protocol.Interviewed, protocol.Checked, protocol.NVRCamera, protocol.CameraSeen:
		a.step(c, m)
	}
}

// open begins to look around.
func (a *Actor) open(c *actors.Context, o opened) {
	a.salt = o.salt
	a.fault(c, FaultLedger, o.problem)
	a.machine = NewMachine(a.s.with(a.configured.Load()).rules(), a.generation.Load(), o.ledger, c.Now())
	a.enter(c, o.logins)
	a.listen(c)
	c.After("logins", reread)
}

func (a *Actor) fired(c *actors.Context, timer string) {
	switch timer {
	case "deadline":
		a.armed = time.Time{}
		a.step(c, Woke{})
	case "listen":
		a.listen(c)
	case "logins":
		c.After("logins", reread)
		salt := a.salt
		c.Go(func(context.Context) any {
			var l logins
			l.credentials, l.problem = a.s.Credentials(salt)
			return l
		})
	}
}

// enter hands the logins to the machine.
func (a *Actor) enter(c *actors.Context, l logins) {
	a.fault(c, FaultCredentials, l.problem)
	a.step(c, l.credentials)
}

// step feeds the machine and carries out what it says.
func (a *Actor) step(c *actors.Context, in any) {
	outcomes := a.machine.Step(in, c.Now())
	a.generation.Store(a.machine.Generation())
	save := a.book(c)
	for _, out := range outcomes {
		a.carryOut(c, out, save)
	}
	if until := a.machine.Until(); !until.Equal(a.armed) {
		c.After("deadline", until.Sub(c.Now()))
		a.armed = until
	}
}
