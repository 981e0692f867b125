package hosts

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"wildfire-watch/protocol/arp"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func macOf(n int) (m arp.MAC) {
	binary.BigEndian.PutUint32(m[2:], uint32(n))
	return m
}

func says(mac int, ip string) arp.Heard {
	return arp.Heard{IP: netip.MustParseAddr(ip), MAC: macOf(mac), Kind: arp.Announcing}
}

func TestNewsPassesAtOnceAndRepetitionsDoNot(t *testing.T) {
	g := newGate()
	for i, c := range []struct {
		after time.Duration
		heard arp.Heard
		news  bool
	}{
		{0, says(1, "10.0.0.1"), true},
		{time.Millisecond, says(1, "10.0.0.1"), false},
		{2 * time.Millisecond, says(1, "10.0.0.7"), true}, // moved
		{3 * time.Millisecond, says(2, "10.0.0.7"), true}, // another claims it
		{4 * time.Millisecond, says(1, "10.0.0.7"), false},
		{5 * time.Millisecond, says(1, "10.0.0.1"), true}, // and back
		{time.Second, says(1, "10.0.0.1"), false},
		{quietTime, says(1, "10.0.0.1"), false},
		{quietTime + 5*time.Millisecond, says(1, "10.0.0.1"), true}, // still there
	} {
		if got := g.news(c.heard, noon.Add(c.after)); got != c.news {
			t.Errorf("%d: %+v is news: %v", i, c.heard, got)
		}
	}
}

func TestAFloodIsBoundedForEachMACAndInAll(t *testing.T) {
	const seconds = 60
	g, passed, moves := newGate(), 0, []string{"10.0.0.1", "10.0.0.2"}
	for i := range seconds * 1000 {
		if g.news(says(1, moves[i%2]), noon.Add(time.Duration(i)*time.Millisecond)) {
			passed++
		}
	}
	if most := macBurst + int(seconds*time.Second/macTime); passed < macBurst || passed > most {
		t.Errorf("one MAC with two addresses passes %d times, at most %d", passed, most)
	}
	g, passed = newGate(), 0
	for i := range seconds * 1000 {
		if g.news(says(i, "10.0.0.1"), noon.Add(time.Duration(i)*time.Millisecond)) {
			passed++
		}
	}
	if most := allBurst + int(seconds*time.Second/allTime); passed < allBurst || passed > most {
		t.Errorf("a thousand MACs a second pass %d times, at most %d", passed, most)
	}
	if len(g.speakers) > mostMACs {
		t.Errorf("%d MACs are remembered", len(g.speakers))
	}
	later := noon.Add(seconds*time.Second + time.Duration(allBurst)*allTime)
	if !g.news(says(1<<24, "10.0.0.9"), later) {
		t.Error("after the flood nobody is heard")
	}
	// More than are remembered, slowly.
	for i := range 2 * mostMACs {
		if !g.news(says(i+1<<20, "10.0.0.1"), later.Add(time.Duration(i+1)*allTime)) {
			t.Fatalf("the %dth host is not heard", i)
		}
	}
	if len(g.speakers) != mostMACs {
		t.Errorf("%d MACs are remembered, want %d", len(g.speakers), mostMACs)
	}
}

func BenchmarkGate(b *testing.B) {
	g, h, i := newGate(), says(1, "10.0.0.1"), 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		g.news(h, noon.Add(time.Duration(i)*time.Microsecond))
	}
}
