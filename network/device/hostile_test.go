package device

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// onlyTo is a quirk for one operation alone.
func onlyTo(op string, does func(w http.ResponseWriter, r *http.Request)) func(http.ResponseWriter, *http.Request, string) bool {
	return func(w http.ResponseWriter, r *http.Request, asked string) bool {
		if asked == op {
			does(w, r)
		}
		return asked == op
	}
}

// floods are answers without an end; 100 MB of each is offered.
var floods = map[string]string{
	"text":       strings.Repeat("a", 1<<10),
	"elements":   strings.Repeat("<a/>", 1<<8),
	"nesting":    strings.Repeat("<a>", 1<<8),
	"attributes": "<a " + strings.Repeat(`a="" `, 1<<10),
	"profiles":   strings.Repeat("<Profiles><Name>n</Name></Profiles>", 1<<5),
	"entities":   strings.Repeat("&amp;", 1<<8),
	"zeroes":     strings.Repeat("\x00", 1<<10),
}

func TestAHundredMegabytesCostFour(t *testing.T) {
	const offered = 100 << 20
	for name, part := range floods {
		for _, status := range []int{200, 400, 500} {
			c := &camera{auth: "none"}
			c.quirk = onlyTo("GetProfiles", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "<Envelope><Body><GetProfilesResponse>")
				for sent := 0; sent < offered; sent += len(part) {
					if _, err := io.WriteString(w, part); err != nil {
						return
					}
				}
			})
			o := c.start(t)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			a := Ask(t.Context(), o)
			runtime.ReadMemStats(&after)
			if a.Serial != "S1" || a.Video || a.Problem == "" {
				t.Errorf("%s %d: %+v", name, status, a)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
				t.Errorf("%s %d: %d bytes allocated in all", name, status, used)
			}
		}
	}
}

func TestHostileAnswersCostTheirQuestionAlone(t *testing.T) {
	bomb := `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "` + strings.Repeat("a", 1000) + `"><!ENTITY b "` + strings.Repeat("&a;", 1000) +
		`"><!ENTITY c "` + strings.Repeat("&b;", 1000) + `">]><Envelope><Body><GetDeviceInformationResponse><Model>&c;</Model></GetDeviceInformationResponse></Body></Envelope>`
	for name, c := range map[string]struct {
		send func(w http.ResponseWriter)
		want string
	}{
		"an entity bomb": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, bomb) }, "unreadable answer (doctype)"},
		"deep nesting":   {func(w http.ResponseWriter) { say(w, 200, strings.Repeat("<a>", 5000)) }, "unreadable answer (depth)"},
		"nothing":        {func(w http.ResponseWriter) {}, "unreadable answer (xml)"},
		"no content":     {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }, "unreadable answer (xml)"},
		"a web page":     {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html><body>welcome</body></html>") }, "unreadable answer (soap)"},
		"another answer": {func(w http.ResponseWriter) { say(w, 200, "<GetUsersResponse/>") }, "unreadable answer (answer)"},
		"not found":      {func(w http.ResponseWriter) { w.WriteHeader(404) }, "404 not found"},
		"a status of its own": {func(w http.ResponseWriter) {
			w.WriteHeader(599)
		}, "599"},
		"a long header": {func(w http.ResponseWriter) { w.Header().Set("X", strings.Repeat("x", maxHeader)); w.WriteHeader(200) }, "no HTTP answer that we understand"},
		"cut off": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "9999")
			_, _ = io.WriteString(w, "<Envelope>")
		}, "no HTTP answer that we understand"},
	} {
		cam := &camera{auth: "none"}
		cam.quirk = onlyTo("GetDeviceInformation", func(w http.ResponseWriter, _ *http.Request) { c.send(w) })
		a := Ask(t.Context(), cam.start(t))
		if !a.ONVIF || !a.Video || a.Model != "" || !strings.HasSuffix(a.Problem, ": "+c.want) {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestAnswersInOddFormsAreRead(t *testing.T) {
	c := &camera{auth: "none"}
	c.quirk = func(w http.ResponseWriter, r *http.Request, op string) bool {
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Encoding", "identity")
		w.WriteHeader(http.StatusOK)
		text := "\ufeff\r\n<?xml version='1.0' encoding='GB2312'?><Envelope><Body>" + c.answer(op, r.Host) + "</Body></Envelope>  \r\n"
		for i := range len(text) { // a chunk a byte
			_, _ = io.WriteString(w, text[i:i+1])
			if i%7 == 0 {
				_ = http.NewResponseController(w).Flush()
			}
		}
		return true
	}
	if a := Ask(t.Context(), c.start(t)); !a.Video || a.Serial != "S1" || a.Problem != "" {
		t.Errorf("%+v", a)
	}
}

// raw serves bytes as they are on every connection until the test ends.
func raw(t *testing.T, serve func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				serve(c)
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String()
}

// drip sends a byte every 10 ms until it may not.
func drip(c net.Conn, text string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i = (i + 1) % len(text) {
		<-tick.C
		if _, err := c.Write([]byte{text[i]}); err != nil {
			return
		}
	}
}

func TestTheTimeOfAnInterviewIsTotal(t *testing.T) {
	const limit = 300 * time.Millisecond
	for name, serve := range map[string]func(net.Conn){
		"never answers":  func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"drips a header": func(c net.Conn) { drip(c, "HTTP/1.1 200 OK\r\nX: y\r\n") },
		"drips a status": func(c net.Conn) { drip(c, "R") },
		"drips a body":   func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); drip(c, "<Envelope><!-- -->") },
		"drips in chunks": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			drip(c, "1\r\n \r\n")
		},
		"drips a refusal":  func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 401 No\r\n\r\n"); drip(c, " ") },
		"says to continue": func(c net.Conn) { drip(c, "HTTP/1.1 100 Continue\r\n\r\n") },
	} {
		o := order(t, raw(t, serve), right)
		o.ONVIFTime = limit
		began := time.Now()
		a := Ask(t.Context(), o)
		if took := time.Since(began); took > limit+500*time.Millisecond || a.ONVIF || !strings.HasSuffix(a.Problem, "no answer in time") && name != "drips a refusal" {
			t.Errorf("%s: %v, %+v", name, took, a)
		}
	}
}

func TestASlowCameraTellsWhatItCan(t *testing.T) {
	c := &camera{auth: "token"}
	c.quirk = onlyTo("GetProfiles", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	o := c.start(t, right)
	o.ONVIFTime = 400 * time.Millisecond
	a := Ask(t.Context(), o)
	if !a.ONVIF || !a.Media || a.Serial != "S1" || a.Login != protocol.LoginGood || !strings.HasSuffix(a.Problem, "no answer in time") {
		t.Errorf("%+v", a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := Ask(ctx, o); a.ONVIF || !strings.HasSuffix(a.Problem, "cancelled") {
		t.Errorf("%+v", a)
	}
}

func TestRandomBytesAreNoAnswer(t *testing.T) {
	noise := make([]byte, 64<<10)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for _, head := range []string{"", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "HTTP/1.1 401 X\r\nWWW-Authenticate: Digest \xff\x00\r\n\r\n"} {
		a := Ask(t.Context(), order(t, raw(t, func(c net.Conn) { _, _ = c.Write([]byte(head)); _, _ = c.Write(noise) }), right))
		if a.ONVIF || a.Login != "" || a.Problem == "" || strings.ContainsFunc(a.Problem, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q: %+v", head, a)
		}
	}
}

func TestRedirectsStayOnTheHost(t *testing.T) {
	other, met := elsewhere(t)
	for name, to := range map[string]string{
		"another host": "http://" + other + servicePath, "another host without a scheme": "//" + other + "/x",
		"a name": "http://localhost/", "another scheme": "file:///etc/passwd", "garbage": "http://[::1", "itself": "",
		"something long": "http://127.0.0.1/" + strings.Repeat("x", maxAddress),
	} {
		for _, status := range []int{301, 302, 307, 308} {
			n := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n++
				w.Header().Set("Location", to)
				w.WriteHeader(status)
			}))
			a := Ask(t.Context(), order(t, s.URL, right))
			s.Close()
			if a.ONVIF || n > 1+maxRedirects || a.Problem == "" {
				t.Errorf("%s %d: %+v, asked %d times", name, status, a, n)
			}
		}
	}
	if met() != 0 {
		t.Errorf("the other host was talked to %d times", met())
	}
}

func TestARedirectOnTheHostIsFollowedOnce(t *testing.T) {
	c := &camera{auth: "digest"}
	to := c.serve(t)
	s := httptest.NewServer(http.RedirectHandler(to.URL+"/moved", http.StatusFound))
	defer s.Close()
	if a := Ask(t.Context(), order(t, s.URL, right)); !a.Video || a.XAddr != to.URL+"/moved" {
		t.Errorf("%+v", a)
	}
}

func TestALoginIsNotCarriedAlongARedirect(t *testing.T) {
	c := &camera{auth: "token"}
	n := 0
	c.quirk = func(w http.ResponseWriter, r *http.Request, op string) bool {
		if op != "GetServices" {
			return false
		}
		n++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		return true
	}
	a := Ask(t.Context(), c.start(t, right))
	if a.Media || n != 1 || a.Serial != "S1" {
		t.Errorf("%+v, redirected %d times", a, n)
	}
}

// TestWhoLeadsAwayWithALoginGetsNoSecondOne: it asks for a login, and answers it by another host's name.
func TestWhoLeadsAwayWithALoginGetsNoSecondOne(t *testing.T) {
	other, met := elsewhere(t)
	c, logins := &camera{auth: "digest"}, 0
	c.quirk = func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if r.Header.Get("Authorization") == "" {
			return false
		}
		logins++
		http.Redirect(w, r, "http://"+other+servicePath, http.StatusTemporaryRedirect)
		return true
	}
	a := Ask(t.Context(), c.start(t, right))
	if logins != 1 || met() != 0 || a.Problem == "" || len(a.Refused) != 1 {
		t.Errorf("%d logins, the other host was met %d times: %+v", logins, met(), a)
	}
}

func TestNoWordOfTheDeviceLeadsElsewhere(t *testing.T) {
	other, met := elsewhere(t)
	for _, host := range []string{other, "0.0.0.0", "169.254.1.2:81", "camera.local", "[fe80::1]:99"} {
		c := &camera{auth: "digest", host: host}
		o := c.start(t, right)
		o.XAddrs = []string{strings.Replace(o.XAddrs[0], "127.0.0.1", "127.0.0.9", 1)}
		a := Ask(t.Context(), o)
		if !a.Video || a.Login != protocol.LoginGood || !strings.HasPrefix(a.XAddr, "http://127.0.0.1:") ||
			len(a.Streams) != 1 || !strings.HasPrefix(a.Streams[0].URL, "rtsp://127.0.0.1:8554/") {
			t.Errorf("%s: %+v", host, a)
		}
	}
	if met() != 0 {
		t.Errorf("the other host was talked to %d times", met())
	}
}

func TestGarbageXAddrsCostNothing(t *testing.T) {
	c := &camera{auth: "none"}
	o := c.start(t)
	good := o.XAddrs[0]
	o.XAddrs = []string{"", "  ", "\x00\xff", "http://", "ftp://127.0.0.1/", "://", "http://[", "http://h:99999/", "http://h:-1/", "http://user:leak@h:1/x",
		strings.Repeat("http://127.0.0.1:1/ ", 5000), "https://0.0.0.0:1/ http://0.0.0.0:2/a\x01 " + good}
	a := Ask(t.Context(), o)
	if !a.Video || a.XAddr != good {
		t.Errorf("%+v", a)
	}
	noSecret(t, a)
	o.XAddrs = []string{strings.Repeat("x", 1<<20)}
	if a := Ask(t.Context(), o); a.ONVIF {
		t.Errorf("%+v", a)
	}
	o.IP = "camera.local"
	if a := Ask(t.Context(), o); a.ONVIF || a.Problem == "" {
		t.Errorf("%+v", a)
	}
}

func TestTheServiceIsFoundByPort(t *testing.T) {
	hanging := raw(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	shut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="router"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer shut.Close()
	for _, auth := range append(kinds, "none") {
		c := &camera{auth: auth}
		o := c.start(t, right)
		good := o.XAddrs[0]
		o.XAddrs = []string{page.URL + servicePath}
		for _, base := range []string{hanging, page.URL, shut.URL, good} {
			port := order(t, base)
			o.Ports = append(o.Ports, portNumber(t, port.XAddrs[0]))
		}
		o.Ports = append(o.Ports, 554, -1, 70000, 1)
		o.Doors = []protocol.Door{{Port: 1}}
		began := time.Now()
		a := Ask(t.Context(), o)
		if took := time.Since(began); !a.Video || a.XAddr != good || took > 2*time.Second || a.Problem != "" {
			t.Errorf("%s: %v, %+v", auth, took, a)
		}
	}
}

func portNumber(t *testing.T, address string) int {
	t.Helper()
	u, ok := parse(address)
	if !ok {
		t.Fatal(address)
	}
	port, _ := portOf(u)
	return port
}

func TestADeviceThatIsShutIsOpenedOrLeft(t *testing.T) {
	everything := func(auth string) *camera { return &camera{auth: auth, shut: true} }
	for _, auth := range []string{"basic", "digest"} {
		c := everything(auth)
		o := c.start(t, wrong(1), right)
		if a := Ask(t.Context(), o); !a.Video || a.Login != protocol.LoginGood || !slices.Equal(a.Refused, []string{"wrong 1"}) || c.tries["wr0ng-1"] != 1 {
			t.Errorf("%s: %+v, tries %v", auth, a, c.tries)
		}
		o.Logins = nil
		if a := Ask(t.Context(), o); a.Login != protocol.LoginMissing || a.Video || a.Problem == "" {
			t.Errorf("%s: %+v", auth, a)
		}
		o.Logins = []protocol.Login{wrong(2)}
		if a := Ask(t.Context(), o); a.Login != protocol.LoginWrong || a.Video || len(a.Refused) != 1 {
			t.Errorf("%s: %+v", auth, a)
		}
	}
	// What lets us in and is no ONVIF device at all, a router's page, is not called one.
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="router"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprint(w, "<html>")
	}))
	defer page.Close()
	if a := Ask(t.Context(), order(t, page.URL, right)); a.ONVIF || a.Login != "" || a.Problem == "" {
		t.Errorf("%+v", a)
	}
}

func TestAlive(t *testing.T) {
	c := &camera{auth: "none"}
	s := c.serve(t)
	for _, auth := range append(kinds, "none") {
		for _, c.shut = range []bool{false, true} {
			c.auth = auth
			if alive, problem := Alive(t.Context(), s.URL+servicePath, "127.0.0.1"); !alive || problem != "" {
				t.Errorf("%s: %v %q", auth, alive, problem)
			}
		}
	}
	if slices.ContainsFunc(c.asked, func(op string) bool { return op != "GetSystemDateAndTime" }) || len(c.tries) > 0 {
		t.Errorf("asked %v, tried %v", c.asked, c.tries)
	}
	page := httptest.NewServer(http.NotFoundHandler())
	page.Close()
	for xaddr, ip := range map[string]string{page.URL: "127.0.0.1", "": "127.0.0.1", s.URL: "", "rtsp://127.0.0.1/": "127.0.0.1"} {
		if alive, problem := Alive(t.Context(), xaddr, ip); alive || problem == "" {
			t.Errorf("%s %s: %v %q", xaddr, ip, alive, problem)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if alive, problem := Alive(ctx, raw(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), "127.0.0.1"); alive || !strings.HasSuffix(problem, "no answer in time") {
		t.Errorf("%v %q", alive, problem)
	}
}
