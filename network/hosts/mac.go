package hosts

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"wildfire-watch/protocol/arp"
)

// meetTime is how long a connection may take that is made to learn a MAC.
const meetTime = time.Second

// table is the kernel's neighbour table as it was lately: 250 cameras that are asked in turn need not
// have it read 500 times.
var table struct {
	sync.Mutex
	rows []netlink.Neigh
	at   time.Time
}

// lately is how old the table may be. A connection that was made since stands on it, or on a change
// that the next look sees.
const lately = 200 * time.Millisecond

func recent() []netlink.Neigh {
	table.Lock()
	defer table.Unlock()
	if time.Since(table.at) < lately {
		return table.rows
	}
	rows, err := neighbours()
	if err != nil {
		return nil
	}
	table.rows, table.at = rows, time.Now()
	return rows
}

// MAC is the hardware address that the kernel sends frames for ip to, lower case with :; empty if it
// knows none: the host is beyond a router, or was not spoken with lately. No privilege is needed.
func MAC(ip netip.Addr) string {
	for _, n := range recent() {
		at, ok := netip.AddrFromSlice(n.IP)
		if !ok || at.Unmap() != ip || n.State&there == 0 || len(n.HardwareAddr) != len(arp.MAC{}) {
			continue
		}
		if mac := arp.MAC(n.HardwareAddr); mac.Station() {
			return mac.String()
		}
	}
	return ""
}

// Meet is MAC, after a connection to a port if that is what it takes: it says nothing on it. A MAC that is not the
// one expected ("" is any) takes one, for the kernel may have it from long ago; met says that somebody answered
// or refused it, so that the MAC is his.
func Meet(ctx context.Context, ip netip.Addr, port int, expected string) (mac string, met bool) {
	if expected == "" {
		outdate()
	}
	if mac := MAC(ip); mac != "" && (mac == expected || expected == "") {
		return mac, true
	}
	d := net.Dialer{Timeout: meetTime}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(ip.String(), strconv.Itoa(port)))
	if err == nil {
		_ = c.Close()
	}
	outdate()
	return MAC(ip), err == nil || errors.Is(err, syscall.ECONNREFUSED)
}

// outdate has the table read anew: what was just met counts.
func outdate() {
	table.Lock()
	defer table.Unlock()
	table.at = time.Time{}
}
