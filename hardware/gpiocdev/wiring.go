package gpiocdev

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wildfire-watch/hardware"
)

// Resolve puts numbers in the place of names, and finds every line that is not on the chip and every
// two functions that are on one line. The error is ErrLine.
func Resolve(c Chip, w hardware.Wiring) (hardware.Wiring, error) {
	lines, err := Inspect(c)
	if err != nil {
		return w, err
	}
	return resolve(c, lines, w, false)
}

// function is one use of a line.
type function struct {
	key    string // of [gpio]
	number *int
	name   string
}

func functions(w *hardware.Wiring, outputsOnly bool) (all []function) {
	for o, key := range hardware.OutputNames {
		all = append(all, function{key, &w.Outputs[o], w.OutputNames[o]})
	}
	if outputsOnly {
		return all
	}
	for o, key := range hardware.OutputNames {
		all = append(all, function{key + "_feedback", &w.Feedbacks[o], w.FeedbackNames[o]})
	}
	for i, key := range hardware.InputNames {
		all = append(all, function{key, &w.Inputs[i], w.InputNames[i]})
	}
	return all
}

func resolve(c Chip, lines []Line, w hardware.Wiring, outputsOnly bool) (hardware.Wiring, error) {
	var wrong []error
	owner := make(map[int]string)
	for i, f := range functions(&w, outputsOnly) {
		number, err := f.locate(c, lines)
		switch first, taken := owner[number]; {
		case err != nil:
		case number < 0 && i < int(hardware.NumOutputs):
			err = failed(ErrLine, "find the line of gpio.%s: it has none, and every output needs one", f.key)
		case number < 0:
		case taken:
			err = failed(ErrLine, "find the line of gpio.%s: line %d of %s is that of gpio.%s already",
				f.key, number, c, first)
		default:
			owner[number] = f.key
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		*f.number = number
	}
	w.OutputNames, w.FeedbackNames, w.InputNames = [hardware.NumOutputs]string{},
		[hardware.NumOutputs]string{}, [hardware.NumInputs]string{}
	return w, errors.Join(wrong...)
}

// locate finds the number of a function's line; -1 is none.
func (f function) locate(c Chip, lines []Line) (int, error) {
	if f.name == "" {
		if *f.number >= len(lines) {
			return 0, failed(ErrLine, "find the line of gpio.%s: there is no line %d on %s, which has 0 to %d",
				f.key, *f.number, c, len(lines)-1)
		}
		return max(*f.number, -1), nil
	}
	if *f.number < 0 {
		return -1, nil
	}
	var found []int
	for _, l := range lines {
		if l.Name == f.name {
			found = append(found, l.Number)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, failed(ErrLine, "find the line of gpio.%s: no line of %s has the name %q; %s",
			f.key, c, f.name, near(lines, f.name))
	}
	return 0, failed(ErrLine, "find the line of gpio.%s: %d lines of %s have the name %q: %s; choose "+
		"one by its number", f.key, len(found), c, f.name,
		strings.Trim(strings.ReplaceAll(fmt.Sprint(found), " ", ", "), "[]"))
}

// near lists the names on a chip that are most like one that is not there.
func near(lines []Line, name string) string {
	const most = 4
	var names []string
	for _, l := range lines {
		if l.Name != "" {
			names = append(names, l.Name)
		}
	}
	if len(names) == 0 {
		return "its lines have no names: choose by number"
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(distance(a, name), distance(b, name))
	})
	return "near it are " + strings.Join(names[:min(most, len(names))], ", ")
}

// distance is how many letters must be changed, added or left out to make one name of another; case
// does not count.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
