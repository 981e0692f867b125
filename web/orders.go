package web

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/protocol"
)

// Order is the body of /api/commands.
type Order struct {
	Command string `json:"command" enum:"start,stop,reset,valve_open,valve_close"`
	// Confirm is true: it is meant. A stop needs none.
	Confirm bool `json:"confirm,omitempty"`
}

// Outcome is what the pump said.
type Outcome struct {
	Command  string          `json:"command"`
	Accepted bool            `json:"accepted"`
	Outcome  string          `json:"outcome" enum:"accepted,refused"`
	Event    protocol.Action `json:"event"`  // of the history
	Reason   string          `json:"reason"` // why refused, or how it is done
	Text     string          `json:"text"`   // the reason in a sentence, and what helps
	By       string          `json:"by"`
	At       float64         `json:"at"` // Unix seconds
}

// Seen is the body of /api/alarms/acknowledge.
type Seen struct {
	Code    string `json:"code,omitempty"`
	Subject string `json:"subject,omitempty"`
}

// maxOrders bounds the orders that wait for their outcome; stops come on top.
const maxOrders = 16

// sentences says what the pump's reasons for a refusal mean.
var sentences = map[string]string{
	"shutting_down":           "The program is ending; the next one takes orders.",
	"error":                   "The pump is in ERROR: find the cause, then reset.",
	"stop_held":               "A stop is held: reset first.",
	"stale":                   "The order was too old when it arrived.",
	"refill_lockout":          "The tank is being refilled.",
	"run_budget":              "The engine time of this run is used up.",
	"engine_not_stopped":      "The engine turns: an engine must not pump against a shut valve. Stop it first.",
	"valve_close_delay_is_0":  "pump.valve_close_delay is 0: the valve would shut at once.",
	"stop_button_active":      "The stop button at the pump is pressed: release it first.",
	"stop_button_unreadable":  "The stop button cannot be read: check its wiring first.",
	"confirmation is missing": "This order needs confirm: true.",
}

// order passes a person's order on and waits for its one outcome event (SPEC P11).
func (p *Page) order(w http.ResponseWriter, req *http.Request, v visitor) {
	var o Order
	if !p.take(w, req, &o) {
		return
	}
	action, known := protocol.ParseCommand(o.Command)
	switch {
	case !known || action.String() != o.Command:
		p.record(req, "unknown word")
		refuse(w, http.StatusBadRequest, "there is no such command", "use start, stop, reset, valve_open or valve_close")
		return
	case action != protocol.CommandStop && !o.Confirm:
		p.record(req, "confirmation")
		p.refusedOrder(v, o.Command, "confirmation is missing")
		refuse(w, http.StatusBadRequest, "confirm is missing: "+o.Command+" moves an engine, a valve or a lock", `send "confirm": true with it`)
		return
	case action != protocol.CommandStop:
		select {
		case p.orders <- struct{}{}:
			defer func() { <-p.orders }()
		default:
			p.record(req, "too many")
			refuse(w, http.StatusServiceUnavailable, "too many orders wait for the pump", "look at the pump's state, then order again")
			return
		}
	}
	answer := make(chan protocol.CommandOutcome, 1)
	now := time.Now()
	p.source.Publish(protocol.Command{Action: action, Source: v.Source, Arrived: now, Wall: now, By: v.by(), Answer: answer})
	p.log.Info("order", zap.String("command", o.Command), zap.String("by", v.by()))
	got, ok := await(req, answer, p.limits.order)
	if !ok {
		refuse(w, http.StatusGatewayTimeout, "the pump has not answered; it was given "+o.Command,
			"look at the pump's state; the stop button at the pump needs no program")
		return
	}
	said := Outcome{Command: o.Command, Accepted: got.Accepted, Outcome: "accepted", Event: got.Event, Reason: got.Reason,
		Text: sentences[got.Reason], By: v.by(), At: float64(now.UnixMilli()) / 1000}
	code := http.StatusOK
	if !got.Accepted {
		said.Outcome, code = "refused", http.StatusConflict
	}
	say(w, code, said)
}

const maxAlarm = 200 // bytes of a code or a subject

func (p *Page) acknowledge(w http.ResponseWriter, req *http.Request, v visitor) {
	var s Seen
	if !p.take(w, req, &s) {
		return
	}
	if len(s.Code) > maxAlarm || len(s.Subject) > maxAlarm {
		p.record(req, "size")
		refuse(w, http.StatusBadRequest, "no alarm is named so", "take code and subject from the overview's alarms")
		return
	}
	p.source.Publish(protocol.Acknowledge{Code: s.Code, Subject: s.Subject, By: v.by(), Wall: time.Now()})
	p.log.Info("alarms acknowledged", zap.String("code", s.Code), zap.String("by", v.by()))
	say(w, http.StatusAccepted, Done{true})
}

// reload has the configuration read anew and tells what came of it.
func (p *Page) reload(w http.ResponseWriter, req *http.Request, v visitor) {
	if !p.take(w, req, &struct{}{}) {
		return
	}
	if p.settings.Reload == nil {
		refuse(w, http.StatusNotFound, "this program reads no configuration anew", "start it anew")
		return
	}
	p.log.Info("reload", zap.String("by", v.by()))
	o, code := p.settings.Reload(), http.StatusOK
	if len(o.Mistakes)+len(o.Refused) > 0 {
		code = http.StatusConflict
	}
	say(w, code, o)
}
