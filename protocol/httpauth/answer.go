package httpauth

import (
	"crypto/md5" // RFC 7616 names it, and most cameras know nothing else
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"wildfire-watch/protocol"
)

// hash is a digest in lower-case hexadecimal.
type hash func(text string) string

// hashes are the algorithms by their name in upper case (RFC 7616 section 6.1). SHA-512-256 is not
// among them: no camera is known that asks for it.
var hashes = map[string]hash{
	"": md5Hex, "MD5": md5Hex, "SHA-256": sha256Hex,
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Authorize is the value of the Authorization header that answers c for one request. uri is written as
// in the request line. cnonce is random and made by the caller, plain letters and digits, at least 64
// bits of it; count is 1 for the first request with this nonce and rises by one with each. What it
// returns is secret: it goes to the server that asked and nowhere else.
func (c Challenge) Authorize(login protocol.Login, method, uri, cnonce string, count int) string {
	if !c.Digest {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(login.User+":"+login.Password))
	}
	if c.hash == nil { // not from Parse
		return ""
	}
	key := c.hash(login.User + ":" + c.Realm + ":" + login.Password)
	if c.session {
		key = c.hash(key + ":" + c.nonce + ":" + cnonce)
	}
	request := c.hash(method + ":" + uri)
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username=%s, realm=%s, nonce=%s, uri=%s`,
		quote(login.User), quote(c.Realm), quote(c.nonce), quote(uri))
	if c.qop {
		nc := fmt.Sprintf("%08x", uint32(count)) // eight digits, RFC 7616 section 3.4
		fmt.Fprintf(&b, `, response="%s", qop=auth, nc=%s, cnonce=%s`,
			c.hash(key+":"+c.nonce+":"+nc+":"+cnonce+":auth:"+request), nc, quote(cnonce))
	} else {
		fmt.Fprintf(&b, `, response="%s"`, c.hash(key+":"+c.nonce+":"+request))
	}
	if c.algorithm != "" {
		b.WriteString(", algorithm=" + c.algorithm)
	}
	if c.opaque != "" {
		b.WriteString(", opaque=" + quote(c.opaque))
	}
	return b.String()
}

// quote writes a quoted string. A byte that would end the line is left out; a login that holds one
// could not have been set at a camera.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch {
		case s[i] == '"' || s[i] == '\\':
			b.WriteByte('\\')
		case s[i] < ' ' || s[i] == 0x7f:
			continue
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}
