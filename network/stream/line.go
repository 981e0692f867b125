package stream

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"wildfire-watch/protocol/rtsp"
)

// line is one connection.
type line struct {
	net.Conn
	in      *rtsp.Reader
	got     int64 // bytes read since the last request
	answers int
	release func() // ends the tie to the context
}

// Read counts what comes.
func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.got += int64(n)
	return n, err
}

// dialError marks a connection that did not come about.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// tie makes a line whose waiting ends with ctx.
func tie(ctx context.Context, conn net.Conn) *line {
	l := &line{Conn: conn}
	l.in = rtsp.NewReader(l)
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cut)
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
	l.release = sync.OnceFunc(func() {
		if !stop() {
			<-cut
		}
	})
	return l
}

// closes says whether the host ends the connection behind this answer.
func closes(r rtsp.Response) bool { return strings.EqualFold(r.Value("Connection"), "close") }

// hungUp says whether the host ended the connection instead of answering.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}

// outcome says what it means that there was no answer, and how to put it.
func (t *talk) outcome(err error) (Outcome, string) {
	var strange rtsp.Strange
	var timeout net.Error
	var dial dialError
	isDial := errors.As(err, &dial)
	switch {
	case errors.As(err, &strange) && !t.ring.told:
		return Strange, strange.Error()
	case errors.Is(err, rtsp.NotRTSP):
		return Strange, string(rtsp.NotRTSP)
	case errors.Is(err, rtsp.TooLong):
		return Endless, err.Error()
	case errors.Is(err, rtsp.Malformed):
		return Strange, err.Error()
	case errors.Is(err, rtsp.BadRequest):
		return Odd, err.Error()
	case errors.Is(t.ctx.Err(), context.Canceled):
		return CutShort, string(CutShort)
	case isDial && errors.Is(err, syscall.ECONNREFUSED):
		return Refused, string(Refused)
	case isDial:
		return Unreachable, string(Unreachable)
	case errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded):
		if t.line == nil || t.line.got == 0 {
			return Silent, string(Silent)
		}
		return Drip, string(Drip)
	}
	return Lost, string(Lost)
}
