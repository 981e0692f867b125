package web

import (
	"fmt"
	"math"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/protocol"
	"wildfire-watch/web/auth"
	"wildfire-watch/web/static"
)

// visitor is who has sent a request. The zero value is nobody.
type visitor struct {
	Name    string // empty: this machine's own page, without a login
	Role    auth.Role
	Source  string    // "page", "api", "terminal"
	user    auth.User // who came with a password, in a session or not
	session *auth.Session
	token   string
}

// by is how an event names the visitor.
func (v visitor) by() string {
	if v.Name == "" {
		return v.Source + ": this machine"
	}
	return v.Source + ": " + v.Name
}

// denial is why a request is not served.
type denial struct {
	code   int
	reason string // short and stable, as it is counted
	say    string
	do     string
	wait   time.Duration // try again after
	// login says that it was refused, to whom if it is one of ours.
	login bool
	user  string
}

// guarded lets through to a route who may use it.
func (p *Page) guarded(r route) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		p.secureHeaders(w)
		v, d := p.admit(r, req)
		if d == nil && req.Method == http.MethodPost {
			req.Body = http.MaxBytesReader(w, req.Body, maxBody)
		}
		if d != nil {
			p.deny(w, req, r, v, *d)
			return
		}
		r.serve(p, w, req, v)
	}
}

func (p *Page) secureHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", static.Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}

// admit says who it is and whether they may. What a browser was made to send by another site is refused
// before any password is looked at.
func (p *Page) admit(r route, req *http.Request) (v visitor, d *denial) {
	if d := p.foreign(r, req); d != nil {
		return v, d
	}
	if r.method == http.MethodPost {
		if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			return v, &denial{code: http.StatusUnsupportedMediaType, reason: "type", say: "the body is not JSON",
				do: "send Content-Type: application/json"}
		}
	}
	if r.role == "" {
		return v, nil
	}
	if v, d = p.who(req); d != nil {
		return v, d
	}
	if !v.Role.May(r.role) {
		return v, &denial{code: http.StatusForbidden, reason: "role", say: fmt.Sprintf("this needs the role %s, yours is %s", r.role, v.Role),
			do: "ask an operator; the stop button at the pump needs no role"}
	}
	if v.session != nil && r.method != http.MethodGet && !v.session.Proves(req.Header.Get("X-CSRF-Token")) {
		return v, &denial{code: http.StatusForbidden, reason: "csrf", say: "the token X-CSRF-Token is missing or not this session's",
			do: "send csrf of /api/session in this header"}
	}
	return v, nil
}

var crossOrigin = http.NewCrossOriginProtection()

// foreign says whether another site is behind the request.
func (p *Page) foreign(r route, req *http.Request) *denial {
	if _, bySocket := req.Context().Value(peerKey{}).(peer); bySocket {
		return nil
	}
	// Without passwords the name is all that tells a page of ours from one whose name server points here.
	if p.local() && !localName(req.Host) {
		return &denial{code: http.StatusMisdirectedRequest, reason: "host", say: "this machine is asked by a name that is not its own here",
			do: "use http://localhost or http://127.0.0.1"}
	}
	err := crossOrigin.Check(req)
	site := req.Header.Get("Sec-Fetch-Site")
	reads := r.role != "" && req.Header.Get("Sec-Fetch-Mode") != "navigate" && (site == "cross-site" || site == "same-site")
	if err != nil || reads {
		return &denial{code: http.StatusForbidden, reason: "origin", say: "the request comes from a page of another site",
			do: "use the page of this machine"}
	}
	return nil
}

// localName says whether a Host header names this machine to itself.
func localName(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

// who tells a visitor by the socket's peer, the session or the password of the request.
func (p *Page) who(req *http.Request) (v visitor, d *denial) {
	if at, bySocket := req.Context().Value(peerKey{}).(peer); bySocket {
		if !at.trusted() {
			return v, &denial{code: http.StatusForbidden, reason: "peer", say: "user " + at.name() + " may not use this socket",
				do: "be root or a member of the service's group"}
		}
		return visitor{Name: at.name(), Role: auth.Operator, Source: "terminal"}, nil
	}
	if p.local() {
		return visitor{Role: auth.Operator, Source: "page"}, nil
	}
	now := time.Now()
	if c, err := req.Cookie(p.cookie()); err == nil {
		if s, ok := p.find(c.Value, now); ok {
			return visitor{s.User.Name, s.User.Role, "page", s.User, &s, c.Value}, nil
		}
	}
	name, password, given := req.BasicAuth()
	if !given {
		return v, &denial{code: http.StatusUnauthorized, say: "nobody has logged in", do: "log in with /api/login, or send Basic authentication"}
	}
	u, d := p.enter(req, name, password)
	return visitor{Name: u.Name, Role: u.Role, Source: "api", user: u}, d
}

// enter looks at a name and a password.
func (p *Page) enter(req *http.Request, name, password string) (auth.User, *denial) {
	u, ok, wait := p.door.Enter(req.Context(), addressOf(req.RemoteAddr), name, password, time.Now())
	if ok {
		return u, nil
	}
	d := &denial{code: http.StatusUnauthorized, reason: "password", say: "user or password is wrong",
		do: "try again; http.users has the users", login: true}
	if wait > 0 {
		d.code, d.reason, d.wait = http.StatusTooManyRequests, "guessing", wait
		d.say, d.do = "too many wrong passwords from this address", fmt.Sprintf("wait %.0f seconds", math.Ceil(wait.Seconds()))
	}
	if p.door.Names(name) { // what a stranger calls himself may be a password
		d.user = name
	}
	return u, d
}

// cookie is the session's. With TLS its name keeps others on this host from setting it.
func (p *Page) cookie() string {
	if p.secure {
		return "__Host-wildfire-watch"
	}
	return "wildfire-watch"
}

// deny answers why not, and has it recorded.
func (p *Page) deny(w http.ResponseWriter, req *http.Request, r route, v visitor, d denial) {
	if d.reason != "" { // to come without a login is how every visit begins
		p.recordDenial(req, d)
	}
	if r.orders && v.Role != "" {
		p.refusedOrder(v, "", d.reason)
	}
	// A browser would ask with a window of its own; its page has a better one.
	if d.code == http.StatusUnauthorized && req.Header.Get("Sec-Fetch-Mode") == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="Wildfire Watch", charset="UTF-8"`)
	}
	if d.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.wait.Seconds()))))
	}
	refuse(w, d.code, d.say, d.do)
}

// record has a refusal counted, and at a bounded rate logged with the address it came from.
func (p *Page) record(req *http.Request, reason string) { p.recordDenial(req, denial{reason: reason}) }

func (p *Page) recordDenial(req *http.Request, d denial) {
	said := protocol.Rejected{Source: "http", Reason: d.reason, User: d.user}
	if d.login {
		said.Login = addressOf(req.RemoteAddr).String()
	}
	p.source.Publish(said)
	if p.noise.may(&p.noise.logged) {
		p.log.Warn("refused", zap.String("reason", d.reason), zap.Stringer("from", addressOf(req.RemoteAddr)),
			zap.String("path", req.URL.Path[:min(len(req.URL.Path), 64)]))
	}
}

// refusedOrder is the event of an order that never reached the pump, at a bounded rate: it must not push
// out of the history what matters more.
func (p *Page) refusedOrder(v visitor, command, reason string) {
	if !p.noise.may(&p.noise.told) {
		return
	}
	details := map[string]any{"source": v.Source, "by": v.by()}
	if command != "" {
		details["command"] = command
	}
	p.source.Publish(protocol.Occurred{Action: protocol.CommandRefused, Reason: reason, Details: details, At: time.Now()})
}

// noise keeps repeated refusals from filling log and history: one a second of each. The zero value is ready.
type noise struct {
	mu           sync.Mutex
	logged, told time.Time
}

func (n *noise) may(last *time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if now.Sub(*last) < time.Second {
		return false
	}
	*last = now
	return true
}
