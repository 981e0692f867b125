package hosts

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/arp"
)

// ticks is how many of the kernel's ticks a second has in what it tells user space (USER_HZ).
const ticks = 100

// there are the states in which an entry has a MAC that a host once answered with (RFC 4861 §7.3.2 has
// the same for IPv6).
const there = netlink.NUD_REACHABLE | netlink.NUD_STALE | netlink.NUD_DELAY | netlink.NUD_PROBE | netlink.NUD_PERMANENT

// Neighbours reports what the kernel's neighbour table holds of the hosts on some links. No privilege is
// needed. It holds those that this machine spoke with: Connect makes it do so. At is when the host was
// last known to be there, which may be long ago: the kernel forgets slowly.
func Neighbours(links []protocol.Link, found func(protocol.Sighting)) error {
	rows, err := neighbours()
	if err != nil {
		return err
	}
	now := time.Now()
	for _, n := range rows {
		at := slices.IndexFunc(links, func(l protocol.Link) bool { return l.Index == n.LinkIndex })
		ip, ok := netip.AddrFromSlice(n.IP)
		ip = ip.Unmap()
		if at < 0 || !ok || n.State&there == 0 || len(n.HardwareAddr) != len(arp.MAC{}) {
			continue
		}
		mac := arp.MAC(n.HardwareAddr)
		if !mac.Station() || !arp.Host(ip) {
			continue
		}
		ago := time.Duration(n.Confirmed) * time.Second / ticks
		found(protocol.Sighting{IP: ip.String(), MAC: mac.String(), Link: links[at].Name,
			Means: protocol.ByNeighbours, At: now.Add(-ago)})
	}
	return nil
}

func neighbours() ([]netlink.Neigh, error) {
	rows, err := whole(func() ([]netlink.Neigh, error) { return netlink.NeighList(0, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("read the neighbour table: %w", err)
	}
	return rows, nil
}
