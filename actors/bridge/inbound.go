package bridge

import (
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/zap"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
	"wildfire-watch/protocol/command"
	"wildfire-watch/protocol/detection"
)

// inbound turns what the broker sends into messages. It runs on the goroutine of the connection
// that the message came by, one message at a time, and publishes straight to whoever hears it:
// nothing in it waits, and 30,000 detections a second pass no mailbox on their way.
type inbound struct {
	prefixes   protocol.Prefixes
	instance   string
	detectSize detection.Frame
	publish    func(msg any)
	clock      actors.Clock
	log        *zap.Logger
	odd        *oddities
}

// received is one message and when it came.
type received struct {
	row     *protocol.Topic
	level   string // what stands at the topic's varying level
	payload []byte
	retain  bool
	now     time.Time // monotonic
	wall    time.Time
}

// decoders has one entry for each topic that we subscribe to.
var decoders = map[string]func(in *inbound, r received){
	protocol.TopicDetection:        (*inbound).detection,
	protocol.TopicDetectionCamera:  (*inbound).detection,
	protocol.TopicFrigateEvents:    (*inbound).frigate,
	protocol.TopicFrigateActivity:  (*inbound).frigate,
	protocol.TopicFrigateAvailable: (*inbound).frigate,
	protocol.TopicFrigateStats:     (*inbound).frigate,
	protocol.TopicFrigateStatus:    (*inbound).frigate,
	protocol.TopicHomeAssistant:    (*inbound).frigate, // as it is, to whoever decodes it
	protocol.TopicCameraTelemetry:  (*inbound).telemetry,
	protocol.TopicSystemTelemetry:  (*inbound).telemetry,
	protocol.TopicTrigger:          (*inbound).trigger,
	protocol.TopicEmergency:        (*inbound).emergency,
}

// receiver makes the callback of one connection.
func (in *inbound) receiver(service protocol.Service) func(m paho.Message) {
	rows := incoming(service)
	return func(m paho.Message) {
		topic, payload := m.Topic(), m.Payload()
		defer func() {
			if r := recover(); r != nil { // here a panic would end the process
				in.log.Error("decoder panicked", zap.Any("reason", r), zap.Stack("stack"))
				in.publish(protocol.Rejected{Source: string(service), Reason: "panic"})
			}
		}()
		for i := range rows {
			level, ok := in.level(&rows[i], topic)
			if !ok {
				continue
			}
			in.take(received{row: &rows[i], level: level, payload: payload, retain: m.Retained(),
				now: in.clock.Now(), wall: in.clock.Wall()})
			return
		}
		in.publish(protocol.Rejected{Source: string(service), Reason: "topic"})
	}
}

// incoming are the rows that a service subscribes to.
func incoming(service protocol.Service) (rows []protocol.Topic) {
	for _, t := range protocol.Topics {
		if t.In && t.Service == service {
			rows = append(rows, t)
		}
	}
	return rows
}

// level takes the prefix off and asks the row.
func (in *inbound) level(row *protocol.Topic, topic string) (string, bool) {
	prefix := in.prefixes.Place(*row, "")
	if !strings.HasPrefix(topic, prefix) {
		return "", false
	}
	return row.Level(topic[len(prefix):])
}

// take checks what holds for every topic, P13's rule above all.
func (in *inbound) take(r received) {
	switch {
	case r.retain && !r.row.TakesRetained:
		in.reject(r, "retained", "")
	case len(r.payload) > r.row.MaxPayload && r.row.Name != protocol.TopicEmergency:
		in.reject(r, "size", "")
	default:
		decoders[r.row.Name](in, r)
	}
}

func (in *inbound) reject(r received, reason, camera string) {
	in.publish(protocol.Rejected{Source: source(r.row), Reason: reason, Camera: camera})
}

// source names a topic in counters: without the prefix and the varying level.
func source(row *protocol.Topic) string {
	name, _, _ := strings.Cut(row.Name, "/<")
	if _, rest, varies := strings.Cut(name, ">/"); varies {
		name = rest
	}
	if row.Foreign {
		return "frigate/" + name
	}
	return name
}

func (in *inbound) detection(r received) {
	d, err := detection.Decode(r.level, r.payload, in.detectSize)
	if err != nil {
		in.reject(r, err.Error(), "")
		return
	}
	d.Arrived, d.Wall = r.now, r.wall
	in.publish(d)
}

func (in *inbound) frigate(r received) {
	in.publish(protocol.Incoming{Topic: r.row.Name, Level: r.level, Payload: r.payload, Retained: r.retain,
		Arrived: r.now, Wall: r.wall})
}

func (in *inbound) telemetry(r received) {
	camera, err := command.DecodeTelemetry(r.payload)
	if err != nil {
		in.reject(r, err.Error(), "")
		return
	}
	if camera != "" { // a machine's own report names none, ours among them
		in.publish(protocol.CameraHeard{Camera: camera, Arrived: r.now})
	}
}

func (in *inbound) trigger(r received) {
	t, err := command.DecodeTrigger(r.payload)
	switch {
	case err != nil:
		in.reject(r, err.Error(), "")
	case t.Instance == in.instance && in.instance != "":
		// our own, heard back: consensus has told the pump already
	default:
		in.publish(protocol.TriggerRequested{Source: "mqtt", Stamp: t.Stamp, Arrived: r.now,
			Wall: r.wall})
	}
}

// emergency hands on every known word, whatever its age: that is the pump's to judge, and no age
// refuses a stop. What cannot be understood gets its one outcome event here.
func (in *inbound) emergency(r received) {
	order, err := command.DecodeEmergency(r.payload)
	switch {
	case err != nil:
		in.reject(r, err.Error(), "")
		in.odd.report(protocol.EmergencyCommandError, err.Error(), "", r)
	case order.Seen:
		in.publish(protocol.Acknowledge{Code: order.Code, Subject: order.Subject, By: "mqtt", Wall: r.wall})
	case order.Action == protocol.NoCommand:
		in.reject(r, "unknown word", "")
		in.odd.report(protocol.EmergencyCommandUnknown, "unknown word", order.Word, r)
	default:
		in.publish(protocol.Command{Action: order.Action, Source: "mqtt", Stamp: order.Stamp,
			Arrived: r.now, Wall: r.wall})
	}
}

const (
	oddAtOnce = 10          // outcome events of commands not understood, in …
	oddWindow = time.Second // … this time; the rest of it shares one event with a count
)

// oddities bounds the events of commands that were not understood: a program gone wild must not
// push the events of a fire out of the history.
type oddities struct {
	publish func(msg any)
	soon    func() // ask for flush after oddWindow

	mu    sync.Mutex // between the connection and the actor
	begun time.Time
	said  int
	more  map[protocol.Action]oddity
}

type oddity struct {
	count        int
	reason, word string // of the last
}

func (o *oddities) report(a protocol.Action, reason, word string, r received) {
	o.mu.Lock()
	if r.now.Sub(o.begun) >= oddWindow && len(o.more) == 0 {
		o.begun, o.said = r.now, 0
	}
	if o.said < oddAtOnce {
		o.said++
		o.mu.Unlock()
		o.say(a, oddity{1, reason, word}, r.wall)
		return
	}
	first := len(o.more) == 0
	if o.more == nil {
		o.more = make(map[protocol.Action]oddity)
	}
	o.more[a] = oddity{o.more[a].count + 1, reason, word}
	o.mu.Unlock()
	if first {
		o.soon()
	}
}

// flush says what was held back. The actor calls it when oddWindow has passed.
func (o *oddities) flush(wall time.Time) {
	o.mu.Lock()
	more := o.more
	o.more, o.begun = nil, time.Time{}
	o.mu.Unlock()
	for _, a := range []protocol.Action{protocol.EmergencyCommandUnknown,
		protocol.EmergencyCommandError} {
		if odd, ok := more[a]; ok {
			o.say(a, odd, wall)
		}
	}
}

func (o *oddities) say(a protocol.Action, odd oddity, wall time.Time) {
	details := map[string]any{"source": "mqtt", "count": odd.count}
	if odd.word != "" {
		details["command"] = odd.word
	}
	o.publish(protocol.Occurred{Action: a, Reason: odd.reason, Details: details, At: wall})
}
