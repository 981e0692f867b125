package broker

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"go.uber.org/zap"

	"wildfire-watch/protocol/access"
)

// ChangeUsers has other users from now on. Whoever is connected as one that was removed, or has another
// role or password, is sent away at once, and his last will is not published; so are this machine's
// programs that have none, when there are users now. A listener with TLS that was closed for want of users
// opens with the next start.
func (b *Broker) ChangeUsers(users []access.User) {
	b.login.change(users)
	for _, g := range b.door.inside() {
		if who := g.who.Load(); who != nil && !g.own && !b.login.still(who) {
			b.log.Info("sent away: the users have changed", zap.String("user", who.user), zap.String("address", g.address))
			g.who.Store(nil) // what it has sent already goes nowhere
			_ = g.Close()
		}
	}
}

func (l *login) change(users []access.User) {
	named := make(map[string]access.User, len(users))
	for _, u := range users {
		named[u.Name] = u
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users = named
	clear(l.known)
}

// now are the users by name.
func (l *login) now() map[string]access.User {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.users
}

// still says whether somebody is who they have proved to be.
func (l *login) still(who *identity) bool {
	users := l.now()
	if who.user == "" {
		return len(users) == 0
	}
	return users[who.user] == access.User{Name: who.user, Role: who.role, Hash: who.hash}
}

// OnWill takes away the last will of one who is no user any more: it may be an order.
func (l *login) OnWill(cl *mqtt.Client, w mqtt.Will) (mqtt.Will, error) {
	if g := guestOf(cl); g != nil && !g.own {
		if who := g.who.Load(); who == nil || !l.still(who) {
			w.TopicName, w.Retain = forbidden, false
		}
	}
	return w, nil
}
