package broker

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"wildfire-watch/protocol/access"
)

// guest is one connection.
type guest struct {
	net.Conn
	door    *door
	address string // who is counted for it
	local   bool   // it comes from this machine
	own     bool   // it is this process's own
	number  uint64
	waits   bool   // for its login; the door's
	user    string // that it has logged in as; likewise
	reads   bool   // it may read everything; likewise
	write   sync.Mutex
	light   bucket       // bytes that it sends, of the goroutine that reads
	behind  atomic.Int64 // bytes of large messages that wait for it (backlog.go)
	cut     atomic.Bool  // it was too far behind
	read    int          // bytes before the login

	who     atomic.Pointer[identity] // nil: not logged in
	pace    manners                  // of the goroutine that reads
	ignored bool                     // the packet being worked on is beyond the rate; likewise
}

// identity is who a guest has proved to be.
type identity struct {
	user string // "": nobody in particular, from this machine
	role access.Role
	hash string // the user's, when he came
	full bool   // every right: our own, and this machine's while there are no users
	all  bool   // it may read everything but topics that begin with $
}

// guestOf finds the guest under a client of the library; nil: the client has no connection of ours.
func guestOf(cl *mqtt.Client) *guest {
	conn := cl.Net.Conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	g, _ := conn.(*guest)
	return g
}

// addressOf is who a connection is counted for: its IP, of IPv6 the /64 that one host has for itself.
func addressOf(conn net.Conn) (address string, local bool) {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return "unknown", false
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String(), false
		}
	}
	return ip.String(), ip.IsLoopback()
}

// name is the user that it has logged in as; empty: nobody in particular, nobody yet, or nobody any more.
func (g *guest) name() string {
	if who := g.who.Load(); who != nil {
		return who.user
	}
	return ""
}

var errGreeting = errors.New("too much before a login")

// Read lets nobody send much before the login, and nobody too much after it.
func (g *guest) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p[:min(len(p), gulp)])
	who := g.who.Load()
	if n > 0 && (who == nil || !who.full) {
		g.door.slow(g, n)
	}
	if who == nil {
		if g.read += n; g.read > greetingBytes {
			_ = g.Close()
			return 0, errGreeting
		}
	}
	return n, err
}

// Write gives up on a reader that takes nothing for as long as stall.
func (g *guest) Write(p []byte) (n int, err error) {
	g.write.Lock()
	defer g.write.Unlock()
	for len(p) > 0 && err == nil {
		part := p[:min(len(p), chunk)]
		_ = g.Conn.SetWriteDeadline(time.Now().Add(stall))
		var m int
		m, err = g.Conn.Write(part)
		n, p = n+m, p[m:]
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && g.cut.CompareAndSwap(false, true) {
		g.door.refuse(refusal{reason: "slow reader", user: g.name(), address: g.address})
	}
	if err != nil {
		_ = g.Close()
	}
	return n, err
}

// SetDeadline is the library's keepalive. It is about what the client sends; writing has stall.
func (g *guest) SetDeadline(t time.Time) error { return g.Conn.SetReadDeadline(t) }

// Close makes room for another.
func (g *guest) Close() error {
	g.door.mu.Lock()
	g.door.leave(g)
	g.door.mu.Unlock()
	return g.Conn.Close()
}
