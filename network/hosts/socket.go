package hosts

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/arp"
)

// socket sends and receives ARP frames on one link. It is an os.File, so that deadlines hold and Close
// ends a read.
type socket struct {
	*os.File
	link   protocol.Link
	reader arp.Reader
	frame  [arp.Enough]byte
}

// wanted is what the kernel lets through, so that nothing else wakes us: frames for us or for everyone
// (not what another one of our programs sends, nor what belongs to a VLAN in which we have no interface),
// ARP for IPv4 over Ethernet, requests and replies. The kernel has taken a VLAN tag away by then.
func wanted() []unix.SockFilter {
	const (
		load, loadHalf   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
		equal, above     = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
		done             = unix.BPF_RET | unix.BPF_K
		packetType       = 0xfffff000 + 4 // SKF_AD_OFF + SKF_AD_PKTTYPE
		formats, lengths = 0x00010800, 0x0604
		body             = 14
	)
	return []unix.SockFilter{
		{Code: load, K: packetType},
		{Code: above, K: unix.PACKET_MULTICAST, Jt: 8}, // to us, to all, to many; above are others and our own
		{Code: load, K: body},
		{Code: equal, K: formats, Jf: 6},
		{Code: loadHalf, K: body + 4},
		{Code: equal, K: lengths, Jf: 4},
		{Code: loadHalf, K: body + 6},
		{Code: equal, K: 1, Jt: 1},
		{Code: equal, K: 2, Jf: 1},
		{Code: done, K: arp.Enough},
		{Code: done, K: 0},
	}
}

// open makes a socket. Without CAP_NET_RAW the error is fs.ErrPermission.
func open(link protocol.Link) (*socket, error) {
	// Protocol 0 receives nothing until the filter is in place.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open an ARP socket on %s: %w", link.Name, err)
	}
	filter := wanted()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("filter ARP on %s: %w", link.Name, err)
	}
	var network [2]byte
	binary.BigEndian.PutUint16(network[:], unix.ETH_P_ARP)
	to := unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16(network[:]), Ifindex: link.Index}
	if err := unix.Bind(fd, &to); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("bind an ARP socket to %s: %w", link.Name, err)
	}
	return &socket{File: os.NewFile(uintptr(fd), "socket"), link: link}, nil
}

// next waits for the next message, until the file's deadline at the latest. Not ok: it named no host.
func (s *socket) next() (h arp.Heard, ok bool, err error) {
	n, err := s.Read(s.frame[:])
	if err != nil {
		return h, false, fmt.Errorf("hear ARP on %s: %w", s.link.Name, err)
	}
	h, err = s.reader.Read(s.frame[:n])
	return h, err == nil, nil
}
