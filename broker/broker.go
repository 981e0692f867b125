// Package broker is the embedded MQTT broker, used while no other is configured.
//
// It promises that a fresh device works with nothing else installed: it listens on loopback and keeps
// nothing on disk. Beyond loopback it listens only with TLS and only for users that log in, each with the
// rights of its role (protocol/access); what is configured otherwise is not done and is told as a fault,
// and the house goes on. It bounds what a client can make it hold and how fast, and the time that one hung
// reader can hold up others. What it refuses is counted and told at a bounded rate.
//
// Our own connections come by no network at all: nobody else can be them, and no crowd keeps them out. It
// must never keep a process from ending.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"go.uber.org/zap"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/access"
)

// Bounds of what clients can make the broker hold.
const (
	MaxPacket        = 1 << 20 // bytes of one packet, its header included
	MaxClients       = 128     // connections, those not logged in included, our own left out
	MaxWaiting       = 48      // of them not logged in
	MaxFromOne       = 32      // of them of one address of the network
	MaxOfUser        = 32      // of them of one user
	MaxSessions      = 512     // clients that are known, those away included
	MaxSubscriptions = 1024    // filters of one client
	MaxTopic         = 512     // bytes of a topic or a filter
	MaxLevels        = 16      // levels of a topic or a filter
	MaxInflight      = 1024    // unacknowledged messages of QoS 1 and 2 a client
	MaxPending       = 4096    // messages that wait for one slow reader; then they drop
	MaxRetained      = 16384   // retained topics; half of them one client's
	// MaxRetainedBytes bounds the payloads of all retained messages together.
	MaxRetainedBytes = 64 << 20
	maxAddresses     = 1024 // that are counted one by one
)

// ownClients is the room in the library for connections of our own.
const ownClients = 16

// Settings are what a broker needs to know.
type Settings struct {
	// Listen is the address without TLS ("127.0.0.1:1883", port 0 for any), on loopback alone.
	Listen string
	// TLSListen is the address with TLS; empty: none.
	TLSListen string
	// CertFile and KeyFile are the server's, ClientCAFile signs clients' certificates; PEM.
	CertFile, KeyFile, ClientCAFile string
	// Users may log in. Without any, whoever is on this machine may do everything.
	Users    []access.User
	Prefixes protocol.Prefixes
	Log      *zap.Logger
}

// Broker is a running broker.
type Broker struct {
	// Addr is where it listens without TLS: the port chosen, if the configuration said 0. TLSAddr is
	// where it does with TLS; empty: it does not.
	Addr, TLSAddr string
	server        *mqtt.Server
	door          *door
	login         *login
	refusals      *refusals
	faults        faults
	log           *zap.Logger
	closing       sync.Once
}

// Start opens a broker without users on one address.
func Start(listen string, log *zap.Logger) (*Broker, error) {
	return Open(Settings{Listen: listen, Log: log, Prefixes: protocol.Prefixes{Frigate: "frigate"}})
}

// Open listens and serves until Close.
func Open(s Settings) (*Broker, error) {
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	b := &Broker{log: s.Log, refusals: newRefusals(s.Log)}
	b.door = newDoor(b.refuse)
	listen, why := fenced(s)
	socket, err := listenOn(listen)
	if err != nil {
		return nil, explain(listen, err)
	}
	b.Addr = socket.Addr().String()
	if why != "" {
		b.fault("broker_fenced", why)
	}
	limits := mqtt.NewDefaultServerCapabilities()
	limits.MaximumClients = MaxClients + ownClients
	limits.MaximumPacketSize = MaxPacket
	limits.MaximumInflight = MaxInflight
	limits.MaximumClientWritesPending = MaxPending
	limits.MaximumSessionExpiryInterval = 3600
	limits.MaximumMessageExpiryInterval = 0 // retained states stay until replaced
	limits.TopicAliasMaximum = 0            // an alias would be looked up after the rights were asked
	b.server = mqtt.New(&mqtt.Options{
		Capabilities:             limits,
		ClientNetWriteBufferSize: 16 << 10,
		ClientNetReadBufferSize:  16 << 10,
		Logger:                   slog.New(logBridge{log: s.Log}),
		SysTopicResendInterval:   60,
	})
	if err := b.open(s, socket); err != nil {
		_ = socket.Close()
		return nil, fmt.Errorf("start the embedded broker on %s: %w", listen, err)
	}
	return b, nil
}

func (b *Broker) open(s Settings, socket net.Listener) error {
	behind := newBacklog(b.refuse)
	rights := newRights(s.Prefixes, behind, b.refuse)
	b.login = newLogin(s.Users, rights, b.server.Clients, b.refuse)
	hooks := []mqtt.Hook{b.login, rights,
		&identifiers{info: b.server.Info}, newBounds(s.Log, b.refuse), behind}
	for _, h := range hooks {
		if err := b.server.AddHook(h, nil); err != nil {
			return err
		}
	}
	porches := []*porch{{name: "open", socket: socket, door: b.door, log: b.log}}
	if secure := b.secure(s); secure != nil {
		porches = append(porches, secure)
	}
	for _, p := range porches {
		if err := b.server.AddListener(p); err != nil {
			return err
		}
	}
	return b.server.Serve()
}

// secure opens the listener with TLS; nil: there is none, and if there should be, a fault says why.
func (b *Broker) secure(s Settings) *porch {
	switch {
	case s.TLSListen == "":
		return nil
	case len(s.Users) == 0:
		b.fault("broker_tls", "listen on "+s.TLSListen+": broker.users is empty, and nobody is let in from the"+
			" network without a login; wildfire-watch password makes one")
		return nil
	}
	c := &certificates{cert: s.CertFile, key: s.KeyFile, ca: s.ClientCAFile, tell: func(err error) {
		if err != nil {
			b.fault("broker_tls", err.Error()+"; wildfire-watch certs makes certificates, and they are used as soon"+
				" as they are there")
			return
		}
		b.fault("broker_tls", "")
	}}
	socket, err := listenOn(s.TLSListen)
	if err != nil {
		b.fault("broker_tls", fmt.Sprintf("listen on broker.tls_listen: %v", err))
		return nil
	}
	if err := c.first(); err != nil {
		b.log.Debug("no certificate yet", zap.Error(err))
	}
	b.TLSAddr = socket.Addr().String()
	return &porch{name: "tls", socket: socket, door: b.door, wrap: c.wrap, log: b.log}
}

// listenOn listens without the kernel's keepalive, which the door gives to whoever is let in: a crowd that
// is turned away is not worth four system calls each.
func listenOn(address string) (net.Listener, error) {
	quiet := net.ListenConfig{KeepAlive: -1}
	return quiet.Listen(context.Background(), "tcp", address)
}

// fenced is where to listen without TLS: never beyond this machine. why says what was wanted instead.
func fenced(s Settings) (listen, why string) {
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil || loopback(host) {
		return s.Listen, ""
	}
	return net.JoinHostPort("127.0.0.1", port), "broker.listen = " + s.Listen + " is open to the network without TLS:" +
		" it is not done, the broker listens on 127.0.0.1:" + port + " alone; for other machines set broker.tls_listen," +
		" cert_file, key_file and users (docs/security.md)"
}

// loopback says whether a host is this machine and nothing else.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// explain says what to do about an address that cannot be had.
func explain(listen string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("start the embedded broker on %s: the address is in use; if another broker"+
			" runs there, set mqtt.url = \"tcp://%s\" to use it, else set broker.listen to a free"+
			" address: %w", listen, listen, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("start the embedded broker on %s: this machine has no such address; set"+
			" broker.listen to 127.0.0.1:1883: %w", listen, err)
	}
	return fmt.Errorf("start the embedded broker on %s: %w", listen, err)
}

// Dial connects to the broker from inside the process, over a pair of sockets that no address leads to:
// it has every right, and needs no room at the listeners. (net.Pipe would not do: it has no buffer, so the
// broker writing to us while we acknowledge to it would wait for each other for ever.)
func (b *Broker) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ours, theirs, err := pair()
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded broker: %w", err)
	}
	g := b.door.admit(theirs, true)
	if g == nil {
		_, _ = ours.Close(), theirs.Close()
		return nil, fmt.Errorf("connect to the embedded broker: %w", net.ErrClosed)
	}
	g.who.Store(&identity{full: true, all: true})
	go b.door.serve(func() { _ = b.server.EstablishConnection("own", g) })
	return ours, nil
}

// Tell says who hears of faults and refusals; what came before is told now.
func (b *Broker) Tell(publish func(msg any)) {
	b.faults.to(publish)
	b.refusals.to(publish)
}

// refuse tells of a refusal and holds it against its address.
func (b *Broker) refuse(x refusal) {
	b.refusals.note(x)
	b.door.conduct.strike(x.address, x.reason, time.Now())
}

func (b *Broker) fault(code, text string) {
	if text != "" {
		b.log.Error("the embedded broker is not as configured", zap.String("fault", code), zap.String("reason", text))
	}
	b.faults.note(protocol.Fault{Code: code, Text: text, Cleared: text == ""})
}

// Close ends every connection and the broker. Clients get no farewell beyond the closed socket,
// so their wills are published to whoever still listens. A second Close does nothing.
func (b *Broker) Close() (err error) {
	b.closing.Do(func() {
		b.door.shut()
		err = b.server.Close()
		b.refusals.close()
	})
	return err
}

// Clients is how many connections are open.
func (b *Broker) Clients() int { return b.door.count() }

// Refused is how much was refused since start.
func (b *Broker) Refused() uint64 { return b.refusals.count() }
