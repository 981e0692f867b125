//go:build network

package announce

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// Other people's programs on a network that the tests make: avahi as cameras and as a printer, wsdd as
// a computer. Debian: avahi-daemon, wsdd, iproute2.

func run(t testing.TB, command ...string) {
	t.Helper()
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}

// wire makes a network "10.91.<n>.0/24" of its own with our address .1, and returns our link to it.
func wire(t testing.TB, name string, n int) protocol.Link {
	t.Helper()
	own := fmt.Sprintf("10.91.%d.1/24", n)
	run(t, "ip", "link", "add", name, "type", "bridge", "mcast_snooping", "0", "forward_delay", "0")
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", name).Run() })
	run(t, "ip", "addr", "add", own, "dev", name)
	run(t, "ip", "link", "set", name, "up")
	return protocol.Link{Name: name, Nets: []string{own}}
}

// room puts a host with this address on a wire; its programs run in its namespace.
func room(t testing.TB, wire, host, ip string) {
	t.Helper()
	run(t, "ip", "netns", "add", host)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", host).Run() })
	run(t, "ip", "link", "add", "p-"+host, "master", wire, "type", "veth", "peer", "name", "eth0", "netns", host)
	run(t, "ip", "link", "set", "p-"+host, "up")
	for _, c := range []string{"link set lo up", "link set eth0 up", "addr add " + ip + "/24 dev eth0"} {
		run(t, append([]string{"ip", "-n", host}, strings.Fields(c)...)...)
	}
}

// start starts a program in a host's namespace, "" is ours, and returns a function that ends it as an
// init would.
func start(t testing.TB, host string, command ...string) (stop func()) {
	t.Helper()
	if host != "" {
		command = append([]string{"ip", "netns", "exec", host}, command...)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(command[0], command[1:]...)
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatalf("%v (Debian: apt-get install avahi-daemon wsdd iproute2)", err)
	}
	stop = sync.OnceFunc(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(5*time.Second, func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
		_ = c.Wait()
		killer.Stop()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s %v: %v\n%s", host, command, c.ProcessState, text)
		}
		_ = log.Close()
	})
	t.Cleanup(stop)
	return stop
}

// avahi announces services, each "type port text", under one name.
func avahi(t testing.TB, host, link, name string, services ...string) (stop func()) {
	t.Helper()
	dir := t.TempDir()
	var group strings.Builder
	fmt.Fprintf(&group, `<?xml version="1.0"?><!DOCTYPE service-group SYSTEM "avahi-service.dtd"><service-group><name>%s</name>`, name)
	for _, s := range services {
		f := strings.Fields(s)
		fmt.Fprintf(&group, "<service><type>%s</type><port>%s</port>", f[0], f[1])
		for _, txt := range f[2:] {
			fmt.Fprintf(&group, "<txt-record>%s</txt-record>", txt)
		}
		group.WriteString("</service>")
	}
	group.WriteString("</service-group>")
	hostName := "peer-" + strings.NewReplacer(" ", "", ".", "").Replace(strings.ToLower(name))
	conf := "[server]\nhost-name=" + hostName + "\nuse-ipv6=no\nallow-interfaces=" + link + "\nenable-dbus=no\n[publish]\npublish-workstation=no\n"
	if err := os.MkdirAll(filepath.Join(dir, "services"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"avahi-daemon.conf": conf, "services/peer.service": group.String()} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// It keeps its pid in one place, so that each gets that place for itself.
	return start(t, host, "unshare", "-m", "sh", "-c", "mkdir -p /run/avahi-daemon && mount -t tmpfs tmpfs /run/avahi-daemon && mount --bind '"+
		dir+"' /etc/avahi && exec avahi-daemon --no-drop-root --no-chroot -f /etc/avahi/avahi-daemon.conf")
}

func wsdd(t testing.TB, host string) (stop func()) {
	return start(t, host, "wsdd", "-4", "-i", "eth0", "-n", "OFFICE-PC", "-U", "0b000001-0000-1000-8000-00155d0b0001")
}

// heard waits until somebody has been heard.
func (b *book) heard(t testing.TB, what string, is func(protocol.Sighting) bool) protocol.Sighting {
	t.Helper()
	end := time.After(40 * time.Second)
	for {
		b.mu.Lock()
		i := slices.IndexFunc(b.all, is)
		if i >= 0 {
			s := b.all[i]
			b.mu.Unlock()
			return s
		}
		b.mu.Unlock()
		select {
		case <-b.news:
		case <-end:
			t.Fatalf("%s was not heard, but\n%s", what, strings.Join(b.lines(), "\n"))
		}
	}
}

// probeUntil searches until somebody is found: peers take a second or two to start.
func probeUntil(t testing.TB, c *Client, links []protocol.Link, n int) {
	t.Helper()
	for range 10 {
		b := newBook()
		if err := c.Probe(t.Context(), links, nil, b.found); err != nil {
			t.Fatal(err)
		}
		if len(b.lines()) >= n {
			return
		}
	}
	t.Fatalf("%d of them do not answer", n)
}

func TestNetworkProbeOfRealPeers(t *testing.T) {
	one, two := wire(t, "one0", 1), wire(t, "two0", 2)
	room(t, "one0", "cam1", "10.91.1.11")
	room(t, "one0", "print1", "10.91.1.33")
	room(t, "one0", "pc1", "10.91.1.31")
	room(t, "two0", "cam2", "10.91.2.12")
	avahi(t, "cam1", "eth0", "Gate v1.2", "_rtsp._tcp 10554 path=/stream1", "_http._tcp 80")
	avahi(t, "print1", "eth0", "Office printer", "_http._tcp 80", "_ipp._tcp 631")
	avahi(t, "cam2", "eth0", "axis-1", "_axis-video._tcp 80 macaddress=00408C0A0009", "_rtsp._tcp 7070 path=axis-media/media.amp", "_onvif._tcp 8000")
	wsdd(t, "pc1")
	// A program of this host that holds the same port must cost us nothing.
	avahi(t, "", "one0", "appliance", "_ssh._tcp 22")
	links := []protocol.Link{one, two}
	probeUntil(t, &Client{}, links, 3)
	b := newBook() // all are up now, and have announced themselves
	if err := (&Client{}).Probe(t.Context(), links, nil, b.found); err != nil {
		t.Error(err)
	}
	// The printer is a web server when it is asked, and a printer when it likes; it is never a camera.
	b.all = slices.DeleteFunc(b.all, func(s protocol.Sighting) bool {
		return s.IP == "10.91.1.33" && s.Link == "one0" && !s.Camera && s.Name == "Office printer" && len(s.Doors)+len(s.XAddrs) == 0
	})
	b.want(t, `10.91.1.11 one0 mdns camera=true other=false gone=false "Gate v1.2" "" [] [{10554 /stream1}] `,
		`10.91.2.12 two0 mdns camera=true other=false gone=false "axis-1" "" [http://10.91.2.12:8000/onvif/device_service] [{7070 /axis-media/media.amp}] `)
}

func TestNetworkWatchOfRealPeers(t *testing.T) {
	one, two := wire(t, "one0", 1), wire(t, "two0", 2)
	room(t, "one0", "cam1", "10.91.1.11")
	room(t, "two0", "pc1", "10.91.2.31")
	c, b := &Client{}, newBook()
	stop := watch(t, c, []protocol.Link{one, two}, b)
	defer func() { _ = stop() }()
	c.listening(t, 4)
	leave := avahi(t, "cam1", "eth0", "Gate", "_rtsp._tcp 10554 path=/stream1", "_http._tcp 80")
	off := wsdd(t, "pc1")
	s := b.heard(t, "the camera", func(s protocol.Sighting) bool { return s.IP == "10.91.1.11" && s.Camera && len(s.Doors) == 1 })
	if s.Link != "one0" || s.Name != "Gate" || s.Means != protocol.ByMDNS {
		t.Errorf("%+v", s)
	}
	s = b.heard(t, "the computer", func(s protocol.Sighting) bool { return s.IP == "10.91.2.31" && s.Means == protocol.ByWSDiscovery })
	if s.Link != "two0" || s.Camera || s.EPR != "urn:uuid:0b000001-0000-1000-8000-00155d0b0001" {
		t.Errorf("%+v", s)
	}
	leave()
	off()
	b.heard(t, "the camera's goodbye", func(s protocol.Sighting) bool { return s.IP == "10.91.1.11" && s.Gone })
	b.heard(t, "the computer's Bye", func(s protocol.Sighting) bool { return s.IP == "10.91.2.31" && s.Gone })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// listening waits until so many sockets of ours hear a group.
func (c *Client) listening(t testing.TB, n int) {
	t.Helper()
	for range 100 {
		sockets, err := os.ReadFile("/proc/self/net/udp")
		if err != nil {
			t.Fatal(err)
		}
		// Addresses are written backwards: 239.255.255.250:3702 and 224.0.0.251:5353.
		if strings.Count(string(sockets), " FAFFFFEF:0E76 ")+strings.Count(string(sockets), " FB0000E0:14E9 ") >= n {
			return
		}
		wait(t.Context(), 50*time.Millisecond)
	}
	t.Fatal("nobody listens")
}

func TestNetworkWatchSurvivesInterfaces(t *testing.T) {
	link := protocol.Link{Name: "usb0"}
	plug := func() {
		run(t, "ip", "netns", "add", "pc1")
		run(t, "ip", "link", "add", "usb0", "type", "veth", "peer", "name", "eth0", "netns", "pc1")
		run(t, "ip", "addr", "add", "10.91.3.1/24", "dev", "usb0")
		run(t, "ip", "link", "set", "usb0", "up")
		run(t, "ip", "-n", "pc1", "addr", "add", "10.91.3.31/24", "dev", "eth0")
		run(t, "ip", "-n", "pc1", "link", "set", "eth0", "up")
	}
	pull := func() { run(t, "ip", "netns", "del", "pc1"); _ = exec.Command("ip", "link", "del", "usb0").Run() }
	trouble := make(chan error, 100)
	c, b := &Client{Trouble: func(_ string, err error) { trouble <- err }}, newBook()
	said := func(part string) {
		t.Helper()
		end := time.After(20 * time.Second)
		for {
			select {
			case err := <-trouble:
				if part == "" && err == nil || part != "" && err != nil && strings.Contains(err.Error(), part) {
					return
				}
			case <-end:
				t.Fatalf("nobody said %q", part)
			}
		}
	}
	stop := watch(t, c, []protocol.Link{link}, b)
	defer func() { _ = stop() }()
	said("no such network interface")
	plug()
	said("")
	run(t, "ip", "link", "set", "usb0", "down")
	said("is down")
	run(t, "ip", "link", "set", "usb0", "up")
	said("")
	pull()
	said("no such network interface")
	plug() // it has another index now
	said("")
	c.listening(t, 2)
	off := wsdd(t, "pc1")
	b.heard(t, "the computer", func(s protocol.Sighting) bool { return s.IP == "10.91.3.31" && s.Link == "usb0" })
	off()
	if err := stop(); err != nil {
		t.Error(err)
	}
	pull()
}

func TestNetworkASearchEndsWithoutAnybody(t *testing.T) {
	link := wire(t, "one0", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	b := newBook()
	begin := time.Now()
	if err := (&Client{}).Probe(ctx, []protocol.Link{link}, nil, b.found); err != nil || time.Since(begin) > 3*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	b.want(t)
}
