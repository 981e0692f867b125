package httpauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/credentials"
)

// choose reads lines that hold a challenge.
func choose(t testing.TB, lines ...string) Challenge {
	t.Helper()
	c, ok := Parse(lines)
	if !ok {
		t.Fatalf("no challenge in %q", lines)
	}
	return c
}

// The examples of RFC 7616 section 3.9.1, RFC 2617 section 3.5, RFC 2069 section 2.4 (with the erratum's
// response), RFC 7617 section 2, and one that gst-rtsp-server accepted.
func TestAnswersAreThoseOfTheStandards(t *testing.T) {
	mufasa := func(password string) protocol.Login { return protocol.Login{User: "Mufasa", Password: password} }
	rfc7616 := `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	const salt = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	const old = `nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`
	for _, c := range []struct {
		name, challenge, method, uri, salt string
		login                              protocol.Login
		want                               string
	}{
		{"RFC 7616 MD5", fmt.Sprintf(rfc7616, "MD5"), "GET", "/dir/index.html", salt, mufasa("Circle of Life"),
			`response="8ca523f5e9506fed4657c9700eebdbec"`},
		{"RFC 7616 SHA-256", fmt.Sprintf(rfc7616, "SHA-256"), "GET", "/dir/index.html", salt, mufasa("Circle of Life"),
			`response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"`},
		{"RFC 2617", `Digest realm="testrealm@host.com", qop="auth,auth-int", ` + old, "GET", "/dir/index.html", "0a4f113b",
			mufasa("Circle Of Life"), `response="6629fae49393a05397450978507c4ef1"`},
		{"RFC 2069", `Digest realm="testrealm@host.com", ` + old, "GET", "/dir/index.html", salt, mufasa("CircleOfLife"),
			`response="1949323746fe6a43ef61f9606e7febea"`},
		{"gst", `Digest realm="IP Camera(A1)", nonce="8e4370f5e273b03e"`, "DESCRIBE", "rtsp://10.77.2.11/Streaming/Channels/101", "",
			protocol.Login{User: "admin", Password: "Lab-pass1"}, `response="a78185af26b857d3f1c72d17d0446172"`},
		{"RFC 7617", `Basic realm="WallyWorld"`, "GET", "/", "", protocol.Login{User: "Aladdin", Password: "open sesame"},
			"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
	} {
		a, err := choose(t, c.challenge).Answer(c.login, Use{Method: c.method, URI: c.uri, Count: 1, Salt: c.salt})
		if err != nil || !strings.Contains(a.Header(), c.want) {
			t.Errorf("%s: %s %v", c.name, a.Header(), err)
		}
	}
}

func TestAuthorizationsAreWrittenAsAskedFor(t *testing.T) {
	l := protocol.Login{ID: "line 3", User: `ad"min`, Password: "s3cret"}
	const begin = `Digest username="ad\"min", realm="r", nonce="n", uri="rtsp://10.0.0.5/live?a=1&b=2", response="?"`
	for text, want := range map[string]string{
		`Basic realm="x"`:                                                        `Basic YWQibWluOnMzY3JldA==`,
		`Digest realm="a\"b", nonce="n\\1"`:                                      strings.NewReplacer(`"r"`, `"a\"b"`, `"n"`, `"n\\1"`).Replace(begin),
		`Digest realm="r", nonce="n"`:                                            begin,
		`Digest realm="r", nonce="n", opaque=""`:                                 begin + `, opaque=""`,
		`Digest realm="r", nonce="n", algorithm=`:                                begin,
		`Digest realm="r", nonce="n", algorithm=MD5`:                             begin + `, algorithm=MD5`,
		`Digest realm="r", nonce="n", qop=auth`:                                  begin + `, qop=auth, nc=0000000a, cnonce="5a17"`,
		`Digest realm="r", nonce="n", qop=""`:                                    begin,
		`Digest qop=auth, algorithm=sha-256, opaque="o", nonce=n, realm=r`:       begin + `, algorithm=sha-256, opaque="o", qop=auth, nc=0000000a, cnonce="5a17"`,
		`Digest realm="r", nonce="n", algorithm="MD5-sess", qop="auth,auth-int"`: begin + `, algorithm=MD5-sess, qop=auth, nc=0000000a, cnonce="5a17"`,
	} {
		a, err := choose(t, text).Answer(l, Use{Method: "DESCRIBE", URI: "rtsp://10.0.0.5/live?a=1&b=2", Count: 10, Salt: "5a17"})
		got := a.Header()
		if before, rest, ok := strings.Cut(got, `response="`); ok {
			_, after, _ := strings.Cut(rest, `"`)
			got = before + `response="?"` + after
		}
		if err != nil || got != want {
			t.Errorf("%s: %s %v\nwant %s", text, got, err, want)
		}
	}
}

// A session's key is made of the nonces too (RFC 7616 section 3.4.2).
func TestASessionHasAKeyOfItsOwn(t *testing.T) {
	h := algorithmCalled("MD5").of
	want := h(h(h("u", "r", "p"), "n", "c"), "n", "00000001", "c", "auth", h("POST", "/x"))
	a, err := choose(t, `Digest realm="r", nonce="n", qop=auth, algorithm=MD5-sess`).
		Answer(protocol.Login{User: "u", Password: "p"}, Use{Method: "POST", URI: "/x", Salt: "c", Count: 1})
	if err != nil || !strings.Contains(a.Header(), want) {
		t.Error(a.Header(), err)
	}
}

func TestLoginsThatCannotBeSent(t *testing.T) {
	c := choose(t, `Basic realm="x"`)
	for _, l := range []protocol.Login{{User: "a:b"}, {User: "a\nb"}, {Password: "\x00"},
		{User: strings.Repeat("x", credentials.MaxUser+1)}, {Password: strings.Repeat("x", credentials.MaxPassword+1)}} {
		if a, err := c.Answer(l, Use{}); !errors.Is(err, BadLogin) || a != (Authorization{}) || !errors.Is(Sendable(l), BadLogin) {
			t.Error(err)
		}
	}
	longest := protocol.Login{User: strings.Repeat("x", credentials.MaxUser), Password: strings.Repeat("x", credentials.MaxPassword)}
	if _, err := c.Answer(longest, Use{}); err != nil || Sendable(longest) != nil {
		t.Error("what the file of logins takes cannot be sent:", err)
	}
	for _, none := range []Challenge{{}, {Digest: true}} {
		if _, err := none.Answer(protocol.Login{User: "a"}, Use{}); !errors.Is(err, BadLogin) {
			t.Errorf("a challenge that nobody made is answered: %v", err)
		}
	}
}

func TestAuthorizationsNeverPrint(t *testing.T) {
	a, err := choose(t, `Basic realm="x"`).Answer(protocol.Login{User: "admin", Password: "s3cret"}, Use{})
	if err != nil {
		t.Fatal(err)
	}
	q := struct{ Authorization Authorization }{a}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, x := range []any{a, &a, q, &q} {
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
