package announce

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/mdns"
	"wildfire-watch/protocol/wsdiscovery"
)

// The course of listening.
const (
	// quiet is how long a device that says the same again is not news. Everything is said twice, and
	// by mDNS whenever anybody asks.
	quiet = 10 * time.Second
	// look is how often a link is looked at: is it still there, is it still the same?
	look       = 3 * time.Second
	firstPause = 500 * time.Millisecond // before a link that failed is tried again, doubled each time
	lastPause  = 5 * time.Second
)

// ear is one of the two ways to listen on a link.
type ear struct {
	what  string
	group netip.AddrPort
	most  int
	ttl   int
	take  func(datagram []byte, from netip.AddrPort, link string, r *reporter)
}

func (c *Client) ears() []ear {
	return []ear{
		{"ws-discovery", c.discoveryGroup(), wsdiscovery.MaxMessage, siteTTL, c.takeAnnouncement},
		{"mdns", c.dnsGroup(), mdns.MaxMessage, dnsTTL,
			func(datagram []byte, from netip.AddrPort, link string, r *reporter) {
				c.takeServices(datagram, from, link, r)
			}},
	}
}

// Watch listens on each link until ctx ends, and calls found for whoever says that it is there, has
// changed or leaves: never twice at a time, never after it has returned, the same again after quiet at
// the earliest. It asks nobody anything. A link that fails, or is not there yet, is tried again and
// again; Trouble hears of it. Its error joins what did not work at the end.
func (c *Client) Watch(ctx context.Context, links []protocol.Link, found func(protocol.Sighting)) error {
	r := newReporter(c, found, listenTotal, quiet)
	var all sync.WaitGroup
	var t troubles
	if len(links) > maxLinks {
		t.add(fmt.Errorf("listen on %d links: only on the first %d", len(links), maxLinks))
		links = links[:maxLinks]
	}
	for _, l := range links {
		for _, e := range c.ears() {
			all.Go(func() {
				if err := c.listen(ctx, l.Name, e, r); err != nil {
					t.add(err)
				}
			})
		}
	}
	all.Wait()
	return errors.Join(t.all...)
}

// listen keeps one ear on one link. Its error is the trouble that it has when ctx ends.
func (c *Client) listen(ctx context.Context, link string, e ear, r *reporter) (trouble error) {
	pause := firstPause
	for {
		err := c.hear(ctx, link, e, r, func() {
			pause = firstPause
			if trouble != nil {
				trouble = nil
				c.tell(link, nil)
			}
		})
		if ctx.Err() != nil {
			return trouble
		}
		err = fmt.Errorf("listen to %s on %s: %w", e.what, link, err)
		if trouble == nil || trouble.Error() != err.Error() {
			c.tell(link, err)
		}
		trouble = err
		if !wait(ctx, pause) {
			return trouble
		}
		pause = min(2*pause, lastPause)
	}
}

func (c *Client) tell(link string, err error) {
	if c.Trouble != nil {
		c.Trouble(link, err)
	}
}

// hear listens until something fails, and says so once it has worked for a while. Without an error, ctx
// has ended.
func (c *Client) hear(ctx context.Context, link string, e ear, r *reporter, works func()) error {
	index, err := interfaceIndex(link)
	if err != nil {
		return err
	}
	conn, err := socket{bind: e.group, index: index, ttl: e.ttl, group: true}.open()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for ctx.Err() == nil {
		err := read(ctx, conn, time.Now().Add(look), e.most, func(datagram []byte, from netip.AddrPort) {
			e.take(datagram, from, link, r)
		})
		if err != nil {
			return err
		}
		// A socket on an interface that is gone is deaf and says nothing of it.
		now, err := interfaceIndex(link)
		if err != nil {
			return err
		}
		if now != index {
			return fmt.Errorf("interface %s is another one now", link)
		}
		works()
	}
	return nil
}

// takeAnnouncement reads what somebody says to everybody by WS-Discovery: Hello and Bye are heard, the
// searches of others are not.
func (c *Client) takeAnnouncement(datagram []byte, from netip.AddrPort, link string, r *reporter) {
	now := time.Now()
	if !r.admit(from.Addr(), now) {
		return
	}
	m, err := wsdiscovery.Decode(datagram)
	if err != nil {
		c.rejected.Add(1)
		return
	}
	if m.Kind == wsdiscovery.Hello || m.Kind == wsdiscovery.Bye {
		r.reportDevices(m, from.Addr(), link, now)
	}
}
