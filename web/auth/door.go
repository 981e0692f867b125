package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"slices"
	"sync"
	"time"

	"wildfire-watch/protocol/password"
)

// Door lets in who knows a password. Safe for use by many at once.
type Door struct {
	key   [32]byte      // of this process: names known passwords in memory
	work  chan struct{} // a token for each check that runs: argon2 takes memory
	brake brake
	mu    sync.Mutex // guards what follows
	users []User     // replaced as a whole, never written to
	next  chan struct{}
	known map[[32]byte]pass
}

// pass spares a program that logs in with each request (Basic) the work of a check each time.
type pass struct {
	user  User
	until time.Time
}

const (
	atOnce    = 2 // checks at the same time
	passTime  = 5 * time.Minute
	maxPasses = 64
)

// NewDoor makes a door for these users.
func NewDoor(users []User) *Door {
	d := &Door{users: users, work: make(chan struct{}, atOnce), known: make(map[[32]byte]pass),
		next: make(chan struct{})}
	_, _ = rand.Read(d.key[:]) // never fails
	return d
}

// Change gives the door other users. Who is no longer among them, or with another role or hash, gets in
// no more, with a password or on the strength of one.
func (d *Door) Change(users []User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users = users
	clear(d.known)
	close(d.next)
	d.next = make(chan struct{})
}

// Changed is closed when the users change the next time.
func (d *Door) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.next
}

func (d *Door) all() []User {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.users
}

// Guarded says whether there is anybody with a password.
func (d *Door) Guarded() bool { return len(d.all()) > 0 }

// Names says whether a user has that name.
func (d *Door) Names(name string) bool {
	return slices.ContainsFunc(d.all(), func(u User) bool { return u.Name == name })
}

// Knows says whether somebody is a user still, with the same role and the same hash.
func (d *Door) Knows(u User) bool { return slices.Contains(d.all(), u) }

// Enter checks a name and a password from an address. wait is not zero while that address is braked: the
// password was not looked at. It ends with ctx, in vain.
func (d *Door) Enter(ctx context.Context, from netip.Addr, name, word string, now time.Time) (u User, ok bool, wait time.Duration) {
	if len(name) > maxName || len(word) > password.MaxPassword || !d.Guarded() {
		name, word = "", "" // as much work as any other; it matches nobody
	}
	if wait := d.brake.paused(from, now); wait > 0 {
		return u, false, wait // before memory is asked: it would answer guesses at full speed
	}
	id := d.id(name, word)
	if u, ok := d.pass(id, now); ok {
		return u, true, 0
	}
	if wait := d.brake.try(from, now); wait > 0 {
		return u, false, wait
	}
	select {
	case d.work <- struct{}{}:
		defer func() { <-d.work }()
	case <-ctx.Done():
		return u, false, 0
	}
	if u, ok = d.check(name, word); !ok {
		return u, false, 0
	}
	d.brake.forgive(from)
	d.remember(id, pass{u, now.Add(passTime)})
	return u, true, 0
}

// check compares with the hash of that name; for a name that nobody has with the first user's, in vain.
func (d *Door) check(name, word string) (User, bool) {
	users := d.all()
	if len(users) == 0 {
		return User{}, false
	}
	found, known := users[0], false
	for _, u := range users {
		if u.Name == name {
			found, known = u, true
		}
	}
	if !password.Verify(string(found.hash), word) || !known || word == "" {
		return User{}, false
	}
	return found, true
}

// id names a pair of name and password; nobody who reads it learns either.
func (d *Door) id(name, word string) (id [32]byte) {
	m := hmac.New(sha256.New, d.key[:])
	m.Write([]byte(name + "\x00" + word))
	m.Sum(id[:0])
	return id
}

func (d *Door) pass(id [32]byte, now time.Time) (User, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.known[id]
	return p.user, ok && now.Before(p.until) && slices.Contains(d.users, p.user)
}

func (d *Door) remember(id [32]byte, p pass) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxPasses {
		clear(d.known)
	}
	d.known[id] = p
}
