package bench

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// BenchmarkFloodThroughBroker publishes 30,000 detections a second through the embedded broker for
// ten seconds and tells how many reached the cameras and how the heap grew meanwhile.
func BenchmarkFloodThroughBroker(b *testing.B) {
	r := newRig(b, true)
	r.until(protocol.Idle)
	time.Sleep(300 * time.Millisecond)
	const seconds, rate = 10, 30000
	before := received(r)
	end := flood(b, r, rate, 100)
	time.Sleep(seconds * time.Second / 2)
	half := heap()
	time.Sleep(seconds * time.Second / 2)
	end()
	time.Sleep(200 * time.Millisecond)
	got, dropped := received(r)-before, drops(r)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(got)/seconds, "detections/s")
	b.ReportMetric(float64(dropped), "dropped")
	b.ReportMetric(float64(heap()-half)/1024, "heap-growth-KiB")
	b.ReportMetric(float64(heap())/1024/1024, "heap-MiB")
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

func received(r *rig) (n uint64) {
	for _, f := range r.system.Figures() {
		if f.Kind == "camera" {
			n += f.Received
		}
	}
	return n
}

func drops(r *rig) (n uint64) {
	for _, f := range r.system.Figures() {
		n += f.Dropped
	}
	return n
}

// BenchmarkCostPerDetection is the processor time of one detection on its whole way, sender and
// embedded broker included, with 4 and with 10,000 cameras. Promised: within 1.3 times.
func BenchmarkCostPerDetection(b *testing.B) {
	for _, cameras := range []int{4, 10000} {
		b.Run(fmt.Sprintf("%d-cameras", cameras), func(b *testing.B) {
			r := newRig(b, true)
			r.until(protocol.Idle)
			time.Sleep(300 * time.Millisecond)
			warm := flood(b, r, 10000, cameras) // every camera has its actor
			time.Sleep(3 * time.Second)
			warm()
			before, start := received(r), processorTime(b)
			end := flood(b, r, 15000, cameras)
			time.Sleep(6 * time.Second)
			end()
			time.Sleep(200 * time.Millisecond)
			used, got := processorTime(b)-start, received(r)-before
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(used.Microseconds())/float64(got), "us-cpu/detection")
			b.ReportMetric(float64(got), "detections")
			b.ReportMetric(float64(drops(r)), "dropped")
		})
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
