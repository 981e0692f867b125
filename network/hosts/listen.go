package hosts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/arp"
)

// Bounds on reading: a flood costs a bounded share of a core, the kernel drops the rest.
const (
	// mostFrames are read in each flood window; when they are used up the rest of it is slept.
	mostFrames  = 500
	floodWindow = 500 * time.Millisecond
)

// Listen reports who speaks on a link by himself, until the context ends: announcements, requests,
// replies. A host that moves is reported at once, one that stays every half a minute at the most while
// it speaks. A probe is not reported: its sender does not have the address yet, and its announcement
// follows when it does (RFC 5227 §2.3).
//
// Nothing is sent. It survives the interface going down and up, and being pulled out and put back under
// the same name. Found is called from one goroutine and must not block. The error is fs.ErrPermission
// without CAP_NET_RAW, else the context's.
func Listen(ctx context.Context, link protocol.Link, found func(protocol.Sighting)) error {
	l := listener{link: link, gate: newGate(), found: found}
	l.own, _ = arp.ParseMAC(link.MAC)
	for {
		err := l.whileThere(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, os.ErrPermission) {
			return err
		}
		if err := sleep(ctx, retryTime); err != nil {
			return err
		}
		l.find()
	}
}

// listener is what is kept while the interface may come and go.
type listener struct {
	link  protocol.Link
	own   arp.MAC
	gate  *gate
	found func(protocol.Sighting)

	window time.Time // when the flood window began
	frames int       // read in it
}

// errAnother says that the interface is not the one that the socket was bound to.
var errAnother = errors.New("another interface has its name, or none")

// whileThere listens as long as the interface that it was opened on exists.
func (l *listener) whileThere(ctx context.Context) error {
	s, err := open(l.link)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	for {
		h, ok, err := s.next()
		switch {
		case errors.Is(err, unix.ENETDOWN), errors.Is(err, os.ErrDeadlineExceeded):
			// The kernel attaches the socket again when the interface comes up, but not when it was
			// removed: while it is down we look.
			if !l.same() {
				return errAnother
			}
			err = s.SetReadDeadline(l.whenDown())
		case err == nil && ok && h.MAC != l.own && h.Kind != arp.Probing && l.gate.news(h, time.Now()):
			l.found(sightingOf(h, l.link))
		}
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if err := l.rest(ctx); err != nil {
			return err
		}
	}
}

// rest sleeps out a window in which too much was read.
func (l *listener) rest(ctx context.Context) error {
	now := time.Now()
	if now.Sub(l.window) >= floodWindow {
		l.window, l.frames = now, 0
	}
	if l.frames++; l.frames < mostFrames {
		return nil
	}
	return sleep(ctx, floodWindow-now.Sub(l.window))
}

// whenDown is the deadline of a read: none when the interface is up.
func (l *listener) whenDown() time.Time {
	if i, err := net.InterfaceByIndex(l.link.Index); err == nil && i.Flags&net.FlagUp != 0 {
		return time.Time{}
	}
	return time.Now().Add(retryTime)
}

// same says whether the interface that we are bound to still exists.
func (l *listener) same() bool {
	_, err := net.InterfaceByIndex(l.link.Index)
	return err == nil
}

// find looks for the interface under its name.
func (l *listener) find() {
	if i, err := net.InterfaceByName(l.link.Name); err == nil {
		l.link.Index = i.Index
		if m, ok := arp.ParseMAC(i.HardwareAddr.String()); ok {
			l.own = m
		}
	}
}
