package alarms

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/allowance"
)

// rank is how bad a severity is: 0 is the worst.
func rank(s protocol.Severity) int {
	return slices.Index([]protocol.Severity{protocol.SeverityAlarm, protocol.SeveritySupervisory,
		protocol.SeverityTrouble}, s)
}

// compare orders alarms: fire first, then those that hold, then what keeps water from a fire, then by
// severity and age.
func compare(a, b *signal) int {
	return cmp.Or(first(b.kind.Severity == protocol.SeverityAlarm, a.kind.Severity == protocol.SeverityAlarm),
		first(b.shown.Active, a.shown.Active), first(b.kind.Blocks, a.kind.Blocks),
		rank(a.kind.Severity)-rank(b.kind.Severity), cmp.Compare(a.shown.Since, b.shown.Since),
		first(b.shown.First, a.shown.First), a.due.Compare(b.due), strings.Compare(a.code, b.code), strings.Compare(a.subject, b.subject))
}

// first is 1 if only the first is true, -1 if only the second is.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// List is every alarm that stands, at most 200, the worst and first first. It is the caller's own.
func (m *Machine) List() []protocol.Standing {
	all := make([]*signal, 0, len(m.signals))
	for _, s := range m.signals {
		if s.up {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, compare)
	list := make([]protocol.Standing, 0, min(len(all), maxListed))
	for _, s := range all[:min(len(all), maxListed)] {
		one := s.shown
		one.Code, one.Subject, one.Severity = s.code, s.subject, s.kind.Severity
		one.Title, one.Do, one.Clears = s.kind.Title, s.kind.Do, s.kind.Clears
		list = append(list, one)
	}
	return list
}

// maxNamed is how many codes an acknowledgement's event names.
const maxNamed = 20

// acknowledge notes that a person has seen alarms: those of a code, of a code and a subject, or all. What
// is over leaves.
func (m *Machine) acknowledge(a protocol.Acknowledge, now, wall time.Time) {
	by := cmp.Or(clip(a.By, maxName), "somebody")
	at := a.Wall
	if at.IsZero() {
		at = wall
	}
	var codes []string
	count := 0
	for _, s := range m.those(func(s *signal) bool {
		return s.up && s.shown.Acknowledged == "" && (a.Code == "" || a.Code == s.code) &&
			(a.Subject == "" || a.Subject == s.subject)
	}) {
		count++
		if !slices.Contains(codes, s.code) && len(codes) < maxNamed {
			codes = append(codes, s.code)
		}
		s.shown.Acknowledged, s.shown.AcknowledgedAt, s.seen = by, seconds(at), now
		m.changed = true
		if !s.shown.Active {
			delete(m.signals, s.key)
		}
	}
	if count > 0 {
		m.say(protocol.Occurred{Action: protocol.AlarmAcknowledged, Reason: by,
			Details: map[string]any{"by": by, "codes": codes, "count": count}}, true)
	}
}

// tell makes an event of an alarm. A fire is always told.
func (m *Machine) tell(a protocol.Action, s *signal, more map[string]any) {
	details := map[string]any{"code": s.code, "severity": s.kind.Severity, "title": s.kind.Title}
	if s.subject != "" {
		details["subject"] = s.subject
	}
	for name, v := range more {
		details[name] = v
	}
	m.say(protocol.Occurred{Action: a, Reason: s.shown.Text, Details: details},
		s.kind.Severity == protocol.SeverityAlarm)
}

// say notes an event, if there is room for it. What was left out is counted in the next.
func (m *Machine) say(o protocol.Occurred, always bool) {
	if m.limit.Take(m.limit.at, burst, oneMoreIn) > 0 && !always {
		m.limit.left++
		return
	}
	if m.limit.left > 0 {
		o.Details["left_out"] = m.limit.left
		m.limit.left = 0
	}
	m.out = append(m.out, o)
}

// limit bounds the events: alarms that come and go must not push out of the history what matters more.
type limit struct {
	allowance.Bucket
	left int       // left out since the last that was told
	at   time.Time // of this step
}

const (
	burst     = 20
	oneMoreIn = 6 * time.Second // ten a minute
)

// clip bounds a text and leaves out what does not print.
func clip(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// seconds is Unix time; 0 for no time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
