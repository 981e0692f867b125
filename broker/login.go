package broker

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"strings"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"wildfire-watch/protocol/access"
	"wildfire-watch/protocol/password"
)

// login decides who comes in. A password is looked at one at a time and at a bounded rate, so that nobody
// can make the machine busy with it; one that was right is known again, for as long as the process
// lives, by a keyed digest, and costs nothing any more.
type login struct {
	mqtt.HookBase
	rights   *rights
	refuse   func(refusal)
	clients  *mqtt.Clients
	busy     chan struct{}
	attempts paces[string]
	all      paces[struct{}]
	suspects paces[struct{}]
	secret   [32]byte
	mu       sync.Mutex             // guards what follows
	users    map[string]access.User // replaced as a whole, never written to
	known    map[string][sha256.Size]byte
}

func newLogin(users []access.User, r *rights, clients *mqtt.Clients, refuse func(refusal)) *login {
	l := &login{rights: r, refuse: refuse, clients: clients,
		busy: make(chan struct{}, 1), attempts: paces[string]{most: maxAddresses},
		all: paces[struct{}]{most: 1}, suspects: paces[struct{}]{most: 1}, known: make(map[string][sha256.Size]byte)}
	l.change(users)
	_, _ = rand.Read(l.secret[:]) // never fails: crypto/rand ends the process instead
	return l
}

// ID names the hook.
func (*login) ID() string { return "login" }

// Provides tells the library what to ask.
func (*login) Provides(b byte) bool { return b == mqtt.OnConnectAuthenticate || b == mqtt.OnWill }

// OnConnectAuthenticate lets a client in or not. The client's id becomes one of its user's own: nobody
// takes over a connection, or a session, of another.
func (l *login) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	g := guestOf(cl)
	if g == nil {
		return false
	}
	if g.own {
		return true
	}
	who, why := l.who(g, cl, pk)
	stranger := why != ""
	if !stranger {
		cl.ID = who.user + "/" + cl.ID
		why = l.session(cl, who)
	}
	if why == "" && !g.door.welcome(g, who.user, who.all) {
		why = "connections of one user"
	}
	if why != "" {
		l.refuse(refusal{reason: why, user: who.user, address: g.address, login: stranger})
		return false
	}
	g.who.Store(&who)
	if !l.still(&who) { // the users have changed meanwhile
		g.who.Store(nil)
		return false
	}
	l.will(g, &who, cl)
	return true
}

// who finds out who a client is. With a reason it is nobody; a user's name is told if it is one of ours.
func (l *login) who(g *guest, cl *mqtt.Client, pk packets.Packet) (who identity, why string) {
	name := string(pk.Connect.Username)
	users := l.now()
	user, known := users[name]
	if known {
		who.user = name
	}
	if subject, ok := certificateOf(cl); ok {
		owner, known := users[subject]
		if !known || name != "" && name != subject {
			return who, "certificate"
		}
		return l.rights.identify(owner), ""
	}
	switch {
	case len(users) == 0 && g.local:
		return identity{full: true, all: true}, ""
	case !pk.Connect.UsernameFlag:
		return who, "anonymous"
	case known && l.remembers(user, pk.Connect.Password):
		return l.rights.identify(user), ""
	}
	now := time.Now()
	if !l.attempts.allow(g.address, logins, 1, now) {
		return who, "login rate"
	}
	l.busy <- struct{}{} // bounded: so many guests may wait, and each look is short
	defer func() { <-l.busy }()
	if known && l.remembers(user, pk.Connect.Password) { // another has just been right with it
		return l.rights.identify(user), ""
	}
	all, crowd := &l.all, allLogins
	if g.door.conduct.suspect(g.address, now) {
		all, crowd = &l.suspects, suspectLogins
	}
	if !all.allow(struct{}{}, crowd, 1, time.Now()) {
		return who, "login rate"
	}
	right := password.Verify(user.Hash, string(pk.Connect.Password))
	if !known || !right {
		return who, "login"
	}
	l.remember(user, pk.Connect.Password)
	return l.rights.identify(user), ""
}

// certificateOf is whose certificate a client has shown; one that our client CA has not signed ended
// the connection before.
func certificateOf(cl *mqtt.Client) (name string, ok bool) {
	t, _ := cl.Net.Conn.(*tls.Conn)
	if t == nil {
		return "", false
	}
	chains := t.ConnectionState().VerifiedChains
	if len(chains) == 0 || len(chains[0]) == 0 {
		return "", false
	}
	return chains[0][0].Subject.CommonName, true
}

// session bounds what outlives a connection: a camera keeps nothing, and all together so many.
func (l *login) session(cl *mqtt.Client, who identity) (why string) {
	if who.role == access.Camera {
		cl.Properties.Clean = true
		cl.Properties.Props.SessionExpiryInterval = 0
	}
	if _, known := l.clients.Get(cl.ID); !known && l.clients.Len() >= MaxSessions {
		return "sessions"
	}
	return ""
}

// will takes a last will away that the client could not publish itself: the library asks nobody.
func (l *login) will(g *guest, who *identity, cl *mqtt.Client) {
	w := cl.Properties.Will
	if w.Flag == 0 {
		return
	}
	if why := wellFormed(w.TopicName); why == "" && mqtt.IsValidFilter(w.TopicName, true) {
		if ok, _ := l.rights.publish(who, w.TopicName); ok {
			return
		}
	}
	cl.Properties.Will = mqtt.Will{}
	l.refuse(refusal{reason: "will", user: who.user, address: g.address})
}

// digest changes with the user's hash: a new password makes an old one unknown.
func (l *login) digest(u access.User, secret []byte) (d [sha256.Size]byte) {
	h := hmac.New(sha256.New, l.secret[:])
	h.Write([]byte(u.Name + "\x00" + u.Hash + "\x00"))
	h.Write(secret)
	copy(d[:], h.Sum(nil))
	return d
}

func (l *login) remembers(u access.User, secret []byte) bool {
	l.mu.Lock()
	known, ok := l.known[u.Name]
	l.mu.Unlock()
	d := l.digest(u, secret)
	return ok && hmac.Equal(known[:], d[:])
}

func (l *login) remember(u access.User, secret []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[strings.Clone(u.Name)] = l.digest(u, secret)
}
