//go:build mosquitto

// These tests need Debian's mosquitto and mosquitto-clients: go test -tags mosquitto.

package bridge

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/protocol"
)

// mosquitto is a real broker on a port of its own.
type mosquitto struct {
	t    testing.TB
	dir  string
	addr string
	run  *exec.Cmd
}

func newMosquitto(t testing.TB, lines ...string) *mosquitto {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mosquitto{t: t, dir: t.TempDir(), addr: free.Addr().String()}
	_ = free.Close()
	_, port, _ := net.SplitHostPort(m.addr)
	if len(lines) == 0 {
		lines = []string{"allow_anonymous true"}
	}
	lines = append([]string{"listener " + port + " 127.0.0.1", "persistence true",
		"persistence_location " + m.dir + "/", "max_queued_messages 0", "max_inflight_messages 0",
		"user root"}, lines...)
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(m.dir, "m.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(func() { m.stop(syscall.SIGKILL) })
	return m
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.run = exec.Command("mosquitto", "-c", filepath.Join(m.dir, "m.conf"))
	if err := m.run.Start(); err != nil {
		m.t.Fatal(err)
	}
	eventually(m.t, "mosquitto listens", func() bool {
		c, err := net.Dial("tcp", m.addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

func (m *mosquitto) stop(how syscall.Signal) {
	if m.run.ProcessState != nil {
		return
	}
	_ = m.run.Process.Signal(how)
	_ = m.run.Wait()
}

func (m *mosquitto) pub(args ...string) {
	m.t.Helper()
	_, port, _ := net.SplitHostPort(m.addr)
	args = append([]string{"-h", "127.0.0.1", "-p", port}, args...)
	if out, err := exec.Command("mosquitto_pub", args...).CombinedOutput(); err != nil {
		m.t.Fatalf("mosquitto_pub %v: %v %s", args, err, out)
	}
}

// history is a subscriber whose session outlives the broker's restarts.
type history struct {
	mu      sync.Mutex
	seqs    []int
	doubled int // the same event twice, and not by the broker's own redelivery
}

func (h *history) follow(t testing.TB, addr string) {
	seen := map[int]bool{}
	o := paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("history")
	o.SetCleanSession(false).SetAutoReconnect(true).SetMaxReconnectInterval(200 * time.Millisecond)
	o.SetConnectRetry(true).SetConnectRetryInterval(100 * time.Millisecond).SetResumeSubs(true)
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
		var e protocol.Event
		if json.Unmarshal(m.Payload(), &e) != nil {
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if seen[int(e.Seq)] {
			if !m.Duplicate() {
				h.doubled++
			}
			return
		}
		seen[int(e.Seq)] = true
		h.seqs = append(h.seqs, int(e.Seq))
	})
	c := paho.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	if token := c.Subscribe("system/trigger_telemetry", 1, nil); !token.WaitTimeout(patience) {
		t.Fatal("no answer to subscribe")
	}
	t.Cleanup(func() { c.Disconnect(50) })
}

func (h *history) now() (seqs []int, doubled int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.seqs), h.doubled
}

func TestMosquittoRestartedInTheMiddleOfAThousandEvents(t *testing.T) {
	doubles := 0
	for round := range 5 {
		m := newMosquitto(t)
		var past history
		past.follow(t, m.addr)
		h := move(t, Settings{Config: Config{URL: "tcp://" + m.addr, ClientID: "ww"}})
		h.occurred(protocol.MQTTConnected, 1)
		for i := range 1000 {
			h.ref.Send(event(i + 1))
			if i == 200+round*100 {
				<-time.After(20 * time.Millisecond)
				go func() {
					m.stop(syscall.SIGTERM)
					m.start()
				}()
			}
			if i%10 == 0 {
				<-time.After(time.Millisecond)
			}
		}
		h.occurred(protocol.MQTTConnected, 2)
		eventually(t, "a thousand events", func() bool { s, _ := past.now(); return len(s) >= 1000 })
		seqs, doubled := past.now()
		if len(seqs) != 1000 || !slices.IsSorted(seqs) {
			t.Errorf("round %d: %d events, in order %v", round, len(seqs), slices.IsSorted(seqs))
		}
		doubles += doubled
		h.leave()
	}
	t.Logf("%d doubled events in 5 restarts", doubles)
	if doubles > 1 {
		t.Errorf("%d doubled events in 5 orderly restarts", doubles)
	}
}

func TestMosquittoKilledLosesNothingThatItHadNotTaken(t *testing.T) {
	m := newMosquitto(t)
	c := join(t, m.addr, "system/trigger_telemetry")
	h := move(t, Settings{Config: Config{URL: "tcp://" + m.addr, ClientID: "ww"}})
	h.occurred(protocol.MQTTConnected, 1)
	for i := range 100 {
		h.ref.Send(event(i + 1))
	}
	for range 100 {
		c.next("system/trigger_telemetry")
	}
	m.stop(syscall.SIGKILL)
	h.occurred(protocol.MQTTDisconnected, 1)
	for i := range 100 {
		h.ref.Send(event(101 + i))
	}
	m.start()
	var past history
	past.follow(t, m.addr)
	h.occurred(protocol.MQTTConnected, 2)
	eventually(t, "the rest", func() bool {
		s, _ := past.now()
		return len(s) > 0 && s[len(s)-1] == 200 && slices.IsSorted(s)
	})
}

func TestMosquittoClientsDriveAndWatchTheBridge(t *testing.T) {
	m := newMosquitto(t)
	m.pub("-t", "fire/emergency", "-q", "1", "-r", "-m", "start")
	m.pub("-t", "fire/trigger", "-q", "2", "-r", "-m", `{"action":"trigger"}`)
	h := move(t, Settings{Config: Config{URL: "tcp://" + m.addr, ClientID: "ww"}})
	h.occurred(protocol.MQTTConnected, 1)
	until[protocol.Rejected](h, 2)
	m.pub("-t", "fire/emergency", "-q", "0", "-m", " Stop\n")
	m.pub("-t", "fire/emergency", "-q", "2", "-m", `"emergency_stop"`)
	m.pub("-t", "fire/trigger", "-q", "2", "-m", `{"action":"trigger"}`)
	m.pub("-t", "fire/detection/n", "-m", `{"confidence":0.9,"bbox":[0.1,0.1,0.2,0.2]}`)
	huge := filepath.Join(m.dir, "huge")
	if err := os.WriteFile(huge, make([]byte, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	m.pub("-t", "fire/detection/n", "-f", huge)
	m.pub("-t", "fire/emergency", "-q", "1", "-m", "reset")
	cmds := until[protocol.Command](h, 3)
	if cmds[0].Action != protocol.CommandStop || cmds[1].Action != protocol.CommandStop ||
		cmds[2].Action != protocol.CommandReset {
		t.Errorf("%+v", cmds)
	}
	until[protocol.Detected](h, 1)
	if n := len(until[protocol.TriggerRequested](h, 1)); n != 1 {
		t.Errorf("%d triggers", n)
	}
	_, port, _ := net.SplitHostPort(m.addr)
	out, err := exec.Command("mosquitto_sub", "-p", port, "-t", "system/+/lwt", "-C", "4", "-W", "5",
		"-F", "%t %r %p").Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	want := []string{"system/camera_detector/lwt 1 online", "system/fire_consensus/lwt 1 online",
		"system/gpio_trigger/lwt 1 online", "system/telemetry/lwt 1 online"}
	if err != nil || !slices.Equal(lines, want) {
		t.Errorf("%v: %q", err, lines)
	}
	if len(all[protocol.BrokerLink](h)) != 4 {
		t.Errorf("links %v", all[protocol.BrokerLink](h))
	}
}

func TestMosquittoWithALoginAndTLSOnlyLetsTheRightOneIn(t *testing.T) {
	dir := t.TempDir()
	sign, _ := authority(t, dir)
	sign("server")
	sign("client")
	at := func(name string) string { return filepath.Join(dir, name) }
	if out, err := exec.Command("mosquitto_passwd", "-b", "-c", at("logins"), "u",
		"right").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	m := newMosquitto(t, "allow_anonymous false", "password_file "+at("logins"),
		"cafile "+at("ca.pem"), "certfile "+at("server.pem"), "keyfile "+at("server.key"),
		"require_certificate true")
	for _, word := range []string{"wrong", "right"} {
		if err := os.WriteFile(at(word), []byte(word+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := Config{URL: "ssl://" + m.addr, ClientID: "ww", Username: "u", CAFile: at("ca.pem"),
		CertFile: at("client.pem"), KeyFile: at("client.key"), PasswordFile: at("wrong")}
	h := move(t, Settings{Config: c})
	f := until[protocol.Fault](h, 1)[0]
	if !strings.Contains(strings.ToLower(f.Text), "not authori") &&
		!strings.Contains(strings.ToLower(f.Text), "bad user") {
		t.Errorf("wrong password: %s", f.Text)
	}
	h.leave()
	c.PasswordFile = at("right")
	h = move(t, Settings{Config: c})
	h.occurred(protocol.MQTTConnected, 1)
}

func TestARecordingEqualsMosquittoSubs(t *testing.T) {
	m := newMosquitto(t)
	ctx, cancel := context.WithCancel(context.Background())
	f, ended, seen := &tape{}, make(chan error, 1), make(chan int, 1000)
	go func() {
		ended <- Record(ctx, Settings{Config: Config{URL: "tcp://" + m.addr, ClientID: "ww"},
			FrigatePrefix: "frigate"}, f, func(n int, _ int64) { seen <- n })
	}()
	<-seen
	_, port, _ := net.SplitHostPort(m.addr)
	sub := exec.Command("mosquitto_sub", "-p", port, "-F", "%j", "-C", "3", "-W", "10", "-q", "2",
		"-t", "fire/trigger", "-t", "fire/emergency", "-t", "frigate/events")
	out := new(strings.Builder)
	sub.Stdout = out
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	<-time.After(300 * time.Millisecond)
	m.pub("-t", "frigate/events", "-m", `{"a":"<é>"}`)
	m.pub("-t", "fire/trigger", "-q", "2", "-m", "x\ty")
	m.pub("-t", "fire/trigger", "-q", "2", "-n")
	for n := range seen {
		if n == 3 {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := sub.Wait(); err != nil {
		t.Fatal(err)
	}
	theirs, ours := strings.Split(strings.TrimSpace(out.String()), "\n"), f.lines()
	for i := range theirs {
		_, a, _ := strings.Cut(theirs[i], ",")
		_, b, _ := strings.Cut(ours[i], ",")
		if a != b || len(theirs[i]) != len(ours[i]) {
			t.Errorf("theirs %s\nours   %s", theirs[i], ours[i])
		}
	}
}
