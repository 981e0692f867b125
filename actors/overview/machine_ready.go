package overview

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"wildfire-watch/protocol"
)

// mostReasons bounds what stops it from working.
const mostReasons = 20

// refusals are the pump's words in plain ones, where none of its alarms has any.
var refusals = map[string]string{
	"shutting_down":  "The program is ending",
	"error":          "The pump is in ERROR until reset",
	"stop_held":      "An emergency stop is held until reset",
	"refill_lockout": "The tank is being refilled; fire starts nothing before",
	"run_budget":     "The engine has used up its time in this run; it starts again after the refill",
	"safe_mode":      "Safe mode: fire starts nothing",
}

// ready answers whether water would flow if there were a fire now, and if not why: first what the pump
// says, then the board, then who would see the fire, then every other alarm that stands in the way.
func (m *Machine) ready() protocol.Readiness {
	why := []string{}
	say := func(format string, args ...any) {
		if text := sentence(fmt.Sprintf(format, args...)); len(why) < mostReasons && !slices.Contains(why, text) {
			why = append(why, text)
		}
	}
	told := make(map[string]bool) // codes of alarms that say what has been said
	if !m.hasPump {
		say("The pump has not reported yet")
	} else if refuses := m.pump.Refuses; refuses != "" {
		told[refuses] = true
		say("%s", m.refusal(refuses))
	}
	switch {
	case m.facts.Simulated:
		told[protocol.AlarmSimulated] = true
		say("The board is a simulator: nothing real is driven")
	case !m.hasLines:
		say("The lines have not been read yet")
	case !m.lines.Available:
		told["board_lost"], told["gpio"] = true, true
		say("The board can be neither written nor read")
	}
	if online, need := m.consensus.Online, m.facts.Threshold; online < need {
		say("Only %d of the %d cameras that must agree %s online", online, need, isAre(online))
	}
	for _, a := range m.alarms {
		kind, _, _ := protocol.AlarmKindOf(a.Code)
		if told[a.Code] || !kind.Blocks || !a.Active {
			continue
		}
		say("%s: %s", a.Title, a.Text)
	}
	switch {
	case !m.facts.Broker:
		say("No detection can arrive: there is no broker")
	case !m.eyes():
		say("No detection can arrive: the broker is not connected yet")
	}
	return protocol.Readiness{Ready: len(why) == 0, Why: why}
}

// eyes says whether a detection can reach us, or whether an alarm says why not.
func (m *Machine) eyes() bool {
	if m.links[protocol.CameraDetector].Connected || m.links[protocol.FireConsensus].Connected {
		return true
	}
	return slices.ContainsFunc(m.alarms, func(a protocol.Standing) bool {
		return a.Code == protocol.AlarmBroker && a.Active
	})
}

// refusal is why the pump would refuse a trigger: its alarm of that code says it best.
func (m *Machine) refusal(word string) string {
	for _, a := range m.pump.System.Alarms {
		if a.Code == word {
			return a.Text
		}
	}
	if text, ok := refusals[word]; ok {
		return text
	}
	return "The pump would refuse a fire: " + word
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// sentence begins with a capital letter.
func sentence(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(s), ":")
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
