package frigate

import (
	"strings"
	"time"

	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
)

// Read decodes one message of Frigate's and steps. A retained message is an old one: only Frigate's
// availability is meant so (SPEC P13). What cannot be read changes nothing and is told as Rejected.
func (m *Machine) Read(msg protocol.Incoming, now time.Time) []any {
	source := "frigate/" + msg.Topic
	if msg.Topic == protocol.TopicFrigateStatus {
		source = "frigate/status/detect"
	}
	refuse := func(reason, camera string) []any {
		return []any{protocol.Rejected{Source: source, Reason: reason, Camera: camera}}
	}
	switch {
	case msg.Topic == protocol.TopicFrigateAvailable:
		if len(msg.Payload) > 64 {
			return refuse("word", "")
		}
		return m.Step(Available{strings.ToLower(strings.TrimSpace(string(msg.Payload)))}, now)
	case msg.Retained:
		return refuse("retained", "")
	case msg.Topic == protocol.TopicFrigateEvents:
		e, err := wire.DecodeEvent(msg.Payload)
		if err != nil {
			return refuse(err.Error(), e.Camera)
		}
		return m.Step(Saw{Event: e, Arrived: msg.Arrived, Wall: msg.Wall}, now)
	case msg.Topic == protocol.TopicFrigateStats:
		stats, malformed, err := wire.DecodeStats(msg.Payload)
		if err != nil {
			return refuse(err.Error(), "")
		}
		return beside(m.Step(Counted{Cameras: stats.Cameras, Version: stats.Version}, now), malformed, refuse("camera_fps", ""))
	case msg.Topic == protocol.TopicFrigateStatus:
		status, err := wire.DecodeStatus(msg.Payload)
		if err != nil {
			return refuse(err.Error(), "")
		}
		return m.Step(Reported{Camera: msg.Level, Status: status}, now)
	case msg.Topic == protocol.TopicFrigateActivity:
		cameras, malformed, err := wire.DecodeActivity(msg.Payload, m.rules.counts)
		if err != nil {
			return refuse(err.Error(), "")
		}
		out := m.Step(Answered{Cameras: cameras, Arrived: msg.Arrived, Wall: msg.Wall}, now)
		return beside(out, malformed, refuse("object", ""))
	}
	return nil
}

// beside adds the rejection of what was malformed in a message that counts.
func beside(out []any, malformed int, rejected []any) []any {
	if malformed == 0 {
		return out
	}
	return append(out, rejected...)
}
