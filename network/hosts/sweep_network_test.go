//go:build network

package hosts

import (
	"context"
	"errors"
	"net/netip"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
	"wildfire-watch/test/gear"
)

// sweepNow sweeps eth0 as a full scan does.
func sweepNow(t testing.TB, rate int, known ...string) (found *met, asked int, took time.Duration) {
	t.Helper()
	l, at := ourLink(t), []netip.Addr{}
	for _, k := range known {
		at = append(at, netip.MustParseAddr(k))
	}
	nets, _ := Nets(l, false)
	before, began := files(t), time.Now()
	found = &met{}
	asked, err := Sweep(t.Context(), l, nets, rate, at, found.add)
	took = time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	if now := files(t); now != before {
		t.Errorf("%d files open, %d before", now, before)
	}
	return found, asked, took
}

func TestASweepFindsExactlyTheHosts(t *testing.T) {
	w := record(t)
	best := time.Hour // of three: the machine has other work
	for try := 0; try < 3 && best > time.Second; try++ {
		found, asked, took := sweepNow(t, 0)
		if got := found.pairs(); !slices.Equal(got, everyone()) {
			t.Errorf("found %q", got)
		}
		for _, s := range found.all {
			if s.Link != "eth0" || s.Means != protocol.ByARP || time.Since(s.At) > time.Minute {
				t.Errorf("%+v", s)
			}
		}
		onWire := w.asked(t)
		if asked != 253 || len(onWire) != 253 {
			t.Errorf("asked %d, %d on the wire; want 253", asked, len(onWire))
		}
		t.Logf("a /24 with %d hosts: %d questions in %v, all told in %v", cables, asked, onWire[len(onWire)-1].at.Sub(onWire[0].at), took)
		best = min(best, took)
	}
	if best > time.Second {
		t.Errorf("a /24 takes %v, want less than a second", best)
	}
}

func TestTheRateIsKeptOnTheWire(t *testing.T) {
	ip(t, "addr flush dev eth0", "addr add 10.79.0.2/20 brd + dev eth0")
	t.Cleanup(func() { ip(t, "addr flush dev eth0", "addr add "+ourNet+" brd + dev eth0") })
	plug(t, "far", "44:19:b6:00:01:01", "10.79.15.200/20")
	w := record(t)
	found, asked, took := sweepNow(t, 1000)
	if got := found.pairs(); !slices.Equal(got, everyone("10.79.15.200 44:19:b6:00:01:01")) {
		t.Errorf("found %q", got)
	}
	var at []time.Time
	for _, a := range w.asked(t) {
		at = append(at, a.at)
	}
	most := mostInASecond(at)
	burst := mostIn(20*time.Millisecond, at)
	if asked != 4093 || len(at) != 4093 || most > 1000 || burst > 100 || took > 8*time.Second {
		t.Errorf("asked %d, %d on the wire, %d in a second, %d in 20 ms, %v", asked, len(at), most, burst, took)
	}
	t.Logf("a /20: %d questions in %v, all told in %v, at most %d in any second and %d in any 20 ms", asked, at[len(at)-1].Sub(at[0]), took, most, burst)
}

func TestSilentKnownHostsAreAskedOnceMore(t *testing.T) {
	w := record(t)
	_, asked, took := sweepNow(t, 0, hostIP(1), "10.79.0.200", "10.79.0.200", "10.79.0.2", "8.8.8.8", "10.79.0.255")
	times := make(map[string]int)
	all := w.asked(t)
	for _, a := range all {
		times[a.to]++
	}
	if times[hostIP(1)] != 1 || times["10.79.0.200"] != 2 || times["10.79.0.199"] != 1 || times["8.8.8.8"]+times["10.79.0.2"]+times["10.79.0.255"] != 0 {
		t.Errorf("asked %v", times)
	}
	first := []string{all[0].to, all[1].to} // the recorder has two queues: frames a moment apart may swap
	if !slices.Contains(first, hostIP(1)) || !slices.Contains(first, "10.79.0.200") || asked != 253 || took > 3*time.Second {
		t.Errorf("asked %d, first %+v, in %v", asked, all[:2], took)
	}
	// A subnet too wide to sweep: those that are known are asked all the same.
	var found met
	asked, err := Sweep(t.Context(), ourLink(t), nil, 0, []netip.Addr{netip.MustParseAddr(hostIP(2)), netip.MustParseAddr("10.79.0.201")}, found.add)
	if err != nil || asked != 2 || !slices.Equal(found.pairs(), []string{hostIP(2) + " " + hostMAC(2)}) {
		t.Errorf("asked %d, found %q, %v", asked, found.pairs(), err)
	}
}

func TestTwoHostsWithOneMACAndTwoMACsWithOneAddress(t *testing.T) {
	plug(t, "twin", hostMAC(3), "10.79.0.90/24")
	plug(t, "thief", "44:19:b6:00:02:01", hostIP(4)+"/24")
	found, _, _ := sweepNow(t, 0)
	want := everyone("10.79.0.90 "+hostMAC(3), hostIP(4)+" 44:19:b6:00:02:01")
	if got := found.pairs(); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestEverySubnetOfALinkIsAskedFromOurAddressInIt(t *testing.T) {
	ip(t, "addr add 192.168.79.2/28 brd + dev eth0", "addr add 172.31.79.0/31 dev eth0")
	t.Cleanup(func() { ip(t, "addr del 192.168.79.2/28 dev eth0", "addr del 172.31.79.0/31 dev eth0") })
	plug(t, "second", "44:19:b6:00:03:01", "192.168.79.5/28")
	plug(t, "third", "44:19:b6:00:03:02", "172.31.79.1/31")
	w := record(t)
	found, asked, _ := sweepNow(t, 0)
	if got := found.pairs(); !slices.Equal(got, everyone("192.168.79.5 44:19:b6:00:03:01", "172.31.79.1 44:19:b6:00:03:02")) || asked != 253+13+1 {
		t.Errorf("asked %d, found %q", asked, got)
	}
	home, second := netip.MustParsePrefix(ourNet), netip.MustParsePrefix("192.168.79.0/28")
	for _, a := range w.asked(t) {
		want := "172.31.79.0"
		if to := netip.MustParseAddr(a.to); home.Contains(to) {
			want = "10.79.0.2"
		} else if second.Contains(to) {
			want = "192.168.79.2"
		}
		if a.from != want {
			t.Errorf("%s is asked for from %s", a.to, a.from)
		}
	}
}

func TestASweepEndsWithItsContextAndWithItsLink(t *testing.T) {
	l := ourLink(t)
	nets, _ := Nets(l, false)
	before := files(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	asked, err := Sweep(ctx, l, nets, 1000, nil, func(protocol.Sighting) {})
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || asked < 10 || asked > 150 || took > 2*time.Second {
		t.Errorf("asked %d, %v after %v", asked, err, took)
	}
	pulled := make(chan error, 1)
	time.AfterFunc(50*time.Millisecond, func() { pulled <- ipRun("link set eth0 down") })
	_, err = Sweep(t.Context(), l, nets, 100, nil, func(protocol.Sighting) {})
	if done := <-pulled; done != nil || !errors.Is(err, unix.ENETDOWN) {
		t.Errorf("pulled: %v; %v", done, err)
	}
	if _, err = Sweep(t.Context(), l, nets, 1000, nil, func(protocol.Sighting) {}); !errors.Is(err, unix.ENETDOWN) {
		t.Errorf("a link that is down: %v", err)
	}
	ip(t, "link set eth0 up")
	if now := files(t); now != before {
		t.Errorf("%d files open, %d before", now, before)
	}
	l.Index = 9999
	if _, err = Sweep(t.Context(), l, nets, 1000, nil, func(protocol.Sighting) {}); !errors.Is(err, unix.ENODEV) {
		t.Errorf("no link: %v", err)
	}
	gear.Until(t, "eth0 has carrier again", func() bool { links, err := Links([]string{"eth0"}); return err == nil && len(links) == 1 })
}

func BenchmarkSweepOfAHome(b *testing.B) {
	l := ourLink(b)
	nets, _ := Nets(l, false)
	b.ReportAllocs()
	for b.Loop() {
		if asked, err := Sweep(b.Context(), l, nets, 0, nil, func(protocol.Sighting) {}); err != nil || asked != 253 {
			b.Fatal(asked, err)
		}
	}
}

func BenchmarkARPScanOfAHome(b *testing.B) {
	for b.Loop() {
		if out, err := exec.Command("arp-scan", "--localnet", "--interface=eth0").CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}
