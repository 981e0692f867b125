package system

import (
	"fmt"
	"regexp"
	"strings"
)

// Reference is the table of all keys for docs/configuration.md: name, default, what may stand
// there, and the comment above it in config.toml (the defaults passed in).
func Reference(defaults []byte) (string, error) {
	var c Config
	var m mistakes
	d := decoder{schema: schemaOf(&c), places: make(map[string]*node), mistakes: &m}
	root := read("", defaults, &m)
	d.lay(root)
	if len(m.all) > 0 {
		return "", broken(m.all[0])
	}
	said := comments(defaults)
	var b strings.Builder
	for _, name := range root.names {
		s := d.schema.sections[name]
		fmt.Fprintf(&b, "\n## [%s]\n\n", name)
		b.WriteString("| key | default | may be | meaning |\n|---|---|---|---|\n")
		before := ""
		for _, key := range root.of[name].names {
			full := join(name, key)
			meaning := said[full]
			if meaning == before {
				meaning = "″" // keys that follow one another share a comment
			}
			before = said[full]
			row(&b, full, code(d.places[full].String()), s.keys[key][0].may(), meaning)
		}
		for _, sub := range s.subs {
			of := sectionOf("", newOf(sub))
			for _, key := range of.order {
				row(&b, name+".<name>."+key, "–", of.keys[key][0].may(), said[name+".*."+key])
			}
		}
	}
	return strings.TrimPrefix(b.String(), "\n"), nil
}

func row(b *strings.Builder, key, value, may, meaning string) {
	fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", key, value, prose(may), prose(meaning))
}

func code(s string) string { return "`" + cell(s) + "`" }

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// prose is a cell outside of code: <name> is no tag of HTML's.
func prose(s string) string { return strings.ReplaceAll(cell(s), "<", "&lt;") }

// may says what a field takes, in words.
func (f field) may() string {
	kind := kindName(f.value)
	bounds := f.bounds(false)
	switch {
	case bounds == "":
		return kind
	case f.tag.Get("oneof") != "", f.value.Type() == durationType:
		return bounds
	case strings.HasPrefix(bounds, "at ") || kind == "whole number" || kind == "number":
		return kind + ", " + bounds
	}
	return kind + " of " + bounds
}

var (
	keyLine     = regexp.MustCompile(`^([a-z0-9_]+) = `)
	headerLine  = regexp.MustCompile(`^\[([a-z0-9_]+)\]`)
	exampleLine = regexp.MustCompile(`^#\s+([a-z0-9_]+) = .*?\s# (.*)$`)
)

// comments reads the comment above each key; keys that follow one another share theirs. The lines
// of an example of a sub-table are found as section.*.key.
func comments(defaults []byte) map[string]string {
	said := make(map[string]string)
	section := ""
	var block []string
	keysSince := false // a key followed the block: the next comment begins a new one
	for line := range strings.SplitSeq(string(defaults), "\n") {
		line = strings.TrimRight(line, "\r \t")
		key, header := keyLine.FindStringSubmatch(line), headerLine.FindStringSubmatch(line)
		switch {
		case header != nil:
			section, block, keysSince = header[1], nil, false
		case key != nil:
			said[join(section, key[1])] = strings.Join(block, " ")
			keysSince = true
		case strings.HasPrefix(line, "#"):
			if keysSince {
				block, keysSince = nil, false
			}
			if example := exampleLine.FindStringSubmatch(line); example != nil {
				said[section+".*."+example[1]] = strings.TrimSpace(example[2])
				continue
			}
			block = append(block, strings.TrimSpace(strings.TrimPrefix(line, "#")))
		default:
			block, keysSince = nil, false
		}
	}
	return said
}
