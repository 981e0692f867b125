package broker

import (
	"io"
	"net"
	"net/url"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// throttled is a connection that reads a little now and then: never so little that it stalls.
type throttled struct {
	net.Conn
	ended chan struct{}
}

func (c throttled) Read(p []byte) (int, error) {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-c.ended:
		return 0, io.EOF
	}
	return c.Conn.Read(p[:min(len(p), 8<<10)])
}

// TestAReaderTooFarBehindIsCutOff while another gets everything, and the sender waits for nobody.
func TestAReaderTooFarBehindIsCutOff(t *testing.T) {
	b, k := guarded(t, nil)
	ended := make(chan struct{})
	defer close(ended)
	o := options(b, "panel", "slow").SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		conn, err := from(b, "127.9.0.1")
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(32 << 10)
		}
		return throttled{conn, ended}, err
	})
	slow := enter(t, o)
	if !grants(t, slow, "#") {
		t.Fatal("not granted")
	}
	heard := make(chan int, 200)
	quick := enter(t, options(b, "anna", "quick"))
	done(t, quick.Subscribe("frigate/#", 0, func(_ paho.Client, m paho.Message) { heard <- len(m.Payload()) }))
	ours := inside(t, b, "ours", nil)
	const size = 128 << 10
	for range 2 * MaxBehind / size {
		done(t, ours.Publish("frigate/x/fire/snapshot", 0, false, make([]byte, size)))
		select {
		case n := <-heard:
			if n != size {
				t.Fatalf("%d bytes came", n)
			}
		case <-time.After(patience):
			t.Fatal("the quick reader waits")
		}
	}
	eventually(t, "told", func() bool { return k.refused("panel", "slow reader") == 1 })
	eventually(t, "cut off", func() bool { return b.Clients() == 2 })
}

// TestWhatIsRetainedIsNoBacklog: a newcomer gets all of it at once, and what he has read is not counted twice.
func TestWhatIsRetainedIsNoBacklog(t *testing.T) {
	b, k := guarded(t, nil)
	ours := inside(t, b, "ours", nil)
	const size, many = 256 << 10, 2 * MaxBehind / (256 << 10)
	for i := range many {
		done(t, ours.Publish("frigate/camera"+string(rune('a'+i))+"/fire/snapshot", 1, true, make([]byte, size)))
	}
	heard := make(chan struct{}, 2*many)
	c := enter(t, options(b, "panel", "panel"))
	done(t, c.Subscribe("frigate/#", 0, func(paho.Client, paho.Message) { heard <- struct{}{} }))
	for n := range many + 1 {
		select {
		case <-heard:
		case <-time.After(patience):
			t.Fatalf("%d of %d came", n, many+1)
		}
		if n == many-1 {
			done(t, ours.Publish("frigate/last", 0, false, make([]byte, size)))
		}
	}
	if k.refused("panel", "slow reader") > 0 {
		t.Error("it is called slow")
	}
	b.door.mu.Lock()
	defer b.door.mu.Unlock()
	for g := range b.door.guests {
		if behind := g.behind.Load(); behind != 0 {
			t.Errorf("%d bytes are still counted", behind)
		}
	}
}

func TestMuchIsChargedForEachThatReadsAll(t *testing.T) {
	d := newDoor(func(refusal) {})
	for _, readers := range []int{0, 3} {
		d.heavy.of = nil
		d.readers = readers
		g := &guest{door: d}
		g.light.allow(lightly, lightly.burst, time.Now()) // it has sent much
		d.slow(g, gulp)
		if used := d.heavy.of[struct{}{}].used; used != float64(gulp*(1+readers)) {
			t.Errorf("%d readers: %v bytes are charged", readers, used)
		}
	}
}
