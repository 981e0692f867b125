package broker

import (
	"errors"
	"strings"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/access"
)

// forbidden takes the place of a filter that a client may not subscribe to: no client can send it.
const forbidden = "\x00"

// rights holds what clients publish and subscribe to against the table of protocol/access, and against the
// bounds of what one client may ask for.
type rights struct {
	mqtt.HookBase
	table  access.Table
	refuse func(refusal)
	behind *backlog
}

func newRights(p protocol.Prefixes, behind *backlog, refuse func(refusal)) *rights {
	return &rights{table: access.TableOf(p), refuse: refuse, behind: behind}
}

// identify is what a user is here.
func (h *rights) identify(u access.User) identity {
	return identity{user: u.Name, role: u.Role, hash: u.Hash, all: h.table.MaySubscribe(u.Role, "#")}
}

func (h *rights) publish(who *identity, topic string) (ok, order bool) {
	if who.full {
		return true, false
	}
	return h.table.MayPublish(who.role, topic)
}

// ID names the hook.
func (*rights) ID() string { return "rights" }

// Provides tells the library what to ask.
func (*rights) Provides(b byte) bool {
	switch b {
	case mqtt.OnACLCheck, mqtt.OnSubscribe, mqtt.OnPacketRead, mqtt.OnPublish, mqtt.OnDisconnect:
		return true
	}
	return false
}

// OnPacketRead looks at how much a client sends. One that is far too fast is sent away; nobody else
// notices.
func (h *rights) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	g := guestOf(cl)
	if g == nil || g.own {
		return pk, nil
	}
	who := g.who.Load()
	if who == nil { // its CONNECT
		return pk, nil
	}
	why, now := "", time.Now()
	if g.door.conduct.away(g.address, now) {
		return pk, packets.ErrRejectPacket
	}
	switch pk.FixedHeader.Type {
	case packets.Publish:
		why = h.take(g, who, pk, now)
	case packets.Subscribe, packets.Unsubscribe:
		if !who.full && !g.pace.subscribe.allow(subscribing, float64(len(pk.Filters)), now) {
			why = "subscribe rate"
		}
	default:
		if _, away := g.pace.published(who.full, 0, now); away {
			why = "flood"
		}
	}
	if why != "" {
		h.refuse(refusal{reason: why, user: who.user, address: g.address})
		return pk, packets.ErrRejectPacket
	}
	return pk, nil
}

// take charges a message. What is beyond the rate, or on a topic of no sensible shape, is acknowledged
// and goes nowhere.
func (h *rights) take(g *guest, who *identity, pk packets.Packet, now time.Time) (why string) {
	ok, away := false, false
	if may, order := h.publish(who, pk.TopicName); may && order {
		ok = g.pace.order.allow(ordering, cost(len(pk.Payload)), now)
	} else {
		ok, away = g.pace.published(who.full, len(pk.Payload), now)
	}
	said := wellFormed(pk.TopicName)
	if !ok {
		said = "rate"
	}
	if g.ignored = said != ""; g.ignored {
		h.refuse(refusal{reason: said, user: who.user, address: g.address})
	}
	if away {
		return "flood"
	}
	return ""
}

// OnPublish drops what is beyond the rate.
func (h *rights) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if g := guestOf(cl); g != nil && g.ignored {
		return pk, packets.CodeSuccessIgnore
	}
	return pk, nil
}

// OnDisconnect notes who went because nobody could make sense of what it sent.
func (h *rights) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	var code packets.Code
	g := guestOf(cl)
	if g == nil || g.own || !errors.As(err, &code) {
		return
	}
	switch code.Code {
	case packets.ErrMalformedPacket.Code, packets.ErrProtocolViolation.Code, packets.ErrPacketTooLarge.Code:
		h.refuse(refusal{reason: "malformed", user: g.name(), address: g.address})
	}
}

// OnACLCheck is asked of every message in, of every filter, and of every message out to a reader.
func (h *rights) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	g := guestOf(cl)
	if g == nil {
		return false
	}
	who := g.who.Load()
	switch {
	case who == nil || topic == forbidden:
		return false
	case !write:
		may := who.full || who.all && !strings.HasPrefix(topic, "$") || h.table.MaySubscribe(who.role, topic)
		return may && h.behind.add(g, who, topic)
	case who.full:
		return true
	}
	ok, order := h.publish(who, topic)
	if !ok {
		x := refusal{reason: "publish", user: who.user, address: g.address}
		if order {
			x.order = topic
		}
		h.refuse(x)
	}
	return ok
}

// OnSubscribe takes out what a client may not subscribe to.
func (h *rights) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	g := guestOf(cl)
	if g == nil || g.own {
		return pk
	}
	who := g.who.Load()
	if who == nil {
		return pk
	}
	room := MaxSubscriptions - cl.State.Subscriptions.Len()
	for i, f := range pk.Filters {
		why := wellFormed(f.Filter)
		if _, again := cl.State.Subscriptions.Get(f.Filter); !again {
			if room--; why == "" && room < 0 {
				why = "subscriptions"
			}
		}
		if why == "" && !who.full && !h.table.MaySubscribe(who.role, f.Filter) {
			why = "subscribe"
		}
		if why != "" {
			pk.Filters[i].Filter = forbidden
			h.refuse(refusal{reason: why, user: who.user, address: g.address})
		}
	}
	return pk
}

// wellFormed says why a topic or a filter is more than the library should be given: its work grows with
// the square of the levels.
func wellFormed(topic string) (why string) {
	if len(topic) > MaxTopic || strings.Count(topic, "/") >= MaxLevels {
		return "topic"
	}
	return ""
}
