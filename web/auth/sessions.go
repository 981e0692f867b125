package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"sync"
	"time"
)

// Sessions are the browsers that have logged in. The zero value has none. Safe for use by many at once.
type Sessions struct {
	mu  sync.Mutex
	all map[[32]byte]*Session // by the hash of their token: memory that leaks opens nothing
}

// Session is one of them.
type Session struct {
	User User // as they were when it began
	// CSRF proves that a request was made by a page of ours: only those can read it.
	CSRF string
	used time.Time
}

const (
	maxSessions = 64
	maxOfOne    = 16 // sessions of one user: nobody pushes out the others
	// IdleTime is how long a session lives unused. Used, it has no end: a panel on the wall that asks for
	// a password during a fire is a hazard.
	IdleTime = 12 * time.Hour
	// tokenBytes is the length of a token before it is written as text.
	tokenBytes = 32
)

// NewToken is a name that cannot be guessed.
func NewToken() string {
	b := make([]byte, tokenBytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Begin makes a new session, under a token that nobody has named before. The one used longest ago goes
// where there are too many.
func (s *Sessions) Begin(u User, now time.Time) (token string, begun Session) {
	token = NewToken()
	begun = Session{User: u, CSRF: NewToken(), used: now}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[[32]byte]*Session)
	}
	s.drop(func(o *Session) bool { return o.User.Name == u.Name }, maxOfOne)
	s.drop(func(*Session) bool { return true }, maxSessions)
	kept := begun
	s.all[sha256.Sum256([]byte(token))] = &kept
	return token, begun
}

// drop makes room for one more among those that are meant.
func (s *Sessions) drop(meant func(*Session) bool, most int) {
	var oldest [32]byte
	var used time.Time
	count := 0
	for key, o := range s.all {
		if !meant(o) {
			continue
		}
		if count++; count == 1 || o.used.Before(used) {
			oldest, used = key, o.used
		}
	}
	if count >= most {
		delete(s.all, oldest)
	}
}

// Find is the session of a token; it is used by that.
func (s *Sessions) Find(token string, now time.Time) (found Session, ok bool) {
	key := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.all[key]
	if o == nil {
		return found, false
	}
	if now.Sub(o.used) > IdleTime {
		delete(s.all, key)
		return found, false
	}
	o.used = now
	return *o, true
}

// End forgets a session.
func (s *Sessions) End(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, sha256.Sum256([]byte(token)))
}

// Keep ends every session but those of users that are meant.
func (s *Sessions) Keep(meant func(User) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.all, func(_ [32]byte, o *Session) bool { return !meant(o.User) })
}

// Proves says whether a request carries the session's own CSRF token.
func (s Session) Proves(token string) bool {
	return s.CSRF != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.CSRF)) == 1
}
