package httpauth

import (
	"fmt"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

// challenges are also fuzz seeds.
var challenges = []struct {
	name    string
	headers []string
	want    string // as described below; empty: none
}{
	{"gst-rtsp-server", []string{`Digest realm="IP Camera(A1)", nonce="0a1b"`}, "digest MD5 IP Camera(A1)"},
	{"gSOAP", []string{`Digest algorithm=MD5, realm="lab", qop="auth,auth-int", nonce="9f", opaque="5c"`}, "digest MD5 qop lab"},
	{"Basic first, Digest taken", []string{`Basic realm="b"`, `Digest realm="d", nonce="1"`}, "digest MD5 d"},
	{"both on one line", []string{`Basic realm="b", Digest realm="d", nonce="1", qop="auth"`}, "digest MD5 qop d"},
	{"Digest first on one line", []string{`Digest realm="d", nonce="1", Basic realm="b"`}, "digest MD5 d"},
	{"the server's order", []string{`Digest realm="d", nonce="1", algorithm=SHA-256, qop="auth"`, `Digest realm="d", nonce="1", algorithm=MD5`},
		"digest SHA-256 qop d"},
	{"an algorithm that we lack", []string{`Digest realm="d", nonce="1", algorithm=SHA-512-256`, `Digest realm="d", nonce="1", algorithm=MD5`}, "digest MD5 d"},
	{"a session", []string{`Digest realm="d", nonce="1", algorithm=MD5-sess, qop=auth`}, "digest MD5 sess qop d"},
	{"a session without qop", []string{`Digest realm="d", nonce="1", algorithm=MD5-sess`}, ""},
	{"auth-int alone", []string{`Digest realm="d", nonce="1", qop="auth-int"`, `Basic realm="b"`}, "basic b"},
	{"no nonce", []string{`Digest realm="d"`}, ""},
	{"stale", []string{`Digest realm="d", nonce="2", stale=TRUE`}, "digest MD5 stale d"},
	{"not stale", []string{`Digest realm="d", nonce="2", stale="false"`}, "digest MD5 d"},
	{"Basic bare", []string{`Basic`}, "basic "},
	{"Basic go2rtc", []string{`Basic realm="go2rtc"`}, "basic go2rtc"},
	{"any case, odd spaces", []string{"  DIGEST  Realm = \"d\" ,NONCE=\"1\"\t, , algorithm=md5"}, "digest MD5 d"},
	{"an escaped quote", []string{`Digest realm="a \"b\" c", nonce="1"`}, `digest MD5 a "b" c`},
	{"a comma inside quotes", []string{`Digest realm="a, Basic realm=b", nonce="1"`}, `digest MD5 a, Basic realm=b`},
	{"something else before", []string{`NTLM`, `Negotiate dG9rZW4=`, `Basic realm="b"`}, "basic b"},
	{"something else on the line", []string{`Bearer realm="x", Basic realm="b"`}, "basic b"},
	{"a quote that never ends", []string{`Digest realm="d, nonce="1`}, ""},
	{"a line break in a realm", []string{"Digest realm=\"d\r\nX: y\", nonce=\"1\""}, ""},
	{"a parameter twice", []string{`Digest realm="d", nonce="1", nonce="2"`}, ""},
	{"a long nonce", []string{`Digest realm="d", nonce="` + strings.Repeat("n", MaxValue+1) + `"`}, ""},
	{"a long line", []string{`Basic realm="` + strings.Repeat(" ", MaxHeader) + `"`}, ""},
	{"many parameters", []string{`Digest realm="d", nonce="1"` + params(maxParams)}, ""},
	{"many lines", append(make([]string, MaxHeaders), `Basic realm="b"`), ""},
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
		return "basic " + c.Realm
	}
	s := "digest MD5 "
	if c.hash("") == sha256Hex("") {
		s = "digest SHA-256 "
	}
	for word, on := range map[string]bool{"sess ": c.session, "stale ": c.Stale} {
		if on {
			s += word
		}
	}
	if c.qop {
		s += "qop "
	}
	return s + c.Realm
}

func TestTheChallengeToAnswerIsPicked(t *testing.T) {
	for _, c := range challenges {
		if got := describe(Parse(c.headers)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// The examples of RFC 7616 section 3.9.1, RFC 2069 section 2.4 (with the erratum's response) and RFC 7617 section 2.
func TestAnswersAreThoseOfTheStandards(t *testing.T) {
	mufasa := protocol.Login{User: "Mufasa", Password: "Circle of Life"}
	rfc7616 := `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	const cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	for _, c := range []struct {
		name, header, response string
		login                  protocol.Login
	}{
		{"RFC 7616 MD5", fmt.Sprintf(rfc7616, "MD5"), "8ca523f5e9506fed4657c9700eebdbec", mufasa},
		{"RFC 7616 SHA-256", fmt.Sprintf(rfc7616, "SHA-256"), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", mufasa},
		{"RFC 2069", `Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"1949323746fe6a43ef61f9606e7febea", protocol.Login{User: "Mufasa", Password: "CircleOfLife"}},
	} {
		ch, ok := Parse([]string{c.header})
		if !ok {
			t.Errorf("%s: no challenge", c.name)
			continue
		}
		answer := ch.Authorize(c.login, "GET", "/dir/index.html", cnonce, 1)
		if !strings.Contains(answer, `response="`+c.response+`"`) {
			t.Errorf("%s: %s", c.name, answer)
		}
	}
	ch, _ := Parse([]string{`Basic realm="WallyWorld"`})
	if got := ch.Authorize(protocol.Login{User: "Aladdin", Password: "open sesame"}, "GET", "/", "", 1); got != "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" {
		t.Error(got)
	}
}

func TestAnAnswerIsWrittenWhole(t *testing.T) {
	ch, _ := Parse([]string{`Digest realm="a \"b\"", nonce="n\\1", qop=auth, opaque="o", algorithm=sha-256`})
	got := ch.Authorize(protocol.Login{User: `x"y` + "\r\n", Password: "p"}, "DESCRIBE", "rtsp://10.0.0.5/live?a=1&b=2", "c0ffee", 0x1f)
	for _, part := range []string{`Digest username="x\"y", realm="a \"b\"", nonce="n\\1", uri="rtsp://10.0.0.5/live?a=1&b=2", response="`,
		`, qop=auth, nc=0000001f, cnonce="c0ffee", algorithm=sha-256, opaque="o"`} {
		if !strings.Contains(got, part) {
			t.Errorf("%s\nlacks %s", got, part)
		}
	}
	if again := ch.Authorize(protocol.Login{User: "x", Password: "p"}, "GET", "/", "c0ffee", 2); !strings.Contains(again, "nc=00000002") {
		t.Error(again)
	}
	if got := (Challenge{Digest: true}).Authorize(protocol.Login{}, "GET", "/", "", 1); got != "" {
		t.Errorf("a challenge that nobody made is answered: %q", got)
	}
}

// A session's key is made of the nonces too (RFC 7616 section 3.4.2).
func TestASessionHasAKeyOfItsOwn(t *testing.T) {
	ch, _ := Parse([]string{`Digest realm="r", nonce="n", qop=auth, algorithm=MD5-sess`})
	want := md5Hex(md5Hex(md5Hex("u:r:p")+":n:c") + ":n:00000001:c:auth:" + md5Hex("POST:/x"))
	if got := ch.Authorize(protocol.Login{User: "u", Password: "p"}, "POST", "/x", "c", 1); !strings.Contains(got, want) {
		t.Error(got)
	}
}

func FuzzChallenge(f *testing.F) {
	for _, c := range challenges {
		f.Add(strings.Join(c.headers, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		ch, ok := Parse(strings.Split(text, "\n"))
		if !ok {
			return
		}
		if len(ch.Realm) > MaxValue || len(ch.nonce) > MaxValue || len(ch.opaque) > MaxValue {
			t.Errorf("unbounded: %+v", ch)
		}
		answer := ch.Authorize(protocol.Login{User: "user-1", Password: "secret-1"}, "POST", "/onvif/device_service", "c0ffee", 1)
		if answer == "" || strings.ContainsAny(answer, "\r\n\x00") || strings.Contains(answer, "secret-1") {
			t.Errorf("answer %q", answer)
		}
		if !ch.Digest {
			return
		}
		// What we write reads as one challenge-like list of the same values.
		again, ok := Parse([]string{strings.Replace(answer, "uri=", "x-uri=", 1)})
		if !ok || again.Realm != ch.Realm || again.nonce != ch.nonce || again.opaque != ch.opaque || again.session != ch.session {
			t.Errorf("%q reads as %+v, was %+v", answer, again, ch)
		}
	})
}

func TestANonceIsKnownAgain(t *testing.T) {
	one, _ := Parse([]string{`Digest realm="r", nonce="n", qop=auth`})
	again, _ := Parse([]string{`Digest realm="r", qop=auth, nonce=n, stale=true`})
	other, _ := Parse([]string{`Digest realm="r", nonce="m", qop=auth`})
	if !one.SameNonce(again) || one.SameNonce(other) {
		t.Error("nonces are confused")
	}
}
