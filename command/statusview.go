package command

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// statusView is an overview as one screen of text.
type statusView struct {
	protocol.Overview
	now  float64        // Unix seconds, by the program's clock
	zone *time.Location // of whoever looks
	// trouble is why what is shown is old; empty: it is of now.
	trouble string
}

// fullest is how many cameras the screen lists, those that need a look first.
const fullest = 8

// label is the width of the first column, textWide of what follows.
const (
	label    = 10
	textWide = 90 - label
)

// text is the screen.
func (v statusView) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-40s %s\n", v.verdict(), strings.Join(v.about(), ", "))
	if v.trouble != "" {
		fmt.Fprintf(&b, "OLD: no news since %s: %s\n", v.clock(v.At), v.trouble)
	}
	for _, why := range v.Ready.Why {
		b.WriteString(indent("  - ", why))
	}
	b.WriteString("\n")
	row(&b, "Pump", v.pump()...)
	row(&b, "Fire", v.fire()...)
	row(&b, "Alarms", v.alarms()...)
	row(&b, "Cameras", v.cameras()...)
	row(&b, "Links", v.links()...)
	row(&b, "Machine", v.machine())
	return clean(b.String())
}

// verdict comes first of all. What was so once is not said to be so now.
func (v statusView) verdict() string {
	word := [2]string{"NOT READY", "READY"}[bit(v.Ready.Ready)]
	if v.trouble != "" {
		return "NOT KNOWN, was " + word
	}
	return word
}

func (v statusView) about() (all []string) {
	for _, part := range []string{v.Site, v.Host, v.Version} {
		if part != "" {
			all = append(all, part)
		}
	}
	if v.Start.SafeMode {
		all = append(all, "SAFE MODE")
	}
	return append(all, "up "+span(v.Uptime), v.clock(v.now))
}

// row writes a row of one or more lines under one label.
func row(b *strings.Builder, name string, lines ...string) {
	for _, line := range lines {
		for _, part := range strings.Split(strings.TrimSuffix(wrap(line, textWide), "\n"), "\n") {
			fmt.Fprintf(b, "%-*s%s\n", label, name, part)
			name = ""
		}
	}
}

// indent wraps a text behind a mark.
func indent(mark, text string) string {
	lines := strings.Split(strings.TrimSuffix(wrap(text, label+textWide-len(mark)), "\n"), "\n")
	return mark + strings.Join(lines, "\n"+strings.Repeat(" ", len(mark))) + "\n"
}

func (v statusView) pump() []string {
	p := v.Pump
	first := p.State.String()
	if left := p.NextDeadline - (v.now - v.At); p.NextDeadline > 0 && left > 0 {
		first += ", " + span(left) + " left"
	}
	if p.Why != "" {
		first += " (" + p.Why + ")"
	}
	if v.Lines.Simulated || p.SimulationBoard {
		first += "; SIMULATED: nothing real is driven"
	}
	all := []string{first, fmt.Sprintf("engine %s, main valve %s, refill valve %s, priming valve %s",
		onOff(p.EngineOn), openShut(p.MainValve), openShut(p.RefillValve), openShut(p.PrimingValve))}
	if p.EngineOn || p.CurrentRuntime > 0 {
		all = append(all, fmt.Sprintf("this run %s, at most %s more", span(p.CurrentRuntime), span(p.RuntimeLeft)))
	}
	if p.LockoutSeconds > 0 {
		all = append(all, "the tank is owed water for "+span(p.LockoutSeconds)+": a fire does not start the pump before")
	}
	if p.StopHeld {
		all = append(all, "STOP IS HELD: nothing starts before `wildfire-watch reset`")
	}
	if p.Remembered {
		all = append(all, "a fire is remembered and starts the pump when it may")
	}
	var inputs []string
	for name, level := range v.Lines.Inputs {
		inputs = append(inputs, name+" "+level)
	}
	if slices.Sort(inputs); len(inputs) > 0 {
		all = append(all, strings.Join(inputs, ", "))
	}
	if v.Lines.Board != "" && !v.Lines.Available {
		all = append(all, "FAILED: the board can be neither written nor read")
	}
	for _, o := range v.Lines.Outputs {
		if o.Failed {
			all = append(all, fmt.Sprintf("FAILED: %s is commanded %s and reads %s", o.Name, onOff(o.On), onOff(o.Reads)))
		}
	}
	return all
}

func openShut(open bool) string { return [2]string{"shut", "open"}[bit(open)] }

func (v statusView) fire() []string {
	f := v.Consensus
	n := len(f.Agreeing)
	first := fmt.Sprintf("no camera sees one; %d must agree, %d of %d online", f.Threshold, f.Online, len(v.Cameras))
	if n > 0 {
		first = fmt.Sprintf("%s of %d needed: %s", count(n, "camera"), f.Threshold, strings.Join(f.Agreeing, ", "))
		if f.Since > 0 {
			first += ", for " + span(v.now-f.Since)
		}
	}
	all := []string{first}
	if left := f.Cooldown - v.now; f.Cooldown > 0 && left > 0 {
		all = append(all, "no further trigger for "+span(left))
	}
	if f.Last > 0 {
		all = append(all, fmt.Sprintf("last trigger %s ago; %d sent, %d accepted", span(v.now-f.Last), f.Triggers, f.Accepted))
	}
	return all
}

func (v statusView) links() []string {
	up, down := 0, []string(nil)
	for _, l := range v.Services {
		if l.Connected {
			up++
			continue
		}
		text := string(l.Name) + " NOT CONNECTED"
		if l.Reason != "" {
			text += " (" + l.Reason + ")"
		}
		down = append(down, text)
	}
	all := []string{fmt.Sprintf("MQTT: %d of %d connected", up, len(v.Services))}
	if len(v.Services) == 0 {
		all = []string{"MQTT: none"}
	}
	all = append(all, down...)
	switch n := v.NVR; {
	case !n.Seen:
		all = append(all, "NVR: not heard of since the start")
	case !n.Running:
		all = append(all, "NVR: DOES NOT RUN, heard of "+span(v.now-n.Heard)+" ago")
	default:
		all = append(all, strings.Join(strings.Fields(fmt.Sprintf("NVR: runs %s, %s", n.Version, count(n.Cameras, "camera"))), " "))
	}
	return append(all, "Board: "+or(v.Lines.Board, "not known"))
}

func (v statusView) machine() string {
	m, all := v.Machine, []string(nil)
	part := func(format string, f *float64) {
		if f != nil {
			all = append(all, fmt.Sprintf(format, *f))
		}
	}
	part("processor %.0f %%", m.CPU)
	part("memory %.0f %%", m.Memory)
	part("disk %.0f %%", m.Disk)
	part("%.0f °C", m.Temperature)
	if m.ClockSynced != nil {
		all = append(all, "clock "+[2]string{"NOT SYNCHRONISED", "synchronised"}[bit(*m.ClockSynced)])
	}
	return or(strings.Join(all, ", "), "not known yet")
}

// clock is the time of day, with the day if that is not plain.
func (v statusView) clock(t float64) string {
	if v.now-t > 20*3600 && v.now > 0 {
		return at(t, v.zone).Format("2006-01-02 15:04")
	}
	return at(t, v.zone).Format("15:04:05")
}

func at(t float64, zone *time.Location) time.Time {
	return time.UnixMilli(int64(t * 1000)).In(zone)
}

// span writes seconds as a person says them.
func span(seconds float64) string {
	d := max(0, time.Duration(seconds*float64(time.Second)).Round(time.Second))
	days, h, m, s := d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60, d/time.Second%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd %dh", days, h)
	case h > 0:
		return fmt.Sprintf("%dh %dm", h, m)
	case m > 0:
		return fmt.Sprintf("%dm %ds", m, s)
	}
	return fmt.Sprintf("%ds", s)
}

// headline is the view in one line, for a log.
func (v statusView) headline() string {
	online := 0
	for _, c := range v.Cameras {
		online += bit(c.Online)
	}
	text := fmt.Sprintf("%s  %s  %s, %s, %d of %s online", v.verdict(), v.Pump.State,
		count(len(v.Consensus.Agreeing), "camera")+" agreeing", count(active(v.Alarms), "alarm"), online,
		count(len(v.Cameras), "camera"))
	if len(v.Ready.Why) > 0 {
		text += "  " + v.Ready.Why[0]
	}
	return clean(text)
}

func active(alarms []protocol.Standing) (n int) {
	for _, a := range alarms {
		n += bit(a.Active)
	}
	return n
}
