//go:build network

package network

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/test/gear"
)

// program is the binary, built once, static as it is shipped, where everybody may read it.
// WILDFIRE_BINARY names another one.
func program(t *testing.T) string {
	t.Helper()
	labs.Lock()
	defer labs.Unlock()
	if labs.binary == "" {
		labs.binary = os.Getenv("WILDFIRE_BINARY")
	}
	if labs.binary == "" {
		labs.binary = filepath.Join(openFolder(t), "wildfire-watch")
		if err := gear.Build(labs.binary, "../..", ""); err != nil {
			t.Fatal(err)
		}
	}
	return labs.binary
}

// openFolder is a folder for all tests that everybody may enter, unlike t.TempDir.
func openFolder(t *testing.T) string {
	t.Helper()
	if labs.folder == "" {
		dir, err := os.MkdirTemp("", "wildfire-network-")
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		labs.folder = dir
	}
	return labs.folder
}

// credentials writes a credentials file of an owner's own.
func credentials(t *testing.T, owner int, lines string) string {
	t.Helper()
	labs.Lock()
	dir := openFolder(t)
	labs.Unlock()
	f, err := os.CreateTemp(dir, "logins-") // mode 0600
	if err == nil {
		_, err = f.WriteString(lines)
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Chown(f.Name(), owner, owner)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// nobody is a user without rights.
const nobody = 65534

// quick are settings with which a night passes in a minute (SPEC §6: the simulator board has no lower
// bounds).
var quick = []string{"cameras.rtsp_timeout=2s", "cameras.onvif_timeout=2s", "cameras.discovery_interval=3s",
	"cameras.health_check_interval=1s", "cameras.steady_state_interval=4s", "cameras.offline_threshold=5s"}

// process is the program inside a lab's appliance host.
type process struct {
	t      *testing.T
	lab    *lab
	cmd    *exec.Cmd
	out    gear.Buffer // standard output
	said   gear.Buffer // standard error: log and progress
	exited chan struct{}
	peak   int64 // bytes of memory, the most that was seen
	run    struct{ MQTT, HTTP string }
}

// launch starts the program in the appliance host with these words; as says under which user.
func launch(t *testing.T, l *lab, as int, environment []string, words ...string) *process {
	t.Helper()
	p := &process{t: t, lab: l, exited: make(chan struct{})}
	enter := []string{"netns", "exec", fmt.Sprintf("cl%d-app", l.id)}
	if as != 0 {
		enter = append(enter, "setpriv", fmt.Sprintf("--reuid=%d", as), fmt.Sprintf("--regid=%d", as), "--clear-groups",
			"--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
	}
	p.cmd = exec.Command("ip", append(append(enter, program(t)), words...)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.said
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Dir = "/"
	p.cmd.WaitDelay = 2 * time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the program dies with the thread that started it, and inApp ends threads
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		if started <- err; err == nil {
			_ = p.cmd.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.exited })
	return p
}

// start runs the whole house with the simulator board and waits for its broker.
func start(t *testing.T, l *lab, environment []string, sets ...string) *process {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	words := []string{"run"}
	base := []string{"gpio.board=simulator", "journal.dir=" + data, "broker.listen=127.0.0.1:0", "http.listen=127.0.0.1:0"}
	for _, set := range append(base, sets...) {
		words = append(words, "--set", set)
	}
	p := launch(t, l, 0, environment, words...)
	p.eventually(20*time.Second, "run.json", func() bool {
		text, err := os.ReadFile(filepath.Join(data, "run.json"))
		return err == nil && json.Unmarshal(text, &p.run) == nil
	})
	return p
}

// stop ends it in good order.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.await(20*time.Second, "SIGTERM")
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("SIGTERM: exit code %d\n%s", code, p.tail())
	}
}

// await waits for the program's end and watches its memory meanwhile.
func (p *process) await(limit time.Duration, why string) {
	p.t.Helper()
	if !gear.Await(limit, func() bool {
		p.peak = max(p.peak, p.status("VmHWM:")<<10)
		select {
		case <-p.exited:
			return true
		default:
			return false
		}
	}) {
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // it says where it stands
		<-p.exited
		p.t.Fatalf("%s: still running after %v\n%s", why, limit, p.tail())
	}
}

// tail is the end of what the program said, without what its garbage collector did.
func (p *process) tail() string {
	text := collection.ReplaceAllString(p.said.String(), "")
	return text[max(0, len(text)-8000):]
}

var collection = regexp.MustCompile(`(?m)^gc \d+ @.*\n`)

func (p *process) eventually(limit time.Duration, what string, done func() bool) {
	p.t.Helper()
	ended := false
	if !gear.Await(limit, func() bool {
		select {
		case <-p.exited:
			ended = true
			return true
		default:
			return done()
		}
	}) || ended {
		p.t.Fatalf("%s: not within %v (program ended: %v)\n%s", what, limit, ended, p.tail())
	}
}

// pass lets time pass in which nothing is to happen: until it is over, or holds no longer is true.
func pass(t *testing.T, long time.Duration, holds func() bool) {
	t.Helper()
	if gear.Await(long, func() bool { return !holds() }) {
		t.Error("it did not hold")
	}
}
