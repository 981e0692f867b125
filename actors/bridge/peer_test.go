package bridge

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// peer is a broker's end of the wire that does exactly what a test says: it notes everything it is
// sent and can refuse to answer, hang up, or stop reading.
type peer struct {
	t      testing.TB
	socket net.Listener

	mu        sync.Mutex
	conns     map[net.Conn]string // to client id
	connects  []*packets.ConnectPacket
	filters   map[string]byte
	published []*packets.PublishPacket
	perConn   map[net.Conn]int
	// hangUpAfter: after so many events on a connection, the next is taken and never acknowledged:
	// the connection ends. 0: never.
	hangUpAfter int
	deaf        bool // reads nothing after the connect
	silent      bool // acknowledges no event
	refuse      string
	wait        sync.WaitGroup
}

func newPeer(t testing.TB, listen func() (net.Listener, error)) *peer {
	t.Helper()
	if listen == nil {
		listen = func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	}
	socket, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, socket: socket, conns: map[net.Conn]string{}, filters: map[string]byte{},
		perConn: map[net.Conn]int{}}
	p.wait.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *peer) url() string { return "tcp://" + p.socket.Addr().String() }

func (p *peer) close() {
	_ = p.socket.Close()
	p.cut()
	p.wait.Wait()
}

// cut ends every connection without a word.
func (p *peer) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *peer) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *peer) accept() {
	for {
		c, err := p.socket.Accept()
		if err != nil {
			return
		}
		p.set(func() { p.conns[c] = "" })
		p.wait.Go(func() {
			p.serve(c)
			_ = c.Close()
			p.set(func() { delete(p.conns, c) })
		})
	}
}

func (p *peer) serve(c net.Conn) {
	for {
		packet, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		if !p.take(c, packet) {
			return
		}
		for {
			p.mu.Lock()
			deaf, open := p.deaf, p.conns[c]
			p.mu.Unlock()
			if !deaf || open == "" {
				break
			}
			<-time.After(5 * time.Millisecond)
			if _, err := c.Write(nil); err != nil {
				return
			}
			if _, ok := p.socket.(*net.TCPListener); ok && closed(p.socket) {
				return
			}
		}
	}
}

// closed says whether the listener is closed.
func closed(l net.Listener) bool {
	return l.(*net.TCPListener).SetDeadline(time.Time{}) != nil
}

func (p *peer) take(c net.Conn, packet packets.ControlPacket) (goOn bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m := packet.(type) {
	case *packets.ConnectPacket:
		p.connects = append(p.connects, m)
		p.conns[c] = m.ClientIdentifier
		_ = packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket).Write(c)
	case *packets.SubscribePacket:
		ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
		ack.MessageID = m.MessageID
		for i, f := range m.Topics {
			p.filters[f] = m.Qoss[i]
			if code := m.Qoss[i]; f != p.refuse {
				ack.ReturnCodes = append(ack.ReturnCodes, code)
			} else {
				ack.ReturnCodes = append(ack.ReturnCodes, 0x80)
			}
		}
		_ = ack.Write(c)
	case *packets.PublishPacket:
		return p.publish(c, m)
	case *packets.PubrelPacket:
		ack := packets.NewControlPacket(packets.Pubcomp).(*packets.PubcompPacket)
		ack.MessageID = m.MessageID
		_ = ack.Write(c)
	case *packets.PingreqPacket:
		_ = packets.NewControlPacket(packets.Pingresp).Write(c)
	case *packets.DisconnectPacket:
		return false
	}
	return true
}

func (p *peer) publish(c net.Conn, m *packets.PublishPacket) bool {
	p.published = append(p.published, m)
	if m.TopicName == "system/trigger_telemetry" {
		p.perConn[c]++
		if p.hangUpAfter > 0 && p.perConn[c] > p.hangUpAfter {
			return false
		}
		if p.silent {
			return true
		}
	}
	switch m.Qos {
	case 1:
		ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		ack.MessageID = m.MessageID
		_ = ack.Write(c)
	case 2:
		ack := packets.NewControlPacket(packets.Pubrec).(*packets.PubrecPacket)
		ack.MessageID = m.MessageID
		_ = ack.Write(c)
	}
	return true
}

// on returns what was published on a topic.
func (p *peer) on(topic string) []*packets.PublishPacket {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.published),
		func(m *packets.PublishPacket) bool { return m.TopicName != topic })
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
