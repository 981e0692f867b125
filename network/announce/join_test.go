package announce

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// joinGroup lets a socket of another kind hear a group too.
func joinGroup(c *net.UDPConn, group netip.Addr, index int) (err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	if failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
			&unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)})
	}); failed != nil {
		return failed
	}
	return err
}
