//go:build kernelhost

// Package kernel holds the guest in which the suites below this folder run (run.sh) to what it says of
// itself. It is run by test.sh, outside.
package kernel

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// guest is run.sh with these arguments, not yet started, and what it writes.
func guest(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	runner := os.Getenv("GUEST")
	if runner == "" {
		t.Fatal("no GUEST: test/kernel/test.sh names run.sh")
	}
	c := exec.Command(runner, args...)
	c.Stdout, c.Stderr = &out, &out
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return c, &out
}

// status runs a guest to its end.
func status(t *testing.T, args ...string) (int, string) {
	t.Helper()
	c, out := guest(t, args...)
	err := c.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	left(t, c)
	return c.ProcessState.ExitCode(), out.String()
}

// left fails if a process of a guest is still there after a while: they know its folder.
func left(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var folder string
	for _, e := range c.Env {
		folder = strings.TrimPrefix(e, "TMPDIR=") // the last one
	}
	var found []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		found = nil
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, name := range lines {
			if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte("uml_dir="+folder)) {
				found = append(found, name)
			}
		}
		if len(found) == 0 {
			return
		}
	}
	t.Errorf("still there: %v", found)
}

func TestTheExitStatusIsTheCommands(t *testing.T) {
	for _, want := range []string{"0", "3"} {
		code, out := status(t, "sh", "-c", "echo from the guest; exit "+want)
		if code != int(want[0]-'0') || out != "from the guest\n" {
			t.Errorf("exit %s: status %d, %q", want, code, out)
		}
	}
}

func TestAGuestThatTakesTooLongIsEnded(t *testing.T) {
	if code, out := status(t, "-t", "2", "sleep", "100"); code != 124 {
		t.Errorf("status %d, %q", code, out)
	}
}

func TestAGuestThatRebootsHasNoResult(t *testing.T) {
	if code, out := status(t, "sh", "-c", "echo b >/proc/sysrq-trigger; sleep 100"); code != 125 {
		t.Errorf("status %d, %q", code, out)
	}
}

func TestAWatchdogThatIsNotFedEndsTheGuest(t *testing.T) {
	code, out := status(t, "-a", "softdog.soft_margin=1", "sh", "-c", "echo >/dev/watchdog; sleep 100")
	if code != 123 {
		t.Errorf("status %d, %q", code, out)
	}
}

// started runs a guest whose command says "up" and then waits, until it has said so.
func started(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c, _ := guest(t, args...)
	c.Stdout = nil
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(pipe).ReadString('\n'); line != "up\n" {
		t.Fatalf("it says %q (%v)", line, err)
	}
	return c
}

func TestNothingOutlivesTheRunner(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
		c := started(t, "sh", "-c", "echo up; sleep 100")
		_ = c.Process.Signal(s)
		_ = c.Wait()
		left(t, c)
	}
}

func TestWhatWasNotSyncedIsLostWithThePower(t *testing.T) {
	image := filepath.Join(t.TempDir(), "disk")
	if out, err := exec.Command("sh", "-c", "truncate -s 32M "+image+" && PATH=$PATH:/sbin mke2fs -q -t ext4 "+image).
		CombinedOutput(); err != nil {
		t.Fatalf("make an ext4 image: %v\n%s", err, out)
	}
	disk := []string{"-a", "ubd0=" + image, "sh", "-c"}
	c := started(t, append(disk, `mkdir /dev/shm/d && mount /dev/ubda /dev/shm/d && cd /dev/shm/d &&
		echo kept >kept && sync && echo gone >gone && echo up && sleep 100`)...)
	_ = c.Process.Signal(syscall.SIGUSR1)
	_ = c.Wait()
	left(t, c)
	if code := c.ProcessState.ExitCode(); code != 122 {
		t.Errorf("status %d", code)
	}
	code, out := status(t, append(disk, `mkdir /dev/shm/d && mount /dev/ubda /dev/shm/d && cd /dev/shm/d && echo *`)...)
	if code != 0 || !strings.Contains(out, "kept") || strings.Contains(out, "gone") {
		t.Errorf("status %d, on the disk: %q", code, out)
	}
}

func TestTheLinesHistoryCanOutliveTheGuest(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	c := started(t, "-k", log, "-a", "gpio_sim.log=1", "sh", "-c",
		"echo pull-up >$GPIOSIM_SYSFS/sim_gpio3/pull; echo up; sleep 100")
	_ = c.Process.Signal(syscall.SIGUSR1)
	_ = c.Wait()
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), "gpiochip0 3 pull 1") {
		t.Errorf("the kernel's log (%v) has no word of line 3:\n%s", err, text)
	}
}
