package hosts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"wildfire-watch/protocol"
)

// The kernel's neighbour table. Each address of our own subnets that is tried takes a row, answered or
// not; when it is full nobody on this machine reaches a new host, neither broker nor NVR nor camera.
const (
	// fullTable is how many rows it holds where the kernel does not tell: in a namespace.
	fullTable = 1024
	limitFile = "/proc/sys/net/ipv4/neigh/default/gc_thresh3"
	// rowTime is how long a row of a silent address cannot be thrown out: three questions, a second
	// apart, and then until the kernel cleans up by force, at most every five seconds.
	rowTime = 8 * time.Second
	// rowsChecked is how often the table is counted: after so many new rows. roomTries is how often
	// it may be found three quarters full, a second apart, until we give up.
	rowsChecked = 64
	roomTries   = 40
)

var errFull = errors.New("the kernel's neighbour table stays three quarters full")

// Connect finds hosts without privileges and beyond routers, with TCP connects: who takes or refuses one
// is there. Ports are tried one after the other with each address that has not answered, at most rate
// connects a second; beyond a router all of them, in our own subnets only the first: that makes the
// kernel ask by ARP, and Neighbours tells who answered. In our own subnets it is slower, so that our
// share of the kernel's neighbour table never is more than half of what was free.
//
// Sightings of hosts beyond a router carry no MAC. Found is called from several goroutines, one at a
// time, and must not block. Asked is the number of addresses. The error is the context's, a wrong
// port, or the first trouble of our own: then some hosts may not have been found.
func Connect(ctx context.Context, nets []netip.Prefix, ports []int, rate int,
	found func(protocol.Sighting)) (asked int, err error) {
	for _, p := range ports {
		if p < 1 || p > 65535 {
			return 0, fmt.Errorf("connect to port %d: not in 1 to 65535", p)
		}
	}
	for _, n := range nets {
		if !n.IsValid() || !n.Addr().Is4() {
			return 0, fmt.Errorf("connect to %v: not an IPv4 subnet", n)
		}
	}
	if len(ports) > mostPorts {
		return 0, fmt.Errorf("connect to %d ports: at most %d", len(ports), mostPorts)
	}
	all, err := readInterfaces()
	if err != nil {
		return 0, err
	}
	c := &connector{own: all.own(), far: newPacer(rateOf(rate)), flying: make(chan struct{}, mostFlying),
		found: found, answered: make(map[netip.Addr]bool)}
	if err := c.measure(rateOf(rate)); err != nil {
		return 0, err
	}
	err = c.run(ctx, nets, distinct(ports))
	c.busy.Wait()
	return c.asked, errors.Join(err, c.trouble)
}

// ownNet is one of our addresses, its subnet, and the interface that has it.
type ownNet struct {
	netip.Prefix
	link string
	rows bool // its hosts take rows of the neighbour table
}

// own are our subnets, whose hosts are reached without a router.
func (all interfaces) own() (own []ownNet) {
	for _, d := range all {
		for _, p := range ownOf(d.link()) {
			own = append(own, ownNet{p, d.name, d.ethernet})
		}
	}
	return own
}

// connector is a search by connects under way.
type connector struct {
	own       []ownNet
	near, far *pacer
	most      int // rows of the neighbour table
	rows      int // that we have made since they were counted
	asked     int
	flying    chan struct{}
	busy      sync.WaitGroup

	mutex    sync.Mutex
	found    func(protocol.Sighting)
	answered map[netip.Addr]bool
	trouble  error
}

// measure finds the rate that the neighbour table bears.
func (c *connector) measure(rate int) error {
	c.most = tableLimit()
	rows, err := neighbours()
	if err != nil {
		return err
	}
	share := max(c.most-len(rows), 0) / 2
	c.near = newPacer(max(min(rate, int(time.Duration(share)*time.Second/rowTime)), 1))
	return nil
}

// tableLimit is how many rows the neighbour table holds.
func tableLimit() int {
	text, err := os.ReadFile(limitFile)
	if err != nil {
		return fullTable
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || most < 1 {
		return fullTable
	}
	return most
}

// run tries port by port: a host has no second connection before every other one had its first.
func (c *connector) run(ctx context.Context, nets []netip.Prefix, ports []int) error {
	for i, port := range ports {
		for j, net := range nets {
			for ip := range targets(net) {
				link, near, ours := c.where(ip)
				if ours || within(nets[:j], ip) || i > 0 && (near || c.heard(ip)) {
					continue
				}
				if err := c.room(ctx, near); err != nil {
					return err
				}
				if i == 0 {
					c.asked++
				}
				select {
				case c.flying <- struct{}{}:
				case <-ctx.Done():
					return ctx.Err()
				}
				c.busy.Go(func() { c.try(ctx, netip.AddrPortFrom(ip, uint16(port)), link) })
			}
		}
		// The last of this port must have answered before the next is tried.
		c.busy.Wait()
	}
	return ended(ctx)
}

// where says whether an address is in one of our subnets, and on which interface; ours is none to ask:
// our own, or the edge of a subnet.
func (c *connector) where(ip netip.Addr) (link string, near, ours bool) {
	for _, o := range c.own {
		if o.Addr() == ip || edge(o.Prefix, ip) {
			return "", true, true
		}
		if o.Contains(ip) {
			link, near = o.link, o.rows
		}
	}
	return link, near, false
}

// room waits until the next connect may be made.
func (c *connector) room(ctx context.Context, near bool) error {
	if !near {
		return c.far.wait(ctx)
	}
	if c.rows++; c.rows >= rowsChecked {
		c.rows = 0
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	return c.near.wait(ctx)
}

// settle waits until the table has a quarter of its rows free. Others fill it too.
func (c *connector) settle(ctx context.Context) error {
	for range roomTries {
		rows, err := neighbours()
		if err != nil {
			return err
		}
		if len(rows) < c.most-c.most/4 {
			return nil
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return errFull
}

// try makes one connect and reports what came of it.
func (c *connector) try(ctx context.Context, at netip.AddrPort, link string) {
	got, err := knock(ctx, at)
	<-c.flying
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.trouble == nil {
		c.trouble = err
	}
	if got == silence || c.answered[at.Addr()] {
		return
	}
	c.answered[at.Addr()] = true
	s := protocol.Sighting{IP: at.Addr().String(), Link: link, Means: protocol.ByConnect, At: time.Now()}
	if got == opened {
		s.Doors = []protocol.Door{{Port: int(at.Port())}}
	}
	c.found(s)
}

func (c *connector) heard(ip netip.Addr) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.answered[ip]
}
