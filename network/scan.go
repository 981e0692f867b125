package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"wildfire-watch/network/announce"
	"wildfire-watch/network/hosts"
	"wildfire-watch/protocol"
)

const (
	// atOneTime is how many hosts' doors are tried at one time.
	atOneTime = 24
	// mostHosts is how many hosts one look around follows up.
	mostHosts = 8192
)

// Scan looks around once: it asks every address of our links by ARP, or by connects where that is not
// allowed, and of further subnets by connects; it searches by WS-Discovery and mDNS meanwhile, and tries
// the doors of each host as soon as it has answered. found is called once at a time, never after the
// return, and must not block.
func (n *Network) Scan(ctx context.Context, o protocol.ScanOrder, found func(protocol.Sighting)) protocol.ScanReport {
	begun := time.Now()
	if len(o.Links) == 0 {
		o.Links = n.Links
	}
	if len(o.Ports) == 0 {
		o.Ports = hosts.DoorPorts()
	}
	l := &look{ctx: ctx, order: o, found: found, hosts: make(map[netip.Addr]*seen),
		room: make(chan struct{}, atOneTime), report: protocol.ScanReport{Cycle: o.Cycle}}
	links, err := hosts.Links(o.Links)
	l.reduced(err)
	for _, link := range links {
		nets, _ := hosts.Nets(link, true)
		l.local = append(l.local, nets...)
	}
	further := l.further(o.Networks)
	if len(o.Wanted) > 0 {
		further = nil // across a router nobody has a MAC
	}
	var all sync.WaitGroup
	all.Go(func() { l.reduced(n.client().Probe(ctx, links, targets(further), l.see)) })
	var sweeps sync.WaitGroup
	for _, link := range links {
		sweeps.Go(func() { l.sweep(ctx, link) })
	}
	if len(further) > 0 {
		all.Go(func() { l.connect(ctx, further) })
	}
	sweeps.Wait()
	arpTook := time.Since(begun)
	all.Wait()
	l.doors.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Hosts, l.report.ARPTook, l.report.Took = len(l.hosts), arpTook, time.Since(begun)
	l.report.Reduced = strings.Join(l.less, "; ")
	return l.report
}

// look is one look around under way.
type look struct {
	ctx   context.Context // of the call that it is
	order protocol.ScanOrder
	found func(protocol.Sighting)
	room  chan struct{}
	doors sync.WaitGroup

	mu     sync.Mutex // guards what follows, and that found is called once at a time
	hosts  map[netip.Addr]*seen
	local  []netip.Prefix // subnets that are being swept
	report protocol.ScanReport
	less   []string
}

// seen is a host that has shown itself.
type seen struct {
	mac, link string
	followed  bool
	met       bool                // its doors were tried: the kernel knows its MAC now, or nobody does
	held      []protocol.Sighting // until its MAC is known, or it was met
}

// mostHeld is how many sightings of one host wait for its MAC.
const mostHeld = 16

// see passes a sighting on, and follows up a host that is new.
func (l *look) see(s protocol.Sighting) {
	ip, err := netip.ParseAddr(s.IP)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[ip]
	if h == nil {
		if h = new(seen); len(l.hosts) < mostHosts {
			l.hosts[ip] = h
		} else {
			h.followed = true // it is told, and not followed up
		}
	}
	l.tell(ip, h, s)
	if !h.followed && !s.Gone && l.follows(h.mac) {
		h.followed = true
		l.doors.Go(func() { l.knock(ip) })
	}
}

// tell passes a sighting on with the MAC of the host. What came by a way that shows none waits for the
// sweep or the kernel to tell it: whose login a camera gets, and which camera it is, goes by the MAC.
func (l *look) tell(ip netip.Addr, h *seen, s protocol.Sighting) {
	switch {
	case s.MAC != "":
		h.mac, h.link = s.MAC, s.Link
	case h.mac != "":
		s.MAC, s.Link = h.mac, h.link
	case !h.met && slices.ContainsFunc(l.local, func(p netip.Prefix) bool { return p.Contains(ip) }):
		if len(h.held) < mostHeld {
			h.held = append(h.held, s)
		}
		return
	}
	l.found(s)
	if h.mac != "" {
		l.free(h)
	}
}

// free passes on what waited for a host's MAC.
func (l *look) free(h *seen) {
	for _, s := range h.held {
		s.MAC, s.Link = h.mac, h.link
		l.found(s)
	}
	h.held = nil
}

// follows says whether the doors of a host are to be tried: in a search for cameras that moved only theirs.
func (l *look) follows(mac string) bool {
	return len(l.order.Wanted) == 0 || slices.Contains(l.order.Wanted, mac)
}

// knock tries the doors of one host.
func (l *look) knock(ip netip.Addr) {
	select {
	case l.room <- struct{}{}:
	case <-l.ctx.Done():
		return
	}
	defer func() { <-l.room }()
	var open []protocol.Door
	_ = hosts.Ports(l.ctx, []netip.Addr{ip}, l.order.Ports, func(_ netip.Addr, port int) {
		open = append(open, protocol.Door{Port: port})
	})
	at := l.order.Ports[0]
	if len(open) > 0 {
		at = open[0].Port
	}
	mac, _ := hosts.Meet(l.ctx, ip, at, "")
	l.meet(ip, open, mac)
}

// meet tells which doors of a host are open. They are those of whoever was met at them, even if another one was
// seen at the address before; where none is open, the kernel's table may be old.
func (l *look) meet(ip netip.Addr, open []protocol.Door, mac string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[ip]
	h.met = true
	if h.mac == "" || mac != "" && len(open) > 0 {
		h.mac = mac
	}
	if len(open) > 0 {
		l.tell(ip, h, protocol.Sighting{IP: ip.String(), Means: protocol.ByPort, At: time.Now(), Doors: open})
	}
	l.free(h)
}

// sweep asks every address of a link.
func (l *look) sweep(ctx context.Context, link protocol.Link) {
	nets, wide := hosts.Nets(link, l.order.Wide)
	l.skipped(wide)
	var known []netip.Addr
	for _, text := range l.order.Known {
		if ip, err := netip.ParseAddr(text); err == nil {
			known = append(known, ip)
		}
	}
	asked, err := hosts.Sweep(ctx, link, nets, l.order.Rate, known, l.see)
	l.asked(asked)
	if !errors.Is(err, fs.ErrPermission) {
		l.reduced(err)
		return
	}
	l.reduced(fmt.Errorf("no right to speak ARP on %s, so hosts that open and refuse no port are not seen: %s",
		link.Name, grantRaw))
	l.connect(ctx, nets)
	l.reduced(hosts.Neighbours([]protocol.Link{link}, l.see))
}

// connect asks by TCP, beyond routers or for want of a right.
func (l *look) connect(ctx context.Context, nets []netip.Prefix) {
	asked, err := hosts.Connect(ctx, nets, l.order.Ports, l.order.Rate, l.see)
	l.asked(asked)
	l.reduced(err)
}

// further reads the subnets to reach through a router; those too wide are skipped unless asked for.
func (l *look) further(networks []string) (nets []netip.Prefix) {
	for _, text := range networks {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			l.reduced(fmt.Errorf("look around in %q: %w", text, err))
			continue
		}
		if p = p.Masked(); p.Bits() < hosts.WidestNet && !l.order.Wide {
			l.skipped([]netip.Prefix{p})
			continue
		}
		nets = append(nets, p)
	}
	return nets
}

// targets are the addresses of subnets that multicast does not reach.
func targets(nets []netip.Prefix) (all []netip.Addr) {
	for _, p := range nets {
		for ip := p.Addr(); p.Contains(ip) && len(all) < announce.MaxTargets; ip = ip.Next() {
			all = append(all, ip)
		}
	}
	return all
}

func (l *look) asked(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Asked += n
}

func (l *look) skipped(nets []netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range nets {
		l.report.Skipped = append(l.report.Skipped, p.String())
	}
}

// reduced notes what could not be done; that the caller ended it is none of our trouble.
func (l *look) reduced(err error) {
	if err == nil || l.ctx.Err() != nil && errors.Is(err, l.ctx.Err()) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if text := strings.ReplaceAll(err.Error(), "\n", "; "); !slices.Contains(l.less, text) {
		l.less = append(l.less, text)
	}
}
