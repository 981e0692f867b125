package hosts

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
)

// Links are our interfaces that have hosts behind them which ARP can ask: up, with carrier and an IPv4
// address, speaking Ethernet. With names in only it is these, virtual or not; a name that cannot be used
// is in the error, and the others are returned all the same. With none it is those that lead to a wire
// or a radio; see interfaces.choose. No privilege is needed.
func Links(only []string) ([]protocol.Link, error) {
	all, err := readInterfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	if len(only) == 0 {
		return all.choose(), nil
	}
	return all.named(only)
}

// device is one interface as the kernel tells of it.
type device struct {
	index    int
	name     string
	kind     string // of the kernel's virtual interfaces: "bridge", "veth"; empty: a driver's
	mac      string
	nets     []string
	ethernet bool // hosts on it answer ARP
	up       bool // and has carrier
	master   int  // bridge or bond that it is a port of
	parent   int  // what a VLAN or the like stands on; 0: none, or in another namespace
	outward  bool // the default route leads through it
}

type interfaces []device

// The kinds of interfaces. Everything that they do not name has nobody behind it who was bought in a
// shop: dummy, tun, tap, wireguard, vxlan, gre and the like.
var (
	// drivers are physical. Those that have no kind at all are the drivers of Ethernet, Wi-Fi and USB
	// adapters; asking the kernel for the kind works in every namespace, which sysfs does not. dsa is a
	// port of a router's switch.
	drivers = []string{"", "dsa"}
	// stacked stand on one other interface.
	stacked = []string{"vlan", "macvlan", "macvtap", "ipvlan"}
	// bundles are made of several.
	bundles = []string{"bond", "team", "bridge"}
	// doorways are how a container or a namespace is connected.
	doorways = []string{"veth", "macvlan", "macvtap", "ipvlan", "openvswitch"}
)

// mostStacked is how deep a VLAN on a bridge on a bond … is looked into.
const mostStacked = 8

// choose takes every interface that leads to a physical one: an adapter, a VLAN on it, a bond, or a
// bridge with such a port. A bridge that has containers alone leads nowhere, and a port of a bridge is
// seen through the bridge. Inside of a container or a namespace nothing is physical, and the doorway
// counts: one that the default route leads through always, others when there is nothing physical.
func (all interfaces) choose() (links []protocol.Link) {
	var outward, inner []protocol.Link
	for _, d := range all {
		switch {
		case !d.usable():
		case all.physical(d, mostStacked):
			links = append(links, d.link())
		case d.master == 0 && all.doorway(d):
			if d.outward {
				outward = append(outward, d.link())
			} else {
				inner = append(inner, d.link())
			}
		}
	}
	if len(links) == 0 {
		links = inner
	}
	return slices.Concat(links, outward)
}

// named takes the interfaces that were asked for.
func (all interfaces) named(only []string) (links []protocol.Link, err error) {
	var wrong []error
	for i, name := range only {
		if slices.Contains(only[:i], name) {
			continue
		}
		at := slices.IndexFunc(all, func(d device) bool { return d.name == name })
		if at < 0 {
			wrong = append(wrong, fmt.Errorf("use interface %q: there is none", name))
			continue
		}
		switch d := all[at]; {
		case !d.ethernet:
			wrong = append(wrong, fmt.Errorf("use interface %q: it does not speak Ethernet with ARP", name))
		case !d.up:
			wrong = append(wrong, fmt.Errorf("use interface %q: it is down or has no carrier", name))
		case len(d.nets) == 0:
			wrong = append(wrong, fmt.Errorf("use interface %q: it has no IPv4 address", name))
		default:
			links = append(links, d.link())
		}
	}
	return links, errors.Join(wrong...)
}

func (d device) usable() bool { return d.ethernet && d.up && len(d.nets) > 0 }

func (d device) link() protocol.Link {
	return protocol.Link{Name: d.name, Index: d.index, MAC: d.mac, Nets: d.nets}
}

func (all interfaces) physical(d device, deep int) bool {
	switch {
	case deep == 0:
		return false
	case slices.Contains(drivers, d.kind):
		return d.ethernet
	case slices.Contains(bundles, d.kind):
		return slices.ContainsFunc(all, func(port device) bool { return port.master == d.index && all.physical(port, deep-1) })
	case slices.Contains(stacked, d.kind):
		return slices.ContainsFunc(all, func(below device) bool { return below.index == d.parent && all.physical(below, deep-1) })
	default:
		return false
	}
}

// doorway says whether it, or what a VLAN or a bond on it is made of, connects our namespace. A bridge
// of such is not: that is where containers are connected to us.
func (all interfaces) doorway(d device) bool {
	switch {
	case slices.Contains(doorways, d.kind):
		return true
	case d.kind == "vlan":
		return slices.ContainsFunc(all, func(below device) bool { return below.index == d.parent && slices.Contains(doorways, below.kind) })
	case d.kind == "bond" || d.kind == "team":
		return slices.ContainsFunc(all, func(port device) bool { return port.master == d.index && slices.Contains(doorways, port.kind) })
	default:
		return false
	}
}

// readInterfaces asks the kernel.
func readInterfaces() (interfaces, error) {
	found, err := whole(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}
	addresses, err := whole(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("addresses: %w", err)
	}
	routes, err := whole(func() ([]netlink.Route, error) { return netlink.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	var all interfaces
	for _, l := range found {
		d := deviceOf(l)
		d.outward = slices.ContainsFunc(routes, func(r netlink.Route) bool { return defaultThrough(r, d.index) })
		for _, a := range addresses {
			if a.LinkIndex == d.index && a.IPNet != nil {
				d.nets = append(d.nets, a.IPNet.String())
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// whole reads one of the kernel's tables; one that changed while it was read is read again.
func whole[T any](list func() ([]T, error)) (rows []T, err error) {
	const tries = 4
	for range tries {
		if rows, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return rows, err
		}
	}
	return rows, nil // it changes all the time: what is there is better than nothing
}

func deviceOf(l netlink.Link) device {
	at := l.Attrs()
	d := device{index: at.Index, name: at.Name, kind: l.Type(), mac: at.HardwareAddr.String(), master: at.MasterIndex}
	if d.kind == "device" {
		d.kind = "" // the library's word for an interface without a kind
	}
	const silent, alive = unix.IFF_LOOPBACK | unix.IFF_NOARP | unix.IFF_POINTOPOINT, unix.IFF_UP | unix.IFF_RUNNING
	d.ethernet = at.EncapType == "ether" && at.RawFlags&silent == 0 && len(at.HardwareAddr) == 6
	d.up = at.RawFlags&alive == alive
	// In another namespace the number names something else.
	if slices.Contains(stacked, d.kind) && at.NetNsID < 0 {
		d.parent = at.ParentIndex
	}
	return d
}

func defaultThrough(r netlink.Route, index int) bool {
	if r.Dst != nil && !r.Dst.IP.Equal(net.IPv4zero) {
		return false
	}
	if r.Dst != nil {
		if ones, _ := r.Dst.Mask.Size(); ones != 0 {
			return false
		}
	}
	return r.LinkIndex == index || slices.ContainsFunc(r.MultiPath, func(n *netlink.NexthopInfo) bool { return n.LinkIndex == index })
}
