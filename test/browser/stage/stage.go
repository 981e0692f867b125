// Package stage plays a house for the page: the server's API with a scripted fire behind it, no pump and no
// camera. It promises that the page cannot tell it from the house by what it is sent; it must never be
// part of the binary.
package stage

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"wildfire-watch/protocol"
)

// Options say which house is played.
type Options struct {
	Listen  string // empty: any free port of loopback
	Cameras int
	// Login wants User and Password before it tells anything; they are those of an operator.
	Login bool
	// Viewer: who signs in may look alone.
	Viewer bool
}

// User and Password sign in where Options.Login is set.
const (
	User     = "anna"
	Password = "correct horse battery"
)

// Beat is how often the house speaks when nothing happens.
const Beat = 500 * time.Millisecond

// Order is a command that reached the house.
type Order struct {
	Command string
	State   protocol.State // when it came
	At      time.Time
}

// Stage is a house that is played.
type Stage struct {
	options  Options
	server   *http.Server
	listener net.Listener
	ended    chan struct{}
	beats    sync.WaitGroup

	mu       sync.Mutex
	now      protocol.Overview
	sent     []byte // the newest overview as JSON
	news     chan struct{}
	cutOff   chan struct{} // closed while the connection is cut
	cut      bool
	silent   bool
	slow     int // beats between two overviews; 0: each is told
	events   []protocol.Event
	orders   []Order
	acks     []protocol.Acknowledge
	refuse   string
	reports  []string
	sessions map[string]bool
	served   map[string]int // bytes by path, of the page itself
}

// Open plays a house until Close.
func Open(o Options) (*Stage, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for the stage: %w", o.Listen, err)
	}
	s := &Stage{options: o, listener: l, ended: make(chan struct{}), now: house(o.Cameras),
		news: make(chan struct{}), cutOff: make(chan struct{}), sessions: map[string]bool{}, served: map[string]int{}}
	s.events = past(s.now)
	s.server = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second}
	s.Change(func(*protocol.Overview) {})
	s.beats.Go(func() { _ = s.server.Serve(l) }) // ends with Close
	s.beats.Go(s.beat)
	return s, nil
}

// URL is the page's address.
func (s *Stage) URL() string { return "http://" + s.listener.Addr().String() + "/" }

// Close ends it all.
func (s *Stage) Close() {
	close(s.ended)
	_ = s.server.Close()
	s.beats.Wait()
}

// Change changes what is so, and tells everybody.
func (s *Stage) Change(f func(o *protocol.Overview)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.now)
	s.tell()
}

// tell sends the overview as it is now; the caller holds mu.
func (s *Stage) tell() {
	s.now.Number++
	s.now.At = unix(time.Now())
	raw, err := json.Marshal(s.now)
	if err != nil {
		panic(err) // our own value
	}
	s.sent = raw
	close(s.news)
	s.news = make(chan struct{})
}

// beat lets time pass in the house.
func (s *Stage) beat() {
	t := time.NewTicker(Beat)
	defer t.Stop()
	for n := 1; ; n++ {
		select {
		case <-s.ended:
			return
		case <-t.C:
			s.mu.Lock()
			if !s.silent {
				passes(&s.now, Beat.Seconds())
				if s.slow == 0 || n%s.slow == 0 {
					s.tell()
				}
			}
			s.mu.Unlock()
		}
	}
}

// passes lets seconds go by for what runs down or up.
func passes(o *protocol.Overview, by float64) {
	p := &o.Pump
	o.Uptime += by
	for _, left := range []*float64{&p.NextDeadline, &p.LockoutSeconds, &p.RefillOwed} {
		*left = max(0, *left-by)
	}
	if p.EngineOn {
		p.CurrentRuntime += by
		p.TotalRuntime += by
		p.RuntimeLeft = max(0, p.RuntimeLeft-by)
	}
	for i := range o.Cameras {
		if o.Cameras[i].Online {
			o.Cameras[i].LastHeard = unix(time.Now()) - float64(i%7)
		}
	}
}

// Cut cuts the connection: streams end, everything is refused until Restore.
func (s *Stage) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cut {
		s.cut = true
		close(s.cutOff)
	}
}

// Restore ends Cut and Silence.
func (s *Stage) Restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		s.cut, s.cutOff = false, make(chan struct{})
	}
	s.silent = false
}

// Silence keeps the connections open and says nothing new: the house hangs.
func (s *Stage) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = true
}

// Quiet lets the house speak every five seconds alone, as a real one may where nothing happens.
func (s *Stage) Quiet() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = int(5 * time.Second / Beat)
}

// Refuse lets every command but a stop be refused for a reason; empty: no longer.
func (s *Stage) Refuse(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = reason
}

// Orders are the commands that came so far.
func (s *Stage) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.orders)
}

// Acknowledged are the acknowledgements that came so far.
func (s *Stage) Acknowledged() []protocol.Acknowledge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acks)
}

// Reports are the Content-Security-Policy reports that came so far.
func (s *Stage) Reports() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reports)
}

// Weight is the sum of the bodies of the page's own files that were sent, in bytes.
func (s *Stage) Weight() (total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.served {
		total += n
	}
	return total
}

// record notes an event of the house; the caller holds mu.
func (s *Stage) record(a protocol.Action, reason string, details map[string]any) {
	s.events = append(s.events, protocol.Event{Action: a, Host: s.now.Host, Timestamp: unix(time.Now()),
		Seq: uint64(len(s.events) + 1), Boot: s.now.Boot, GPIOAvailable: true, Reason: reason, System: s.now.Pump,
		Details: details})
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Forgive forgets the reports that were meant.
func (s *Stage) Forgive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = nil
}
