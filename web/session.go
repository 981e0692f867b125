package web

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/web/auth"
)

// Login is who wants a session.
type Login struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// Session is who somebody is.
type Session struct {
	User string    `json:"user"` // empty: this machine needs no login
	Role auth.Role `json:"role"`
	CSRF string    `json:"csrf"` // goes into the header X-CSRF-Token of each POST; empty: none is needed
}

func (p *Page) session(w http.ResponseWriter, _ *http.Request, v visitor) {
	s := Session{User: v.Name, Role: v.Role}
	if v.session != nil {
		s.CSRF = v.session.CSRF
	}
	say(w, http.StatusOK, s)
}

// login begins a new session whatever cookie the browser has: a name that somebody has planted there
// never becomes a session.
func (p *Page) login(w http.ResponseWriter, req *http.Request, _ visitor) {
	var l Login
	if !p.take(w, req, &l) {
		return
	}
	if _, bySocket := req.Context().Value(peerKey{}).(peer); p.local() || bySocket {
		refuse(w, http.StatusBadRequest, "no login is needed here", "just ask")
		return
	}
	u, d := p.enter(req, l.User, l.Password)
	if d != nil {
		p.deny(w, req, route{}, visitor{}, *d)
		return
	}
	if old, err := req.Cookie(p.cookie()); err == nil {
		p.sessions.End(old.Value)
	}
	token, s := p.sessions.Begin(u, time.Now())
	http.SetCookie(w, p.bake(token, 0))
	p.log.Info("login", zap.String("user", u.Name), zap.Stringer("from", addressOf(req.RemoteAddr)))
	say(w, http.StatusOK, Session{u.Name, u.Role, s.CSRF})
}

func (p *Page) logout(w http.ResponseWriter, req *http.Request, v visitor) {
	var none struct{}
	if !p.take(w, req, &none) {
		return
	}
	p.sessions.End(v.token)
	http.SetCookie(w, p.bake("", -1))
	say(w, http.StatusOK, Done{true})
}

// bake makes the cookie; it goes with the browser's window.
func (p *Page) bake(token string, age int) *http.Cookie {
	return &http.Cookie{Name: p.cookie(), Value: token, Path: "/", MaxAge: age, HttpOnly: true, Secure: p.secure,
		SameSite: http.SameSiteStrictMode}
}
