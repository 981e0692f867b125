package password

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// small hashes are quick: tests do not wait for good ones.
const small = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"

func TestAHashIsThatOfItsPasswordAlone(t *testing.T) {
	hash, err := Hash("correct horse")
	if err != nil || Usable(hash) != nil || Weak(hash) != "" {
		t.Fatal(hash, err, Usable(hash), Weak(hash))
	}
	if !Verify(hash, "correct horse") {
		t.Error("the password itself is refused")
	}
	other, _ := Hash("correct horse")
	if other == hash {
		t.Error("two hashes of one password are the same: no salt")
	}
	for _, wrong := range []string{"", "correct hors", "correct horse ", "Correct horse", hash} {
		if Verify(hash, wrong) {
			t.Errorf("%q is taken", wrong)
		}
	}
}

func TestBcryptIsUnderstood(t *testing.T) {
	b, _ := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	hash := string(b)
	if !Verify(hash, "correct horse") || Verify(hash, "correct hors") || Usable(hash) != nil {
		t.Error(hash)
	}
	if why := Weak(hash); !strings.Contains(why, "bcrypt cost 4") {
		t.Error(why)
	}
	// Made by htpasswd -nbBC 10.
	apache := "$2y$10$" + hash[7:]
	if Usable(apache) != nil || Weak(apache) != "" {
		t.Error(apache, Usable(apache))
	}
}

func TestWhatIsNoHashIsRefusedAndNeverTold(t *testing.T) {
	key := strings.Repeat("A", 43)
	for _, c := range []struct{ hash, says string }{
		{"", "no hash"}, {"secret", "no hash"}, {"$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + key, "no hash"},
		{"$argon2id$v=16$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + key, "version 19"},
		{"$argon2id$v=19$m=4194304,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + key, "more or less"},
		{"$argon2id$v=19$m=64,t=0,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + key, "more or less"},
		{"$argon2id$v=19$m=64,t=999,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + key, "more or less"},
		{"$argon2id$v=19$m=64,t=1,p=200$MDEyMzQ1Njc4OWFiY2RlZg$" + key, "more or less"},
		{"$argon2id$v=19$m=64,t=1,p=0$MDEyMzQ1Njc4OWFiY2RlZg$" + key, "more or less"},
		{"$argon2id$v=19$t=1,m=64,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + key, "no hash"},
		{"$argon2id$v=19$m=-64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + key, "no hash"},
		{"$argon2id$v=19$m=64,t=1,p=1$MDEy$" + key, "no salt"}, {small + "AAAA", "no key"}, {small + "****", "no key"},
		{"$2b$31$" + strings.Repeat("a", 53), "cost of 31"}, {"$2b$10$short", "no whole bcrypt"}, {"$2b$", "no whole bcrypt"},
	} {
		err := Usable(c.hash)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, wanted %q", c.hash, err, c.says)
		}
		if err != nil && len(c.hash) > 4 && strings.Contains(err.Error(), c.hash) {
			t.Errorf("the error tells %s", c.hash)
		}
		if Verify(c.hash, "secret") || Verify(c.hash, "") {
			t.Errorf("%s lets somebody in", c.hash)
		}
	}
}

func TestWeakFollowsTheTable(t *testing.T) {
	key := "$MDEyMzQ1Njc4OWFiY2RlZg$" + strings.Repeat("A", 43)
	for cost, weak := range map[string]bool{"m=19456,t=2,p=1": false, "m=19456,t=1,p=1": true, "m=47104,t=1,p=1": false,
		"m=7168,t=5,p=1": false, "m=7167,t=5,p=1": true, "m=4096,t=16,p=1": true, "m=65536,t=3,p=4": false} {
		if got := Weak("$argon2id$v=19$" + cost + key); (got != "") != weak {
			t.Errorf("%s: %q", cost, got)
		}
	}
	if why := Weak("$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc$" + strings.Repeat("A", 43)); !strings.Contains(why, "salt of 8") {
		t.Error(why)
	}
}

func TestPasswordsAreBounded(t *testing.T) {
	for _, bad := range []string{"", "short", strings.Repeat("x", MaxPassword+1)} {
		if _, err := Hash(bad); err == nil || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	long := strings.Repeat("x", MaxPassword)
	hash, err := Hash(long)
	if err != nil || !Verify(hash, long) || Verify(hash, long+"x") {
		t.Error("the longest password")
	}
}

// TestAnUnknownUserTakesAsMuchWork: whoever asks must not learn from the time which users there are. The
// memory that is filled is the work; a clock would measure the machine's other business too.
func TestAnUnknownUserTakesAsMuchWork(t *testing.T) {
	hash, _ := Hash("correct horse")
	work := func(hash string) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Verify(hash, "wrong horse")
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	known, unknown, rubbish := work(hash), work(""), work("$2b$31$rubbish")
	if known < 19<<20 || unknown < 0.95*known || unknown > 1.05*known || rubbish < 0.95*known {
		t.Errorf("a known user fills %.0f bytes, an unknown one %.0f, rubbish %.0f", known, unknown, rubbish)
	}
	if a, err := parse(hash); err != nil || a.cost != decoy.cost || len(a.key) != len(decoy.key) {
		t.Error("the decoy is not as what Hash makes")
	}
}

func FuzzUsable(f *testing.F) {
	for _, s := range []string{"", small + "AAAAAAAAAAAAAAAAAAAAAA", "$2b$10$" + strings.Repeat("a", 53), "$argon2id$v=19$m=,t=,p=$$", "$$$$$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, hash string) {
		err := Usable(hash)
		if why := Weak(hash); err != nil && !isBcrypt(hash) && why != "" {
			t.Errorf("%q is weak and no hash", hash)
		}
		if a, e := parse(hash); e == nil && (a.memory > mostMemory || a.passes > mostPasses || a.lanes > mostLanes) {
			t.Errorf("%q asks for %+v", hash, a.cost)
		}
	})
}
