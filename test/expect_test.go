package test

import (
	"fmt"
	"slices"
	"strings"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// expect is a scenario's assertion; a rewritten trace cannot hide one that fails.
//
//	expect state RUNNING          expect on main_valve ignition_on     expect off ignition_start
//	expect event A [B …]          these came, in this order, since the last expectation of events
//	expect no event A             it did not come since then
//	expect alarm stop_held        expect no alarm stop_held
//	expect lockout                expect no lockout
//	expect agree 2                so many cameras agree
func (w *scene) expect(words []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	not := words[0] == "no"
	if not {
		words = words[1:]
	}
	var err error
	switch words[0] {
	case "state":
		err = check(slices.Contains(words[1:], w.now.String()), "the state is %s", w.now)
	case "on", "off":
		err = w.expectLines(words[1:], words[0] == "on")
	case "event":
		return w.expectEvents(words[1:], not)
	case "alarm":
		err = check(slices.ContainsFunc(w.status.System.Alarms, func(a protocol.Alarm) bool { return a.Code == words[1] }),
			"the alarms are %v", w.status.System.Alarms)
	case "lockout":
		err = check(w.status.System.LockoutSeconds > 0, "there is no lockout")
	case "agree":
		err = check(fmt.Sprint(len(w.agrees)) == words[1], "%d agree: %v", len(w.agrees), w.agrees)
	default:
		return fmt.Errorf("no such expectation")
	}
	if not {
		return check(err != nil, "it is so")
	}
	return err
}

func check(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func (w *scene) expectLines(names []string, on bool) error {
	for _, name := range names {
		i := slices.Index(hardware.OutputNames[:], name)
		if i < 0 {
			return fmt.Errorf("no such output: %s", name)
		}
		if w.lines.Has(protocol.Line(i)) != on {
			return fmt.Errorf("the lines that are on: %v", w.lines)
		}
	}
	return nil
}

func (w *scene) expectEvents(names []string, not bool) error {
	for _, name := range names {
		i := slices.Index(w.events[w.cursor:], name)
		if not {
			return check(i < 0, "it came")
		}
		if i < 0 {
			return fmt.Errorf("%s did not come; since the last expectation: %s", name,
				strings.Join(w.events[w.cursor:], " "))
		}
		w.cursor += i + 1
	}
	return nil
}
