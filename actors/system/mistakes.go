package system

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wildfire-watch/protocol"
)

// mostMistakes bounds what one file full of rubbish can make us say.
const mostMistakes = 100

// mistakes collects what is wrong with a configuration.
type mistakes struct {
	all  []protocol.Mistake
	left int // further ones, not kept
}

// add notes a problem that is not about what may stand there.
func (m *mistakes) add(at place, key, value, problem string) {
	m.note(protocol.Mistake{File: at.file, Line: at.line, Key: key, Value: value, Problem: problem})
}

// note keeps a mistake, once.
func (m *mistakes) note(x protocol.Mistake) {
	switch {
	case slices.Contains(m.all, x):
	case m.full():
		m.left++
	default:
		m.all = append(m.all, x)
	}
}

func (m *mistakes) full() bool { return len(m.all) >= mostMistakes }

// about says whether something is known to be wrong with a key.
func (m *mistakes) about(key string) bool {
	return slices.ContainsFunc(m.all, func(x protocol.Mistake) bool {
		return x.Key == key && !x.Warning
	})
}

// within says whether something is known to be wrong in a section.
func (m *mistakes) within(section string) bool {
	return slices.ContainsFunc(m.all, func(x protocol.Mistake) bool {
		return strings.HasPrefix(x.Key, section+".") && !x.Warning
	})
}

// sorted lists errors before warnings, each in the order of the file, --set last.
func (m *mistakes) sorted() []protocol.Mistake {
	if m.full() {
		m.all = append(m.all, protocol.Mistake{Problem: fmt.Sprintf(
			"more than %d mistakes: correct these first", mostMistakes)})
	}
	rank := func(x protocol.Mistake) int {
		n := 0
		if x.Warning {
			n = 4
		}
		switch {
		case x == protocol.Mistake{Problem: x.Problem}:
			return n + 3
		case x.File == "--set":
			return n + 2
		case x.File == "":
			return n + 1
		}
		return n
	}
	slices.SortStableFunc(m.all, func(a, b protocol.Mistake) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Line, b.Line))
	})
	return m.all
}

// Wrong says whether any of them is an error: such a configuration is not used.
func Wrong(all []protocol.Mistake) bool {
	return slices.ContainsFunc(all, func(x protocol.Mistake) bool { return !x.Warning })
}
