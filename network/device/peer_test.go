package device

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// camera is a device on the loopback: a real HTTP server that checks logins in its own way and counts
// them. Its answers are gSOAP's in form; what it serves is set by its fields before it is asked.
type camera struct {
	auth      string        // "none", "token", "basic", "digest", "digest-sha256"
	user      string        // and its password
	password  string        //
	off       time.Duration // its clock minus ours
	open      []string      // operations that need no login; GetSystemDateAndTime is one unless shut
	shut      bool
	lockAfter int    // bad logins in a row; 0: never
	media2    bool   // it has one, and H265 in it
	host      string // what it calls itself; empty: as it was asked
	nonceLife int    // requests for which a nonce is good; 0: all
	silent    bool   // it does not say stale
	quirk     func(w http.ResponseWriter, r *http.Request, op string) (done bool)

	mu       sync.Mutex
	asked    []string       // operations, in order
	tries    map[string]int // by what was sent as a login, and was bad
	bad      int
	locked   bool
	nonce    int
	uses     int
	outdated int
	seen     map[string]bool
}

const goodPassword = "s3cret-&<pass>"

// start serves c on 127.0.0.1 and returns the order that asks for it.
func (c *camera) start(t *testing.T, logins ...protocol.Login) protocol.InterviewOrder {
	t.Helper()
	return order(t, c.serve(t).URL, logins...)
}

func order(t *testing.T, base string, logins ...protocol.Login) protocol.InterviewOrder {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.InterviewOrder{IP: u.Hostname(), XAddrs: []string{base + servicePath}, Logins: logins, ONVIFTime: 5 * time.Second}
}

func (c *camera) serve(t *testing.T) *httptest.Server {
	c.user, c.tries, c.seen = "admin", make(map[string]int), make(map[string]bool)
	if c.password == "" {
		c.password = goodPassword
	}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	return s
}

var right = protocol.Login{ID: "line 1", User: "admin", Password: goodPassword}

func wrong(n int) protocol.Login {
	return protocol.Login{ID: fmt.Sprintf("wrong %d", n), User: "admin", Password: fmt.Sprintf("wr0ng-%d", n)}
}

var operation = regexp.MustCompile(`<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><(\w+) xmlns="([^"]+)"`)

var port = regexp.MustCompile(`:\d+$`)

// ServeHTTP answers one request.
func (c *camera) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	found := operation.FindSubmatch(body)
	if found == nil {
		http.Error(w, "not in the form that every server reads", http.StatusTeapot)
		return
	}
	op := string(found[1])
	if strings.Contains(string(found[2]), "ver20/media") {
		op += "2"
	}
	c.asked = append(c.asked, op)
	if c.quirk != nil && c.quirk(w, r, op) {
		return
	}
	public := c.auth == "none" || op == "GetSystemDateAndTime" && !c.shut
	for _, name := range c.open {
		public = public || name == op
	}
	if !public && !c.admits(w, r, body) {
		return
	}
	say(w, http.StatusOK, c.answer(op, r.Host))
}

func say(w http.ResponseWriter, status int, inside string) {
	w.Header().Set("Content-Type", "text/html") // many do
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0"?><E:Envelope xmlns:E="http://www.w3.org/2003/05/soap-envelope"><E:Body>`+inside+`</E:Body></E:Envelope>`)
}

func fault(w http.ResponseWriter, status int, code, reason string) {
	say(w, status, `<E:Fault><E:Code><E:Value>E:Sender</E:Value><E:Subcode><E:Value>ter:`+code+`</E:Value></E:Subcode></E:Code><E:Reason><E:Text>`+
		reason+`</E:Text></E:Reason></E:Fault>`)
}

// answer is what it says of itself.
func (c *camera) answer(op, host string) string {
	if c.host != "" {
		host = c.host
	}
	now := time.Now().Add(c.off).UTC()
	wrap := func(inside string) string {
		return "<t:" + op + "Response>" + inside + "</t:" + op + "Response>"
	}
	switch op {
	case "GetSystemDateAndTime":
		return wrap(fmt.Sprintf("<SystemDateAndTime><DaylightSavings>true</DaylightSavings><UTCDateTime><Time><Hour>%d</Hour><Minute>%d</Minute><Second>%d</Second></Time>"+
			"<Date><Year>%d</Year><Month>%d</Month><Day>%d</Day></Date></UTCDateTime></SystemDateAndTime>", now.Hour(), now.Minute(), now.Second(), now.Year(), now.Month(), now.Day()))
	case "GetDeviceInformation":
		return wrap("<Manufacturer>Acme</Manufacturer><Model>Eye</Model><FirmwareVersion>1.2</FirmwareVersion><SerialNumber>S1</SerialNumber>")
	case "GetNetworkInterfaces":
		return wrap("<NetworkInterfaces><Enabled>true</Enabled><Info><HwAddress>02:00:00:00:00:05</HwAddress></Info></NetworkInterfaces>")
	case "GetServices":
		s := "<Service><Namespace>http://www.onvif.org/ver10/media/wsdl</Namespace><XAddr>http://" + host + "/onvif/media</XAddr></Service>"
		if c.media2 {
			s += "<Service><Namespace>http://www.onvif.org/ver20/media/wsdl</Namespace><XAddr>http://" + host + "/onvif/media2</XAddr></Service>"
		}
		return wrap(s)
	case "GetProfiles", "GetProfiles2":
		op = "GetProfiles"
		return wrap(c.profiles(len(c.asked) > 0 && c.asked[len(c.asked)-1] == "GetProfiles2"))
	case "GetStreamUri", "GetStreamUri2":
		op = "GetStreamUri"
		return wrap("<MediaUri><Uri>rtsp://admin:leak@" + port.ReplaceAllString(host, "") + ":8554/live?channel=1&subtype=" + strconv.Itoa(len(c.asked)) + "&password=leak</Uri></MediaUri>")
	case "GetScopes":
		return wrap("<Scopes><ScopeItem>onvif://www.onvif.org/name/Front%20door</ScopeItem></Scopes>")
	}
	return "<E:Fault><E:Code><E:Value>E:Receiver</E:Value><E:Subcode><E:Value>ter:ActionNotSupported</E:Value></E:Subcode></E:Code></E:Fault>"
}

func (c *camera) profiles(two bool) string {
	if two {
		return "<Profiles token='p2'><Name>sub</Name><Configurations><VideoEncoder token='e2'><Encoding>H264</Encoding><Resolution><Width>640</Width><Height>360</Height></Resolution></VideoEncoder></Configurations></Profiles>" +
			"<Profiles token='p1'><Name>main</Name><Configurations><VideoEncoder token='e1'><Encoding>H265</Encoding><Resolution><Width>2560</Width><Height>1440</Height></Resolution></VideoEncoder></Configurations></Profiles>"
	}
	return "<Profiles token='p1'><Name>main</Name><VideoEncoderConfiguration token='e1'><Encoding>H264</Encoding><Resolution><Width>2560</Width><Height>1440</Height></Resolution><RateControl><FrameRateLimit>12</FrameRateLimit></RateControl></VideoEncoderConfiguration></Profiles>"
}

// admits checks the login of a request, and answers it if it is none or a bad one.
func (c *camera) admits(w http.ResponseWriter, r *http.Request, body []byte) bool {
	sent := ""
	ok := false
	header := r.Header.Get("Authorization")
	switch c.auth {
	case "token":
		sent, ok = c.token(body)
	case "basic":
		user, password, given := r.BasicAuth()
		if given {
			sent = password
		}
		ok = user == c.user && password == c.password
	default:
		if header != "" {
			sent = c.whose(header, r)
		}
		ok = sent == c.password
	}
	if sent != "" && ok && !c.locked {
		c.bad = 0
		return c.fresh(w)
	}
	if sent != "" {
		c.tries[sent]++
		c.bad++
		c.locked = c.locked || c.lockAfter > 0 && c.bad >= c.lockAfter
	}
	c.refuse(w, sent)
	return false
}

// fresh ages the nonce of a good answer.
func (c *camera) fresh(w http.ResponseWriter) bool {
	if c.uses++; c.nonceLife == 0 || c.uses <= c.nonceLife {
		return true
	}
	c.nonce++
	c.uses = 0
	c.outdated++
	w.Header().Set("WWW-Authenticate", c.challenge()+fmt.Sprintf(`, stale=%v`, !c.silent))
	w.WriteHeader(http.StatusUnauthorized)
	return false
}

func (c *camera) challenge() string {
	algorithm := map[string]string{"digest": "MD5", "digest-sha256": "SHA-256"}[c.auth]
	return fmt.Sprintf(`Digest realm="a \"lab\"", qop="auth,auth-int", algorithm=%s, nonce="n%d", opaque="o"`, algorithm, c.nonce)
}

func (c *camera) refuse(w http.ResponseWriter, sent string) {
	reason := "Sender not authorized"
	if c.locked && sent != "" {
		reason = "Account locked"
	}
	switch c.auth {
	case "token":
		fault(w, http.StatusBadRequest, "NotAuthorized", reason)
	case "basic":
		w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
		http.Error(w, reason, http.StatusUnauthorized)
	default:
		if c.nonceLife > 0 {
			c.nonce, c.uses = c.nonce+1, 0
		}
		w.Header().Set("WWW-Authenticate", c.challenge())
		fault(w, http.StatusUnauthorized, "NotAuthorized", reason)
	}
}

// whose finds the password that a Digest answer was made with; a nonce count that was used is none's.
func (c *camera) whose(header string, r *http.Request) string {
	field := func(name string) string {
		found := regexp.MustCompile(`[ ,]` + name + `="?([^",]*)`).FindStringSubmatch(header)
		if found == nil {
			return ""
		}
		return found[1]
	}
	sum := func(s string) string {
		if c.auth == "digest-sha256" {
			h := sha256.Sum256([]byte(s))
			return hex.EncodeToString(h[:])
		}
		h := md5.Sum([]byte(s))
		return hex.EncodeToString(h[:])
	}
	used := field("nonce") + field("nc")
	again := c.seen[used]
	c.seen[used] = true
	for _, password := range []string{c.password, wrong(1).Password, wrong(2).Password, wrong(3).Password, wrong(4).Password} {
		key, request := sum(c.user+`:a "lab":`+password), sum("POST:"+r.URL.RequestURI())
		want := sum(key + ":" + field("nonce") + ":" + field("nc") + ":" + field("cnonce") + ":auth:" + request)
		if field("response") == want && field("uri") == r.URL.RequestURI() && field("nonce") == fmt.Sprintf("n%d", c.nonce) && !again {
			return password
		}
	}
	return "unknown"
}

// token checks a WS-UsernameToken as gSOAP does: +300 s, -540 s, no nonce twice.
func (c *camera) token(body []byte) (sent string, ok bool) {
	var e struct {
		Header struct {
			Security struct {
				UsernameToken struct{ Username, Password, Nonce, Created string }
			}
		}
	}
	if err := xml.Unmarshal(body, &e); err != nil {
		return "not XML", false
	}
	u := e.Header.Security.UsernameToken
	if u.Username == "" {
		return "", false
	}
	created, err := time.Parse("2006-01-02T15:04:05.000Z", u.Created)
	ahead := created.Sub(time.Now().Add(c.off))
	if err != nil || ahead > 300*time.Second || ahead < -540*time.Second || c.seen[u.Nonce] {
		return "out of time", false
	}
	c.seen[u.Nonce] = true
	nonce, _ := base64.StdEncoding.DecodeString(u.Nonce)
	for _, password := range []string{c.password, wrong(1).Password, wrong(2).Password, wrong(3).Password, wrong(4).Password} {
		h := sha1.Sum([]byte(string(nonce) + u.Created + password))
		if u.Password == base64.StdEncoding.EncodeToString(h[:]) && u.Username == c.user {
			return password, password == c.password
		}
	}
	return "unknown", false
}

// elsewhere is a host that nobody may talk to: its counter stays at zero.
func elsewhere(t *testing.T) (address string, met func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.9:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	n := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if state == http.StateNew {
			n++
		}
	}
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return l.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// noSecret fails if an answer holds a password or a user.
func noSecret(t *testing.T, a Answer) {
	t.Helper()
	text := fmt.Sprintf("%+v", a)
	for _, secret := range []string{goodPassword, "wr0ng", "admin", "leak", "s3cret"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
}
