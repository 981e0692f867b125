package discovery

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// many is a network of n cameras that is known.
func many(t testing.TB, n int) *world {
	w := newWorld(t, plainRules)
	for i := range n {
		w.add(device{ip: fmt.Sprintf("10.0.%d.%d", i/200, 1+i%200), mac: fmt.Sprintf("aa:00:00:00:%02x:%02x", i/256, i%256),
			camera: true, maker: "Acme", serial: fmt.Sprintf("SN-%05d", i)})
	}
	w.run(20 * time.Minute)
	if len(w.m.order) != n {
		t.Fatalf("%d of %d are known", len(w.m.order), n)
	}
	return w
}

// BenchmarkAMinuteOf250 is what deciding costs in a minute of steady state, answers included.
func BenchmarkAMinuteOf250(b *testing.B) {
	w := many(b, 250)
	for b.Loop() {
		w.got = nil
		for _, d := range w.devices {
			d.checks = nil
		}
		w.run(time.Minute)
	}
}

// BenchmarkASightingOfAStranger is what an ARP packet costs that tells nothing new.
func BenchmarkASightingOfAStranger(b *testing.B) {
	w := many(b, 250)
	s := protocol.Sighting{IP: "10.9.9.9", MAC: "02:00:00:00:00:01", Means: protocol.ByARP, At: w.now}
	for b.Loop() {
		w.m.Step(s, w.now)
	}
}

func TestAKnownCameraTakesLittleMemoryAndFewAwakenings(t *testing.T) {
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap()
	w := many(t, 300)
	w.got, w.devices, w.pending = nil, nil, nil
	if each := int64(heap()-before) / 300; each > 20<<10 {
		t.Errorf("a camera takes %d bytes", each)
	} else {
		t.Logf("a camera takes %d bytes", each)
	}
	runtime.KeepAlive(w)
	w = many(t, 10)
	w.woken = 0
	w.run(10 * time.Hour)
	// A check, its answer, and now and then a scan.
	if most := 10 * 600 * 3; w.woken > most {
		t.Errorf("woken %d times in ten hours, at most %d", w.woken, most)
	}
}
