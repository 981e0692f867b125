package bridge

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// wire is the socket. A write that does not get on ends the connection; paho alone would wait for
// ever with an acknowledgement, and everything behind it.
type wire struct {
	net.Conn
	in    *bufio.Reader // paho reads byte by byte: that is a fifth of a flood's cost
	heard atomic.Uint64 // how often something came
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn}
	w.in = bufio.NewReaderSize(ear{w}, 16<<10)
	return w
}

// ear counts what comes on a wire.
type ear struct{ of *wire }

func (e ear) Read(p []byte) (int, error) {
	n, err := e.of.Conn.Read(p)
	if n > 0 {
		e.of.heard.Add(1)
	}
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	_ = w.Conn.SetWriteDeadline(time.Now().Add(writeWithin))
	n, err := w.Conn.Write(p)
	return n, told(err)
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	return n, told(err)
}

// told makes a socket that was closed on this side an end like any other: paho ignores such an
// error and would take the connection for alive until its next ping.
func told(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return io.EOF
	}
	return err
}

// SetWriteDeadline is paho's; Write has its own.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
