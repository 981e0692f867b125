package stream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/httpauth"
	"wildfire-watch/protocol/rtsp"
)

// talk is one conversation with one port of a host, over one connection where the host keeps it.
type talk struct {
	ctx  context.Context
	host string
	port int
	ring *ring
	// limit bounds each exchange besides the deadline of ctx; 0: that alone.
	limit time.Duration

	line      *line
	greeted   bool
	challenge httpauth.Challenge
	count     uint32 // uses of the challenge's nonce
	cseq      int
	buffer    []byte
	channel   byte // of the RTP packets, once a stream is set up
	ending    bool // only TEARDOWN is left: it outlives ctx by grace
}

// grace is how long giving a session back may take after everything else has ended.
const grace = time.Second

func newTalk(ctx context.Context, host string, port int, r *ring) *talk {
	return &talk{ctx: ctx, host: host, port: port, ring: r}
}

// dial connects, unless there is a connection.
func (t *talk) dial() error {
	if t.line != nil {
		return nil
	}
	ctx, cancel := context.WithDeadline(t.ctx, t.deadline())
	defer cancel()
	// No keep-alive probes: the connection lives for one call.
	conn, err := (&net.Dialer{KeepAlive: -1}).DialContext(ctx, "tcp", hostPort(t.host, t.port))
	if err != nil {
		return dialError{err}
	}
	t.line = tie(t.ctx, conn)
	return nil
}

// close ends the connection; the next question makes another.
func (t *talk) close() {
	if t.line != nil {
		t.line.release()
		_ = t.line.Close()
		t.line = nil
	}
}

// deadline is when the exchange that begins now must be over.
func (t *talk) deadline() time.Time {
	end, ok := t.ctx.Deadline()
	if t.limit > 0 {
		if own := time.Now().Add(t.limit); !ok || own.Before(end) {
			return own
		}
	}
	return end
}

// greet sends OPTIONS, once: what it answers says that it speaks RTSP, and whether it needs a login is
// not said before DESCRIBE. Some hang up on it: they are asked again without.
func (t *talk) greet(u rtsp.URL) error {
	if t.greeted {
		return nil
	}
	r, err := t.send(rtsp.Request{Method: rtsp.Options, URL: u})
	if err != nil && !hungUp(err) {
		return err
	}
	t.greeted = true
	if err != nil || closes(r) {
		t.close()
	}
	return nil
}

// ask sends one request, with the login where the host wants one.
func (t *talk) ask(q rtsp.Request) (rtsp.Response, error) {
	if t.ring.accepted && t.challenge.Known() && t.line != nil {
		r, err := t.tell(q, t.ring.current)
		if err == nil && r.Status == 401 {
			// Accepted before, so it is the nonce that has worn off, said or unsaid.
			if c, ok := r.Choose(); ok && c.Renews(t.challenge) {
				t.meet(c)
				return t.tell(q, t.ring.current)
			}
		}
		if !hungUp(err) || t.ending {
			return r, err
		}
		t.close()
	}
	r, err := t.plain(q)
	if err != nil || r.Status != 401 {
		return r, err
	}
	return t.enter(q, r)
}

// plain sends a request without a login, on a new connection if the host has closed the old one.
func (t *talk) plain(q rtsp.Request) (rtsp.Response, error) {
	old := t.line != nil && t.line.answers > 0
	r, err := t.send(q)
	if hungUp(err) && old && !t.ending {
		t.close()
		r, err = t.send(q)
	}
	return r, err
}

// enter answers a 401 with one login after the other, each at most once, until one is not refused.
func (t *talk) enter(q rtsp.Request, r rtsp.Response) (rtsp.Response, error) {
	for {
		c, ok := r.Choose()
		if !ok {
			return r, nil
		}
		l, ok := t.ring.next()
		if !ok {
			return r, nil
		}
		if closes(r) {
			t.close()
		}
		t.meet(c)
		after, err := t.tell(q, l)
		if errors.Is(err, httpauth.BadLogin) {
			continue
		}
		if err == nil && after.Status == 401 {
			// A stale nonce is not a refusal: the login itself was not looked at (RFC 7616 §3.3).
			if again, ok := after.Choose(); ok && again.Fresh(c) {
				t.meet(again)
				after, err = t.tell(q, l)
			}
		}
		if hungUp(err) || err == nil && (after.Status == 401 || after.Status == 403) {
			t.ring.refuse(l)
			if t.ring.accepted || len(t.ring.left) == 0 {
				return after, err
			}
			// The next one gets a connection and a challenge of its own: many hang up on a wrong login.
			t.close()
			if r, err = t.plain(q); err != nil || r.Status != 401 {
				return r, err
			}
			continue
		}
		if err == nil && (after.Status < 400 || after.Status == 404) {
			t.ring.accept(l)
		}
		return after, err
	}
}

// meet takes a new challenge.
func (t *talk) meet(c httpauth.Challenge) { t.challenge, t.count = c, 0 }

// tell sends a request with a login.
func (t *talk) tell(q rtsp.Request, l protocol.Login) (rtsp.Response, error) {
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails (crypto/rand)
	t.count++
	a, err := t.challenge.Answer(l, httpauth.Use{Method: string(q.Method), URI: q.URL.String(), Count: t.count,
		Salt: hex.EncodeToString(salt[:])})
	if err != nil {
		return rtsp.Response{}, err
	}
	t.ring.told = true
	q.Authorization = a
	return t.send(q)
}

// maxLate is how many answers to questions given up before are passed over.
const maxLate = 4

// send makes one exchange.
func (t *talk) send(q rtsp.Request) (rtsp.Response, error) {
	if err := t.dial(); err != nil {
		return rtsp.Response{}, err
	}
	t.cseq++
	q.CSeq = t.cseq
	var err error
	if t.buffer, err = q.Append(t.buffer[:0]); err != nil {
		return rtsp.Response{}, err
	}
	defer clear(t.buffer)
	t.line.got = 0
	if !t.ending {
		_ = t.line.SetDeadline(t.deadline())
		if err := context.Cause(t.ctx); err != nil { // SetDeadline may have undone the context's own
			return rtsp.Response{}, err
		}
	}
	if _, err := t.line.Write(t.buffer); err != nil {
		return rtsp.Response{}, err
	}
	for range maxLate {
		r, err := t.line.in.Response()
		if err != nil {
			return r, err
		}
		t.line.answers++
		if r.CSeq == 0 || r.CSeq >= q.CSeq {
			return r, nil
		}
	}
	return rtsp.Response{}, rtsp.Malformed
}
