package rtsp

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// maxField is how long a realm, nonce or opaque value may be, in bytes.
const maxField = 512

// maxChallenges is how many challenges of one answer are looked at.
const maxChallenges = 8

// Challenge is how a host wants to be told the login. The zero value is none.
type Challenge struct {
	digest    bool
	algorithm *algorithm // of a digest
	named     bool       // the host named the algorithm, and expects it back
	realm     string     // without the quotes and escapes of the header
	nonce     string
	opaque    string
	hasOpaque bool
	auth      bool // qop=auth is offered (RFC 7616 §3.4)
	stale     bool
}

// Known says whether there is a challenge.
func (c Challenge) Known() bool { return c.digest || c.realm != "" }

// Fresh says whether c asks for the same login once more under a new nonce, and does not refuse it:
// the host says that the old nonce is stale (RFC 7616 §3.3).
func (c Challenge) Fresh(old Challenge) bool { return c.stale && c.Renews(old) }

// Renews says whether c comes with another nonce than old: many cameras take a nonce once, or for a
// minute, and do not say stale.
func (c Challenge) Renews(old Challenge) bool { return c.digest && c.nonce != old.nonce }

// Choose is the strongest challenge of an answer that we can meet: Digest before Basic, SHA before MD5.
// Several may stand in one WWW-Authenticate line or in one line each (RFC 7235 §4.1).
func (r Response) Choose() (best Challenge, ok bool) {
	count := 0
	for _, line := range r.Values("WWW-Authenticate") {
		for scheme, fields := range challenges(line) {
			if count++; count > maxChallenges {
				return best, best.Known()
			}
			if c, fits := read(scheme, fields); fits && (!best.Known() || c.rank() > best.rank()) {
				best = c
			}
		}
	}
	return best, best.Known()
}

func (c Challenge) rank() int {
	if !c.digest {
		return 0
	}
	return 1 + slices.Index(algorithms, c.algorithm)
}

// field is one name=value of a challenge.
type field struct{ name, value string }

// challenges parts one WWW-Authenticate line into schemes and their fields.
func challenges(text string) iter.Seq2[string, []field] {
	return func(yield func(string, []field) bool) {
		scheme, fields := "", []field(nil)
		for text != "" {
			text = strings.TrimLeft(text, " \t,")
			word, rest := token(text)
			after := strings.TrimLeft(rest, " \t")
			switch {
			case word == "":
				if rest == "" {
					break
				}
				text = rest[1:] // a byte that belongs nowhere
				continue
			case strings.HasPrefix(after, "=") && scheme != "":
				var value string
				value, text = fieldValue(strings.TrimLeft(after[1:], " \t"))
				fields = append(fields, field{word, value})
				continue
			default:
				if scheme != "" && !yield(scheme, fields) {
					return
				}
				scheme, fields = word, nil
			}
			text = rest
		}
		if scheme != "" {
			yield(scheme, fields)
		}
	}
}

// token cuts a word off the front (RFC 7230 §3.2.6).
func token(text string) (word, rest string) {
	end := strings.IndexAny(text, " \t,=\"\\;()<>@")
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

// fieldValue cuts a word or a quoted string off the front; of the string, its content.
func fieldValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ", \t")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:]
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:]
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String(), ""
}

// read makes a challenge of its fields; false if it is one that we cannot meet.
func read(scheme string, fields []field) (c Challenge, ok bool) {
	name := "MD5" // RFC 7616 §3.3: when absent
	qop := ""
	for _, f := range fields {
		if len(f.value) > maxField || !plain(f.value) {
			return Challenge{}, false
		}
		switch strings.ToLower(f.name) {
		case "realm":
			c.realm = f.value
		case "nonce":
			c.nonce = f.value
		case "opaque":
			c.opaque, c.hasOpaque = f.value, true
		case "algorithm":
			name, c.named = cmp.Or(f.value, name), f.value != ""
		case "qop":
			qop = f.value
		case "stale":
			c.stale = strings.EqualFold(f.value, "true")
		}
	}
	switch {
	case strings.EqualFold(scheme, "Basic"):
		return Challenge{realm: cmp.Or(c.realm, "Basic")}, true
	case !strings.EqualFold(scheme, "Digest"):
		return Challenge{}, false
	}
	c.digest = true
	c.algorithm = algorithmCalled(name)
	for option := range strings.SplitSeq(qop, ",") {
		c.auth = c.auth || strings.EqualFold(strings.TrimSpace(option), "auth")
	}
	return c, c.algorithm != nil && c.nonce != "" && (c.auth || strings.TrimSpace(qop) == "")
}
