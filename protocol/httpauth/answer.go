package httpauth

import (
	"cmp"
	"crypto/md5" // RFC 7616 names it, and most cameras know nothing else
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/credentials"
)

// algorithm is one way to hash a login.
type algorithm struct {
	name    string
	make    func() hash.Hash
	session bool // -sess: the key is bound to the nonces (RFC 7616 section 3.4.2)
}

// algorithms are those that we know, weakest first (RFC 7616 section 6.1).
var algorithms = []*algorithm{
	{"MD5", md5.New, false},
	{"MD5-sess", md5.New, true},
	{"SHA-256", sha256.New, false},
	{"SHA-256-sess", sha256.New, true},
	{"SHA-512-256", sha512.New512_256, false},
	{"SHA-512-256-sess", sha512.New512_256, true},
}

// algorithmCalled knows names in any case; none is MD5 (RFC 7616 section 3.3). Nil: unknown.
func algorithmCalled(name string) *algorithm {
	name = cmp.Or(name, "MD5")
	i := slices.IndexFunc(algorithms, func(a *algorithm) bool { return strings.EqualFold(a.name, name) })
	if i < 0 {
		return nil
	}
	return algorithms[i]
}

// rank is 1 for the weakest.
func (a *algorithm) rank() int { return 1 + slices.Index(algorithms, a) }

// of hashes fields, parted by colons, to lower-case hexadecimal.
func (a *algorithm) of(fields ...string) string {
	h := a.make()
	h.Write([]byte(strings.Join(fields, ":")))
	return hex.EncodeToString(h.Sum(nil))
}

// Authorization is what proves a login to the host that asked. It never prints. The zero value is none.
type Authorization struct{ value string }

// Header is the value of the Authorization header, one line: it goes to the server that asked and
// nowhere else. Empty if there is none.
func (a Authorization) Header() string { return a.value }

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
	Method, URI string // as in the request line
	// Count is how often the nonce was used, this time included: 1 and up (RFC 7616 section 3.4).
	Count uint32
	// Salt is random, at least 8 bytes, printable, without a quote.
	Salt string
}

// BadLogin is why a login cannot be told: a control byte, too long, or a colon in the user. It is found
// out before anything is sent, so that it is no try.
const BadLogin protocol.Reject = "login cannot be sent"

// Sendable says whether a login can be told to any server: nil, or BadLogin.
func Sendable(l protocol.Login) error {
	if len(l.User) > credentials.MaxUser || len(l.Password) > credentials.MaxPassword ||
		!plain(l.User) || !plain(l.Password) || strings.Contains(l.User, ":") {
		return BadLogin
	}
	return nil
}

// Answer proves a login for one request. The error is BadLogin, also where there is no challenge.
func (c Challenge) Answer(l protocol.Login, u Use) (Authorization, error) {
	switch err := Sendable(l); {
	case err != nil:
		return Authorization{}, err
	case !c.known:
		return Authorization{}, BadLogin
	case !c.Digest:
		return Authorization{"Basic " + base64.StdEncoding.EncodeToString([]byte(l.User+":"+l.Password))}, nil
	}
	count := fmt.Sprintf("%08x", u.Count)
	key := c.algorithm.of(l.User, c.realm, l.Password)
	if c.algorithm.session {
		key = c.algorithm.of(key, c.nonce, u.Salt)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username=%s, realm=%s, nonce=%s, uri=%s, response="%s"`,
		quoted(l.User), quoted(c.realm), quoted(c.nonce), quoted(u.URI), c.response(key, u, count))
	if c.named != "" { // old firmware chokes on a field that it did not send itself
		fmt.Fprintf(&b, `, algorithm=%s`, c.named)
	}
	if c.opaqueGiven {
		fmt.Fprintf(&b, `, opaque=%s`, quoted(c.opaque))
	}
	if c.qop {
		fmt.Fprintf(&b, `, qop=auth, nc=%s, cnonce="%s"`, count, u.Salt)
	}
	return Authorization{b.String()}, nil
}

// response is the proof that we know the key (RFC 7616 section 3.4.1, RFC 2069 without qop).
func (c Challenge) response(key string, u Use, count string) string {
	what := c.algorithm.of(u.Method, u.URI)
	if !c.qop {
		return c.algorithm.of(key, c.nonce, what)
	}
	return c.algorithm.of(key, c.nonce, count, u.Salt, "auth", what)
}
