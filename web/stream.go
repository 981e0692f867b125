package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"wildfire-watch/protocol"
)

// stream hands each overview to whoever follows. It is written as JSON once for all of them; a follower
// that is slow misses overviews, never delays one, and nothing is kept for him but the newest.
type stream struct {
	newest atomic.Pointer[protocol.Overview]
	news   chan struct{} // has room for one: there is a newer one
	over   chan struct{} // closed at the end
	ended  sync.WaitGroup
	stop   func()
	mu     sync.Mutex // guards what follows
	many   int
	frame  frame
}

// frame is one overview as it is sent.
type frame struct {
	of   *protocol.Overview
	text []byte        // nil: nobody followed when it came
	next chan struct{} // closed when there is a newer one
}

const (
	maxStreams = 32
	// anew is what a browser waits before it comes back, in ms.
	anew = 2000
)

func (s *stream) open(source Source) {
	s.news, s.over = make(chan struct{}, 1), make(chan struct{})
	s.frame.next = make(chan struct{})
	if o, ok := source.Overview(); ok {
		s.hear(o)
	}
	s.stop = source.Watch(s.hear)
	s.ended.Go(s.run)
}

// hear runs on an actor's goroutine.
func (s *stream) hear(o protocol.Overview) {
	s.newest.Store(&o)
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *stream) close() {
	s.stop()
	close(s.over)
	s.ended.Wait()
}

func (s *stream) run() {
	for {
		select {
		case <-s.over:
			return
		case <-s.news:
			s.write(s.newest.Load())
		}
	}
}

// write makes a frame of an overview, if somebody follows.
func (s *stream) write(o *protocol.Overview) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o == s.frame.of && s.frame.text != nil {
		return // news that came while it was being written
	}
	before := s.frame.next
	s.frame = frame{of: o, next: make(chan struct{})}
	if s.many > 0 {
		s.frame.text = frameOf(o)
	}
	close(before)
}

func frameOf(o *protocol.Overview) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %d\nevent: overview\ndata: %s\n\n", o.Number, text)
	return b.Bytes()
}

// join counts a follower; there may be too many.
func (s *stream) join() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.many >= maxStreams {
		return false
	}
	if s.many++; s.frame.text == nil {
		if o := s.newest.Load(); o != nil {
			s.frame.of, s.frame.text = o, frameOf(o)
		}
	}
	return true
}

func (s *stream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.many--
}

func (s *stream) now() frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frame
}

// follow is a stream. Who comes back after a gap gets the newest overview at once, whatever
// Last-Event-ID says: nothing of a state that is past is worth telling.
func (p *Page) follow(w http.ResponseWriter, req *http.Request, v visitor) {
	if !p.stream.join() {
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, "too many follow already", "close a page, or ask /api/overview")
		return
	}
	defer p.stream.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy is not to gather it
	c := http.NewResponseController(w)
	send := func(text []byte) bool {
		if err := c.SetWriteDeadline(time.Now().Add(p.limits.slow)); err != nil {
			return false
		}
		_, err := w.Write(text)
		return err == nil && c.Flush() == nil
	}
	beat := time.NewTicker(p.limits.beat)
	defer beat.Stop()
	f := p.stream.now()
	changed := p.door.Changed()
	ok := p.still(v) && send(append(fmt.Appendf(nil, "retry: %d\n\n", anew), f.text...))
	for ok {
		select {
		case <-req.Context().Done():
			return
		case <-p.stream.over:
			return
		case <-changed:
			changed, ok = p.door.Changed(), p.still(v)
		case <-f.next:
			if f = p.stream.now(); f.text != nil {
				ok = send(f.text)
			}
		case <-beat.C:
			ok = p.still(v) && send([]byte(": alive\n\n"))
		}
	}
}
