package journal

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

const lockPatience = time.Second

// ErrInUse says that another process keeps its journal in the same folder: two controllers on one
// pump. Nothing of the house may start.
var ErrInUse = errors.New("another wildfire-watch is using it; stop that one first")

// Folder keeps every other controller out of the journal's folder. The folder itself is locked, not
// a file in it: that works on a read-only disk, leaves nothing behind, and holds while files are
// replaced.
type Folder struct {
	dir  string
	mu   sync.Mutex // both files' turns come here
	open *os.File
}

// hold makes the folder if need be and locks it, if that is not done yet.
func (l *Folder) hold() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != nil {
		return nil
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("create folder %s: %w", l.dir, err)
	}
	dir, err := os.Open(l.dir)
	if err != nil {
		return fmt.Errorf("open folder %s: %w", l.dir, err)
	}
	for until := time.Now().Add(lockPatience); ; time.Sleep(20 * time.Millisecond) {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			l.open = dir
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(until) {
			break
		}
	}
	dir.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	return fmt.Errorf("lock folder %s: %w", l.dir, err)
}

func (l *Folder) release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		return nil
	}
	err := l.open.Close()
	l.open = nil
	return err
}

// Claim locks the folder of a journal for this process, before it touches a line; OpenClaimed then
// reads what is in it. It returns within two seconds whatever the disk does, and its only error is
// ErrInUse; a folder that cannot be locked for another reason is tried again by Open.
func Claim(c Config) (*Folder, error) {
	f := &Folder{dir: c.Dir}
	done := make(chan error, 1)
	go func() { done <- f.hold() }()
	t := time.NewTimer(2 * lockPatience)
	defer t.Stop()
	select {
	case err := <-done:
		if errors.Is(err, ErrInUse) {
			return nil, err
		}
	case <-t.C:
	}
	return f, nil
}

// Release lets the folder go, of a journal that was not opened.
func (l *Folder) Release() { _ = l.release() }
