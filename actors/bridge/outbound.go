package bridge

import (
	"encoding/json"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

const (
	// maxLetter bounds a payload: a broker hangs up on a packet above its limit, and the next
	// connection would send it again.
	maxLetter = 256 << 10
	// maxListed bounds the cameras and the fires named in one trigger.
	maxListed = 1000
	// triggerWorth is how long a trigger is worth sending after an outage: SPEC P13 has an older
	// one refused by whoever gets it.
	triggerWorth = 60 * time.Second
)

// row finds the outgoing row of a topic that varies in nothing.
func row(name string) protocol.Topic {
	for _, t := range protocol.Topics {
		if t.Name == name && !t.In {
			return t
		}
	}
	panic("protocol.Topics has no outgoing row " + name)
}

var (
	eventRow   = row(protocol.TopicEvents)
	triggerRow = row(protocol.TopicTrigger)
)

// event queues one event. The queue is on the telemetry connection: 10,000 events after an outage
// must not share a socket with the stop.
func (b *Actor) event(e protocol.Event) {
	payload, err := json.Marshal(e)
	if err != nil || len(payload) > maxLetter {
		b.s.Log.Error("event's details left out", zap.String("action", string(e.Action)),
			zap.Int("bytes", len(payload)), zap.Error(err))
		e.Details = map[string]any{"left_out": "too large or not JSON"}
		if payload, err = json.Marshal(e); err != nil { // a figure that is no number
			e.System = protocol.SystemState{State: e.System.State, Why: "figures are not JSON"}
			if payload, err = json.Marshal(e); err != nil {
				return
			}
		}
	}
	b.links[eventRow.Service].box.enqueue(letter{topic: b.prefixes().Of(eventRow.Name, false),
		payload: payload, qos: eventRow.QoS})
}

// triggerPayload is what leaves on fire/trigger (SPEC §4).
type triggerPayload struct {
	Action     string      `json:"action"`
	Confidence string      `json:"confidence"`
	Timestamp  float64     `json:"timestamp"` // Unix seconds
	Count      int         `json:"trigger_count"`
	Cameras    []string    `json:"consensus_cameras"`
	Fires      [][2]string `json:"fire_locations"` // camera, object
	ServiceID  string      `json:"service_id"`
	Instance   string      `json:"instance"`
	Zones      []string    `json:"zones"`
}

func (b *Actor) trigger(f protocol.FireConfirmed) {
	p := triggerPayload{Action: "trigger", Confidence: "high", Timestamp: seconds(f.Wall),
		Count: f.Count, Cameras: f.Cameras[:min(len(f.Cameras), maxListed)],
		Fires:     f.Fires[:min(len(f.Fires), maxListed)],
		ServiceID: b.links[protocol.FireConsensus].clientID, Instance: b.s.Instance,
		Zones: f.Zones[:min(len(f.Zones), maxListed)]}
	if p.Cameras == nil {
		p.Cameras = []string{}
	}
	if p.Fires == nil {
		p.Fires = [][2]string{}
	}
	if p.Zones == nil {
		p.Zones = []string{}
	}
	payload, err := json.Marshal(p)
	if err == nil && len(payload) > maxLetter { // absurd names: the trigger matters, not its list
		p.Fires = [][2]string{}
		if payload, err = json.Marshal(p); len(payload) > maxLetter {
			p.Cameras, p.Zones = []string{}, []string{}
			payload, err = json.Marshal(p)
		}
	}
	if err != nil {
		return
	}
	b.links[triggerRow.Service].box.pass(letter{topic: b.prefixes().Of(triggerRow.Name, false),
		payload: payload, qos: triggerRow.QoS, expires: time.Now().Add(triggerWorth)})
}

// publication sends what others made.
func (b *Actor) publication(p protocol.Publication) {
	l := b.links[p.Service]
	if l == nil || p.Topic == "" || len(p.Payload) > maxLetter || p.QoS > 2 {
		b.s.Log.Error("publication refused", zap.String("topic", p.Topic),
			zap.String("service", string(p.Service)), zap.Int("bytes", len(p.Payload)))
		return
	}
	out := letter{topic: p.Topic, payload: p.Payload, qos: p.QoS, retained: p.Retained}
	if !p.Foreign { // Frigate's topics come whole
		out.topic = b.prefixes().Of(p.Topic, false)
	}
	if p.Queue {
		l.box.enqueue(out)
		return
	}
	l.box.pass(out)
}

// seconds is Unix time with microseconds, as JSON has it everywhere in SPEC §4.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}

var _ actors.Actor = (*Actor)(nil)
