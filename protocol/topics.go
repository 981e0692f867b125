package protocol

import (
	"fmt"
	"strings"
)

// Topics of ours, without the prefix. <…> stands for one level that varies.
const (
	TopicDetection       = "fire/detection"
	TopicDetectionCamera = "fire/detection/<camera>"
	TopicTrigger         = "fire/trigger"
	TopicEmergency       = "fire/emergency"
	TopicCameraTelemetry = "system/camera_telemetry"
	TopicSystemTelemetry = "system/telemetry"
	TopicEvents          = "system/trigger_telemetry"
	TopicHealth          = "system/<service>/health"
	TopicWill            = "system/<service>/lwt"
	TopicDiscovery       = "camera/discovery/<mac>"
	TopicCameraStatus    = "camera/status/<mac>"
	TopicFrigateConfig   = "frigate/config/cameras"
	TopicAlarms          = "system/alarms"
	TopicState           = "system/state"
)

// Topics of Frigate's, below frigate.topic_prefix.
const (
	TopicFrigateEvents    = "events"
	TopicFrigateActivity  = "camera_activity"
	TopicFrigateAvailable = "available"
	TopicFrigateOnConnect = "onConnect"
	TopicFrigateStats     = "stats"
	// TopicFrigateStatus is the status of one role of a camera; detect is the one that sees fire.
	TopicFrigateStatus = "<camera>/status/detect"
)

// Topics of Home Assistant's: whole, no prefix of ours stands before them.
const (
	// TopicHomeAssistant is its birth and last-will message; Home Assistant's own default.
	TopicHomeAssistant = "homeassistant/status"
	// TopicHomeAssistantDevice begins with homeassistant.prefix.
	TopicHomeAssistantDevice = "homeassistant/device/<id>/config"
)

// Topic is one row of the table: a topic in one direction.
type Topic struct {
	// Name is the topic without any prefix; <…> is a level that varies.
	Name string
	// In: we subscribe to it. Otherwise we publish it.
	In bool
	// QoS of the subscription or of the publication.
	QoS byte
	// Retained: we publish it retained. Always false for what comes in.
	Retained bool
	// TakesRetained: a retained message counts, against P13's rule: it is a state, not an order.
	TakesRetained bool
	// Service is whose connection carries it; empty: each service's own.
	Service Service
	// Foreign: it stands below frigate.topic_prefix instead of mqtt.topic_prefix.
	Foreign bool
	// Whole: it stands below no prefix at all.
	Whole bool
	// MaxPayload bounds what is looked at, in bytes; larger messages are rejected by size.
	MaxPayload int
	// Payload and Meaning are for readers.
	Payload, Meaning string
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

// Topics is the one table of MQTT topics (SPEC §4). The bridge subscribes to and publishes what
// stands here; README's table is printed from it. Stops travel on a connection of their own:
// nothing that can flood shares it, neither a subscription nor the queue of events.
var Topics = []Topic{
	{Name: TopicDetection, In: true, Service: FireConsensus, MaxPayload: 64 * kib,
		Payload: "camera_id, confidence, bbox or bounding_box, width, height, object_id, label," +
			" timestamp",
		Meaning: "A fire or smoke detection by any program."},
	{Name: TopicDetectionCamera, In: true, Service: FireConsensus, MaxPayload: 64 * kib,
		Payload: "as fire/detection", Meaning: "The same; the topic names the camera."},
	{Name: TopicFrigateEvents, In: true, Service: CameraDetector, Foreign: true, MaxPayload: 64 * kib,
		Payload: "type, before, after", Meaning: "Frigate's events, 0.12 to 0.17."},
	{Name: TopicFrigateActivity, In: true, Service: CameraDetector, Foreign: true, MaxPayload: mib,
		Payload: "cameras with their objects", Meaning: "Frigate's answer to onConnect, 0.15 on."},
	{Name: TopicFrigateAvailable, In: true, Service: CameraDetector, Foreign: true, MaxPayload: kib,
		TakesRetained: true,
		Payload:       "online, offline, stopped", Meaning: "Whether Frigate runs."},
	{Name: TopicFrigateStats, In: true, Service: CameraDetector, Foreign: true, MaxPayload: 4 * mib,
		Payload: "cameras with camera_fps, process_fps, skipped_fps, detection_fps",
		Meaning: "Frigate's figures of each camera, every minute: 0 pictures a second is no camera."},
	{Name: TopicFrigateStatus, In: true, Service: CameraDetector, Foreign: true, MaxPayload: kib,
		Payload: "online, offline, disabled", Meaning: "Whether Frigate gets pictures, 0.17 on."},
	{Name: TopicCameraTelemetry, In: true, Service: Telemetry, MaxPayload: 64 * kib,
		Payload: "camera_id", Meaning: "A camera is alive."},
	{Name: TopicSystemTelemetry, In: true, Service: Telemetry, MaxPayload: 64 * kib,
		Payload: "camera_id", Meaning: "The same, from a camera node's system report."},
	{Name: TopicTrigger, In: true, QoS: 2, Service: GPIOTrigger, MaxPayload: mib,
		Payload: "action \"trigger\", timestamp", Meaning: "Asks the pump to start or to go on."},
	{Name: TopicEmergency, In: true, QoS: 1, Service: GPIOTrigger, MaxPayload: 4 * kib,
		Payload: "start, bypass_start, stop, emergency_stop, valve_open, valve_close, reset, ack",
		Meaning: "A person's order: a bare word, a JSON string, or {\"action\": word}; ack may name an alarm's code" +
			" and subject."},
	{Name: TopicHomeAssistant, In: true, Service: Telemetry, Whole: true, MaxPayload: kib, TakesRetained: true,
		Payload: "online, offline",
		Meaning: "Home Assistant came up: it is told anew. Only with homeassistant.enabled."},

	{Name: TopicTrigger, QoS: 2, Service: FireConsensus,
		Payload: "action, confidence, timestamp, trigger_count, consensus_cameras, fire_locations," +
			" service_id, instance, zones",
		Meaning: "Consensus: enough cameras see a growing fire."},
	{Name: TopicEvents, QoS: 1, Service: Telemetry,
		Payload: "host, timestamp, action, seq, boot, gpio_available, reason, system_state, details",
		Meaning: "One message per event; unique by boot and seq; up to 10,000 wait for the broker."},
	{Name: TopicHealth, QoS: 1, Retained: true,
		Payload: "service, status, healthy, timestamp, host, uptime, version, figures of the service",
		Meaning: "Health of each service, every telemetry.health_interval."},
	{Name: TopicWill, QoS: 1, Retained: true, Payload: "online, offline",
		Meaning: "Whether the service is connected; offline is its will too."},
	{Name: TopicSystemTelemetry, Service: Telemetry,
		Payload: "host, instance, cpu, memory, disk, temperature, load",
		Meaning: "Figures of this machine, every telemetry.system_interval."},
	{Name: TopicAlarms, QoS: 1, Retained: true, Service: Telemetry,
		Payload: "timestamp, host, total, unacknowledged, alarms: code, subject, severity, title, text, do," +
			" clears, active, first, since, acknowledged, acknowledged_at, count",
		Meaning: "The alarms that stand, the worst 50 first; at every change."},
	{Name: TopicDiscovery, QoS: 1, Retained: true, Service: CameraDetector,
		Payload: "mac, ip, name, manufacturer, model, rtsp_urls, online, last_seen, discovery_method",
		Meaning: "A camera that was found; never with a login."},
	{Name: TopicCameraStatus, Service: CameraDetector,
		Payload: "mac, ip, online, last_seen, reason",
		Meaning: "A camera went on line, off line or moved."},
	{Name: TopicFrigateConfig, Service: CameraDetector, Payload: "YAML",
		Meaning: "Frigate's camera section for the cameras found."},
	{Name: TopicState, QoS: 1, Retained: true, Service: Telemetry,
		Payload: "ready, why, fire, agreeing, problem, alarms, state, engine, valves, stop_held, tank_full," +
			" line_pressure, flow, run_seconds, refill_owed_seconds, lockout_seconds, cameras, nvr",
		Meaning: "The house in one small message, within a second of a change. Only with" +
			" homeassistant.enabled."},
	{Name: TopicHomeAssistantDevice, QoS: 1, Retained: true, Service: Telemetry, Whole: true,
		Payload: "device, origin, availability, components",
		Meaning: "Home Assistant's device discovery; the first level is homeassistant.prefix."},
	{Name: TopicFrigateOnConnect, Service: CameraDetector, Foreign: true, Payload: "empty",
		Meaning: "Asks Frigate what its cameras see, while a fire lives; never retained."},
}

// TopicOf is a topic of the table with its varying level filled in: TopicOf(TopicHealth,
// "gpio_trigger"). Characters that would change the topic's shape become "_".
func TopicOf(name, level string) string {
	open, end := strings.IndexByte(name, '<'), strings.IndexByte(name, '>')
	if open < 0 || end < open {
		return name
	}
	safe := strings.Map(func(r rune) rune {
		if r == '/' || r == '+' || r == '#' || r == 0 {
			return '_'
		}
		return r
	}, level)
	return name[:open] + safe + name[end+1:]
}

// Filter is what to subscribe to for the topic: its varying level is a wildcard.
func (t Topic) Filter() string {
	open, end := strings.IndexByte(t.Name, '<'), strings.IndexByte(t.Name, '>')
	if open < 0 {
		return t.Name
	}
	return t.Name[:open] + "+" + t.Name[end+1:]
}

// Level tells whether topic (without prefix) is this one, and what stands at its varying level.
func (t Topic) Level(topic string) (level string, ok bool) {
	open, end := strings.IndexByte(t.Name, '<'), strings.IndexByte(t.Name, '>')
	if open < 0 {
		return "", topic == t.Name
	}
	before, after := t.Name[:open], t.Name[end+1:]
	if len(topic) < len(before)+len(after) || !strings.HasPrefix(topic, before) ||
		!strings.HasSuffix(topic, after) {
		return "", false
	}
	level = topic[len(before) : len(topic)-len(after)]
	return level, !strings.Contains(level, "/")
}

// Prefixes are what stands before our topics and before Frigate's; without slashes at the ends,
// empty for none.
type Prefixes struct{ Ours, Frigate string }

// Of is the whole topic on the broker.
func (p Prefixes) Of(name string, foreign bool) string {
	prefix := p.Ours
	if foreign {
		prefix = p.Frigate
	}
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return name
	}
	return prefix + "/" + name
}

// Place is where a row's topic, or its filter, stands on the broker.
func (p Prefixes) Place(row Topic, name string) string {
	if row.Whole {
		return name
	}
	return p.Of(name, row.Foreign)
}

// TopicTable is the table as Markdown, for README.
func TopicTable() string {
	var b strings.Builder
	b.WriteString("| topic | direction | QoS | retained | connection | payload | meaning |\n")
	b.WriteString("|---|---|---|---|---|---|---|\n")
	for _, t := range Topics {
		name, direction, retained, service := t.Name, "out", "", string(t.Service)
		if t.Foreign {
			name = "<frigate>/" + name
		}
		if t.In {
			direction = "in"
		}
		if t.Retained {
			retained = "yes"
		}
		if service == "" {
			service = "each"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %d | %s | %s | %s | %s |\n",
			name, direction, t.QoS, retained, service, t.Payload, t.Meaning)
	}
	return b.String()
}
