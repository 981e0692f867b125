// Package httpauth is the codec of HTTP authentication, which RTSP shares: it reads what a server asks
// for (WWW-Authenticate) and writes the answer (Authorization), Basic (RFC 7617) and Digest (RFC 7616,
// RFC 2069 where there is no qop) with MD5, SHA-256 or SHA-512-256.
//
// It promises that a challenge is bounded in everything, that Digest is taken before Basic wherever both
// are offered, and that an answer stands on one line and never prints. It must never answer a challenge
// that it understands only in part: a wrong answer is a bad login, and bad logins lock accounts.
package httpauth

import "strings"

// Bounds on what a server may ask, in bytes and in number.
const (
	MaxHeaders    = 8    // WWW-Authenticate lines read
	MaxHeader     = 4096 // a longer line is passed over
	MaxValue      = 512  // realm, nonce, opaque or any other value
	maxChallenges = 8    // looked at, of all lines
	maxFields     = 32   // of one challenge
)

// Challenge is what a server asks for. The zero Challenge is none. It holds nothing secret.
type Challenge struct {
	Digest bool // false: Basic
	// Stale says that the login was right and only the nonce too old (RFC 7616 section 3.3).
	Stale bool

	known         bool
	realm         string // without the quotes and escapes of the header, as all values
	nonce, opaque string
	opaqueGiven   bool   // it goes back even if it is empty
	named         string // the algorithm as written, to be given back; empty: none named, which is MD5
	algorithm     *algorithm
	qop           bool // auth is offered; false: RFC 2069
}

// Known says whether there is a challenge.
func (c Challenge) Known() bool { return c.known }

// Renews says whether c comes with another nonce than old: the counting of answers begins anew. Many
// cameras take a nonce once, or for a minute, and do not say stale.
func (c Challenge) Renews(old Challenge) bool { return c.Digest && c.nonce != old.nonce }

// Fresh says whether c asks for the same login once more under a new nonce, and does not refuse it.
func (c Challenge) Fresh(old Challenge) bool { return c.Stale && c.Renews(old) }

// Parse picks the challenge to answer from the lines of WWW-Authenticate: the strongest that we can
// meet, Digest before Basic and SHA before MD5; the server's first where two are alike. Several may
// stand on one line (RFC 9110 section 11.6.1). False if there is none.
func Parse(headers []string) (best Challenge, ok bool) {
	count := 0
	for _, header := range headers[:min(len(headers), MaxHeaders)] {
		if len(header) > MaxHeader {
			continue
		}
		for scheme, fields := range challenges(header) {
			if count++; count > maxChallenges {
				return best, best.known
			}
			if c, fits := read(scheme, fields); fits && (!best.known || c.rank() > best.rank()) {
				best = c
			}
		}
	}
	return best, best.known
}

// rank orders challenges by strength; Basic is 0.
func (c Challenge) rank() int {
	if !c.Digest {
		return 0
	}
	return c.algorithm.rank()
}

// read makes a challenge of its fields; false if it is one that we cannot meet. One that says a thing
// twice is not understood.
func read(scheme string, fields []field) (c Challenge, ok bool) {
	said := make(map[string]string)
	for _, f := range fields[:min(len(fields), maxFields+1)] {
		name := strings.ToLower(f.name)
		if _, twice := said[name]; twice || len(said) == maxFields || len(f.value) > MaxValue || !plain(f.value) {
			return c, false
		}
		said[name] = f.value
	}
	switch strings.ToLower(scheme) {
	case "basic":
		return Challenge{known: true, realm: said["realm"]}, true
	case "digest":
		return digest(said)
	}
	return c, false
}

func digest(said map[string]string) (c Challenge, ok bool) {
	c = Challenge{known: true, Digest: true, Stale: strings.EqualFold(said["stale"], "true"),
		realm: said["realm"], nonce: said["nonce"], named: said["algorithm"]}
	c.opaque, c.opaqueGiven = said["opaque"]
	c.algorithm = algorithmCalled(c.named)
	offered := strings.TrimSpace(said["qop"])
	for option := range strings.SplitSeq(offered, ",") {
		c.qop = c.qop || strings.EqualFold(strings.TrimSpace(option), "auth")
	}
	if c.algorithm == nil || c.nonce == "" ||
		!c.qop && offered != "" || // auth-int alone would need the body
		!c.qop && c.algorithm.session { // its key holds our salt, which is only sent along with a qop
		return Challenge{}, false
	}
	return c, true
}
