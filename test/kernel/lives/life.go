package lives

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
	"wildfire-watch/test/gear"
	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

// life is a process.
type life struct {
	cmd     *exec.Cmd
	gone    chan struct{}
	begun   time.Duration
	guarded time.Duration // its guard was started; 0: not yet
	next    time.Duration // no deed before
	shown   bool
}

// Plan is how long a life lasts: until the state is told and After has passed, at most Limit.
type Plan struct {
	Target       protocol.State
	After, Limit time.Duration
}

// pace is how often the driver looks. It shares the guest's one processor with what it measures.
const pace = 30 * time.Millisecond

// Begin starts a process.
func (a *Appliance) Begin() {
	a.mu.Lock()
	a.facts, a.heard, a.state, a.held = nil, false, protocol.Idle, false
	a.mu.Unlock()
	args := []string{"run"}
	for _, set := range a.house.sets(a) {
		args = append(args, "--set", set)
	}
	_ = os.Remove(filepath.Join(a.Dir, "data", "run.json"))
	log, err := os.Create(a.log)
	if err != nil {
		a.house.t.Error(err)
		return
	}
	defer func() { _ = log.Close() }()
	l := &life{cmd: exec.Command(a.binary, args...), gone: make(chan struct{}), begun: gpiosim.Now()}
	l.cmd.Stdout, l.cmd.Stderr = log, log
	l.cmd.Env = append(os.Environ(), a.env...)
	if err := l.cmd.Start(); err != nil {
		a.house.t.Error(err)
		return
	}
	a.life = l
	go func() { _ = l.cmd.Wait(); close(l.gone) }()
	a.note(Fact{At: l.begun, Kind: Started, Text: a.house.kernel, PID: l.cmd.Process.Pid})
}

// Log is what the process and its guard wrote.
func (a *Appliance) Log() string {
	text, _ := os.ReadFile(a.log)
	return string(text)
}

// Over says that the process has ended by itself.
func (a *Appliance) Over() bool {
	select {
	case <-a.life.gone:
		return true
	default:
		return false
	}
}

// Live drives a life by a plan and returns when its end has come.
func (a *Appliance) Live(p Plan) {
	begun, reached := gpiosim.Now(), time.Duration(0)
	for !a.Over() {
		time.Sleep(pace)
		now := gpiosim.Now()
		a.Watch()
		state, _, heard := a.told()
		if heard && state == p.Target && reached == 0 {
			reached = now
		}
		if now-begun > p.Limit || reached != 0 && now-reached >= p.After {
			return
		}
		a.Steer(p.Target)
	}
}

// Guarded waits until the program has started its guard.
func (a *Appliance) Guarded() {
	gear.Await(20*time.Second, func() bool {
		a.Watch()
		return a.Over() || strings.Contains(a.Log(), "guarded")
	})
	a.life.guarded = gpiosim.Now()
}

// Heard waits until the program has said its first words, at most for limit.
func (a *Appliance) Heard(limit time.Duration) {
	for end := gpiosim.Now() + limit; gpiosim.Now() < end && !a.Over(); time.Sleep(pace) {
		a.Watch()
		if _, _, heard := a.told(); heard {
			return
		}
	}
}

// Stopping waits until somebody else has the lines, at most for limit.
func (a *Appliance) Stopping(since, limit time.Duration) {
	for end := gpiosim.Now() + limit; gpiosim.Now() < end; time.Sleep(pace) {
		for _, e := range a.history.Events()[a.seen:] {
			if e.At >= since && e.What == gpiosim.Out {
				return
			}
		}
	}
}

// Watch takes what the kernel has noted, plays the plant and looks at the page once.
func (a *Appliance) Watch() {
	events := a.history.Events()
	main := appliance.Lines[hardware.MainValve]
	for _, e := range events[a.seen:] {
		a.note(Fact{At: e.At, Kind: Line, Line: &e})
		if e.Line == main {
			a.Chip.Pull(feedbackLine, e.High && !a.jammed)
		}
	}
	a.seen = len(events)
	if l := a.life; l != nil && !l.shown && l.guarded != 0 && gpiosim.Now()-l.guarded > 400*time.Millisecond {
		l.shown = true
		a.look()
	}
}

// look reads the page.
func (a *Appliance) look() {
	var run struct{ HTTP string }
	text, err := os.ReadFile(filepath.Join(a.Dir, "data", "run.json"))
	if err != nil || json.Unmarshal(text, &run) != nil {
		a.life.shown = false
		return
	}
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(run.HTTP + "/api/status")
	if err != nil {
		return
	}
	defer func() { _ = r.Body.Close() }()
	var p Page
	if json.NewDecoder(r.Body).Decode(&p) == nil && r.StatusCode == http.StatusOK {
		a.note(Fact{At: gpiosim.Now(), Kind: Shown, Page: &p})
	}
}

// play plays a sensor.
func (a *Appliance) play(what string) {
	switch what {
	case "pressure":
		a.dry = false
		a.Chip.Pull(pressureLine, true)
	case "no pressure":
		a.dry = true
		a.Chip.Pull(pressureLine, false)
	case "valve jammed":
		a.jammed = true
		a.Chip.Pull(feedbackLine, false)
	case "valve free":
		a.jammed = false
		a.Chip.Pull(feedbackLine, a.Chip.Level(appliance.Lines[hardware.MainValve]))
	}
}

// Do orders something, or plays a sensor.
func (a *Appliance) Do(what string) {
	a.note(Fact{At: gpiosim.Now(), Kind: Ordered, Text: what})
	topic, payload := protocol.TopicEmergency, what
	switch what {
	case "pressure", "no pressure", "valve jammed", "valve free":
		a.play(what)
		return
	case "trigger":
		topic, payload = protocol.TopicTrigger, `{"action":"trigger"}`
	}
	a.house.client.Publish(a.Name+"/"+topic, 1, false, payload).WaitTimeout(time.Second)
}

// Kill ends the process by a signal that it does not survive, and waits for its end; at is the instant
// before.
func (a *Appliance) Kill(s syscall.Signal, how string) (at time.Duration) {
	at = gpiosim.Now()
	_ = a.life.cmd.Process.Signal(s)
	<-a.life.gone
	a.note(Fact{At: gpiosim.Now(), Kind: Ended, Text: how})
	return at
}

// Break sends a signal of which the process comes to its end by itself, or is ended by its guard; at
// most after limit. What it did after the signal is nobody's promise, and not a fact of its life.
func (a *Appliance) Break(s syscall.Signal, how string, limit time.Duration) (at time.Duration, ended bool) {
	at = gpiosim.Now()
	_ = a.life.cmd.Process.Signal(s)
	select {
	case <-a.life.gone:
		ended = true
	case <-time.After(limit):
		_ = a.life.cmd.Process.Kill()
		<-a.life.gone
	}
	a.note(Fact{At: at, Kind: Ended, Text: how})
	return at, ended
}

// Released is when the process let its lines go, after an instant: when it was gone for the kernel.
func (a *Appliance) Released(since time.Duration) (at time.Duration, ok bool) {
	for _, e := range a.history.Events() {
		if e.At >= since && e.What == gpiosim.Free && e.PID == a.life.cmd.Process.Pid {
			return e.At, true
		}
	}
	return 0, false
}

// Killed says that a signal that cannot be heard ended the process.
func (a *Appliance) Killed() bool {
	w, ok := a.life.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && w.Signaled() && w.Signal() == syscall.SIGKILL
}

// Renew makes a new device of it: an empty journal, a new book, and from now on a program with this
// environment.
func (a *Appliance) Renew(env ...string) {
	if err := os.RemoveAll(filepath.Join(a.Dir, "data")); err != nil {
		a.house.t.Error(err)
	}
	a.Book, a.env = NewBook(a.Terms, processLag), env
}

// Aftermath waits until the engine has been stopped and everything is off, at most for limit.
func (a *Appliance) Aftermath(at, limit time.Duration) (s Stop) {
	for end := gpiosim.Now() + limit; ; time.Sleep(pace) {
		a.Watch()
		if s = StopAfter(a.history.Events(), at, a.Terms.Pulse); s.Shut || gpiosim.Now() > end {
			return s
		}
	}
}

// Facts are those of the life, what came up to now included.
func (a *Appliance) Facts() []Fact {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Fact{}, a.facts...)
}

// Audit gives the life to the book.
func (a *Appliance) Audit() []string { return a.Book.Life(a.Facts()) }
