package device

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
)

// patient is a connection on which nothing is heard before we have spoken. net/http writes into the
// program's log what a host says unasked, and some hosts greet with noise.
type patient struct {
	net.Conn
	spoken chan struct{}
	once   *sync.Once
}

func newPatient(c net.Conn) patient { return patient{c, make(chan struct{}), new(sync.Once)} }

// Read waits for the first Write, or for Close.
func (p patient) Read(b []byte) (int, error) {
	<-p.spoken
	return p.Conn.Read(b)
}

// Write lets Read begin.
func (p patient) Write(b []byte) (int, error) {
	p.once.Do(func() { close(p.spoken) })
	return p.Conn.Write(b)
}

// Close ends a Read that still waits.
func (p patient) Close() error {
	p.once.Do(func() { close(p.spoken) })
	return p.Conn.Close()
}

// line makes connections to one host, and to no other.
type line struct{ ip netip.Addr }

func (l line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if to, err := netip.ParseAddrPort(address); err != nil || to.Addr().Unmap() != l.ip {
		return nil, errElsewhere
	}
	return (&net.Dialer{Timeout: connectTime}).DialContext(ctx, network, address)
}

func (l line) plain(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newPatient(c), nil
}

// secret does not verify certificates: every camera signs its own, so that TLS proves nothing here and
// hides nothing from who sits between. It is used to read an identity where a device offers nothing
// else, and Basic is never sent over it (session.choose). Old cameras speak TLS 1.0.
func (l line) secret(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t := tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10})
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return newPatient(t), nil
}
