package announce

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/mdns"
	"wildfire-watch/protocol/wsdiscovery"
)

// The course of a search. A device answers a Probe after up to answerDelay, at random (WS-Discovery 1.1
// §3.1.3: APP_MAX_DELAY), and may be asked by a packet that is lost.
const (
	searchTime  = 2500 * time.Millisecond
	answerDelay = 500 * time.Millisecond
	// A multicast message is sent twice, this much apart (SOAP-over-UDP 1.1 §3.2 and Appendix I).
	minRepeat = 50 * time.Millisecond
	maxRepeat = 250 * time.Millisecond
	// An mDNS question is repeated after a second at the earliest (RFC 6762 §5.2).
	askAgain = time.Second
)

// question is one Probe and when it is sent.
type question struct {
	id     string
	packet []byte
	after  time.Duration
}

// questions are the Probes of a search: first as the tools on Windows ask, then for devices of the
// newer rules, and once more for the cameras that lost or did not understand the first.
func questions() []question {
	course := []struct {
		sought wsdiscovery.Sought
		form   wsdiscovery.Form
		after  time.Duration
	}{
		{wsdiscovery.VideoTransmitter, wsdiscovery.Windows, 0},
		{wsdiscovery.ONVIFDevice, wsdiscovery.Plain, 600 * time.Millisecond},
		{wsdiscovery.VideoTransmitter, wsdiscovery.Plain, 1200 * time.Millisecond},
	}
	var all []question
	for _, c := range course {
		id := newID()
		q := question{id, wsdiscovery.EncodeProbe(id, c.sought, c.form), c.after}
		all = append(all, q)
		q.after += minRepeat + mathrand.N(maxRepeat-minRepeat)
		all = append(all, q)
	}
	return all
}

// newID is a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// probeLink searches on one link, from one of its addresses. Devices of another network on the same wire
// answer to an address that they can reach, so that each of ours is tried.
func (c *Client) probeLink(ctx context.Context, l protocol.Link, own netip.Addr, r *reporter) error {
	index, err := interfaceIndex(l.Name)
	if err != nil {
		return err
	}
	conn, err := socket{bind: netip.AddrPortFrom(own, 0), index: index, ttl: siteTTL}.open()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	all := questions()
	ids := make([]string, 0, len(all))
	for _, q := range all {
		ids = append(ids, q.id)
	}
	return exchange(ctx, conn, time.Now().Add(searchTime), wsdiscovery.MaxMessage,
		func(ctx context.Context) error {
			slices.SortFunc(all, func(a, b question) int { return int(a.after - b.after) })
			return sendAll(ctx, conn, c.discoveryGroup(), all)
		},
		func(datagram []byte, from netip.AddrPort) { c.takeMatch(datagram, from.Addr(), l.Name, ids, r) })
}

// sendAll sends every question at its time. Its error is the last one, if none could be sent.
func sendAll(ctx context.Context, conn *net.UDPConn, to netip.AddrPort, all []question) (err error) {
	start, sent := time.Now(), false
	for _, q := range all {
		if !wait(ctx, q.after-time.Since(start)) {
			return nil
		}
		if _, failed := conn.WriteToUDPAddrPort(q.packet, to); failed != nil {
			err = failed
		} else {
			sent = true
		}
	}
	if sent {
		return nil
	}
	return err
}

// wait waits, and says whether ctx is still there.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// exchange sends and reads at the same time, until both are done. A send that fails ends it.
func exchange(ctx context.Context, conn *net.UDPConn, end time.Time, most int, send func(context.Context) error,
	take func([]byte, netip.AddrPort)) error {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	if err := conn.SetWriteDeadline(end); err != nil {
		return err
	}
	var sending sync.WaitGroup
	var failed error
	sending.Go(func() {
		if failed = send(ctx); failed != nil {
			cancel()
		}
	})
	err := read(ctx, conn, end, most, take)
	cancel()
	sending.Wait()
	if failed != nil {
		return failed
	}
	return err
}

// takeMatch reads what should be an answer to one of our Probes.
func (c *Client) takeMatch(datagram []byte, from netip.Addr, link string, ids []string, r *reporter) {
	now := time.Now()
	if !r.admit(from, now) {
		return
	}
	m, err := wsdiscovery.Decode(datagram)
	if err != nil {
		c.rejected.Add(1)
		return
	}
	if !slices.ContainsFunc(ids, m.Answers) {
		return
	}
	r.reportDevices(m, from, link, now)
}

// reportDevices reports everybody whom a message tells of.
func (r *reporter) reportDevices(m wsdiscovery.Message, from netip.Addr, link string, now time.Time) {
	for i, d := range m.Devices {
		if i > 0 && !r.admit(from, now) {
			return
		}
		s := fromDevice(m.Kind, d)
		s.IP, s.Link, s.At = from.String(), link, now
		r.report(s)
	}
}

// askLink asks by mDNS on one link. From the port of mDNS everybody hears the answers, which spares the
// network; if somebody holds that port for himself, we ask from another and get answers of our own.
func (c *Client) askLink(ctx context.Context, l protocol.Link, own netip.Addr, r *reporter) error {
	index, err := interfaceIndex(l.Name)
	if err != nil {
		return err
	}
	var id uint16
	conn, err := socket{bind: c.dnsGroup(), index: index, ttl: dnsTTL, group: true}.open()
	if err != nil {
		id = uint16(mathrand.N(1<<16-1) + 1)
		conn, err = socket{bind: netip.AddrPortFrom(own, 0), index: index, ttl: dnsTTL}.open()
	}
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var mu sync.Mutex
	var incomplete []mdns.Service // known by name alone
	return exchange(ctx, conn, time.Now().Add(searchTime), mdns.MaxMessage,
		func(ctx context.Context) error {
			first := question{packet: mdns.Query(id, id != 0)}
			if err := sendAll(ctx, conn, c.dnsGroup(), []question{first}); err != nil || !wait(ctx, askAgain) {
				return err
			}
			mu.Lock()
			again := question{packet: mdns.Query(id, id != 0, incomplete...)}
			mu.Unlock()
			return sendAll(ctx, conn, c.dnsGroup(), []question{again})
		},
		func(datagram []byte, from netip.AddrPort) {
			services := c.takeServices(datagram, from, l.Name, r)
			mu.Lock()
			defer mu.Unlock()
			for _, s := range services {
				if s.Port == 0 && s.Kind != mdns.HTTP && !s.Gone && len(incomplete) < mdns.MaxAsked {
					incomplete = append(incomplete, s)
				}
			}
		})
}

// takeServices reads what should be an mDNS answer.
func (c *Client) takeServices(datagram []byte, from netip.AddrPort, link string, r *reporter) []mdns.Service {
	now := time.Now()
	if from.Port() != c.dnsGroup().Port() || !r.admit(from.Addr(), now) {
		return nil
	}
	services, err := mdns.Decode(datagram)
	if err != nil {
		if err != mdns.NotAnswer {
			c.rejected.Add(1)
		}
		return nil
	}
	if s, ok := fromServices(services, from.Addr()); ok {
		s.IP, s.Link, s.At = from.Addr().String(), link, now
		r.report(s)
	}
	return services
}
