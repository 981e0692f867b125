//go:build network

package network

import (
	"encoding/binary"
	"net/netip"
	"regexp"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wire is what left the appliance's network interface: logins by host, and ARP requests. It looks at
// bytes, not at what the program says of itself.
type wire struct {
	mu     sync.Mutex
	logins map[string]int // by the host's address: requests that carried one
	basic  map[string]int // those of them in plain text
	arp    map[int64]int  // requests by tenth of a second
	fd     int
	done   chan struct{}
}

var (
	withLogin = regexp.MustCompile(`(?i)\r\nAuthorization: *\w|<(\w+:)?UsernameToken[ >]`)
	withBasic = regexp.MustCompile(`(?i)\r\nAuthorization: *Basic |PasswordText`)
)

// watchWire begins to look, until stop or the test's end.
func watchWire(t *testing.T, l *lab) *wire {
	t.Helper()
	w := &wire{logins: map[string]int{}, basic: map[string]int{}, arp: map[int64]int{}, done: make(chan struct{})}
	err := l.inApp(func() (err error) {
		all := int(binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})) // in network order
		w.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
		if err == nil {
			_ = unix.SetsockoptInt(w.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
			err = unix.SetsockoptTimeval(w.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(w.read)
	t.Cleanup(func() { w.stop(); reading.Wait(); _ = unix.Close(w.fd) })
	return w
}

func (w *wire) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.done:
	default:
		close(w.done)
	}
}

func (w *wire) read() {
	buffer := make([]byte, 256<<10)
	for {
		select {
		case <-w.done:
			return
		default:
		}
		n, from, err := unix.Recvfrom(w.fd, buffer, 0)
		if link, ok := from.(*unix.SockaddrLinklayer); err == nil && ok && link.Pkttype == unix.PACKET_OUTGOING {
			w.look(buffer[:n])
		}
	}
}

// look judges one frame that we sent.
func (w *wire) look(frame []byte) {
	if len(frame) < 34 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch kind := binary.BigEndian.Uint16(frame[12:]); {
	case kind == unix.ETH_P_ARP && frame[21] == 1:
		w.arp[time.Now().UnixMilli()/100]++
	case kind == unix.ETH_P_IP && frame[23] == unix.IPPROTO_TCP:
		packet := frame[14:]
		data := int(packet[0]&15) * 4
		if len(packet) < data+20 {
			return
		}
		data += int(packet[data+12]>>4) * 4
		if len(packet) <= data || !withLogin.Match(packet[data:]) {
			return
		}
		to, _ := netip.AddrFromSlice(packet[16:20])
		w.logins[to.String()]++
		if withBasic.Match(packet[data:]) {
			w.basic[to.String()]++
		}
	}
}

// loginsTo is how many requests with a login went to a host.
func (w *wire) loginsTo(ip string) int { w.mu.Lock(); defer w.mu.Unlock(); return w.logins[ip] }

// basicTo is how many of them told it in plain text.
func (w *wire) basicTo(ip string) int { w.mu.Lock(); defer w.mu.Unlock(); return w.basic[ip] }

// arpASecond is the largest number of ARP requests within one second, and their sum.
func (w *wire) arpASecond() (most, sum int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for at, n := range w.arp {
		sum += n
		second := 0
		for i := range int64(10) {
			second += w.arp[at+i]
		}
		most = max(most, second)
	}
	return most, sum
}
