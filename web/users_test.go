package web

import (
	"io"
	"testing"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/web/auth"
)

// TestUsersThatWereRemovedOrChangedAreOutAtOnce: sessions, passwords that were known, and streams.
func TestUsersThatWereRemovedOrChangedAreOutAtOnce(t *testing.T) {
	others := []string{"anna:viewer:" + cheap(password), "carl:operator:" + cheap(password)}
	for _, c := range []struct {
		what, user string
		to         []string
		stays      bool
	}{
		{"the same", "anna", users, true},
		{"one more", "anna", append([]string{others[1]}, users...), true},
		{"another role", "anna", others, false},
		{"removed", "ben", others, false},
		{"another password", "ben", []string{"ben:viewer:" + cheap("another password")}, false},
	} {
		l := usualLimits
		l.beat = time.Hour // it is not a sign of life that finds out
		p, err := open(Settings{Config: Config{Listen: "127.0.0.1:0", Users: users}}, pumping(), l)
		if err != nil {
			t.Fatal(err)
		}
		b := browser(t)
		login(t, b, p, c.user)
		known := basic(c.user, password)
		streams := []*follower{followBy(t, b, p), follow(t, p, known)}
		for _, f := range streams {
			f.next()
		}
		p.ChangeUsers(c.to)
		if !c.stays {
			for _, f := range streams {
				if _, err := io.Copy(io.Discard, f.body); err != nil {
					t.Errorf("%s: the stream has not ended: %v", c.what, err)
				}
			}
		}
		want := 401
		if c.stays {
			want = 200
		}
		if a := requestBy(t, b, "GET", p.URL()+"/api/status", ""); a.code != want {
			t.Errorf("%s: the session gets %d", c.what, a.code)
		}
		if c.what != "another role" {
			if a := get(t, p, "/api/status", known); a.code != want {
				t.Errorf("%s: the password gets %d", c.what, a.code)
			}
		} else if a := post(t, p, "/api/commands", `{"command":"stop"}`, known); a.code != 403 {
			t.Errorf("%s: an order gets %d", c.what, a.code)
		}
		for _, f := range streams {
			f.close()
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestTheFirstUserShutsThePageForWhoHasNone, and without the last it is this machine's again.
func TestTheFirstUserShutsThePageForWhoHasNone(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	f := follow(t, p)
	f.next()
	p.ChangeUsers(users)
	_, _ = io.Copy(io.Discard, f.body)
	if a := post(t, p, "/api/commands", `{"command":"stop"}`); a.code != 401 || len(sent[protocol.Command](h)) > 0 {
		t.Errorf("an order without a login: %d", a.code)
	}
	if a := post(t, p, "/api/commands", `{"command":"stop"}`, basic("anna", password)); a.code != 200 {
		t.Errorf("an order of the new user: %d %s", a.code, a.body)
	}
	p.ChangeUsers(nil)
	if a := get(t, p, "/api/status"); a.code != 200 {
		t.Errorf("this machine gets %d", a.code)
	}
	p.near = false // an address that others reach
	if a := get(t, p, "/api/status"); a.code != 401 {
		t.Errorf("without users, others get %d", a.code)
	}
}

// TestASessionThatBeginsAfterItsUserWasRemovedIsNone: the password was being looked at meanwhile.
func TestASessionThatBeginsAfterItsUserWasRemovedIsNone(t *testing.T) {
	p := serving(t, Settings{Config: Config{Users: users}}, pumping())
	before, _ := auth.Read(users)
	p.ChangeUsers(users[1:])
	for _, u := range before {
		token, _ := p.sessions.Begin(u, time.Now())
		if _, ok := p.find(token, time.Now()); ok != (u.Name == "ben") {
			t.Errorf("%s is in: %v", u.Name, ok)
		}
	}
}
