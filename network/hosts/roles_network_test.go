//go:build network

package hosts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"time"
	"unsafe"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/arp"
)

func pointerTo(b []byte) unsafe.Pointer { return unsafe.Pointer(&b[0]) }

// play is what a child does: "unprivileged", "say IP MAC …" (announce), "probe IP MAC", "flood COUNT".
func play(role string) int {
	words := strings.Fields(role)
	var err error
	switch words[0] {
	case "unprivileged":
		err = unprivileged()
	case "say", "probe":
		err = say(words[0] == "probe", words[1], words[2])
	case "flood":
		err = flood(words[1])
	default:
		err = fmt.Errorf("no role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// without is what a process without privileges finds.
type without struct {
	SweepDenied, ListenDenied bool
	Asked                     int
	Took                      time.Duration
	Connected, Neighbours     []protocol.Sighting
	Open                      []string
}

func unprivileged() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	links, err := Links(nil)
	if err != nil || len(links) == 0 {
		return fmt.Errorf("links: %v: %w", links, err)
	}
	sweep, _ := Nets(links[0], false)
	var w without
	_, err = Sweep(ctx, links[0], sweep, 0, nil, func(protocol.Sighting) {})
	w.SweepDenied = errors.Is(err, fs.ErrPermission)
	err = Listen(ctx, links[0], func(protocol.Sighting) {})
	w.ListenDenied = errors.Is(err, fs.ErrPermission)
	began := time.Now()
	w.Asked, err = Connect(ctx, sweep, []int{554, 80}, 0, func(s protocol.Sighting) { w.Connected = append(w.Connected, s) })
	if err != nil {
		return err
	}
	w.Took = time.Since(began)
	var hosts []netip.Addr
	err = Neighbours(links, func(s protocol.Sighting) {
		w.Neighbours = append(w.Neighbours, s)
		hosts = append(hosts, netip.MustParseAddr(s.IP))
	})
	if err != nil {
		return err
	}
	if err := Ports(ctx, hosts, DoorPorts(), func(ip netip.Addr, port int) { w.Open = append(w.Open, fmt.Sprint(ip, ":", port)) }); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(w)
}

// speakerOn is a socket of the host that this process runs in.
func speakerOn() (*socket, error) {
	links, err := Links([]string{"eth0"})
	if err != nil {
		return nil, err
	}
	return open(links[0])
}

func say(probe bool, ip, mac string) error {
	s, err := speakerOn()
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	m, _ := arp.ParseMAC(mac)
	at := netip.MustParseAddr(ip)
	from := at
	if probe {
		from = netip.Addr{}
	}
	frame, err := arp.NewQuestion(m, from).Ask(at)
	if err != nil {
		return err
	}
	_, err = s.Write(frame)
	return err
}

// flood announces as many hosts that there are not, as fast as it can.
func flood(count string) error {
	s, err := speakerOn()
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	var n int
	if _, err := fmt.Sscan(count, &n); err != nil {
		return err
	}
	for i := range n {
		at := netip.AddrFrom4([4]byte{10, 79, byte(i >> 8), byte(i)})
		frame, err := arp.NewQuestion(macOf(1<<25|i), at).Ask(at)
		if err != nil {
			return err
		}
		if _, err := s.Write(frame); err != nil {
			return err
		}
	}
	return nil
}
