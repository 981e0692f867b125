package announce

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// Times to live. SOAP-over-UDP and mDNS stay near; 239.255/16 may pass the routers of one site.
const (
	siteTTL = 4
	dnsTTL  = 255 // RFC 6762 §11
)

// receiveBuffer holds the answers of some hundred cameras that come in the same half second, in bytes.
const receiveBuffer = 1 << 20

// socket is what a UDP socket shall be.
type socket struct {
	bind  netip.AddrPort
	index int // of the interface that multicast goes out of; 0: unicast alone
	ttl   int // of multicast
	// group is joined on the interface. The socket is bound to the group, so that no datagram that is
	// sent to this host alone comes to us instead of another program on the same port.
	group bool
}

// open opens it. Anybody may bind the same group and port beside it.
func (s socket) open() (*net.UDPConn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "udp")
	defer func() { _ = f.Close() }() // the connection has a descriptor of its own
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	if err := s.options(fd); err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(s.bind.Port()), Addr: s.bind.Addr().As4()}); err != nil {
		return nil, fmt.Errorf("bind %s: %w", s.bind, err)
	}
	conn, err := net.FilePacketConn(f)
	if err != nil {
		return nil, fmt.Errorf("bind %s: %w", s.bind, err)
	}
	return conn.(*net.UDPConn), nil
}

func (s socket) options(fd int) error {
	if s.index == 0 {
		return nil
	}
	out := &unix.IPMreqn{Ifindex: int32(s.index)}
	if !s.group {
		out.Address = s.bind.Addr().As4()
	}
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, out); err != nil {
		return fmt.Errorf("multicast out of interface %d: %w", s.index, err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, s.ttl); err != nil {
		return fmt.Errorf("multicast ttl: %w", err)
	}
	if !s.group {
		return nil
	}
	// Never SO_REUSEPORT: of sockets that share a port by it, Linux (seen with 6.18) gives a multicast
	// datagram to any one, also to that of another interface or program.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("share port %d: %w", s.bind.Port(), err)
	}
	// Without this the socket hears the group on every interface on which anybody has joined it.
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0); err != nil {
		return fmt.Errorf("multicast of one interface: %w", err)
	}
	join := &unix.IPMreqn{Multiaddr: s.bind.Addr().As4(), Ifindex: int32(s.index)}
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, join); err != nil {
		return fmt.Errorf("join %s: %w", s.bind.Addr(), err)
	}
	return nil
}

// interfaceIndex is the index of an interface that is up. It may change: an adapter that is pulled and
// put back gets another.
func interfaceIndex(name string) (int, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, fmt.Errorf("interface %s: %w", name, err)
	}
	if i.Flags&net.FlagUp == 0 {
		return 0, fmt.Errorf("interface %s is down", name)
	}
	return i.Index, nil
}
