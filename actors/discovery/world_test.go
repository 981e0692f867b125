package discovery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// device is one thing on the test's network: what it is, and how it is at the moment.
type device struct {
	ip, mac  string
	routed   bool // beyond a router: its MAC is not seen
	camera   bool // proves it
	announce bool // by WS-Discovery
	printer  bool
	epr      string
	maker    string
	model    string
	serial   string
	own      []string // MACs that it reports
	login    string   // "user:password" that it wants
	locked   bool
	dead     bool // no card, no answer
	frozen   bool // its card answers, its service does not
	suspect  string
	noDoors  bool

	refusals []time.Time // of logins, as it counts them
	tries    map[string][]time.Time
	checks   []time.Time
	asked    []time.Time // interviews
}

// lan is a network in memory, the same for the machine's tests and the actor's.
type lan struct {
	devices []*device
	blind   bool // answers do not tell from which MAC they came
}

// mac is what the kernel's table has for an address.
func (l *lan) mac(d *device) string {
	if d.routed || l.blind {
		return ""
	}
	return d.mac
}

func (l *lan) add(d device) *device {
	l.devices = append(l.devices, &d)
	return &d
}

// at is who answers at an address: the first living device there.
func (l *lan) at(ip string) *device {
	for _, d := range l.devices {
		if d.ip == ip && !d.dead {
			return d
		}
	}
	return nil
}

func (d *device) sighting(means protocol.Means, now time.Time) protocol.Sighting {
	s := protocol.Sighting{IP: d.ip, MAC: d.mac, Means: means, At: now}
	if d.routed {
		s.MAC = ""
	}
	switch {
	case means == protocol.ByWSDiscovery:
		s.EPR, s.Camera, s.Other = d.epr, d.camera, d.printer
		s.XAddrs = []string{"http://" + d.ip + "/onvif/device_service"}
	case means == protocol.ByConnect && !d.noDoors && !d.frozen:
		s.Doors = []protocol.Door{{Port: 554}}
	}
	return s
}

func (l *lan) scan(o protocol.ScanOrder, now time.Time) (all []protocol.Sighting) {
	for _, d := range l.devices {
		if d.dead {
			continue
		}
		if !d.routed {
			all = append(all, d.sighting(protocol.ByARP, now))
		}
		if len(o.Wanted) > 0 {
			continue
		}
		if d.announce && !d.frozen {
			all = append(all, d.sighting(protocol.ByWSDiscovery, now))
		}
		all = append(all, d.sighting(protocol.ByConnect, now))
	}
	return all
}

func (l *lan) interview(o protocol.InterviewOrder, now time.Time) protocol.Interviewed {
	r := protocol.Interviewed{Key: o.Key, Generation: o.Generation, IP: o.IP, At: now}
	d := l.at(o.IP)
	if d == nil || d.frozen {
		r.Problem = "no answer"
		return r
	}
	d.asked = append(d.asked, now)
	r.MAC = l.mac(d)
	r.Open, r.Suspect = !d.noDoors, d.suspect
	if r.MAC != "" && o.MAC != "" && o.MAC != r.MAC {
		o.Logins = nil
	}
	if d.login != "" {
		d.try(o.Logins, &r, now)
		if r.Login != protocol.LoginGood && !d.announce {
			r.Suspect = "wants a login"
			return r
		}
	} else {
		r.Login = protocol.LoginNone
	}
	if !d.camera {
		return r
	}
	r.Proof = "onvif"
	if r.Login == protocol.LoginGood || r.Login == protocol.LoginNone {
		r.Manufacturer, r.Model, r.Serial, r.MACs = d.maker, d.model, d.serial, d.own
		r.XAddr = "http://" + d.ip + "/onvif/device_service"
		r.Streams = []protocol.Stream{{Profile: "main", URL: "rtsp://" + d.ip + ":554/main", Codec: "H264",
			Width: 1920, Height: 1080}}
	}
	return r
}

// try tries logins as a careful client does: in order, each once, until one is good.
func (d *device) try(logins []protocol.Login, r *protocol.Interviewed, now time.Time) {
	if d.tries == nil {
		d.tries = make(map[string][]time.Time)
	}
	r.Login = protocol.LoginMissing
	if d.locked {
		r.Login = protocol.LoginLocked
		return
	}
	for _, l := range logins {
		secret := l.User + ":" + l.Password
		d.tries[secret] = append(d.tries[secret], now)
		if secret == d.login {
			r.Login, r.LoginID = protocol.LoginGood, l.ID
			return
		}
		d.refusals = append(d.refusals, now)
		r.Login, r.Refused = protocol.LoginWrong, append(r.Refused, l.ID)
	}
}

func (l *lan) check(o protocol.CheckOrder, now time.Time) protocol.Checked {
	r := protocol.Checked{Key: o.Key, Generation: o.Generation, IP: o.IP, At: now}
	d := l.at(o.IP)
	if d != nil {
		r.MAC = l.mac(d)
	}
	if d == nil || d.frozen || !d.camera {
		r.Problem = "no answer"
		return r
	}
	d.checks = append(d.checks, now)
	r.Alive = true
	if r.MAC != "" && o.MAC != "" && o.MAC != r.MAC {
		r.Alive = false
		return r
	}
	if d.login != "" && o.Login.User != "" && o.Login.User+":"+o.Login.Password != d.login {
		r.Refused = true
		d.refusals = append(d.refusals, now)
	}
	return r
}

// world drives a machine through time on a lan.
type world struct {
	testing.TB
	*lan
	m       *Machine
	now     time.Time
	begun   time.Time
	pending []answer
	got     []any // every outcome
	deaf    bool  // scans find nobody
	slow    time.Duration
	checks  int // under way
	most    int
	woken   int
}

type answer struct {
	at    time.Time
	order int
	make  func() []any
}

var plainRules = Rules{Discovery: 300 * time.Second, Steady: 1800 * time.Second, Health: 60 * time.Second,
	Offline: 180 * time.Second, RTSP: 10 * time.Second, ONVIF: 5 * time.Second, MaxCameras: 1000,
	Ports: []int{554, 80}, ARPRate: 1000}

func newWorld(t testing.TB, r Rules) *world {
	w := &world{TB: t, lan: &lan{}, now: time.Unix(1_800_000_000, 0)}
	w.begun = w.now
	w.m = NewMachine(r, 0, Ledger{}, w.now)
	return w
}

// put gives the machine one input and sees to what it orders.
func (w *world) put(in any) {
	for _, out := range w.m.Step(in, w.now) {
		w.got = append(w.got, out)
		switch o := out.(type) {
		case Scan:
			w.later(10*time.Millisecond, func() (all []any) {
				if w.deaf {
					return nil
				}
				for _, s := range w.scan(o.Order, w.now) {
					all = append(all, s)
				}
				return all
			})
			w.later(time.Second, func() []any { return []any{protocol.ScanReport{Cycle: o.Order.Cycle}} })
		case Interview:
			w.later(200*time.Millisecond+w.slow, func() []any { return []any{w.interview(o.Order, w.now)} })
		case Check:
			w.checks++
			w.most = max(w.most, w.checks)
			took := 50*time.Millisecond + w.slow
			if d := w.at(o.Order.IP); d == nil || d.frozen {
				took = o.Within
			}
			w.later(took, func() []any { w.checks--; return []any{w.check(o.Order, w.now)} })
		}
	}
	if !w.m.Until().After(w.now) {
		w.Fatalf("at %v it wants to be woken at %v", w.now.Sub(w.begun), w.m.Until().Sub(w.begun))
	}
}

func (w *world) later(d time.Duration, make func() []any) {
	w.pending = append(w.pending, answer{w.now.Add(d), len(w.pending), make})
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	if w.now.Equal(w.begun) {
		w.put(Woke{})
	}
	for {
		next := w.m.Until()
		i := -1
		for k, a := range w.pending {
			if i < 0 && !a.at.After(next) || i >= 0 && a.at.Before(w.pending[i].at) {
				i, next = k, a.at
			}
		}
		if next.After(end) {
			w.now = end
			return
		}
		w.now = next
		if i < 0 {
			w.woken++
			w.put(Woke{})
			continue
		}
		a := w.pending[i]
		w.pending = slices.Delete(w.pending, i, i+1)
		for _, in := range a.make() {
			w.put(in)
		}
	}
}

// sees lets a device be seen now.
func (w *world) sees(d *device, means protocol.Means) { w.put(d.sighting(means, w.now)) }

// logins hands over logins: "user:password", a binding before it.
func (w *world) logins(revision string, lines ...string) {
	c := Credentials{Revision: revision}
	for i, line := range lines {
		bind, secret, bound := strings.Cut(line, " ")
		if !bound {
			bind, secret = "", line
		}
		user, password, _ := strings.Cut(secret, ":")
		one := Credential{Login: protocol.Login{ID: fmt.Sprintf("line %d", i+1), User: user, Password: password},
			Print: "print of " + secret}
		if mac, ok := protocol.ParseMAC(bind); ok {
			one.MAC = mac
		} else {
			one.IP = bind
		}
		c.All = append(c.All, one)
	}
	w.put(c)
}

// take empties what was said of one kind and returns it.
func take[T any](w *world) (all []T) {
	for _, out := range w.got {
		if one, ok := out.(T); ok {
			all = append(all, one)
		}
	}
	w.got = slices.DeleteFunc(w.got, func(out any) bool { _, is := out.(T); return is })
	return all
}

// known describes the cameras, a line each: key, name, address, state.
func (w *world) known() string {
	var all []string
	for _, c := range w.m.order {
		s := w.m.snapshot(c)
		state := "offline"
		if s.Online {
			state = "online"
		}
		all = append(all, fmt.Sprintf("%s %s %s %s", s.Key, s.Name, cmp.Or(s.IP, "nowhere"), state))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func (w *world) wants(want ...string) {
	w.Helper()
	if got := w.known(); got != strings.Join(want, "\n") {
		w.Errorf("after %v known:\n%s\nwant:\n%s", w.now.Sub(w.begun), got, strings.Join(want, "\n"))
	}
}

// changes lists what was said on camera/status, as "what name ip".
func (w *world) changes() string {
	var all []string
	for _, c := range take[Change](w) {
		line := c.What + " " + c.Camera.Name + " " + cmp.Or(c.Camera.IP, "nowhere")
		if c.OldIP != "" {
			line += " from " + c.OldIP
		}
		all = append(all, line)
	}
	return strings.Join(all, ", ")
}

func (w *world) says(want string) {
	w.Helper()
	if got := w.changes(); got != want {
		w.Errorf("after %v said %q, want %q", w.now.Sub(w.begun), got, want)
	}
}

// rejected counts what was refused for a reason.
func (w *world) rejected(reason string) (n int) {
	for _, r := range take[protocol.Rejected](w) {
		if r.Reason == reason {
			n++
		}
	}
	return n
}

const (
	macA = "aa:00:00:00:00:0a"
	macB = "aa:00:00:00:00:0b"
	macC = "aa:00:00:00:00:0c"
	ipA  = "10.0.0.10"
	ipB  = "10.0.0.11"
	ipC  = "10.0.0.12"
	namA = "cam_aa000000000a"
	namB = "cam_aa000000000b"
)

func cameraA() device {
	return device{ip: ipA, mac: macA, camera: true, announce: true, epr: "urn:uuid:0000000a-1", maker: "Acme",
		model: "One", serial: "SN-000A", own: []string{macA}}
}

func cameraB() device {
	return device{ip: ipB, mac: macB, camera: true, maker: "Acme", model: "One", serial: "SN-000B",
		own: []string{macB}}
}
