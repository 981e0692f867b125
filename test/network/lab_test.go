//go:build network

// Package network holds issue 4's proof: the shipped binary on a network of real peers, each in a
// network namespace of its own (lab/), against the lab's ground truth. `make test-network` runs it, as
// root. It promises that nothing outside of the lab's namespaces is ever asked anything, and that a
// lab goes with the tests, also when they fail. The 18 pitfalls of cameras that were met in the field
// are numbered in the tests that hold them.
package network

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/test/gear"
)

// lab is one running lab.
type lab struct {
	id    int
	state string // its folder: logs, ground truth
	truth truth
}

// truth is the lab's expected.json.
type truth struct {
	Cameras, More, Hostile, Others []host
}

// host is one host of the ground truth.
type host struct {
	ID, MAC, IP, Kind, User, Password string
	FoundBy                           []string `json:"found_by"`
	Situation                         string
	ONVIF                             struct{ Manufacturer, Model, Firmware, Serial string }
	Streams                           []struct {
		Profile, URL, Codec string
		Width, Height       int
		SizeInSDP           *bool `json:"size_in_sdp"`
	}
}

// named is the host of that name.
func (t truth) named(id string) host {
	for _, group := range [][]host{t.Cameras, t.More, t.Hostile, t.Others} {
		if i := slices.IndexFunc(group, func(h host) bool { return h.ID == id }); i >= 0 {
			return group[i]
		}
	}
	return host{}
}

// proving are the cameras that can prove to be some: all but the one that hangs.
func (t truth) proving() []host {
	return slices.DeleteFunc(slices.Clone(t.Cameras), func(h host) bool { return len(h.Streams) == 0 })
}

// logins is a credentials file with the right login of each host, bound to its MAC.
func logins(groups ...[]host) string {
	var b strings.Builder
	for _, h := range slices.Concat(groups...) {
		if h.User != "" {
			who := h.MAC
			if strings.Contains(h.Situation, "behind the router") {
				who = h.IP // no frame of its shows its MAC, and what a stranger says of itself is not believed
			}
			fmt.Fprintf(&b, "%s %s:%s\n", who, h.User, h.Password)
		}
	}
	return b.String()
}

// labs that are up, by their modes, and the folder of the binary under test.
var labs struct {
	sync.Mutex
	up     map[string]*lab
	folder string
	binary string
}

// The first thread stays where it is: a process is in the namespace of its first thread, and a lab
// ends every process that is in it.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	code := m.Run()
	for _, l := range labs.up {
		l.down()
	}
	_ = os.RemoveAll(labs.folder)
	fmt.Print(figures.String())
	os.Exit(code)
}

// figures are measured values, printed at the end.
var figures gear.Buffer

func figure(format string, values ...any) {
	_, _ = fmt.Fprintf(&figures, "figure: "+format+"\n", values...)
}

// labOf brings a lab with these modes up, or gives the one that is up already.
func labOf(t *testing.T, modes ...string) *lab {
	t.Helper()
	labs.Lock()
	defer labs.Unlock()
	kind := strings.Join(modes, " ")
	if l := labs.up[kind]; l != nil {
		return l
	}
	if labs.up == nil {
		labs.up = make(map[string]*lab)
	}
	for try := range 50 {
		l := &lab{id: 100 + (os.Getpid()+try)%100}
		l.state = filepath.Join(stateFolder(), fmt.Sprintf("camlab-%d", l.id))
		out, err := l.script(t.Context(), append([]string{"up"}, modes...)...)
		if err != nil && strings.Contains(out, "is up already") {
			continue // somebody else's
		}
		if err != nil {
			l.down()
			t.Fatalf("lab.sh up %s: %v\n%s", kind, err, out)
		}
		text, err := os.ReadFile(filepath.Join(l.state, "expected.json"))
		if err == nil {
			err = json.Unmarshal(text, &l.truth)
		}
		if err != nil {
			l.down()
			t.Fatalf("ground truth: %v", err)
		}
		labs.up[kind] = l
		return l
	}
	t.Fatal("no lab is free")
	return nil
}

func stateFolder() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return dir
	}
	return "/run"
}

// script runs lab.sh.
func (l *lab) script(ctx context.Context, words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "lab/lab.sh", words...)
	cmd.Env = append(os.Environ(), "CAMLAB_ID="+strconv.Itoa(l.id), "CAMLAB_STATE="+l.state, "CAMLAB_TTL=1200")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second // what it leaves running holds no pipe of ours
	err := cmd.Run()
	if err == exec.ErrWaitDelay {
		err = nil
	}
	return out.String(), err
}

// do runs lab.sh and must succeed.
func (l *lab) do(t *testing.T, words ...string) string {
	t.Helper()
	out, err := l.script(t.Context(), words...)
	if err != nil {
		t.Fatalf("lab.sh %s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return out
}

// down takes the lab down; it goes with every process in it.
func (l *lab) down() {
	if out, err := l.script(context.Background(), "down"); err != nil {
		fmt.Fprintf(os.Stderr, "lab.sh down: %v\n%s", err, out)
	}
}

// log is what a host's service wrote: "cam01.onvif".
func (l *lab) log(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(l.state, "log", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// logLines counts lines of a host's log that hold a word.
func (l *lab) logLines(t *testing.T, name, word string) (n int) {
	for line := range strings.Lines(l.log(t, name)) {
		if slices.Contains(strings.Fields(line), word) {
			n++
		}
	}
	return n
}

// inApp runs do with a thread inside the appliance host: sockets that are opened there stay there.
func (l *lab) inApp(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		f, err := os.Open(fmt.Sprintf("/run/netns/cl%d-app", l.id))
		if err == nil {
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
			_ = f.Close()
		}
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}

// dial opens a TCP connection from inside the appliance host.
func (l *lab) dial(address string) (c net.Conn, err error) {
	err = l.inApp(func() error {
		c, err = net.DialTimeout("tcp", address, 5*time.Second)
		return err
	})
	return c, err
}

// traffic is how many bytes the appliance's network interface has received and sent.
func (l *lab) traffic(t *testing.T) (bytes int64) {
	t.Helper()
	out := l.do(t, "exec", "app", "cat", "/sys/class/net/eth0/statistics/rx_bytes", "/sys/class/net/eth0/statistics/tx_bytes")
	for _, word := range strings.Fields(out) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		bytes += n
	}
	return bytes
}
