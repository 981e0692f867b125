package command

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"wildfire-watch/hardware"
)

// lineView is what `lines` shows at one instant, and its JSON.
type lineView struct {
	// Board is "gpiochip0 [pinctrl-bcm2711]" or "simulator".
	Board     string `json:"board"`
	Device    string `json:"device,omitempty"`
	Lines     int    `json:"lines"` // of the chip; 0 on the simulator
	Simulated bool   `json:"simulation"`
	// Program is a sentence on the wildfire-watch that runs, or does not; Pump its state.
	Program   string      `json:"program"`
	Running   bool        `json:"running"`
	Pump      string      `json:"pump,omitempty"`
	Functions []lineState `json:"functions"`
	// NotFitted are the functions without a line.
	NotFitted []string `json:"not_fitted"`
	// Trouble is why nothing can be said at all.
	Trouble string `json:"trouble,omitempty"`
	// Notes are what is odd about the whole.
	Notes []string `json:"notes,omitempty"`
}

// lineState is one function of the pump and the line that it is on.
type lineState struct {
	Function string `json:"function"`       // the [gpio] key
	Kind     string `json:"kind"`           // "output", "feedback", "input"
	Line     int    `json:"line"`           // -1: there is no such line
	Name     string `json:"name,omitempty"` // the kernel's
	// Direction is the kernel's word, "in" or "out"; empty: unknown.
	Direction string `json:"direction,omitempty"`
	ActiveLow bool   `json:"active_low"` // as configured
	Bias      string `json:"bias"`       // as configured
	// Level is the logical level ("on", "off", "active", "inactive") and Pin the electrical one
	// ("high", "low"); empty: unknown.
	Level   string `json:"level,omitempty"`
	Pin     string `json:"pin,omitempty"`
	HeldBy  string `json:"held_by,omitempty"` // empty: nobody
	Problem string `json:"problem,omitempty"`

	fed bool // an output with a feedback: what it reads back is not its own line
}

const (
	kindOutput   = "output"
	kindFeedback = "feedback"
	kindInput    = "input"
)

// show puts a logical level into the words of its kind, and onto the pin.
func (s *lineState) show(active bool) {
	words := [2]string{"inactive", "active"}
	if s.Kind == kindOutput {
		words = [2]string{"off", "on"}
	}
	s.Level = words[bit(active)]
	s.Pin = [2]string{"low", "high"}[bit(active != s.ActiveLow)]
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// wished are the functions of a wiring, outputs first, and the names of those without a line.
func wished(w hardware.Wiring) (all []lineWish, notFitted []string) {
	add := func(l lineWish) {
		if l.state.Line < 0 {
			notFitted = append(notFitted, l.state.Function)
			return
		}
		all = append(all, l)
	}
	of := func(function, kind string, line int, name string, activeLow bool, bias hardware.Bias) lineWish {
		return lineWish{lineState{Function: function, Kind: kind, Line: line, ActiveLow: activeLow,
			Bias: hardware.BiasNames[bias]}, name}
	}
	for o, name := range hardware.OutputNames {
		l := of(name, kindOutput, w.Outputs[o], w.OutputNames[o], w.OutputActiveLow[o], w.OutputBias[o])
		l.state.fed = w.Feedbacks[o] >= 0
		add(l)
	}
	for o, name := range hardware.OutputNames {
		add(of(name+"_feedback", kindFeedback, w.Feedbacks[o], w.FeedbackNames[o], w.FeedbackActiveLow[o],
			w.FeedbackBias[o]))
	}
	for i, name := range hardware.InputNames {
		add(of(name, kindInput, w.Inputs[i], w.InputNames[i], w.InputActiveLow[i], w.InputBias[i]))
	}
	return all, notFitted
}

// lineWish is a function as configured: by number, or by the kernel's name of the line.
type lineWish struct {
	state lineState
	name  string
}

// problems are sentences, one for each line that has one.
func (v lineView) problems() (all []string) {
	for _, f := range v.Functions {
		if f.Problem != "" {
			all = append(all, f.Function+": "+f.Problem)
		}
	}
	return all
}

// unreadWords explain the question marks on a chip.
const unreadWords = "?: not known. The kernel tells a level to nobody but the line's holder, and a free line that " +
	"is an output is not requested only to read it: that could disturb it."

func (v lineView) unread() bool {
	return !v.Simulated && slices.ContainsFunc(v.Functions, func(s lineState) bool { return s.Level == "" })
}

var lineColumns = []string{"FUNCTION", "LINE", "NAME", "DIR", "ACTIVE", "BIAS", "LEVEL", "PIN", "HELD BY"}

// table is the view for a person.
func (v lineView) table() string {
	var b strings.Builder
	if v.Trouble != "" {
		fmt.Fprintf(&b, "The lines cannot be looked at: %s\n", v.Trouble)
		return b.String()
	}
	if v.Simulated {
		fmt.Fprintf(&b, "%s: nothing real is driven\n", v.Board)
	} else {
		fmt.Fprintf(&b, "%s, %d lines, %s\n", v.Board, v.Lines, v.Device)
	}
	fmt.Fprintf(&b, "%s\n", v.Program)
	for _, note := range v.Notes {
		fmt.Fprintf(&b, "NOTE: %s\n", note)
	}
	b.WriteString("\n")
	rows := [][]string{lineColumns}
	for _, f := range v.Functions {
		rows = append(rows, f.cells())
	}
	align(&b, rows)
	if len(v.NotFitted) > 0 {
		b.WriteString("\n" + wrap("Not fitted: "+strings.Join(v.NotFitted, ", ")+".", textWidth))
	}
	if v.unread() {
		b.WriteString("\n" + wrap(unreadWords, textWidth))
	}
	if problems := v.problems(); len(problems) > 0 {
		fmt.Fprintf(&b, "\n%s:\n", count(len(problems), "problem"))
		for _, p := range problems {
			fmt.Fprintf(&b, "  %s\n", p)
		}
	}
	return b.String()
}

func (s lineState) cells() []string {
	line := "?"
	if s.Line >= 0 {
		line = fmt.Sprint(s.Line)
	}
	mark, holder := "", s.HeldBy
	if s.Problem != "" {
		mark = " !"
	}
	if holder == "" {
		holder = "nobody"
	}
	return []string{s.Function + mark, line, or(s.Name, "-"), or(s.Direction, "?"),
		[2]string{"high", "low"}[bit(s.ActiveLow)], s.Bias, or(s.Level, "?"), or(s.Pin, "?"), holder}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// align writes rows in columns as wide as their widest cell; numbers stand at the right.
func align(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := " "
		for i, cell := range row {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if rows[0][i] == "LINE" {
				cell, gap = gap+cell, ""
			}
			line += " " + cell + gap + " "
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// textWidth is how long a line of prose may be.
const textWidth = 90

// wrap breaks a text between words.
func wrap(text string, width int) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > width:
			b.WriteString("\n")
			at = 0
		default:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String() + "\n"
}

// fit cuts a text to a screen, so that no line wraps and none scrolls away.
func fit(text string, width, height int) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if height > 0 && i >= height {
			break
		}
		if runes := []rune(line); width > 0 && len(runes) > width {
			line = string(runes[:width])
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
