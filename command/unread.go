package command

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// aside writes what the program says on a goroutine of its own: standard error may be a pipe that
// nobody reads, and neither the pump nor the end of the process may wait for a reader. What finds no
// room is dropped and counted; the count is written when there is a reader again.
type aside struct {
	to      io.Writer
	mu      sync.Mutex // guards what follows
	waiting [][]byte
	size    int
	lost    int           // messages dropped, of which nothing was said yet
	busy    bool          // a goroutine writes
	idle    chan struct{} // closed when it ends; nil: there is none
}

// mostUnread bounds what waits for a reader, bytes; lastWords is the patience of Sync.
const (
	mostUnread = 256 << 10
	lastWords  = 200 * time.Millisecond
)

func tellAside(to io.Writer) *aside { return &aside{to: to} }

// Write never blocks and never fails.
func (a *aside) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.size+len(p) > mostUnread {
		a.lost++
		return len(p), nil
	}
	a.waiting = append(a.waiting, append([]byte(nil), p...))
	a.size += len(p)
	if !a.busy {
		a.busy, a.idle = true, make(chan struct{})
		go a.speak(a.idle)
	}
	return len(p), nil
}

// speak writes until nothing waits. A message that the reader refuses is lost as well.
func (a *aside) speak(idle chan struct{}) {
	defer close(idle)
	for {
		a.mu.Lock()
		batch := a.waiting
		a.waiting = nil
		if a.busy = len(batch) > 0; !a.busy {
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
		heard := false
		for _, text := range batch {
			heard = a.pass(text)
		}
		if !heard {
			continue
		}
		if lost := a.missed(); lost > 0 {
			fmt.Fprintf(a.to, "%d messages are missing here: nobody read them\n", lost)
		}
	}
}

// pass writes one message and says whether it was taken.
func (a *aside) pass(text []byte) bool {
	_, err := a.to.Write(text)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.size -= len(text); err != nil {
		a.lost++
	}
	return err == nil
}

// missed is how many messages were lost, once all that came before them is written: they are told now.
func (a *aside) missed() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) > 0 {
		return 0
	}
	lost := a.lost
	a.lost = 0
	return lost
}

// Sync waits until all is written, at most for lastWords.
func (a *aside) Sync() error {
	a.mu.Lock()
	idle := a.idle
	a.mu.Unlock()
	if idle == nil {
		return nil
	}
	t := time.NewTimer(lastWords)
	defer t.Stop()
	select {
	case <-idle:
	case <-t.C:
	}
	return nil
}
