package broker

import (
	"sync/atomic"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/mochi-mqtt/server/v2/system"
)

// identifiers keeps the two directions' packet identifiers apart. MQTT 3.1.1 (§2.3.1) lets client and
// server use the same number at the same time; the library keeps both in one table, so that it
// refuses a SUBSCRIBE whose number one of its own messages still holds, and loses a place in its
// send window when a PUBLISH has one. Our message gives way: it is sent already, and without the
// entry it is only not sent again, which clean sessions never ask for.
type identifiers struct {
	mqtt.HookBase
	info *system.Info
}

// ID names the hook.
func (*identifiers) ID() string { return "identifiers" }

// Provides tells the library what to ask.
func (*identifiers) Provides(b byte) bool { return b == mqtt.OnPacketRead }

// OnPacketRead frees the number that a client's packet brings.
func (h *identifiers) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	switch pk.FixedHeader.Type {
	case packets.Subscribe, packets.Unsubscribe:
	case packets.Publish:
		if pk.FixedHeader.Qos == 0 {
			return pk, nil
		}
	default:
		return pk, nil
	}
	held, ok := cl.State.Inflight.Get(pk.PacketID)
	ours := held.FixedHeader.Type == packets.Publish || held.FixedHeader.Type == packets.Pubrel
	waiting := held.Expiry < 0 // not sent yet: it must not be lost
	if ok && ours && !waiting && cl.State.Inflight.Delete(pk.PacketID) {
		cl.State.Inflight.IncreaseSendQuota()
		atomic.AddInt64(&h.info.Inflight, -1)
	}
	return pk, nil
}
