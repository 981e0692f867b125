package web

import (
	"fmt"
	"net"
	"net/netip"
	"sync"

	"go.uber.org/zap"
)

// openAddress listens on http.listen, if that is safe.
func (p *Page) openAddress() error {
	c := p.settings.Config
	if c.Listen == "" {
		return nil
	}
	if why := c.open(); why != "" {
		return fmt.Errorf("the page is not opened: http.listen = %s %s", c.Listen, why)
	}
	p.near = loopback(c.Listen)
	if len(c.Users) > 0 && !p.door.Guarded() {
		return fmt.Errorf("the page is not opened: none of http.users can be used")
	}
	if c.CertFile != "" {
		if err := p.openCertificate(); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s for the page: %w; set http.listen to a free address, or to \"\" for none", c.Listen, err)
	}
	if p.door.Guarded() && !p.secure {
		p.log.Warn("passwords travel unencrypted, on this machine alone: http.cert_file is not set")
	}
	scheme := "http://"
	if p.secure {
		scheme = "https://"
	}
	p.url = scheme + l.Addr().String()
	p.log.Debug("page", zap.String("url", p.url))
	p.serve(&bounded{Listener: l, of: make(map[netip.Addr]int)}, p.secure, nil)
	return nil
}

// How many connections there may be.
const (
	maxConns   = 256
	maxConnsOf = 64 // of one address
)

// bounded is a listener that closes what is too much: who floods us takes no memory and no descriptors.
type bounded struct {
	net.Listener
	mu  sync.Mutex // guards what follows
	all int
	of  map[netip.Addr]int
}

// Accept gives the next connection that is not too many.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(c.RemoteAddr().String())
		if b.take(from) {
			return &counted{Conn: c, give: sync.OnceFunc(func() { b.give(from) })}, nil
		}
		_ = c.Close()
	}
}

func (b *bounded) take(from netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all >= maxConns || b.of[from] >= maxConnsOf {
		return false
	}
	b.all++
	b.of[from]++
	return true
}

func (b *bounded) give(from netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all--
	if b.of[from]--; b.of[from] <= 0 {
		delete(b.of, from)
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	give func()
}

// Close gives back its place.
func (c *counted) Close() error {
	c.give()
	return c.Conn.Close()
}

// addressOf is the address in host:port; the zero Addr for anything else.
func addressOf(remote string) netip.Addr {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}
