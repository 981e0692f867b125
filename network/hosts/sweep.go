package hosts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/arp"
)

// Bounds on what one sweep reports: a host that makes up addresses costs a bounded memory.
const (
	// mostStrangers is pairs of IP and MAC beyond two for each address that was asked.
	mostStrangers = 1024
	// mostClaims is pairs in all: a /16 with two MACs for each address.
	mostClaims = 1 << 17
	// mostFull is how often the network card's queue may be full before a question is given up, and
	// fullTime what is waited each time.
	mostFull = 20
	fullTime = 5 * time.Millisecond
)

// claim is one MAC's claim to one address.
type claim struct {
	ip  netip.Addr
	mac arp.MAC
}

// sweep is one sweep under way.
type sweep struct {
	*socket
	asker asker
	pace  *pacer
	found func(protocol.Sighting)
	asked int

	claims map[claim]struct{} // of the listening goroutine alone
	most   int

	mutex    sync.Mutex
	answered map[netip.Addr]bool // known hosts: whether they have been heard
}

// Sweep asks every address of some subnets of a link who has it, at most rate questions a second, known
// hosts first. Known ones that stay silent are asked once more; they may be in any subnet of the link.
// It returns 0.3 s after the last question: a /24 takes 0.6 s at the default rate. Found is called
// from one goroutine, once for each pair of IP and MAC that was heard, whether asked or not, and must
// not block: two MACs that claim one IP are two sightings, and so is one MAC with two IPs.
//
// Asked is the number of addresses. The error is fs.ErrPermission without CAP_NET_RAW, the context's
// when it ends early; whatever was found until then has been reported.
func Sweep(ctx context.Context, link protocol.Link, nets []netip.Prefix, rate int, known []netip.Addr,
	found func(protocol.Sighting)) (asked int, err error) {
	s := &sweep{pace: newPacer(rateOf(rate)), found: found,
		claims: make(map[claim]struct{}), most: mostStrangers, answered: make(map[netip.Addr]bool)}
	if s.asker, err = newAsker(link); err != nil {
		return 0, err
	}
	for _, net := range nets {
		if !net.IsValid() || !s.asker.knows(net) {
			return 0, fmt.Errorf("sweep %s on %s: not a subnet of this link", net, link.Name)
		}
		s.most = min(s.most+(2<<(32-max(net.Bits(), 8))), mostClaims)
	}
	if s.socket, err = open(link); err != nil {
		return 0, err
	}
	defer func() { _ = s.Close() }()
	return s.run(ctx, nets, known)
}

// run asks while another goroutine listens, and ends when both have.
func (s *sweep) run(ctx context.Context, nets []netip.Prefix, known []netip.Addr) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A deadline in the past wakes the listener.
	stop := context.AfterFunc(ctx, func() { _ = s.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var listening sync.WaitGroup
	listening.Go(func() {
		if err := s.listen(); err != nil {
			cancel(err)
		}
	})
	err := s.ask(ctx, nets, known)
	if err == nil {
		err = sleep(ctx, lastAnswer)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	listening.Wait()
	return s.asked, err
}

// ask asks everyone.
func (s *sweep) ask(ctx context.Context, nets []netip.Prefix, known []netip.Addr) error {
	for _, ip := range known {
		if s.asker.may(ip) != nil && !s.mentioned(ip) {
			s.expect(ip)
			if err := s.one(ctx, ip); err != nil {
				return err
			}
			s.asked++
		}
	}
	last := time.Now()
	for i, net := range nets {
		for ip := range targets(net) {
			if s.mentioned(ip) || within(nets[:i], ip) || s.asker.may(ip) == nil {
				continue
			}
			if err := s.one(ctx, ip); err != nil {
				return err
			}
			s.asked++
		}
	}
	return s.again(ctx, last)
}

// again asks known hosts that are silent a second time, when they have had time to answer.
func (s *sweep) again(ctx context.Context, last time.Time) error {
	silent := s.silent()
	if len(silent) == 0 {
		return nil
	}
	if err := sleep(ctx, lastAnswer/2-time.Since(last)); err != nil {
		return err
	}
	for _, ip := range s.silent() {
		if err := s.one(ctx, ip); err != nil {
			return err
		}
	}
	return nil
}

// one asks for one address.
func (s *sweep) one(ctx context.Context, ip netip.Addr) error {
	frame, err := s.asker.may(ip).Ask(ip)
	if err != nil {
		return fmt.Errorf("ask for %s on %s: %w", ip, s.link.Name, err)
	}
	for range mostFull {
		if err := s.pace.wait(ctx); err != nil {
			return err
		}
		_, err = s.Write(frame)
		if !errors.Is(err, unix.ENOBUFS) {
			break
		}
		if err := sleep(ctx, fullTime); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("ask for %s on %s: %w", ip, s.link.Name, err)
	}
	return nil
}

// listen reports who speaks until the deadline that the end of the sweep sets.
func (s *sweep) listen() error {
	for {
		h, ok, err := s.next()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		case ok && !s.ours(h) && h.Kind != arp.Probing:
			s.report(h)
		}
	}
}

// ours is what a switch that loops sends back to us.
func (s *sweep) ours(h arp.Heard) bool { return h.MAC == s.asker.mac }

func (s *sweep) report(h arp.Heard) {
	s.mutex.Lock()
	if _, wanted := s.answered[h.IP]; wanted {
		s.answered[h.IP] = true
	}
	s.mutex.Unlock()
	c := claim{h.IP, h.MAC}
	if _, told := s.claims[c]; told || len(s.claims) >= s.most {
		return
	}
	s.claims[c] = struct{}{}
	s.found(sightingOf(h, s.link))
}

// expect notes a known host.
func (s *sweep) expect(ip netip.Addr) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.answered[ip] = false
}

// mentioned says whether it is a known host that has been asked.
func (s *sweep) mentioned(ip netip.Addr) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_, known := s.answered[ip]
	return known
}

// silent are known hosts that have not been heard.
func (s *sweep) silent() (silent []netip.Addr) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for ip, heard := range s.answered {
		if !heard {
			silent = append(silent, ip)
		}
	}
	return silent
}

func within(nets []netip.Prefix, ip netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
