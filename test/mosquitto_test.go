//go:build mosquitto

package test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/test/gear"
)

// mosquitto is a real broker of Debian's on a free port of the loopback.
type mosquitto struct {
	t    *testing.T
	dir  string
	port string
	cmd  *exec.Cmd
}

func startMosquitto(t *testing.T) *mosquitto {
	t.Helper()
	m := &mosquitto{t: t, dir: t.TempDir(), port: freePort(t)}
	conf := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\nuser root\nmax_queued_messages 20000\n", m.port, m.dir)
	if err := os.WriteFile(filepath.Join(m.dir, "mosquitto.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(m.stop)
	return m
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.cmd = exec.Command("mosquitto", "-c", filepath.Join(m.dir, "mosquitto.conf"))
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.cmd.Start(); err != nil {
		m.t.Fatalf("start mosquitto (Debian package mosquitto): %v", err)
	}
	if !gear.Await(10*time.Second, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+m.port)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}) {
		m.t.Fatal("mosquitto does not listen")
	}
}

// stop ends the broker in good order: it saves its sessions.
func (m *mosquitto) stop() {
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	_ = m.cmd.Wait()
}

func (m *mosquitto) url() string { return "tcp://127.0.0.1:" + m.port }

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// pub is mosquitto_pub: payload on standard input, as it is.
func (m *mosquitto) pub(payload string, args ...string) {
	m.t.Helper()
	from := "-s" // standard input
	if payload == "" {
		from = "-n" // mosquitto_pub refuses an empty standard input
	}
	cmd := exec.Command("mosquitto_pub", append([]string{"-p", m.port, from}, args...)...)
	cmd.Stdin = strings.NewReader(payload)
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("mosquitto_pub %v: %v\n%s", args, err, out)
	}
}

// rises counts how often a line went on.
func (p *process) rises(name string) (n int) {
	for _, c := range p.lines() {
		if c.Name == name && c.V == 1 {
			n++
		}
	}
	return n
}

// printedMessage is what mosquitto_sub -F %j prints.
type printedMessage struct {
	Topic   string `json:"topic"`
	Payload string `json:"payload"`
	Retain  int    `json:"retain"`
}

// subscription is a mosquitto_sub with a session that outlives a broker's restart.
type subscription struct {
	file string
	cmd  *exec.Cmd
}

func (m *mosquitto) sub(topics ...string) *subscription {
	m.t.Helper()
	s := &subscription{file: filepath.Join(m.dir, fmt.Sprintf("sub-%d.jsonl", time.Now().UnixNano()))}
	out, err := os.Create(s.file)
	if err != nil {
		m.t.Fatal(err)
	}
	args := []string{"-p", m.port, "-c", "-i", filepath.Base(s.file), "-q", "1", "-F", "%j"}
	for _, topic := range topics {
		args = append(args, "-t", topic)
	}
	s.cmd = exec.Command("mosquitto_sub", args...)
	s.cmd.Stdout = out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		m.t.Fatalf("start mosquitto_sub (Debian package mosquitto-clients): %v", err)
	}
	m.t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait(); _ = out.Close() })
	return s
}

func (s *subscription) records() (found []printedMessage) {
	text, _ := os.ReadFile(s.file)
	for line := range strings.Lines(string(text)) {
		var r printedMessage
		if json.Unmarshal([]byte(line), &r) == nil {
			found = append(found, r)
		}
	}
	return found
}

type event struct {
	Action string `json:"action"`
	Boot   string `json:"boot"`
	Seq    uint64 `json:"seq"`
}

func (s *subscription) events() (events []event) {
	for _, r := range s.records() {
		var e event
		if r.Topic == "system/trigger_telemetry" && json.Unmarshal([]byte(r.Payload), &e) == nil {
			events = append(events, e)
		}
	}
	return events
}

func (s *subscription) has(action string) bool {
	return slices.ContainsFunc(s.events(), func(e event) bool { return e.Action == action })
}

// quiet waits until nothing is on its way to the subscriber. Over MQTT at QoS 1 a message whose
// acknowledgement a broken connection loses comes again: that is the broker's right, not our fault.
func (s *subscription) quiet(m *mosquitto) {
	m.t.Helper()
	for _, mark := range []string{"mark-1", "mark-2"} { // the second says that the first is acknowledged
		m.pub(mark, "-t", "system/test", "-q", "1")
		if !gear.Await(10*time.Second, func() bool {
			return slices.ContainsFunc(s.records(), func(r printedMessage) bool { return r.Payload == mark })
		}) {
			m.t.Fatalf("%s was not heard", mark)
		}
	}
}

// inOrder holds that the events of each boot rise by one, none twice, none missing from the first
// that was heard.
func (s *subscription) inOrder(t *testing.T) {
	t.Helper()
	last := map[string]uint64{}
	for i, e := range s.events() {
		if before, ok := last[e.Boot]; ok && e.Seq != before+1 {
			t.Errorf("event %d (%s) has seq %d after %d of boot %s", i, e.Action, e.Seq, before, e.Boot)
		}
		last[e.Boot] = e.Seq
	}
	if len(last) == 0 {
		t.Error("no event was heard")
	}
}

// ready waits until the appliance is online at the broker.
func (p *process) ready(s *subscription) {
	p.t.Helper()
	p.eventually("readiness", func() bool {
		return slices.ContainsFunc(s.records(), func(r printedMessage) bool {
			return r.Topic == "system/gpio_trigger/lwt" && r.Payload == "online"
		}) && s.has("mqtt_connected")
	})
}

func TestMosquittoClientsSeeAFireMetWithWater(t *testing.T) {
	m := startMosquitto(t)
	s := m.sub("system/#", "fire/trigger")
	p := startProcess(t, t.TempDir(), append(slices.Clone(fast), "mqtt.url="+m.url())...)
	p.ready(s)
	start := time.Now()
	for p.level("ignition_on") != 1 && time.Since(start) < 15*time.Second {
		for _, camera := range []string{"north", "east"} {
			m.pub(flame(time.Since(start)), "-t", "fire/detection/"+camera)
		}
	}
	p.eventually("the engine", func() bool { return p.level("ignition_on") == 1 })
	p.eventually("back to IDLE", func() bool { return s.has("idle_state_entered") })
	if p.level("main_valve") != 0 || p.level("ignition_on") != 0 || p.level("refill_valve") != 0 {
		t.Errorf("something is still on: %v", p.lines())
	}
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.eventually("the last event", func() bool { return s.has("controller_shutdown") })
	s.inOrder(t)
	last := ""
	for _, r := range s.records() {
		if r.Topic == "system/gpio_trigger/lwt" {
			last = r.Payload
		}
	}
	if last != "offline" {
		t.Errorf("system/gpio_trigger/lwt says %q after a clean stop, want offline", last)
	}
}

func TestMosquittoBrokerRestartLosesNoEventAndNoWater(t *testing.T) {
	m := startMosquitto(t)
	s := m.sub("system/#", "fire/trigger")
	p := startProcess(t, t.TempDir(), append(slices.Clone(fast), "mqtt.url="+m.url(), "pump.fire_off_delay=4s", "pump.valve_close_delay=4s")...)
	p.ready(s)
	m.pub(`{"action":"trigger"}`, "-t", "fire/trigger", "-q", "2")
	p.eventually("the engine", func() bool { return p.level("ignition_on") == 1 && s.has("engine_running") })
	s.quiet(m)
	m.stop()
	p.eventually("the engine stopped without a broker", func() bool { return p.level("ignition_on") == 0 })
	m.start()
	p.eventually("back to IDLE", func() bool { return s.has("idle_state_entered") })
	for _, want := range []string{"mqtt_disconnected", "engine_running", "shutdown_initiated", "shutdown_complete"} {
		if !s.has(want) {
			t.Errorf("event %s was lost with the broker", want)
		}
	}
	s.inOrder(t)
}

func TestMosquittoRetainedCommandsMoveNothing(t *testing.T) {
	m := startMosquitto(t)
	m.pub(`{"action":"trigger"}`, "-t", "fire/trigger", "-r", "-q", "2")
	m.pub("start", "-t", "fire/emergency", "-r", "-q", "1")
	m.pub(flame(0), "-t", "fire/detection/north", "-r")
	s := m.sub("system/#")
	p := startProcess(t, t.TempDir(), append(slices.Clone(fast), "mqtt.url="+m.url())...)
	p.ready(s)
	m.pub("valve_open", "-t", "fire/emergency", "-q", "1") // comes after what was retained
	p.eventually("the valve", func() bool { return p.level("main_valve") == 1 })
	if n := p.rises("ignition_start"); n != 0 {
		t.Errorf("a retained message cranked the engine %d times", n)
	}
	if s.has("pump_sequence_start") || s.has("emergency_bypass_start") {
		t.Errorf("a retained message was acted on: %v", s.events())
	}
}

func TestMosquittoEmergencyStopWorksInEveryForm(t *testing.T) {
	for _, word := range []string{"stop", "STOP\n", "emergency_stop", ` "stop" `, `{"action":"stop"}`, `{"command":"Emergency_Stop"}`} {
		t.Run(strings.TrimSpace(word), func(t *testing.T) {
			m := startMosquitto(t)
			s := m.sub("system/#")
			p := startProcess(t, t.TempDir(), append(slices.Clone(fast), "mqtt.url="+m.url())...)
			p.ready(s)
			m.pub("start\n", "-t", "fire/emergency", "-q", "1")
			p.eventually("the engine", func() bool { return p.level("ignition_on") == 1 })
			m.pub(word, "-t", "fire/emergency", "-q", "1")
			p.eventually("the stop", func() bool { return p.level("ignition_on") == 0 })
			if p.level("ignition_start") != 0 {
				t.Error("ignition start is on")
			}
			p.eventually("the event", func() bool { return s.has("emergency_stop") })
		})
	}
}

// hostile is what may come from a broken or evil sender.
var hostile = map[string]string{
	"empty": "", "truncated": `{"confidence":0.9,"bbox":[0.1,0.1`, "NaN": `{"confidence":NaN,"bbox":[0.1,0.1,0.5,0.5]}`,
	"confidence 95": `{"confidence":95,"bbox":[0.1,0.1,0.5,0.5]}`, "confidence true": `{"confidence":true,"bbox":[0.1,0.1,0.5,0.5]}`,
	"confidence text": `{"confidence":"0.9","bbox":[0.1,0.1,0.5,0.5]}`, "negative": `{"confidence":0.9,"bbox":[-0.5,0.1,0.5,0.5]}`,
	"inverted": `{"confidence":0.9,"bbox":[0.5,0.5,0.1,0.1]}`, "three numbers": `{"confidence":0.9,"bbox":[0.1,0.1,0.5]}`,
	"box of text": `{"confidence":0.9,"bbox":"all"}`, "mixed": `{"confidence":0.9,"bbox":[0.1,0.1,640,480]}`,
	"another camera": `{"camera_id":"other","confidence":0.9,"bbox":[0.1,0.1,0.5,0.5]}`, "array": `[1,2,3]`, "null": `null`,
	"deep nesting": strings.Repeat("[", 100000) + strings.Repeat("]", 100000), "binary": "\x00\xff\xfe\x80",
	"a megabyte":  `{"confidence":0.9,"bbox":[0.1,0.1,0.5,0.5],"x":"` + strings.Repeat("x", 1<<20-200) + `"}`,
	"huge number": `{"confidence":1e999,"bbox":[0.1,0.1,0.5,0.5]}`,
}

func TestMosquittoHostilePayloadsChangeNothing(t *testing.T) {
	m := startMosquitto(t)
	s := m.sub("system/#")
	p := startProcess(t, t.TempDir(), append(slices.Clone(fast), "mqtt.url="+m.url(), "consensus.threshold=1", "consensus.growth_hold=0")...)
	p.ready(s)
	for name, payload := range hostile {
		for range 8 {
			for _, topic := range []string{"fire/detection/north", "fire/detection", "frigate/events", "frigate/camera_activity", "system/camera_telemetry", "fire/trigger"} {
				m.pub(payload, "-t", topic)
			}
		}
		select {
		case <-p.exited:
			t.Fatalf("%s ended the process\n%s", name, p.log)
		default:
		}
	}
	m.pub("no such word", "-t", "fire/emergency", "-q", "1")
	m.pub("{\"action\":[]}", "-t", "fire/emergency", "-q", "1")
	p.eventually("the answers", func() bool { return s.has("emergency_command_unknown") && s.has("emergency_command_error") })
	if p.rises("main_valve") != 0 {
		t.Errorf("rubbish moved a line: %v", p.lines())
	}
	m.pub("start", "-t", "fire/emergency", "-q", "1")
	p.eventually("the engine all the same", func() bool { return p.level("ignition_on") == 1 })
}
