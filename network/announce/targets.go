package announce

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"wildfire-watch/protocol/wsdiscovery"
)

const (
	// targetPause lies between two Probes of targets: 500 a second, about 3 Mbit/s.
	targetPause = 2 * time.Millisecond
	// patience is how long one Probe may wait to be sent. While the kernel asks for the hardware
	// addresses of hosts that are not there, their Probes fill what it keeps for us.
	patience = 20 * time.Millisecond
)

// round is one search at targets that multicast does not reach.
type round struct {
	conn    *net.UDPConn
	targets []netip.Addr
	to      uint16 // port
	asked   []bool // by target
	trouble error  // why the last of those that were not asked was not

	mu    sync.Mutex
	heard map[netip.Addr]bool
}

// probeTargets asks each target by itself, and those that stay silent once more, for a device of the
// newer rules.
func (c *Client) probeTargets(ctx context.Context, targets []netip.Addr, r *reporter) error {
	conn, err := socket{bind: netip.AddrPortFrom(netip.IPv4Unspecified(), 0)}.open()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	s := &round{conn: conn, targets: targets, to: c.discoveryGroup().Port(), asked: make([]bool, len(targets)),
		heard: make(map[netip.Addr]bool)}
	first, second := newID(), newID()
	searching, done := context.WithCancel(ctx)
	defer done()
	longest := time.Duration(len(targets))*2*(targetPause+patience) + 10*answerDelay
	err = exchange(searching, conn, time.Now().Add(longest), wsdiscovery.MaxMessage,
		func(ctx context.Context) error {
			defer done()
			s.ask(ctx, wsdiscovery.EncodeProbe(first, wsdiscovery.VideoTransmitter, wsdiscovery.Windows))
			s.ask(ctx, wsdiscovery.EncodeProbe(second, wsdiscovery.ONVIFDevice, wsdiscovery.Plain))
			return nil
		},
		func(datagram []byte, from netip.AddrPort) {
			s.hear(from.Addr())
			c.takeMatch(datagram, from.Addr(), "", []string{first, second}, r)
		})
	if err != nil || ctx.Err() != nil {
		return err
	}
	return s.missed()
}

// ask asks everybody who is silent so far, and leaves the last one time to answer.
func (s *round) ask(ctx context.Context, packet []byte) {
	for i, a := range s.targets {
		if !a.Is4() || a.IsMulticast() || a.IsUnspecified() || s.answered(a) {
			s.asked[i] = true // as far as it can be
			continue
		}
		if !wait(ctx, targetPause) {
			return
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(patience))
		if _, err := s.conn.WriteToUDPAddrPort(packet, netip.AddrPortFrom(a, s.to)); err != nil {
			s.trouble = err
		} else {
			s.asked[i] = true
		}
	}
	wait(ctx, 2*answerDelay)
}

// missed says how many targets could not be asked.
func (s *round) missed() error {
	n := 0
	for _, asked := range s.asked {
		if !asked {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d of them could not be asked: %w", n, s.trouble)
}

func (s *round) hear(a netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heard) < len(s.targets) {
		s.heard[a] = true
	}
}

func (s *round) answered(a netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard[a]
}
