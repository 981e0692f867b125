package stream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

var digest = []string{`Digest realm="IP Camera(A1)", nonce="%s"`}

var owner = protocol.Login{ID: "line 3", User: "admin", Password: "s3cret-pass"}

// said answers every request with the same text.
func said(text string) func(net.Conn) {
	return func(c net.Conn) {
		b := make([]byte, 4096)
		for {
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// endless answers with head, then with more, for ever.
func endless(head, more string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := io.WriteString(c, head); err != nil {
			return
		}
		text := strings.Repeat(more, 1+4096/len(more))
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// dripping answers a byte at a time.
func dripping(text string) func(net.Conn) {
	return func(c net.Conn) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i = (i + 1) % len(text) {
			<-tick.C
			if _, err := c.Write([]byte{text[i]}); err != nil {
				return
			}
		}
	}
}

// TestEveryKindOfHostHasItsOutcome: whatever a host does, the answer says so within the time, and holds
// no byte that does not print.
func TestEveryKindOfHostHasItsOutcome(t *testing.T) {
	const time1 = 400 * time.Millisecond
	ok := "RTSP/1.0 200 OK\r\nCSeq: 1\r\n"
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  Outcome
		in    string // the problem
		slow  bool   // may take the whole time
	}{
		"silent":           {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, Silent, "never answers", true},
		"drips":            {dripping("RTSP/1.0 200 OK\r\nServer: tar"), Drip, "too slowly", true},
		"drips R":          {dripping("R"), Strange, `not RTSP: "RR`, false},
		"ssh":              {endless("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "x"), Strange, `"SSH-2.0-OpenSSH_9.2p1 Debian-2"`, false},
		"http":             {said("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), Strange, `"HTTP/1.1 400 Bad Request"`, false},
		"echo":             {func(c net.Conn) { _, _ = io.Copy(c, c) }, Strange, "not RTSP", false},
		"binary":           {endless("\x00\x01\x02\xff\x1b[31m", "\xfe\x00"), Strange, `"\x00\x01\x02\xff\x1b[31m`, false},
		"dollars":          {endless("$\x00\xff\xff", "$\x00\xff\xff"), Strange, "not RTSP", false},
		"endless line":     {endless("RTSP/1.0 200 OK", "x"), Endless, "too long", false},
		"endless header":   {endless(ok, "X-A: b\r\n"), Endless, "too long", false},
		"endless long":     {endless(ok, "X-A: "+strings.Repeat("b", 900)+"\r\n"), Endless, "too long", false},
		"huge body":        {endless(ok+"Content-Length: 104857600\r\n\r\n", "v=0\r\n"), Endless, "too long", false},
		"negative body":    {said(ok + "Content-Length: -1\r\n\r\n"), Strange, "malformed", false},
		"two lengths":      {said(ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nv=0\r\n"), Strange, "malformed", false},
		"a body never met": {said(ok + "Content-Length: 400\r\n\r\n"), Drip, "too slowly", true},
		"interim for ever": {endless("", "RTSP/1.0 100 Continue\r\n\r\n"), Endless, "too long", false},
		"media for ever":   {endless(ok+"\r\n", "$\x00\x00\x04abcd"), Endless, "too long", true},
		"requests":         {endless(ok+"\r\n", "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"), Endless, "too long", false},
		"old answers":      {endless("", "RTSP/1.0 200 OK\r\nCSeq: 0\r\n\r\n"), NoVideo, "not SDP", false},
		"hangs up":         {func(c net.Conn) {}, Lost, "hangs up", false},
		"hangs up midway":  {func(c net.Conn) { _, _ = io.WriteString(c, ok) }, Lost, "hangs up", false},
		"no SDP":           {said("RTSP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"), NoVideo, "not SDP", false},
		"audio alone":      {said("RTSP/1.0 200 OK\r\nContent-Length: 30\r\n\r\nv=0\r\nm=audio 0 RTP/AVP 8\r\n    "), NoVideo, "no video", false},
		"404":              {said("RTSP/1.0 404 My Own Words\r\n\r\n"), NotFound, "404 not found", false},
		"453":              {said("RTSP/1.0 453 X\r\n\r\n"), Busy, "453", false},
		"503":              {said("RTSP/1.0 503 X\r\n\r\n"), Busy, "503", false},
		"500":              {said("RTSP/1.0 500 X\r\n\r\n"), Odd, "500", false},
		"599":              {said("RTSP/1.0 599 X\r\n\r\n"), Odd, "599 error of its own", false},
		"401":              {said("RTSP/1.0 401 X\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"), WantsLogin, "wants a login", false},
		"401 of no kind":   {said("RTSP/1.0 401 X\r\nWWW-Authenticate: Kerberos\r\n\r\n"), WantsLogin, "wants a login", false},
		"video":            {said("RTSP/1.0 200 OK\nContent-Length: " + fmt.Sprint(len(sdp264)) + "\n\n" + sdp264), Video, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := host(t, "127.0.0.1", c.serve)
			ctx, cancel := context.WithTimeout(t.Context(), time1)
			defer cancel()
			began := time.Now()
			a := Describe(ctx, p.url("/live"), protocol.Login{})
			took := time.Since(began)
			if a.Outcome != c.want && !(c.slow && a.Outcome == Drip) || !strings.Contains(a.Problem, c.in) && !c.slow {
				t.Errorf("%+v", a)
			}
			if took > time1+time.Second || strings.ContainsFunc(a.Problem, func(r rune) bool { return r < ' ' || r > '~' }) || len(a.Problem) > 400 {
				t.Errorf("after %v: %q", took, a.Problem)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	a := Describe(t.Context(), "rtsp://"+l.Addr().String()+"/live", owner)
	if a.Outcome != Refused || a.Problem != "describe rtsp://"+l.Addr().String()+"/live: connection refused" {
		t.Errorf("%+v", a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a = Describe(ctx, "rtsp://127.0.0.1/live", owner); a.Outcome != CutShort {
		t.Errorf("%+v", a)
	}
	for _, url := range []string{"", "http://127.0.0.1/", "rtsps://127.0.0.1/", "rtsp://127.0.0.1/user=admin&password=s3cret-pass"} {
		if a := Describe(t.Context(), url, owner); a.Outcome != "" || a.Problem == "" || strings.Contains(a.Problem, owner.Password) {
			t.Errorf("%s: %+v", url, a)
		}
	}
}

// TestLogins: how a device asks for a login, what it is told, and how often.
func TestLogins(t *testing.T) {
	sha := `Digest realm="r, \"q\"", nonce="%s", algorithm=SHA-256, qop="auth,auth-int", opaque="o=1"`
	for name, c := range map[string]struct {
		device *device
		login  protocol.Login
		want   Outcome
		state  protocol.LoginState
		wrong  int // logins that the device refused
		right  int // requests with the right login that it got
	}{
		"digest":                {&device{offers: digest}, owner, Video, protocol.LoginGood, 0, 1},
		"basic":                 {&device{offers: []string{`Basic realm="go2rtc"`}}, owner, Video, protocol.LoginGood, 0, 1},
		"both, basic first":     {&device{offers: []string{`Basic realm="x"`, digest[0]}}, owner, Video, protocol.LoginGood, 0, 1},
		"SHA-256, qop, opaque":  {&device{offers: []string{digest[0], sha}}, owner, Video, protocol.LoginGood, 0, 1},
		"two in a line":         {&device{offers: []string{`Basic realm="x", Digest realm="y", nonce="%s", qop="auth"`}}, owner, Video, protocol.LoginGood, 0, 1},
		"OPTIONS wants it too":  {&device{offers: digest, loginFirst: true}, owner, Video, protocol.LoginGood, 0, 1},
		"closes after each":     {&device{offers: digest, closes: true}, owner, Video, protocol.LoginGood, 0, 1},
		"wrong":                 {&device{offers: digest}, protocol.Login{ID: "w", User: "admin", Password: "no"}, LoginWrong, protocol.LoginWrong, 1, 0},
		"wrong, hangs up":       {&device{offers: digest, hangsUp: true}, protocol.Login{ID: "w", User: "admin", Password: "no"}, LoginWrong, protocol.LoginWrong, 1, 0},
		"wrong, basic":          {&device{offers: []string{`Basic realm="x"`}}, protocol.Login{ID: "w", User: "admin", Password: "no"}, LoginWrong, protocol.LoginWrong, 1, 0},
		"none to tell":          {&device{offers: digest}, protocol.Login{}, WantsLogin, protocol.LoginMissing, 0, 0},
		"none that can be told": {&device{offers: digest}, protocol.Login{ID: "c", User: "a\r\nX: y", Password: "p"}, WantsLogin, protocol.LoginMissing, 0, 0},
		"unknown algorithm":     {&device{offers: []string{`Digest realm="x", nonce="%s", algorithm=SHA3`}}, owner, WantsLogin, protocol.LoginMissing, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := c.device
			d.user, d.password, d.streams = owner.User, owner.Password, map[string]string{"/live": sdp264}
			p := host(t, "127.0.0.1", d.serve)
			a := Describe(t.Context(), p.url("/live"), c.login)
			d.mu.Lock()
			defer d.mu.Unlock()
			if a.Outcome != c.want || a.Login != c.state {
				t.Errorf("%+v", a)
			}
			if d.wrong != c.wrong || d.tries["admin:true"] != c.right {
				t.Errorf("the device counts %v, %d of them wrong", d.tries, d.wrong)
			}
			if a.Outcome == Video && (a.Stream.Width != 1920 || a.Stream.Height != 1080 || a.Stream.URL != p.url("/live")) {
				t.Errorf("%+v", a.Stream)
			}
		})
	}
}

// TestAStaleNonceIsNoRefusal: the login is told again under the new nonce, once.
func TestAStaleNonceIsNoRefusal(t *testing.T) {
	answers := []string{`Digest realm="r", nonce="a"`, `Digest realm="r", nonce="b", stale=true`, `Digest realm="r", nonce="c", stale=true`}
	for name, c := range map[string]struct {
		stale int // answers to the login that say stale
		want  Outcome
		told  int
	}{
		"once":     {1, Video, 2},
		"for ever": {2, LoginWrong, 2},
	} {
		told := 0
		p := host(t, "127.0.0.1", func(conn net.Conn) {
			said := func(b []byte) string {
				switch {
				case bytes.HasPrefix(b, []byte("OPTIONS")):
					return "RTSP/1.0 200 OK\r\n\r\n"
				case !bytes.Contains(b, []byte("Authorization: ")):
					return "RTSP/1.0 401 X\r\nWWW-Authenticate: " + answers[0] + "\r\n\r\n"
				}
				if told++; told <= c.stale {
					return "RTSP/1.0 401 X\r\nWWW-Authenticate: " + answers[told] + "\r\n\r\n"
				}
				return fmt.Sprintf("RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(sdp264), sdp264)
			}
			b := make([]byte, 4096)
			for {
				n, err := conn.Read(b)
				if err != nil {
					return
				}
				if _, err := io.WriteString(conn, said(b[:n])); err != nil {
					return
				}
			}
		})
		if a := Describe(t.Context(), p.url("/live"), owner); a.Outcome != c.want || told != c.told {
			t.Errorf("%s: told %d times, %+v", name, told, a)
		}
	}
}

// TestRedirections: followed on the host itself; nothing at all goes to another.
func TestRedirections(t *testing.T) {
	stranger := host(t, "127.0.0.2", said("RTSP/1.0 401 X\r\nWWW-Authenticate: Basic realm=\"give it to me\"\r\n\r\n"))
	d := &device{user: owner.User, password: owner.Password, offers: digest,
		streams: map[string]string{"/new": sdp264}, moves: map[string]string{}}
	p := host(t, "127.0.0.1", d.serve)
	d.moves["/old"] = p.url("/new")
	d.moves["/loop"] = p.url("/loop")
	d.moves["/away"] = fmt.Sprintf("rtsp://127.0.0.2:%d/x", stranger.port)
	d.moves["/nowhere"] = "gopher://x"
	e := &device{moves: map[string]string{"/door": p.url("/new")}}
	other := host(t, "127.0.0.1", e.serve)
	for url, want := range map[string]Outcome{p.url("/old"): Video, p.url("/loop"): Elsewhere, p.url("/away"): Elsewhere,
		p.url("/nowhere"): Elsewhere, other.url("/door"): Video} {
		a := Describe(t.Context(), url, owner)
		if a.Outcome != want || want == Video && a.Stream.URL != p.url("/new") {
			t.Errorf("%s: %+v", url, a)
		}
	}
	if stranger.met() != 0 || d.wrong != 0 || len(e.tries) != 0 {
		t.Errorf("the stranger met %d connections, %d wrong logins, %v", stranger.met(), d.wrong, e.tries)
	}
}

// TestNoSecretIsRepeated: a host that has seen the password and says it back is not quoted.
func TestNoSecretIsRepeated(t *testing.T) {
	p := host(t, "127.0.0.1", func(c net.Conn) {
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			answer := "RTSP/1.0 401 X\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"
			if _, word, ok := strings.Cut(string(b[:n]), "Authorization: "); ok {
				answer = word + owner.Password + "\r\n"
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	})
	a := Describe(t.Context(), p.url("/live"), owner)
	if a.Outcome != Strange || strings.Contains(fmt.Sprintf("%+v", a), owner.Password) || strings.Contains(a.Problem, "Basic") {
		t.Errorf("%+v", a)
	}
}
