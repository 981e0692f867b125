package bridge

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func TestASilentBrokerIsAskedOnceAndThenGivenUp(t *testing.T) {
	var p pulse
	heard := uint64(0)
	for i, c := range []struct {
		heard     bool
		beats     int
		ask, dead bool // at the last of them, and at none before
	}{
		{false, askAfter, true, false}, {true, 1, false, false}, // it answers
		{false, askAfter - 1, false, false}, {true, 1, false, false}, // it speaks by itself
		{false, askAfter, true, false}, {false, deadAfter - askAfter, false, true}, // it does neither
	} {
		for n := range c.beats {
			if c.heard {
				heard++
			}
			var ask, dead bool
			p, ask, dead = p.beat(heard)
			if last := n == c.beats-1; ask != (c.ask && last) || dead != (c.dead && last) {
				t.Fatalf("%d, beat %d: ask %v, dead %v", i, n, ask, dead)
			}
		}
	}
}

// cable is a way to a broker that can be pulled: both ends stay open and nothing passes any more.
type cable struct {
	socket net.Listener
	to     string
	pulled chan struct{}
	ends   sync.WaitGroup
	mu     sync.Mutex
	conns  []net.Conn
}

func lay(t *testing.T, to string) *cable {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{socket: socket, to: to, pulled: make(chan struct{})}
	c.ends.Go(c.accept)
	t.Cleanup(func() {
		_ = socket.Close()
		c.mu.Lock()
		for _, conn := range c.conns {
			_ = conn.Close()
		}
		c.mu.Unlock()
		c.ends.Wait()
	})
	return c
}

func (c *cable) accept() {
	for {
		near, err := c.socket.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, near, far)
		c.mu.Unlock()
		c.ends.Go(func() { c.carry(near, far) })
		c.ends.Go(func() { c.carry(far, near) })
	}
}

func (c *cable) carry(from io.Reader, to io.Writer) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-c.pulled: // it is read, as a kernel would acknowledge it: the worst case
			continue
		default:
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// TestABrokerThatVanishesWithoutAWordIsToldWithinTenSeconds: every connection of ours says so, and one that
// is quiet is no reason before.
func TestABrokerThatVanishesWithoutAWordIsToldWithinTenSeconds(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	c := lay(t, p.socket.Addr().String())
	h := move(t, Settings{Config: Config{URL: "tcp://" + c.socket.Addr().String()}})
	h.occurred(protocol.MQTTConnected, 1)
	quiet := time.NewTimer((deadAfter + 2) * beat) // its answers alone keep the connection
	<-quiet.C
	if n := len(all[protocol.Fault](h)); n > 0 {
		t.Fatalf("a quiet broker is taken for a dead one: %+v", all[protocol.Fault](h))
	}
	begun := time.Now()
	close(c.pulled)
	down := func() (n int) {
		for _, l := range all[protocol.BrokerLink](h) {
			if !l.Connected {
				n++
			}
		}
		return n
	}
	eventually(t, "every connection is told to be down", func() bool { return down() == len(protocol.Services) })
	took := time.Since(begun)
	if took > 10*time.Second || all[protocol.Fault](h)[0].Code != "broker" {
		t.Errorf("after %v: %+v", took, all[protocol.Fault](h))
	}
	t.Logf("told after %v", took)
}
