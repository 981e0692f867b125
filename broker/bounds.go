package broker

import (
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"go.uber.org/zap"
)

// bounds limits what retained messages may hold: the library keeps every topic for ever. A
// message beyond the bound is delivered to whoever is subscribed, and not retained. One client has half
// of the room at most, and all clients leave a sixteenth to us.
type bounds struct {
	mqtt.HookBase
	log    *zap.Logger
	refuse func(refusal)
	mu     sync.Mutex
	kept   map[string]retained // by topic
	share  map[string]room     // by client
	whole  room
	warned bool
}

// retained is one message that is kept: its size, and whose it is ("": our own).
type retained struct {
	size int
	of   string
}

// room is what is taken.
type room struct{ topics, bytes int }

func (r room) plus(topics, bytes int) room { return room{r.topics + topics, r.bytes + bytes} }

// fits says whether it is within so many sixteenths of the whole.
func (r room) fits(sixteenths int) bool {
	return r.topics <= MaxRetained/16*sixteenths && r.bytes <= MaxRetainedBytes/16*sixteenths
}

func newBounds(log *zap.Logger, refuse func(refusal)) *bounds {
	return &bounds{log: log, refuse: refuse, kept: make(map[string]retained), share: make(map[string]room)}
}

// ID names the hook.
func (*bounds) ID() string { return "bounds" }

// Provides tells the library what to ask.
func (*bounds) Provides(b byte) bool { return b == mqtt.OnPublish || b == mqtt.OnWill }

// OnPublish keeps account of what is retained.
func (h *bounds) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Retain && !h.take(cl, pk.TopicName, len(pk.Payload)) {
		pk.FixedHeader.Retain = false
	}
	return pk, nil
}

// OnWill keeps the same account of wills, which the library retains without asking OnPublish.
func (h *bounds) OnWill(cl *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	if will.Retain && !h.take(cl, will.TopicName, len(will.Payload)) {
		will.Retain = false
	}
	return will, nil
}

// take admits a client's message; the client is its user, or its address where it has none.
func (h *bounds) take(cl *mqtt.Client, topic string, size int) bool {
	g := guestOf(cl)
	if g == nil {
		return false
	}
	of, user := "", ""
	if who := g.who.Load(); !g.own && who != nil {
		of, user = "address "+g.address, who.user
		if user != "" {
			of = "user " + user
		}
	}
	if h.admit(topic, size, of) {
		return true
	}
	h.refuse(refusal{reason: "retained", user: user, address: g.address})
	return false
}

func (h *bounds) admit(topic string, size int, of string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, known := h.kept[topic]
	if size == 0 { // an empty message takes the retained one away
		if known {
			h.forget(topic, old)
		}
		return true
	}
	if known {
		h.forget(topic, old)
	}
	whole, share := h.whole.plus(1, size), h.share[of].plus(1, size)
	if of == "" && !whole.fits(16) || of != "" && (!whole.fits(15) || !share.fits(8)) {
		if known { // the library still has it
			h.keep(topic, old)
		}
		if !h.warned {
			h.warned = true
			h.log.Warn("retained messages are full: new ones are delivered but not kept",
				zap.Int("topics", h.whole.topics), zap.Int("bytes", h.whole.bytes))
		}
		return false
	}
	h.keep(topic, retained{size, of})
	return true
}

func (h *bounds) keep(topic string, r retained) {
	h.kept[topic] = r
	h.whole, h.share[r.of] = h.whole.plus(1, r.size), h.share[r.of].plus(1, r.size)
}

func (h *bounds) forget(topic string, r retained) {
	delete(h.kept, topic)
	h.whole, h.share[r.of] = h.whole.plus(-1, -r.size), h.share[r.of].plus(-1, -r.size)
	if h.share[r.of] == (room{}) {
		delete(h.share, r.of)
	}
}
