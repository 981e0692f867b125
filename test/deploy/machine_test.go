//go:build deploy

package deploy

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// machine is a throw-away Debian that boot.sh has booted.
type machine struct {
	t     *testing.T
	first int // process id of its systemd, seen from here
}

// boot starts one with the files in "in" at /opt/wildfire-test, and ends it with the test.
func boot(t *testing.T, in string) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("booting a throw-away Debian takes root: sudo make test-deb")
	}
	folder := t.TempDir()
	if err := os.Rename(in, filepath.Join(folder, "in")); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command("./boot.sh", folder)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // unshare --kill-child takes the whole machine along
		_ = cmd.Wait()
		dropGroups(t, filepath.Join(folder, "cgroup"))
		if t.Failed() {
			t.Logf("the machine said:\n%s", said.String())
		}
	})
	m := &machine{t: t}
	m.wait(30*time.Second, "systemd to run", func() bool {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
		m.first, _ = strconv.Atoi(strings.TrimSpace(string(children)))
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", m.first))
		if strings.TrimSpace(string(name)) != "systemd" {
			return false
		}
		state, _ := m.try("systemctl is-system-running")
		return state == "running" || state == "degraded"
	})
	return m
}

// dropGroups removes the control groups that systemd has left, innermost first, as soon as the last
// process in them is dead.
func dropGroups(t *testing.T, named string) {
	text, err := os.ReadFile(named)
	if err != nil {
		return
	}
	top := strings.TrimSpace(string(text))
	over := time.After(10 * time.Second)
	for {
		var groups []string
		_ = filepath.WalkDir(top, func(name string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				groups = append(groups, name)
			}
			return nil
		})
		for i := len(groups) - 1; i >= 0; i-- {
			_ = os.Remove(groups[i])
		}
		if _, err := os.Stat(top); err != nil {
			return
		}
		select {
		case <-over:
			t.Errorf("control group %s is still there", top)
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// try runs a line of shell inside, in the machine's root and as its root user.
func (m *machine) try(line string) (string, error) {
	cmd := exec.Command("nsenter", "-t", strconv.Itoa(m.first), "-m", "-p", "-n", "-u", "-i", "-C", "-r", "-w",
		"env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
		"timeout", "60", "sh", "-c", line)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run is try for what must succeed.
func (m *machine) run(line string) string {
	m.t.Helper()
	out, err := m.try(line)
	if err != nil {
		journal, _ := m.try("journalctl -u wildfire-watch -n 40 --no-pager")
		m.t.Fatalf("%s: %v\n%s\njournal:\n%s", line, err, out, journal)
	}
	return out
}

// wants runs a line that must succeed and print just this.
func (m *machine) wants(line, wanted string) {
	m.t.Helper()
	if got := m.run(line); got != wanted {
		m.t.Errorf("%s: prints %q, want %q", line, got, wanted)
	}
}

// show is a property of the service.
func (m *machine) show(property string) string {
	m.t.Helper()
	return m.run("systemctl show -P " + property + " wildfire-watch")
}

// wait looks twenty times a second until what is awaited holds.
func (m *machine) wait(limit time.Duration, awaited string, holds func() bool) {
	m.t.Helper()
	over := time.After(limit)
	for !holds() {
		select {
		case <-over:
			journal, _ := m.try("journalctl -u wildfire-watch -n 40 --no-pager")
			m.t.Fatalf("waited %v for %s in vain; journal:\n%s", limit, awaited, journal)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
