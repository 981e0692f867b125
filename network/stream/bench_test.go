package stream

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// counting counts the bytes of a connection, both ways.
type counting struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

func (c counting) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.bytes.Add(int64(n))
	return n, err
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCheck is one health check of a camera that wants a digest, on loopback. The CPU is that of
// both sides, ours and the peer's, so ours is less; a minute's checks of 250 cameras are 250 of these.
func BenchmarkCheck(b *testing.B) {
	d := &device{user: owner.User, password: owner.Password, offers: digest, streams: map[string]string{"/live": sdp264}}
	var bytes atomic.Int64
	p := host(b, "127.0.0.1", func(c net.Conn) { d.serve(counting{c, &bytes}) })
	o := protocol.CheckOrder{IP: "127.0.0.1", Stream: protocol.Stream{URL: p.url("/live")}, Login: owner, Time: 5 * time.Second}
	b.ReportAllocs()
	before := cpu()
	for b.Loop() {
		if c := Check(b.Context(), o); !c.Alive || c.Problem != "" {
			b.Fatalf("%+v", c)
		}
	}
	each := (cpu() - before) / time.Duration(b.N)
	b.ReportMetric(float64(each.Microseconds()), "cpu-us/check")
	b.ReportMetric(float64(bytes.Load())/float64(b.N), "wire-B/check")
	b.ReportMetric((250 * each).Seconds(), "cpu-s/250-cameras")
}
