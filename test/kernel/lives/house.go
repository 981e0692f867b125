package lives

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"wildfire-watch/broker"
	"wildfire-watch/protocol"
	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

// Lines of the inputs that the driver plays.
const (
	pressureLine = 5
	feedbackLine = 6 // of the main valve
	chipLines    = 28
)

// Settings are how a house is made.
type Settings struct {
	Seed       uint64
	Multiplier float64
	Dir        func(name string) string // folder of an appliance; nil: in the guest's memory
	Program    string                   // empty: WILDFIRE_BINARY; it is copied into the guest's memory
	Binary     string                   // a program that is executed where it is
	// Sink hears every fact but lines at once; nil: nobody.
	Sink func(name string, f Fact)
}

// House is some appliances and the broker that they share with the driver, so that what one of them
// has said last is heard after its death.
type House struct {
	Appliances []*Appliance
	t          testing.TB
	settings   Settings
	kernel     string
	client     mqtt.Client
	address    string
}

// New makes a house of n appliances.
func New(t testing.TB, n int, s Settings) *House {
	t.Helper()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Start("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	debug.SetGCPercent(800) // the driver is to take little of the one processor
	h := &House{t: t, settings: s, kernel: strings.TrimSpace(string(boot)), address: "tcp://" + b.Addr}
	// A driver that was kept waiting is not to lose its connection, nor to be deaf afterwards.
	h.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(h.address).SetClientID("driver").SetOrderMatters(true).
		SetKeepAlive(10 * time.Minute).SetPingTimeout(time.Minute).SetOnConnectHandler(func(c mqtt.Client) {
		c.Subscribe("+/"+protocol.TopicEvents, 1, h.hear)
	}))
	if token := h.client.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { h.client.Disconnect(0) })
	if h.settings.Binary == "" {
		h.settings.Binary = inMemory(t, cmp.Or(s.Program, os.Getenv("WILDFIRE_BINARY")))
	}
	for i := range n {
		h.Appliances = append(h.Appliances, h.appliance(i))
	}
	token := h.client.Subscribe("+/"+protocol.TopicEvents, 1, h.hear)
	if token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	return h
}

// inMemory copies a program into the guest's memory: there it starts in half the time.
func inMemory(t testing.TB, program string) string {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatalf("read the program: %v: test/kernel/test.sh names it", err)
	}
	copied := filepath.Join(t.TempDir(), "wildfire-watch")
	if err := os.WriteFile(copied, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

func (h *House) appliance(i int) *Appliance {
	name := fmt.Sprintf("a%d", i)
	a := &Appliance{Name: name, house: h, binary: h.settings.Binary,
		Chip: gpiosim.New(h.t, gpiosim.Spec{Lines: chipLines, Label: "pinctrl-bcm2711"}),
		Rand: rand.New(rand.NewPCG(h.settings.Seed, uint64(i)))}
	a.Terms = Terms{Pulse: appliance.StopPulse, Multiplier: h.settings.Multiplier}
	if h.settings.Dir == nil {
		a.Dir = h.t.TempDir()
	} else {
		a.Dir = h.settings.Dir(name)
	}
	a.log = filepath.Join(h.t.TempDir(), "log")
	a.Book = NewBook(a.Terms, processLag)
	a.history = a.Chip.History()
	a.play("pressure")
	return a
}

// processLag is how long what was decided may be on its way to a journal in memory, on a guest that is
// busy with others.
const processLag = 300 * time.Millisecond

// hear gives an event to the appliance whose it is.
func (h *House) hear(_ mqtt.Client, m mqtt.Message) {
	name, _, _ := strings.Cut(m.Topic(), "/")
	var e Event
	if json.Unmarshal(m.Payload(), &e) != nil {
		return
	}
	now, wall := instant()
	age := wall.Sub(time.Unix(0, int64(e.Timestamp*1e9)))
	for _, a := range h.Appliances {
		if a.Name == name {
			a.hear(Fact{At: now - max(0, age), Kind: Told, Heard: now, Event: &e})
		}
	}
}

// instant is now by both clocks: read anew when the guest stood still between the two.
func instant() (now time.Duration, wall time.Time) {
	for range 10 {
		now, wall = gpiosim.Now(), time.Now()
		if gpiosim.Now()-now < time.Millisecond {
			break
		}
	}
	return now, wall
}

// sets is the configuration of an appliance.
func (h *House) sets(a *Appliance) []string {
	return append(append([]string{}, appliance.Quick...),
		"gpio.board=gpiocdev", "gpio.chip="+a.Chip.Name(), "journal.dir="+filepath.Join(a.Dir, "data"),
		fmt.Sprintf("gpio.line_pressure=%d", pressureLine), fmt.Sprintf("gpio.main_valve_feedback=%d", feedbackLine),
		"gpio.debounce=20ms", "gpio.verify_timeout=500ms", "gpio.verify_grace=1s",
		"mqtt.url="+h.address, "mqtt.topic_prefix="+a.Name, "mqtt.client_id="+a.Name, "http.listen=127.0.0.1:0",
		"pump.priming_duration=300ms", "pump.max_engine_runtime=60s", "pump.rpm_reduction_lead=58s",
		"pump.fire_off_delay=60s", "pump.valve_close_delay=400ms", "pump.cooldown_duration=500ms",
		fmt.Sprintf("pump.refill_multiplier=%g", h.settings.Multiplier), "journal.safe_mode_after=0")
}

// Appliance is one device over its lives.
type Appliance struct {
	Name, Dir string
	Chip      *gpiosim.Chip
	Rand      *rand.Rand
	Terms     Terms
	Book      *Book

	house       *House
	binary, log string
	env         []string
	history     *gpiosim.History
	seen        int // events of the history that are facts already
	life        *life

	dry, jammed bool // what is played: no pressure; the main valve does not open

	mu    sync.Mutex // guards what the MQTT client touches
	facts []Fact
	state protocol.State
	held  bool
	heard bool // anything, in this life
}

func (a *Appliance) note(f Fact) {
	a.mu.Lock()
	a.facts = append(a.facts, f)
	a.mu.Unlock()
	if a.house.settings.Sink != nil && f.Kind != Line {
		a.house.settings.Sink(a.Name, f)
	}
}

// hear takes an event of the life that goes on; what an earlier one said last has been taken.
func (a *Appliance) hear(f Fact) {
	a.note(f)
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.Event.Action != protocol.ControllerStarted {
		a.state, a.held = f.Event.System.State, f.Event.System.StopHeld
	}
	a.heard = true
}

// told is what the driver knows of the state.
func (a *Appliance) told() (s protocol.State, held, heard bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state, a.held, a.heard
}
