//go:build deploy

package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// settings is what the owner adds to the packaged configuration: the simulated plant with a log of
// its lines, and an emergency button.
const settings = `
[gpio]
board = "simulator"
line_log = "/var/lib/wildfire-watch/lines.jsonl"
simulator_inputs = "/var/lib/wildfire-watch/inputs.json"
emergency_button = 17
[pump]
ignition_off_duration = "1s"
pre_open_delay = "500ms"
ignition_start_duration = "500ms"
[simulator]
catch_after = "200ms"
[telemetry]
system_interval = "1s"
`

const (
	unit   = "wildfire-watch"
	config = "/etc/wildfire-watch/config.toml"
	state  = "/var/lib/wildfire-watch"
	// processes counts those of the service: its main process, the guard, whoever is left behind.
	processes = "cat /sys/fs/cgroup/system.slice/wildfire-watch.service/cgroup.procs 2>/dev/null | wc -l"
)

// lists every file that has come since; what Debian itself writes there is not ours.
const lists = `find /etc /usr /var /opt /srv -xdev \( -path /var/log -o -path /var/cache -o -path /var/lib/dpkg ` +
	`-o -path /var/lib/systemd/random-seed -o -path "/etc/*-" -o -path /opt/wildfire-test \) -prune ` +
	`-o -newer /opt/wildfire-test/before -not -type d -print | sort`

// The chapters build on one another: each is the same machine a little later.
func TestAPackageLivesAsItShould(t *testing.T) {
	in := t.TempDir()
	for _, version := range []string{"1.0", "1.1"} {
		command(t, "cp", build(t, version, "amd64"), filepath.Join(in, version+".deb"))
	}
	m := boot(t, in)
	for _, chapter := range []struct {
		name string
		tell func(*machine)
	}{
		{"installed, it does nothing yet", installed},
		{"the unit is understood", understood},
		{"started, it is ready and shut in", started},
		{"its health report sees the machine", reports},
		{"killed, the engine stops and it comes back", killed},
		{"hanging, the engine stops and it comes back", hanging},
		{"killed with its guard, the engine stops and it comes back", killedWithItsGuard},
		{"hanging with its guard, the engine stops and it comes back", hangingWithItsGuard},
		{"stopped, it ends in good order", stopped},
		{"upgraded, it goes on and keeps its configuration", upgraded},
		{"removed, it is stopped and keeps its state", removed},
		{"purged, nothing is left", purged},
	} {
		if !t.Run(chapter.name, func(t *testing.T) { m.t = t; chapter.tell(m) }) {
			break
		}
	}
	m.t = t
}

func installed(m *machine) {
	m.run("touch /opt/wildfire-test/before")
	out := m.run("dpkg -i /opt/wildfire-test/1.0.deb")
	if !strings.Contains(out, "does nothing yet") {
		m.t.Errorf("the installation does not say what to do next:\n%s", out)
	}
	m.wants("id -un wildfire-watch", unit)
	m.wants("id -Gn wildfire-watch", "wildfire-watch gpio")
	m.wants("getent passwd wildfire-watch | cut -d: -f6,7", state+":/usr/sbin/nologin")
	m.wants("systemctl is-enabled wildfire-watch || true", "disabled")
	m.wants("systemctl is-active wildfire-watch || true", "inactive")
	m.wants("stat -c '%a %U:%G' "+config, "644 root:root")
	m.wants("stat -c '%a %U:%G' /usr/bin/wildfire-watch", "755 root:root")
	m.wants("systemctl preset wildfire-watch 2>/dev/null; systemctl is-enabled wildfire-watch || true", "disabled")
	if out := m.run("setpriv --reuid wildfire-watch --regid wildfire-watch --init-groups " +
		"wildfire-watch check --config " + config); !strings.Contains(out, "no mistakes") {
		m.t.Errorf("check finds fault with the packaged configuration:\n%s", out)
	}
}

func understood(m *machine) {
	out := m.run("systemd-analyze verify --man=no /usr/lib/systemd/system/wildfire-watch.service 2>&1; true")
	for _, line := range strings.Split(out, "\n") {
		// Keys of systemd 254: an older one ignores them and restarts after the same time each time.
		if line != "" && !strings.Contains(line, "RestartSteps") && !strings.Contains(line, "RestartMaxDelaySec") {
			m.t.Errorf("systemd-analyze verify: %s", line)
		}
	}
	m.run("man -l /usr/share/man/man8/wildfire-watch.8.gz >/dev/null 2>/opt/wildfire-test/man || ! command -v man")
}

func started(m *machine) {
	m.run("cat >>" + config + " <<'END'\n" + settings + "END")
	m.run("systemctl enable --now wildfire-watch") // returns when it has said READY=1
	m.wants("systemctl is-active wildfire-watch", "active")
	pid := m.show("MainPID")
	status := m.run("cat /proc/" + pid + "/status")
	for key, wanted := range map[string]string{
		"NoNewPrivs": "1", "Seccomp": "2",
		// CAP_NET_RAW and nothing else.
		"CapEff": "0000000000002000", "CapBnd": "0000000000002000", "CapAmb": "0000000000002000",
	} {
		if !strings.Contains(status, key+":\t"+wanted+"\n") {
			m.t.Errorf("/proc/%s/status: %s is not %s:\n%s", pid, key, wanted, status)
		}
	}
	m.wants("ps -o user:20= -p "+pid, unit)
	m.wants("stat -c '%a %U:%G' "+state, "750 wildfire-watch:wildfire-watch")
	m.wants(processes, "2") // itself and the guard
	m.wants("pgrep -c -P "+pid, "1")
	m.wants("ls "+state+"/run.json", state+"/run.json")
	// Shut in: the system cannot be written, other users' processes are not seen.
	m.wants("nsenter -t "+pid+" -m sh -c 'touch /etc/x 2>&1 || true' | sed 's/.*: //'", "Read-only file system")
}

func reports(m *machine) {
	out := m.run("timeout 4 wildfire-watch record - --config " + config + " || true")
	for _, figure := range []string{"cpu", "memory", "disk", "load"} {
		if !strings.Contains(out, figure) {
			m.t.Errorf("no %s in system/telemetry: the unit shuts it out of what it reads\n%.2000s", figure, out)
		}
	}
	if refused, _ := m.try("journalctl -u wildfire-watch --no-pager | grep -i 'not permitted\\|permission denied'"); refused != "" {
		m.t.Errorf("the unit forbids what it wants to do:\n%s", refused)
	}
}

// change is one line of the simulator's log.
type change struct {
	Time int64  `json:"t"`
	Name string `json:"name"`
	V    int    `json:"v"`
}

func (m *machine) changes() (all []change) {
	for _, line := range strings.Split(m.run("cat "+state+"/lines.jsonl"), "\n") {
		var c change
		if json.Unmarshal([]byte(line), &c) == nil {
			all = append(all, c)
		}
	}
	return all
}

// level is an output's last level.
func (m *machine) level(name string) int {
	v := -1
	for _, c := range m.changes() {
		if c.Name == name {
			v = c.V
		}
	}
	return v
}

// engineRuns presses the button and waits for the engine.
func (m *machine) engineRuns() {
	m.t.Helper()
	began := time.Now()
	defer func() { m.t.Logf("the engine ran after %v", time.Since(began).Round(100*time.Millisecond)) }()
	press := func(v int) {
		m.run(`printf '{"17": ` + strconv.Itoa(v) + `}' >` + state + "/inputs.new && mv " + state + "/inputs.new " + state + "/inputs.json")
	}
	press(0)
	m.wait(5*time.Second, "the engine to rest", func() bool { return m.level("ignition_on") == 0 })
	// A press may be refused (a stop pulse goes on); held for some seconds it is seen, whatever the debounce.
	m.wait(30*time.Second, "the engine to run", func() bool {
		press(1)
		defer press(0)
		for held := time.Now(); time.Since(held) < 3*time.Second; <-time.After(50 * time.Millisecond) {
			if m.level("ignition_on") == 1 {
				return true
			}
		}
		return false
	})
}

// stopsAfter says when each line followed what happened at that time, in the log's clock.
func (m *machine) stopsAfter(at time.Time, within time.Duration) {
	m.t.Helper()
	var off, pulse, over time.Duration
	for _, c := range m.changes() {
		after := time.Unix(0, c.Time).Sub(at)
		switch {
		case after < 0:
		case c.Name == "ignition_on" && c.V == 0 && off == 0:
			off = after
		case c.Name == "ignition_off" && c.V == 1 && pulse == 0:
			pulse = after
		case c.Name == "ignition_off" && c.V == 0 && over == 0:
			over = after
		}
	}
	m.t.Logf("engine off after %v, pulse after %v, over after %v", off, pulse, over)
	if off == 0 || off > within {
		m.t.Errorf("ignition_on off after %v, want within %v (0 is never)", off, within)
	}
	if over-pulse < time.Second {
		m.t.Errorf("stop pulse from %v to %v, want 1s in full", pulse, over)
	}
}

// comesBack waits for another process of the service that is ready.
func (m *machine) comesBack(old string) {
	m.t.Helper()
	began := time.Now()
	defer func() { m.t.Logf("back after %v", time.Since(began).Round(100*time.Millisecond)) }()
	m.wait(40*time.Second, "another process to be ready", func() bool {
		pid := m.show("MainPID")
		return pid != "0" && pid != old && m.show("ActiveState") == "active"
	})
	m.wait(10*time.Second, "one guard only", func() bool { return m.run(processes) == "2" })
}

func killed(m *machine) {
	m.engineRuns()
	old := m.show("MainPID")
	at := time.Now()
	m.run("kill -KILL " + old)
	m.comesBack(old)
	m.stopsAfter(at, 250*time.Millisecond+slack)
	m.wants("systemctl show -P NRestarts wildfire-watch", "1")
}

// slack is what nsenter and a shell take on a busy machine; the figures themselves are measured in
// the suites of the guard.
const slack = 500 * time.Millisecond

func hanging(m *machine) {
	m.engineRuns()
	old := m.show("MainPID")
	at := time.Now()
	m.run("kill -STOP " + old)
	m.comesBack(old)
	m.stopsAfter(at, 2*time.Second+250*time.Millisecond+slack) // gpio.deadman and a little
}

// Nobody is left but systemd: ExecStopPost gives the pulse.
func killedWithItsGuard(m *machine) {
	m.engineRuns()
	old := m.show("MainPID")
	at := time.Now()
	m.run("systemctl kill --kill-whom=all -s KILL wildfire-watch")
	m.comesBack(old)
	m.stopsAfter(at, 2*time.Second)
}

// WatchdogSec, TimeoutAbortSec, then ExecStopPost.
func hangingWithItsGuard(m *machine) {
	m.engineRuns()
	old := m.show("MainPID")
	guard := m.run("pgrep -P " + old)
	at := time.Now()
	m.run("systemctl kill --kill-whom=all -s STOP wildfire-watch")
	m.wait(30*time.Second, "systemd to give up on it", func() bool { return m.show("MainPID") != old })
	m.wait(30*time.Second, "another process to be ready", func() bool {
		return m.show("MainPID") != "0" && m.show("ActiveState") == "active"
	})
	m.stopsAfter(at, 15*time.Second+2*time.Second+2*time.Second)
	m.run("kill -KILL " + guard) // KillMode=process has spared it, frozen
	m.comesBack(old)
}

func stopped(m *machine) {
	m.engineRuns()
	at := time.Now()
	m.run("systemctl stop wildfire-watch")
	m.t.Logf("stopped within %v", time.Since(at))
	m.stopsAfter(at, time.Second)
	m.wants("systemctl show -P Result wildfire-watch", "success")
	m.wants("systemctl is-active wildfire-watch || true", "inactive")
	m.wants(processes, "0")
	// By hand, as root: it must leave nothing behind that the service cannot open (the next chapter
	// starts it).
	if out := m.run("wildfire-watch safe --config " + config); !strings.Contains(out, "off") {
		m.t.Errorf("safe, by hand, says %q", out)
	}
	m.run("wildfire-watch lines --once --config " + config)
}

func upgraded(m *machine) {
	m.run("systemctl start wildfire-watch")
	old := m.show("MainPID")
	out := m.run("dpkg -i /opt/wildfire-test/1.1.deb")
	if !strings.Contains(out, "systemctl restart") {
		m.t.Errorf("the upgrade does not say how the new version starts:\n%s", out)
	}
	m.wants("dpkg-query -f '${Status} ${Version}' -W wildfire-watch", "install ok installed 1.1")
	m.wants("grep -c line_log "+config, "1")
	m.wants("ls "+config+".dpkg-* 2>/dev/null || true", "")
	if now := m.show("MainPID"); now != old {
		m.t.Errorf("the upgrade restarted it: process %s, then %s", old, now)
	}
	m.run("systemctl restart wildfire-watch")
	m.wants("systemctl is-enabled wildfire-watch", "enabled")
	// The guard takes over from a main whose file has been replaced.
	m.engineRuns()
}

func removed(m *machine) {
	at := time.Now()
	m.run("dpkg -r wildfire-watch")
	m.stopsAfter(at, time.Second+slack) // the engine ran
	m.wants(processes, "0")
	m.run("test -s " + state + "/journal.db")
	m.run("test -s " + config)
}

func purged(m *machine) {
	m.run("dpkg -P wildfire-watch")
	m.wants("ls -d "+state+" /etc/wildfire-watch 2>/dev/null || true", "")
	var left []string
	for _, name := range strings.Fields(m.run(lists)) {
		switch name {
		// The account stays (see deploy/scripts/postrm); Debian itself keeps these.
		case "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/.pwd.lock":
		default:
			left = append(left, name)
		}
	}
	if len(left) > 0 {
		m.t.Errorf("left after purge: %q", left)
	}
}

// TestMain makes sure that the tools are there, and says which package has one that is not.
func TestMain(tests *testing.M) {
	for tool, of := range map[string]string{"systemd-analyze": "systemd", "lintian": "lintian", "ip": "iproute2",
		"nsenter": "util-linux", "dpkg-deb": "dpkg", "pgrep": "procps"} {
		if _, err := exec.LookPath(tool); err != nil {
			println("no " + tool + ": apt-get install " + of)
			os.Exit(1)
		}
	}
	var err error
	if built.folder, err = os.MkdirTemp("", "wildfire-packages-"); err != nil {
		println(err.Error())
		os.Exit(1)
	}
	code := tests.Run()
	_ = os.RemoveAll(built.folder)
	os.Exit(code)
}
