package rtsp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/httpauth"
)

func mustURL(t testing.TB, text string) URL {
	t.Helper()
	u, err := ParseURL(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return u
}

// unauthorized is an answer that asks for a login.
func unauthorized(challenge string) Response {
	return Response{Status: 401, lines: []line{{"WWW-authenticate", challenge}}}
}

// proven is what proves a login to whoever asks so.
func proven(t testing.TB, challenge, user, password string) httpauth.Authorization {
	t.Helper()
	c, _ := unauthorized(challenge).Choose()
	a, err := c.Answer(protocol.Login{User: user, Password: password}, httpauth.Use{Method: string(Describe), URI: "rtsp://h/"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRequestsAreWrittenAsTheyAreRead(t *testing.T) {
	u := mustURL(t, "rtsp://10.0.0.5:8554/cam/realmonitor?channel=1&subtype=0%20x")
	for _, m := range []Method{Options, Describe, Setup, Play, Teardown} {
		q := Request{Method: m, URL: u, CSeq: 7, Session: "ab12", Transport: Interleaved, Authorization: proven(t, `Basic realm="x"`, "x", "y")}
		b, err := q.Append([]byte("before"))
		if err != nil || !bytes.HasPrefix(b, []byte("before")) {
			t.Fatal(err)
		}
		r := textproto.NewReader(bufio.NewReader(bytes.NewReader(b[len("before"):])))
		line, err := r.ReadLine()
		if err != nil || line != string(m)+" rtsp://10.0.0.5:8554/cam/realmonitor?channel=1&subtype=0%20x RTSP/1.0" {
			t.Errorf("%q %v", line, err)
		}
		h, err := r.ReadMIMEHeader()
		if err != nil || h.Get("CSeq") != "7" || h.Get("Session") != "ab12" || h.Get("Transport") != Interleaved ||
			h.Get("Authorization") != "Basic eDp5" || (h.Get("Accept") == "application/sdp") != (m == Describe) ||
			(h.Get("Range") != "") != (m == Play) {
			t.Errorf("%v %v", h, err)
		}
		if rest, _ := io.ReadAll(r.R); len(rest) != 0 {
			t.Errorf("%q behind the request", rest)
		}
	}
}

func TestARequestThatWouldBreakItsLinesIsNotWritten(t *testing.T) {
	good := Request{Method: Options, URL: mustURL(t, "rtsp://h/"), CSeq: 1}
	for name, change := range map[string]func(*Request){
		"no method":     func(q *Request) { q.Method = "" },
		"method":        func(q *Request) { q.Method = "A\r\nB" },
		"no URL":        func(q *Request) { q.URL = URL{} },
		"no CSeq":       func(q *Request) { q.CSeq = 0 },
		"session":       func(q *Request) { q.Session = "1\r\nX: y" },
		"transport":     func(q *Request) { q.Transport = "a\nb" },
		"much too long": func(q *Request) { q.Session = strings.Repeat("x", MaxRequest) },
	} {
		q := good
		change(&q)
		if b, err := q.Append(nil); !errors.Is(err, BadRequest) || len(b) != 0 {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if _, err := good.Append(nil); err != nil {
		t.Error(err)
	}
}

// TestARequestDoesNotPrintItsLogin: no verb shows it, nor does JSON.
func TestARequestDoesNotPrintItsLogin(t *testing.T) {
	q := Request{Method: Describe, Authorization: proven(t, `Basic realm="x"`, "x", "y")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, x := range []any{q, &q, []Request{q}} {
			if s := fmt.Sprintf(verb, x); strings.Contains(s, "eDp5") || strings.Contains(s, "65447035") {
				t.Errorf("%s prints %s", verb, s)
			}
		}
	}
	if b, err := json.Marshal(q); err != nil || strings.Contains(string(b), "eDp5") {
		t.Errorf("%s %v", b, err)
	}
}

// answers as gst-rtsp-server, go2rtc and VLC wrote them, and some that nobody should write.
var answers = map[string]struct {
	text   string
	status int
	cseq   int
	header map[string]string
	body   string
}{
	"gst":      {"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Type: application/sdp\r\nContent-Base: rtsp://10.77.0.11/a/\r\nContent-Length: 5\r\n\r\nv=0\r\n", 200, 3, map[string]string{"content-base": "rtsp://10.77.0.11/a/"}, "v=0\r\n"},
	"go2rtc":   {"RTSP/1.0 401 Unauthorized\r\nWww-Authenticate: Basic realm=\"go2rtc\"\r\nCseq: 2\r\n\r\n", 401, 2, map[string]string{"WWW-Authenticate": `Basic realm="go2rtc"`}, ""},
	"VLC":      {"RTSP/1.0 200 OK\r\nServer: VLC/3.0.24\r\nContent-Length: 0\r\nCseq: 1\r\nPublic: DESCRIBE,SETUP\r\n\r\n", 200, 1, map[string]string{"PUBLIC": "DESCRIBE,SETUP"}, ""},
	"newlines": {"\r\n\nRTSP/1.0 404 Not Found\nCSEQ:9\n\n", 404, 9, nil, ""},
	"folded":   {"RTSP/1.0 200 OK\r\nX: a\r\n b\r\n\tc\r\n\r\n", 200, 0, map[string]string{"x": "a b c"}, ""},
	"no colon": {"RTSP/1.0 200 OK\r\nnonsense\r\nX: a\r\n\r\n", 200, 0, map[string]string{"x": "a"}, ""},
	"bare":     {"RTSP/1.0 200\r\n\r\n", 200, 0, nil, ""},
	"interim":  {"RTSP/1.0 100 Continue\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n", 200, 4, nil, ""},
	"RTSP/2":   {"RTSP/2.0 505 X\r\nCSeq: 99999999999\r\n\r\n", 505, 0, nil, ""},
}

func TestAnswers(t *testing.T) {
	for name, c := range answers {
		for way, r := range map[string]io.Reader{"whole": strings.NewReader(c.text), "by bytes": iotest.OneByteReader(strings.NewReader(c.text))} {
			a, err := NewReader(r).Response()
			if err != nil || a.Status != c.status || a.CSeq != c.cseq || string(a.Body) != c.body {
				t.Errorf("%s %s: %+v %v", name, way, a, err)
			}
			for k, v := range c.header {
				if a.Value(k) != v || !slices.Equal(a.Values(k), []string{v}) {
					t.Errorf("%s: %s is %q", name, k, a.Value(k))
				}
			}
		}
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	ok := "RTSP/1.0 200 OK\r\n"
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":       {"", io.EOF},
		"half":          {"RTSP/1.0 200 OK\r\nCSeq", io.ErrUnexpectedEOF},
		"half a word":   {"RTS", io.EOF},
		"half a body":   {ok + "Content-Length: 9\r\n\r\nabc", io.ErrUnexpectedEOF},
		"ssh":           {"SSH-2.0-x\r\n", NotRTSP},
		"http":          {"HTTP/1.1 200 OK\r\n\r\n", NotRTSP},
		"a letter off":  {"RTSq", NotRTSP},
		"media first":   {"$\x00\x00\x01a" + ok + "\r\n", NotRTSP},
		"no status":     {"RTSP/1.0 ok\r\n\r\n", NotRTSP},
		"status 99":     {"RTSP/1.0 099 x\r\n\r\n", NotRTSP},
		"status 600":    {"RTSP/1.0 600 x\r\n\r\n", NotRTSP},
		"a long line":   {ok + "X: " + strings.Repeat("a", MaxLine) + "\r\n\r\n", TooLong},
		"many lines":    {ok + strings.Repeat("a: b\r\n", MaxLines+1) + "\r\n", TooLong},
		"a long header": {ok + strings.Repeat("a: "+strings.Repeat("b", 1000)+"\r\n", 17) + "\r\n", TooLong},
		"a long body":   {ok + fmt.Sprintf("Content-Length: %d\r\n\r\n", MaxBody+1), TooLong},
		"a body beyond": {ok + "Content-Length: 99999999999999999999\r\n\r\n", Malformed},
		"two bodies":    {ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", Malformed},
		"only newlines": {strings.Repeat("\n", MaxLine+1), TooLong},
	} {
		if a, err := NewReader(strings.NewReader(c.text)).Response(); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v, want %v", name, a, err, c.want)
		}
	}
	_, err := NewReader(strings.NewReader("\x1b[2J\x00secret\x07 and so on, for a long while yet\r\nhidden")).Response()
	if want := `not RTSP: "\x1b[2J\x00secret\a and so on, for a long while"...`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestMediaBetweenAnswers(t *testing.T) {
	text := "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" + "$\x00\x00\x03abc" + "$\x05\x00\x00" + "ANNOUNCE rtsp://x RTSP/1.0\r\nContent-Length: 2\r\n\r\nhi" +
		"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n" + "$\x07\x00\x02de" + "RTSP/1.0 200 OK\r\n\r\n" + "$\x08\x00\x01f"
	r := NewReader(iotest.HalfReader(strings.NewReader(text)))
	for want := 1; want <= 2; want++ {
		if a, err := r.Response(); err != nil || a.CSeq != want {
			t.Fatal(a, err)
		}
	}
	for _, want := range []Packet{{7, []byte("de")}, {8, []byte("f")}} {
		if p, err := r.Packet(); err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("%+v %v", p, err)
		}
	}
	if _, err := r.Packet(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// pausing reads what is there, then says that time is over, again and again.
type pausing struct {
	text  string
	pause bool
}

func (p *pausing) Read(b []byte) (int, error) {
	if p.pause = !p.pause; p.pause || p.text == "" {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b[:min(len(b), 1)], p.text)
	p.text = p.text[n:]
	return n, nil
}

// TestAFrameCutShortIsReadOn: when counting ends in the middle of a frame, TEARDOWN still gets its answer.
func TestAFrameCutShortIsReadOn(t *testing.T) {
	r := NewReader(strings.NewReader("RTSP/1.0 200 OK\r\n\r\n"))
	if _, err := r.Response(); err != nil {
		t.Fatal(err)
	}
	r.b.Reset(&pausing{text: "$\x04\x00\x05abcde$\x04\x00\x00$\x05\x01\x00" + strings.Repeat("RTSP/1.0 200 OK\n", 16)})
	var got []string
	for range 2000 {
		if p, err := r.Packet(); err == nil {
			got = append(got, fmt.Sprintf("%d %d", p.Channel, len(p.Data)))
		}
	}
	if want := []string{"4 5", "4 0", "5 256"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestURLs(t *testing.T) {
	for text, want := range map[string]string{
		"rtsp://10.0.0.5/live":                        "rtsp://10.0.0.5/live",
		"RTSP://admin:pa:ss@10.0.0.5:554/live?a=1":    "rtsp://10.0.0.5/live?a=1",
		"rtsp://admin:p%40ss@10.0.0.5:8554/a%20b%2Fc": "rtsp://10.0.0.5:8554/a%20b%2Fc",
		"rtsp://admin:p@ss@10.0.0.5":                  "rtsp://10.0.0.5",
		"rtsp://[fe80::1%25eth0]:554/x":               "",
		"rtsp://[2001:db8::1]:8554/x":                 "rtsp://[2001:db8::1]:8554/x",
		"rtsp://[2001:db8::1]/x":                      "rtsp://[2001:db8::1]/x",
		"rtsp://cam-1.local?x=1":                      "rtsp://cam-1.local/?x=1",
		"rtsp://10.0.0.5/user=&password=&channel=1":   "rtsp://10.0.0.5/user=&password=&channel=1",
		"rtsp://10.0.0.5/multiuser=1":                 "rtsp://10.0.0.5/multiuser=1",
	} {
		u, err := ParseURL(text)
		if u.String() != want || (err == nil) != (want != "") {
			t.Errorf("%s: %v %v", text, u, err)
		}
		if again, err := ParseURL(u.String()); want != "" && (err != nil || again != u) {
			t.Errorf("%s does not come back: %v %v", text, again, err)
		}
	}
	for text, want := range map[string]error{
		"": BadURL, "http://x/": BadURL, "rtsp:///x": BadURL, "rtsp://h:0/": BadURL, "rtsp://h:65536/": BadURL, "rtsp://h:x/": BadURL,
		"rtsp://h/a b": BadURL, "rtsp://h/\r\n": BadURL, "rtsp://h/\"": BadURL, "rtsp://h\x00/": BadURL, "rtsp://[::1": BadURL,
		"rtsp://[::1]x/": BadURL, "rtsp://h/" + strings.Repeat("a", MaxURL): BadURL, "rtsps://h/": Encrypted,
		"rtsp://h/user=admin_password=tlJwpbo6_channel=1": LoginInPath, "rtsp://h/?PWD=x": LoginInPath,
		"rtsp://admin:12/3@10.0.0.5/live": LoginInPath, "rtsp://h/x?user=a": LoginInPath,
	} {
		if u, err := ParseURL(text); !errors.Is(err, want) || u != (URL{}) {
			t.Errorf("%q: %v %v, want %v", text, u, err, want)
		}
	}
	moved, err := mustURL(t, "rtsp://192.168.68.111:8554/h264main").At("10.77.0.14")
	if err != nil || moved.String() != "rtsp://10.77.0.14:8554/h264main" || moved.Host() != "10.77.0.14" || moved.Port() != 8554 || moved.path != "/h264main" {
		t.Error(moved, err)
	}
}

func TestControls(t *testing.T) {
	asked := mustURL(t, "rtsp://10.0.0.5:8554/cam?x=1")
	for _, c := range []struct{ base, control, want string }{
		{"", "", "rtsp://10.0.0.5:8554/cam?x=1"},
		{"", "*", "rtsp://10.0.0.5:8554/cam?x=1"},
		{"", "trackID=1", "rtsp://10.0.0.5:8554/cam?x=1/trackID=1"},
		{"rtsp://192.168.1.9/cam/", "stream=0", "rtsp://10.0.0.5:8554/cam/stream=0"},
		{"rtsp://192.168.1.9/cam/", "*", "rtsp://10.0.0.5:8554/cam/"},
		{"nonsense", "/abs", "rtsp://10.0.0.5:8554/abs"},
		{"", "rtsp://other:9/whole/track1", "rtsp://10.0.0.5:8554/whole/track1"},
	} {
		if u, err := Control(asked, c.base, c.control); err != nil || u.String() != c.want {
			t.Errorf("%+v: %v %v", c, u, err)
		}
	}
	if Channel("RTP/AVP/TCP;unicast; Interleaved=4-5;ssrc=1") != 4 || Channel("RTP/AVP;interleaved=999") != 0 {
		t.Error("channels")
	}
	if SessionID(" 47;timeout=60") != "47" || SessionID(strings.Repeat("x", MaxSession+1)) != "" || SessionID("a\x01") != "" {
		t.Error("sessions")
	}
	if Datagrams(5000) != "RTP/AVP;unicast;client_port=5000-5001" {
		t.Error(Datagrams(5000))
	}
}

func TestPaths(t *testing.T) {
	for maker, want := range map[string]string{
		"Hikvision": "/Streaming/Channels/101", "Hangzhou Hikvision Digital Technology": "/Streaming/Channels/101",
		"Zhejiang Dahua Technology": "/cam/realmonitor?channel=1&subtype=0", "Axis Communications AB": "/axis-media/media.amp",
		"Reolink Innovation": "/Preview_01_main", "Hanwha/Samsung Techwin": "/profile2/media.smp", "VCS (Bosch)": "/rtsp_tunnel",
		"": "/Streaming/Channels/101", "Praxis": "/Streaming/Channels/101",
	} {
		if got := Paths(maker); got[0] != want {
			t.Errorf("%s: %s", maker, got[0])
		}
	}
	everything := slices.Clone(common)
	for _, m := range makers {
		for _, w := range m.words {
			paths := Paths(w)
			if slices.Compact(slices.Sorted(slices.Values(paths)))[0] == "" || len(paths) > 48 {
				t.Errorf("%s: %d paths", w, len(paths))
			}
			for i, p := range paths {
				if slices.Index(paths, p) != i {
					t.Errorf("%s: %s twice", w, p)
				}
			}
			if m.paths[0].main != paths[0] {
				t.Errorf("%s: its own path is not first", w)
			}
		}
		everything = append(everything, m.paths...)
	}
	for _, p := range everything {
		if _, err := NewURL("10.0.0.5", Port, p.main); err != nil {
			t.Errorf("%s: %v", p.main, err)
		}
		if p.sub != "" && Sub(p.main) == "" || p.sub == p.main {
			t.Errorf("%s has the sub stream %q", p.main, Sub(p.main))
		}
	}
	if Sub("/Streaming/Channels/101") != "/Streaming/Channels/102" || Sub("/unknown") != "" {
		t.Error("sub streams")
	}
}

// FuzzAnswer: whatever a host sends costs bounded memory and no panic; what was read as an answer keeps
// its bounds.
func FuzzAnswer(f *testing.F) {
	for _, c := range answers {
		f.Add([]byte(c.text))
	}
	f.Add([]byte("RTSP/1.0 200 OK\r\n\r\n$\x00\x00\x03abcRTSP/1.0 200 OK\r\n\r\n"))
	f.Add([]byte("SSH-2.0-OpenSSH\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewReader(bytes.NewReader(text))
		for range 4 {
			a, err := r.Response()
			var strange Strange
			if errors.As(err, &strange) && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q", err)
			}
			if err != nil {
				break
			}
			if a.Status < 200 || a.Status > 599 || len(a.Body) > MaxBody || len(a.lines) > MaxLines || a.CSeq < 0 {
				t.Errorf("%+v", a)
			}
			if c, ok := a.Choose(); ok != c.Known() {
				t.Error("a choice of nothing")
			}
			_, _ = ParseSDP(a.Body)
		}
		r = NewReader(bytes.NewReader(text))
		for range 4 {
			if p, err := r.Packet(); err != nil || len(p.Data) > 0xffff {
				break
			}
		}
	})
}

// FuzzChallenge: whatever a host asks, a request that answers it is as many lines as one that does not, and one more.
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
		u := URL{host: "h", port: Port}
		a, err := c.Answer(protocol.Login{User: user, Password: password}, httpauth.Use{Method: string(Describe), URI: u.String(), Count: 1, Salt: "00"})
		if err != nil {
			return
		}
		b, err := Request{Method: Describe, URL: u, CSeq: 1, Authorization: a}.Append(nil)
		if err == nil && (bytes.Count(b, []byte("\n")) != 6 || bytes.Count(b, []byte("\r")) != 6) {
			t.Errorf("%q", b)
		}
	})
}

// FuzzURL: what is accepted comes back as it is and holds no login before its host.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"rtsp://a:b@h:554/x?y", "rtsp://[::1]/x", "rtsp://admin:1/2@h/x", "rtsp://h/user=a&password=b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text)
		if err != nil {
			return
		}
		again, err := ParseURL(u.String())
		if err != nil || again != u || strings.Contains(u.String(), "@") {
			t.Errorf("%q: %q %q %v", text, u, again, err)
		}
		q := Request{Method: Describe, URL: u, CSeq: 1}
		if b, err := q.Append(nil); err != nil || bytes.Count(b, []byte("\n")) != 5 {
			t.Errorf("%q: %q %v", text, b, err)
		}
	})
}
