package system

import (
	"slices"
	"strings"

	"wildfire-watch/protocol"
)

// plan is what is to become of a configuration that was read anew. It decides; Reload carries it out.
type plan struct {
	before, after Config
	// target is what counts if everybody agrees.
	target Config
	// atOnce, whenIdle and restart are the keys that differ; refused are those of the first two that
	// are not taken up.
	atOnce, whenIdle, restart []string
	refused                   []protocol.SettingRefused
}

// planFor says what can be taken up. What can is checked once more, as a whole: keys that wait for a
// restart may be what made the others possible.
func planFor(before, after Config) plan {
	p := plan{before: before, after: after}
	for _, c := range Difference(before, after) {
		switch c.When {
		case AtOnce:
			p.atOnce = append(p.atOnce, c.Key)
		case WhenIdle:
			p.whenIdle = append(p.whenIdle, c.Key)
		default:
			p.restart = append(p.restart, c.Key)
		}
	}
	p.target = before.with(after, func(m Moment) bool { return m != AtRestart })
	if why := unsound(p.target); why != "" {
		return p.withoutPump("without the keys that need a restart: " + why)
	}
	return p
}

// withoutPump leaves the pump's keys as they were.
func (p plan) withoutPump(why string) plan {
	p = p.refuse(p.whenIdle, why)
	p.whenIdle = nil
	p.target = p.before.with(p.after, func(m Moment) bool { return m == AtOnce })
	if why := unsound(p.target); why != "" {
		p = p.refuse(p.atOnce, "without the other keys: "+why)
		p.atOnce, p.target = nil, p.before
	}
	return p
}

func (p plan) refuse(keys []string, why string) plan {
	for _, key := range keys {
		p.refused = append(p.refused, protocol.SettingRefused{Key: key, Reason: why})
	}
	return p
}

// unsound is the first mistake of a configuration; empty: there is none.
func unsound(c Config) string {
	var found mistakes
	d := decoder{schema: schemaOf(&c), places: make(map[string]*node), mistakes: &found}
	d.limits(c.simulated())
	d.check(&c)
	for _, m := range found.sorted() {
		if !m.Warning {
			m.Value = ""
			return Line(m)
		}
	}
	return ""
}

// outcome is the plan as it has become.
func (p plan) outcome() protocol.SettingsOutcome {
	o := protocol.SettingsOutcome{Applied: append(append([]string{}, p.atOnce...), p.whenIdle...),
		Restart:  append([]string{}, p.restart...),
		Refused:  append([]protocol.SettingRefused{}, p.refused...),
		Mistakes: []string{}}
	slices.Sort(o.Applied)
	slices.SortFunc(o.Refused, func(a, b protocol.SettingRefused) int { return strings.Compare(a.Key, b.Key) })
	return o
}

// mostTold bounds how many mistakes an event names.
const mostTold = 10

// Refuse tells that a configuration with mistakes, or one that could not be read (err), changes nothing.
func (s *System) Refuse(all []protocol.Mistake, err error) protocol.SettingsOutcome {
	o := protocol.SettingsOutcome{Applied: []string{}, Restart: []string{}, Refused: []protocol.SettingRefused{},
		Mistakes: []string{}}
	if err != nil {
		o.Mistakes = append(o.Mistakes, err.Error())
	}
	for _, m := range all {
		if !m.Warning && len(o.Mistakes) < mostTold {
			m.Value = "" // it may be a password in the wrong place
			o.Mistakes = append(o.Mistakes, Line(m))
		}
	}
	s.Publish(protocol.Occurred{Action: protocol.SettingsRefused, At: s.parts.Clock.Wall(),
		Reason: strings.Join(o.Mistakes, "; "), Details: map[string]any{"mistakes": o.Mistakes}})
	return o
}
