package hosts

import (
	"fmt"
	"iter"
	"net/netip"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/arp"
)

// WidestNet is the prefix length of the widest subnet that is swept unasked: 4094 hosts, 4 s.
const WidestNet = 20

// Nets are the subnets of a link to sweep, those wider than WidestNet only if wide is set; the others
// are in skipped. A subnet inside of another one of them is left out.
func Nets(link protocol.Link, wide bool) (sweep, skipped []netip.Prefix) {
	for _, own := range ownOf(link) {
		net := own.Masked()
		switch {
		case net.Bits() < WidestNet && !wide:
			skipped = add(skipped, net)
		case net.Bits() < 32: // alone in its net it has no neighbours
			sweep = add(sweep, net)
		}
	}
	return sweep, skipped
}

// add keeps the widest of nets that overlap.
func add(nets []netip.Prefix, net netip.Prefix) []netip.Prefix {
	kept := nets[:0:0]
	for _, n := range nets {
		if n.Overlaps(net) && n.Bits() <= net.Bits() {
			return nets
		}
		if !n.Overlaps(net) {
			kept = append(kept, n)
		}
	}
	return append(kept, net)
}

// ownOf are our addresses on a link, with their prefixes. What is not IPv4 is left out.
func ownOf(link protocol.Link) (own []netip.Prefix) {
	for _, text := range link.Nets {
		if p, err := netip.ParsePrefix(text); err == nil && p.Addr().Is4() {
			own = append(own, p)
		}
	}
	return own
}

// targets yields the addresses of a subnet that hosts may have. In a /31 both are hosts (RFC 3021), and
// a /32 is one; elsewhere the first is the net's own and the last is its broadcast.
func targets(net netip.Prefix) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		net := net.Masked()
		if !net.IsValid() || !net.Addr().Is4() {
			return
		}
		first, last := net.Addr(), lastOf(net)
		if net.Bits() < 31 {
			first, last = first.Next(), last.Prev()
		}
		for ip := first; ip.IsValid() && !last.Less(ip); ip = ip.Next() {
			if !yield(ip) {
				return
			}
		}
	}
}

// lastOf is the highest address of a masked IPv4 subnet.
func lastOf(net netip.Prefix) netip.Addr {
	b := net.Addr().As4()
	for i := net.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

// edge says whether an address is the net's own or its broadcast: no host has it.
func edge(net netip.Prefix, ip netip.Addr) bool {
	return net.Bits() < 31 && (ip == net.Masked().Addr() || ip == lastOf(net.Masked()))
}

// asker is who asks on a link: a question for each of our addresses.
type asker struct {
	mac       arp.MAC
	own       []netip.Prefix
	questions []*arp.Question
}

func newAsker(link protocol.Link) (asker, error) {
	mac, ok := arp.ParseMAC(link.MAC)
	if !ok {
		return asker{}, fmt.Errorf("ask on %s: %q is no MAC", link.Name, link.MAC)
	}
	a := asker{mac: mac, own: ownOf(link)}
	if len(a.own) == 0 {
		return asker{}, fmt.Errorf("ask on %s: it has no IPv4 address", link.Name)
	}
	for _, own := range a.own {
		a.questions = append(a.questions, arp.NewQuestion(mac, own.Addr()))
	}
	return a, nil
}

// may says who asks for an address: we with that of our addresses whose subnet it is in, the narrowest
// if several. A host answers only to a sender that it has a route to. Nil: nobody may, it is ours, an
// edge of its net, or not on this link.
func (a asker) may(target netip.Addr) *arp.Question {
	if !arp.Host(target) {
		return nil
	}
	best := -1
	for i, own := range a.own {
		switch {
		case own.Addr() == target:
			return nil
		case !own.Contains(target) || own.Bits() == 32:
		case best < 0 || own.Bits() > a.own[best].Bits():
			best = i
		}
	}
	if best < 0 || edge(a.own[best], target) {
		return nil
	}
	return a.questions[best]
}

// knows says whether a subnet is one of ours, or inside of one.
func (a asker) knows(net netip.Prefix) bool {
	for _, own := range a.own {
		if own.Contains(net.Addr()) && own.Bits() <= net.Bits() {
			return true
		}
	}
	return false
}
