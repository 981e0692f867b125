package broker

import (
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
	"go.uber.org/zap"
)

// pause follows a failed accept (no file descriptors left): the broker does not give up for it.
const pause = 100 * time.Millisecond

// porch is one listener before the door, in the library's terms. It stands in for the library's own, whose
// end looks for its clients under a read lock taken twice, and waits for each other with a client that goes
// meanwhile; here the door has ended them all before.
type porch struct {
	name   string
	socket net.Listener
	door   *door
	wrap   func(net.Conn) net.Conn // the TLS of its connections; nil: none
	log    *zap.Logger
}

// Init is the library's.
func (*porch) Init(*slog.Logger) error { return nil }

// ID is its name in the library.
func (p *porch) ID() string { return p.name }

// Address is where it listens.
func (p *porch) Address() string { return p.socket.Addr().String() }

// Protocol is what it listens for.
func (p *porch) Protocol() string { return p.socket.Addr().Network() }

// Serve serves whoever the door lets in, until Close.
func (p *porch) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := p.accept()
		if err != nil {
			return
		}
		go p.door.serve(func() {
			if err := establish(p.name, conn); err != nil {
				p.log.Debug("a client has gone", zap.Error(err))
			}
		})
	}
}

// Close listens no more.
func (p *porch) Close(listeners.CloseFn) { _ = p.socket.Close() }

// accept waits for the next connection that there is room for.
func (p *porch) accept() (net.Conn, error) {
	for {
		conn, err := p.socket.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil, err
			}
			select {
			case <-p.door.closed:
				return nil, err
			case <-time.After(pause):
				continue
			}
		}
		if g := p.door.admit(conn, false); g == nil {
			abandon(conn)
		} else if p.wrap != nil {
			return p.wrap(g), nil
		} else {
			return g, nil
		}
	}
}

// abandon closes without a farewell: a crowd that is turned away leaves nothing behind in the kernel.
func abandon(conn net.Conn) {
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}
