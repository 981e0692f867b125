package system

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"wildfire-watch/protocol"
)

// mostBytes is the largest configuration file that is read.
const mostBytes = 1 << 20

// fromCommandLine is the file name of what --set said.
const fromCommandLine = "--set"

// Load reads the whole configuration: the defaults (config.toml, embedded in the program), over
// them the user's file (none if its name is empty), over that each section.key=value of --set.
//
// All mistakes are found at once, each with its file, line, key, value and what may stand there.
// If one of them is an error (see Wrong) the Config is not to be used. The error says why a file
// could not be read at all, or that the defaults themselves are broken.
func Load(defaults []byte, file string, sets []string) (Config, []protocol.Mistake, error) {
	var c Config
	var content []byte
	if file != "" {
		var err error
		if content, err = readFile(file); err != nil {
			return c, nil, err
		}
	}
	all, err := load(&c, defaults, file, content, sets)
	if about, e := os.Stat(file); e == nil && about.Mode().Perm()&0o007 != 0 {
		for _, u := range []struct {
			key   string
			lines []string
		}{{"broker.users", c.Broker.Entries}, {"http.users", c.HTTP.Users}} {
			if len(u.lines) > 0 {
				all = append(all, protocol.Mistake{Key: u.key, Warning: true, Problem: fmt.Sprintf("hashes of passwords stand"+
					" in %s, whose mode is %04o: everybody on this machine may read it; chmod 640, and chgrp to the"+
					" group that the program runs as", file, about.Mode().Perm())})
			}
		}
	}
	return c, all, err
}

// configuration is a pointer to a struct of sections.
type configuration interface {
	simulated() bool
	Check() []protocol.Mistake
}

func load(c configuration, defaults []byte, file string, content []byte, sets []string,
) ([]protocol.Mistake, error) {
	var ours, theirs mistakes
	d := decoder{schema: schemaOf(c), places: make(map[string]*node), mistakes: &ours}
	d.lay(read("", defaults, &ours))
	if len(ours.all) > 0 {
		return nil, broken(ours.all[0])
	}
	d.mistakes = &theirs
	d.lay(read(file, content, &theirs))
	for _, set := range sets {
		d.set(set)
	}
	d.limits(c.simulated())
	d.check(c)
	return theirs.sorted(), nil
}

// broken is what is said of a mistake in the defaults.
func broken(m protocol.Mistake) error {
	m.File = "built-in config.toml"
	return fmt.Errorf("read %s", Line(m))
}

func readFile(name string) ([]byte, error) {
	// Asked before it is opened: opening a pipe would wait for its other end.
	about, err := os.Stat(name)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fmt.Errorf("read configuration %s: %w", name, err)
	}
	if !about.Mode().IsRegular() {
		return nil, fmt.Errorf("read configuration %s: it is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(content) > mostBytes {
		return nil, fmt.Errorf("read configuration %s: it is larger than 1 MiB", name)
	}
	return content, nil
}

// limits checks every value that stands in the end against its range.
func (d *decoder) limits(simulated bool) {
	d.schema.fields(func(key string, f field) {
		if f.within(simulated) {
			return
		}
		n := d.places[key]
		if n == nil {
			n = &node{text: describe(f.value)}
		}
		d.mistakes.note(mistakeAt(key, n, f.bounds(simulated)))
	})
}

// check asks each section, then the whole, for what ranges cannot say.
func (d *decoder) check(c configuration) {
	all := reflect.ValueOf(c).Elem()
	for i := range all.NumField() {
		name := all.Type().Field(i).Tag.Get("key")
		if x, ok := all.Field(i).Interface().(interface{ Check() []protocol.Mistake }); ok {
			for _, m := range x.Check() {
				m.Key = join(name, m.Key)
				d.located(m)
			}
		}
	}
	for _, m := range c.Check() {
		d.located(m)
	}
}

// located adds to a checked mistake where its key stands. A key that is known to be wrong already
// is not judged twice, and no warning of a default follows from a wrong key beside it.
func (d *decoder) located(m protocol.Mistake) {
	section, rest, _ := strings.Cut(m.Key, ".")
	n := d.places[m.Key]
	if dot := strings.LastIndexByte(rest, '.'); n == nil && dot > 0 {
		// The name of a sub-table may need quotes.
		quoted := join(join(section, dotted([]string{rest[:dot]})), rest[dot+1:])
		if n = d.places[quoted]; n != nil {
			m.Key = quoted
		}
	}
	follows := m.Warning && n != nil && n.file == "" && d.mistakes.within(section)
	if follows || d.mistakes.about(m.Key) {
		return
	}
	if n != nil {
		m.File, m.Line, m.Value = n.file, n.line, n.String()
	}
	d.mistakes.note(m)
}

// set lays one --set over everything.
func (d *decoder) set(s string) {
	at := place{file: fromCommandLine}
	names, value, problem := split(s)
	if problem != "" {
		d.mistakes.add(at, shorten(printable(s)), "", problem)
		return
	}
	root := newTable(at)
	t := root
	for _, name := range names[:len(names)-1] {
		t = t.child(name, at)
	}
	t.put(names[len(names)-1], d.spell(names, value))
	d.lay(root)
}

// split parts section.key=value. Names that are more than letters, digits, _ and - stand in quotes.
func split(s string) (names []string, value, problem string) {
	end, quoted := -1, rune(0)
	for i, c := range s {
		switch {
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '"' || c == '\'':
			quoted = c
		case c == '=':
			end = i
		}
		if end >= 0 {
			break
		}
	}
	if end < 0 {
		return nil, "", "is not section.key=value"
	}
	var m mistakes
	root := read(fromCommandLine, []byte(s[:end]+" = 0"), &m)
	for n := root; len(n.names) == 1; n = n.of[n.names[0]] {
		names = append(names, n.names[0])
	}
	if len(m.all) > 0 || len(names) == 0 {
		return nil, "", "is not section.key=value"
	}
	return names, strings.TrimSpace(s[end+1:]), ""
}

// spell reads a value of --set: as TOML where its key wants a list, a table or a quoted text, else
// as it stands.
func (d *decoder) spell(names []string, value string) *node {
	n := &node{kind: bare, text: value, place: place{file: fromCommandLine}}
	if len(names) < 2 {
		return n.asTOML()
	}
	s := d.schema.sections[names[0]]
	switch {
	case s == nil:
		return n
	case len(names) == 2 && s.keys[names[1]] != nil:
		return n.spelt(s.keys[names[1]][0].value.Type())
	case len(names) == 2 && len(s.subs) > 0:
		return n.asTOML()
	case len(names) == 3 && s.keys[names[1]] != nil:
		return n.spelt(reflect.TypeFor[[]string]())
	case len(names) == 3 && len(s.subs) > 0:
		for _, sub := range s.subs {
			one := sectionOf("", newOf(sub))
			if f := one.keys[names[2]]; f != nil {
				return n.spelt(f[0].value.Type())
			}
		}
	}
	return n
}

// spelt reads a bare value for a field of that type; any other value it leaves alone.
func (n *node) spelt(t reflect.Type) *node {
	if n.kind != bare {
		return n
	}
	switch {
	case t.Kind() == reflect.Map, t.Kind() == reflect.Slice && strings.HasPrefix(n.text, "["),
		strings.HasPrefix(n.text, `"`), strings.HasPrefix(n.text, `'`):
		return n.asTOML()
	case t.Kind() != reflect.Slice:
		return n
	}
	all := &node{kind: list, place: n.place}
	for part := range strings.SplitSeq(n.text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all.list = append(all.list, &node{kind: text, text: part, place: n.place})
		}
	}
	return all
}

// asTOML reads a bare value as a file would have it; one that is no TOML stays bare.
func (n *node) asTOML() *node {
	var m mistakes
	root := read(fromCommandLine, []byte("x = "+n.text), &m)
	x := root.of["x"]
	if len(m.all) > 0 || x == nil || len(root.names) != 1 {
		return n
	}
	x.nowhere()
	return x
}

// nowhere forgets the line of a value and of all in it: the command line has none.
func (n *node) nowhere() {
	n.place = place{file: fromCommandLine}
	for _, e := range n.list {
		e.nowhere()
	}
	for _, e := range n.of {
		e.nowhere()
	}
}
