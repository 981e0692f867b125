// Package scan reads JSON that comes from outside, without allocating and without trust.
//
// It promises:
//   - Parse checks the whole text first: what it returns is well-formed, so reading it cannot fail;
//   - it accepts what encoding/json accepts (a fuzz target compares them), nested at most
//     MaxDepth, and besides the bare words NaN, Infinity and -Infinity: Python writes them, and one
//     in a field that nobody reads must not cost a fire; as a number they are never valid;
//   - the work is linear in the size of the text; the caller bounds that size.
//
// It must never guess: a value of another kind than asked for is "not there" to the reader, who
// decides what that means.
package scan

import (
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deep objects and lists may be nested; deeper text is not accepted.
const MaxDepth = 64

// Kind says what a value is.
type Kind byte

// The kinds. The zero value is a field that was not there.
const (
	Missing Kind = iota
	Object
	List
	Text
	Number
	Bool
	Null
	NotFinite // NaN, Infinity, -Infinity
)

// Value is one well-formed JSON value; the zero Value is a field that was not there. It points into
// the text that was parsed.
type Value struct{ raw []byte }

// Parse checks text and returns its one value; false if it is not JSON or something follows it.
func Parse(text []byte) (Value, bool) {
	start := space(text, 0)
	end := value(text, start, MaxDepth)
	if end < 0 || space(text, end) != len(text) {
		return Value{}, false
	}
	return Value{text[start:end]}, true
}

// Kind says what the value is.
func (v Value) Kind() Kind {
	if len(v.raw) == 0 {
		return Missing
	}
	switch v.raw[0] {
	case '{':
		return Object
	case '[':
		return List
	case '"':
		return Text
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	case 'N', 'I':
		return NotFinite
	case '-':
		if v.raw[1] == 'I' {
			return NotFinite
		}
	}
	return Number
}

// Given says whether there is a value other than null.
func (v Value) Given() bool { return len(v.raw) > 0 && v.raw[0] != 'n' }

// Raw is the value as it was written.
func (v Value) Raw() []byte { return v.raw }

// True says whether the value is the word true.
func (v Value) True() bool { return len(v.raw) > 0 && v.raw[0] == 't' }

// Number is the value of a number; false for every other kind and for one beyond a float64.
func (v Value) Number() (float64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// Text is the value of a string, with invalid UTF-8 replaced by U+FFFD; false for other kinds.
func (v Value) Text() (string, bool) {
	if v.Kind() != Text {
		return "", false
	}
	return string(decoded(v.raw)), true
}

// decoded is the content of a JSON string. Escapes are rare: encoding/json knows them.
func decoded(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' || c >= utf8.RuneSelf {
			var s string
			if json.Unmarshal(raw, &s) != nil {
				return nil
			}
			return []byte(s)
		}
	}
	return inner
}

// Fields are the names and values of an object in the order written, repeated names included;
// nothing for other kinds. The name is valid until the next one.
func (v Value) Fields() iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		if v.Kind() != Object {
			return
		}
		for b, i := v.raw, space(v.raw, 1); b[i] != '}'; {
			end := text(b, i)
			name := decoded(b[i:end])
			i = space(b, space(b, end)+1)
			end = value(b, i, MaxDepth)
			if !yield(name, Value{b[i:end]}) {
				return
			}
			i = following(b, end)
		}
	}
}

// Items are the values of a list; nothing for other kinds.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != List {
			return
		}
		for b, i := v.raw, space(v.raw, 1); b[i] != ']'; {
			end := value(b, i, MaxDepth)
			if !yield(Value{b[i:end]}) {
				return
			}
			i = following(b, end)
		}
	}
}

// Field is the first field of that name; the zero Value if there is none.
func (v Value) Field(name string) Value {
	for n, field := range v.Fields() {
		if string(n) == name {
			return field
		}
	}
	return Value{}
}

// following steps from the end of an element over a comma to the next, or to the closing bracket.
func following(b []byte, i int) int {
	if i = space(b, i); b[i] == ',' {
		i = space(b, i+1)
	}
	return i
}
