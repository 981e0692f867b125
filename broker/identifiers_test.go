package broker

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/zap"
)

// TestASubscriptionIsGrantedWhileAMessageOfOursHasItsNumber: both directions may use packet 1 at the
// same time (MQTT 3.1.1 §2.3.1).
func TestASubscriptionIsGrantedWhileAMessageOfOursHasItsNumber(t *testing.T) {
	b, err := Start("127.0.0.1:0", zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	conn, err := net.Dial("tcp", b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	exchange := func(what string, send, want []byte) {
		t.Helper()
		if _, err := conn.Write(send); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(conn, got); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: answer % x, want % x", what, got, want)
		}
	}
	exchange("connect", []byte{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 1, 'c'}, []byte{0x20, 2, 0, 0})
	exchange("subscribe a, packet 7", []byte{0x82, 6, 0, 7, 0, 1, 'a', 1}, []byte{0x90, 3, 0, 7, 1})
	// Publishing on a at QoS 1, packet 9: the broker's own packet 1 comes back and is not acknowledged.
	exchange("publish on a", []byte{0x32, 6, 0, 1, 'a', 0, 9, 'x'}, []byte{0x40, 2, 0, 9, 0x32, 6, 0, 1, 'a', 0, 1, 'x'})
	exchange("subscribe b, packet 1", []byte{0x82, 6, 0, 1, 0, 1, 'b', 1}, []byte{0x90, 3, 0, 1, 1})
	exchange("publish on b", []byte{0x30, 4, 0, 1, 'b', 'y'}, []byte{0x30, 4, 0, 1, 'b', 'y'})
}
