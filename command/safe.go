package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/system"
	"wildfire-watch/guard"
	"wildfire-watch/hardware/gpiocdev"
)

type safeCommand struct {
	settings
	Force bool `help:"Kill a wildfire-watch that runs on the same journal, then stop the engine."`
}

// Help is printed by safe --help.
func (safeCommand) Help() string {
	return `Takes the lines, gives the full stop pulse with the main valve open, then switches every
output off. It waits for a guard that is doing so already. A configuration with mistakes
does not keep it from stopping the engine. Exit code 0: everything is off.

systemd calls it after the service has ended (ExecStopPost); then it does only what is
still to be done.

Example:

    wildfire-watch safe --config home.toml`
}

// How long a pulse of `safe` may be on real lines whatever the configuration says (SPEC §3), and how
// long lines may be busy beyond it.
const (
	shortestPulse = time.Second
	longestPulse  = time.Minute
)

// Run stops the engine, if nobody else has.
func (s safeCommand) Run(t *terminal) error {
	say := func(text string) { fmt.Fprintln(t.out, text) }
	c := t.readAnyhow(s.settings)
	o := guardOrders(c)
	if o.Board == boardReal {
		o.Pulse = min(max(o.Pulse, shortestPulse), longestPulse)
	}
	o.Pulse = max(o.Pulse, 10*time.Millisecond)
	result := os.Getenv("SERVICE_RESULT") // set by systemd in ExecStopPost
	if result != "" {
		if err := journal.WriteEnd(o.Dir, journal.End{At: time.Now().UTC(), Result: result,
			Code: os.Getenv("EXIT_CODE"), Status: os.Getenv("EXIT_STATUS")}); err != nil {
			fmt.Fprintf(t.err, "wildfire-watch: %v\n", err)
		}
	}
	waited, done := guard.Wait(o.Dir, o.Pulse+guardPatience, say)
	if !done {
		return errors.New("the guard is still at work: it goes on stopping the engine until it has")
	}
	if err := s.alone(o.Dir, say); err != nil {
		return err
	}
	last, found, _ := guard.Last(o.Dir)
	switch {
	case found && last.Full && (waited || result != ""):
		say("the guard has given the full stop pulse and switched everything off: nothing is left to do")
		return nil
	case result == "success":
		say("wildfire-watch has stopped in good order, engine first: nothing is left to do")
		return nil
	}
	r := guard.Stop(o, seize, say)
	if !r.Full {
		return errors.New("THE STOP PULSE COULD NOT BE GIVEN: stop the engine by hand")
	}
	say(fmt.Sprintf("ignition off, stop pulse of %s with the main valve open, then everything off", o.Pulse))
	if result != "" { // the next call of a service that does not get as far as a start has less to do
		if err := r.Keep(o.Dir, guard.Died); err != nil {
			fmt.Fprintf(t.err, "wildfire-watch: %v\n", err)
		}
	}
	return nil
}

// readAnyhow reads as much of a configuration as can be read: the defaults know the lines of most
// houses, and an engine that runs cannot wait for a comma.
func (t *terminal) readAnyhow(s settings) system.Config {
	c, mistakes, err := t.read(s)
	if err != nil {
		fmt.Fprintf(t.err, "wildfire-watch: %v; going on with the built-in defaults\n", err)
		c, mistakes, _ = t.read(settings{Set: s.Set})
	}
	if len(mistakes) > 0 {
		fmt.Fprint(t.err, system.Report(s.Config, mistakes))
	}
	if c.GPIO.Board != boardReal && c.GPIO.Board != boardSimulator {
		c.GPIO.Board = boardReal
		if _, err := gpiocdev.Find(c.GPIO.Chip); err != nil {
			c.GPIO.Board = boardSimulator
		}
	}
	return c.Config
}

// alone makes sure that no wildfire-watch runs on this folder: it stops the engine itself when it is
// told to, and would switch on again what is switched off here.
func (s safeCommand) alone(dir string, say func(string)) error {
	if !inUse(dir) {
		return nil
	}
	p := askProgram(dir)
	who := "a wildfire-watch that is starting"
	if p.pid > 0 {
		who = fmt.Sprintf("wildfire-watch (process %d)", p.pid)
	}
	if !s.Force {
		return fmt.Errorf("%s runs on %s and is in charge: stop it (systemctl stop wildfire-watch), "+
			"press stop, or use --force to kill it", who, dir)
	}
	if p.pid <= 0 {
		return fmt.Errorf("somebody uses %s and does not say who: nothing to kill", dir)
	}
	say(fmt.Sprintf("killing wildfire-watch, process %d", p.pid))
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err != nil {
		return fmt.Errorf("kill process %d: %w", p.pid, err)
	}
	defer func() { _ = unix.Close(fd) }()
	// Asked while we hold the process: its number cannot become another's.
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.pid)); err == nil && !sameProgram(exe) {
		return fmt.Errorf("process %d is %s and no wildfire-watch: it is not killed", p.pid, exe)
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return fmt.Errorf("kill process %d: %w", p.pid, err)
	}
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000)
	const noticed = 50 // ms: its guard has shown itself by then, if there is one
	_, _ = unix.Poll(nil, noticed)
	guard.Wait(dir, longestPulse+guardPatience, say)
	return nil
}

// sameProgram says whether an executable is a wildfire-watch, an older one that was replaced included.
func sameProgram(exe string) bool {
	own, err := os.Executable()
	name := filepath.Base(exe)
	return err == nil && exe == own || len(name) >= len("wildfire-watch") && name[:len("wildfire-watch")] == "wildfire-watch"
}

// inUse says whether a running process has its journal in this folder.
func inUse(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
