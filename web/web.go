// Package web is the house over HTTP: the page, the API with its live stream, orders by people. One table
// of routes says what there is, who may use it and what it answers; the OpenAPI document is made from it.
//
// It promises that no request blocks an actor or waits without end, that nobody beyond this machine gets
// anything without a password and TLS, and that every order and every refusal is recorded with who and
// when. It must never decide over the pump: it passes on what a person orders and says what came of it.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/protocol"
	"wildfire-watch/web/auth"
)

// Source is the house as the page sees it. None of its methods blocks.
type Source interface {
	// Status is the newest snapshot of the pump; ok is false before the first.
	Status() (status protocol.PumpStatus, ok bool)
	// Recovered is what the journal told at the start: how many starts, why the last one ended,
	// whether it is safe mode.
	Recovered() protocol.Recovered
	// Wires is what is known of the lines; ok is false before the gpio actor's first words.
	Wires() (wires protocol.Wires, ok bool)
	// Overview is the newest one; ok is false before the first.
	Overview() (o protocol.Overview, ok bool)
	// Watch calls f with each new overview until stop is called; f does not block.
	Watch(f func(protocol.Overview)) (stop func())
	// Publish sends a message as an actor would: Command, Acknowledge, EventsAsked, ChartAsked, Rejected,
	// Occurred.
	Publish(msg any)
}

// Settings are what a page is made of.
type Settings struct {
	Config  Config
	Dir     string       // journal.dir: where the socket is, if http.socket does not say otherwise
	Frigate string       // frigate.api: where pictures are had; empty: there are none
	Metrics http.Handler // answers /metrics; nil: there is none
	// Reload reads the configuration anew; nil: this house cannot.
	Reload func() protocol.SettingsOutcome
	Log    *zap.Logger // nil: none
}

// limits are the page's patiences; tests have shorter ones.
type limits struct {
	order   time.Duration // an order's outcome
	reply   time.Duration // an actor's reply
	picture time.Duration // Frigate's picture
	beat    time.Duration // between signs of life in a stream
	slow    time.Duration // a reader of the stream that takes nothing
	reload  time.Duration // between looks at the certificate's files
}

var usualLimits = limits{order: 2 * time.Second, reply: 3 * time.Second, picture: 3 * time.Second,
	beat: 10 * time.Second, slow: 5 * time.Second, reload: time.Second}

// Page is the running server.
type Page struct {
	settings Settings
	limits   limits
	source   Source
	log      *zap.Logger
	door     *auth.Door
	sessions auth.Sessions
	stream   stream
	pictures pictures
	noise    noise
	orders   chan struct{} // a token for each order that waits for its outcome; a stop needs none
	near     bool          // only this machine reaches the address
	url      string
	secure   bool // by TLS
	tls      func() *tls.Config
	socket   string
	servers  []*http.Server
	ends     []func()
	closed   sync.Once
}

// Open serves in the background what the settings allow: the address of http.listen, and the socket. What
// could not be opened is in err; the page serves the rest, and is nil if that is nothing.
func Open(s Settings, source Source) (*Page, error) { return open(s, source, usualLimits) }

func open(s Settings, source Source, l limits) (*Page, error) {
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	users, mistakes := auth.Read(s.Config.Users)
	p := &Page{settings: s, limits: l, source: source, log: s.Log, door: auth.NewDoor(users),
		orders: make(chan struct{}, maxOrders)}
	p.pictures.open()
	var problems []error
	for _, m := range mistakes {
		if !m.Warning { // config.Check has said so; whoever is not understood does not get in
			problems = append(problems, errors.New("http.users "+m.Value+" "+m.Problem))
		}
	}
	p.stream.open(source)
	if err := p.openAddress(); err != nil {
		problems = append(problems, err)
	}
	if err := p.openSocket(); err != nil {
		problems = append(problems, err)
	}
	if len(p.servers) == 0 {
		_ = p.Close()
		return nil, errors.Join(problems...)
	}
	return p, errors.Join(problems...)
}

// Bounds of a connection and a request.
const (
	maxHeader  = 16 << 10
	maxBody    = 4 << 10
	headerTime = 5 * time.Second
	answerTime = 10 * time.Second
	idleTime   = time.Minute
	h2Streams  = 64
)

// serve answers on a listener in the background.
func (p *Page) serve(l net.Listener, secure bool, peers func(context.Context, net.Conn) context.Context) {
	server := &http.Server{
		Handler: p.handler(), ReadHeaderTimeout: headerTime, ReadTimeout: answerTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ConnContext: peers,
		ErrorLog: stdLog(p.log), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: h2Streams},
	}
	p.servers = append(p.servers, server)
	if secure {
		server.TLSConfig = p.tls()
		go func() { _ = server.ServeTLS(l, "", "") }() // ends with Close
		return
	}
	go func() { _ = server.Serve(l) }()
}

// URL is where the page is, with the port that was chosen; empty if it is on the socket alone.
func (p *Page) URL() string { return p.url }

// Socket is the path of the socket for the terminal; empty if there is none.
func (p *Page) Socket() string { return p.socket }

// Close ends the servers within a second.
func (p *Page) Close() (err error) {
	p.closed.Do(func() {
		p.stream.close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		for _, s := range p.servers {
			_ = s.Shutdown(ctx)
			err = errors.Join(err, s.Close())
		}
		for _, end := range p.ends {
			end()
		}
		p.pictures.close()
	})
	return err
}

// stdLog takes what net/http has to say: strangers' broken handshakes, for whoever looks for them.
func stdLog(l *zap.Logger) *log.Logger {
	s, _ := zap.NewStdLogAt(l, zap.DebugLevel) // DebugLevel is a level
	return s
}
