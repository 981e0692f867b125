// Package command is the codec of what orders something over MQTT: fire/emergency, fire/trigger,
// and of the telemetry that says a camera lives (SPEC §4).
//
// It decides what a payload orders, never whether that is done: age, state and lockout are the
// pump's (SPEC P13). It promises that a stop is read as a stop whatever else the payload says, as
// long as it is well-formed. It must never read a trigger into anything but an object whose action
// is "trigger".
package command

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/scan"
)

// MaxPayload bounds a payload, in bytes; a word needs a dozen.
const MaxPayload = 4 << 10

// MaxTelemetry bounds a telemetry payload, in bytes; cameras report all kinds of figures.
const MaxTelemetry = 64 << 10

// maxWord bounds what Order.Word keeps of an unknown word, in bytes.
const maxWord = 64

// Why a payload is undecodable.
const (
	TooLarge    protocol.Reject = "size"
	Empty       protocol.Reject = "empty"
	NotText     protocol.Reject = "text"     // bytes that are no words
	NotJSON     protocol.Reject = "json"     // begins like JSON and is not
	NoAction    protocol.Reject = "action"   // neither action nor command, or not a word
	TwoActions  protocol.Reject = "conflict" // two different orders in one payload
	NotATrigger protocol.Reject = "not a trigger"
	NotAnObject protocol.Reject = "object" // telemetry that is no object
	BadCamera   protocol.Reject = "camera" // telemetry whose camera_id is no name
)

// Order is what a payload on fire/emergency says.
type Order struct {
	// Action is NoCommand for a word that is not known (emergency_command_unknown).
	Action protocol.CommandAction
	// Word is the word as it came, trimmed, at most 64 bytes, printable.
	Word string
	// Stamp is the sender's time; zero if it gave none that can be read.
	Stamp time.Time
	// Seen says that a person has seen alarms ("ack", "acknowledge"): no command, and Action is none. Code
	// and Subject, from an object, say which; empty: all.
	Seen          bool
	Code, Subject string
}

// DecodeEmergency reads a payload of fire/emergency: a bare word, a JSON string, or an object with
// action or command and, if it likes, timestamp or issued_at. White space, case, a byte order mark
// and a closing NUL do not matter. An error, a protocol.Reject, is emergency_command_error.
func DecodeEmergency(payload []byte) (Order, error) {
	if len(payload) > MaxPayload {
		return Order{}, TooLarge
	}
	if !utf8.Valid(payload) {
		return Order{}, NotText
	}
	word := trimmed(string(payload))
	if word == "" {
		return Order{}, Empty
	}
	if !strings.Contains(`{["`, word[:1]) {
		return order(word), nil
	}
	v, ok := scan.Parse([]byte(word))
	if !ok {
		return Order{}, NotJSON
	}
	switch v.Kind() {
	case scan.Text:
		word, _ := v.Text()
		if word = trimmed(word); word == "" {
			return Order{}, NoAction
		}
		return order(word), nil
	case scan.Object:
		return orderOf(v)
	}
	return Order{}, NoAction
}

// orderOf reads an object. Several fields may give the order if they agree; a stop needs no
// agreement: nothing that says stop may fail to stop.
func orderOf(v scan.Value) (Order, error) {
	var orders []Order
	var stamp time.Time
	var code, subject string
	malformed := false
	for name, field := range v.Fields() {
		switch string(name) {
		case "action", "command":
			if !field.Given() {
				continue
			}
			word, _ := field.Text()
			if word = trimmed(word); word == "" {
				malformed = true
				continue
			}
			orders = append(orders, order(word))
		case "timestamp", "issued_at":
			if t := field.Stamp(); !t.IsZero() {
				stamp = t
			}
		case "code":
			code, _ = field.Name(scan.MaxName)
		case "subject":
			subject, _ = field.Name(scan.MaxName)
		}
	}
	for i := range orders {
		orders[i].Stamp = stamp
		if orders[i].Seen {
			orders[i].Code, orders[i].Subject = code, subject
		}
		if orders[i].Action == protocol.CommandStop {
			return orders[i], nil
		}
	}
	if len(orders) == 0 || malformed {
		return Order{}, NoAction
	}
	for _, o := range orders {
		if o.Action != orders[0].Action || o.Seen != orders[0].Seen {
			return Order{}, TwoActions
		}
	}
	return orders[0], nil
}

func order(word string) Order {
	action, _ := protocol.ParseCommand(word)
	kept, _ := scan.Name(strings.Map(printable, word[:min(len(word), maxWord)]), maxWord)
	if kept == "" && word != "" {
		kept = "?"
	}
	return Order{Action: action, Word: kept, Seen: strings.EqualFold(word, "ack") || strings.EqualFold(word, "acknowledge")}
}

func printable(r rune) rune {
	if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
		return -1
	}
	return r
}

// trimmed also takes away what C programs and editors leave behind.
func trimmed(s string) string {
	return strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || r == 0 || r == '\uFEFF'
	})
}

// Trigger is a payload on fire/trigger that triggers.
type Trigger struct {
	// Instance names the process that sent it; empty if it is not one of ours.
	Instance string
	// Stamp is the sender's time; zero if it gave none that can be read.
	Stamp time.Time
}

// MaxTrigger bounds a trigger's payload, in bytes: ours lists every agreeing camera and object.
const MaxTrigger = 1 << 20

// DecodeTrigger reads a payload of fire/trigger. Everything but an object whose action is
// "trigger", written once, is an error, a protocol.Reject.
func DecodeTrigger(payload []byte) (Trigger, error) {
	if len(payload) > MaxTrigger {
		return Trigger{}, TooLarge
	}
	v, ok := scan.Parse(payload)
	if !ok {
		return Trigger{}, NotJSON
	}
	if v.Kind() != scan.Object {
		return Trigger{}, NotATrigger
	}
	var t Trigger
	actions, triggers := 0, false
	for name, field := range v.Fields() {
		switch string(name) {
		case "action":
			word, _ := field.Text()
			actions++
			triggers = strings.EqualFold(trimmed(word), "trigger")
		case "instance":
			t.Instance, _ = field.Name(scan.MaxName)
		case "timestamp":
			t.Stamp = field.Stamp()
		}
	}
	if actions != 1 || !triggers {
		return Trigger{}, NotATrigger
	}
	return t, nil
}

// DecodeTelemetry reads the camera_id of a payload on system/camera_telemetry or system/telemetry.
// Telemetry without one (our own, a host's) names no camera: empty and no error.
func DecodeTelemetry(payload []byte) (camera string, err error) {
	if len(payload) > MaxTelemetry {
		return "", TooLarge
	}
	v, ok := scan.Parse(payload)
	if !ok {
		return "", NotJSON
	}
	if v.Kind() != scan.Object {
		return "", NotAnObject
	}
	id := v.Field("camera_id")
	if !id.Given() {
		return "", nil
	}
	if camera, ok = id.Name(scan.MaxName); !ok {
		return "", BadCamera
	}
	return camera, nil
}
