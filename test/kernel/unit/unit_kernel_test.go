//go:build kernel

// Package unit is the service as it is shipped, on real lines: the guest's first process is systemd, and
// deploy/'s unit, users, configuration and rules are in it unchanged. The program is started, hardened,
// killed, starved and stopped by systemd and by the kernel; what the relays do then is the kernel's own
// record. What a throw-away Debian can tell with the simulator board is told in test/deploy.
package unit

//guest:options -1 -m 512M -t 420

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/warthog618/go-gpiocdev"

	"wildfire-watch/hardware"
	"wildfire-watch/test/gear"
	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

// TestMain is the guest's first process, and makes room for systemd; then systemd starts it as a service.
func TestMain(tests *testing.M) {
	if os.Getpid() == 1 {
		err := syscall.Exec("./boot.sh", append([]string{"boot.sh"}, os.Args...), os.Environ())
		fmt.Fprintln(os.Stderr, "boot.sh:", err)
		return
	}
	os.Exit(tests.Run())
}

const button = 17

// settings are the owner's: real lines, quick times, a device that resets the machine, and a safe mode
// that comes after as many deaths as are below.
const settings = `
[gpio]
board = "gpiocdev"
chip = "%s"
emergency_button = 17
[pump]
pre_open_delay = "500ms"
ignition_start_duration = "500ms"
priming_duration = "1s"
pressure_check_delay = "0s"
rpm_reduction_lead = "1s"
rpm_reduction_duration = "1s"
ignition_off_duration = "1s"
valve_close_delay = "1s"
refill_multiplier = 0
cooldown_duration = "0s"
[consensus]
growth_hold = "0s"
cooldown_period = "0s"
[watchdog]
device = "/dev/watchdog"
timeout = "60s"
`

// The chapters build on one another: each is the same machine a little later.
func TestTheServiceOnRealLines(t *testing.T) {
	chip := gpiosim.Open(t)
	chip.Persist() // as on a Raspberry Pi: whoever dies leaves the engine running
	m := &machine{t: t, chip: chip, w: appliance.Watch(t, chip)}
	for _, chapter := range []struct {
		name string
		tell func(*machine)
	}{
		{"the rules give the lines to the group and the watchdog to the service", given},
		{"it is ready when every line is safe, not before", ready},
		{"it is shut in with the lines and the watchdog", shutIn},
		{"a fire runs the engine, and nothing that it does is forbidden", fire},
		{"when the machine's memory runs out, another is taken", others},
		{"stopped, the engine stops first and nobody is left", stopped},
		{"every death: engine off, everybody waits for the pulse, it comes back", deaths},
		{"after so many deaths it is in safe mode: a person decides", safeMode},
	} {
		begun := time.Now()
		if !t.Run(chapter.name, func(t *testing.T) { m.t = t; chapter.tell(m) }) {
			t.Log(m.journal())
			break
		}
		t.Logf("%.1f s  %s", time.Since(begun).Seconds(), chapter.name)
	}
}

// asService runs a line of shell as the service's user.
const asService = "setpriv --reuid wildfire-watch --regid wildfire-watch --init-groups sh -c "

func given(m *machine) {
	m.wants(asService+"': </dev/gpiochip0' 2>&1 | sed 's/.*: //'", "Permission denied")
	all := rules(m.t, "/usr/lib/udev/rules.d/60-wildfire-watch.rules")
	want := []string{m.chip.Path(), "/dev/watchdog", "/dev/watchdog0"}
	if nodes := plug(m.t, all); !slices.Equal(nodes, want) {
		m.t.Errorf("the rules have a word for %q, want %q", nodes, want)
	}
	m.wants("stat -c '%a %U:%G' "+strings.Join(want, " "),
		"660 root:gpio\n660 root:wildfire-watch\n660 root:wildfire-watch")
	m.wants(asService+"': </dev/gpiochip0' 2>&1", "")

	text, err := os.ReadFile(config)
	if err != nil {
		m.t.Fatal(err)
	}
	journal := fmt.Sprintf("[journal]\nsafe_mode_after = %d\ngood_after = \"1h\"\nsafe_mode_rest = \"1h\"\n", len(ends))
	whole := strings.Replace(string(text), "[journal]\n", journal, 1)
	whole += fmt.Sprintf(settings, m.chip.Name())
	if err := os.WriteFile(config, []byte(whole), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// In the first lives whatever the unit forbids kills, so that nothing is refused unseen: a fire, a stop,
// then so many deaths, with a guard and a safe that do all the work. From then on the unit is as shipped
// to the letter.
const (
	strict  = 3
	dropIns = "/run/systemd/system/wildfire-watch.service.d"
)

// ready begins where somebody has left every line high: the engine runs, as far as the relays know.
func ready(m *machine) {
	high := []int{1, 1, 1, 1, 1, 1, 1}
	left, err := gpiocdev.RequestLines(m.chip.Path(), appliance.Lines[:], gpiocdev.AsOutput(high...))
	if err != nil {
		m.t.Fatal(err)
	}
	_ = left.Close()
	if m.w.On() != 1<<hardware.NumOutputs-1 {
		m.t.Fatalf("before the start %07b is on", m.w.On())
	}
	m.w.Forget()
	history, begun := m.chip.History(), gpiosim.Now()
	m.run("mkdir " + dropIns + "; printf '[Service]\\nSystemCallErrorNumber=\\n' >" + dropIns +
		"/strict.conf; systemctl daemon-reload")
	m.run("systemctl start wildfire-watch") // returns when it has said READY=1
	s := m.shows()
	at, lines, low := requested(history, begun)
	if lines != len(appliance.Lines) || !low || m.w.On() != 0 {
		m.t.Errorf("%d lines were requested, all low: %v; now %07b is on", lines, low, m.w.On())
	}
	if s.state != "active" || s.ready <= at {
		m.t.Errorf("%s, READY at %v, the last line was taken at %v", s.state, s.ready, at)
	}
	fmt.Printf("figure: the service on real lines: process started, lines safe after %v, READY after %v\n",
		at-s.started, s.ready-s.started)
	m.w.Expect("-main_valve", "-ignition_start", "-ignition_on", "-ignition_off", "-refill_valve", "-priming_valve",
		"-rpm_reduce")
}

// in is a line of shell in the service's control group, as root.
func in(line string) string {
	return "sh -c 'echo $$ >" + cgroup + "/cgroup.procs; " + line + "' 2>&1 | sed 's/.*: //'"
}

func shutIn(m *machine) {
	s := m.shows()
	m.wants("sh -c ': </dev/kmsg' 2>&1", "") // root may
	for device, wanted := range map[string]string{
		"/dev/kmsg": "Operation not permitted", "/dev/loop0": "Operation not permitted",
		"/dev/tty0": "Operation not permitted",
		"/dev/null": "", "/dev/urandom": "", m.chip.Path(): "",
		"/dev/watchdog": "Device or resource busy", // the service has it
	} {
		m.wants(in(": <"+device), wanted)
	}
	m.wants("systemctl show -P DevicePolicy wildfire-watch", "closed")
	m.wants("readlink /proc/"+strconv.Itoa(s.main)+"/fd/* | grep ^/dev/ | sort -u", "/dev/null\n/dev/watchdog")
	for pid, score := range map[int]string{s.main: "-800", m.guard(s.main): "-900"} {
		m.wants("cat /proc/"+strconv.Itoa(pid)+"/oom_score_adj", score)
	}
	for _, word := range []string{"Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000002000"} {
		m.wants("grep -c '"+word+"' /proc/"+strconv.Itoa(s.main)+"/status", "1")
	}
	security := m.run("systemd-analyze security wildfire-watch --no-pager | tail -n 1")
	var exposure float64
	_, after, _ := strings.Cut(security, "service: ")
	if _, err := fmt.Sscan(after, &exposure); err != nil || exposure >= 2 {
		m.t.Errorf("systemd-analyze security: %s", security)
	}
}

// fromFire is what the relays do from IDLE until the engine runs and the pump is primed.
var fromFire = []string{"+main_valve", "+refill_valve +priming_valve", "+ignition_start",
	"-ignition_start +ignition_on", "-priming_valve"}

func fire(m *machine) {
	m.w.Forget()
	m.burns()
	m.w.Await("-priming_valve", patience)
	m.w.Expect(fromFire...)
	if s := m.shows(); s.restarts != 0 {
		m.t.Errorf("%d restarts", s.restarts)
	}
	for _, word := range []string{"not permitted", "ermission denied", "SYS"} {
		if m.said(word) > 0 {
			m.t.Errorf("its log says %q", word)
		}
	}
}

// others: tail keeps all that it reads before the first newline.
func others(m *machine) {
	s := m.shows()
	guard := m.guard(s.main)
	glutton := exec.Command("tail", "/dev/zero")
	err := glutton.Run()
	if status, ok := glutton.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		m.t.Errorf("the glutton ended with %v", err)
	}
	if now := m.shows(); now.main != s.main || m.guard(s.main) != guard || !m.w.On().Has(hardware.IgnitionOn) {
		m.t.Errorf("process %d became %d; the engine's line: %07b", s.main, now.main, m.w.On())
	}
}

func stopped(m *machine) {
	at := gpiosim.Now()
	m.run("systemctl stop wildfire-watch")
	s := m.shows()
	if s.state != "inactive" || s.result != "success" || len(m.processes()) != 0 {
		m.t.Errorf("%s, %s, processes %v", s.state, s.result, m.processes())
	}
	off := m.w.StoppedInOrder(at, appliance.StopPulse)
	if took := s.left - at; took > appliance.StopPulse+2*time.Second { // SPEC P14
		m.t.Errorf("SIGTERM to exit took %v", took)
	}
	fmt.Printf("figure: systemctl stop: engine off after %v, exit after %v\n", off-at, s.left-at)
	m.w.Expect(append(fromFire[:len(fromFire):len(fromFire)], "-ignition_on +ignition_off -refill_valve",
		"-main_valve -ignition_off")...)
}

// deadman is gpio.deadman by default.
const deadman = 2 * time.Second

// What ExecStopPost says.
const (
	byGuard = "the guard has given the full stop pulse and switched everything off: nothing is left to do"
	bySafe  = "ignition off, stop pulse of 1s with the main valve open, then everything off"
)

// end is a way to die. The process that dies of a fault was started with it.
type end struct {
	name, fault string
	die         func(m *machine, main, guard int)
	within      time.Duration // engine off
	says        string        // ExecStopPost
	fades       bool          // it dies some time later: within counts from then on
}

var ends = []end{
	{"killed", "", func(_ *machine, main, _ int) { _ = syscall.Kill(main, syscall.SIGKILL) },
		250 * time.Millisecond, byGuard, false},
	{"hanging", "", func(_ *machine, main, _ int) { _ = syscall.Kill(main, syscall.SIGSTOP) },
		deadman + 250*time.Millisecond, byGuard, false},
	{"killed with its guard", "", func(_ *machine, main, guard int) {
		_ = syscall.Kill(guard, syscall.SIGKILL)
		_ = syscall.Kill(main, syscall.SIGKILL)
	}, 2 * time.Second, bySafe, false},
	// WatchdogSec, TimeoutAbortSec, ExecStopPost: the last of the layers.
	{"hanging with its guard", "", func(_ *machine, main, guard int) {
		_ = syscall.Kill(guard, syscall.SIGSTOP)
		_ = syscall.Kill(main, syscall.SIGSTOP)
	}, 19 * time.Second, bySafe, false},
	{"its pump hangs", "wedge pump", func(_ *machine, main, _ int) { _ = syscall.Kill(main, syscall.SIGUSR1) },
		deadman/4 + deadman + 250*time.Millisecond, "", false},
	{"it eats its memory", "eat memory", func(m *machine, main, _ int) {
		m.run("systemctl set-property --runtime wildfire-watch MemoryMax=128M")
		_ = syscall.Kill(main, syscall.SIGUSR1)
	}, 250 * time.Millisecond, byGuard, true},
}

func deaths(m *machine) {
	m.run(`sed -i 's|^device = .*|device = ""|' ` + config) // a reset would end the suite
	m.run("systemctl start wildfire-watch")
	for n, e := range ends {
		if n+1 < len(ends) && ends[n+1].fault != "" { // the process after this death is to have it
			m.run("install -m 755 /usr/bin/wildfire-faulty /usr/bin/wildfire-watch; " +
				"systemctl set-environment WILDFIRE_FAULT='" + ends[n+1].fault + "'")
		}
		if n == strict {
			m.run("rm -r " + dropIns + "; systemctl daemon-reload")
		}
		outer := m.t
		ok := m.t.Run(e.name, func(t *testing.T) { m.t = t; m.dies(e, n) })
		if m.t = outer; !ok {
			return
		}
	}
}

// dies lets the running engine's process die, and looks at everybody until the next one is ready.
func (m *machine) dies(e end, deaths int) {
	m.t.Helper()
	m.runs()
	before, guard := m.shows(), m.guard(m.shows().main)
	said, resumed := m.said(e.says), m.said(`"resumed"`)
	m.w.Forget()
	still := gpiosim.WatchStalls(m.t)
	at := gpiosim.Now()
	e.die(m, before.main, guard)
	rests := func() bool { return !m.chip.Level(appliance.Lines[hardware.IgnitionOn]) }
	if !gear.Await(e.within+patience, rests) {
		m.t.Fatal("the engine runs on")
	}
	_, stalled := still.Since()
	if e.fades {
		var ok bool
		if at, ok = m.w.LetGo(before.main); !ok {
			m.t.Fatal("it lives")
		}
		stalled = 0 // while it faded
	}
	var now shows
	m.await(patience, "another process to be ready", func() bool {
		now = m.shows()
		return now.main != before.main && now.main != 0 && now.state == "active"
	})
	// Everybody has waited for the end of the pulse: all of it is before the next process began.
	off := m.stopped(at, now.started)
	fmt.Printf("figure: the service %s: engine off after %v, next process after %v, READY after %v "+
		"(the guest was held up for %v)\n", e.name, off-at, now.started-at, now.ready-at, stalled)
	if off-at > e.within+stalled {
		m.t.Errorf("engine off after %v, promised within %v; the guest was held up for %v", off-at,
			e.within, stalled)
	}
	if now.restarts != deaths+1 {
		m.t.Errorf("%d restarts, want %d", now.restarts, deaths+1)
	}
	if e.says != "" && m.said(e.says) != said+1 {
		m.t.Errorf("ExecStopPost did not say %q", e.says)
	}
	if deaths == 0 { // SPEC P15: a young fire; later ones were resumed too often
		m.await(patience, "the run to go on by itself", func() bool { return m.said(`"resumed"`) > resumed })
	}
	_ = syscall.Kill(guard, syscall.SIGKILL) // frozen, it was spared
	m.await(patience, "nobody but the process and a guard of its own", func() bool {
		return len(m.processes()) == 2
	})
}

func safeMode(m *machine) {
	if m.said("killed by the OOM killer") != 1 {
		m.t.Error("the kernel has not taken it out of its memory")
	}
	m.await(patience, "safe mode", func() bool { p := m.page(); return p.SafeMode && p.State == "IDLE" })
	m.w.Forget()
	m.await(patience, "a refusal", func() bool {
		m.publish("fire/trigger", `{"action":"trigger"}`)
		return m.said(`"reason": "safe_mode"`) > 0
	})
	m.w.Expect() // nothing moved
	m.chip.Pull(button, true)
	m.w.Await("-priming_valve", patience)
	m.chip.Pull(button, false)
	at := gpiosim.Now()
	m.run("systemctl stop wildfire-watch")
	if s := m.shows(); s.state != "inactive" || s.result != "success" || len(m.processes()) != 0 {
		m.t.Errorf("%s, %s, processes %v", s.state, s.result, m.processes())
	}
	m.w.StoppedInOrder(at, appliance.StopPulse)
	m.w.Expect(append(fromFire[:len(fromFire):len(fromFire)], "-ignition_on +ignition_off -refill_valve",
		"-main_valve -ignition_off")...)
}
