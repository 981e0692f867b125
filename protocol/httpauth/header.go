package httpauth

import (
	"iter"
	"strings"
)

// field is one name=value of a challenge.
type field struct{ name, value string }

// challenges parts one WWW-Authenticate line into schemes and their fields. It steps over a byte that
// belongs nowhere, and ends at a quoted string that does not: whose field that is cannot be told.
func challenges(text string) iter.Seq2[string, []field] {
	return func(yield func(string, []field) bool) {
		scheme, fields := "", []field(nil)
		for text = strings.TrimLeft(text, between); text != ""; text = strings.TrimLeft(text, between) {
			word, rest := token(text)
			after := strings.TrimLeft(rest, " \t")
			switch {
			case word == "":
				text = rest[1:]
			case strings.HasPrefix(after, "=") && scheme != "":
				value, rest, ok := fieldValue(strings.TrimLeft(after[1:], " \t"))
				if !ok {
					return
				}
				fields = append(fields, field{word, value})
				text = rest
			default:
				if scheme != "" && !yield(scheme, fields) {
					return
				}
				scheme, fields, text = word, nil, rest
			}
		}
		if scheme != "" {
			yield(scheme, fields)
		}
	}
}

// between is what parts fields and challenges.
const between = " \t,"

// token cuts a word off the front: what has no meaning of its own, so that a token68 is one, too
// (RFC 9110 section 11.2).
func token(text string) (word, rest string) {
	end := strings.IndexAny(text, " \t,=\"\\;()<>@")
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

// fieldValue cuts a word or a quoted string off the front; of the string, its content. False if the
// string does not end.
func fieldValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, between)
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:], true
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}

// plain says whether text can stand in a header line: no control bytes.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quoted is text as a quoted string (RFC 9110 section 5.6.4).
func quoted(text string) string { return `"` + escapes.Replace(text) + `"` }
