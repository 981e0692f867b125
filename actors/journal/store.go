package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"wildfire-watch/protocol"
)

// Memory is all that must survive a power cut. Comparable: what equals the stored one is not
// written again.
type Memory struct {
	Pump         protocol.PumpMemory
	Consensus    protocol.ConsensusMemory
	HasPump      bool // the pump has spoken in this process
	HasConsensus bool
	Stop         string // cause of the stop; empty: running
	Orderly      bool   // it was stopped in good order
	Good         bool   // it has lived long enough not to have failed
}

const (
	memoryName  = "journal.db"
	historyName = "history.db"

	memoryLimit  = 16 << 20 // of the files; ours stay far below
	historyLimit = 8 << 30

	openLimit  = 3 * time.Second // for Open
	closeLimit = 2 * time.Second // for Close
)

// Store is the two files on the disk. Its methods may be called from anywhere; on each file they
// take turns.
type Store struct {
	dir       string
	maxEvents int
	memory    *file
	history   *file
	lock      *Folder

	// Of the memory's turn:
	boots  uint64
	failed int    // starts in a row that have not proved good, this one included
	last   Memory // what memory holds, or would hold if it could be written
	has    bool   // a pump memory was stored at some time
	lost   bool   // it could not be read and none was written since
	number uint64 // of the newest copy
	both   bool   // write both copies: what they hold is not known
	unread bool   // what memory holds has not been read

	// Of the history's turn:
	note string // what was found wrong with it, not yet told

	ends ends // what others wrote about the last process's end

	problem string // what Open had to tell; never changed afterwards

	bootID   string // of the kernel that runs now
	after    int    // journal.safe_mode_after
	safeMode bool   // Open's answer; never changed afterwards

	gaveUp atomic.Bool // Open did not wait for the end of begin
}

func newStore(c Config, bootID string, open openFile) *Store {
	return &Store{dir: c.Dir, maxEvents: c.MaxEvents, both: true, boots: 1, unread: true,
		failed: 1, after: c.SafeModeAfter, bootID: bootID,
		memory:  newFile(filepath.Join(c.Dir, memoryName), memoryLimit, open),
		history: newFile(filepath.Join(c.Dir, historyName), historyLimit, open),
		lock:    &Folder{dir: c.Dir}}
}

// saveMemory puts m on the disk: when it returns nil, it is there.
func (s *Store) saveMemory(ctx context.Context, m Memory) error {
	if err := s.memory.take(ctx); err != nil {
		return err
	}
	defer s.memory.give()
	s.merge(m)
	if err := s.ready(); err != nil {
		return err
	}
	return s.write()
}

func (s *Store) merge(m Memory) {
	if m.HasPump {
		s.last.Pump, s.last.HasPump, s.has, s.lost = m.Pump, true, true, false
	}
	if m.HasConsensus {
		s.last.Consensus, s.last.HasConsensus = m.Consensus, true
	}
	if m.Stop != "" { // once the process has stopped it does not run again
		s.last.Stop = m.Stop
	}
	s.last.Orderly = s.last.Orderly || m.Orderly
	s.last.Good = s.last.Good || m.Good
}

// failedNow is how many starts in a row have failed if the process ends now.
func (s *Store) failedNow() int {
	switch {
	case s.last.Orderly && s.last.Stop == protocol.StopSafeModeOver:
		return max(0, s.after-1)
	case s.last.Orderly, s.last.Good:
		return 0
	}
	return s.failed
}

func (s *Store) write() error {
	next := s.number + 1
	if s.both {
		next++
	}
	err := s.memory.update(func(tx *bbolt.Tx) error { return s.put(tx, next) })
	if err == nil {
		if err = s.memory.inPlace(); err != nil {
			s.memory.drop()
		}
	}
	if err != nil {
		s.both = true
		return fmt.Errorf("write %s: %w", s.memory.path, err)
	}
	s.number, s.both = next, !s.has // without a pump memory neither copy was written
	return nil
}

// ready opens the memory file if it is not open. Before this process knew better, what the file
// held is in s.last, so a file that vanished is written anew as it was.
func (s *Store) ready() error {
	if s.memory.db != nil {
		return nil
	}
	s.both = true
	if err := s.lock.hold(); err != nil {
		return err
	}
	opened, err := s.memory.attach(func(tx *bbolt.Tx, _ bool) error {
		return s.put(tx, s.number+2)
	})
	if err == nil && s.unread && !opened.created {
		err = s.memory.view(func(tx *bbolt.Tx) error {
			was := read(tx)
			s.adopt(was, was.pumpDamage != nil)
			return nil
		})
	}
	if err != nil {
		s.memory.drop()
		return err
	}
	s.unread = false
	return nil
}

// RecordStop stores the cause of a stop that no message can announce any more, such as a trip. It
// waits at most limit; what is still queued in the actor is not written.
func (s *Store) RecordStop(cause string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		if err := s.memory.take(ctx); err != nil {
			done <- err
			return
		}
		m := s.last
		s.memory.give()
		m.Stop = cause
		done <- s.saveMemory(ctx, m)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("record the stop in %s: %w", s.dir, ctx.Err())
	}
}

// Close gives the files back; the actor must have stopped. A disk that does not answer within two
// seconds is left to the end of the process.
func (s *Store) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	for _, f := range []*file{s.memory, s.history} {
		if err := f.close(ctx); err != nil {
			return fmt.Errorf("close %s: %w", f.path, err)
		}
	}
	return s.lock.release()
}
