package bridge

import (
	"time"

	"go.uber.org/zap"

	"wildfire-watch/protocol"
)

// Decoder turns recorded messages into those of the house, exactly as the connections do with live
// ones. It is for a replay: it has no clock and no broker.
type Decoder struct {
	in   *inbound
	rows []protocol.Topic
}

// NewDecoder takes Config, FrigatePrefix, DetectSize and Publish of the settings.
func NewDecoder(s Settings) *Decoder {
	d := &Decoder{in: &inbound{
		prefixes:   protocol.Prefixes{Ours: s.Config.TopicPrefix, Frigate: s.FrigatePrefix},
		detectSize: s.DetectSize, publish: s.Publish, log: zap.NewNop(),
		odd: &oddities{publish: s.Publish, soon: func() {}},
	}}
	for _, service := range protocol.Services {
		d.rows = append(d.rows, incoming(service)...)
	}
	return d
}

// Take decodes one message that arrived at the instant now, wall-clock time wall; the house's
// messages go to Publish before it returns. It says whether the topic is one that we listen to.
func (d *Decoder) Take(topic string, payload []byte, retained bool, now, wall time.Time) bool {
	for i := range d.rows {
		if level, ok := d.in.level(&d.rows[i], topic); ok {
			d.in.take(received{row: &d.rows[i], level: level, payload: payload, retain: retained,
				now: now, wall: wall})
			return true
		}
	}
	return false
}
