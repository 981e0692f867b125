package system

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// kind is what a value in a configuration was written as.
type kind uint8

const (
	bare kind = iota // after --set key=: what it is depends on the key
	text
	boolean
	whole
	number
	moment
	list
	table
)

// node is one value of a configuration and where it stands.
type node struct {
	kind  kind
	text  string // a text's characters; numbers and the like as they were written
	list  []*node
	names []string // of a table, in the order of the file
	of    map[string]*node
	begun bool // a table that has had its header, or was written in braces
	// secret: a report is shown and sent around, and says nothing of the value but whether there is one.
	secret bool
	place
}

// place is where a value stands.
type place struct {
	file string // a path, "--set"; empty for a built-in default
	line int
}

func newTable(p place) *node { return &node{kind: table, of: make(map[string]*node), place: p} }

// child returns the table of that name, made if absent; nil if something else has the name.
func (n *node) child(name string, p place) *node {
	if c := n.of[name]; c != nil {
		if c.kind != table {
			return nil
		}
		return c
	}
	c := newTable(p)
	n.put(name, c)
	return c
}

func (n *node) put(name string, value *node) {
	n.names = append(n.names, name)
	n.of[name] = value
}

// String is the value as a user would write it, cut to a readable length, logins in it hidden.
func (n *node) String() string {
	if n.secret && (len(n.list) > 0 || n.text != "") {
		return "(hidden)"
	}
	return shorten(withoutLogin(n.written(3)))
}

var login = regexp.MustCompile(`([a-z]+://)?[^"]*@`)

// withoutLogin hides what stands before an @, as in a URL: a report is shown and sent around.
func withoutLogin(s string) string { return login.ReplaceAllString(s, "$1…@") }

func (n *node) written(depth int) string {
	const most = 20 // of a list; what is longer is cut anyway
	var parts []string
	switch {
	case n.kind == text, n.text == "" && n.kind == bare:
		return quote(n.text)
	case n.kind == list && depth > 0:
		for _, e := range n.list[:min(len(n.list), most)] {
			parts = append(parts, e.written(depth-1))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case n.kind == table && depth > 0:
		for _, name := range n.names[:min(len(n.names), most)] {
			parts = append(parts, dotted([]string{name})+" = "+n.of[name].written(depth-1))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case n.kind == list, n.kind == table:
		return "…"
	}
	return printable(n.text)
}

// quote writes a text in double quotes; what cannot be seen is escaped.
func quote(s string) string { return fmt.Sprintf("%q", s) }

// printable marks what cannot be seen in a value that was written without quotes.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '�'
		}
		return c
	}, s)
}

func shorten(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// reader turns a TOML text into a tree. It goes on after a mistake, so that all are found at once.
type reader struct {
	file     string
	text     []byte
	lines    []int // offsets at which lines begin
	start    int   // of the part that the parser reads now
	root     *node
	current  *node  // table that keys go into
	path     string // its name
	mistakes *mistakes
}

// read parses a whole file. The tree holds whatever could be understood.
func read(file string, content []byte, m *mistakes) *node {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	r := &reader{file: file, text: slices.Clip(bytes.Clone(content)), lines: []int{0}, mistakes: m}
	for i, b := range r.text {
		if b == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	r.root = newTable(place{file, 1})
	r.current = r.root
	if at := firstInvalid(r.text); at >= 0 {
		m.add(r.place(at), "", "", "this is not text: byte "+fmt.Sprintf("0x%02x", r.text[at])+
			" is not UTF-8")
		return r.root
	}
	for next := 0; next >= 0 && next < len(r.text); {
		next = r.part(next)
	}
	return r.root
}

// part parses from an offset to the end or to the first mistake, and says where to go on.
func (r *reader) part(start int) int {
	r.start = start
	var p unstable.Parser
	p.Reset(r.text[start:])
	for p.NextExpression() {
		r.expression(p.Expression())
		if r.mistakes.full() {
			return -1
		}
	}
	err := p.Error()
	if err == nil {
		return -1
	}
	at := start
	var pe *unstable.ParserError
	if errors.As(err, &pe) {
		// Highlight is a piece of what the parser reads: the rest of its capacity says where.
		at = max(start, min(len(r.text), len(r.text)-cap(pe.Highlight)))
	}
	line := r.place(at).line
	r.mistakes.add(place{r.file, line}, "", shorten(withoutLogin(printable(r.trimmed(line)))),
		"cannot be read: "+err.Error())
	if bytes.HasPrefix(bytes.TrimSpace(r.line(line)), []byte("[")) {
		// Whatever the header was meant to begin: its keys belong to nobody.
		r.current, r.path = newTable(place{}), "?"
	}
	return r.resume(max(line, r.place(start).line))
}

// resume finds the first line after that one which looks like a header or a key.
func (r *reader) resume(line int) int {
	for ; line < len(r.lines); line++ {
		l := bytes.TrimSpace(r.line(line + 1))
		name, _, assigned := bytes.Cut(l, []byte("="))
		if bytes.HasPrefix(l, []byte("[")) && bytes.HasSuffix(l, []byte("]")) ||
			assigned && len(name) > 0 && bytes.IndexFunc(name, notInKey) < 0 {
			return r.lines[line]
		}
	}
	return -1
}

func notInKey(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.ContainsRune("_-. \t", c))
}

// line returns the text of a line, numbered from 1.
func (r *reader) line(number int) []byte {
	end := len(r.text)
	if number < len(r.lines) {
		end = r.lines[number]
	}
	return r.text[r.lines[number-1]:end]
}

func (r *reader) trimmed(number int) string { return strings.TrimSpace(string(r.line(number))) }

func (r *reader) place(offset int) place {
	i, found := slices.BinarySearch(r.lines, offset)
	if found {
		i++
	}
	return place{r.file, max(i, 1)}
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		c, size := utf8.DecodeRune(b[i:])
		if c == utf8.RuneError && size <= 1 || c == 0 {
			return i
		}
		i += size
	}
	return -1
}
