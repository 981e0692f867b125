package device

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

var kinds = []string{"token", "basic", "digest", "digest-sha256"}

func TestEveryKindOfLoginTellsTheSame(t *testing.T) {
	for _, auth := range append(kinds, "none") {
		for _, off := range []time.Duration{0, 2 * time.Hour, -2 * time.Hour, -30 * 365 * 24 * time.Hour} {
			c := &camera{auth: auth, off: off, media2: true}
			o := c.start(t, right)
			a := Ask(t.Context(), o)
			login, id := protocol.LoginGood, right.ID
			if auth == "none" {
				login, id = protocol.LoginNone, ""
			}
			if a.Login != login || a.LoginID != id || len(a.Refused) > 0 || a.Problem != "" || c.bad > 0 {
				t.Errorf("%s: %+v, %d bad", auth, a, c.bad)
			}
			if (a.ClockOffset - off).Abs() > time.Second {
				t.Errorf("%s: offset %v, want %v", auth, a.ClockOffset, off)
			}
			if a.Manufacturer+a.Model+a.Firmware+a.Serial+a.Name+strings.Join(a.MACs, "") != "AcmeEye1.2S1Front door02:00:00:00:00:05" ||
				!a.ONVIF || !a.Media || !a.Video || a.XAddr != o.XAddrs[0] {
				t.Errorf("%s: %+v", auth, a)
			}
			if len(a.Streams) != 2 {
				t.Fatalf("%s: %+v", auth, a.Streams)
			}
			s := a.Streams[0] // the larger one; its rate is told by media alone, its codec by media2
			if s.Profile != "p1" || s.Codec != "H265" || s.Width != 2560 || s.Height != 1440 || s.FPS != 12 ||
				!strings.HasPrefix(s.URL, "rtsp://127.0.0.1:8554/live?channel=1&subtype=") {
				t.Errorf("%s: %+v", auth, s)
			}
			noSecret(t, a)
		}
	}
}

func TestARefusedLoginIsSentOnce(t *testing.T) {
	for _, auth := range kinds {
		for name, logins := range map[string][]protocol.Login{
			"alone":            {wrong(1)},
			"before the right": {wrong(1), right},
			"two":              {wrong(1), wrong(2), right},
			"many":             {wrong(1), wrong(2), wrong(3), wrong(4), right},
		} {
			c := &camera{auth: auth}
			a := Ask(t.Context(), c.start(t, logins...))
			for _, n := range c.tries {
				if n > 1 {
					t.Errorf("%s %s: tries %v", auth, name, c.tries)
				}
			}
			bad := len(logins)
			want := protocol.LoginWrong
			if bad > 1 && bad <= mostRefused {
				bad, want = bad-1, protocol.LoginGood
			}
			bad = min(bad, mostRefused)
			if a.Login != want || len(a.Refused) != bad || len(c.tries) != bad || a.Video != (want == protocol.LoginGood) {
				t.Errorf("%s %s: %+v, tries %v", auth, name, a, c.tries)
			}
			if (a.Problem == "") == (want == protocol.LoginWrong) {
				t.Errorf("%s %s: problem %q", auth, name, a.Problem)
			}
			noSecret(t, a)
		}
	}
}

func TestWithoutALoginNothingIsTried(t *testing.T) {
	for _, auth := range kinds {
		c := &camera{auth: auth, open: []string{"GetServices"}}
		a := Ask(t.Context(), c.start(t))
		if a.Login != protocol.LoginMissing || !a.ONVIF || !a.Media || a.Video || c.bad > 0 || len(c.tries) > 0 || len(c.asked) > 6 || a.Problem == "" {
			t.Errorf("%s: %+v, asked %v", auth, a, c.asked)
		}
	}
}

func TestALockStopsEverything(t *testing.T) {
	for _, auth := range kinds {
		c := &camera{auth: auth, lockAfter: 2}
		o := c.start(t, wrong(1), wrong(2), right)
		a := Ask(t.Context(), o)
		if a.Login != protocol.LoginLocked || len(a.Refused) != 1 || c.tries[right.Password] > 0 || len(c.tries) != 2 {
			t.Errorf("%s: %+v, tries %v", auth, a, c.tries)
		}
		asked := len(c.asked)
		o.Logins = []protocol.Login{right}
		if a = Ask(t.Context(), o); a.Login != protocol.LoginLocked || len(a.Refused) != 0 || a.Problem == "" || len(c.asked) > asked+3 {
			t.Errorf("%s: %+v, asked %v", auth, a, c.asked[asked:])
		}
	}
}

// refusing is a camera that answers every login in one way.
func refusing(reply func(w http.ResponseWriter, login bool)) *camera {
	return &camera{auth: "digest", quirk: func(w http.ResponseWriter, r *http.Request, op string) bool {
		if op == "GetSystemDateAndTime" {
			return false
		}
		given := r.Header.Get("Authorization") != ""
		if !given {
			w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n"`)
		}
		reply(w, given)
		return true
	}}
}

func TestRefusalsOfEveryKindAreUnderstood(t *testing.T) {
	for name, c := range map[string]struct {
		reply   func(w http.ResponseWriter, login bool)
		want    protocol.LoginState
		refused int
	}{
		"423": {func(w http.ResponseWriter, login bool) { w.WriteHeader(map[bool]int{true: 423, false: 401}[login]) }, protocol.LoginLocked, 0},
		"429": {func(w http.ResponseWriter, login bool) { w.WriteHeader(map[bool]int{true: 429, false: 401}[login]) }, protocol.LoginLocked, 0},
		"403": {func(w http.ResponseWriter, login bool) { w.WriteHeader(map[bool]int{true: 403, false: 401}[login]) }, protocol.LoginWrong, 1},
		"locked in other words": {func(w http.ResponseWriter, login bool) {
			http.Error(w, map[bool]string{true: "<userCheck><lockStatus>lock</lockStatus></userCheck>", false: "<lockStatus>unlock</lockStatus>"}[login], http.StatusUnauthorized)
		}, protocol.LoginLocked, 0},
		"few tries left": {func(w http.ResponseWriter, _ bool) {
			fault(w, http.StatusUnauthorized, "NotAuthorized", "Invalid username or password! You still have 3 attempt(s).")
		}, protocol.LoginWrong, 1},
		"200 and a fault": {func(w http.ResponseWriter, login bool) {
			if !login {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fault(w, http.StatusOK, "NotAuthorized", "no")
		}, protocol.LoginWrong, 2},
		"500 and a fault": {func(w http.ResponseWriter, login bool) {
			fault(w, map[bool]int{true: 500, false: 401}[login], "NotAuthorized", "no")
		}, protocol.LoginWrong, 2},
		"prohibited": {func(w http.ResponseWriter, login bool) {
			fault(w, map[bool]int{true: 500, false: 401}[login], "OperationProhibited", "no")
		}, protocol.LoginWrong, 1},
		"stale for ever": {func(w http.ResponseWriter, login bool) {
			w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="m", stale=true`)
			w.WriteHeader(http.StatusUnauthorized)
		}, protocol.LoginWrong, 2},
	} {
		a := Ask(t.Context(), refusing(c.reply).start(t, wrong(1), wrong(2)))
		if a.Login != c.want || len(a.Refused) != c.refused || a.Problem == "" {
			t.Errorf("%s: %+v", name, a)
		}
		noSecret(t, a)
	}
}

func TestAnOutdatedNonceIsNoBadLogin(t *testing.T) {
	for _, life := range []int{1, 2, 3} {
		for _, silent := range []bool{false, true} {
			c := &camera{auth: "digest", nonceLife: life, silent: silent}
			a := Ask(t.Context(), c.start(t, right))
			if a.Login != protocol.LoginGood || len(a.Refused) > 0 || !a.Video || a.Name == "" || a.Problem != "" || c.bad > 0 || c.outdated != 1 {
				t.Errorf("life %d, silent %v: %+v, tries %v, %d outdated", life, silent, a, c.tries, c.outdated)
			}
		}
	}
}

func TestAGoodLoginThatIsRefusedLaterStopsTheInterview(t *testing.T) {
	n := 0
	c := &camera{auth: "token", quirk: func(w http.ResponseWriter, _ *http.Request, op string) bool {
		if op != "GetProfiles" {
			return false
		}
		n++
		fault(w, http.StatusBadRequest, "NotAuthorized", "no")
		return true
	}}
	a := Ask(t.Context(), c.start(t, right, wrong(1)))
	if a.Login != protocol.LoginGood || a.LoginID != right.ID || len(a.Refused) > 0 || n != 1 || a.Problem == "" || a.Serial != "S1" {
		t.Errorf("%+v, %d times", a, n)
	}
}

func TestAServiceInAnotherRealmGetsItsOwnAnswer(t *testing.T) {
	other := &camera{auth: "digest", nonce: 77}
	elsewhere := other.serve(t)
	c := &camera{auth: "digest", host: strings.TrimPrefix(elsewhere.URL, "http://")}
	a := Ask(t.Context(), c.start(t, right))
	if a.Login != protocol.LoginGood || !a.Video || len(a.Refused) > 0 || c.bad+other.bad > 0 || !slices.Contains(other.asked, "GetProfiles") {
		t.Errorf("%+v; asked %v, %v", a, c.asked, other.asked)
	}
}

func TestACameraThatHidesItsClockIsAskedByItsHeaders(t *testing.T) {
	off := -3 * time.Hour
	for _, auth := range kinds {
		c := &camera{auth: auth, off: off, shut: true}
		c.quirk = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			return false
		}
		a := Ask(t.Context(), c.start(t, right))
		if !a.ONVIF || !a.Video || a.Login != protocol.LoginGood || (a.ClockOffset-off).Abs() > time.Second || c.bad > 0 {
			t.Errorf("%s: %+v, tries %v", auth, a, c.tries)
		}
	}
}

func TestBasicGoesToTheLocalNetworkAloneAndNeverOverTLS(t *testing.T) {
	c := &camera{auth: "basic"}
	c.serve(t)
	s := httptest.NewTLSServer(c)
	t.Cleanup(s.Close)
	a := Ask(t.Context(), order(t, s.URL, right))
	if a.Login != protocol.LoginMissing || len(a.Refused) > 0 || !a.ONVIF || !strings.Contains(a.Problem, "in clear") {
		t.Errorf("%+v", a)
	}
	c.auth = "digest"
	if a := Ask(t.Context(), order(t, s.URL, right)); a.Login != protocol.LoginGood || a.Serial != "S1" || !strings.HasPrefix(a.XAddr, "https://") {
		t.Errorf("%+v", a)
	}
}

func TestADigestIsTakenBeforeAPasswordInClear(t *testing.T) {
	// It asks for Basic, and says in ONVIF's words that it would take a token.
	c := &camera{auth: "token"}
	c.quirk = func(w http.ResponseWriter, r *http.Request, op string) bool {
		if r.Header.Get("Authorization") != "" {
			c.tries["in clear"]++
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
		return false
	}
	if a := Ask(t.Context(), c.start(t, right)); a.Login != protocol.LoginGood || len(c.tries) > 0 {
		t.Errorf("%+v, %v", a, c.tries)
	}
}

func TestALoginThatCannotBeSentIsNoTry(t *testing.T) {
	for _, auth := range []string{"digest", "basic"} {
		c := &camera{auth: auth}
		tabbed := protocol.Login{ID: "line 8", User: "admin", Password: "a\tb"}
		if a := Ask(t.Context(), c.start(t, tabbed, right)); a.Login != protocol.LoginGood || len(a.Refused) > 0 || c.bad > 0 {
			t.Errorf("%s: %+v, tries %v", auth, a, c.tries)
		}
		c = &camera{auth: auth}
		if a := Ask(t.Context(), c.start(t, tabbed)); a.Login != protocol.LoginMissing || len(a.Refused) > 0 || len(c.tries) > 0 ||
			!strings.Contains(a.Problem, "no login is left") {
			t.Errorf("%s: %+v, tries %v", auth, a, c.tries)
		}
	}
}

func TestAnUnknownWayToLogInIsNotGuessed(t *testing.T) {
	c := refusing(func(w http.ResponseWriter, _ bool) {
		w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", algorithm=SHA3-256`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	if a := Ask(t.Context(), c.start(t, right)); a.Login != protocol.LoginMissing || len(a.Refused) > 0 || !strings.Contains(a.Problem, "do not know") {
		t.Errorf("%+v", a)
	}
}
