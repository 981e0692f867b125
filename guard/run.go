package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
)

// Open takes some lines of the house's board, which a guard then drives: those of the set, at
// StopLevels from the first moment on. The board's other lines do not exist.
type Open func(o Orders, lines protocol.Lines) (hardware.Board, error)

// Socket is the number under which a guard inherits its end of the socket.
const Socket = 3

// What travels over the socket, a packet each. The first packet is the Orders.
const (
	wordBeat = 'b' // main to guard; the guard sends it back, and once by itself when it watches
	wordTrip = 't' // and the cause
	wordBye  = 'q'
)

// ordersPatience is how long a guard waits for its orders.
const ordersPatience = 10 * time.Second

// mostPacket is longer than any orders.
const mostPacket = 64 << 10

// Run is the guard process: it returns when the main process has said goodbye, or when its work is
// done. It is told apart from `run` by nothing else than this call. say hears, in a sentence each,
// what happens.
func Run(socket int, open Open, say func(text string)) error {
	withdraw()
	said := speak(say)
	g := &watcher{socket: socket, main: -1, open: open, say: said.say, packet: make([]byte, mostPacket)}
	err := g.begin()
	if err == nil {
		g.loop()
	}
	said.end()
	return err
}

// withdraw makes the guard deaf to what is meant for the main process, and small.
func withdraw() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTSTP)
	runtime.LockOSThread() // one thread polls, and the runtime wakes no other for it
	hurry()
	_ = os.WriteFile("/proc/self/comm", []byte("wildfire-guard"), 0) // for who reads a list of processes
}

// watcher is the shell around the machine.
type watcher struct {
	orders  Orders
	limits  Limits
	machine Machine
	socket  int  // -1: closed
	main    int  // a handle of the main process; -1: none
	child   bool // the main process is our parent
	lost    bool // it had ended before we could take a handle of it
	open    Open
	say     func(string)
	packet  []byte
	hold    hold
	mark    mark
	marked  bool
	began   time.Time // by the wall clock
	tripped string
	faults  []string
}

// begin reads the orders.
func (g *watcher) begin() error {
	poll := []unix.PollFd{{Fd: int32(g.socket), Events: unix.POLLIN}}
	until := time.Now().Add(ordersPatience)
	for {
		n, err := unix.Poll(poll, milliseconds(time.Until(until)))
		if n > 0 {
			break
		}
		if err != nil && err != unix.EINTR || !time.Now().Before(until) {
			return errors.New("read the guard's orders: none came; this command is for `run` to start, not for hands")
		}
	}
	n, _, err := unix.Recvfrom(g.socket, g.packet, unix.MSG_DONTWAIT)
	if err == nil && n == 0 {
		err = errors.New("the main process is gone")
	}
	if err == nil {
		err = json.Unmarshal(g.packet[:n], &g.orders)
	}
	if err != nil {
		return fmt.Errorf("read the guard's orders: %w; this command is for `run` to start, not for hands", err)
	}
	g.limits = LimitsOf(g.orders)
	setImportance(g.orders.OOM)
	g.machine = Begin(g.limits, time.Now())
	g.grasp()
	g.answer() // from now on the main process is watched
	stay()
	return nil
}

// grasp takes a handle of the main process. It is the right one if that process is our parent, or
// has the start time of the orders, after the handle was taken: its number was its own then.
func (g *watcher) grasp() {
	fd, err := unix.PidfdOpen(g.orders.PID, 0)
	g.child = os.Getppid() == g.orders.PID
	started, unread := startedAt(g.orders.PID)
	switch {
	case !g.child && (unread != nil || started != g.orders.Started):
		g.lost = true
		if err == nil {
			_ = unix.Close(fd)
		}
	case err == nil: // else an old kernel: it is looked after by its number
		g.main = fd
	}
}

// loop waits, hears, decides and acts until the work is done.
func (g *watcher) loop() {
	in := g.hear() // what came while it started
	for {
		for again := true; again && g.machine.Phase != Done; {
			var e Effect
			g.machine, e = Step(g.limits, g.machine, in, time.Now())
			in, again = g.act(e)
		}
		if g.machine.Phase == Done {
			return
		}
		g.wait(time.Until(g.machine.Until()))
		in = g.hear()
	}
}

// wait sleeps until something comes, at most for d.
func (g *watcher) wait(d time.Duration) {
	poll := make([]unix.PollFd, 0, 2)
	if g.socket >= 0 {
		poll = append(poll, unix.PollFd{Fd: int32(g.socket), Events: unix.POLLIN})
	}
	switch {
	case g.main >= 0 && !g.machine.Dead:
		poll = append(poll, unix.PollFd{Fd: int32(g.main), Events: unix.POLLIN})
	case g.machine.Phase == Killing: // without a handle its end has to be looked for
		d = min(d, 5*time.Millisecond)
	}
	_, _ = unix.Poll(poll, milliseconds(d))
}

// hear reads all that has come. A goodbye stands in the socket before its end does, and is read
// before the death is looked at.
func (g *watcher) hear() (in Input) {
	in.Dead = g.dead() // looked at first, used last: no word can come after it
	for g.socket >= 0 {
		n, _, err := unix.Recvfrom(g.socket, g.packet, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return in
		case err != nil || n == 0:
			_ = unix.Close(g.socket)
			g.socket, in.Gone = -1, true
			return in
		}
		switch g.packet[0] {
		case wordBeat:
			in.Beat = true
			g.answer()
		case wordTrip:
			in.Trip, g.tripped = true, string(g.packet[1:n])
		case wordBye:
			in.Bye = true
		}
	}
	return in
}

// answer tells the main process that somebody watches it.
func (g *watcher) answer() {
	_ = unix.Send(g.socket, []byte{wordBeat}, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// dead says whether the main process has ended.
func (g *watcher) dead() bool {
	switch {
	case g.machine.Dead || g.lost:
		return true
	case g.main >= 0:
		poll := []unix.PollFd{{Fd: int32(g.main), Events: unix.POLLIN}}
		n, _ := unix.Poll(poll, 0)
		return n > 0
	case g.child:
		return os.Getppid() != g.orders.PID
	}
	started, err := startedAt(g.orders.PID)
	return err != nil || started != g.orders.Started
}

// kill ends the main process, and no other.
func (g *watcher) kill() {
	switch {
	case g.main >= 0:
		_ = unix.PidfdSendSignal(g.main, unix.SIGKILL, nil, 0)
	case !g.dead():
		_ = unix.Kill(g.orders.PID, unix.SIGKILL)
	}
}
