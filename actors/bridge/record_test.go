package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// tape is a file that two goroutines share.
type tape struct {
	mu   sync.Mutex
	b    bytes.Buffer
	full bool
}

func (f *tape) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return 0, errors.New("no space left on device")
	}
	return f.b.Write(p)
}

func (f *tape) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Split(strings.TrimSuffix(f.b.String(), "\n"), "\n")
}

func TestARecordingHasTheShapeOfMosquittoSub(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f, ended, seen := &tape{}, make(chan error, 1), make(chan int, 1000)
	go func() {
		ended <- Record(ctx, Settings{Dial: b.Dial, FrigatePrefix: "frigate",
			Config: Config{ClientID: "ww", TopicPrefix: "p"}}, f, func(n int, _ int64) { seen <- n })
	}()
	<-seen // connected
	c := join(t, b.Addr)
	c.say("p/fire/detection", 0, false, `he"l</x>lo é`)
	c.say("p/fire/trigger", 2, false, "q2")
	c.say("frigate/events", 0, false, "\xff\xfe\x00abc")
	c.say("p/system/trigger_telemetry", 1, false, "")
	c.say("other", 0, false, "not recorded")
	c.say("frigate/stats", 0, false, "rtsp://me:secret@camera")
	for n := range seen {
		if n == 4 {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	want := []string{
		`"topic":"p/fire/detection","qos":0,"retain":0,"payloadlen":13,"payload":"he\"l</x>lo é"}`,
		`"topic":"p/fire/trigger","qos":2,"retain":0,"payloadlen":2,"mid":ID,"payload":"q2"}`,
		`"topic":"frigate/events","qos":0,"retain":0,"payloadlen":6,"payload":"\ufffd\ufffd\u0000abc"}`,
		`"topic":"p/system/trigger_telemetry","qos":0,"retain":0,"payloadlen":0,"payload":null}`}
	got := f.lines()
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i, text := range got {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("2006-01-02T15:04:05.000000Z-0700", l.Time)
		if err != nil || time.Since(at) > time.Minute || time.Since(at) < -time.Minute {
			t.Errorf("time %s, %v", l.Time, err)
		}
		_, rest, _ := strings.Cut(text, ",")
		if l.ID != 0 {
			rest = strings.Replace(rest, `"mid":1,`, `"mid":ID,`, 1)
		}
		if i == 3 { // the subscription's QoS is the table's
			rest = strings.Replace(strings.Replace(rest, `"qos":1`, `"qos":0`, 1), `"mid":2,`, "", 1)
		}
		if rest != want[i] {
			t.Errorf("line %s\nwant %s", rest, want[i])
		}
	}
}

func TestARecordingSaysWhyItCannotBeMade(t *testing.T) {
	away := func(context.Context) (net.Conn, error) { return nil, errors.New("connection refused") }
	err := Record(context.Background(), Settings{Dial: away}, &tape{}, nil)
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("broker away: %v", err)
	}
	b := embedded(t, "127.0.0.1:0")
	ended, told := make(chan error, 1), make(chan int, 1000)
	go func() {
		ended <- Record(context.Background(), Settings{Dial: b.Dial}, &tape{full: true},
			func(n int, _ int64) { told <- n })
	}()
	<-told
	join(t, b.Addr).say("fire/detection", 0, false, "x")
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("disk full: %v", err)
	}
}

func TestARecordingGoesOnAfterAnOutage(t *testing.T) {
	b := embedded(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(context.Background())
	f, ended, seen := &tape{}, make(chan error, 1), make(chan int, 10_000)
	go func() {
		ended <- Record(ctx, Settings{Config: Config{URL: "tcp://" + b.Addr}}, f,
			func(n int, _ int64) { seen <- n })
	}()
	<-seen
	_ = b.Close()
	b = embedded(t, b.Addr)
	c := join(t, b.Addr)
	for n := 0; n == 0; n = <-seen {
		c.say("fire/detection", 0, false, "x")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// FuzzLine: a line is always one line of valid JSON, whatever the topic and the payload.
func FuzzLine(f *testing.F) {
	f.Add("fire/detection", []byte(`{"a":1}`))
	f.Add("a\nb", []byte("\xff\n\u2028\x00"))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		text, err := encode(said{topic, payload}, time.Now())
		if err != nil || !json.Valid(text) || !utf8.Valid(text) || bytes.Count(text, []byte("\n")) != 1 {
			t.Fatalf("%q: %v", text, err)
		}
		var l line
		if json.Unmarshal(text, &l) != nil || l.Length != len(payload) {
			t.Fatalf("%q", text)
		}
		if utf8.Valid(payload) && len(payload) > 0 && *l.Payload != string(payload) {
			t.Fatalf("payload %q became %q", payload, *l.Payload)
		}
	})
}

// said is a message.
type said struct {
	topic   string
	payload []byte
}

func (m said) Duplicate() bool   { return false }
func (m said) Qos() byte         { return 0 }
func (m said) Retained() bool    { return false }
func (m said) Topic() string     { return m.topic }
func (m said) MessageID() uint16 { return 0 }
func (m said) Payload() []byte   { return m.payload }
func (m said) Ack()              {}
