package access

import (
	"slices"
	"strings"

	"wildfire-watch/protocol"
)

// Right says who may publish on the topics of a filter and who may read them.
type Right struct {
	Filter             string
	Publish, Subscribe []Role
	// Order: what is published here moves the pump; a refusal is an event, not only a figure.
	Order bool
}

// Table is an ordered list of rights: the first row whose filter fits a topic decides.
type Table []Right

var (
	nobody  []Role
	readers = []Role{Monitor, Operator}
	senders = []Role{Camera, Operator}
	persons = []Role{Operator}
	all     = []Role{Camera, Monitor, Operator}
)

// orders to Frigate are below its prefix; what else is there it publishes itself. (Frigate, MQTT.)
var frigateOrders = []string{"restart", "+/set", "+/suspend", "+/ptz", "+/+/set", "+/+/suspend"}

// TableOf makes the rights on a broker with these prefixes. What we hear and what we publish stand in
// protocol.Topics, so that a topic which is added there has its rights:
//
//   - orders to the pump: operators publish
//   - other things that we hear: cameras and operators publish
//   - what we publish ourselves: nobody else does
//   - Frigate's own topics: its login is a camera's. It publishes there and, as it subscribes to all of
//     them (<prefix>/#), a camera reads them; ordering Frigate is an operator's
//   - anything else is readable for monitors and operators, and published by nobody
func TableOf(p protocol.Prefixes) (t Table) {
	add := func(name string, foreign bool, publish, subscribe []Role, order bool) {
		t = append(t, Right{Filter: p.Of(name, foreign), Publish: publish, Subscribe: subscribe, Order: order})
	}
	for _, topic := range protocol.Topics {
		order := topic.Service == protocol.GPIOTrigger
		switch {
		case topic.In && topic.Whole: // Home Assistant gives orders too, so its login is an operator's
			t = append(t, Right{Filter: topic.Filter(), Publish: persons, Subscribe: readers})
		case topic.In && order:
			add(topic.Filter(), topic.Foreign, persons, readers, true)
		case topic.In && topic.Foreign:
			add(topic.Filter(), true, senders, all, false)
		case topic.In:
			add(topic.Filter(), false, senders, readers, false)
		}
	}
	for _, topic := range protocol.Topics {
		switch {
		case topic.In:
		case topic.Whole:
			t = append(t, Right{Filter: topic.Filter(), Publish: nobody, Subscribe: readers})
		case topic.Foreign: // an order of ours to Frigate
			add(topic.Filter(), true, persons, all, false)
		case topic.Name == protocol.TopicFrigateConfig: // it may lie below Frigate's prefix
			add(topic.Filter(), false, nobody, all, false)
		default:
			add(topic.Filter(), false, nobody, readers, false)
		}
	}
	for _, name := range frigateOrders {
		add(name, true, persons, all, false)
	}
	add("#", true, senders, all, false)
	return append(t, Right{Filter: "#", Subscribe: readers}, Right{Filter: "$SYS/#", Subscribe: readers})
}

// row is the first that fits a topic; nil: none does.
func (t Table) row(topic string) *Right {
	for i := range t {
		if Covers(t[i].Filter, topic) {
			return &t[i]
		}
	}
	return nil
}

// MayPublish says whether a role may publish on a topic; order says that the topic moves the pump.
func (t Table) MayPublish(role Role, topic string) (ok, order bool) {
	r := t.row(topic)
	if r == nil || strings.ContainsAny(topic, "+#\x00") {
		return false, false
	}
	return slices.Contains(r.Publish, role), r.Order
}

// MaySubscribe says whether a role may read every topic that a filter reaches; a topic is a filter too.
// Shared subscriptions ($share/…) are nobody's: they take messages away from others.
func (t Table) MaySubscribe(role Role, filter string) bool {
	for i := range t {
		may := slices.Contains(t[i].Subscribe, role)
		if Covers(t[i].Filter, filter) {
			return may
		}
		if !may && Overlap(t[i].Filter, filter) {
			return false
		}
	}
	return false
}

// Covers says whether filter a matches every topic that b matches; b may be a topic. A topic that begins
// with $ is matched by no wildcard in its place (MQTT 3.1.1 §4.7.2).
func Covers(a, b string) bool {
	if apart(a, b) {
		return false
	}
	for {
		x, restA, moreA := strings.Cut(a, "/")
		y, restB, moreB := strings.Cut(b, "/")
		switch {
		case x == "#":
			return true
		case y == "#", x != "+" && x != y: // y "+" is covered by "+" alone
			return false
		case !moreA && !moreB:
			return true
		case !moreA:
			return false
		case !moreB:
			return restA == "#" // a/# matches a
		}
		a, b = restA, restB
	}
}

// Overlap says whether some topic is matched by both filters.
func Overlap(a, b string) bool {
	if apart(a, b) {
		return false
	}
	for {
		x, restA, moreA := strings.Cut(a, "/")
		y, restB, moreB := strings.Cut(b, "/")
		switch {
		case x == "#" || y == "#":
			return true
		case x != "+" && y != "+" && x != y:
			return false
		case !moreA && !moreB:
			return true
		case !moreA:
			return restB == "#"
		case !moreB:
			return restA == "#"
		}
		a, b = restA, restB
	}
}

// apart says whether one begins with a wildcard and the other with $: they never meet.
func apart(a, b string) bool {
	wild := func(s string) bool { return strings.HasPrefix(s, "+") || strings.HasPrefix(s, "#") }
	return wild(a) && strings.HasPrefix(b, "$") || wild(b) && strings.HasPrefix(a, "$")
}
