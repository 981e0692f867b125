package system

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// expression puts one key or one header into the tree.
func (r *reader) expression(e *unstable.Node) {
	switch e.Kind {
	case unstable.Table, unstable.ArrayTable:
		r.header(e)
	case unstable.KeyValue:
		r.assign(r.current, r.path, e)
	}
}

// header begins a section: [a] or [a.b].
func (r *reader) header(e *unstable.Node) {
	names, at := r.key(e.Key())
	r.path = dotted(names)
	if e.Kind == unstable.ArrayTable {
		r.mistakes.add(at, r.path, "", "is written in double brackets: write ["+r.path+"]")
	}
	t := r.root
	for i, name := range names {
		next := t.child(name, at)
		if next == nil {
			r.mistakes.add(at, dotted(names[:i+1]), "",
				"was given a value before, and cannot be a section")
			r.current = newTable(at)
			return
		}
		t = next
	}
	if t.begun && e.Kind == unstable.Table {
		r.mistakes.add(at, r.path, "",
			fmt.Sprintf("is a section that began before, on line %d", t.line))
	} else {
		t.place = at
	}
	t.begun = true
	r.current = t
}

// assign puts one key and its value into a table.
func (r *reader) assign(into *node, path string, e *unstable.Node) {
	names, at := r.key(e.Key())
	full := join(path, dotted(names))
	for i, name := range names[:len(names)-1] {
		next := into.child(name, at)
		if next == nil {
			r.mistakes.add(at, join(path, dotted(names[:i+1])), "",
				"was given a value before, and cannot be a section")
			return
		}
		into = next
	}
	last := names[len(names)-1]
	value := r.value(e.Value(), full, at)
	if before := into.of[last]; before != nil {
		r.mistakes.add(at, full, value.String(),
			fmt.Sprintf("was set before, on line %d", before.line))
		return
	}
	into.put(last, value)
}

// value reads a value. Numbers keep their spelling; whoever wants one parses it.
func (r *reader) value(v *unstable.Node, path string, at place) *node {
	n := &node{kind: kindOf(v.Kind), text: string(v.Data), place: at}
	switch n.kind {
	case list:
		for it := v.Children(); it.Next(); {
			n.list = append(n.list, r.value(it.Node(), path, at))
		}
	case table:
		n = newTable(at)
		n.begun = true
		for it := v.Children(); it.Next(); {
			r.assign(n, path, it.Node())
		}
	}
	return n
}

func kindOf(k unstable.Kind) kind {
	switch k {
	case unstable.String:
		return text
	case unstable.Bool:
		return boolean
	case unstable.Integer:
		return whole
	case unstable.Float:
		return number
	case unstable.Array:
		return list
	case unstable.InlineTable:
		return table
	}
	return moment
}

// key reads a dotted key and where it stands.
func (r *reader) key(it unstable.Iterator) (names []string, at place) {
	for it.Next() {
		if names == nil {
			at = r.place(r.start + int(it.Node().Raw.Offset))
		}
		names = append(names, string(it.Node().Data))
	}
	return names, at
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// dotted writes a key as a user would.
func dotted(names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name
		if !plainName.MatchString(name) {
			parts[i] = quote(name)
		}
	}
	return strings.Join(parts, ".")
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
