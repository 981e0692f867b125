package httpauth

import (
	"fmt"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

// asked are also fuzz seeds.
var asked = []struct {
	name    string
	headers []string
	want    string // as described below; empty: none
}{
	{"gst-rtsp-server", []string{`Digest realm="IP Camera(A1)", nonce="0a1b"`}, "digest MD5 IP Camera(A1)"},
	{"gSOAP", []string{`Digest algorithm=MD5, realm="lab", qop="auth,auth-int", nonce="9f", opaque="5c"`}, "digest MD5 qop lab"},
	{"Basic first, Digest taken", []string{`Basic realm="b"`, `Digest realm="d", nonce="1"`}, "digest MD5 d"},
	{"both on one line", []string{`Basic realm="b", Digest realm="d", nonce="1", qop="auth"`}, "digest MD5 qop d"},
	{"Digest first on one line", []string{`Digest realm="d", nonce="1", Basic realm="b"`}, "digest MD5 d"},
	{"the strongest first", []string{`Digest realm="d", nonce="1", algorithm=SHA-256, qop="auth"`, `Digest realm="d", nonce="1", algorithm=MD5`},
		"digest SHA-256 qop d"},
	{"the strongest last", []string{`Basic realm="b", Digest realm="d",nonce="1"`, `Digest realm="d", nonce="1", algorithm="sha-256"`,
		`Digest realm="d", nonce="1", algorithm=SHA-512-256`}, "digest SHA-512-256 d"},
	{"two alike", []string{`Digest realm="d", nonce="1"`, `Digest realm="e", nonce="1"`}, "digest MD5 d"},
	{"an algorithm that we lack", []string{`Digest realm="d", nonce="1", algorithm=SHA3-256`, `Digest realm="d", nonce="1", algorithm=MD5`}, "digest MD5 d"},
	{"none that we know", []string{`Digest realm="y", nonce="z", algorithm=SHA3`, `Bearer realm="x"`}, ""},
	{"a session", []string{`Digest realm="d", nonce="1", algorithm=md5-SESS, qop=auth`}, "digest MD5-sess qop d"},
	{"a session without qop", []string{`Digest realm="d", nonce="1", algorithm=MD5-sess`}, ""},
	{"auth-int alone", []string{`Digest realm="d", nonce="1", qop="auth-int"`, `Basic realm="b"`}, "basic b"},
	{"no nonce", []string{`Digest realm="d"`}, ""},
	{"stale", []string{`Digest realm="d", nonce="2", stale=TRUE`}, "digest MD5 stale d"},
	{"not stale", []string{`Digest realm="d", nonce="2", stale="false"`}, "digest MD5 d"},
	{"Basic bare", []string{`Basic`}, "basic "},
	{"Basic go2rtc", []string{`Basic realm="go2rtc"`}, "basic go2rtc"},
	{"any case, odd spaces", []string{"  DIGEST  Realm = \"d\" ,NONCE=\"1\"\t, , algorithm=md5"}, "digest MD5 d"},
	{"an escaped quote", []string{`Digest realm="a \"b\" c", nonce="1"`}, `digest MD5 a "b" c`},
	{"no quotes", []string{"digest  realm = d ,nonce= 1"}, "digest MD5 d"},
	{"a semicolon between", []string{`Digest realm="d"; nonce="1"`}, "digest MD5 d"},
	{"an empty qop", []string{`Digest realm="d", nonce="1", qop=""`}, "digest MD5 d"},
	{"a comma inside quotes", []string{`Digest realm="a, Basic realm=b", nonce="1"`}, `digest MD5 a, Basic realm=b`},
	{"something else before", []string{`NTLM`, `Negotiate dG9rZW4=`, `Basic realm="b"`}, "basic b"},
	{"a token with odd bytes before", []string{`Negotiate a/b+c==, Digest realm="d", nonce="1"`}, "digest MD5 d"},
	{"a token with odd bytes behind", []string{`Basic realm="x, y=1", Digest realm="d", nonce="1", Negotiate a/b==`}, "digest MD5 d"},
	{"something else on the line", []string{`Bearer realm="x", Basic realm="b"`}, "basic b"},
	{"a quote that never ends", []string{`Digest realm="d, nonce="1`}, ""},
	{"a line break in a realm", []string{"Digest realm=\"d\r\nX: y\", nonce=\"1\""}, ""},
	{"a parameter twice", []string{`Digest realm="d", nonce="1", nonce="2"`}, ""},
	{"a long nonce", []string{`Digest realm="d", nonce="` + strings.Repeat("n", MaxValue+1) + `"`}, ""},
	{"a long line", []string{`Basic realm="` + strings.Repeat(" ", MaxHeader) + `"`}, ""},
	{"a long value, then another", []string{`Digest realm="d", nonce="` + strings.Repeat("n", MaxValue+1) + `", Basic realm="b"`}, "basic b"},
	{"a control byte", []string{"Digest realm=\"d\", nonce=\"1\x01\""}, ""},
	{"many fields", []string{`Digest realm="d", nonce="1"` + params(maxFields)}, ""},
	{"as many as may be", []string{`Digest realm="d", nonce="1"` + params(maxFields-2)}, "digest MD5 d"},
	{"many lines", append(make([]string, MaxHeaders), `Basic realm="b"`), ""},
	{"a crowd", []string{strings.Repeat(`Bearer realm="x", `, maxChallenges), `Basic realm="b"`}, ""},
	{"nonsense", []string{`,,,=="`, `"`, `=`, `Digest`, "\\"}, ""},
	{"nothing", nil, ""}, {"empty", []string{""}, ""}, {"garbage", []string{"\x00\xff=,\"\""}, ""},
}

func params(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ", p%d=1", i)
	}
	return b.String()
}

func describe(c Challenge, ok bool) string {
	switch {
	case !ok:
		return ""
	case !c.Digest:
		return "basic " + c.realm
	}
	s := "digest " + c.algorithm.name + " "
	if c.Stale {
		s += "stale "
	}
	if c.qop {
		s += "qop "
	}
	return s + c.realm
}

func TestTheChallengeToAnswerIsPicked(t *testing.T) {
	for _, c := range asked {
		if got := describe(Parse(c.headers)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNonces(t *testing.T) {
	old := choose(t, `Digest realm="r", nonce="a"`)
	for text, want := range map[string][2]bool{ // fresh, renews
		`Digest realm="r", nonce="b", stale=TRUE`:      {true, true},
		`Digest realm="r", nonce="b", stale=false`:     {false, true},
		`Digest realm="r", nonce="b"`:                  {false, true},
		`Digest realm="r", nonce="a", stale=true`:      {false, false},
		`Digest realm="r", qop=auth, nonce=a, stale=1`: {false, false},
		`Basic realm="r", stale=true`:                  {false, false},
	} {
		if c := choose(t, text); c.Fresh(old) != want[0] || c.Renews(old) != want[1] {
			t.Errorf("%s: %v %v", text, c.Fresh(old), c.Renews(old))
		}
	}
}

// FuzzChallenge: no challenge is larger than its bounds, and what is answered stands on one line and
// reads as one challenge of the same values.
func FuzzChallenge(f *testing.F) {
	for _, c := range asked {
		f.Add(strings.Join(c.headers, "\n"), "user-1", "secret-1")
	}
	f.Fuzz(func(t *testing.T, text, user, password string) {
		c, ok := Parse(strings.Split(text, "\n"))
		if ok != c.Known() {
			t.Error("a choice of nothing")
		}
		if len(c.realm) > MaxValue || len(c.nonce) > MaxValue || len(c.opaque) > MaxValue {
			t.Errorf("unbounded: %+v", c)
		}
		a, err := c.Answer(protocol.Login{User: user, Password: password}, Use{Method: "POST", URI: "/onvif/device_service", Count: 1, Salt: "c0ffee"})
		answer := a.Header()
		if (err == nil) != (answer != "") || err == nil && !ok || !plain(answer) {
			t.Errorf("answer %q %v", answer, err)
		}
		if !c.Digest || err != nil {
			return
		}
		again, ok := Parse([]string{answer})
		if !ok || again.realm != c.realm || again.nonce != c.nonce || again.opaque != c.opaque || again.algorithm != c.algorithm {
			t.Errorf("%q reads as %+v, was %+v", answer, again, c)
		}
	})
}
