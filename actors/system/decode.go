package system

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// decoder lays trees over a configuration, one after the other.
type decoder struct {
	schema   schema
	places   map[string]*node // where each key was set last, and how it was written
	mistakes *mistakes
}

// lay fills in what a tree sets.
func (d *decoder) lay(root *node) {
	for _, name := range root.names {
		n, s := root.of[name], d.schema.sections[name]
		switch {
		case s != nil && n.kind != table:
			d.mistakes.add(n.place, name, n.String(),
				"is a section: write ["+name+"], its keys below it")
		case s != nil:
			d.section(s, n)
		case !d.mistakes.full():
			d.mistakes.add(n.place, dotted([]string{name}), "", d.unknownSection(name, n))
		}
	}
}

func (d *decoder) unknownSection(name string, n *node) string {
	if n.kind == table {
		return "is no section" + meant(suggestion(name, d.schema.order), "[", "]")
	}
	return "is no key outside of a section" + meant(d.elsewhere(name), "", "")
}

// elsewhere finds the sections that have a key of that name.
func (d *decoder) elsewhere(name string) string {
	for _, s := range d.schema.order {
		if d.schema.sections[s].keys[name] != nil {
			return join(s, name)
		}
	}
	return ""
}

func meant(what, before, after string) string {
	if what == "" {
		return ""
	}
	return "; did you mean " + before + what + after + "?"
}

// section fills the fields of one section.
func (d *decoder) section(s *section, t *node) {
	for _, name := range t.names {
		n := t.of[name]
		full := join(s.name, dotted([]string{name}))
		fields := s.keys[name]
		switch {
		case fields != nil:
			d.fill(full, fields, n)
		case len(s.subs) > 0 && n.kind == table:
			for _, sub := range s.subs {
				d.sub(full, name, sub, n)
			}
		case !d.mistakes.full():
			d.mistakes.add(n.place, full, "", d.unknownKey(s, name))
		}
	}
}

func (d *decoder) unknownKey(s *section, name string) string {
	if near := suggestion(name, s.order); near != "" {
		return "is not a key" + meant(join(s.name, near), "", "")
	}
	return "is not a key" + meant(d.elsewhere(name), "", "")
}

func (d *decoder) fill(full string, fields []field, n *node) {
	for _, f := range fields {
		_, n.secret = f.tag.Lookup("secret")
		if wanted := assign(f.value, n); wanted != "" {
			d.mistakes.note(mistakeAt(full, n, allowed(f, wanted)))
			return
		}
	}
	d.places[full] = n
}

// sub fills one sub-table; what an earlier source said of it stays where this one is silent.
func (d *decoder) sub(full, name string, all reflect.Value, n *node) {
	if all.IsNil() {
		all.Set(reflect.MakeMap(all.Type()))
	}
	one := newOf(all)
	if before := all.MapIndex(reflect.ValueOf(name)); before.IsValid() {
		one.Set(before)
	}
	d.section(sectionOf(full, one), n)
	all.SetMapIndex(reflect.ValueOf(name), one)
}

var durationType = reflect.TypeFor[time.Duration]()

// spelled is a value that reads itself from a text or a whole number; Wanted says what it takes.
type spelled interface {
	encoding.TextUnmarshaler
	Wanted() string
}

func isSpelled(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[spelled]())
}

// assign sets a field; if the value is of the wrong kind it says what is wanted instead.
func assign(v reflect.Value, n *node) (wanted string) {
	switch {
	case v.Type() == durationType:
		d, ok := asDuration(n)
		if !ok {
			return "a time"
		}
		v.SetInt(int64(d))
	case isSpelled(v.Type()):
		value := v.Addr().Interface().(spelled)
		s, ok := asText(n)
		if !ok && n.kind != whole || value.UnmarshalText([]byte(s)) != nil {
			return value.Wanted()
		}
	case v.Kind() == reflect.Map:
		return assignMap(v, n)
	case v.Type() == wholeType:
		return assignWhole(v, n)
	case v.Kind() == reflect.Slice:
		return assignList(v, n)
	default:
		return assignOne(v, n)
	}
	return ""
}

func assignOne(v reflect.Value, n *node) (wanted string) {
	switch v.Kind() {
	case reflect.String:
		s, ok := asText(n)
		if !ok {
			return "a text in quotes"
		}
		v.SetString(s)
	case reflect.Bool:
		if n.kind != boolean && n.kind != bare || n.text != "true" && n.text != "false" {
			return "true or false"
		}
		v.SetBool(n.text == "true")
	case reflect.Int:
		i, err := strconv.ParseInt(n.text, 0, 0)
		if n.kind != whole && n.kind != bare || err != nil {
			return "a whole number"
		}
		v.SetInt(i)
	case reflect.Float64:
		f, ok := asNumber(n)
		if !ok {
			return "a number"
		}
		v.SetFloat(f)
	default:
		panic(fmt.Sprintf("configuration: no way to read a %s", v.Type()))
	}
	return ""
}

func assignList(v reflect.Value, n *node) (wanted string) {
	if n.kind != list {
		return `a list of texts, ["one", "two"]`
	}
	all := make([]string, len(n.list))
	for i, e := range n.list {
		s, ok := asText(e)
		if !ok {
			return `a list of texts, ["one", "two"]`
		}
		all[i] = s
	}
	v.Set(reflect.ValueOf(all))
	return ""
}

var wholeType = reflect.TypeFor[[]int]()

// assignWhole reads a list of whole numbers.
func assignWhole(v reflect.Value, n *node) (wanted string) {
	all := make([]int, len(n.list))
	for i, e := range n.list {
		// --set gives texts: "554,8554".
		number, err := strconv.ParseInt(e.text, 0, 0)
		if e.kind != whole && e.place.file != fromCommandLine || err != nil {
			return "a list of whole numbers, [554, 8554]"
		}
		all[i] = int(number)
	}
	if n.kind != list {
		return "a list of whole numbers, [554, 8554]"
	}
	v.Set(reflect.ValueOf(all))
	return ""
}

// assignMap adds to what an earlier source put into the map.
func assignMap(v reflect.Value, n *node) (wanted string) {
	if n.kind != table {
		return `a table of lists, { north = ["one", "two"] }`
	}
	all := reflect.MakeMap(v.Type())
	for it := v.MapRange(); it.Next(); {
		all.SetMapIndex(it.Key(), it.Value())
	}
	for _, name := range n.names {
		one := reflect.New(v.Type().Elem()).Elem()
		if assignList(one, n.of[name].spelt(one.Type())) != "" {
			return `a table of lists, { north = ["one", "two"] }`
		}
		all.SetMapIndex(reflect.ValueOf(name), one)
	}
	v.Set(all)
	return ""
}

func asText(n *node) (string, bool) {
	isText := n.kind == text || n.kind == bare
	return n.text, isText && strings.IndexFunc(n.text, unicode.IsControl) < 0
}

func asNumber(n *node) (float64, bool) {
	if !slices.Contains([]kind{whole, number, bare}, n.kind) {
		return 0, false
	}
	if i, err := strconv.ParseInt(n.text, 0, 64); err == nil {
		return float64(i), true
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(n.text, "_", ""), 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// asDuration reads a time with its unit, or a bare number of seconds (SPEC §6).
func asDuration(n *node) (time.Duration, bool) {
	if n.kind == text || n.kind == bare {
		if d, err := time.ParseDuration(n.text); err == nil {
			return d, true
		}
	}
	asWritten := *n
	if n.kind == text {
		asWritten.kind = bare
	}
	seconds, ok := asNumber(&asWritten)
	if !ok || math.Abs(seconds) > math.MaxInt64/1e9 {
		return 0, false
	}
	return time.Duration(math.Round(seconds * 1e9)), true
}
