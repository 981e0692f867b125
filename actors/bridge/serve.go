package bridge

import (
	"context"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/zap"
)

// Queued letters go out one at a time, the next when the broker has acknowledged the one before:
// that keeps their order, and when the connection breaks at most one letter is in doubt. It is sent
// again, since a doubled event can be told by boot and seq and a lost one cannot. A window would
// be faster on a long line and leave as many in doubt as it is wide.

const (
	// stuckSize and stuckTimes: a letter this large that was in flight when so many connections in
	// a row died is dropped: a broker with a smaller packet limit would hang up on it for ever.
	stuckSize  = 16 << 10
	stuckTimes = 5
)

// flight is the queued letter that waits for its acknowledgement; no token: none does.
type flight struct {
	letter letter
	token  paho.Token
}

func (f flight) done() <-chan struct{} {
	if f.token == nil {
		return nil
	}
	return f.token.Done()
}

// serve sends until the connection or ctx ends.
func (l *link) serve(ctx context.Context, client paho.Client, lost <-chan error) error {
	var f flight
	quiet := time.NewTimer(answerWithin)
	defer quiet.Stop()
	var p pulse
	beats := time.NewTicker(beat)
	defer beats.Stop()
	for dead := false; !dead; {
		f = l.send(client, f, quiet)
		select {
		case <-l.box.wake:
		case <-f.done():
			if err := f.token.Error(); err != nil {
				return l.end(client, lost, f, err)
			}
			l.box.acknowledged(f.letter.id)
			l.stuck, f = 0, flight{}
		case err := <-lost:
			l.broke(f)
			return err
		case <-quiet.C:
			if f.token != nil {
				return l.end(client, lost, f, errNoAnswer)
			}
		case <-beats.C:
			p, dead = l.listen(p)
		case <-ctx.Done():
			l.farewell(client, f, lost)
			return ctx.Err()
		}
	}
	return l.end(client, lost, f, errNoAnswer)
}

// send hands over everything that passes, and the head of the queue if nothing is in flight.
func (l *link) send(client paho.Client, f flight, quiet *time.Timer) flight {
	for _, m := range l.box.takePassing(time.Now()) {
		l.publish(client, m)
	}
	if f.token == nil {
		if head, ok := l.box.head(); ok {
			f = flight{head, l.publish(client, head)}
			quiet.Reset(answerWithin)
		}
	}
	return f
}

// end parts from a connection that is of no use any more.
func (l *link) end(client paho.Client, lost <-chan error, f flight, err error) error {
	l.broke(f)
	client.Disconnect(uint(partWithin.Milliseconds()))
	select {
	case reason := <-lost: // says more than "lost before complete"
		return reason
	default:
		return err
	}
}

// broke notes that the connection died with a letter in flight.
func (l *link) broke(f flight) {
	if f.token == nil || len(f.letter.payload) < stuckSize {
		l.stuck = 0
		return
	}
	if l.stuck++; l.stuck >= stuckTimes {
		l.stuck = 0
		l.box.abandon(f.letter.id)
		l.log.Warn("event dropped: the broker hangs up on it", zap.String("topic", f.letter.topic),
			zap.Int("bytes", len(f.letter.payload)))
	}
}

// farewell sends what can be sent in a moment, says offline, and parts. It is done well within a
// second; the caller hangs up on what is not.
func (l *link) farewell(client paho.Client, f flight, lost <-chan error) {
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	quiet := time.NewTimer(flushWithin)
	defer quiet.Stop()
	for {
		if f = l.send(client, f, quiet); f.token == nil {
			break
		}
		if await(ctx, f.token, lost, flushWithin) != nil {
			break
		}
		l.box.acknowledged(f.letter.id)
		f = flight{}
	}
	if l.will != "" {
		goodbye := client.Publish(l.will, 1, true, "offline")
		_ = await(context.Background(), goodbye, lost, flushWithin)
	}
	client.Disconnect(uint(partWithin.Milliseconds()))
}
