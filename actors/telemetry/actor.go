// Package telemetry numbers what happens and reports how things are: events, health of the four
// services, figures of the machine (SPEC §4).
//
// It decides nothing about fire or water. It promises that every event has a number of its own,
// rising by one from 1 in the order in which the events reached it, with the pump's state at that
// moment; that everything refused is counted by source and reason, and that neither the counters
// nor the log can be filled by a flood. It must never hold secrets: what it is told, it publishes.
//
// The event health_report goes out with each health report of gpio_trigger while the broker is
// connected: it is the pulse that dashboards watch. It does not queue up during an outage, where
// it would push out what happened; a history does well to leave it out.
package telemetry

import (
	"context"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// Settings is what telemetry is made of. Host, Boot and Instance are required.
type Settings struct {
	Config Config
	// Site, Host, Version: names for reports. Boot names this process: an event is unique by Boot
	// and Seq. Instance is the bridge's.
	Site, Host, Boot, Instance, Version string
	// Recovered is what the journal found: boots, the last stop, safe mode.
	Recovered protocol.Recovered
	// Known is how many cameras the configuration names.
	Known int
	// Dir is a folder on the disk whose room matters: the journal's.
	Dir string
	// AskKernel: no filter of system calls is on, so that the kernel may be asked about its clock.
	AskKernel bool
	// Figures are the mailboxes' (House.Figures), Queue the bridge's; nil: none.
	Figures func() []actors.Figures
	Queue   func() (waiting int, dropped, missed uint64)
	// Sample measures the machine; nil: with the operating system's figures. It runs outside the
	// mailbox.
	Sample func(ctx context.Context) Sample
	Log    *zap.Logger
}

// Kind is how to spawn it: it may restart by itself.
var Kind = actors.Kind{Name: "telemetry", BulkLimit: 4096}

// Actor is telemetry. Give the same value to the house again after a panic: the numbers of the
// events must go on.
type Actor struct {
	s      Settings
	ledger ledger
	logins logins
	since  time.Time // first start; zero before
	busy   bool      // a sample is being taken
	due    bool      // the next sample is also to be reported on system/telemetry

	reported time.Time // system/telemetry was due last; zero: never
	news     bool      // a report out of turn is due soon
}

// New makes telemetry.
func New(s Settings) *Actor {
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	if s.Figures == nil {
		s.Figures = func() []actors.Figures { return nil }
	}
	if s.Queue == nil {
		s.Queue = func() (int, uint64, uint64) { return 0, 0, 0 }
	}
	if s.Dir == "" {
		s.Dir = "."
	}
	if s.Sample == nil {
		s.Sample = measure(s.Dir, s.AskKernel)
	}
	return &Actor{s: s, ledger: newLedger()}
}

// sampled comes back from outside the mailbox.
type sampled struct{ sample Sample }

// Started reports at once: the bridge keeps it until the broker is there.
func (a *Actor) Started(c *actors.Context) {
	if a.since.IsZero() {
		a.since = c.Now()
	}
	a.busy, a.news, a.reported = false, false, time.Time{} // work and timers of an instance before never come back
	c.After("health", a.s.Config.HealthInterval)
	a.reportAll(c)
	a.sampleNow(c)
}

// Stopping leaves nothing to do.
func (a *Actor) Stopping(*actors.Context) {}

// Receive keeps the books.
func (a *Actor) Receive(c *actors.Context, msg any) {
	l := &a.ledger
	switch m := msg.(type) {
	case protocol.Occurred:
		a.occurred(c, m)
	case protocol.Rejected:
		if kind, first := l.reject(m); first {
			a.s.Log.Info("input refused", zap.String("source", kind.Source),
				zap.String("reason", kind.Reason), zap.String("camera", m.Camera), zap.String("user", m.User))
		}
		if m.Login != "" {
			a.logins.note(m)
			a.tellLogins(c)
		}
	case protocol.Fault:
		a.fault(c, m)
	case protocol.PumpStatus:
		a.changed(c, !l.heardPump || m.State != l.pump.State)
		l.pump, l.heardPump = m, true
	case protocol.LineReport:
		a.changed(c, m.Available != l.available)
		l.available = m.Available
	case protocol.CameraVerdict:
		l.verdict(m)
	case protocol.ConsensusStatus:
		l.consensus = m
	case protocol.DiscoveryStatus:
		a.changed(c, !l.searched || m.Known != l.discovery.Known || m.Online != l.discovery.Online)
		l.discovery, l.searched = m, true
	case protocol.BrokerLink:
		l.links[m.Service] = m.Connected
	case Config:
		a.configure(c, m)
	case sampled:
		a.busy = false
		c.Publish(protocol.MachineSample{MachineView: m.sample.view(), At: c.Now()})
		if a.due {
			a.due = false
			a.system(c, m.sample)
		}
	case actors.Fired:
		a.fired(c, m.Name)
	}
}

// configure takes other intervals, from now on. The system sends the Config.
func (a *Actor) configure(c *actors.Context, to Config) {
	before := a.s.Config
	a.s.Config = to
	if to.HealthInterval != before.HealthInterval {
		c.After("health", to.HealthInterval)
	}
	if to.SystemInterval != before.SystemInterval {
		c.After("system", to.SystemInterval)
	}
}

func (a *Actor) occurred(c *actors.Context, o protocol.Occurred) {
	if o.At.IsZero() {
		o.At = c.Wall()
	}
	e := a.ledger.number(o, a.s.Host, a.s.Boot)
	if e.Action != protocol.HealthReport {
		a.s.Log.Info(string(e.Action), zap.Uint64("seq", e.Seq),
			zap.Stringer("state", e.System.State), zap.String("reason", e.Reason))
	}
	c.Publish(e)
}

func (a *Actor) fault(c *actors.Context, f protocol.Fault) {
	if !a.ledger.fault(f) {
		return
	}
	a.changed(c, true)
	if f.Cleared {
		a.s.Log.Info("fault cleared", zap.String("code", f.Code))
		return
	}
	a.s.Log.Warn("fault", zap.String("code", f.Code), zap.String("text", f.Text))
}

// newsAfter is how soon a change shows in the retained reports.
const newsAfter = time.Second

// changed asks for a report out of turn: a pump in ERROR must not read healthy for a minute.
func (a *Actor) changed(c *actors.Context, yes bool) {
	if yes && !a.news {
		a.news = true
		c.After("news", newsAfter)
	}
}

func (a *Actor) fired(c *actors.Context, timer string) {
	switch timer {
	case "health":
		c.After("health", a.s.Config.HealthInterval)
		a.reportAll(c)
		a.pulse(c)
		a.tell()
	case "news":
		a.reportAll(c)
	case "logins":
		a.tellLogins(c)
	case "look":
		a.sampleNow(c)
	}
}

func (a *Actor) reportAll(c *actors.Context) {
	a.news = false
	c.Cancel("news")
	for _, s := range protocol.Services {
		c.Publish(a.report(s, c.Now(), c.Wall()).publication())
	}
}

// pulse is the event health_report.
func (a *Actor) pulse(c *actors.Context) {
	if a.ledger.links[eventsGoBy] {
		h := a.report(protocol.GPIOTrigger, c.Now(), c.Wall())
		a.occurred(c, protocol.Occurred{Action: protocol.HealthReport,
			Details: map[string]any{"healthy": h.Healthy, "uptime": h.Uptime}})
	}
}

// eventsGoBy is the connection that events leave by.
const eventsGoBy = protocol.Telemetry

// tell logs what was refused since it told last, in one line per kind, a few kinds at most.
func (a *Actor) tell() {
	said := 0
	for kind, n := range a.ledger.unsaid {
		if said++; said > 10 {
			break
		}
		a.s.Log.Info("input refused again", zap.String("source", kind.Source),
			zap.String("reason", kind.Reason), zap.Uint64("times", n))
	}
	clear(a.ledger.unsaid)
}

// The machine is looked at more often than it is reported: trouble with it is to be known within ten
// seconds (5 s by default).
const (
	looks     = 12 // in each system_interval, if that leaves leastLook between two
	leastLook = time.Second
)

// sampleNow looks at the machine, now and then for system/telemetry too.
func (a *Actor) sampleNow(c *actors.Context) {
	every := a.s.Config.SystemInterval
	c.After("look", every/min(looks, max(1, every/leastLook)))
	if a.reported.IsZero() || c.Now().Sub(a.reported) >= every {
		a.due, a.reported = true, c.Now()
	}
	if a.busy {
		return
	}
	a.busy = true
	sample := a.s.Sample
	c.Go(func(ctx context.Context) any {
		ctx, cancel := context.WithTimeout(ctx, sampleWithin)
		defer cancel()
		return sampled{guarded(ctx, sample)}
	})
}

// guarded keeps a panic in somebody's /proc from ending the figures for good.
func guarded(ctx context.Context, sample func(context.Context) Sample) (s Sample) {
	defer func() { _ = recover() }()
	return sample(ctx)
}

func (a *Actor) system(c *actors.Context, s Sample) {
	p, ok := system{Host: a.s.Host, Instance: a.s.Instance, Timestamp: seconds(c.Wall()),
		Uptime: c.Now().Sub(a.since).Seconds(), Sample: s}.publication()
	if ok {
		c.Publish(p)
	}
}

var _ actors.Actor = (*Actor)(nil)
