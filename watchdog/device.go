package watchdog

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// device is a kernel watchdog that was opened, and so counts.
type device interface {
	// arm sets the timeout and returns the one that the device keeps.
	arm(timeout time.Duration) (time.Duration, error)
	feed() error
	// disarm stops it by the magic close; leave closes it and lets it count on.
	disarm() error
	leave() error
}

// kernelDevice is /dev/watchdog.
type kernelDevice struct{ file *os.File }

func openDevice(path string) (device, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err == nil {
		return kernelDevice{f}, nil
	}
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	switch {
	case errors.Is(err, syscall.EBUSY):
		return nil, fmt.Errorf("open %s: %w: somebody else feeds it, systemd perhaps "+
			"(RuntimeWatchdogSec=); set watchdog.device to \"\" then", path, err)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("open %s: %w: this user must be in the group that may write it", path, err)
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("open %s: %w: is the watchdog's driver loaded?", path, err)
	}
	return nil, fmt.Errorf("open %s: %w", path, err)
}

// whole is a timeout as the kernel counts: whole seconds, rounded up.
func whole(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

func (k kernelDevice) arm(timeout time.Duration) (time.Duration, error) {
	fd := int(k.file.Fd())
	setErr := unix.IoctlSetPointerInt(fd, unix.WDIOC_SETTIMEOUT, int(whole(timeout)/time.Second))
	seconds, err := unix.IoctlGetInt(fd, unix.WDIOC_GETTIMEOUT)
	switch {
	case err == nil && seconds > 0: // a device that refuses ours keeps its own
		return time.Duration(seconds) * time.Second, nil
	case setErr != nil:
		return 0, setErr
	}
	return whole(timeout), nil // it took ours and does not tell
}

func (k kernelDevice) feed() error {
	_, err := k.file.Write([]byte{0})
	return err
}

func (k kernelDevice) disarm() error {
	_, err := k.file.Write([]byte("V"))
	return errors.Join(err, k.file.Close())
}

func (k kernelDevice) leave() error { return k.file.Close() }

// keeper feeds a device, from a goroutine of its own.
type keeper struct {
	device device
	pace   time.Duration
	result func(error) // of each feeding whose outcome differs from the one before
	signs  chan struct{}
	end    chan struct{}
	done   chan struct{}

	mu   sync.Mutex // guards held
	held time.Time  // until then signs of life are not waited for; zero: they are
	more chan struct{}
}

func newKeeper(d device, timeout time.Duration, result func(error)) *keeper {
	k := &keeper{device: d, pace: timeout / feedShare, result: result,
		signs: make(chan struct{}, 1), more: make(chan struct{}, 1),
		end: make(chan struct{}), done: make(chan struct{})}
	go k.run()
	return k
}

// alive is a sign of life.
func (k *keeper) alive() {
	select {
	case k.signs <- struct{}{}:
	default:
	}
}

// hold feeds the device without signs of life for so long, counted from the first call.
func (k *keeper) hold(within time.Duration) {
	k.mu.Lock()
	if k.held.IsZero() {
		k.held = time.Now().Add(within)
	}
	k.mu.Unlock()
	select {
	case k.more <- struct{}{}:
	default:
	}
}

// holding is what is left of the hold.
func (k *keeper) holding() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held.IsZero() {
		return 0
	}
	return time.Until(k.held)
}

func (k *keeper) run() {
	defer close(k.done)
	var fed time.Time
	failing := false
	feed := func() {
		if !fed.IsZero() && time.Since(fed) < k.pace {
			return
		}
		fed = time.Now()
		err := k.device.feed()
		if (err != nil) != failing {
			failing = err != nil
			k.result(err)
		}
	}
	holding := time.NewTimer(time.Hour)
	holding.Stop()
	for {
		select {
		case <-k.signs:
			feed()
		case <-k.more:
			holding.Reset(0)
		case <-holding.C:
			if left := k.holding(); left > 0 {
				feed()
				holding.Reset(min(k.pace, left))
			}
		case <-k.end:
			return
		}
	}
}

// close lets the device go. One that hangs is left to the end of the process, and bites.
func (k *keeper) close(orderly bool, limit time.Duration) {
	close(k.end)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		<-k.done
		if orderly {
			_ = k.device.disarm()
		} else {
			_ = k.device.leave()
		}
	}()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-closed:
	case <-t.C:
	}
}
