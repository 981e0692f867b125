package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"wildfire-watch/protocol/password"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	now  = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	home = netip.MustParseAddr("192.0.2.7")
)

// cheap is a hash that costs a test little.
func cheap(word string) kept {
	salt := []byte("saltsaltsaltsalt")
	key := argon2.IDKey([]byte(word), salt, 1, 8, 1, 32)
	encode := base64.RawStdEncoding.EncodeToString
	return kept(fmt.Sprintf("$argon2id$v=19$m=8,t=1,p=1$%s$%s", encode(salt), encode(key)))
}

func door() *Door {
	return NewDoor([]User{{"anna", Operator, cheap("correct horse")}, {"ben", Viewer, cheap("battery staple")}})
}

func TestAHashThatTheCommandPrintsIsReadWithoutAWord(t *testing.T) {
	text, err := password.Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	users, mistakes := Read([]string{"anna:operator:" + text})
	if len(users) != 1 || len(mistakes) != 0 || !password.Verify(string(users[0].hash), "correct horse") {
		t.Fatalf("users %d, mistakes %v", len(users), mistakes)
	}
}

func TestWhatIsWrongWithAUserIsSaidWithoutTheHash(t *testing.T) {
	strong, _ := password.Hash("correct horse")
	weak, _ := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	fine, _ := bcrypt.GenerateFromPassword([]byte("correct horse"), 10)
	salt, key := "c2FsdHNhbHRzYWx0c2FsdA", "MDEyMzQ1Njc4OWFiY2RlZg"
	for _, c := range []struct {
		line, want string
		warning    bool
	}{
		{"", "has no name", false},
		{"an na:viewer:" + strong, "has no name", false},
		{strings.Repeat("x", 33) + ":viewer:" + strong, "has no name", false},
		{"anna", "has no role", false},
		{"anna:admin:" + strong, "has no role", false},
		{"anna:viewer:", "is no hash", false},
		{"anna:viewer:correct horse", "is no hash", false},
		{"anna:viewer:$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key, "is no hash", false},
		{"anna:viewer:$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + key, "version 19", false},
		{"anna:viewer:$argon2id$v=19$m=19456,t=2$" + salt + "$" + key, "is no hash", false},
		{"anna:viewer:$argon2id$v=19$m=0,t=2,p=1$" + salt + "$" + key, "asks for", false},
		{"anna:viewer:$argon2id$v=19$m=19456,t=2,p=1$c2Fs$" + key, "no salt", false},
		{"anna:viewer:$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$!!", "no key", false},
		{"anna:viewer:$argon2id$v=19$m=4194304,t=2,p=1$" + salt + "$" + key, "asks for more", false},
		{"anna:viewer:$2b$10$short", "no whole bcrypt", false},
		{"anna:viewer:" + strings.Replace(string(fine), "$10$", "$20$", 1), "at most 14", false},
		{"anna:viewer:$argon2id$v=19$m=4096,t=3,p=1$" + salt + "$" + key, "weak", true},
		{"anna:viewer:" + string(weak), "cost 4", true},
		{"anna:viewer:" + string(fine), "", false},
		{"anna:viewer:" + strong, "", false},
		{"anna:viewer:$argon2id$v=19$m=7168,t=5,p=1$" + salt + "$" + key, "", false},
	} {
		users, mistakes := Read([]string{c.line})
		if c.want == "" {
			if len(mistakes) != 0 || len(users) != 1 {
				t.Errorf("%s: %v", c.line, mistakes)
			}
			continue
		}
		if len(mistakes) != 1 || !strings.Contains(mistakes[0].Problem, c.want) || mistakes[0].Warning != c.warning {
			t.Errorf("%s: %+v, want %q", c.line, mistakes, c.want)
			continue
		}
		if said := fmt.Sprintf("%+v %v", mistakes, users); strings.Contains(said, salt) || strings.Contains(said, key) ||
			strings.Contains(said, string(weak)) || strings.Contains(said, "horse") {
			t.Errorf("%s: the report repeats the hash: %s", c.line, said)
		}
	}
	if _, mistakes := Read([]string{"anna:viewer:" + strong, "anna:operator:" + strong}); len(mistakes) != 1 {
		t.Errorf("the same name twice: %v", mistakes)
	}
}

func TestRoles(t *testing.T) {
	for _, c := range []struct {
		has, wants Role
		may        bool
	}{{Operator, Viewer, true}, {Operator, Operator, true}, {Viewer, Viewer, true}, {Viewer, Operator, false},
		{"", Viewer, false}, {"", "", true}, {"admin", Viewer, false}} {
		if c.has.May(c.wants) != c.may {
			t.Errorf("%q may %q: %v, want %v", c.has, c.wants, !c.may, c.may)
		}
	}
}

func TestTheDoorOpensForThePasswordAlone(t *testing.T) {
	for _, c := range []struct {
		name, password string
		ok             bool
	}{{"anna", "correct horse", true}, {"ben", "battery staple", true}, {"anna", "battery staple", false},
		{"carl", "correct horse", false}, {"", "", false}, {"anna", "", false}, {"ANNA", "correct horse", false},
		{"anna", strings.Repeat("x", password.MaxPassword+1), false}} {
		u, ok, wait := door().Enter(t.Context(), home, c.name, c.password, now)
		if ok != c.ok || wait != 0 || ok && u.Name != c.name {
			t.Errorf("%q: %v as %q, wait %v", c.name, ok, u.Name, wait)
		}
	}
	if _, ok, _ := NewDoor(nil).Enter(t.Context(), home, "", "", now); ok {
		t.Error("a door without users opens")
	}
}

func TestGuessingIsBrakedPerAddress(t *testing.T) {
	d := door()
	guess := func(from netip.Addr, password string, at time.Duration) (bool, time.Duration) {
		_, ok, wait := d.Enter(t.Context(), from, "anna", password, now.Add(at))
		return ok, wait
	}
	if ok, _ := guess(home, "correct horse", 0); !ok {
		t.Fatal("the owner does not get in")
	}
	for i := range 5 {
		if ok, wait := guess(home, "wrong", time.Second); ok || wait != 0 {
			t.Fatalf("guess %d: %v, wait %v", i, ok, wait)
		}
	}
	if _, wait := guess(home, "wrong", 2*time.Second); wait != 30*time.Second {
		t.Errorf("the sixth guess waits %v, want 30 s", wait)
	}
	// The right password is not looked at either, though it is known: a guess would be told from it.
	if ok, wait := guess(home, "correct horse", 12*time.Second); ok || wait != 20*time.Second {
		t.Errorf("during the pause: %v, wait %v", ok, wait)
	}
	if ok, _ := guess(netip.MustParseAddr("192.0.2.8"), "correct horse", 12*time.Second); !ok {
		t.Error("another address is braked too")
	}
	if ok, wait := guess(home, "correct horse", 33*time.Second); !ok || wait != 0 {
		t.Errorf("after the pause: %v, wait %v", ok, wait)
	}
	// Logins that succeed use up nothing.
	for i := range 20 {
		if ok, _ := guess(home, "correct horse", time.Hour+time.Duration(i)*6*time.Minute); !ok {
			t.Fatalf("login %d is refused", i)
		}
	}
	// An IPv6 guesser has a whole /64.
	for i := range 6 {
		_, wait := guess(netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1)), "wrong", 0)
		if (wait > 0) != (i == 5) {
			t.Errorf("guess %d from a /64 of one's own waits %v", i, wait)
		}
	}
}

func TestTheBrakeForgetsTheOldestOfTooMany(t *testing.T) {
	var b brake
	for i := range 3 * maxAddresses {
		b.try(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now.Add(time.Duration(i)))
	}
	if len(b.tried) != maxAddresses {
		t.Errorf("%d addresses are kept, want %d", len(b.tried), maxAddresses)
	}
}

func TestADoorThatIsBusyWaitsNoLongerThanTheAsker(t *testing.T) {
	d := door()
	for range atOnce {
		d.work <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok, _ := d.Enter(ctx, home, "anna", "correct horse", now); ok {
		t.Error("it opens unchecked")
	}
}

func TestAPassIsForgottenAndBounded(t *testing.T) {
	d := door()
	_, _, _ = d.Enter(t.Context(), home, "anna", "correct horse", now)
	id := d.id("anna", "correct horse")
	if _, ok := d.pass(id, now.Add(passTime-1)); !ok {
		t.Error("the pass is not there")
	}
	if _, ok := d.pass(id, now.Add(passTime)); ok {
		t.Error("the pass lives for ever")
	}
	for i := range 3 * maxPasses {
		d.remember([32]byte{byte(i), byte(i >> 8)}, pass{})
	}
	if len(d.known) > maxPasses {
		t.Errorf("%d passes, at most %d", len(d.known), maxPasses)
	}
}

func TestASessionLivesWhileItIsUsed(t *testing.T) {
	var s Sessions
	token, begun := s.Begin(User{Name: "anna", Role: Operator}, now)
	at := now
	for range 10 {
		at = at.Add(IdleTime)
		if found, ok := s.Find(token, at); !ok || found.User.Name != "anna" || found.User.Role != Operator || found.CSRF != begun.CSRF {
			t.Fatalf("at %v: %+v, %v", at.Sub(now), found, ok)
		}
	}
	if _, ok := s.Find(token, at.Add(IdleTime+1)); ok {
		t.Error("it is found after its idle time")
	}
	for _, unknown := range []string{"", "x", token[1:], NewToken()} {
		if _, ok := s.Find(unknown, now); ok {
			t.Errorf("%q is a session", unknown)
		}
	}
	token, begun = s.Begin(User{Name: "anna"}, now)
	if !begun.Proves(begun.CSRF) || begun.Proves("") || begun.Proves(token) || (Session{}).Proves("") {
		t.Error("the proof does not prove")
	}
	s.End(token)
	if _, ok := s.Find(token, now); ok {
		t.Error("it is found after its end")
	}
}

func TestSessionsAreBoundedAndNobodyPushesOutTheOthers(t *testing.T) {
	var s Sessions
	mine, _ := s.Begin(User{Name: "anna"}, now)
	for i := range 200 {
		s.Begin(User{Name: "ben"}, now.Add(time.Duration(i)))
	}
	if _, ok := s.Find(mine, now); !ok || len(s.all) != 1+maxOfOne {
		t.Errorf("found %v; %d sessions, want %d", ok, len(s.all), 1+maxOfOne)
	}
	for i := range 200 {
		s.Begin(User{Name: fmt.Sprint("user", i)}, now.Add(time.Hour+time.Duration(i)))
	}
	if len(s.all) != maxSessions {
		t.Errorf("%d sessions, want %d", len(s.all), maxSessions)
	}
}

func FuzzReadUser(f *testing.F) {
	f.Add("anna:operator:$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZg")
	f.Add("ben:viewer:$2b$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuuabcdefghijklm")
	f.Add(":::")
	f.Fuzz(func(t *testing.T, line string) {
		u, problem := readUser(line)
		if (problem == "") != (password.Usable(string(u.hash)) == nil && validName(u.Name) && u.Role.May(Viewer)) {
			t.Errorf("%q: %+v, %q", line, u, problem)
		}
	})
}
