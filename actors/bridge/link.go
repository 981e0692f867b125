package bridge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/zap"

	"wildfire-watch/protocol"
)

const (
	keepAlive   = 20 * time.Second
	pingTimeout = 10 * time.Second
	// answerWithin is for what the broker must answer: an event; connect and subscriptions together, the dial
	// included. A fault is told within ten seconds of its cause.
	answerWithin = 8 * time.Second
	writeWithin  = 2 * time.Second // a broker that takes nothing for so long is away
	flushWithin  = 400 * time.Millisecond
	partWithin   = 150 * time.Millisecond

	firstWait = 500 * time.Millisecond // of the reconnect backoff
	lastWait  = 30 * time.Second
	// steadyFor is how long a connection must have lasted for the backoff to begin anew.
	steadyFor = 10 * time.Second
)

// link is one service's connection, made anew for ever. Each connection is a fresh paho client:
// its own reconnecting reuses state and has no jitter.
type link struct {
	service  protocol.Service
	clientID string
	will     string // whole topic of online and offline; empty: none
	config   Config
	dial     Dial
	filters  map[string]byte // what to subscribe to, with QoS
	box      *outbox
	receive  func(m paho.Message)
	tell     func(msg any) // to the actor
	log      *zap.Logger

	running sync.Mutex // one run at a time, over restarts of the actor
	wire    atomic.Pointer[wire]
	stuck   int // connections in a row that died over the same large letter
}

// linkUp and linkDown are what a link tells its actor.
type (
	linkUp struct {
		link    *link
		refused []string // subscriptions that the broker does not grant
	}
	linkDown struct {
		link   *link
		reason error
		was    bool // it had been up
	}
)

// run connects, serves and connects again until ctx ends.
func (l *link) run(ctx context.Context) {
	l.running.Lock()
	defer l.running.Unlock()
	for tries := 0; ctx.Err() == nil; tries++ {
		lasted, err := l.guarded(ctx)
		if ctx.Err() != nil {
			return
		}
		if lasted >= steadyFor {
			tries = 0
		}
		l.tell(linkDown{l, err, lasted > 0})
		wait := backoff(tries, rand.Float64())
		l.log.Debug("broker is away", zap.String("connection", string(l.service)), zap.Error(err),
			zap.Duration("next_try", wait))
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// backoff doubles from firstWait to lastWait and spreads each wait over its upper half, so that
// many clients of one broker do not come back at the same moment. dice is 0 to 1.
func backoff(tries int, dice float64) time.Duration {
	full := lastWait
	if tries < 6 {
		full = min(firstWait<<tries, lastWait)
	}
	return full/2 + time.Duration(dice*float64(full/2))
}

// guarded keeps a panic in one session from ending the link.
func (l *link) guarded(ctx context.Context) (lasted time.Duration, err error) {
	defer func() {
		if r := recover(); r != nil {
			l.hangUp()
			l.log.Error("connection panicked", zap.String("connection", string(l.service)),
				zap.Any("reason", r), zap.Stack("stack"))
			err = fmt.Errorf("serve %s: %v", l.service, r)
		}
	}()
	return l.session(ctx)
}

// session is one connection from dial to end.
func (l *link) session(ctx context.Context) (lasted time.Duration, err error) {
	lost := make(chan error, 1)
	hello, cancel := context.WithTimeoutCause(ctx, answerWithin, errNoAnswer)
	defer cancel()
	client, err := l.connect(hello, lost)
	if err != nil {
		return 0, err
	}
	defer l.hangUp()
	refused, err := l.greet(hello, client, lost)
	if err != nil {
		client.Disconnect(uint(partWithin.Milliseconds()))
		return 0, err
	}
	since := time.Now()
	states := l.box.connect()
	defer l.box.disconnect()
	for _, state := range states {
		if t := l.publish(client, state); t.Error() != nil {
			break // the connection is gone, serve will say so
		}
	}
	l.tell(linkUp{l, refused})
	err = l.serve(ctx, client, lost)
	return max(time.Since(since), 1), err
}

func (l *link) connect(ctx context.Context, lost chan<- error) (paho.Client, error) {
	password, err := l.config.password()
	if err != nil {
		return nil, err
	}
	o := paho.NewClientOptions().AddBroker("tcp://broker:1883") // the address is dial's business
	o.SetClientID(l.clientID).SetUsername(l.config.Username).SetPassword(password)
	o.SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false)
	o.SetKeepAlive(keepAlive).SetPingTimeout(pingTimeout).SetConnectTimeout(answerWithin)
	o.SetWriteTimeout(writeWithin).SetOrderMatters(true)
	if l.will != "" {
		o.SetWill(l.will, "offline", 1, true)
	}
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { l.receive(m) })
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { lost <- err })
	var opened error
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		conn, err := l.dial(ctx)
		if err != nil {
			opened = err
			return nil, err
		}
		w := newWire(conn)
		l.wire.Store(w)
		return w, nil
	})
	client := paho.NewClient(o)
	hung := context.AfterFunc(ctx, l.hangUp)
	token := client.Connect()
	<-token.Done() // bounded by ctx
	if !hung() {
		return nil, context.Cause(ctx)
	}
	if err := token.Error(); err != nil {
		l.hangUp()
		if opened != nil { // paho wraps it in words of its own
			err = opened
		}
		return nil, err
	}
	return client, nil
}

// greet subscribes and says online: at every connection, because the session is clean and the will
// may have said offline.
func (l *link) greet(ctx context.Context, client paho.Client, lost <-chan error) (
	refused []string, err error,
) {
	if len(l.filters) > 0 {
		token := client.SubscribeMultiple(l.filters, nil)
		if err := await(ctx, token, lost, answerWithin); err != nil {
			return nil, fmt.Errorf("subscribe: %w", err)
		}
		for filter, granted := range token.(*paho.SubscribeToken).Result() {
			if granted > 2 {
				refused = append(refused, filter)
			}
		}
	}
	slices.Sort(refused)
	if l.will == "" {
		return refused, nil
	}
	if err := await(ctx, client.Publish(l.will, 1, true, "online"), lost, answerWithin); err != nil {
		return nil, fmt.Errorf("publish online: %w", err)
	}
	return refused, nil
}

var errNoAnswer = errors.New("the broker does not answer")

// await waits for a token, the end of the connection, ctx or the time.
func await(ctx context.Context, t paho.Token, lost <-chan error, within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case err := <-lost:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return errNoAnswer
	}
}

func (l *link) publish(client paho.Client, m letter) paho.Token {
	return client.Publish(m.topic, m.qos, m.retained, m.payload)
}

// hangUp closes the socket under whatever waits for it.
func (l *link) hangUp() {
	if w := l.wire.Swap(nil); w != nil {
		_ = w.Close()
	}
}
