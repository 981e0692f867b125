package broker

import (
	"sync"
	"sync/atomic"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

const (
	// large is from how many bytes on a message is counted that waits for a reader; of smaller ones
	// MaxPending is bound enough.
	large = 4 << 10
	// MaxBehind is how many bytes of large messages may wait for one reader; then it is cut off. The
	// library copies each message for each reader, and has a bound for their number alone.
	MaxBehind = 4 << 20
	// sendBuffer is what the kernel keeps for one reader, in bytes.
	sendBuffer = 128 << 10
)

// backlog counts what waits for each reader. The library asks whether a reader may have a message without
// telling its size: so it is noted while it is handed out. What was retained is handed out at once and
// without a size, and is not counted: the retained messages have a bound of their own.
type backlog struct {
	mqtt.HookBase
	refuse func(refusal)
	some   atomic.Int32 // how many are being handed out
	mu     sync.Mutex
	out    map[*guest]handed // by sender: one at a time
}

// handed is a large message that is being handed out.
type handed struct {
	topic string
	size  int64
}

func newBacklog(refuse func(refusal)) *backlog {
	return &backlog{refuse: refuse, out: make(map[*guest]handed)}
}

// ID names the hook.
func (*backlog) ID() string { return "backlog" }

// Provides tells the library what to ask.
func (*backlog) Provides(b byte) bool {
	switch b {
	case mqtt.OnPublish, mqtt.OnPublished, mqtt.OnPublishDropped, mqtt.OnDisconnect, mqtt.OnPacketEncode:
		return true
	}
	return false
}

// OnPublish notes a large message.
func (h *backlog) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if g := guestOf(cl); g != nil && len(pk.Payload) >= large {
		h.mu.Lock()
		h.out[g] = handed{pk.TopicName, int64(len(pk.Payload))}
		h.some.Store(int32(len(h.out)))
		h.mu.Unlock()
	}
	return pk, nil
}

// OnPublished forgets it.
func (h *backlog) OnPublished(cl *mqtt.Client, pk packets.Packet) {
	if len(pk.Payload) >= large {
		h.forget(cl)
	}
}

// OnDisconnect does too, if the sender went in the middle.
func (h *backlog) OnDisconnect(cl *mqtt.Client, _ error, _ bool) { h.forget(cl) }

func (h *backlog) forget(cl *mqtt.Client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.out, guestOf(cl))
	h.some.Store(int32(len(h.out)))
}

func (h *backlog) size(topic string) (n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, x := range h.out {
		if x.topic == topic {
			n = max(n, x.size)
		}
	}
	return n
}

// add counts a message that a reader is about to get; false: it is too far behind, and cut off.
func (h *backlog) add(g *guest, who *identity, topic string) bool {
	if g.own || h.some.Load() == 0 {
		return true
	}
	n := h.size(topic)
	if n == 0 || g.behind.Add(n) <= MaxBehind {
		return true
	}
	if g.cut.CompareAndSwap(false, true) {
		h.refuse(refusal{reason: "slow reader", user: who.user, address: g.address})
		_ = g.Close()
	}
	return false
}

// OnPacketEncode counts what goes out.
func (h *backlog) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	caughtUp(cl, pk)
	return pk
}

// OnPublishDropped counts what had no room.
func (h *backlog) OnPublishDropped(cl *mqtt.Client, pk packets.Packet) { caughtUp(cl, pk) }

func caughtUp(cl *mqtt.Client, pk packets.Packet) {
	n := int64(len(pk.Payload))
	if n < large || pk.FixedHeader.Type != packets.Publish {
		return
	}
	if g := guestOf(cl); g != nil && g.behind.Add(-n) < 0 { // it was retained
		g.behind.Store(0)
	}
}
