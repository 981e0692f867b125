// Package httpauth is the codec of HTTP authentication, which RTSP shares: it reads what a server asks
// for (WWW-Authenticate) and writes the answer (Authorization), Basic (RFC 7617) and Digest (RFC 7616,
// RFC 2069 where there is no qop) with MD5 or SHA-256.
//
// It promises that a challenge is bounded in everything, and that Digest is taken before Basic wherever
// both are offered. It must never answer a challenge that it understands only in part: a wrong answer is
// a bad login, and bad logins lock accounts.
package httpauth

import (
	"strings"
)

// Bounds on what a server may ask, in bytes and in number.
const (
	MaxHeaders = 8    // WWW-Authenticate lines read
	MaxHeader  = 4096 // a longer line is passed over
	MaxValue   = 1024 // realm, nonce, opaque
	maxParams  = 32   // of one challenge
)

// Challenge is what a server asks for. The zero Challenge is none. It holds nothing secret.
type Challenge struct {
	Digest bool // false: Basic
	Realm  string
	// Stale says that the login was right and only the nonce too old (RFC 7616 section 3.3).
	Stale bool

	nonce, opaque string
	algorithm     string // as written, to be given back; empty: none named, which is MD5
	hash          hash
	session       bool // the algorithm's -sess form
	qop           bool // auth is offered; false: RFC 2069
}

// SameNonce says that the counting of answers goes on from c to next.
func (c Challenge) SameNonce(next Challenge) bool { return c.nonce == next.nonce }

// Parse picks the challenge to answer from the lines of WWW-Authenticate: the first Digest that we can
// answer, as RFC 7616 section 3.7 asks; else Basic. False if there is none.
func Parse(headers []string) (Challenge, bool) {
	var basic Challenge
	var found bool
	for _, header := range headers[:min(len(headers), MaxHeaders)] {
		if len(header) > MaxHeader {
			continue
		}
		for rest := header; rest != ""; {
			var c Challenge
			var ok bool
			c, rest, ok = next(rest)
			switch {
			case ok && c.Digest:
				return c, true
			case ok && !found:
				basic, found = c, true
			}
		}
	}
	return basic, found
}

// next reads the challenge that text begins with; rest is what follows it.
func next(text string) (c Challenge, rest string, ok bool) {
	text = strings.TrimLeft(text, " \t,")
	scheme, rest := token(text)
	if scheme == "" {
		return c, "", false
	}
	params, rest, ok := parameters(rest)
	if !ok {
		return c, rest, false
	}
	switch strings.ToLower(scheme) {
	case "basic":
		c.Realm = params["realm"]
		return c, rest, true
	case "digest":
		return digest(params, rest)
	}
	return c, rest, false
}

func digest(params map[string]string, rest string) (c Challenge, _ string, ok bool) {
	c = Challenge{Digest: true, Realm: params["realm"], nonce: params["nonce"], opaque: params["opaque"],
		algorithm: params["algorithm"], Stale: strings.EqualFold(params["stale"], "true")}
	name := strings.ToUpper(c.algorithm)
	name, c.session = strings.CutSuffix(name, "-SESS")
	c.hash, ok = hashes[name]
	if offered, given := params["qop"]; given {
		for q := range strings.SplitSeq(offered, ",") {
			c.qop = c.qop || strings.EqualFold(strings.TrimSpace(q), "auth")
		}
		ok = ok && c.qop // auth-int alone would need the body
	}
	// A session's key holds the client's nonce, which is only sent along with a qop.
	ok = ok && c.nonce != "" && (c.qop || !c.session)
	return c, rest, ok
}

// parameters reads name=value pairs until the next challenge begins. It reads on to the end of a
// challenge that it refuses: what follows may be one that we can answer.
func parameters(text string) (params map[string]string, rest string, ok bool) {
	params, ok = make(map[string]string), true
	for {
		text = strings.TrimLeft(text, " \t,")
		name, after := token(text)
		after = strings.TrimLeft(after, " \t")
		if name == "" || !strings.HasPrefix(after, "=") {
			if name == "" {
				text = "" // not a name, so nothing that we could step over
			}
			return params, text, ok
		}
		value, after, fine := value(strings.TrimLeft(after[1:], " \t"))
		if !fine {
			return params, "", false
		}
		name = strings.ToLower(name)
		_, twice := params[name]
		ok = ok && !twice && len(params) < maxParams
		if ok {
			params[name] = value
		}
		text = after
	}
}

// value reads a token or a quoted string, without its quotes and escapes.
func value(text string) (v, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ", \t")
		if end < 0 {
			end = len(text)
		}
		v = text[:end]
		return v, text[end:], len(v) <= MaxValue && clean(v)
	}
	var b strings.Builder
	for i := 1; i < len(text) && b.Len() <= MaxValue; i++ {
		switch {
		case text[i] == '"':
			return b.String(), text[i+1:], clean(b.String())
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}

// clean says that no byte could end a line: what a server wrote is written back to it.
func clean(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// token reads the characters of a name (RFC 9110 section 5.6.2), so far as they occur in one.
func token(text string) (t, rest string) {
	end := 0
	for end < len(text) && (text[end] == '-' || text[end] == '_' || '0' <= text[end] && text[end] <= '9' ||
		'a' <= text[end]|0x20 && text[end]|0x20 <= 'z') {
		end++
	}
	return text[:end], text[end:]
}
