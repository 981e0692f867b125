package web

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"wildfire-watch/protocol"
	"wildfire-watch/web/auth"
)

const password = "correct horse battery"

// users have cheap hashes: tests guess a lot.
var users = []string{"anna:operator:" + cheap(password), "ben:viewer:" + cheap(password)}

func cheap(password string) string {
	encode := base64.RawStdEncoding.EncodeToString
	return "$argon2id$v=19$m=8,t=1,p=1$" + encode([]byte("saltsalt")) + "$" +
		encode(argon2.IDKey([]byte(password), []byte("saltsalt"), 1, 8, 1, 32))
}

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// browser is a client with cookies.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
}

func login(t *testing.T, c *http.Client, p *Page, user string) Session {
	t.Helper()
	a := requestBy(t, c, "POST", p.URL()+"/api/login", `{"user":"`+user+`","password":"`+password+`"}`)
	if a.code != 200 {
		t.Fatalf("login: %d %s", a.code, a.body)
	}
	return decode[Session](t, a)
}

func TestWithUsersNothingIsToldToStrangers(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{Config: Config{Users: users, Pprof: true}, Metrics: http.NotFoundHandler()}, h)
	for _, r := range table() {
		a := request(t, r.method, p.URL()+strings.ReplaceAll(r.path, "{name}", "north"), "{}")
		if (a.code == 401) != (r.role != "" || r.path == "/api/login") || strings.Contains(a.body, "RUNNING") {
			t.Errorf("%s %s: %d %s", r.method, r.path, a.code, a.body)
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline"} {
		if a := get(t, p, path); a.code != 401 {
			t.Errorf("%s: %d", path, a.code)
		}
		if a := get(t, p, path, basic("ben", password)); (a.code == 403) != (path != "/metrics") {
			t.Errorf("%s for a viewer: %d", path, a.code)
		}
	}
	if got := sent[protocol.Command](h); len(got) > 0 {
		t.Errorf("the pump hears %v", got)
	}
	// A browser is not made to ask with a window of its own, a program is told how to ask.
	if a := get(t, p, "/api/status"); !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("WWW-Authenticate %q", a.header.Get("WWW-Authenticate"))
	}
	if a := get(t, p, "/api/status", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin"); a.header.Get("WWW-Authenticate") != "" {
		t.Errorf("WWW-Authenticate %q for a browser", a.header.Get("WWW-Authenticate"))
	}
}

func TestAViewerLooksAndAnOperatorOrders(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{Config: Config{Users: users}}, h)
	for _, c := range []struct {
		user, method, path, body string
		code                     int
	}{
		{"ben", "GET", "/api/overview", "", 200}, {"ben", "POST", "/api/commands", `{"command":"stop"}`, 403},
		{"ben", "POST", "/api/alarms/acknowledge", "{}", 403}, {"ben", "POST", "/api/reload", "{}", 403},
		{"anna", "POST", "/api/reload", "{}", 404}, {"anna", "GET", "/api/overview", "", 200},
		{"anna", "POST", "/api/commands", `{"command":"stop"}`, 200}, {"anna", "POST", "/api/alarms/acknowledge", "{}", 202},
	} {
		if a := request(t, c.method, p.URL()+c.path, c.body, basic(c.user, password)); a.code != c.code {
			t.Errorf("%s %s: %d %s, want %d", c.user, c.path, a.code, a.body, c.code)
		}
	}
	if got := sent[protocol.Command](h); len(got) != 1 || got[0].By != "api: anna" || got[0].Source != "api" {
		t.Errorf("the pump hears %+v", got)
	}
	told := sent[protocol.Occurred](h)
	if len(told) != 1 || told[0].Reason != "role" || told[0].Details["by"] != "api: ben" {
		t.Errorf("events %+v", told)
	}
	if !slices.Contains(refused(h), "role") {
		t.Errorf("recorded %v", refused(h))
	}
}

func TestASessionNeedsItsTokenForEveryOrder(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{Config: Config{Users: users}}, h)
	c := browser(t)
	s := login(t, c, p, "anna")
	if s.User != "anna" || s.Role != auth.Operator || s.CSRF == "" {
		t.Fatalf("session %+v", s)
	}
	if again := decode[Session](t, requestBy(t, c, "GET", p.URL()+"/api/session", "")); again != s {
		t.Errorf("session %+v, want %+v", again, s)
	}
	stop := func(headers ...string) int {
		return requestBy(t, c, "POST", p.URL()+"/api/commands", `{"command":"stop"}`, headers...).code
	}
	for _, wrong := range []string{"X-CSRF-Token: ", "X-CSRF-Token: " + auth.NewToken(), "X-Other: " + s.CSRF} {
		if code := stop(wrong); code != 403 {
			t.Errorf("%.20s: %d", wrong, code)
		}
	}
	if code := stop("X-CSRF-Token: "+s.CSRF, "Origin: "+p.URL(), "Sec-Fetch-Site: same-origin"); code != 200 {
		t.Errorf("with the token: %d", code)
	}
	if got := sent[protocol.Command](h); len(got) != 1 || got[0].By != "page: anna" {
		t.Errorf("the pump hears %+v", got)
	}
	if !slices.Contains(refused(h), "csrf") {
		t.Errorf("recorded %v", refused(h))
	}
	if a := requestBy(t, c, "POST", p.URL()+"/api/logout", "{}", "X-CSRF-Token: "+s.CSRF); a.code != 200 {
		t.Errorf("logout: %d %s", a.code, a.body)
	}
	if a := requestBy(t, c, "GET", p.URL()+"/api/session", ""); a.code != 401 {
		t.Errorf("after the logout: %d", a.code)
	}
}

func TestAPlantedCookieNeverBecomesASession(t *testing.T) {
	p := serving(t, Settings{Config: Config{Users: users}}, pumping())
	planted := auth.NewToken()
	a := post(t, p, "/api/login", `{"user":"anna","password":"`+password+`"}`, "Cookie: wildfire-watch="+planted)
	given := a.header.Get("Set-Cookie")
	if a.code != 200 || given == "" || strings.Contains(given, planted) {
		t.Fatalf("%d, cookie %q", a.code, given)
	}
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(given, want) {
			t.Errorf("cookie %q is not %s", given, want)
		}
	}
	if a := get(t, p, "/api/session", "Cookie: wildfire-watch="+planted); a.code != 401 {
		t.Errorf("the planted cookie: %d", a.code)
	}
	// A login ends the session that the browser had.
	first, _, _ := strings.Cut(strings.TrimPrefix(given, "wildfire-watch="), ";")
	post(t, p, "/api/login", `{"user":"ben","password":"`+password+`"}`, "Cookie: wildfire-watch="+first)
	if a := get(t, p, "/api/session", "Cookie: wildfire-watch="+first); a.code != 401 {
		t.Errorf("the session before: %d", a.code)
	}
}

func TestOtherSitesOrderAndReadNothing(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{}, h)
	for _, headers := range [][]string{{"Origin: https://evil.example"}, {"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"},
		{"Origin: null"}, {"Origin: http://127.0.0.1:1"}} {
		if a := post(t, p, "/api/commands", `{"command":"stop"}`, headers...); a.code != 403 {
			t.Errorf("%v: %d %s", headers, a.code, a.body)
		}
	}
	for _, site := range []string{"cross-site", "same-site"} {
		if a := get(t, p, "/api/overview", "Sec-Fetch-Site: "+site, "Sec-Fetch-Mode: no-cors"); a.code != 403 {
			t.Errorf("%s reads: %d", site, a.code)
		}
	}
	// A link from elsewhere may lead here.
	if a := get(t, p, "/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"); a.code != 200 {
		t.Errorf("a link: %d", a.code)
	}
	// A name server of somebody else's may say that its name is this machine.
	for _, host := range []string{"evil.example", "evil.example:8080", "192.0.2.1", "127.0.0.1.evil.example"} {
		if a := get(t, p, "/api/overview", "Host: "+host); a.code != 421 {
			t.Errorf("host %s: %d", host, a.code)
		}
	}
	for _, host := range []string{"localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8080", "[::1]", "127.1.2.3:1"} {
		if a := get(t, p, "/api/overview", "Host: "+host); a.code != 200 {
			t.Errorf("host %s: %d", host, a.code)
		}
	}
	if got := sent[protocol.Command](h); len(got) != 0 {
		t.Errorf("the pump hears %v", got)
	}
	for _, want := range []string{"origin", "host"} {
		if !slices.Contains(refused(h), want) {
			t.Errorf("recorded %v", refused(h))
		}
	}
}

func TestGuessingIsBrakedAndRecorded(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{Config: Config{Users: users}}, h)
	for i := range 5 {
		if a := get(t, p, "/api/status", basic("anna", fmt.Sprint("guess", i))); a.code != 401 {
			t.Fatalf("guess %d: %d", i, a.code)
		}
	}
	for _, a := range []answerOf{get(t, p, "/api/status", basic("anna", password)),
		post(t, p, "/api/login", `{"user":"anna","password":"`+password+`"}`)} {
		if a.code != 429 || a.header.Get("Retry-After") != "30" {
			t.Errorf("%d, Retry-After %q", a.code, a.header.Get("Retry-After"))
		}
	}
	counts := map[string]int{}
	for _, reason := range refused(h) {
		counts[reason]++
	}
	if counts["password"] != 5 || counts["guessing"] != 2 {
		t.Errorf("recorded %v", counts)
	}
	for _, r := range sent[protocol.Rejected](h) {
		if r.User != "anna" || r.Login != "127.0.0.1" || r.Source != "http" {
			t.Errorf("who and from where: %+v", r)
		}
	}
}

func TestALoginThatIsNone(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{Config: Config{Users: users}}, h)
	defer func() {
		for _, r := range sent[protocol.Rejected](h) {
			if r.User != "" && r.User != "anna" {
				t.Errorf("what a stranger calls himself is repeated: %+v", r)
			}
		}
	}()
	for body, want := range map[string]int{`{"user":"anna","password":"wrong"}`: 401, `{"user":"nobody","password":"` + password + `"}`: 401,
		`{}`: 401, ``: 400, `{"user":1}`: 400} {
		a := post(t, p, "/api/login", body)
		if a.code != want || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, cookie %q", body, a.code, a.header.Get("Set-Cookie"))
		}
	}
	if a := post(t, serving(t, Settings{}, pumping()), "/api/login", `{"user":"anna","password":"x"}`); a.code != 400 {
		t.Errorf("where no login is needed: %d", a.code)
	}
	if got := decode[Session](t, get(t, serving(t, Settings{}, pumping()), "/api/session")); got != (Session{Role: auth.Operator}) {
		t.Errorf("this machine is %+v", got)
	}
}

func TestThePageStaysShutWhereItWouldBeOpenToOthers(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Listen: "0.0.0.0:0"}, "without http.users, and http.cert_file"},
		{Config{Listen: ":0"}, "without http.users, and http.cert_file"},
		{Config{Listen: "[::]:0", Users: users}, "without http.cert_file"},
		{Config{Listen: "example.test:0", CertFile: "c", KeyFile: "k"}, "without http.users"},
		{Config{Listen: "127.0.0.1:0", Users: []string{"anna:operator:plain"}}, "none of http.users can be used"},
		{Config{Listen: "127.0.0.1:0", CertFile: "/nowhere.crt", KeyFile: "/nowhere.key"}, "/nowhere.crt"},
	} {
		p, err := open(Settings{Config: c.config}, pumping(), quick)
		if p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: page %v, %v", c.config, p != nil, err)
		}
	}
	// The socket is served all the same.
	p, err := open(Settings{Config: Config{Listen: "0.0.0.0:0"}, Dir: t.TempDir()}, pumping(), quick)
	if p == nil || err == nil || p.URL() != "" || p.Socket() == "" {
		t.Fatalf("page %v, %v", p, err)
	}
	_ = p.Close()
	if p, err := open(Settings{}, pumping(), quick); p != nil || err != nil {
		t.Errorf("nothing wanted: page %v, %v", p, err)
	}
}

func TestTheCheckSaysWhatWouldBeRefused(t *testing.T) {
	for _, c := range []struct {
		config  Config
		key     string
		warning bool
	}{
		{Config{Listen: "8080"}, "listen", false}, {Config{Listen: "0.0.0.0:8080"}, "listen", true},
		{Config{Listen: "127.0.0.1:80", CertFile: "c"}, "cert_file", false}, {Config{Users: []string{"anna"}}, "users", false},
		{Config{Users: users[:1]}, "users", true}, // cheap
	} {
		found := c.config.Check()
		if len(found) != 1 || found[0].Key != c.key || found[0].Warning != c.warning {
			t.Errorf("%+v: %+v", c.config, found)
		}
	}
	many := Config{Users: append([]string{"carl:admin:secret-word", "dora"}, users...)}.Check()
	if len(many) != 1 || many[0].Warning || !strings.Contains(many[0].Problem, "entry 1 (carl) has no role") ||
		!strings.Contains(many[0].Problem, "entry 2 (dora)") || strings.Contains(many[0].Problem, "secret-word") {
		t.Errorf("several mistakes: %+v", many)
	}
	for _, listen := range []string{"", "127.0.0.1:8080", "localhost:0", "[::1]:1"} {
		if found := (Config{Listen: listen}).Check(); found != nil {
			t.Errorf("%s: %+v", listen, found)
		}
	}
}

func TestAnAddressInUseSaysWhatToDo(t *testing.T) {
	p := serving(t, Settings{}, pumping())
	in := strings.TrimPrefix(p.URL(), "http://")
	if _, err := Open(Settings{Config: Config{Listen: in}}, pumping()); err == nil || !strings.Contains(err.Error(), "set http.listen") {
		t.Errorf("got %v", err)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	p := serving(t, Settings{}, pumping())
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.URL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		return c
	}
	for range maxConnsOf {
		dial()
	}
	c := dial()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("one too many is served: %d bytes, %v", n, err)
	}
	for _, c := range open {
		_ = c.Close()
	}
	eventually(t, "they are forgotten", func() bool {
		r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(p.URL() + "/healthz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == 200
	})
}

func TestNoSecretIsInAnAnswerOrAMessage(t *testing.T) {
	h := pumping()
	p := serving(t, Settings{Config: Config{Users: users}}, h)
	c := browser(t)
	s := login(t, c, p, "anna")
	said := ""
	for _, a := range []answerOf{get(t, p, "/api/status", basic("anna", "secret-guess")), post(t, p, "/api/login", `{"user":"secret-guess","password":"secret-guess"}`),
		requestBy(t, c, "GET", p.URL()+"/api/overview", ""), requestBy(t, c, "GET", p.URL()+"/api/openapi.json", "")} {
		said += a.body
	}
	h.mu.Lock()
	for _, m := range h.heard {
		said += fmt.Sprintf("%+v", m)
	}
	h.mu.Unlock()
	for _, secret := range []string{"secret-guess", password, s.CSRF, "saltsalt", "c2FsdHNhbHQ"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is said", secret)
		}
	}
}
