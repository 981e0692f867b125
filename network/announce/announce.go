// Package announce hears what cameras say of themselves: it searches by WS-Discovery and mDNS, and
// listens to those who announce themselves.
//
// It promises that every sighting carries the address it really came from, that a flood costs a bounded
// number of messages a second and is counted, that one interface which fails costs the others nothing,
// and that nothing of it is left when it returns.
// It must never believe an address in a message, take anything for a camera that does not say so, or
// take messages away from other programs that listen on the same ports.
package announce

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/mdns"
	"wildfire-watch/protocol/wsdiscovery"
)

// Bounds on what is asked and heard.
const (
	// MaxTargets is how many addresses one Probe asks one by one: a /16.
	MaxTargets = 1 << 16
	maxLinks   = 32
	maxNets    = 4 // addresses of one link that are searched from

	// At most so many messages a second are read, from one address and from all; the rest is dropped
	// and counted. A search hears everybody at once: 250 cameras answer two Probes in half a second.
	perSource   = 20
	searchTotal = 1500
	listenTotal = 200
)

// Client goes out on the network. Its zero value is ready; it may be used by many at one time.
type Client struct {
	// Trouble hears what does not work on a link while Watch goes on, once for each change, and nil
	// when it works again. It may be called from several goroutines at one time, never after Watch has
	// returned. If it is nil, nobody hears.
	Trouble func(link string, err error)

	dropped, rejected atomic.Uint64

	// Where others listen; the zero values are the ports and groups of the standards.
	discovery, dns netip.AddrPort
}

// Dropped is how many messages were dropped because there were too many.
func (c *Client) Dropped() uint64 { return c.dropped.Load() }

// Rejected is how many messages could not be read.
func (c *Client) Rejected() uint64 { return c.rejected.Load() }

func (c *Client) discoveryGroup() netip.AddrPort {
	if c.discovery.IsValid() {
		return c.discovery
	}
	return netip.AddrPortFrom(wsdiscovery.Group, wsdiscovery.Port)
}

func (c *Client) dnsGroup() netip.AddrPort {
	if c.dns.IsValid() {
		return c.dns
	}
	return netip.AddrPortFrom(mdns.Group, mdns.Port)
}

// Probe looks around once, about searchTime long and longer for many targets: by WS-Discovery and mDNS
// on each link, and by WS-Discovery at each target, an address that multicast does not reach. It calls
// found for each device and whenever more is known of it, never twice at a time and never after it has
// returned. Its error joins what did not work, link by link; what did has been done. A ctx that ends
// ends it early, without error.
func (c *Client) Probe(ctx context.Context, links []protocol.Link, targets []netip.Addr, found func(protocol.Sighting)) error {
	r := newReporter(c, found, searchTotal, 0)
	var all sync.WaitGroup
	var t troubles
	run := func(what, where string, search func() error) {
		all.Go(func() {
			if err := search(); err != nil {
				t.add(fmt.Errorf("%s %s: %w", what, where, err))
			}
		})
	}
	if len(links) > maxLinks {
		t.add(fmt.Errorf("search on %d links: only on the first %d", len(links), maxLinks))
		links = links[:maxLinks]
	}
	for _, l := range links {
		own := addresses(l)
		if len(own) == 0 {
			t.add(fmt.Errorf("search on %s: it has no IPv4 address", l.Name))
			continue
		}
		for _, a := range own {
			run("probe on", l.Name, func() error { return c.probeLink(ctx, l, a, r) })
		}
		run("ask mdns on", l.Name, func() error { return c.askLink(ctx, l, own[0], r) })
	}
	if len(targets) > MaxTargets {
		t.add(fmt.Errorf("probe %d addresses: only the first %d", len(targets), MaxTargets))
		targets = targets[:MaxTargets]
	}
	if len(targets) > 0 {
		run("probe", fmt.Sprintf("%d addresses", len(targets)), func() error { return c.probeTargets(ctx, targets, r) })
	}
	all.Wait()
	return errors.Join(t.all...)
}

// troubles are what did not work, said by several goroutines.
type troubles struct {
	mu  sync.Mutex
	all []error
}

func (t *troubles) add(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, err)
}

// addresses are the IPv4 addresses of a link, as many as are searched from.
func addresses(l protocol.Link) (own []netip.Addr) {
	for _, n := range l.Nets {
		if p, err := netip.ParsePrefix(n); err == nil && p.Addr().Is4() && len(own) < maxNets {
			own = append(own, p.Addr())
		}
	}
	return own
}

// read hands every datagram to take until ctx or the time ends, which is no error.
func read(ctx context.Context, conn *net.UDPConn, end time.Time, most int, take func(datagram []byte, from netip.AddrPort)) error {
	if err := conn.SetReadDeadline(end); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buffer := make([]byte, most+1) // one more, to see what is too large
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return nil
		case err != nil:
			return err
		}
		take(buffer[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	}
}
