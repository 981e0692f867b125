package device

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/httpauth"
	"wildfire-watch/protocol/onvif"
)

// mostRefused is how many logins a device may refuse in one interview. Most devices lock after five bad
// logins, and those by RTSP count along.
const mostRefused = 3

// fewLeft ends the trying of logins when the device says that it will stand no more than this many.
const fewLeft = 3

// way is how a login is sent.
type way int

const (
	anonymous way = iota
	byHeader      // HTTP Basic or Digest
	byToken       // WS-UsernameToken
)

// session is one interview: where it stands with the device and with its login.
type session struct {
	peer
	home   *url.URL // the device service
	answer Answer

	logins []protocol.Login // not tried yet
	login  protocol.Login   // in use, if way is not anonymous
	way    way
	good   bool // login was accepted
	over   bool // nothing is to be asked any more
	timed  bool // it told its clock
	closed bool // it wants a login and we have none left

	sent   httpauth.Challenge // answered last
	realms map[string]*realm  // by host and port: a nonce is good for its maker alone
	single bool               // its nonces are not good twice: each question begins without one
}

// realm is what one host and port asks for, and how many answers it has had.
type realm struct {
	httpauth.Challenge
	count uint32
	fresh bool // not answered yet
}

func newSession(ip netip.Addr, logins []protocol.Login) *session {
	return &session{peer: newPeer(ip), logins: slices.Clone(logins), realms: make(map[string]*realm)}
}

// errOver is why nothing more is asked.
var errOver = errors.New("no more questions")

// call asks one question, with the login that the device wants. It ends: each round sends one login of
// those left, or asks for a nonce to send the same one with, or is the one retry after an outdated nonce. What goes wrong with a login
// is noted; what else goes wrong is the caller's to note, who knows whether it matters.
func (s *session) call(ctx context.Context, at *url.URL, ask onvif.Request, decode func(io.Reader) error) (r reply) {
	if s.over || ctx.Err() != nil {
		return reply{at: at, err: cmp.Or(ctx.Err(), errOver)}
	}
	for {
		prove := s.prove(at)
		if r = s.post(ctx, at, ask, prove, decode); !s.goesOn(r, prove, ask) {
			return r
		}
	}
}

// goesOn takes a reply and says whether the question is to be asked once more, now with another proof.
func (s *session) goesOn(r reply, prove proof, ask onvif.Request) bool {
	v := r.verdict()
	if fault, _ := r.fault(); v == denied && !prove.given() && fault.Kind == onvif.Prohibited {
		v = wantsLogin // some say so to strangers
	}
	switch v {
	case answered:
		if prove.given() {
			s.good = true
			s.answer.Login, s.answer.LoginID = protocol.LoginGood, s.login.ID
		}
	case locked:
		s.over = true
		s.answer.Login, s.answer.LoginID = protocol.LoginLocked, ""
		s.trouble(r.problem(ask))
	case wantsLogin:
		return s.enter(r, prove, ask)
	case denied:
		s.trouble(r.problem(ask))
		if prove.given() && !s.good {
			s.refuse()
			s.over = true
		}
	default:
		if prove.given() && !s.good && errors.Is(r.err, errElsewhere) {
			s.refuse() // it takes a login and leads away: it gets no second one, by RTSP neither
			s.over = true
			s.trouble(r.problem(ask))
		}
	}
	return false
}

// enter finds the next proof to send to a device that wants one or has refused ours.
func (s *session) enter(r reply, prove proof, ask onvif.Request) bool {
	switch {
	case s.way == byHeader && !prove.given() && r.answerable: // its first question in another realm
		s.adopt(r)
		return true
	case s.outdated(r, prove): // once, then every question gets a nonce of its own
		s.single = true
		s.adopt(r)
		return true
	case s.good:
		s.over = true
		s.trouble(r.problem(ask) + ", with the login that it took before")
		return false
	case prove.given():
		s.refuse()
		if fault, told := r.fault(); told && fault.Left >= 0 && fault.Left <= fewLeft || len(s.answer.Refused) == mostRefused {
			s.logins = nil
		}
	}
	s.way = anonymous
	if problem := s.choose(r); problem != "" {
		s.closed = true
		s.trouble(r.problem(ask) + problem)
		return false
	}
	return true
}

// outdated says that a reply refuses a nonce and not the login: it says so itself, or it comes with
// another nonce after the login was good. Many devices leave the word stale out.
func (s *session) outdated(r reply, prove proof) bool {
	return s.way == byHeader && prove.given() && r.challenge.Digest && !s.single &&
		(r.challenge.Stale || s.good && r.challenge.Renews(s.sent))
}

// noneLeft is why the trying of logins ends.
const noneLeft = ", and no login is left to try"

// choose takes the next login and the way to send it; the problem is empty if there is one.
func (s *session) choose(r reply) (problem string) {
	if s.answer.Login != protocol.LoginWrong {
		s.answer.Login = protocol.LoginMissing
	}
	if len(s.logins) == 0 {
		return noneLeft
	}
	fault, _ := r.fault()
	switch {
	case r.answerable && r.challenge.Digest:
		s.way = byHeader
	case r.answerable && fault.Kind != onvif.Refused:
		if !isLocal(s.ip) || r.at.Scheme != "http" {
			return ", and it asks for the password in clear where that is not safe"
		}
		s.way = byHeader
	case r.asks && !r.answerable:
		return ", and it asks for a login in a way that we do not know"
	default:
		s.way = byToken
		if !s.timed { // the next best that we know of its clock
			s.answer.ClockOffset = r.offset
		}
	}
	s.adopt(r)
	for len(s.logins) > 0 {
		s.login, s.logins = s.logins[0], s.logins[1:]
		if s.way == byToken || httpauth.Sendable(s.login) == nil {
			return ""
		}
	}
	s.way = anonymous
	return noneLeft
}

// adopt takes the challenge of a reply. The count goes on if the nonce is still the same.
func (s *session) adopt(r reply) {
	now := &realm{Challenge: r.challenge, fresh: true}
	if before := s.realms[r.at.Host]; before != nil && !r.challenge.Renews(before.Challenge) {
		now.count = before.count
	}
	s.realms[r.at.Host] = now
}

// refuse notes that the login in use is not to be sent again.
func (s *session) refuse() {
	s.answer.Login = protocol.LoginWrong
	s.answer.Refused = append(s.answer.Refused, s.login.ID)
}

// prove makes the proof for one request.
func (s *session) prove(at *url.URL) (p proof) {
	switch {
	case s.way == byToken:
		p.token = &onvif.Token{Login: s.login, Created: time.Now().Add(s.answer.ClockOffset)}
		_, _ = rand.Read(p.token.Nonce[:]) // never fails
	case s.way == byHeader:
		to := s.realms[at.Host]
		if to == nil || s.single && !to.fresh {
			break
		}
		var nonce [8]byte
		_, _ = rand.Read(nonce[:])
		to.count, to.fresh = to.count+1, false
		s.sent = to.Challenge
		p.header, _ = to.Answer(s.login, httpauth.Use{Method: http.MethodPost, URI: at.RequestURI(), // choose saw that it is Sendable
			Count: to.count, Salt: hex.EncodeToString(nonce[:])})
	}
	return p
}

// trouble keeps the first problem: the others follow from it.
func (s *session) trouble(problem string) {
	if s.answer.Problem == "" {
		s.answer.Problem = problem
	}
}

// done is the answer. A device that told of itself and never asked for a login wants none; a login
// that was neither accepted nor refused leaves the matter open.
func (s *session) done() Answer {
	a := s.answer
	switch {
	case a.Login == "" && (a.Model != "" || a.Video):
		a.Login = protocol.LoginNone
	case a.Login == protocol.LoginMissing && s.way != anonymous:
		a.Login = ""
	}
	return a
}
