package web

import (
	"time"

	"wildfire-watch/web/auth"
)

// ChangeUsers has other users from now on: http.users, read anew and without mistakes. Who was removed, or
// has another role or password, is out at once, streams included. An address that was closed for want of
// users opens with the next start; one that is open lets nobody in when there are none any more, unless
// only this machine reaches it.
func (p *Page) ChangeUsers(lines []string) {
	users, _ := auth.Read(lines)
	p.door.Change(users)
	p.sessions.Keep(p.door.Knows)
}

// local says whether whoever asks is at this machine and needs no password.
func (p *Page) local() bool { return p.near && !p.door.Guarded() }

// find is the session of a token, if its user is still what he was: one may begin while users change.
func (p *Page) find(token string, now time.Time) (auth.Session, bool) {
	s, ok := p.sessions.Find(token, now)
	return s, ok && p.door.Knows(s.User)
}

// still says whether who was let in would be so now; to follow is to use a session.
func (p *Page) still(v visitor) bool {
	switch {
	case v.Source == "terminal":
		return true
	case v.session != nil:
		_, ok := p.find(v.token, time.Now())
		return ok
	case v.user == auth.User{}:
		return p.local()
	}
	return p.door.Knows(v.user)
}
