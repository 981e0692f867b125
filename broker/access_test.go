package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"go.uber.org/zap"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/access"
	"wildfire-watch/protocol/password"
)

// secret is the password of everybody here; its hash is made once.
const secret = "correct horse"

var hashed = sync.OnceValue(func() string {
	hash, err := password.Hash(secret)
	if err != nil {
		panic(err)
	}
	return hash
})

// users are one of each role.
func users() []access.User {
	return []access.User{{Name: "north", Role: access.Camera, Hash: hashed()}, {Name: "panel", Role: access.Monitor, Hash: hashed()},
		{Name: "anna", Role: access.Operator, Hash: hashed()}, {Name: "cert", Role: access.Camera, Hash: access.Certificate}}
}

// told keeps what a broker tells.
type told struct {
	mu  sync.Mutex
	all []any
}

func (k *told) hear(msg any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, msg)
}

// refused is how often something was refused to somebody.
func (k *told) refused(user, reason string) (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, msg := range k.all {
		if r, ok := msg.(protocol.Rejected); ok && r.Source == "broker" && r.User == user && r.Reason == reason {
			n += max(r.Count, 1)
		}
	}
	return n
}

func (k *told) first(want func(msg any) bool) any {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, msg := range k.all {
		if want(msg) {
			return msg
		}
	}
	return nil
}

func guarded(t testing.TB, change func(*Settings)) (*Broker, *told) {
	t.Helper()
	s := Settings{Listen: "127.0.0.1:0", Users: users(), Prefixes: protocol.Prefixes{Frigate: "frigate"}, Log: zap.NewNop()}
	if change != nil {
		change(&s)
	}
	b, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	k := &told{}
	b.refusals.every = 20 * time.Millisecond
	b.Tell(k.hear)
	return b, k
}

// options are a client's before it connects.
func options(b *Broker, user, id string) *paho.ClientOptions {
	o := paho.NewClientOptions().AddBroker("tcp://" + b.Addr).SetClientID(id).SetAutoReconnect(false)
	o.SetProtocolVersion(4).SetConnectTimeout(patience)
	if user != "" {
		o.SetUsername(user).SetPassword(secret)
	}
	return o
}

func enter(t testing.TB, o *paho.ClientOptions) paho.Client {
	t.Helper()
	c := paho.NewClient(o)
	done(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(20) })
	return c
}

func refusedToEnter(t testing.TB, o *paho.ClientOptions) {
	t.Helper()
	c := paho.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() == nil {
		t.Errorf("%s was let in", o.Username)
		c.Disconnect(20)
	}
}

func TestWithUsersEverybodyLogsInButOurselves(t *testing.T) {
	b, k := guarded(t, nil)
	enter(t, options(b, "anna", "a"))
	refusedToEnter(t, options(b, "", "nobody"))
	refusedToEnter(t, options(b, "anna", "b").SetPassword("wrong horse"))
	refusedToEnter(t, options(b, "anna", "b").SetPassword(""))
	refusedToEnter(t, options(b, "stranger", "b"))
	refusedToEnter(t, options(b, "cert", "b"))
	inside(t, b, "wildfire-watch-telemetry", nil)
	for user, reason := range map[string]string{"": "anonymous", "anna": "login", "cert": "login"} {
		eventually(t, reason, func() bool { return k.refused(user, reason) > 0 })
	}
	for _, msg := range k.all {
		if r, ok := msg.(protocol.Rejected); ok && r.Login != "127.0.0.1" {
			t.Errorf("from where: %+v", r)
		}
	}
	if s := fmt.Sprint(k.all); strings.Contains(s, "stranger") || strings.Contains(s, "horse") {
		t.Errorf("what a stranger says is repeated: %s", s)
	}
}

// probes are topics of every sort, each with the letters of who may publish and who may read it: camera,
// monitor, operator.
var probes = []struct{ topic, publish, read string }{
	{"fire/detection", "co", "mo"}, {"fire/detection/north", "co", "mo"}, {"fire/trigger", "o", "mo"}, {"fire/emergency", "o", "mo"},
	{"system/camera_telemetry", "co", "mo"}, {"system/telemetry", "co", "mo"}, {"system/trigger_telemetry", "", "mo"},
	{"system/gpio_trigger/lwt", "", "mo"}, {"system/gpio_trigger/health", "", "mo"}, {"camera/discovery/x", "", "mo"},
	{"camera/status/x", "", "mo"}, {"frigate/config/cameras", "", "cmo"}, {"frigate/events", "co", "cmo"}, {"frigate/available", "co", "cmo"},
	{"frigate/north/status/detect", "co", "cmo"}, {"frigate/north/fire", "co", "cmo"}, {"frigate/onConnect", "o", "cmo"},
	{"frigate/north/detect/set", "o", "cmo"}, {"anything/else", "", "mo"},
}

// TestRolesOverTheWire sends on every topic as every role, and reads every topic as every role.
func TestRolesOverTheWire(t *testing.T) {
	b, k := guarded(t, nil)
	heard := make(chan string, 1000)
	ours := inside(t, b, "ours", func(m paho.Message) { heard <- string(m.Payload()) })
	done(t, ours.Subscribe("#", 0, nil))
	for _, u := range users()[:3] {
		letter := string(u.Role[0])
		reads := make(chan string, 1000)
		o := options(b, u.Name, u.Name)
		o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { reads <- m.Topic() })
		c := enter(t, o)
		var want, wantReads []string
		for _, p := range probes {
			if strings.Contains(p.publish, letter) {
				want = append(want, u.Name+" "+p.topic)
			}
			done(t, c.Publish(p.topic, 0, false, u.Name+" "+p.topic))
			granted := grants(t, c, p.topic)
			if granted != strings.Contains(p.read, letter) {
				t.Errorf("%s subscribes to %s: %v", u.Name, p.topic, granted)
			}
			if granted {
				wantReads = append(wantReads, p.topic)
			}
		}
		for _, p := range probes {
			done(t, ours.Publish(p.topic, 0, false, "round"))
		}
		done(t, ours.Publish("end", 0, false, "end"))
		var got []string
		for text := ""; text != "end"; {
			select {
			case text = <-heard:
			case <-time.After(patience):
				t.Fatal("the end never came")
			}
			if strings.HasPrefix(text, u.Name) {
				got = append(got, text)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s published\n%q, wanted\n%q", u.Name, got, want)
		}
		eventually(t, u.Name+" reads all", func() bool { return len(reads) >= len(wantReads) })
		if denied := len(probes) - len(want); denied > 0 {
			eventually(t, "refusals are told", func() bool { return k.refused(u.Name, "publish") == denied })
		}
		if !c.IsConnectionOpen() {
			t.Errorf("%s was sent away for QoS 0", u.Name)
		}
	}
	event, _ := k.first(func(m any) bool { o, ok := m.(protocol.Occurred); return ok && o.Details["user"] == "panel" }).(protocol.Occurred)
	if event.Action != protocol.CommandRefused || event.Reason != "role" || event.Details["source"] != "mqtt" {
		t.Errorf("a refused order is recorded as %+v", event)
	}
	if b.Refused() == 0 || !ours.IsConnectionOpen() {
		t.Error("refusals are counted, and end nobody else")
	}
}

func TestWildcardsAreGrantedAsFarAsTheRoleReaches(t *testing.T) {
	b, _ := guarded(t, nil)
	for user, want := range map[string][]string{"north": {"frigate/#"}, "panel": {"#", "fire/+", "frigate/#", "$SYS/#"}} {
		c := enter(t, options(b, user, user))
		for _, filter := range []string{"#", "fire/+", "frigate/#", "+/+", "$SYS/#", "$share/g/fire/#"} {
			if granted := grants(t, c, filter); granted != slices.Contains(append(want, map[bool]string{true: "+/+"}[user == "panel"]), filter) {
				t.Errorf("%s subscribes to %s: %v", user, filter, granted)
			}
		}
	}
}

// grants subscribes and says whether it was granted.
func grants(t testing.TB, c paho.Client, filter string) bool {
	t.Helper()
	token := c.Subscribe(filter, 1, nil).(*paho.SubscribeToken)
	if !token.WaitTimeout(patience) || len(token.Result()) != 1 {
		t.Fatalf("no answer to a subscription to %.40q: %v", filter, token.Error())
	}
	for _, code := range token.Result() {
		return code < 3
	}
	return false
}

// TestAWillIsHeldAgainstTheRights: the library asks nobody about wills.
func TestAWillIsHeldAgainstTheRights(t *testing.T) {
	b, k := guarded(t, nil)
	heard := make(chan string, 10)
	ours := inside(t, b, "ours", func(m paho.Message) { heard <- m.Topic() })
	done(t, ours.Subscribe("fire/#", 1, nil))
	die := func(user, topic string) {
		o := options(b, user, user+topic).SetWill(topic, "start", 1, false)
		var conn net.Conn
		o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (c net.Conn, err error) {
			conn, err = net.Dial("tcp", b.Addr)
			return conn, err
		})
		enter(t, o)
		_ = conn.Close()
	}
	die("north", "fire/emergency")
	die("panel", "fire/detection")
	die("north", "fire/detection/north")
	select {
	case topic := <-heard:
		if topic != "fire/detection/north" {
			t.Errorf("a will came on %s", topic)
		}
	case <-time.After(patience):
		t.Fatal("the will that is allowed never came")
	}
	eventually(t, "told", func() bool { return k.refused("north", "will") == 1 && k.refused("panel", "will") == 1 })
}

// TestNobodyTakesOverAnothersConnection: the library ends whoever has the id that a newcomer brings.
func TestNobodyTakesOverAnothersConnection(t *testing.T) {
	b, _ := guarded(t, nil)
	const id = "wildfire-watch-gpio_trigger"
	ours := inside(t, b, id, nil)
	anna := enter(t, options(b, "anna", id))
	enter(t, options(b, "north", id))
	for _, c := range []paho.Client{ours, anna} {
		done(t, c.Publish("fire/emergency", 1, false, "stop"))
		if !c.IsConnectionOpen() {
			t.Error("it was sent away")
		}
	}
	again := enter(t, options(b, "anna", id))
	eventually(t, "one's own id is taken over", func() bool { return !anna.IsConnectionOpen() })
	done(t, again.Publish("fire/emergency", 1, false, "stop"))
}

// TestAFloodIsDroppedThenSentAway, and an order of the same client still passes in time.
func TestAFloodIsDroppedThenSentAway(t *testing.T) {
	usual := publishing
	publishing = pace{50, 200}
	t.Cleanup(func() { publishing = usual }) // after the broker is closed: cleanups run last in, first out
	b, k := guarded(t, nil)
	heard := make(chan string, 100)
	ours := inside(t, b, "ours", func(m paho.Message) { heard <- string(m.Payload()) })
	done(t, ours.Subscribe("fire/emergency", 1, nil))
	c := enter(t, options(b, "anna", "anna"))
	for range 400 {
		c.Publish("fire/detection", 0, false, "x")
	}
	done(t, c.Publish("fire/emergency", 1, false, "stop"))
	select {
	case <-heard:
	case <-time.After(patience):
		t.Fatal("the order never came")
	}
	eventually(t, "the excess is told", func() bool { return k.refused("anna", "rate") > 0 })
	if !c.IsConnectionOpen() {
		t.Error("a client that was too fast for a moment is sent away")
	}
	for end := time.Now().Add(patience); c.IsConnectionOpen() && time.Now().Before(end); {
		c.Publish("fire/detection", 0, false, make([]byte, 4096))
	}
	if c.IsConnectionOpen() {
		t.Error("a client far beyond its rate is kept")
	}
	eventually(t, "told", func() bool { return k.refused("anna", "flood") == 1 })
}

func TestTopicsWithoutShapeGoNowhere(t *testing.T) {
	b, k := guarded(t, nil)
	c := enter(t, options(b, "panel", "panel"))
	for _, filter := range []string{strings.Repeat("a/", MaxLevels) + "#", strings.Repeat("x", MaxTopic+1), strings.Repeat("/", 60000)} {
		if grants(t, c, filter) {
			t.Errorf("a filter of %d bytes is granted", len(filter))
		}
	}
	eventually(t, "told", func() bool { return k.refused("panel", "topic") == 3 })
	done(t, c.Publish(strings.Repeat("a/", 20000), 0, false, "x"))
	eventually(t, "told", func() bool { return k.refused("panel", "topic") == 4 })
}

func TestSubscriptionsOfOneClientAreBounded(t *testing.T) {
	b, _ := start(t, "127.0.0.1:0")
	c := join(t, b, "greedy", nil)
	refused := 0
	for i := range MaxSubscriptions + 10 {
		if !grants(t, c, fmt.Sprint("t/", i)) {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d were refused", refused)
	}
	if !grants(t, c, "t/1") {
		t.Error("one that it has is refused")
	}
}

// authority makes certificates for tests.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newTestAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key, dir: t.TempDir()}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.cert.Raw = a.make(a.cert, key, "ca")
	return a
}

func (a *authority) at(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) make(template *x509.Certificate, key *ecdsa.PrivateKey, name string) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, _ := x509.MarshalPKCS8PrivateKey(key)
	for file, block := range map[string]*pem.Block{name + ".key": {Type: "PRIVATE KEY", Bytes: private}, name + ".crt": {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(a.at(file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return der
}

// issue makes a certificate and its files.
func (a *authority) issue(name string) tls.Certificate {
	a.t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.make(&x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, key, name)
	pair, err := tls.LoadX509KeyPair(a.at(name+".crt"), a.at(name+".key"))
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

func (a *authority) trust(certs ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	root, err := x509.ParseCertificate(a.cert.Raw)
	if err != nil {
		a.t.Fatal(err)
	}
	pool.AddCert(root)
	return &tls.Config{RootCAs: pool, Certificates: certs}
}

func secured(t testing.TB) (*Broker, *told, *authority) {
	a := newTestAuthority(t)
	a.issue("server")
	b, k := guarded(t, func(s *Settings) {
		s.TLSListen, s.CertFile, s.KeyFile, s.ClientCAFile = "127.0.0.1:0", a.at("server.crt"), a.at("server.key"), a.at("ca.crt")
	})
	return b, k, a
}

func secureOptions(b *Broker, user string, c *tls.Config) *paho.ClientOptions {
	o := options(b, user, user+"-tls")
	o.Servers = nil
	return o.AddBroker("ssl://" + b.TLSAddr).SetTLSConfig(c)
}

func TestTLSAndCertificatesOfClients(t *testing.T) {
	b, k, a := secured(t)
	enter(t, secureOptions(b, "anna", a.trust()))
	refusedToEnter(t, secureOptions(b, "anna", a.trust()).SetPassword("wrong horse"))
	refusedToEnter(t, secureOptions(b, "anna", newTestAuthority(t).trust()))
	refusedToEnter(t, secureOptions(b, "", a.trust()))
	c := enter(t, secureOptions(b, "", a.trust(a.issue("cert"))))
	if grants(t, c, "fire/#") {
		t.Error("a certificate gives more than its user's role")
	}
	enter(t, secureOptions(b, "cert", a.trust(a.issue("cert"))))
	refusedToEnter(t, secureOptions(b, "anna", a.trust(a.issue("cert"))))
	refusedToEnter(t, secureOptions(b, "", a.trust(a.issue("stranger"))))
	refusedToEnter(t, secureOptions(b, "", a.trust(newTestAuthority(t).issue("cert"))))
	old := a.trust()
	old.MaxVersion = tls.VersionTLS11
	old.MinVersion = tls.VersionTLS10
	refusedToEnter(t, secureOptions(b, "anna", old))
	eventually(t, "told", func() bool { return k.refused("", "certificate") == 1 && k.refused("anna", "certificate") == 1 })
}

func TestCertificatesAreReadAnewAndBadOnesChangeNothing(t *testing.T) {
	b, k, a := secured(t)
	serial := func() string {
		conn, err := tls.Dial("tcp", b.TLSAddr, a.trust())
		if err != nil {
			return err.Error()
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	if err := os.WriteFile(a.at("server.crt"), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	faulty := func(cleared bool) func() bool {
		return func() bool {
			serial()
			return k.first(func(m any) bool {
				f, ok := m.(protocol.Fault)
				return ok && f.Code == "broker_tls" && f.Cleared == cleared && (cleared || strings.Contains(f.Text, "server.crt"))
			}) != nil
		}
	}
	eventually(t, "a fault", faulty(false))
	if now := serial(); now != first {
		t.Errorf("the old certificate is gone: %s", now)
	}
	k.mu.Lock()
	k.all = nil
	k.mu.Unlock()
	a.issue("server")
	eventually(t, "the fault is over", faulty(true))
	if now := serial(); now == first || strings.Contains(now, " ") {
		t.Errorf("the new certificate is not used: %s", now)
	}
}

func TestWithoutUsersNothingIsOpenedToTheNetwork(t *testing.T) {
	b, k := guarded(t, func(s *Settings) { s.Users, s.TLSListen = nil, "127.0.0.1:0" })
	if b.TLSAddr != "" || k.first(func(m any) bool { f, ok := m.(protocol.Fault); return ok && strings.Contains(f.Text, "users is empty") }) == nil {
		t.Errorf("it listens on %q, tells %v", b.TLSAddr, k.all)
	}
	c, _ := guarded(t, func(s *Settings) { s.TLSListen = "127.0.0.1:0" })
	if conn, err := tls.Dial("tcp", c.TLSAddr, &tls.Config{InsecureSkipVerify: true}); err == nil {
		_ = conn.Close()
		t.Error("a handshake without a certificate")
	}
}

// TestPasswordsAreTriedSlowly: a crowd that guesses takes little of the machine, and whoever was right
// before comes in at once.
func TestPasswordsAreTriedSlowly(t *testing.T) {
	usual := logins
	logins = pace{0.01, 10} // however slow the machine is that looks at them
	t.Cleanup(func() { logins = usual })
	b, k := guarded(t, nil)
	enter(t, options(b, "anna", "a"))
	begun := time.Now()
	for range 40 {
		refusedToEnter(t, options(b, "anna", "b").SetPassword("wrong horse"))
	}
	enter(t, options(b, "anna", "a"))
	eventually(t, "told", func() bool { return k.refused("anna", "login rate") > 20 })
	t.Logf("40 guesses and a login in %v", time.Since(begun))
}
