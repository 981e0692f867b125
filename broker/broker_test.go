package broker

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildfire-watch/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

func start(t testing.TB, listen string) (*Broker, *observer.ObservedLogs) {
	t.Helper()
	core, log := observer.New(zap.InfoLevel)
	b, err := Start(listen, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, log
}

func join(t testing.TB, b *Broker, id string, on func(m paho.Message)) paho.Client {
	t.Helper()
	o := paho.NewClientOptions().AddBroker("tcp://" + b.Addr).SetClientID(id).SetAutoReconnect(false)
	o.SetProtocolVersion(4).SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { on(m) })
	c := paho.NewClient(o)
	done(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(50) })
	return c
}

func done(t testing.TB, token paho.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("the broker does not answer: %v", token.Error())
	}
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); <-time.After(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestPortZeroTakesAFreePortAndDialReachesIt(t *testing.T) {
	b, log := start(t, "127.0.0.1:0")
	if strings.HasSuffix(b.Addr, ":0") {
		t.Fatal(b.Addr)
	}
	c, err := b.Dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if log.Len() != 0 {
		t.Errorf("on loopback there is nothing to say: %v", log.All())
	}
}

func TestAnAddressInUseSaysWhatToDo(t *testing.T) {
	b, _ := start(t, "127.0.0.1:0")
	_, err := Start(b.Addr, nil)
	for _, word := range []string{b.Addr, "in use", `mqtt.url = "tcp://` + b.Addr, "broker.listen"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v lacks %q", err, word)
		}
	}
	if _, err := Start("nonsense", nil); err == nil {
		t.Error("nonsense was accepted")
	}
}

func TestBeyondLoopbackNothingListensWithoutTLS(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0"} {
		b, log := start(t, listen)
		if host, _, _ := net.SplitHostPort(b.Addr); host != "127.0.0.1" {
			t.Errorf("%s: it listens on %s", listen, b.Addr)
		}
		if log.FilterLevelExact(zap.ErrorLevel).Len() != 1 {
			t.Errorf("%s: log %v", listen, log.All())
		}
		told := make(chan any, 1)
		b.Tell(func(msg any) { told <- msg })
		if f, _ := (<-told).(protocol.Fault); f.Code != "broker_fenced" || !strings.Contains(f.Text, "tls_listen") {
			t.Errorf("%s: %+v", listen, f)
		}
		join(t, b, "here", nil)
	}
}

// TestWhoSaysNothingMakesRoom: silent connections fill no house, whoever logs in finds room, and Close
// waits for none.
func TestWhoSaysNothingMakesRoom(t *testing.T) {
	b, _ := start(t, "127.0.0.1:0")
	for range MaxClients {
		c, err := net.Dial("tcp", b.Addr) // says nothing
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	eventually(t, "as many as may wait", func() bool { return b.Clients() == MaxWaiting })
	join(t, b, "late", nil)
	if n := b.Clients(); n > MaxWaiting+1 {
		t.Errorf("%d connections", n)
	}
	begun := time.Now()
	_ = b.Close()
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("closing took %v", took)
	}
}

func TestConnectionsAreBoundedAndOursFindRoom(t *testing.T) {
	b, _ := start(t, "127.0.0.1:0")
	var first paho.Client
	for i := range MaxClients {
		c := join(t, b, fmt.Sprint(i), nil)
		if first == nil {
			first = c
		}
	}
	if extra, err := net.Dial("tcp", b.Addr); err == nil { // else it was sent away already
		defer func() { _ = extra.Close() }()
		_ = extra.SetReadDeadline(time.Now().Add(patience))
		if _, err := extra.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("one too many was let in: %v", err)
		}
	}
	ours := inside(t, b, "wildfire-watch-gpio_trigger", nil)
	done(t, ours.Publish("fire/emergency", 1, false, "stop"))
	first.Disconnect(50)
	eventually(t, "room", func() bool { return b.Clients() == MaxClients })
	join(t, b, "late", nil)
}

// inside is a connection of our own.
func inside(t testing.TB, b *Broker, id string, on func(m paho.Message)) paho.Client {
	t.Helper()
	o := paho.NewClientOptions().AddBroker("tcp://inside:1").SetClientID(id).SetAutoReconnect(false)
	o.SetProtocolVersion(4).SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { on(m) })
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return b.Dial(context.Background()) })
	c := paho.NewClient(o)
	done(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(50) })
	return c
}

func TestAPacketAboveTheBoundEndsItsConnectionAlone(t *testing.T) {
	b, _ := start(t, "127.0.0.1:0")
	got := make(chan int, 10)
	reader := join(t, b, "reader", func(m paho.Message) { got <- len(m.Payload()) })
	done(t, reader.Subscribe("#", 0, nil))
	writer := join(t, b, "writer", nil)
	done(t, writer.Publish("x", 0, false, make([]byte, MaxPacket-100)))
	if n := <-got; n != MaxPacket-100 {
		t.Errorf("%d bytes", n)
	}
	writer.Publish("x", 0, false, make([]byte, MaxPacket+100))
	eventually(t, "the writer is sent away", func() bool { return !writer.IsConnectionOpen() })
	if !reader.IsConnectionOpen() {
		t.Error("the reader was sent away too")
	}
}

func TestRetainedMessagesAreBoundedByNumberAndSize(t *testing.T) {
	h := newBounds(zap.NewNop(), func(refusal) {})
	for i := range MaxRetained {
		if !h.admit(fmt.Sprint(i), 10, "") {
			t.Fatalf("refused number %d", i)
		}
	}
	if h.admit("one more", 10, "") || !h.admit("0", 20, "") || !h.admit("1", 0, "") || !h.admit("one more", 10, "") {
		t.Error("number: new refused, known taken, room after removal")
	}
	h = newBounds(zap.NewNop(), func(refusal) {})
	for i := range MaxRetainedBytes / MaxPacket {
		if !h.admit(fmt.Sprint(i), MaxPacket, "") {
			t.Fatalf("refused megabyte %d", i)
		}
	}
	if h.admit("one more", 1, "") || h.whole.bytes != MaxRetainedBytes {
		t.Errorf("%d bytes are kept", h.whole.bytes)
	}
}

func TestOneClientHasHalfOfTheRoomAndAllLeaveUsSome(t *testing.T) {
	h := newBounds(zap.NewNop(), func(refusal) {})
	fill := func(of string) (n int) {
		for h.admit(of+fmt.Sprint(n), 10, of) {
			n++
		}
		return n
	}
	if n := fill("a"); n != MaxRetained/2 {
		t.Errorf("a keeps %d", n)
	}
	if n := fill("b"); n != MaxRetained/16*7 {
		t.Errorf("b keeps %d", n)
	}
	if !h.admit("ours", 10, "") {
		t.Error("no room for us")
	}
	if !h.admit("a0", 0, "b") || !h.admit("a1", 0, "b") || !h.admit("b is back", 10, "b") || len(h.kept) != h.whole.topics {
		t.Error("what one takes away another may use")
	}
	if h.admit("ours", 1<<30, "a") || h.kept["ours"].of != "" {
		t.Error("a message that is not kept takes the place of one that is")
	}
}

// TestAHungReaderDelaysAStopByNoMoreThanItsStall is about the library's locks: a client that takes
// nothing any more must not hold up what others publish.
func TestAHungReaderDelaysAStopByNoMoreThanItsStall(t *testing.T) {
	b, _ := start(t, "127.0.0.1:0")
	hung, err := net.Dial("tcp", b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hung.Close() }()
	_ = hung.(*net.TCPConn).SetReadBuffer(4096)
	connect := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	connect.ProtocolName, connect.ProtocolVersion = "MQTT", 4
	connect.ClientIdentifier, connect.CleanSession = "hung", true // no keepalive: for ever
	subscribe := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	subscribe.MessageID, subscribe.Topics, subscribe.Qoss = 1, []string{"#"}, []byte{1}
	if connect.Write(hung) != nil || subscribe.Write(hung) != nil {
		t.Fatal("the hung client cannot write")
	}
	got := make(chan struct{}, 10)
	pump := join(t, b, "pump", func(paho.Message) { got <- struct{}{} })
	done(t, pump.Subscribe("fire/emergency", 1, nil))
	camera, page := join(t, b, "camera", nil), join(t, b, "page", nil)
	block := make([]byte, 256<<10)
	flood, halt := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(flood)
		for {
			select {
			case <-halt:
				return
			default:
				camera.Publish("snapshot", 1, false, block).WaitTimeout(patience)
			}
		}
	}()
	worst := time.Duration(0)
	for range 40 {
		begun := time.Now()
		done(t, page.Publish("fire/emergency", 1, false, "stop"))
		select {
		case <-got:
		case <-time.After(patience):
			t.Fatal("a stop never came")
		}
		worst = max(worst, time.Since(begun))
		<-time.After(20 * time.Millisecond)
	}
	close(halt)
	<-flood
	if worst > 4*stall {
		t.Errorf("a stop took %v", worst)
	}
	eventually(t, "the hung reader is sent away", func() bool { return b.Clients() == 3 })
	t.Logf("slowest stop %v", worst)
}

// BenchmarkRoundTrip compares the ways into the broker for a client in the same process: a QoS 1
// publication until its acknowledgement.
func BenchmarkRoundTrip(b *testing.B) {
	for _, way := range []string{"loopback", "inside"} {
		b.Run(way, func(b *testing.B) {
			k, err := Start("127.0.0.1:0", nil)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = k.Close() }()
			conn, err := net.Dial("tcp", k.Addr)
			if way == "inside" {
				_ = conn.Close()
				conn, err = k.Dial(context.Background())
			}
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			connect := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
			connect.ProtocolName, connect.ProtocolVersion = "MQTT", 4
			connect.ClientIdentifier, connect.CleanSession, connect.Keepalive = way, true, 60
			read := func() {
				if _, err := packets.ReadPacket(conn); err != nil {
					b.Fatal(err)
				}
			}
			_ = connect.Write(conn)
			read()
			p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
			p.TopicName, p.Qos, p.MessageID, p.Payload = "x", 1, 1, []byte("stop")
			for b.Loop() {
				_ = p.Write(conn)
				read()
			}
		})
	}
}

// TestAnEndAsksNobodyForTheListOfClients: the library locks that list twice, and a client that goes in
// between would keep the process from ending.
func TestAnEndAsksNobodyForTheListOfClients(t *testing.T) {
	b, err := Start("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	b.server.Clients.Lock()
	go func() { _ = b.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("the end waits for the list of clients")
	}
	b.server.Clients.Unlock()
	<-closed
}

// TestAnEndWaitsForWhoeverHasComeIn: those who come in while the broker ends are served to their end or not
// at all. (The library counts them once they are served, which may be while it already waits for them: the
// race detector sees that.)
func TestAnEndWaitsForWhoeverHasComeIn(t *testing.T) {
	for range 100 {
		b, err := Start("127.0.0.1:0", nil)
		if err != nil {
			t.Fatal(err)
		}
		var came sync.WaitGroup
		for range 4 {
			came.Go(func() {
				if c, err := b.Dial(context.Background()); err == nil {
					_ = c.Close()
				}
			})
			came.Go(func() {
				if c, err := net.Dial("tcp", b.Addr); err == nil {
					_ = c.Close()
				}
			})
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if n := b.Clients(); n != 0 {
			t.Errorf("%d are still in", n)
		}
		came.Wait()
	}
}
