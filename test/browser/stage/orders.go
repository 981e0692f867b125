package stage

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"wildfire-watch/protocol"
)

var taken = map[protocol.CommandAction]protocol.Action{
	protocol.CommandStart: protocol.EmergencyBypassStart, protocol.CommandStop: protocol.EmergencyStop,
	protocol.CommandReset: protocol.EmergencyReset, protocol.CommandValveOpen: protocol.EmergencyValveOpen,
	protocol.CommandValveClose: protocol.EmergencyValveClose,
}

// command takes an order as the pump would, roughly: a stop is always taken and held.
func (s *Stage) command(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Command string
		Confirm bool
	}
	action := protocol.NoCommand
	if json.NewDecoder(io.LimitReader(r.Body, 4096)).Decode(&order) == nil && order.Confirm {
		action, _ = protocol.ParseCommand(order.Command)
	}
	if action == protocol.NoCommand {
		answer(w, http.StatusBadRequest, map[string]any{"error": "no such command, or not confirmed"})
		return
	}
	if s.options.Viewer {
		answer(w, http.StatusForbidden, map[string]any{"error": "this needs the role operator, yours is viewer"})
		return
	}
	var refused string
	s.Change(func(o *protocol.Overview) {
		s.orders = append(s.orders, Order{order.Command, o.Pump.State, time.Now()})
		details := map[string]any{"source": "page", "by": "page: " + User}
		if refused = s.refusal(o, action); refused != "" {
			details["command"] = action.String()
			s.record(protocol.CommandRefused, refused, details)
			return
		}
		carryOut(o, action)
		s.record(taken[action], "", details)
	})
	status, outcome := http.StatusOK, "accepted"
	if refused != "" {
		status, outcome = http.StatusConflict, "refused"
	}
	answer(w, status, map[string]any{"command": order.Command, "accepted": refused == "", "outcome": outcome, "reason": refused,
		"by": "page: " + User, "at": unix(time.Now())})
}

// refusal says why an order is refused; the caller holds mu.
func (s *Stage) refusal(o *protocol.Overview, a protocol.CommandAction) string {
	switch {
	case a == protocol.CommandStop:
		return ""
	case s.refuse != "":
		return s.refuse
	case o.Pump.StopHeld && a != protocol.CommandReset && a != protocol.CommandValveClose:
		return "stop_held"
	}
	return ""
}

func carryOut(o *protocol.Overview, a protocol.CommandAction) {
	switch a {
	case protocol.CommandStop:
		if o.Pump.State != protocol.Error {
			enter(o, protocol.Stopping, 5, protocol.MainValve, protocol.IgnitionOff)
		}
		o.Pump.StopHeld, o.Pump.Why = true, "emergency stop"
		o.Ready = protocol.Readiness{Why: []string{"an emergency stop is held: fire starts nothing until reset"}}
	case protocol.CommandReset:
		enter(o, protocol.Idle, 0)
		o.Pump.StopHeld = false
		o.Ready = protocol.Readiness{Ready: true, Why: []string{}}
	case protocol.CommandStart:
		enter(o, protocol.Running, 180, protocol.MainValve, protocol.IgnitionOn, protocol.RefillValve)
		o.Lines.Inputs["flow"] = "active"
	case protocol.CommandValveOpen:
		enter(o, protocol.Idle, 600, protocol.MainValve)
	case protocol.CommandValveClose:
		enter(o, protocol.Idle, 0)
	}
}
