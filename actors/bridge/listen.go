package bridge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	paho "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/zap"

	"wildfire-watch/protocol"
)

// Listen subscribes to topics of ours (without the prefix, + and # allowed) and hands every message to
// take, one at a time, until ctx ends; after an outage it goes on. It publishes nothing. The error is
// nil when ctx ended it, else why the broker could not be reached at first.
func Listen(ctx context.Context, s Settings, topics []string, take func(topic string, payload []byte)) error {
	ctx, cancel := context.WithCancel(ctx)
	prefix := protocol.Prefixes{Ours: s.Config.TopicPrefix}
	filters := make(map[string]byte)
	for _, t := range topics {
		filters[prefix.Of(t, false)] = 1
	}
	done, err := attach(ctx, s, "listen", filters, func(m paho.Message) {
		take(strings.TrimPrefix(m.Topic(), prefix.Of("", false)), m.Payload())
	})
	defer func() { <-done }()
	defer cancel()
	if err != nil {
		return fmt.Errorf("listen to the broker: %w", err)
	}
	<-ctx.Done()
	return nil
}

// attach connects a guest beside our four connections and waits for how the first attempt goes. done
// closes when the connection has ended, which it does with ctx.
func attach(ctx context.Context, s Settings, purpose string, filters map[string]byte,
	receive func(paho.Message),
) (done <-chan struct{}, err error) {
	if s.Log == nil {
		s.Log = zap.NewNop()
	}
	if s.Dial == nil {
		s.Dial = dialer(s.Config)
	}
	up := make(chan error, 1)
	l := &link{service: protocol.Service(purpose), config: s.Config, dial: s.Dial, filters: filters,
		clientID: fmt.Sprintf("%s-%s-%08x", s.Config.ClientID, purpose, rand.Uint32()),
		box:      newOutbox(), receive: receive, log: s.Log,
		tell: func(msg any) { first(up, msg) }}
	ended := make(chan struct{})
	go func() { l.run(ctx); close(ended) }()
	select {
	case err = <-up:
	case <-ctx.Done():
	}
	return ended, err
}

// first reports how the first attempt to connect went.
func first(up chan<- error, msg any) {
	var err error
	switch m := msg.(type) {
	case linkDown:
		err = m.reason
	case linkUp:
		if len(m.refused) > 0 {
			err = errors.New("it refuses the subscription to " + strings.Join(m.refused, ", "))
		}
	}
	select {
	case up <- err:
	default:
	}
}
