package system

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wildfire-watch/protocol"
)

// shortest is the lower bound of every duration on the simulator board (SPEC §6): tests run the
// whole pump in seconds. A bound below it stays.
const shortest = 10 * time.Millisecond

func mistakeAt(key string, n *node, allowed string) protocol.Mistake {
	return protocol.Mistake{Key: key, Value: n.String(), Allowed: allowed,
		File: n.file, Line: n.line}
}

// allowed says what may stand in a field, after the kind that is wanted.
func allowed(f field, wanted string) string {
	bounds := f.bounds(false)
	switch {
	case wanted == "a time" && bounds == "":
		return `a time ("500ms", "30s", "10m", "2h"; a bare number is seconds)`
	case wanted == "a time":
		return bounds + ` ("500ms", "30s", "10m", "2h"; a bare number is seconds)`
	case bounds == "":
		return wanted
	}
	return wanted + ", " + bounds
}

// bounds says in words what a field's tag allows; empty if anything.
func (f field) bounds(simulated bool) string {
	if words, ok := f.tag.Lookup("oneof"); ok {
		return oneOf(strings.Split(words, "|"))
	}
	if span, ok := f.tag.Lookup("range"); ok {
		low, high := f.span(span, simulated)
		return between(low, high, "")
	}
	if span, ok := f.tag.Lookup("len"); ok {
		low, high, _ := strings.Cut(span, "..")
		if f.value.Kind() == reflect.String {
			return between(low, high, " characters")
		}
		return between(low, high, " entries")
	}
	return ""
}

func (f field) span(span string, simulated bool) (low, high string) {
	low, high, _ = strings.Cut(span, "..")
	if d, ok := asDuration(&node{text: low}); ok && simulated && f.value.Type() == durationType &&
		d > shortest {
		low = shortest.String()
	}
	return low, high
}

func between(low, high, of string) string {
	switch {
	case low == "":
		return "at most " + high + of
	case high == "":
		return "at least " + low + of
	case low == "0" && of != "":
		return "at most " + high + of
	}
	return low + " to " + high + of
}

func oneOf(words []string) string {
	for i, w := range words {
		words[i] = quote(w)
		if w == "" {
			words[i] = "empty"
		}
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// within says whether a field's value keeps to its tag.
func (f field) within(simulated bool) bool {
	if words, ok := f.tag.Lookup("oneof"); ok {
		return slices.Contains(strings.Split(words, "|"), f.value.String())
	}
	if span, ok := f.tag.Lookup("range"); ok {
		low, high := f.span(span, simulated)
		value := f.asNumber(f.value)
		return (low == "" || f.bound(low) <= value) && (high == "" || value <= f.bound(high))
	}
	if span, ok := f.tag.Lookup("len"); ok {
		low, high, _ := strings.Cut(span, "..")
		length := f.length()
		return (low == "" || f.bound(low) <= length) && (high == "" || length <= f.bound(high))
	}
	return true
}

func (f field) asNumber(v reflect.Value) float64 {
	if v.Kind() == reflect.Float64 {
		return v.Float()
	}
	return float64(v.Int())
}

func (f field) length() float64 {
	if f.value.Kind() == reflect.String {
		return float64(utf8.RuneCountInString(f.value.String()))
	}
	return float64(f.value.Len())
}

// bound reads a bound of a tag. One that cannot be read is a mistake of ours, found by the tests.
func (f field) bound(s string) float64 {
	n := &node{text: s}
	if f.value.Type() == durationType {
		d, ok := asDuration(n)
		if !ok {
			panic(fmt.Sprintf("configuration: bound %q is no time", s))
		}
		return float64(d)
	}
	x, ok := asNumber(n)
	if !ok {
		panic(fmt.Sprintf("configuration: bound %q is no number", s))
	}
	return x
}

// describe writes a field's value as a user would.
func describe(v reflect.Value) string {
	switch {
	case v.Type() == durationType:
		return quote(spell(time.Duration(v.Int())))
	case v.Kind() == reflect.String:
		return shorten(quote(v.String()))
	case v.Kind() == reflect.Slice && v.Type() != wholeType:
		return shorten(fmt.Sprintf("%q", v.Interface()))
	}
	return shorten(fmt.Sprint(v.Interface()))
}

// spell writes a time without the zeros of time.Duration: "30m", not "30m0s".
func spell(d time.Duration) string { return tidy(d.String()) }

var noSeconds, noMinutes = regexp.MustCompile(`(\dm)0s\b`), regexp.MustCompile(`(\dh)0m\b`)

// tidy drops those zeros from every time in a text.
func tidy(s string) string {
	return noMinutes.ReplaceAllString(noSeconds.ReplaceAllString(s, "$1"), "$1")
}

// kindName says what a field takes, apart from its bounds.
func kindName(v reflect.Value) string {
	if v.Type() == durationType {
		return "time"
	}
	if isSpelled(v.Type()) {
		return reflect.New(v.Type()).Interface().(spelled).Wanted()
	}
	switch v.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		if v.Type() == wholeType {
			return "list of whole numbers"
		}
		return "list of texts"
	case reflect.Map:
		return "table of lists"
	}
	return "text"
}

// newOf is an empty value of what a map holds.
func newOf(m reflect.Value) reflect.Value { return reflect.New(m.Type().Elem()).Elem() }
