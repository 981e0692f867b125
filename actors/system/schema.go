package system

import (
	"reflect"
	"slices"
	"strings"
)

// anyName is the tag of a map that takes the sub-tables of its section: [cameras.north].
const anyName = "*"

// field is one place in the configuration that a key fills.
type field struct {
	value reflect.Value
	tag   reflect.StructTag
}

// section is one table of the configuration. Several structs may share it: a key is known if one
// of them has it, and fills the field of each that does.
type section struct {
	name  string
	order []string // keys, in the order of the structs
	keys  map[string][]field
	subs  []reflect.Value // maps of structs, for sub-tables
}

// schema is what may stand in a configuration, with the fields that it fills.
type schema struct {
	order    []string
	sections map[string]*section
}

// schemaOf reads the tags of a configuration; c is a pointer to a struct of sections.
func schemaOf(c any) schema {
	s := schema{sections: make(map[string]*section)}
	all := reflect.ValueOf(c).Elem()
	for i := range all.NumField() {
		name := all.Type().Field(i).Tag.Get("key")
		if name == "" {
			continue
		}
		one := s.sections[name]
		if one == nil {
			one = &section{name: name, keys: make(map[string][]field)}
			s.sections[name] = one
			s.order = append(s.order, name)
		}
		one.fill(all.Field(i))
	}
	return s
}

// sectionOf is the section that one struct makes.
func sectionOf(name string, v reflect.Value) *section {
	s := &section{name: name, keys: make(map[string][]field)}
	s.fill(v)
	return s
}

func (s *section) fill(v reflect.Value) { s.fillUnder("", v) }

// fillUnder takes the fields of a struct; the keys of a struct within it begin with its own.
func (s *section) fillUnder(prefix string, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, tagged := f.Tag.Lookup("key")
		switch {
		case !tagged && f.Anonymous && f.Type.Kind() == reflect.Struct:
			s.fillUnder(prefix, v.Field(i))
		case !tagged:
		case name == anyName:
			s.subs = append(s.subs, v.Field(i))
		case f.Type.Kind() == reflect.Struct && !isSpelled(f.Type):
			s.fillUnder(prefix+name, v.Field(i))
		default:
			name = prefix + name
			if s.keys[name] == nil {
				s.order = append(s.order, name)
			}
			s.keys[name] = append(s.keys[name], field{v.Field(i), f.Tag})
		}
	}
}

// fields visits every field that holds a value, sub-tables' included, with its full key. What it
// changes in a sub-table is lost: it is there to look.
func (s schema) fields(visit func(key string, f field)) {
	for _, name := range s.order {
		s.sections[name].fields(visit)
	}
}

func (s *section) fields(visit func(key string, f field)) {
	for _, key := range s.order {
		for _, f := range s.keys[key] {
			visit(join(s.name, key), f)
		}
	}
	for _, sub := range s.subs {
		for _, name := range slices.SortedFunc(slices.Values(sub.MapKeys()), byName) {
			one := newOf(sub)
			one.Set(sub.MapIndex(name))
			sectionOf(join(s.name, dotted([]string{name.String()})), one).fields(visit)
		}
	}
}

func byName(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }
