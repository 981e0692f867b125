package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Options are how a guard is started. The zero value is right for the program itself.
type Options struct {
	// Command is what to execute; empty: this very program with the argument "guard", also after
	// its file was replaced. Env is its environment beside what Start sets.
	Command []string
	Env     []string
	// Lost hears that the guard is gone, and why, and again, with nil, that there is one anew. It
	// runs on a goroutine of its own.
	Lost func(why error)
}

// How a lost guard is started again, and when one that does not answer is taken for lost.
const (
	firstPause  = time.Second
	longestWait = time.Minute
	deafAfter   = 2 * time.Second
	deafBeats   = 3
	byePatience = 100 * time.Millisecond
	// steady is how long a guard lives until its successor is started quickly again.
	steady = time.Minute
	// oomMore is added to the main process's oom_score_adj, so that the guard is taken after it.
	oomMore = 100
)

// Watch is the main process's side: it starts the guard, tells it of life, and starts it again when
// it is lost. Its methods may be called from any goroutine; Alive and Tripping never block.
type Watch struct {
	orders  Orders
	options Options
	current atomic.Pointer[process]
	beating atomic.Bool
	tripped atomic.Pointer[string]
	leaving atomic.Bool
	quit    chan struct{}
	once    sync.Once
	done    chan struct{} // nobody is started any more, and the last one was reaped
}

// process is one guard.
type process struct {
	cmd     *exec.Cmd
	socket  *os.File
	begun   time.Time
	up      chan struct{} // closed when it has answered for the first time
	ended   chan struct{}
	why     error
	waiting atomic.Int64 // since when a beat is unanswered, Unix ns; 0: none is
	unheard atomic.Int32 // beats since then
}

// Start starts the guard of this process. The error says why there is none yet: the house goes on,
// and Watch goes on trying.
func Start(o Orders, options Options) (*Watch, error) {
	w := &Watch{orders: o, options: options, quit: make(chan struct{}), done: make(chan struct{})}
	var err error
	w.orders.PID = os.Getpid()
	if w.orders.Started, err = startedAt(w.orders.PID); err != nil {
		w.orders.Started = 0 // no /proc: the guard knows its parent
	}
	w.orders.Dir = absolute(o.Dir)
	w.orders.LineLog = absolute(o.LineLog)
	w.orders.OOM = lessImportant()
	if len(w.options.Command) == 0 {
		w.options.Command = []string{"/proc/self/exe", "guard"}
	}
	p, err := w.launch()
	go w.keep(p, err)
	return w, err
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil && path != "" {
		return abs
	}
	return path
}

// lessImportant makes this process one that is killed before its guard when memory runs out, and
// returns what it was before.
func lessImportant() int {
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	was, unread := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || unread != nil {
		return 0
	}
	setImportance(min(was+oomMore, 1000))
	return was
}

func setImportance(adj int) {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte(strconv.Itoa(adj)), 0)
}

// launch starts one guard and gives it its orders.
func (w *Watch) launch() (*process, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("start the guard: make a socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(ends[0]), "guard"), os.NewFile(uintptr(ends[1]), "main")
	defer func() { _ = theirs.Close() }()
	orders := w.orders
	orders.Beating = w.beating.Load()
	text, err := json.Marshal(orders)
	if err == nil {
		_, err = ours.Write(text)
	}
	c := w.options.Command
	cmd := exec.Command(c[0], c[1:]...)
	cmd.Args[0] = "wildfire-watch"
	// Nothing of ours but standard error: no terminal, no folder, no systemd socket, little memory,
	// and no collection of garbage before there is some.
	cmd.Dir, cmd.Stderr, cmd.ExtraFiles = "/", os.Stderr, []*os.File{theirs}
	cmd.Env = append([]string{"GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=16MiB", "GOTRACEBACK=single"}, w.options.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	p := &process{cmd: cmd, socket: ours, begun: time.Now(), up: make(chan struct{}), ended: make(chan struct{})}
	w.current.Store(p)
	if who := w.tripped.Load(); who != nil {
		p.send(append([]byte{wordTrip}, *who...))
	}
	if w.leaving.Load() { // Bye may have met the guard before this one
		p.send([]byte{wordBye})
	}
	go p.listen()
	go func() {
		p.why = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// listen takes the guard's answers to beats, until its end of the socket is closed.
func (p *process) listen() {
	answer := make([]byte, 8)
	for up := sync.OnceFunc(func() { close(p.up) }); ; up() {
		if n, err := p.socket.Read(answer); err != nil || n == 0 {
			return
		}
		p.waiting.Store(0)
		p.unheard.Store(0)
	}
}

// send puts one packet into the socket if there is room; a guard with a full socket has enough to
// read.
func (p *process) send(packet []byte) {
	raw, err := p.socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.Send(int(fd), packet, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	})
}

// keep starts a guard again whenever one is lost, until Bye.
func (w *Watch) keep(p *process, err error) {
	defer close(w.done)
	pause := firstPause
	for lost := false; ; {
		if err == nil {
			if lost {
				w.tell(nil)
				lost = false
			}
			<-p.ended
			_ = p.socket.Close()
			if w.leaving.Load() {
				return
			}
			if time.Since(p.begun) >= steady {
				pause = firstPause
			}
			if err = p.why; err == nil {
				err = errors.New("it ended by itself")
			}
			err = fmt.Errorf("the guard process %d is gone: %w", p.cmd.Process.Pid, err)
		}
		if !lost {
			w.tell(err)
			lost = true
		}
		t := time.NewTimer(pause)
		select {
		case <-w.quit:
			t.Stop()
			return
		case <-t.C:
		}
		pause = min(2*pause, longestWait)
		p, err = w.launch()
	}
}

func (w *Watch) tell(why error) {
	if w.options.Lost != nil {
		w.options.Lost(why)
	}
}

// Alive is a beat: pump and gpio actor have both just proven that they work.
func (w *Watch) Alive() {
	w.beating.Store(true)
	p := w.current.Load()
	if p == nil {
		return
	}
	now := time.Now().UnixNano()
	p.waiting.CompareAndSwap(0, now)
	since := p.waiting.Load()
	if p.unheard.Add(1) > deafBeats && since != 0 && now-since > int64(deafAfter) {
		_ = p.cmd.Process.Kill() // it hangs: another one takes its place
	}
	p.send([]byte{wordBeat})
}

// Tripping says that this process gives the stop pulse itself from now on and then ends: the guard
// leaves it the time for that.
func (w *Watch) Tripping(who string) {
	who = who[:min(len(who), 200)]
	w.tripped.Store(&who)
	if p := w.current.Load(); p != nil {
		p.send(append([]byte{wordTrip}, who...))
	}
}

// Bye says that everything is off and this process ends in good order; it waits a moment for the
// guard to be gone. Afterwards nobody watches.
func (w *Watch) Bye() {
	w.once.Do(func() {
		w.leaving.Store(true)
		close(w.quit)
		setImportance(w.orders.OOM)
	})
	if p := w.current.Load(); p != nil {
		p.send([]byte{wordBye})
	}
	t := time.NewTimer(byePatience)
	defer t.Stop()
	select {
	case <-w.done:
	case <-t.C:
	}
}

// Up waits until a guard watches this process; false: there is none, or it was lost before it did.
func (w *Watch) Up() bool {
	p := w.current.Load()
	if p == nil {
		return false
	}
	select {
	case <-p.up:
		return true
	case <-p.ended:
		return false
	}
}

// PID is the guard's process number; 0 while there is none.
func (w *Watch) PID() int {
	if p := w.current.Load(); p != nil {
		select {
		case <-p.ended:
		default:
			return p.cmd.Process.Pid
		}
	}
	return 0
}
