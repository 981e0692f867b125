// Package network goes out and looks: which hosts are there, what they announce, who they say they are,
// whether they still answer (SPEC §5). It carries out the discovery actor's orders with what lies below
// it: hosts (ARP, neighbours, ports), announce (WS-Discovery, mDNS), device (ONVIF), stream (RTSP).
//
// It promises that every order ends within its time, that nothing it meets is believed (a sighting is a
// sign, an interview a claim with its proof), that a login goes to the host it is meant for and to no
// other, and that nothing of it stays behind: no goroutine, no socket. It must never decide whose
// identity a device has, nor ask a device for more than it was ordered to.
package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"sync"
	"time"

	"wildfire-watch/network/announce"
	"wildfire-watch/network/device"
	"wildfire-watch/network/hosts"
	"wildfire-watch/network/stream"
	"wildfire-watch/protocol"
	"wildfire-watch/protocol/rtsp"
)

// Network is this machine's network. Links are our interfaces by name; none: every one that leads to a
// wire or a radio.
type Network struct {
	Links []string
	// Trouble hears what does not work on a link while Watch goes on, and nil when it works again; nil:
	// nobody hears. It may be called from several goroutines at one time.
	Trouble func(link string, err error)

	announced announce.Client
	once      sync.Once
}

func (n *Network) client() *announce.Client {
	n.once.Do(func() { n.announced.Trouble = n.Trouble })
	return &n.announced
}

// linksAgain is how often Watch looks for interfaces that came or went.
const linksAgain = 30 * time.Second

// Watch listens until ctx ends: to ARP, so that a host which moves is known at once, and to what cameras
// say of themselves. It sends nothing. Interfaces may come and go.
func (n *Network) Watch(ctx context.Context, found func(protocol.Sighting)) {
	for ctx.Err() == nil {
		links, err := hosts.Links(n.Links)
		if err != nil && n.Trouble != nil {
			n.Trouble("", err)
		}
		n.watch(ctx, links, found)
	}
}

// watch listens on these links until they are others, or ctx ends.
func (n *Network) watch(ctx context.Context, links []protocol.Link, found func(protocol.Sighting)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { _ = n.client().Watch(ctx, links, found) })
	for _, link := range links {
		all.Go(func() {
			err := hosts.Listen(ctx, link, found)
			if errors.Is(err, fs.ErrPermission) && n.Trouble != nil {
				n.Trouble(link.Name, fmt.Errorf("listen for ARP on %s: %w; %s", link.Name, err, grantRaw))
			}
		})
	}
	tick := time.NewTicker(linksAgain)
	defer tick.Stop()
	was := fmt.Sprint(links)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if now, _ := hosts.Links(n.Links); fmt.Sprint(now) != was {
				cancel()
				return
			}
		}
	}
}

// grantRaw is what to do for the right to speak ARP.
const grantRaw = "give the program CAP_NET_RAW (the systemd unit does; by hand: setcap cap_net_raw+ep FILE, or run it as root)"

// Check asks whether a known camera is alive, over RTSP, or by its ONVIF clock if it has no stream that
// can be described. Another device at its address is no camera alive, and gets no login.
func (n *Network) Check(ctx context.Context, o protocol.CheckOrder) protocol.Checked {
	if o.Time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Time)
		defer cancel()
	}
	c := protocol.Checked{Key: o.Key, Generation: o.Generation, IP: o.IP}
	at := rtsp.Port
	if u, err := rtsp.ParseURL(o.Stream.URL); err == nil {
		at = u.Port()
	}
	if other, met := stranger(ctx, o.IP, o.MAC, at); other != "" {
		c.At, c.Problem = time.Now(), "another device has its address: "+other
		if met {
			c.MAC = other
		}
		return c
	}
	if o.Stream.URL != "" || o.XAddr == "" {
		c = stream.Check(ctx, o)
	} else {
		c.Alive, c.Problem = device.Alive(ctx, o.XAddr, o.IP)
		c.At = time.Now()
	}
	if c.Alive { // otherwise nobody has answered
		c.MAC = macAt(o.IP)
	}
	return c
}

// stranger is the MAC of whoever has an address, if that is another than the one who is to be there;
// empty if he is there, or nobody can tell. met says that the stranger has answered: otherwise the kernel may
// have his MAC from long ago, and he gets no login for that either.
func stranger(ctx context.Context, ip, mac string, port int) (other string, met bool) {
	at, err := netip.ParseAddr(ip)
	if err != nil || mac == "" {
		return "", false
	}
	if other, met = hosts.Meet(ctx, at, port, mac); other != mac {
		return other, met
	}
	return "", false
}

// macAt is the MAC behind an address, as the kernel has it; empty: it has none.
func macAt(ip string) string {
	at, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	return hosts.MAC(at)
}
