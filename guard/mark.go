package guard

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// mark is how a guard at work can be found: it listens at an abstract socket named after journal.dir,
// which needs no disk and is gone with the process. Who waits for it connects and reads: the end of
// the connection is the end of the work.
type mark struct{ fd int }

func markAddress(dir string) *unix.SockaddrUnix {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return &unix.SockaddrUnix{Name: fmt.Sprintf("@wildfire-watch-guard-%x", sha256.Sum256([]byte(dir)))}
}

// backlog is how many may wait for one guard.
const backlog = 16

func setMark(dir string) (mark, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return mark{-1}, fmt.Errorf("make the guard's mark: %w", err)
	}
	if err = unix.Bind(fd, markAddress(dir)); err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		_ = unix.Close(fd)
		return mark{-1}, fmt.Errorf("make the guard's mark: %w", err)
	}
	return mark{fd}, nil
}

func (m mark) remove() {
	if m.fd >= 0 {
		_ = unix.Close(m.fd) // who has connected and was not accepted hears the end too
	}
}

// Wait returns when no guard of this journal.dir is at work, or after limit; tell, if not nil, hears
// what is waited for, before it is. A guard that only watches is not waited for. done is false if
// the guard was still at work in the end.
func Wait(dir string, limit time.Duration, tell func(text string)) (waited, done bool) {
	until := time.Now().Add(limit)
	for {
		pid, fd := meet(dir)
		if fd < 0 {
			return waited, true
		}
		if !waited && tell != nil {
			tell(fmt.Sprintf("a guard (process %s) is stopping the engine of the process before; "+
				"waiting for the end of its stop pulse, at most %s", pid, limit.Round(time.Millisecond)))
		}
		waited = true
		ended := hangsUp(fd, until)
		_ = unix.Close(fd)
		if !ended {
			return waited, false
		}
	}
}

// meet connects to a guard at work; fd is -1 if there is none. A mark of another user, who is not
// root either, means nothing.
func meet(dir string) (pid string, fd int) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return "", -1
	}
	if err = unix.Connect(fd, markAddress(dir)); err == nil {
		var peer *unix.Ucred
		peer, err = unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err == nil && (peer.Uid == 0 || int(peer.Uid) == unix.Getuid() || unix.Getuid() == 0) {
			return strconv.Itoa(int(peer.Pid)), fd
		}
	}
	_ = unix.Close(fd)
	return "", -1
}

// hangsUp says whether the other end closed in time.
func hangsUp(fd int, until time.Time) bool {
	for {
		left := time.Until(until)
		if left <= 0 {
			return false
		}
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}}
		n, err := unix.Poll(poll, milliseconds(left))
		if err != nil && err != unix.EINTR || n > 0 {
			return true
		}
	}
}

// milliseconds is a patience as poll takes it, rounded up.
func milliseconds(d time.Duration) int {
	return int(min(max(d+time.Millisecond-1, 0)/time.Millisecond, 1<<30))
}
