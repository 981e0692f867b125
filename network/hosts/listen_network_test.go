//go:build network

package hosts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
	"wildfire-watch/test/gear"
)

// listening runs Listen on eth0 until the test ends, and returns when it hears.
func listening(t testing.TB) *met {
	t.Helper()
	before := files(t)
	ctx, cancel := context.WithCancel(context.Background())
	var ears sync.WaitGroup
	var heard met
	l := ourLink(t)
	ears.Go(func() {
		if err := Listen(ctx, l, heard.add); !errors.Is(err, context.Canceled) {
			t.Errorf("listening ended: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		ears.Wait()
		if now := files(t); now > before {
			t.Errorf("%d files open, %d before", now, before)
		}
	})
	until(t, "eth0 is listened on", &heard, "h1", "10.79.0.250", "44:19:b6:00:09:01")
	return &heard
}

// until lets a host announce an address until it is heard.
func until(t testing.TB, what string, heard *met, host, ip, mac string) {
	t.Helper()
	gear.Until(t, what, func() bool { child(t, "say "+ip+" "+mac, host, nil, nil); return heard.has(ip, mac) })
}

// inHost runs a program in a host.
func inHost(t testing.TB, host string, words ...string) {
	t.Helper()
	if out, err := exec.Command("ip", append([]string{"netns", "exec", host}, words...)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %q: %v: %s", host, words, err, out)
	}
}

func TestAMoveIsHeardAtOnce(t *testing.T) {
	plug(t, "mover", "44:19:b6:00:05:01", "10.79.0.92/24")
	inHost(t, "mover", "sysctl", "-qw", "net.ipv4.conf.eth0.arp_notify=1")
	heard := listening(t)
	// The kernel of the host announces its addresses when its MAC is set.
	ip(t, "-n mover addr flush dev eth0", "-n mover addr add 10.79.0.93/24 dev eth0")
	began := time.Now()
	ip(t, "-n mover link set eth0 address 44:19:b6:00:05:01")
	gear.Until(t, "the move is heard", func() bool { return heard.has("10.79.0.93", "44:19:b6:00:05:01") })
	move := heard.of("10.79.0.93")
	if after := move.At.Sub(began); after > 100*time.Millisecond || move.Means != protocol.ByARP || move.Link != "eth0" {
		t.Errorf("heard after %v: %+v", after, move)
	} else {
		t.Logf("heard after %v, the start of the program that sets the MAC included", after)
	}
	// Who asks for somebody else is there too, although nobody asked it.
	inHost(t, "h5", "bash", "-c", "echo > /dev/udp/10.79.0.222/9")
	gear.Until(t, "a question is heard", func() bool { return heard.has(hostIP(5), hostMAC(5)) })
}

func TestAProbeIsNoSignOfAnAddress(t *testing.T) {
	heard := listening(t)
	child(t, "probe 10.79.0.94 44:19:b6:00:06:01", "h2", nil, nil)
	until(t, "what follows is heard", heard, "h2", "10.79.0.95", "44:19:b6:00:06:02")
	if heard.has("10.79.0.94", "44:19:b6:00:06:01") {
		t.Error("a probe was taken for a host at that address")
	}
}

func TestListeningSurvivesItsInterface(t *testing.T) {
	heard := listening(t)
	ip(t, "link set eth0 down", "link set eth0 up")
	settled(t, "papp")
	until(t, "heard after down and up", heard, "h3", "10.79.0.96", "44:19:b6:00:07:01")
	ip(t, "-n sw link set papp down", "-n sw link set papp up") // the cable
	settled(t, "papp")
	until(t, "heard after the cable was out", heard, "h3", "10.79.0.97", "44:19:b6:00:07:02")
	ip(t, "link del eth0")
	ip(t, ourCable()...)
	settled(t, "papp")
	until(t, "heard by an adapter that was pulled and put back", heard, "h3", "10.79.0.98", "44:19:b6:00:07:03")
	found, _, _ := sweepNow(t, 0)
	if got := found.pairs(); !slices.Equal(got, everyone()) {
		t.Errorf("a sweep finds %q", got)
	}
}

func TestAFloodCostsLittleAndEndsNothing(t *testing.T) {
	heard := listening(t)
	before, cpu, began := heard.count(), processorTime(t), time.Now()
	const many = 60000
	child(t, fmt.Sprint("flood ", many), "h4", nil, nil)
	took := time.Since(began)
	spent := processorTime(t) - cpu
	if n, most := heard.count()-before, allBurst+int(took/allTime)+1; n < 10 || n > most {
		t.Errorf("%d reports of a flood, at most %d", n, most)
	}
	if spent > took/5+50*time.Millisecond {
		t.Errorf("%v of processor time in %v", spent, took)
	}
	t.Logf("%d made-up hosts in %v: %d reports, %v of processor time", many, took, heard.count()-before, spent)
	until(t, "heard after a flood", heard, "h4", "10.79.0.99", "44:19:b6:00:08:01")
}

// processorTime is what this process has used.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestLinksOfTheLab(t *testing.T) {
	ip(t, "link add docker0 type bridge", "link set docker0 up", "addr add 172.17.0.1/16 dev docker0",
		"link add veth9 type veth peer name cont9", "link set veth9 master docker0 up", "link set cont9 up")
	t.Cleanup(func() { ip(t, "link del docker0", "link del veth9") })
	links, err := Links(nil)
	if err != nil || len(links) != 1 || links[0].Name != "eth0" || links[0].MAC != ourMAC || !slices.Equal(links[0].Nets, []string{ourNet}) || links[0].Index == 0 {
		t.Errorf("%+v, %v", links, err)
	}
	links, err = Links([]string{"docker0", "eth0", "cont9", "nothing"})
	if !slices.Equal(names(links), []string{"docker0", "eth0"}) || err == nil || !strings.Contains(err.Error(), "cont9") || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("%+v, %v", links, err)
	}
}

func TestWithoutPrivilegesHostsAreFoundBySlowConnects(t *testing.T) {
	w := record(t)
	nobody := unprivilegedUser
	var got without
	child(t, "unprivileged", "", &nobody, &got)
	if !got.SweepDenied || !got.ListenDenied {
		t.Errorf("raw sockets are not denied: %+v", got)
	}
	pairs := func(all []protocol.Sighting) []string { m := met{all: all}; return m.pairs() }
	if seen := pairs(got.Neighbours); !slices.Equal(seen, everyone()) {
		t.Errorf("the neighbour table has %q", seen)
	}
	if len(got.Connected) != cables || got.Asked != 253 || len(got.Open) != 0 {
		t.Errorf("asked %d, %d refused, open %q", got.Asked, len(got.Connected), got.Open)
	}
	for _, s := range got.Neighbours {
		if s.Means != protocol.ByNeighbours || s.Link != "eth0" {
			t.Errorf("%+v", s)
		}
	}
	var first []time.Time // when each address came into the table
	seen := make(map[string]bool)
	for _, a := range w.asked(t) {
		if !seen[a.to] {
			first = append(first, a.at)
		}
		seen[a.to] = true
	}
	if most := mostIn(rowTime, first); most > fullTable/2+rowsChecked {
		t.Errorf("%d rows in %v", most, rowTime)
	}
	t.Logf("without privileges: %d of %d hosts in %v, at most %d new rows in a second", len(got.Neighbours), cables, got.Took, mostInASecond(first))
}

func TestBeyondARouter(t *testing.T) {
	ip(t, "netns add far", "link add name q0 netns far type veth peer name up0 netns h1", "-n far link set lo up", "-n far link set q0 up",
		"-n far addr add 10.82.0.9/28 dev q0", "-n far addr add 10.82.0.5/28 dev q0", "-n far route add default via 10.82.0.1",
		"-n h1 link set up0 up", "-n h1 addr add 10.82.0.1/28 dev up0", "route add 10.82.0.0/28 via "+hostIP(1))
	t.Cleanup(func() { ip(t, "netns del far", "route del 10.82.0.0/28") })
	inHost(t, "h1", "sysctl", "-qw", "net.ipv4.ip_forward=1")
	var found met
	asked, err := Connect(t.Context(), prefixes("10.82.0.0/28"), []int{554, 8554}, 0, found.add)
	if want := []string{"10.82.0.1 ", "10.82.0.5 ", "10.82.0.9 "}; err != nil || asked != 14 || !slices.Equal(found.pairs(), want) {
		t.Errorf("asked %d, found %q, %v", asked, found.pairs(), err)
	}
	rows, err := os.ReadFile("/proc/self/net/arp")
	if err != nil || strings.Contains(string(rows), "10.82.") {
		t.Errorf("rows for hosts beyond the router: %v, %s", err, rows)
	}
}
