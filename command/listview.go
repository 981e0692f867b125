package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wildfire-watch/protocol"
)

// severityWords carry the severity without a colour.
var severityWords = map[protocol.Severity]string{protocol.SeverityAlarm: "ALARM",
	protocol.SeveritySupervisory: "SUPERVISORY", protocol.SeverityTrouble: "TROUBLE"}

// alarms are the standing signals with what to do.
func (v statusView) alarms() []string {
	if len(v.Alarms) == 0 {
		return []string{"none"}
	}
	var all []string
	for _, a := range v.Alarms {
		all = append(all, v.alarm(a)...)
	}
	return all
}

// alarm is one of them: what, what this time, what to do.
func (v statusView) alarm(a protocol.Standing) []string {
	head := or(severityWords[a.Severity], string(a.Severity)) + "  " + or(a.Title, a.Code)
	if a.Subject != "" {
		head += ": " + a.Subject
	}
	head += fmt.Sprintf(" [%s], since %s", a.Code, v.clock(a.Since))
	if !a.Active {
		head += ", is over"
	}
	if a.First {
		head += ", came first"
	}
	if a.Acknowledged != "" {
		head += ", seen by " + a.Acknowledged
	} else {
		head += ", not acknowledged"
	}
	all := []string{head}
	if a.Text != "" && a.Text != a.Title {
		all = append(all, a.Text)
	}
	if a.Do != "" && a.Active {
		all = append(all, "Do: "+a.Do)
	}
	return all
}

// alarmList is all that `alarms` says.
func (v statusView) alarmList() string {
	if len(v.Alarms) == 0 {
		return "No alarm stands, and none waits to be acknowledged.\n"
	}
	var b strings.Builder
	for i, a := range v.Alarms {
		if i > 0 {
			b.WriteString("\n")
		}
		for j, line := range v.alarm(a) {
			b.WriteString(indent([2]string{"", "    "}[bit(j > 0)], line))
		}
		if a.Clears != "" {
			b.WriteString(indent("    ", "Clears: "+a.Clears))
		}
	}
	return clean(b.String())
}

// cameras are the counts, and a table of those that need a look, or of all if they are few.
func (v statusView) cameras() []string {
	if len(v.Cameras) == 0 {
		return []string{"none is known"}
	}
	online, well := 0, 0
	for _, c := range v.Cameras {
		online += bit(c.Online)
		well += bit(!v.odd(c))
	}
	return append([]string{fmt.Sprintf("%s, %d online, %d well", count(len(v.Cameras), "camera"), online, well)},
		v.oddCameras()...)
}

func (v statusView) odd(c protocol.CameraLine) bool {
	return !c.Online || c.Found && !c.Healthy || c.Problem != "" || c.Growing || c.Steady
}

// oddCameras are those that need a look, the ones that see a fire first.
func (v statusView) oddCameras() (all []string) {
	odd := slices.DeleteFunc(slices.Clone(v.Cameras), func(c protocol.CameraLine) bool { return !v.odd(c) })
	slices.SortStableFunc(odd, func(a, b protocol.CameraLine) int {
		return cmp.Compare(bit(b.Growing)*2+bit(b.Steady), bit(a.Growing)*2+bit(a.Steady))
	})
	for i, c := range odd {
		if i == fullest {
			return append(all, fmt.Sprintf("and %d more: wildfire-watch cameras", len(odd)-fullest))
		}
		text := c.Name + ": " + v.state(c)
		if sees := sees(c); sees != "-" {
			text += ", " + sees
		}
		if c.Problem != "" {
			text += ", " + c.Problem
		}
		all = append(all, text)
	}
	return all
}

func (v statusView) state(c protocol.CameraLine) string {
	switch {
	case !c.Online && c.LastHeard == 0:
		return "OFFLINE, never heard of"
	case !c.Online:
		return "OFFLINE for " + span(v.now-c.LastHeard)
	case c.Found && !c.Healthy:
		return "online, NOT WELL"
	}
	return "online"
}

func sees(c protocol.CameraLine) string {
	switch {
	case c.Growing:
		return "FIRE GROWS"
	case c.Steady:
		return "fire is steady"
	}
	return "-"
}

// cameraTable is all that `cameras` says.
func (v statusView) cameraTable() string {
	var b strings.Builder
	if len(v.Cameras) == 0 {
		b.WriteString("No camera is known.\n")
	} else {
		rows := [][]string{{"CAMERA", "STATE", "SEES", "HEARD", "IP", "MAC", "PROBLEM"}}
		for _, c := range v.Cameras {
			heard := "never"
			if c.LastHeard > 0 {
				heard = span(v.now-c.LastHeard) + " ago"
			}
			name := c.Name
			if c.Title != "" && c.Title != c.Name {
				name += " (" + c.Title + ")"
			}
			state := [2]string{"OFFLINE", "online"}[bit(c.Online)]
			if c.Online && c.Found && !c.Healthy {
				state = "NOT WELL"
			}
			rows = append(rows, []string{name, state, sees(c), heard, dash(c.IP), dash(c.MAC), dash(c.Problem)})
		}
		align(&b, rows)
	}
	d := v.Discovery
	switch {
	case !d.Enabled:
		b.WriteString("\nThe network is not searched for cameras (cameras.discovery).\n")
	case d.LastScan == 0:
		b.WriteString("\nThe network is being searched for the first time.\n")
	default:
		fmt.Fprintf(&b, "\nThe network was searched %s ago: %s, %s.\n", span(v.now-d.LastScan),
			count(d.Known, "camera"), count(d.Suspects, "suspect"))
	}
	if d.Reduced != "" {
		b.WriteString("Searched with less: " + d.Reduced + "\n")
	}
	return clean(b.String())
}

// eventLines are events, one a line, the oldest first.
func eventLine(e protocol.Event, v statusView) string {
	text := fmt.Sprintf("%s  %-12s %s", at(e.Timestamp, v.zone).Format("2006-01-02 15:04:05"), e.System.State, e.Action)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if by, ok := e.Details["by"].(string); ok {
		text += " (by " + by + ")"
	}
	return strings.ReplaceAll(clean(text), "\n", " ") + "\n"
}
