package announce

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func hello(kind, fields string) []byte {
	return []byte(`<s:Envelope xmlns:s="s"><s:Body><` + kind + `>` + fields + `</` + kind + `></s:Body></s:Envelope>`)
}

// watch runs Watch until the test ends, and returns a function that ends it.
func watch(t testing.TB, c *Client, links []protocol.Link, b *book) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Watch(ctx, links, b.found) }()
	return sync.OnceValue(func() error { cancel(); return <-done })
}

// again sends something until this line has been heard: nobody says when Watch has begun to listen.
func again(t testing.TB, b *book, line string, send func()) {
	t.Helper()
	for range 200 {
		send()
		select {
		case <-b.news:
		case <-time.After(50 * time.Millisecond):
		}
		if slices.Contains(b.lines(), line) {
			return
		}
	}
	t.Fatalf("not heard: %s\nbut\n%s", line, strings.Join(b.lines(), "\n"))
}

func TestWatchHearsWhoComesAndGoes(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	b := newBook()
	stop := watch(t, c, loopback, b)
	defer func() { _ = stop() }()
	p := newPeer(t, "127.0.0.5", c.discovery, 0, true, nil)
	m := newPeer(t, "127.0.0.9", c.dns, c.dns.Port(), true, nil)
	again(t, b, gateLine, func() { p.send(hello("Hello", cameraFields), c.discovery) })
	const bye = `<EndpointReference><Address>uuid:CAFE</Address></EndpointReference>`
	p.send(hello("Hello", cameraFields), c.discovery) // the same again is no news
	p.send(hello("Probe", ""), c.discovery)
	p.send(match(nil, cameraFields), c.discovery) // an answer is none of ours
	p.send(hello("Bye", bye), c.discovery)
	b.until(t, 2)
	p.send(hello("Bye", bye), c.discovery)
	p.send(hello("Hello", cameraFields), c.discovery)
	b.until(t, 3)
	axis := announced(t, "avahi-axis.bin", m.ip)
	again(t, b, axisLine, func() { m.send(axis, c.dns) })
	m.send(goodbye(axis), c.dns)
	b.until(t, 5)
	b.want(t, gateLine, `127.0.0.5 lo ws-discovery camera=false other=false gone=true "" "" [] [] urn:uuid:cafe`, gateLine, axisLine,
		`127.0.0.9 lo mdns camera=false other=false gone=true "" "" [] [] `)
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// goodbye is an announcement with every time to live at 0.
func goodbye(m []byte) []byte {
	return []byte(strings.ReplaceAll(string(m), "\x00\x01\x00\x00\x00\x0a", "\x00\x01\x00\x00\x00\x00"))
}

func TestWatchBoundsAFlood(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	b := newBook()
	stop := watch(t, c, loopback, b)
	defer func() { _ = stop() }()
	p := newPeer(t, "127.0.0.66", c.discovery, 0, true, nil)
	q := newPeer(t, "127.0.0.5", c.discovery, 0, true, nil)
	again(t, b, `127.0.0.66 lo ws-discovery camera=false other=false gone=false "" "" [] [] `,
		func() { p.send(hello("Hello", ""), c.discovery) })
	start := time.Now()
	for i := range 3000 {
		p.send(hello("Hello", `<EndpointReference><Address>uuid:`+time.Duration(i).String()+`</Address></EndpointReference>`), c.discovery)
	}
	again(t, b, gateLine, func() { q.send(hello("Hello", cameraFields), c.discovery) })
	if err := stop(); err != nil {
		t.Error(err)
	}
	seconds := int(time.Since(start)/time.Second) + 2
	if n := len(b.lines()); n > seconds*perSource+2 || c.Dropped() == 0 {
		t.Errorf("%d sightings in %d s, %d dropped", n, seconds, c.Dropped())
	}
}

func TestWatchSaysWhatDoesNotWorkAndGoesOn(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	var mu sync.Mutex
	heard := map[string]int{}
	c.Trouble = func(link string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			heard[link+": "+err.Error()]++
		}
	}
	b := newBook()
	stop := watch(t, c, append([]protocol.Link{{Name: "gone7"}}, loopback...), b)
	defer func() { _ = stop() }()
	p := newPeer(t, "127.0.0.5", c.discovery, 0, true, nil)
	again(t, b, gateLine, func() { p.send(hello("Hello", cameraFields), c.discovery) })
	// Long enough for a second try, which is no news.
	select {
	case <-time.After(3 * firstPause):
	case <-t.Context().Done():
	}
	err := stop()
	if err == nil || strings.Count(err.Error(), "on gone7: interface gone7: ") != 2 {
		t.Errorf("%v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(heard) != 2 {
		t.Errorf("%v", heard)
	}
	for text, n := range heard {
		if n != 1 {
			t.Errorf("%d times: %s", n, text)
		}
	}
}

func TestRatesAndMemory(t *testing.T) {
	c := &Client{}
	var found []protocol.Sighting
	r := newReporter(c, func(s protocol.Sighting) { found = append(found, s) }, 50, quiet)
	start := time.Now()
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, byte(i >> 8), byte(i)}) }
	admitted := 0
	for i := range 100 {
		if r.admit(addr(1), start.Add(time.Duration(i)*time.Millisecond)) {
			admitted++
		}
	}
	for i := range 100 {
		if r.admit(addr(2+i), start.Add(200*time.Millisecond)) {
			admitted++
		}
	}
	if admitted != 50 || c.Dropped() != 150 {
		t.Errorf("%d admitted, %d dropped", admitted, c.Dropped())
	}
	if ok, flooded := r.tally(addr(1), start.Add(time.Second)); !ok || flooded {
		t.Error("a new second lets nobody in")
	}
	for i := range perSource + brakeAfter {
		if ok, flooded := r.tally(addr(2), start.Add(time.Second)); ok != (i < perSource) || flooded {
			t.Fatalf("%d: %t, flooded %t", i, ok, flooded)
		}
	}
	if ok, flooded := r.tally(addr(2), start.Add(time.Second)); ok || !flooded {
		t.Error("a flood is not braked")
	}
	sight := func(after time.Duration, s protocol.Sighting) int {
		s.IP, s.At = "127.0.0.5", start.Add(after)
		r.report(s)
		return len(found)
	}
	camera := protocol.Sighting{Camera: true, Doors: []protocol.Door{{Port: 554}}}
	for i, step := range []struct {
		after time.Duration
		s     protocol.Sighting
		want  int
	}{
		{0, protocol.Sighting{Name: "web"}, 1},
		{1, camera, 2},
		{2, camera, 2},
		{3, protocol.Sighting{Name: "web"}, 2}, // less is no news
		{4, protocol.Sighting{Gone: true}, 3},
		{5, protocol.Sighting{Gone: true}, 3},
		{6, camera, 4},
		{quiet - 1, camera, 4},
		{quiet + 6, camera, 5},
	} {
		if n := sight(step.after, step.s); n != step.want {
			t.Errorf("step %d: %d sightings, want %d", i, n, step.want)
		}
	}
	if s := found[1]; !s.Camera || s.Name != "web" || len(s.Doors) != 1 {
		t.Errorf("more is not added: %+v", s)
	}
	for i := range 3 * maxKnown {
		r.report(protocol.Sighting{IP: addr(i).String(), At: start})
		if len(r.known) > maxKnown {
			t.Fatalf("%d devices remembered", len(r.known))
		}
	}
}

func TestWhatIsMergedIsBounded(t *testing.T) {
	var s protocol.Sighting
	for i := range 100 {
		s = merge(s, protocol.Sighting{XAddrs: []string{time.Duration(i).String()}, Doors: []protocol.Door{{Port: i}}, Other: true, Camera: i == 99, Hardware: "x"})
	}
	if len(s.XAddrs) != maxXAddrs || len(s.Doors) != maxDoors || s.Other || !s.Camera || s.Hardware != "x" {
		t.Errorf("%+v", s)
	}
}
