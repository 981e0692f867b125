//go:build network

package hosts

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/arp"
	"wildfire-watch/test/gear"
)

// These tests run as root in a network and a mount namespace of their own, which end with the process
// and take every host, bridge and cable with them: the machine's own network is never touched.
// The process is the appliance, and each host is a namespace with a cable to a bridge.
const (
	labEnv  = "HOSTS_LAB"
	roleEnv = "HOSTS_ROLE" // what a child of a test does instead of testing
	ourMAC  = "02:00:5e:00:00:02"
	ourNet  = "10.79.0.2/24"
	cables  = 12 // hosts
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(roleEnv) != "":
		os.Exit(play(os.Getenv(roleEnv)))
	case os.Getenv(labEnv) == "":
		os.Exit(apart())
	}
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// apart runs this program again in namespaces of its own.
func apart() int {
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Stdout, c.Stderr, c.Env = os.Stdout, os.Stderr, append(os.Environ(), labEnv+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// hostMAC and hostIP are those of the nth host, from 1.
func hostMAC(n int) string { return fmt.Sprintf("44:19:b6:00:00:%02x", n) }
func hostIP(n int) string  { return fmt.Sprintf("10.79.0.%d", 10+n) }

// build makes the switch, the appliance's cable and the hosts.
func build() error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return err
	}
	// Names of namespaces live in /run: a private one.
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, ""); err != nil {
		return err
	}
	steps := []string{"netns add sw", "-n sw link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0", "-n sw link set br0 up", "link set lo up"}
	steps = append(steps, ourCable()...)
	for n := range cables {
		steps = append(steps, hostSteps(fmt.Sprint("h", n+1), hostMAC(n+1), hostIP(n+1)+"/24")...)
	}
	for _, s := range steps {
		if err := ipRun(s); err != nil {
			return err
		}
	}
	return nil
}

func ourCable() []string {
	return []string{"link add eth0 address " + ourMAC + " type veth peer name papp netns sw", "-n sw link set papp master br0 up",
		"link set eth0 up", "addr add " + ourNet + " brd + dev eth0"}
}

func hostSteps(name, mac, net string) []string {
	return []string{"netns add " + name, "link add name p-" + name + " netns sw type veth peer name eth0 netns " + name + " address " + mac,
		"-n sw link set p-" + name + " master br0 up", "-n " + name + " link set lo up", "-n " + name + " link set eth0 up",
		"-n " + name + " addr add " + net + " brd + dev eth0"}
}

func ipRun(step string) error {
	if out, err := exec.Command("ip", strings.Fields(step)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", step, err, out)
	}
	return nil
}

func ip(t testing.TB, steps ...string) {
	t.Helper()
	for _, s := range steps {
		if err := ipRun(s); err != nil {
			t.Fatal(err)
		}
	}
}

// plug adds a host for one test.
func plug(t testing.TB, name, mac, net string) {
	t.Helper()
	ip(t, hostSteps(name, mac, net)...)
	t.Cleanup(func() { ip(t, "netns del "+name) })
	settled(t, "p-"+name)
}

// settled waits until the switch passes frames of a port.
func settled(t testing.TB, name string) {
	t.Helper()
	gear.Until(t, "port "+name+" forwards", func() bool {
		out, _ := exec.Command("ip", "-n", "sw", "-d", "link", "show", name).Output()
		return strings.Contains(string(out), "state forwarding") && strings.Contains(string(out), "LOWER_UP")
	})
}

// ourLink is eth0, as Links says.
func ourLink(t testing.TB) protocol.Link {
	t.Helper()
	links, err := Links([]string{"eth0"})
	if err != nil || len(links) != 1 {
		t.Fatalf("%v, %v", links, err)
	}
	return links[0]
}

// met collects sightings from any goroutine.
type met struct {
	mutex sync.Mutex
	all   []protocol.Sighting
}

func (m *met) add(s protocol.Sighting) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.all = append(m.all, s)
}

// pairs are "ip mac", sorted.
func (m *met) pairs() (pairs []string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, s := range m.all {
		pairs = append(pairs, s.IP+" "+s.MAC)
	}
	slices.Sort(pairs)
	return pairs
}

func (m *met) count() int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return len(m.all)
}

// of is the first sighting of an address.
func (m *met) of(ip string) (s protocol.Sighting) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if at := slices.IndexFunc(m.all, func(s protocol.Sighting) bool { return s.IP == ip }); at >= 0 {
		s = m.all[at]
	}
	return s
}

func (m *met) has(ip, mac string) bool { return slices.Contains(m.pairs(), ip+" "+mac) }

// everyone is what a sweep of the lab must find.
func everyone(more ...string) (pairs []string) {
	for n := range cables {
		pairs = append(pairs, hostIP(n+1)+" "+hostMAC(n+1))
	}
	return slices.Sorted(slices.Values(append(pairs, more...)))
}

// wire is a recorder of the requests that leave eth0, with the kernel's time of each.
type wire struct{ fd int }

type asking struct {
	at       time.Time
	from, to string
}

func record(t testing.TB) *wire {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: ourLink(t).Index})) // ETH_P_ALL
	if err != nil {
		t.Fatal(err)
	}
	return &wire{fd}
}

// asked reads what was recorded of our own requests.
func (w *wire) asked(t testing.TB) (all []asking) {
	t.Helper()
	frame, control := make([]byte, 2048), make([]byte, 256)
	for {
		n, cn, _, from, err := unix.Recvmsg(w.fd, frame, control, 0)
		if errors.Is(err, unix.EAGAIN) {
			slices.SortStableFunc(all, func(a, b asking) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		var r arp.Reader
		h, wrong := r.Read(frame[:n])
		if link, ok := from.(*unix.SockaddrLinklayer); !ok || link.Pkttype != unix.PACKET_OUTGOING || wrong != nil || h.Kind != arp.Asking {
			continue
		}
		messages, err := unix.ParseSocketControlMessage(control[:cn])
		if err != nil || len(messages) == 0 {
			t.Fatalf("no time of a frame: %v", err)
		}
		s := *(*unix.Timespec)(pointerTo(messages[0].Data))
		to, _ := netip.AddrFromSlice(frame[38:42])
		all = append(all, asking{time.Unix(s.Unix()), h.IP.String(), to.String()})
	}
}

// child runs this program in another role and host, and reads what it says.
func child(t testing.TB, role, host string, as *syscall.Credential, into any) {
	t.Helper()
	args := []string{"/proc/self/exe"}
	if host != "" {
		args = append([]string{"ip", "netns", "exec", host}, must(os.Executable()))
	}
	c := exec.Command(args[0], args[1:]...)
	c.Env = append(os.Environ(), roleEnv+"="+role)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGKILL}
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", role, err, out)
	}
	if into != nil {
		if err := json.Unmarshal(out, into); err != nil {
			t.Fatalf("%s: %v: %s", role, err, out)
		}
	}
}

func must(s string, err error) string {
	if err != nil {
		panic(err)
	}
	return s
}

// unprivilegedUser is nobody, without any capability.
var unprivilegedUser = syscall.Credential{Uid: 65534, Gid: 65534}

func prefixes(texts ...string) (nets []netip.Prefix) {
	for _, s := range texts {
		nets = append(nets, netip.MustParsePrefix(s))
	}
	return nets
}
