package rtsp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

func unauthorized(lines ...string) Response {
	r := Response{Status: 401}
	for _, l := range lines {
		r.lines = append(r.lines, line{"WWW-authenticate", l})
	}
	return r
}

// TestAnswersOfTheStandards: the examples of RFC 2617 §3.5 and RFC 7616 §3.9.1, whose URI is a path,
// and one that gst-rtsp-server accepted.
func TestAnswersOfTheStandards(t *testing.T) {
	mufasa := protocol.Login{ID: "m", User: "Mufasa", Password: "Circle of Life"}
	rfc2617 := protocol.Login{ID: "m", User: "Mufasa", Password: "Circle Of Life"}
	rfc7616 := ` realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	for name, c := range map[string]struct {
		challenge, method, uri, salt string
		login                        protocol.Login
		want                         string
	}{
		"RFC 2617": {`Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"GET", "/dir/index.html", "0a4f113b", rfc2617, "6629fae49393a05397450978507c4ef1"},
		"RFC 7616 MD5": {"Digest algorithm=MD5," + rfc7616, "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", mufasa,
			"8ca523f5e9506fed4657c9700eebdbec"},
		"RFC 7616 SHA-256": {"Digest algorithm=SHA-256," + rfc7616, "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", mufasa,
			"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		"gst": {`Digest realm="IP Camera(A1)", nonce="8e4370f5e273b03e"`, "DESCRIBE", "rtsp://10.77.2.11/Streaming/Channels/101", "",
			protocol.Login{ID: "c", User: "admin", Password: "Lab-pass1"}, "a78185af26b857d3f1c72d17d0446172"},
	} {
		challenge, ok := unauthorized(c.challenge).Choose()
		if !ok {
			t.Fatal(name)
		}
		a := challenge.algorithm
		key := a.of(c.login.User, challenge.realm, c.login.Password)
		if got := challenge.response(key, c.method, c.uri, "00000001", c.salt); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestChoices(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string // algorithm, Basic, or empty: none
	}{
		"none":                {nil, ""},
		"basic":               {[]string{`Basic realm="x"`}, "Basic"},
		"basic without realm": {[]string{`Basic`}, "Basic"},
		"basic first":         {[]string{`Basic realm="x"`, `Digest realm="y", nonce="z"`}, "MD5"},
		"in one line":         {[]string{`Basic realm="x, y=1", Digest realm="y", nonce="z", Negotiate abc==`}, "MD5"},
		"strongest":           {[]string{`Digest realm="y", nonce="z", algorithm=SHA-512-256`, `Digest realm="y", nonce="z", algorithm="sha-256"`, `Digest realm="y",nonce="z"`}, "SHA-512-256"},
		"session":             {[]string{`Digest realm="y", nonce="z", algorithm=md5-SESS, qop=auth`}, "MD5-sess"},
		"spaces, no quotes":   {[]string{"digest  realm = y ,nonce= z"}, "MD5"},
		"auth-int alone":      {[]string{`Digest realm="y", nonce="z", qop="auth-int"`, `Basic realm="x"`}, "Basic"},
		"unknown":             {[]string{`Digest realm="y", nonce="z", algorithm=SHA3`, `Bearer realm="x"`}, ""},
		"no nonce":            {[]string{`Digest realm="y"`}, ""},
		"too long":            {[]string{`Digest realm="y", nonce="` + strings.Repeat("z", maxField+1) + `"`}, ""},
		"control bytes":       {[]string{"Digest realm=\"y\", nonce=\"z\x01\""}, ""},
		"nonsense":            {[]string{`,,,=="`, `"`, `=`, `Digest`, "\\"}, ""},
		"a crowd":             {[]string{strings.Repeat(`Bearer realm="x", `, 20), `Basic realm="x"`}, ""},
	} {
		got, ok := unauthorized(c.lines...).Choose()
		name2 := ""
		switch {
		case got.digest:
			name2 = got.algorithm.name
		case got.Known():
			name2 = "Basic"
		}
		if name2 != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q", name, name2)
		}
	}
}

func TestNonces(t *testing.T) {
	choose := func(text string) Challenge { c, _ := unauthorized(text).Choose(); return c }
	old := choose(`Digest realm="r", nonce="a"`)
	for text, want := range map[string][2]bool{ // fresh, renews
		`Digest realm="r", nonce="b", stale=TRUE`:  {true, true},
		`Digest realm="r", nonce="b", stale=false`: {false, true},
		`Digest realm="r", nonce="b"`:              {false, true},
		`Digest realm="r", nonce="a", stale=true`:  {false, false},
		`Basic realm="r", stale=true`:              {false, false},
	} {
		if c := choose(text); c.Fresh(old) != want[0] || c.Renews(old) != want[1] {
			t.Errorf("%s: %v %v", text, c.Fresh(old), c.Renews(old))
		}
	}
}

func TestAuthorizationsAreWrittenAsAskedFor(t *testing.T) {
	u := mustURL(t, "rtsp://10.0.0.5/live")
	l := protocol.Login{ID: "line 3", User: `ad"min`, Password: "s3cret"}
	for text, want := range map[string]string{
		`Basic realm="x"`:                                 `Basic YWQibWluOnMzY3JldA==`,
		`Digest realm="a\"b", nonce="n"`:                  `Digest username="ad\"min", realm="a\"b", nonce="n", uri="rtsp://10.0.0.5/live", response="?"`,
		`Digest realm="r", nonce="n", opaque=""`:          `Digest username="ad\"min", realm="r", nonce="n", uri="rtsp://10.0.0.5/live", response="?", opaque=""`,
		`Digest realm="r", nonce="n", algorithm=MD5`:      `Digest username="ad\"min", realm="r", nonce="n", uri="rtsp://10.0.0.5/live", response="?", algorithm=MD5`,
		`Digest realm="r", nonce="n", qop=auth`:           `Digest username="ad\"min", realm="r", nonce="n", uri="rtsp://10.0.0.5/live", response="?", qop=auth, nc=0000000a, cnonce="5a17"`,
		`Digest realm="r", nonce="n", algorithm=MD5-sess`: `Digest username="ad\"min", realm="r", nonce="n", uri="rtsp://10.0.0.5/live", response="?", algorithm=MD5-sess, cnonce="5a17"`,
	} {
		c, _ := unauthorized(text).Choose()
		a, err := c.Answer(l, Use{Method: Describe, URL: u, Count: 10, Salt: "5a17"})
		got := a.value
		if before, rest, ok := strings.Cut(got, `response="`); ok {
			_, after, _ := strings.Cut(rest, `"`)
			got = before + `response="?"` + after
		}
		if err != nil || got != want {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
}

func TestLoginsThatCannotBeSent(t *testing.T) {
	c, _ := unauthorized(`Basic realm="x"`).Choose()
	for _, l := range []protocol.Login{{User: "a:b"}, {User: "a\nb"}, {Password: "\x00"}, {User: strings.Repeat("x", MaxLogin+1)}, {Password: strings.Repeat("x", MaxLogin+1)}} {
		if a, err := c.Answer(l, Use{}); !errors.Is(err, BadLogin) || a != (Authorization{}) {
			t.Error(err)
		}
	}
	if _, err := (Challenge{}).Answer(protocol.Login{User: "a"}, Use{}); !errors.Is(err, BadLogin) {
		t.Error(err)
	}
}

func TestAuthorizationsNeverPrint(t *testing.T) {
	c, _ := unauthorized(`Basic realm="x"`).Choose()
	a, err := c.Answer(protocol.Login{User: "admin", Password: "s3cret"}, Use{})
	if err != nil {
		t.Fatal(err)
	}
	q := Request{Method: Describe, Authorization: a}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, x := range []any{a, &a, q, &q, []Request{q}} {
			if s := fmt.Sprintf(verb, x); strings.Contains(s, "YWRtaW46") || strings.Contains(s, "59575274615734") {
				t.Errorf("%s prints %s", verb, s)
			}
		}
	}
	if b, err := json.Marshal(q); err != nil || strings.Contains(string(b), "YWRtaW46") {
		t.Errorf("%s %v", b, err)
	}
	if a.String() == (Authorization{}).String() {
		t.Error("some and none look alike")
	}
}

// FuzzChallenge: no header costs more than it is long, and what is answered stands on one line.
func FuzzChallenge(f *testing.F) {
	for _, s := range []string{`Basic realm="x"`, `Digest realm="a\"b", nonce="n", qop="auth,auth-int", algorithm=SHA-256, opaque="o", stale=true`,
		`Basic realm="x", Digest realm="y", nonce="z"`, `Digest realm = y ,nonce= z`, `,=",\`} {
		f.Add(s, "admin", "pass")
	}
	f.Fuzz(func(t *testing.T, text, user, password string) {
		c, ok := unauthorized(text).Choose()
		if ok != c.Known() {
			t.Error("a choice of nothing")
		}
		a, err := c.Answer(protocol.Login{User: user, Password: password}, Use{Method: Describe, URL: URL{host: "h", port: Port}, Count: 1, Salt: "00"})
		if err == nil && !plain(a.value) {
			t.Errorf("%q", a.value)
		}
		if err == nil && c.digest {
			back, ok := unauthorized(a.value).Choose()
			if !ok || back.realm != c.realm || back.nonce != c.nonce {
				t.Errorf("%q reads back as %+v", a.value, back)
			}
		}
	})
}
