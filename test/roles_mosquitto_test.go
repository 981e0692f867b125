//go:build mosquitto

package test

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/broker"
	"wildfire-watch/command"
	"wildfire-watch/protocol"
	"wildfire-watch/protocol/access"
	"wildfire-watch/protocol/password"
	"wildfire-watch/test/gear"
)

const rolesSecret = "correct horse"

// gate is an embedded broker with users and TLS, its certificates made by wildfire-watch certs.
type gate struct {
	t      *testing.T
	dir    string
	broker *broker.Broker
	ours   paho.Client
	mu     sync.Mutex
	heard  []string // payloads
}

func certs(t *testing.T, dir string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	if code := command.Main(append([]string{"certs", "--dir", dir}, args...), defaults(), &said, &said); code != 0 {
		t.Fatal(said.String())
	}
}

func openGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{t: t, dir: t.TempDir()}
	certs(t, g.dir, "--host", "pump.lan", "--client", "south")
	hash, err := password.Hash(rolesSecret)
	if err != nil {
		t.Fatal(err)
	}
	g.broker, err = broker.Open(broker.Settings{Listen: "127.0.0.1:0", TLSListen: "127.0.0.1:0", CertFile: g.at("server.crt"),
		KeyFile: g.at("server.key"), ClientCAFile: g.at("ca.crt"), Prefixes: protocol.Prefixes{Ours: "site7", Frigate: "frigate"},
		Users: []access.User{{Name: "north", Role: access.Camera, Hash: hash}, {Name: "panel", Role: access.Monitor, Hash: hash},
			{Name: "anna", Role: access.Operator, Hash: hash}, {Name: "south", Role: access.Camera, Hash: access.Certificate}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.broker.Close() })
	o := paho.NewClientOptions().AddBroker("tcp://inside:1").SetClientID("ours").SetAutoReconnect(false)
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return g.broker.Dial(context.Background()) })
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.heard = append(g.heard, string(m.Payload()))
	})
	g.ours = paho.NewClient(o)
	g.wait(g.ours.Connect())
	g.wait(g.ours.Subscribe("#", 1, nil))
	t.Cleanup(func() { g.ours.Disconnect(20) })
	return g
}

func (g *gate) at(name string) string { return filepath.Join(g.dir, name) }

func (g *gate) wait(token paho.Token) {
	g.t.Helper()
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		g.t.Fatalf("the broker does not answer: %v", token.Error())
	}
}

func (g *gate) has(payload string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.heard, payload)
}

// tool is a mosquitto client over TLS as a user with the password; no user: without a login.
func (g *gate) tool(name, user string, args ...string) *exec.Cmd {
	_, port, _ := net.SplitHostPort(g.broker.TLSAddr)
	all := []string{"-h", "127.0.0.1", "-p", port, "--cafile", g.at("ca.crt")}
	if user != "" {
		all = append(all, "-u", user, "-P", rolesSecret)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	g.t.Cleanup(cancel)
	return exec.CommandContext(ctx, name, append(all, args...)...)
}

// rights are topics with the letters of who may publish and who may read them: camera, monitor, operator.
var rights = []struct{ topic, publish, read string }{
	{"site7/fire/detection", "co", "mo"}, {"site7/fire/detection/north", "co", "mo"}, {"site7/fire/trigger", "o", "mo"},
	{"site7/fire/emergency", "o", "mo"}, {"site7/system/camera_telemetry", "co", "mo"}, {"site7/system/telemetry", "co", "mo"},
	{"site7/system/trigger_telemetry", "", "mo"}, {"site7/system/gpio_trigger/lwt", "", "mo"}, {"site7/system/gpio_trigger/health", "", "mo"},
	{"site7/camera/discovery/aa", "", "mo"}, {"site7/camera/status/aa", "", "mo"}, {"site7/frigate/config/cameras", "", "cmo"},
	{"frigate/events", "co", "cmo"}, {"frigate/available", "co", "cmo"}, {"frigate/stats", "co", "cmo"}, {"frigate/camera_activity", "co", "cmo"},
	{"frigate/north/status/detect", "co", "cmo"}, {"frigate/onConnect", "o", "cmo"}, {"frigate/north/detect/set", "o", "cmo"},
	{"fire/emergency", "", "mo"}, {"else", "", "mo"},
}

var rolesUsers = map[string]string{"north": "c", "panel": "m", "anna": "o"}

func TestMosquittoClientsPublishWhatTheirRoleMay(t *testing.T) {
	g := openGate(t)
	for user, letter := range rolesUsers {
		for _, r := range rights {
			text := user + " " + r.topic
			if out, err := g.tool("mosquitto_pub", user, "-t", r.topic, "-m", text).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v %s", text, err, out)
			}
			if err := g.tool("mosquitto_pub", user, "-q", "1", "-t", r.topic, "-m", text+" 1").Run(); (err == nil) != strings.Contains(r.publish, letter) {
				t.Errorf("%s publishes on %s with QoS 1: %v", user, r.topic, err)
			}
		}
	}
	g.wait(g.ours.Publish("end", 1, false, "end"))
	if !gear.Await(10*time.Second, func() bool { return g.has("end") }) {
		t.Fatal("the end never came")
	}
	for user, letter := range rolesUsers {
		for _, r := range rights {
			if got := g.has(user + " " + r.topic); got != strings.Contains(r.publish, letter) {
				t.Errorf("%s published on %s: %v", user, r.topic, got)
			}
		}
	}
}

func TestMosquittoClientsReadWhatTheirRoleMay(t *testing.T) {
	g := openGate(t)
	for user, letter := range rolesUsers {
		args, want := []string{"-W", "10", "-F", "%t"}, []string{"end"}
		for _, r := range rights {
			args = append(args, "-t", r.topic)
			if strings.Contains(r.read, letter) {
				want = append(want, r.topic)
			}
		}
		end := map[bool]string{true: "frigate/end", false: "end"}[letter == "c"]
		want[0] = end
		var out bytes.Buffer
		sub := g.tool("mosquitto_sub", user, append(args, "-t", end, "-C", "200")...)
		sub.Stdout = &out
		if !gear.Await(10*time.Second, func() bool { return g.broker.Clients() == 1 }) {
			t.Fatal("the one before does not go")
		}
		if err := sub.Start(); err != nil {
			t.Fatal(err)
		}
		if !gear.Await(10*time.Second, func() bool { return g.broker.Clients() == 2 }) {
			t.Fatalf("%s never came", user)
		}
		done := make(chan error, 1)
		go func() { done <- sub.Wait() }()
		for range 20 { // its subscriptions may come a little later than itself
			for _, r := range rights {
				g.wait(g.ours.Publish(r.topic, 0, false, "x"))
			}
			g.wait(g.ours.Publish(end, 0, false, "x"))
			<-time.After(20 * time.Millisecond)
		}
		_ = sub.Process.Kill()
		<-done
		got := slices.Compact(slices.Sorted(slices.Values(strings.Fields(out.String()))))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s reads\n%q, wanted\n%q", user, got, want)
		}
	}
	for _, c := range [][2]string{{"north", "#"}, {"north", "site7/#"}, {"north", "$SYS/#"}, {"anna", "$share/g/#"}} {
		out, err := g.tool("mosquitto_sub", c[0], "-t", c[1], "-W", "3", "-E").CombinedOutput()
		if !strings.Contains(string(out), "denied") {
			t.Errorf("%s subscribes to %s: %v %s", c[0], c[1], err, out)
		}
	}
	for _, c := range [][2]string{{"north", "frigate/#"}, {"panel", "#"}, {"anna", "site7/#"}} { // Frigate subscribes so
		if out, err := g.tool("mosquitto_sub", c[0], "-t", c[1], "-W", "5", "-E").CombinedOutput(); err != nil {
			t.Errorf("%s subscribes to %s: %v %s", c[0], c[1], err, out)
		}
	}
}

func TestMosquittoClientsMeetTLS(t *testing.T) {
	g := openGate(t)
	try := func(what string, good bool, cmd *exec.Cmd) {
		t.Helper()
		if out, err := cmd.CombinedOutput(); (err == nil) != good {
			t.Errorf("%s: %v %s", what, err, out)
		}
	}
	pub := []string{"-t", "site7/fire/detection", "-m", "x", "-q", "1"}
	try("a login", true, g.tool("mosquitto_pub", "north", pub...))
	try("no login", false, g.tool("mosquitto_pub", "", pub...))
	try("a stranger", false, g.tool("mosquitto_pub", "nobody", pub...))
	try("a certificate", true, g.tool("mosquitto_pub", "", append(pub, "--cert", g.at("client-south.crt"), "--key", g.at("client-south.key"))...))
	try("a certificate of another", false, g.tool("mosquitto_pub", "anna", append(pub, "--cert", g.at("client-south.crt"), "--key", g.at("client-south.key"))...))
	for version, good := range map[string]bool{"-tls1_1": false, "-tls1_2": true, "-tls1_3": true} {
		try(version, good, exec.Command("openssl", "s_client", "-connect", g.broker.TLSAddr, version, "-cipher", "ALL@SECLEVEL=0",
			"-CAfile", g.at("ca.crt"), "-verify_return_error"))
	}
	other := t.TempDir()
	certs(t, other, "--client", "south")
	try("a wrong CA at the client", false, g.tool("mosquitto_pub", "north", append(pub, "--cafile", filepath.Join(other, "ca.crt"))...))
	try("a wrong CA at the server", false, g.tool("mosquitto_pub", "", append(pub, "--cert", filepath.Join(other, "client-south.crt"),
		"--key", filepath.Join(other, "client-south.key"))...))
	for _, file := range []string{"server.crt", "client-south.crt"} {
		out, err := exec.Command("openssl", "verify", "-x509_strict", "-CAfile", g.at("ca.crt"), g.at(file)).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "OK") {
			t.Errorf("openssl verify %s: %v %s", file, err, out)
		}
		if err := exec.Command("openssl", "verify", "-CAfile", filepath.Join(other, "ca.crt"), g.at(file)).Run(); err == nil {
			t.Errorf("%s is signed by everybody", file)
		}
	}
	name, err := exec.Command("openssl", "verify", "-CAfile", g.at("ca.crt"), "-verify_hostname", "pump.lan", "-purpose", "sslserver", g.at("server.crt")).CombinedOutput()
	if err != nil {
		t.Errorf("openssl verify of the name: %v %s", err, name)
	}
}
