package hosts

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

// mostPorts is how many ports a scan may try, and mostLanes how many of them on one host at once: cameras
// have few connections, and silent ones should still cost one timeout and not one a port.
const (
	mostPorts = 256
	mostLanes = 16
)

// Ports tries ports of hosts with TCP connects, each once, 256 at a time of which 16 with one host, and
// reports those that are open. A host that is silent costs a second for each 16 ports. Found is called
// from several goroutines, one at a time, and must not block. The error is a wrong port or address, the
// context's, or the first trouble of our own: then some doors have not been tried.
func Ports(ctx context.Context, hosts []netip.Addr, ports []int, found func(ip netip.Addr, port int)) error {
	if len(ports) > mostPorts {
		return fmt.Errorf("try %d ports: at most %d", len(ports), mostPorts)
	}
	for _, p := range ports {
		if p < 1 || p > 65535 {
			return fmt.Errorf("try port %d: not in 1 to 65535", p)
		}
	}
	ports = distinct(ports)
	hosts = distinct(hosts)
	for _, ip := range hosts {
		if !ip.Is4() {
			return fmt.Errorf("try ports of %v: not an IPv4 address", ip)
		}
	}
	lanes := min(len(ports), mostLanes)
	s := scan{ports: ports, lanes: lanes, found: found, work: make(chan lane)}
	var busy sync.WaitGroup
	for range min(mostFlying, len(hosts)*lanes) {
		busy.Go(func() { s.run(ctx) })
	}
	// Lane by lane: every host has one connection before one has two.
	for first := range lanes {
		for _, ip := range hosts {
			s.work <- lane{ip, first}
		}
	}
	close(s.work)
	busy.Wait()
	if err := ended(ctx); err != nil {
		return err
	}
	return s.trouble
}

// lane is the part of a host's ports that are tried one after the other.
type lane struct {
	ip    netip.Addr
	first int
}

type scan struct {
	ports []int
	lanes int
	work  chan lane

	mutex   sync.Mutex
	found   func(ip netip.Addr, port int)
	trouble error
}

func (s *scan) run(ctx context.Context) {
	for l := range s.work {
		for i := l.first; i < len(s.ports) && ended(ctx) == nil; i += s.lanes {
			got, err := knock(ctx, netip.AddrPortFrom(l.ip, uint16(s.ports[i])))
			s.mutex.Lock()
			if s.trouble == nil {
				s.trouble = err
			}
			if got == opened {
				s.found(l.ip, s.ports[i])
			}
			s.mutex.Unlock()
		}
	}
}

// distinct drops repetitions and keeps the order.
func distinct[T comparable](all []T) []T {
	seen := make(map[T]bool, len(all))
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool {
		again := seen[v]
		seen[v] = true
		return again
	})
}
