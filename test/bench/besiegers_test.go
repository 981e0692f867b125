package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// The siege: so many clients that misbehave, each ten times a second, from addresses of their own on
// loopback. Half of them have stolen a login; together they would send half a gigabit a second. They are 500
// other machines, whose processors are their own: so they are a process of the lowest priority, that must not
// take ours. What the kernel does with their packets stays on the account of the machine that is measured.
const (
	besiegers   = 500
	siegeSecret = "correct horse"
)

// mischief is what one kind of besieger does with a connection; login is the user that it has stolen.
type mischief struct {
	name, login string
	do          func(conn net.Conn)
}

// body is a packet's bytes with any first byte and any length that it claims.
func body(first byte, claimed int, content []byte) []byte {
	out := []byte{first}
	for {
		b := byte(claimed % 128)
		if claimed /= 128; claimed > 0 {
			b |= 128
		}
		if out = append(out, b); claimed == 0 {
			return append(out, content...)
		}
	}
}

func subscribeTo(conn net.Conn, filters ...string) {
	p := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	p.MessageID, p.Topics, p.Qoss = 1, filters, make([]byte, len(filters))
	_ = p.Write(conn)
}

func publishOn(conn net.Conn, topic string, payload []byte) {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload = topic, payload
	_ = p.Write(conn)
}

var mischiefs = []mischief{
	{"connect and go", "", func(net.Conn) {}},
	{"guess a password", "guess", func(net.Conn) {}},
	{"a packet of 200 MB, before the login", "", func(c net.Conn) { _, _ = c.Write(body(0x10, 200<<20, make([]byte, 4096))) }},
	{"a giant packet", "camera", func(c net.Conn) { _, _ = c.Write(body(0x30, 5<<20, make([]byte, 64<<10))) }},
	{"a large packet", "camera", func(c net.Conn) { publishOn(c, "frigate/x/fire/snapshot", make([]byte, 128<<10)) }},
	{"bad UTF-8", "camera", func(c net.Conn) { _, _ = c.Write(body(0x30, 8, []byte{0, 4, 0xff, 0xfe, 'x', 0, 'p', 'q'})) }},
	{"wildcards of a camera", "camera", func(c net.Conn) {
		subscribeTo(c, "#", "+/+", "fire/#", "$share/g/#", string(bytes.Repeat([]byte("/"), 30000)))
	}},
	{"a slow reader of all", "monitor", func(c net.Conn) {
		_ = c.(*net.TCPConn).SetReadBuffer(2048)
		subscribeTo(c, "#")
	}},
	{"orders of a monitor", "monitor", func(c net.Conn) { publishOn(c, "fire/emergency", []byte("start")) }},
	{"nothing at all", "-", func(net.Conn) {}},
}

// misbehave is one client until ctx ends.
func misbehave(ctx context.Context, n int, to string, met *atomic.Int64) {
	m := mischiefs[n%len(mischiefs)]
	dial := net.Dialer{Timeout: time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n/250), byte(1+n%250))}}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		if conn, err := dial.DialContext(ctx, "tcp", to); err == nil {
			act(ctx, m, n, conn, tick, met)
			_ = conn.Close()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func act(ctx context.Context, m mischief, n int, conn net.Conn, tick *time.Ticker, met *atomic.Int64) {
	over := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer over()
	if m.login != "" && m.login != "-" {
		p := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
		p.ProtocolName, p.ProtocolVersion, p.CleanSession, p.ClientIdentifier = "MQTT", 4, true, fmt.Sprint("besieger", n)
		p.UsernameFlag, p.PasswordFlag, p.Username, p.Password = true, true, m.login, []byte(siegeSecret)
		_ = p.Write(conn)
	}
	for range 30 { // then it begins anew
		m.do(conn)
		met.Add(1)
		if _, err := conn.Write([]byte{0xc0, 0}); err != nil || m.name == "connect and go" {
			return // sent away
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
