package broker

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/protocol"
)

const (
	// tellEvery is how often refusals are told; meanwhile they are counted.
	tellEvery = time.Second
	// maxRefusals is how many kinds are told at once; further ones are counted as "other".
	maxRefusals = 64
)

// refusal is something that a client was not allowed. The reason is short and stable; the user is one of
// ours or empty: what a stranger calls itself is not repeated.
type refusal struct {
	reason, user, address string
	order                 string // the topic, if it was an order to the pump
	login                 bool   // a login is what was refused
}

// kind is what refusals are counted by; login is the address that one came from.
type kind struct{ reason, user, order, login string }

// refusals counts what was refused and tells of it at a bounded rate.
type refusals struct {
	log     *zap.Logger
	every   time.Duration // tellEvery, in tests less
	mu      sync.Mutex
	counted map[kind]int
	total   uint64
	last    string // address
	told    time.Time
	timer   *time.Timer
	publish func(msg any)
	closed  bool
}

func newRefusals(log *zap.Logger) *refusals {
	return &refusals{log: log, every: tellEvery, counted: make(map[kind]int)}
}

// note counts one. The first after a quiet second is told at once.
func (r *refusals) note(x refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.total++
	k := kind{reason: x.reason, user: x.user, order: x.order}
	if x.login {
		k.login = x.address
	}
	if _, known := r.counted[k]; !known && len(r.counted) >= maxRefusals {
		k = kind{reason: "other"}
	}
	r.counted[k]++
	r.last = x.address
	if r.timer == nil && r.publish != nil {
		r.timer = time.AfterFunc(max(0, r.every-time.Since(r.told)), r.tell)
	}
}

// tell publishes what was counted since the last time.
func (r *refusals) tell() {
	r.mu.Lock()
	counted, address, publish := r.counted, r.last, r.publish
	r.counted, r.told, r.timer = make(map[kind]int), time.Now(), nil
	if r.closed || publish == nil {
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	for k, n := range counted {
		publish(protocol.Rejected{Source: "broker", Reason: k.reason, User: k.user, Login: k.login, Count: n})
		r.log.Info("refused", zap.String("reason", k.reason), zap.String("user", k.user),
			zap.String("address", address), zap.Int("count", n))
		if k.order != "" {
			publish(protocol.Occurred{Action: protocol.CommandRefused, Reason: "role", At: time.Now(),
				Details: map[string]any{"source": "mqtt", "topic": k.order, "user": k.user, "count": n}})
		}
	}
}

// to says who is told from now on.
func (r *refusals) to(publish func(msg any)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.publish = publish
	if len(r.counted) > 0 && r.timer == nil && !r.closed {
		r.timer = time.AfterFunc(0, r.tell)
	}
}

func (r *refusals) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
}

// count is how many there were since start.
func (r *refusals) count() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}
