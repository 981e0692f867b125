package stream

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/rtsp"
)

// Bounds on a search.
const (
	maxDoors = 16
	maxPaths = 48
	// maxSearch is how long a search may take whose context has no deadline.
	maxSearch = time.Minute
	// maxOdd is how many errors of its own a host may answer before a door is left alone.
	maxOdd = 3
	// precedence is how long an earlier door may answer later than another and still go first.
	precedence = 100 * time.Millisecond
	// breath is how long a camera that is busy gets before it is asked once more: one that closes a
	// stream says so for a moment.
	breath = 500 * time.Millisecond
)

// Search is a search for the streams of a host that does not tell them.
type Search struct {
	Host   string          // address, without a port
	Doors  []protocol.Door // where it may answer, the likeliest first; at most 16 are tried
	Paths  []string        // of main streams, see rtsp.Paths; at most 48 are tried
	Logins []protocol.Login
	// Exchange bounds each question, a silent door's silence too; zero: 10 s.
	Exchange time.Duration
}

// Found is what a search has brought. Its fields are those of protocol.Interviewed.
type Found struct {
	Streams []protocol.Stream // the main stream first
	Open    bool              // something took a connection
	Suspect string            // why it may be a camera all the same; empty if it has shown a stream
	Login   protocol.LoginState
	LoginID string
	Refused []string
	Problem string // of the last door that disappointed
}

// Find looks for the streams of one host: it greets every door at once, so that silent ones cost one
// wait together, then walks the paths of those that speak RTSP, door by door, so that no login is tried
// twice. It ends at the first main stream and its sub stream, or at the deadline of ctx, or
// after a minute if it has none.
func Find(ctx context.Context, s Search) Found {
	if s.Exchange <= 0 {
		s.Exchange = wait
	}
	if _, err := netip.ParseAddr(s.Host); err != nil {
		return Found{Problem: "find streams: not an address"}
	}
	ctx, cancel := bounded(ctx, maxSearch)
	f := &finder{Search: s, ring: newRing(s.Logins...)}
	f.knock(ctx)
	found := f.walk(ctx)
	cancel() // doors that are still being greeted
	f.greeting.Wait()
	for _, d := range f.doors {
		d.talk.close()
	}
	found.Refused = f.ring.refused
	if f.ring.accepted {
		found.Login, found.LoginID = protocol.LoginGood, f.ring.current.ID
	}
	return found
}

// finder is a search under way.
type finder struct {
	Search
	ring     *ring
	doors    []*door
	greeted  chan *door
	greeting sync.WaitGroup
}

// door is one port of the host.
type door struct {
	protocol.Door
	talk    *talk
	err     error // of its greeting
	waiting bool  // greeted, and not yet walked
	over    bool
}

// knock greets every door at once.
func (f *finder) knock(ctx context.Context) {
	for _, d := range f.Doors {
		known := slices.ContainsFunc(f.doors, func(o *door) bool { return o.Port == d.Port })
		if known || d.Port < 1 || d.Port > 65535 || len(f.doors) == maxDoors {
			continue
		}
		t := newTalk(ctx, f.Host, d.Port, f.ring)
		t.limit = f.Exchange
		f.doors = append(f.doors, &door{Door: d, talk: t})
	}
	f.greeted = make(chan *door, len(f.doors))
	for _, d := range f.doors {
		f.greeting.Go(func() {
			u, err := rtsp.NewURL(f.Host, d.Port, f.pathsOf(d)[0])
			if err == nil {
				err = d.talk.greet(u)
			}
			d.err = err
			f.greeted <- d
		})
	}
}

// pathsOf are the paths to try at a door, the announced one first.
func (f *finder) pathsOf(d *door) []string {
	var paths []string
	for _, door := range f.Doors {
		if door.Port == d.Port && door.Path != "" {
			paths = append(paths, door.Path)
		}
	}
	for _, p := range f.Paths {
		if !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	return paths[:min(len(paths), maxPaths)]
}

// walk takes the doors as they answer, until one has shown a stream.
func (f *finder) walk(ctx context.Context) (found Found) {
	for {
		d := f.nextDoor()
		if d == nil {
			return found
		}
		if d.err != nil {
			o, why := d.talk.outcome(d.err)
			found.Open = found.Open || o != Refused && o != Unreachable && o != CutShort
			found.disappoint(d.Port, Answer{Outcome: o, Login: f.ring.state(o), Problem: "greet " +
				hostPort(f.Host, d.Port) + ": " + why})
			continue
		}
		found.Open = true
		if f.try(d, &found) || ctx.Err() != nil {
			return found
		}
	}
}

// nextDoor waits for a door that has been greeted; the earlier in the list first if two are near in
// time. Nil: there is none left.
func (f *finder) nextDoor() *door {
	patience := time.NewTimer(precedence)
	defer patience.Stop()
	for {
		var first *door // that has been greeted
		before := false // one before it is still being greeted
		open := false   // any is
		for _, d := range f.doors {
			switch {
			case d.over:
			case d.waiting && first == nil:
				first = d
			case !d.waiting:
				open, before = true, before || first == nil
			}
		}
		if first == nil && !open {
			return nil
		}
		if first != nil && !before {
			first.over = true
			return first
		}
		if first == nil {
			(<-f.greeted).waiting = true
			patience.Reset(precedence)
			continue
		}
		select {
		case d := <-f.greeted:
			d.waiting = true
		case <-patience.C:
			first.over = true
			return first
		}
	}
}

// try walks the paths of one door; true if a stream was found.
func (f *finder) try(d *door, found *Found) bool {
	odd, rested := 0, false
	last := Answer{}
	for _, path := range f.pathsOf(d) {
		u, err := rtsp.NewURL(f.Host, d.Port, path)
		if err != nil {
			continue
		}
		main := d.talk.describe(u)
		if main.Outcome == Busy && !rested && (f.ring.accepted || !f.ring.told) {
			rested = true
			pause(d.talk.ctx, breath)
			main = d.talk.describe(u)
		}
		last = main.Answer
		switch last.Outcome {
		case Video:
			f.keep(d, main, path, found)
			return true
		case NotFound, NoVideo:
			continue
		case Odd:
			if odd++; odd < maxOdd || last.Status < 500 && last.Status != 405 {
				continue
			}
		}
		break // every other outcome would be the same on the next path
	}
	found.disappoint(d.Port, last)
	return false
}

// pause waits, at most until ctx is over.
func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// keep takes the main stream, and its sub stream if there is one that is smaller.
func (f *finder) keep(d *door, main described, path string, found *Found) {
	d.talk.measure(&main)
	*found = Found{Open: true, Streams: []protocol.Stream{main.Stream}, Login: main.Login}
	path = rtsp.Sub(path)
	if path == "" {
		return
	}
	u, err := rtsp.NewURL(f.Host, d.Port, path)
	if err != nil {
		return
	}
	d.talk.close() // go2rtc adds what a second DESCRIBE shows to the first, on one connection
	sub := d.talk.describe(u)
	if sub.Outcome != Video {
		return
	}
	d.talk.measure(&sub)
	of, to := main.Stream.Width*main.Stream.Height, sub.Stream.Width*sub.Stream.Height
	if of > 0 && to > 0 && to < of || of*to == 0 && !sub.medium.Alike(main.medium) {
		found.Streams = append(found.Streams, sub.Stream)
	}
}

// disappoint notes what a door without a stream has said.
func (f *Found) disappoint(port int, a Answer) {
	if a.Outcome != Refused && a.Outcome != CutShort || f.Problem == "" {
		f.Problem = a.Problem
	}
	if f.Login == "" || a.Login == protocol.LoginWrong {
		f.Login = a.Login
	}
	if f.Suspect != "" {
		return
	}
	switch a.Outcome {
	case NotFound, NoVideo, Odd, Elsewhere:
		f.Suspect = itoa(port) + " speaks RTSP and shows none of the streams that we know"
	case WantsLogin, LoginWrong, Busy, Silent, Drip, Endless:
		f.Suspect = itoa(port) + " " + string(a.Outcome)
	}
}
