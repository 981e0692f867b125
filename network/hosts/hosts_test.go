package hosts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
)

// files is how many files this process has open.
func files(t testing.TB) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// listenOn takes connections on loopback and ends them; closed is one that was closed right away.
func listenOn(t *testing.T, ip string, port int) int {
	t.Helper()
	l, err := net.Listen("tcp4", net.JoinHostPort(ip, fmt.Sprint(port)))
	if err != nil {
		t.Fatal(err)
	}
	var taking sync.WaitGroup
	taking.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); taking.Wait() })
	return l.Addr().(*net.TCPAddr).Port
}

func TestOpenDoorsAreFoundOnEveryHost(t *testing.T) {
	before := files(t)
	open := []int{listenOn(t, "127.7.0.1", 0), listenOn(t, "127.7.0.1", 0)}
	other := listenOn(t, "127.7.0.2", 0)
	listening := files(t)
	ports := append(DoorPorts(), open[0], open[1], other, other)
	got := make(map[string]int)
	err := Ports(t.Context(), []netip.Addr{address("127.7.0.1"), address("127.7.0.2"), address("127.7.0.3"), address("127.7.0.1")}, ports,
		func(ip netip.Addr, port int) { got[fmt.Sprint(ip, ":", port)]++ })
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{fmt.Sprint("127.7.0.1:", open[0]): 1, fmt.Sprint("127.7.0.1:", open[1]): 1, fmt.Sprint("127.7.0.2:", other): 1}
	if !maps.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if now := files(t); now > listening || listening <= before {
		t.Errorf("%d files open, %d before", now, listening)
	}
}

// full is a port on loopback that lets nobody in: its queue of one is full, further SYNs are dropped.
func full(t *testing.T, ip string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: address(ip).As4()}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := at.(*unix.SockaddrInet4).Port
	c, err := net.Dial("tcp4", net.JoinHostPort(ip, fmt.Sprint(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return port
}

func TestSilentDoorsCostOneTimeoutTogether(t *testing.T) {
	port := full(t, "127.7.0.4")
	open := listenOn(t, "127.7.0.5", 0)
	began := time.Now()
	var got []string
	err := Ports(t.Context(), []netip.Addr{address("127.7.0.4"), address("127.7.0.5")}, []int{port, open},
		func(ip netip.Addr, port int) { got = append(got, fmt.Sprintf("%v:%d", ip, port)) })
	if took := time.Since(began); err != nil || took < connectTime || took > 3*connectTime {
		t.Errorf("%v after %v", err, took)
	}
	if !slices.Equal(got, []string{fmt.Sprintf("127.7.0.5:%d", open)}) {
		t.Errorf("found %v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began = time.Now()
	err = Ports(ctx, []netip.Addr{address("127.7.0.4")}, []int{port}, func(netip.Addr, int) { t.Error("found") })
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 500*time.Millisecond {
		t.Errorf("%v after %v", err, took)
	}
}

func TestWrongOrdersAreRefused(t *testing.T) {
	nobody := func(netip.Addr, int) { t.Error("found") }
	for name, err := range map[string]error{
		"port 0":      Ports(t.Context(), []netip.Addr{address("127.0.0.1")}, []int{0}, nobody),
		"port 65536":  Ports(t.Context(), []netip.Addr{address("127.0.0.1")}, []int{65536}, nobody),
		"IPv6":        Ports(t.Context(), []netip.Addr{address("::1")}, []int{80}, nobody),
		"no address":  Ports(t.Context(), []netip.Addr{{}}, []int{80}, nobody),
		"many ports":  Ports(t.Context(), nil, make([]int, mostPorts+1), nobody),
		"connect 0":   connectTo(t, "127.7.1.0/30", 0),
		"connect out": connectTo(t, "127.7.1.0/30", 70000),
		"connect v6":  connectTo(t, "::1/128", 80),
		"sweep":       sweepOf(t, linkWith("10.0.0.1/24"), "10.0.1.0/24"),
		"sweep wider": sweepOf(t, linkWith("10.0.0.1/24"), "10.0.0.0/16"),
		"no MAC":      sweepOf(t, protocol.Link{Name: "eth0", Nets: []string{"10.0.0.1/24"}}, "10.0.0.0/24"),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := Ports(t.Context(), nil, DoorPorts(), nobody); err != nil {
		t.Error(err)
	}
}

func connectTo(t *testing.T, net string, port int) error {
	t.Helper()
	_, err := Connect(t.Context(), []netip.Prefix{netip.MustParsePrefix(net)}, []int{port}, 1000, func(s protocol.Sighting) { t.Errorf("found %+v", s) })
	return err
}

func sweepOf(t *testing.T, l protocol.Link, net string) error {
	t.Helper()
	_, err := Sweep(t.Context(), l, []netip.Prefix{netip.MustParsePrefix(net)}, 1000, nil, func(s protocol.Sighting) { t.Errorf("found %+v", s) })
	return err
}

func TestWhoTakesOrRefusesAConnectIsThere(t *testing.T) {
	open := listenOn(t, "127.7.1.1", 0)
	before := files(t)
	doors := make(map[string]int)
	var got []string
	asked, err := Connect(t.Context(), []netip.Prefix{netip.MustParsePrefix("127.7.1.0/29"), netip.MustParsePrefix("127.7.1.0/30")}, []int{open, open}, 1000,
		func(s protocol.Sighting) {
			got = append(got, s.IP)
			for _, d := range s.Doors {
				doors[s.IP] = d.Port
			}
			if s.Means != protocol.ByConnect || s.MAC != "" || time.Since(s.At) > time.Minute {
				t.Errorf("%+v", s)
			}
		})
	slices.Sort(got)
	if err != nil || asked != 6 || strings.Join(got, " ") != "127.7.1.1 127.7.1.2 127.7.1.3 127.7.1.4 127.7.1.5 127.7.1.6" {
		t.Errorf("asked %d, found %v, %v", asked, got, err)
	}
	if !maps.Equal(doors, map[string]int{"127.7.1.1": open}) {
		t.Errorf("open doors %v", doors)
	}
	if now := files(t); now > before {
		t.Errorf("%d files open, %d before", now, before)
	}
}

func TestConnectsKeepTheirRateAndEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 1100*time.Millisecond)
	defer cancel()
	var at []time.Time
	asked, err := Connect(ctx, []netip.Prefix{netip.MustParsePrefix("127.7.16.0/20")}, []int{9}, 200, func(s protocol.Sighting) { at = append(at, s.At) })
	slices.SortFunc(at, time.Time.Compare)
	if most := mostInASecond(at); !errors.Is(err, context.DeadlineExceeded) || asked > 230 || asked < 100 || most > 205 {
		t.Errorf("asked %d, %d of them in a second, %v", asked, most, err)
	}
}

func TestDoorsAreATable(t *testing.T) {
	seen := make(map[int]bool)
	for _, d := range Doors {
		if seen[d.Port] || d.Port < 1 || d.Port > 65535 || d.Reason == "" {
			t.Errorf("%+v", d)
		}
		seen[d.Port] = true
	}
	for _, p := range []int{554, 8554, 10554, 7070, 80, 8080, 8899, 8000, 2020, 5000} {
		if !seen[p] {
			t.Errorf("%d is missing", p)
		}
	}
	if len(DoorPorts()) != len(Doors) || len(Doors) > mostLanes {
		t.Errorf("%d ports of %d doors, of which %d are tried at once", len(DoorPorts()), len(Doors), mostLanes)
	}
}
