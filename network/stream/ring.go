package stream

import (
	"slices"
	"strconv"

	"wildfire-watch/protocol"
)

// ring holds the logins that may be tried on one host, each once.
type ring struct {
	left     []protocol.Login
	current  protocol.Login // the one accepted, if accepted
	accepted bool
	refused  []string // IDs
	told     bool     // the host has seen a login: its own words are not repeated from then on
}

// newRing is a ring of these logins without the empty ones and without a second copy of any: the host
// would count it as a second try.
func newRing(logins ...protocol.Login) *ring {
	r := &ring{}
	for _, l := range logins {
		same := func(o protocol.Login) bool { return o.User == l.User && o.Password == l.Password }
		if (l.User != "" || l.Password != "") && !slices.ContainsFunc(r.left, same) {
			r.left = append(r.left, l)
		}
	}
	return r
}

// next is the login to tell: the accepted one, else the next that was not tried. It is tried from now on.
func (r *ring) next() (protocol.Login, bool) {
	if r.accepted {
		return r.current, true
	}
	if len(r.left) == 0 {
		return protocol.Login{}, false
	}
	l := r.left[0]
	r.left = r.left[1:]
	return l, true
}

func (r *ring) accept(l protocol.Login) { r.current, r.accepted = l, true }

// refuse remembers that the host has refused a login; one that it accepted before stays: what it
// refuses then is the stream.
func (r *ring) refuse(l protocol.Login) {
	if !r.accepted {
		r.refused = append(r.refused, l.ID)
	}
}

// state is where we stand after an outcome.
func (r *ring) state(o Outcome) protocol.LoginState {
	switch {
	case r.accepted:
		return protocol.LoginGood
	case o == Video:
		return protocol.LoginNone
	case o == Busy:
		return protocol.LoginLocked
	case len(r.refused) > 0:
		return protocol.LoginWrong
	case o == WantsLogin:
		return protocol.LoginMissing
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }
