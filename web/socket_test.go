package web

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"wildfire-watch/protocol"
)

// bySocket is a client of a socket.
func bySocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}}}
}

// shortDir is a folder whose sockets have a short path.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ww-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// askTheSocket is the other process of TestTheSocketServesRootTheServiceAndItsGroup.
func askTheSocket(path string) int {
	a, err := bySocket(path).Post("http://socket/api/commands", "application/json", strings.NewReader(`{"command":"stop"}`))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	text, _ := io.ReadAll(a.Body)
	_ = a.Body.Close()
	fmt.Println(a.StatusCode, string(text))
	return 0
}

func TestTheTerminalOrdersByTheSocketWithoutAPassword(t *testing.T) {
	h := pumping()
	dir := shortDir(t)
	p := serving(t, Settings{Config: Config{Users: users}, Dir: dir}, h)
	if p.Socket() != filepath.Join(dir, SocketName) {
		t.Fatalf("socket %q", p.Socket())
	}
	about, err := os.Stat(p.Socket())
	if err != nil || about.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", about.Mode(), err)
	}
	c := bySocket(p.Socket())
	a := requestBy(t, c, "POST", "http://any.name/api/commands", `{"command":"reset","confirm":true}`)
	if a.code != 200 {
		t.Errorf("%d %s", a.code, a.body)
	}
	got := sent[protocol.Command](h)
	if len(got) != 1 || got[0].Source != "terminal" || !strings.HasPrefix(got[0].By, "terminal: ") {
		t.Errorf("the pump hears %+v", got)
	}
	if a := requestBy(t, c, "POST", "http://any/api/login", `{"user":"anna","password":"x"}`); a.code != 400 {
		t.Errorf("a login by the socket: %d", a.code)
	}
	_ = p.Close()
	if _, err := os.Lstat(p.Socket()); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// TestTheSocketServesRootTheServiceAndItsGroup asks as others do: the mode of the socket is opened, so that
// the kernel's word on the peer is all that decides. Only root can be somebody else.
func TestTheSocketServesRootTheServiceAndItsGroup(t *testing.T) {
	const stranger, group = 65533, 65532
	for _, c := range []struct {
		what        string
		credentials *syscall.Credential
		ok          bool
	}{
		{"ourselves", nil, true},
		{"a stranger", &syscall.Credential{Uid: stranger, Gid: group}, false},
		{"a stranger whose first group is the service's", &syscall.Credential{Uid: stranger, Gid: uint32(os.Getegid())}, true},
		{"a stranger with the service's group among others", &syscall.Credential{Uid: stranger, Gid: group, Groups: []uint32{group, uint32(os.Getegid())}}, true},
		{"a stranger with other groups", &syscall.Credential{Uid: stranger, Gid: group, Groups: []uint32{1, 2, 3}}, false},
	} {
		if c.credentials != nil && os.Geteuid() != 0 {
			t.Logf("%s: only root can be somebody else", c.what)
			continue
		}
		h := pumping()
		dir := shortDir(t)
		p := serving(t, Settings{Dir: dir}, h)
		program := filepath.Join(dir, "asker")
		text, err := os.ReadFile("/proc/self/exe")
		if err == nil {
			err = os.WriteFile(program, text, 0o755)
		}
		for path, mode := range map[string]os.FileMode{dir: 0o755, p.Socket(): 0o666} {
			if err == nil {
				err = os.Chmod(path, mode)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		ask := exec.CommandContext(t.Context(), program, "ask-the-socket", p.Socket())
		ask.Dir = dir
		ask.SysProcAttr = &syscall.SysProcAttr{Credential: c.credentials, Pdeathsig: syscall.SIGKILL}
		said, err := ask.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", c.what, err, said)
		}
		if ok := strings.HasPrefix(string(said), "200 "); ok != c.ok || !ok && !strings.HasPrefix(string(said), "403 ") {
			t.Errorf("%s: %s", c.what, said)
		}
		if got := len(sent[protocol.Command](h)); (got == 1) != c.ok {
			t.Errorf("%s: the pump hears %d orders", c.what, got)
		}
		if !c.ok && !strings.Contains(fmt.Sprint(refused(h)), "peer") {
			t.Errorf("%s: recorded %v", c.what, refused(h))
		}
	}
}

func TestASocketLeftBehindIsReplacedAndALivingOneIsNot(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, SocketName)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if _, err := open(Settings{Dir: dir}, pumping(), quick); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a living socket: %v", err)
	}
	_ = l.Close()
	p, err := open(Settings{Dir: dir}, pumping(), quick)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(Settings{Dir: dir}, pumping(), quick); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file in its place: %v", err)
	}
	if _, err := open(Settings{Config: Config{Socket: filepath.Join(dir, strings.Repeat("x", 120))}}, pumping(), quick); err == nil {
		t.Error("a path that is too long is taken")
	}
	if p, err := open(Settings{Config: Config{Socket: NoSocket}, Dir: dir}, pumping(), quick); p != nil || err != nil {
		t.Errorf("no socket wanted: %v, %v", p, err)
	}
}
