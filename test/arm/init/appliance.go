package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// programs are the binaries to be tried, one after the other: the 64-bit one, and the oldest 32-bit
// one, which a 64-bit kernel runs too.
var programs = []string{"/wildfire-watch", "/wildfire-watch-32"}

const (
	notify = "/run/notify"
	chip   = "pinctrl-bcm2835"
	// patience is for a machine that is emulated, on a computer that has other things to do.
	patience = 60 * time.Second
)

// quick are the shortest times of a real board. Nothing says which board: "auto", the default, must
// find the header.
var quick = []string{"broker.listen=127.0.0.1:0", "http.listen=127.0.0.1:0",
	"pump.pre_open_delay=500ms", "pump.ignition_start_duration=500ms", "pump.ignition_off_duration=1s",
	"pump.valve_close_delay=1s"}

// appliance runs a program twice: the first is stopped in good order, the second is killed.
func appliance(program string, ready *net.UnixConn) error {
	fmt.Println("    " + program)
	if err := byHand(program); err != nil {
		return err
	}
	p, err := start(program, ready)
	if err != nil {
		return err
	}
	for _, s := range []struct {
		what string
		do   func() error
	}{
		{"at rest every output is held, out and low", func() error { return quiet(true) }},
		{"wildfire-watch lines shows them", p.lines},
		{"a trigger opens the main valve", func() error { return errors.Join(p.trigger(), high("main_valve")) }},
		{"the engine is cranked", func() error { return high("ignition_start") }},
		{"the engine runs", func() error { return high("ignition_on") }},
		{"SIGTERM gives the stop pulse", func() error { return errors.Join(p.signal(syscall.SIGTERM), high("ignition_off")) }},
		{"with the main valve open, and ends well", func() error { return errors.Join(high("main_valve"), p.ended(0)) }},
		{"then nothing is driven", func() error { return quiet(false) }},
		{"it starts again", func() error { p, err = start(program, ready); return err }},
		{"a trigger runs the engine", func() error { return errors.Join(p.trigger(), high("ignition_on")) }},
		{"SIGKILL leaves the stop pulse to the guard", func() error { return errors.Join(p.signal(syscall.SIGKILL), high("ignition_off")) }},
		{"then nothing is driven again", func() error { return quiet(false) }},
	} {
		begun := time.Now()
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w: pins: %s: log: %s", s.what, err, pins(), p.log.String())
		}
		fmt.Printf("ok %5d ms  %s\n", time.Since(begun).Milliseconds(), s.what)
	}
	return nil
}

func listen() (*net.UnixConn, error) {
	return net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
}

// running is the program, with its journal in a folder of its own.
type running struct {
	program, folder string

	cmd  *exec.Cmd
	log  bytes.Buffer // read only once the program has ended, or when all is lost
	at   struct{ MQTT, HTTP string }
	exit chan struct{}
}

// start starts the program and waits until it has told its READY.
func start(program string, ready *net.UnixConn) (*running, error) {
	begun := time.Now()
	p := &running{program: program, folder: "/var" + program, exit: make(chan struct{})}
	p.cmd = p.command("run")
	p.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+notify)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	_ = os.Remove(filepath.Join(p.folder, "run.json"))
	if err := p.cmd.Start(); err != nil {
		return p, err
	}
	go func() { _ = p.cmd.Wait(); close(p.exit) }()
	text := make([]byte, 4096)
	_ = ready.SetReadDeadline(time.Now().Add(patience))
	for {
		n, err := ready.Read(text)
		if err != nil {
			return p, fmt.Errorf("wait for READY: %w: %s", err, p.log.String())
		}
		if bytes.Contains(text[:n], []byte("READY=1")) {
			break
		}
	}
	fmt.Printf("ok %5d ms  READY\n", time.Since(begun).Milliseconds())
	err := within(func() error {
		run, err := os.ReadFile(filepath.Join(p.folder, "run.json"))
		if err != nil {
			return err
		}
		return json.Unmarshal(run, &p.at)
	})
	return p, err
}

// command is the program with its configuration.
func (p *running) command(args ...string) *exec.Cmd {
	for _, set := range append(quick, "journal.dir="+p.folder) {
		args = append(args, "--set", set)
	}
	return exec.Command(p.program, args...)
}

// within tries until it works.
func within(do func() error) error {
	limit := time.Now().Add(patience)
	for {
		err := do()
		if err == nil || time.Now().After(limit) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *running) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

func (p *running) ended(code int) error {
	select {
	case <-p.exit:
	case <-time.After(patience):
		return errors.New("it does not end")
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		return fmt.Errorf("exit code %d, want %d", got, code)
	}
	return nil
}

func (p *running) trigger() error {
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(p.at.MQTT).SetClientID("arm-test"))
	if t := c.Connect(); !t.WaitTimeout(patience) || t.Error() != nil {
		return fmt.Errorf("connect to %s: %w", p.at.MQTT, t.Error())
	}
	defer c.Disconnect(100)
	t := c.Publish("fire/trigger", 1, false, `{"action": "trigger"}`)
	if !t.WaitTimeout(patience) {
		return errors.New("publish the trigger: no answer")
	}
	return t.Error()
}

// lines runs `wildfire-watch lines` and shows it.
func (p *running) lines() error {
	return p.shows([]string{"lines", "--once"}, "["+chip+"], 54 lines", "pump IDLE",
		"GPIO24  out  high    as-is  off    low  wildfire-watch")
}

// untouched looks at the lines before anything has driven them, twice, so that a look which changes
// one is seen.
func untouched(program string) error {
	p := &running{program: program, folder: "/var" + program}
	for range 2 {
		if err := p.shows([]string{"lines", "--once"}, "does not run", "GPIO18  in   high    as-is  off    low  nobody",
			"GPIO24  in   high    as-is  off    low  nobody"); err != nil {
			return err
		}
	}
	return nil
}

// byHand tests two lines as a person would.
func byHand(program string) error {
	p := &running{program: program, folder: "/var" + program}
	return p.shows([]string{"lines", "test", "--for", "100ms", "--only", "main_valve,rpm_reduce", "--confirm",
		"test main_valve rpm_reduce"}, "main_valve      on at once, off at once", "Everything is off.")
}

// shows runs the program to its end and looks for texts in what it prints.
func (p *running) shows(args []string, want ...string) error {
	out, err := p.command(args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w: %s", args, err, out)
	}
	for _, text := range want {
		if !strings.Contains(string(out), text) {
			return fmt.Errorf("%v: no %q in %s", args, text, out)
		}
	}
	fmt.Printf("ok           wildfire-watch %s\n", strings.Join(args, " "))
	return nil
}
