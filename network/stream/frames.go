package stream

import (
	"context"
	"fmt"
	"net"
	"time"

	"wildfire-watch/protocol/rtsp"
)

// Bounds on watching a stream.
const (
	watchSpan   = 2 * time.Second // how long packets are counted
	watchMost   = 100             // packets that are proof enough
	maxDatagram = 2 << 10         // of an RTP packet by UDP only the beginning is looked at
)

// unsupported is the status of a camera that does not do the transport asked for (RFC 2326 §11.3.14).
const unsupported = 461

// watched is what playing a stream for a moment has shown.
type watched struct {
	packets int
	first   []byte // the first RTP packet
	problem string
}

// watch plays a stream until span is over or most packets have come, and gives its session back,
// whatever happens: on the camera's connection, or by UDP if it refuses that.
func (t *talk) watch(d described, span time.Duration, most int) (w watched) {
	control, err := rtsp.Control(d.url, d.base, d.medium.Control)
	if err != nil {
		return watched{problem: problem(rtsp.Setup, d.url, err.Error())}
	}
	whole, err := rtsp.Control(d.url, d.base, d.whole)
	if err != nil {
		whole = d.url
	}
	var media source = t
	setup := rtsp.Request{Method: rtsp.Setup, URL: control, Transport: rtsp.Interleaved}
	r, err := t.ask(setup)
	if err == nil && r.Status == unsupported {
		p, listenErr := t.listen()
		if listenErr != nil {
			return watched{problem: problem(rtsp.Setup, control, "no pair of UDP ports")}
		}
		defer p.close()
		media, setup.Transport = p, rtsp.Datagrams(p.port)
		r, err = t.ask(setup)
	}
	if why := t.unwilling(r, err); why != "" {
		return watched{problem: problem(rtsp.Setup, control, why)}
	}
	session := rtsp.SessionID(r.Value("Session"))
	defer t.teardown(whole, session)
	t.channel = rtsp.Channel(r.Value("Transport"))
	r, err = t.ask(rtsp.Request{Method: rtsp.Play, URL: whole, Session: session})
	if why := t.unwilling(r, err); why != "" {
		return watched{problem: problem(rtsp.Play, whole, why)}
	}
	return w.count(t.ctx, media, whole, span, most)
}

// unwilling says why an answer to SETUP or PLAY is no success; empty if it is one.
func (t *talk) unwilling(r rtsp.Response, err error) string {
	switch {
	case err != nil:
		_, why := t.outcome(err)
		return why
	case r.Status == 200:
		return ""
	case r.Status == 453 || r.Status == 503:
		return rtsp.Reason(r.Status) + ": " + string(Busy)
	}
	return rtsp.Reason(r.Status)
}

// source is where the RTP packets of a stream come from.
type source interface {
	until(time.Time) error   // bounds all packets to come
	packet() ([]byte, error) // the next one, valid until the one after
}

// count counts packets.
func (w watched) count(ctx context.Context, from source, u rtsp.URL, span time.Duration, most int) watched {
	end := time.Now().Add(span)
	if last, ok := ctx.Deadline(); ok && last.Before(end) {
		end = last
	}
	err := from.until(end)
	for err == nil && w.packets < most {
		var p []byte
		if p, err = from.packet(); err == nil {
			if w.packets++; w.packets == 1 {
				w.first = append(w.first, p[:min(len(p), maxDatagram)]...)
			}
		}
	}
	if w.packets == 0 {
		w.problem = problem(rtsp.Play, u, fmt.Sprintf("no picture in %v", span))
	}
	return w
}

// until bounds what is read from the camera's connection.
func (t *talk) until(end time.Time) error {
	if t.line == nil {
		return net.ErrClosed
	}
	_ = t.line.SetDeadline(end)
	return t.ctx.Err() // SetDeadline may have undone the context's own
}

// packet is the next RTP packet on the camera's connection.
func (t *talk) packet() ([]byte, error) {
	for {
		p, err := t.line.in.Packet()
		if err != nil || p.Channel == t.channel && isRTP(p.Data) {
			return p.Data, err
		}
	}
}

// isRTP says whether a packet is RTP of the version in use (RFC 3550 §5.1).
func isRTP(p []byte) bool { return len(p) >= 12 && p[0]>>6 == 2 }

// teardown gives the session back, also when ctx is over: a camera has one or two.
func (t *talk) teardown(u rtsp.URL, session string) {
	if t.line == nil {
		return
	}
	t.line.release()
	_ = t.line.SetDeadline(time.Now().Add(grace))
	t.ending = true
	_, _ = t.ask(rtsp.Request{Method: rtsp.Teardown, URL: u, Session: session})
	t.close()
	t.ending = false
}

// measure reads the size of a JPEG stream from its first packet: its SDP tells none.
func (t *talk) measure(d *described) {
	if d.Stream.Codec != "JPEG" || d.Stream.Width > 0 {
		return
	}
	w := t.watch(*d, watchSpan, 1)
	if width, height, ok := rtsp.JPEGSize(w.first); ok {
		d.Stream.Width, d.Stream.Height = width, height
		d.medium.Width, d.medium.Height = width, height
	}
}
