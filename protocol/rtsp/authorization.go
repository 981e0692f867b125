package rtsp

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	"wildfire-watch/protocol"
)

// algorithm is one way to hash a login.
type algorithm struct {
	name    string
	make    func() hash.Hash
	session bool // -sess: the key is bound to the nonces (RFC 7616 §3.4.2)
}

// algorithms are those that we know, weakest first.
var algorithms = []*algorithm{
	{"MD5", md5.New, false},
	{"MD5-sess", md5.New, true},
	{"SHA-256", sha256.New, false},
	{"SHA-256-sess", sha256.New, true},
	{"SHA-512-256", sha512.New512_256, false},
	{"SHA-512-256-sess", sha512.New512_256, true},
}

func algorithmCalled(name string) *algorithm {
	i := slices.IndexFunc(algorithms, func(a *algorithm) bool { return strings.EqualFold(a.name, name) })
	if i < 0 {
		return nil
	}
	return algorithms[i]
}

// of hashes fields, parted by colons.
func (a *algorithm) of(fields ...string) string {
	h := a.make()
	for i, f := range fields {
		if i > 0 {
			h.Write([]byte{':'})
		}
		h.Write([]byte(f))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Authorization is what proves a login to the host that asked. It never prints.
type Authorization struct{ value string }

// String hides it.
func (a Authorization) String() string {
	if a.value == "" {
		return "no authorization"
	}
	return "an authorization"
}

// GoString hides it from %#v.
func (a Authorization) GoString() string { return a.String() }

// Format hides it from every verb.
func (a Authorization) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(a.String())) }

// Use is one use of a challenge.
type Use struct {
	Method Method
	URL    URL
	// Count is how often the nonce was used, this time included: 1 and up (RFC 7616 §3.4).
	Count uint32
	// Salt is random, at least 8 bytes, printable, without a quote.
	Salt string
}

// MaxLogin is how long a user or a password may be, in bytes.
const MaxLogin = 128

// BadLogin is why a login cannot be told: a control byte, too long, or a colon in the user.
const BadLogin protocol.Reject = "login cannot be sent"

// Answer proves a login for one request. The error is BadLogin.
func (c Challenge) Answer(l protocol.Login, u Use) (Authorization, error) {
	if len(l.User) > MaxLogin || len(l.Password) > MaxLogin || !plain(l.User) || !plain(l.Password) ||
		strings.Contains(l.User, ":") || !c.Known() {
		return Authorization{}, BadLogin
	}
	if !c.digest {
		return Authorization{"Basic " + base64.StdEncoding.EncodeToString([]byte(l.User+":"+l.Password))}, nil
	}
	a, url, count := c.algorithm, u.URL.String(), fmt.Sprintf("%08x", u.Count)
	key := a.of(l.User, c.realm, l.Password)
	if a.session {
		key = a.of(key, c.nonce, u.Salt)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username=%s, realm=%s, nonce=%s, uri="%s", response="%s"`,
		quoted(l.User), quoted(c.realm), quoted(c.nonce), url, c.response(key, string(u.Method), url, count, u.Salt))
	if c.named { // old firmware chokes on a field that it did not send itself
		fmt.Fprintf(&b, `, algorithm=%s`, a.name)
	}
	if c.hasOpaque {
		fmt.Fprintf(&b, `, opaque=%s`, quoted(c.opaque))
	}
	switch {
	case c.auth:
		fmt.Fprintf(&b, `, qop=auth, nc=%s, cnonce="%s"`, count, u.Salt)
	case a.session:
		fmt.Fprintf(&b, `, cnonce="%s"`, u.Salt)
	}
	return Authorization{b.String()}, nil
}

// response is the proof that we know the key (RFC 7616 §3.4.1, RFC 2617 §3.2.2.1 without qop).
func (c Challenge) response(key, method, url, count, salt string) string {
	what := c.algorithm.of(method, url)
	if !c.auth {
		return c.algorithm.of(key, c.nonce, what)
	}
	return c.algorithm.of(key, c.nonce, count, salt, "auth", what)
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quoted is text as a quoted string (RFC 7230 §3.2.6).
func quoted(text string) string { return `"` + escapes.Replace(text) + `"` }
