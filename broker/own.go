package broker

import (
	"net"
	"os"
	"sync"
	"syscall"

	"wildfire-watch/protocol"
)

// pair is two ends of a connection within this process.
func pair() (ours, theirs net.Conn, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "own")
		var bad error
		if ends[i], bad = net.FileConn(f); bad != nil { // it is a copy: f is closed all the same
			err = bad
		}
		_ = f.Close()
	}
	if err != nil {
		for _, end := range ends {
			if end != nil {
				_ = end.Close()
			}
		}
		return nil, nil, err
	}
	return ends[0], ends[1], nil
}

// faults keeps the newest word of each fault until somebody hears it.
type faults struct {
	mu      sync.Mutex
	kept    []protocol.Fault
	publish func(msg any)
}

func (f *faults) note(x protocol.Fault) {
	f.mu.Lock()
	publish := f.publish
	if publish == nil && len(f.kept) < maxRefusals {
		f.kept = append(f.kept, x)
	}
	f.mu.Unlock()
	if publish != nil {
		publish(x)
	}
}

func (f *faults) to(publish func(msg any)) {
	f.mu.Lock()
	kept := f.kept
	f.publish, f.kept = publish, nil
	f.mu.Unlock()
	for _, x := range kept {
		publish(x)
	}
}
