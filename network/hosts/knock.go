package hosts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// answer is what came of one TCP connect.
type answer int

const (
	silence answer = iota // nothing, or a router says that nobody is there
	refusal               // somebody refused: a host is there, the door is closed
	opened
)

// trouble is what a connect fails with through no fault of the host's: no more files, memory, ports, a
// firewall of our own, no route.
var trouble = []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.EADDRNOTAVAIL, unix.EACCES, unix.EPERM, unix.ENETUNREACH}

// knock opens one connection and ends it without a word. It ends with RST: half-closed connections
// that linger would use up the few that a camera has, and those that wait for their time would use up ours.
// An error is trouble of our own; the end of the context is silence.
func knock(ctx context.Context, at netip.AddrPort) (answer, error) {
	d := net.Dialer{Timeout: connectTime, KeepAlive: -1}
	c, err := d.DialContext(ctx, "tcp4", at.String())
	if err == nil {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
		return opened, nil
	}
	for _, own := range trouble {
		if errors.Is(err, own) {
			return silence, fmt.Errorf("connect to %s: %w", at, own)
		}
	}
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ECONNRESET) {
		return refusal, nil
	}
	return silence, nil
}
