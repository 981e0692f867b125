package metrics

import (
	"maps"
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// one tells a figure without labels.
func one(figure func(v *view) float64) func(*view, func(float64, ...string)) {
	return func(v *view, say func(float64, ...string)) { say(figure(v)) }
}

// yes tells 1 or 0.
func yes(is func(v *view) bool) func(*view, func(float64, ...string)) {
	return one(func(v *view) float64 { return number(is(v)) })
}

// perhaps tells a figure that could not be had as nothing at all.
func perhaps[T float64 | uint64](figure func(v *view) *T, per float64) func(*view, func(float64, ...string)) {
	return func(v *view, say func(float64, ...string)) {
		if x := figure(v); x != nil {
			say(float64(*x) / per)
		}
	}
}

func perKind(figure func(kindFigures) float64) func(*view, func(float64, ...string)) {
	return func(v *view, say func(float64, ...string)) {
		for _, k := range v.kinds {
			say(figure(k), k.kind)
		}
	}
}

func perOutput(is func(protocol.OutputView) bool) func(*view, func(float64, ...string)) {
	return func(v *view, say func(float64, ...string)) {
		for _, o := range v.Lines.Outputs[:min(len(v.Lines.Outputs), int(protocol.NumLines))] {
			say(number(is(o)), label(o.Name))
		}
	}
}

// ahead is how many seconds are left until a wall-clock instant of the overview.
func (v *view) ahead(until float64) float64 { return max(0, until-v.At) }

func seconds(d time.Duration) float64 { return d.Seconds() }

func tellStates(v *view, say func(float64, ...string)) {
	for s := range protocol.NumStates {
		say(number(v.Pump.State == s), s.String())
	}
}

func tellInputs(v *view, say func(float64, ...string)) {
	protocol.Inputs{}.Each(func(name string, _ protocol.Sensor) {
		switch v.Lines.Inputs[name] {
		case protocol.Active.String():
			say(1, name)
		case protocol.Inactive.String():
			say(0, name)
		}
	})
}

var severities = []protocol.Severity{protocol.SeverityAlarm, protocol.SeveritySupervisory, protocol.SeverityTrouble}

func tellSeverities(v *view, say func(float64, ...string)) {
	n := make(map[protocol.Severity]int)
	for _, a := range v.Alarms {
		if a.Active {
			n[a.Severity]++
		}
	}
	for _, s := range severities {
		say(float64(n[s]), string(s))
	}
}

// maxCodes bounds the codes of alarms that are told apart.
const maxCodes = 100

// tellAlarms counts the subjects of each code, the worst codes first; what is acknowledged stands too.
func tellAlarms(v *view, say func(float64, ...string)) {
	n := make(map[[2]string]int)
	var order [][2]string
	for _, a := range v.Alarms {
		kind := [2]string{label(a.Code), label(string(a.Severity))}
		if _, known := n[kind]; !known && len(order) >= maxCodes {
			kind = [2]string{other, label(string(a.Severity))}
		}
		if !slices.Contains(severities, a.Severity) {
			kind[1] = other
		}
		if _, known := n[kind]; !known {
			order = append(order, kind)
		}
		n[kind] += int(number(a.Active))
	}
	for _, kind := range order {
		say(float64(n[kind]), kind[0], kind[1])
	}
}

func tellLinks(v *view, say func(float64, ...string)) {
	up := make(map[protocol.Service]bool)
	for _, l := range v.Services {
		up[l.Name] = l.Connected
	}
	for _, s := range protocol.Services {
		say(number(up[s]), string(s))
	}
}

func tellRefusals(v *view, say func(float64, ...string)) {
	for kind, n := range v.tally.refusals {
		say(float64(n), kind.source, kind.reason)
	}
}

func tellEvents(v *view, say func(float64, ...string)) {
	for _, action := range slices.Sorted(maps.Keys(v.tally.events)) {
		say(float64(v.tally.events[action]), string(action))
	}
}

func unacknowledged(v *view) float64 {
	n := 0
	for _, a := range v.Alarms {
		n += int(number(a.Acknowledged == ""))
	}
	return float64(n)
}
