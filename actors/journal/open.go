package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// Open reads what survived, counts this start and removes an earlier process's run.json. It returns
// within three seconds whatever the disk does, and its only error is ErrInUse (then without a
// store). Every other trouble stands in Recovered.Problem; the store works without a disk then and
// goes on trying.
//
// Recovered.Unreadable is set whenever the pump's newest memory may be missing: then
// Recovered.Pump is an older copy or zero. Recovered.Fresh means that there was no journal.
func Open(c Config) (*Store, protocol.Recovered, error) {
	return OpenIn(c, actors.SystemClock{}.BootID())
}

// OpenClaimed is Open in a folder that this process has claimed.
func OpenClaimed(c Config, f *Folder) (*Store, protocol.Recovered, error) {
	s := newStore(c, actors.SystemClock{}.BootID(), os.OpenFile)
	s.lock = f
	return openStore(s)
}

// OpenIn is Open in another boot of the kernel: for tests that play a power cut.
func OpenIn(c Config, bootID string) (*Store, protocol.Recovered, error) {
	return openWith(c, bootID, os.OpenFile)
}

func openWith(c Config, bootID string, open openFile) (*Store, protocol.Recovered, error) {
	return openStore(newStore(c, bootID, open))
}

func openStore(s *Store) (*Store, protocol.Recovered, error) {
	type result struct {
		recovered protocol.Recovered
		err       error
	}
	done := make(chan result, 1)
	s.memory.turn <- struct{}{}
	go func() {
		defer s.memory.give()
		var r result
		r.err = guarded(func() (err error) {
			r.recovered, err = s.begin()
			return err
		})
		done <- r
	}()
	limit := time.NewTimer(openLimit)
	defer limit.Stop()
	select {
	case r := <-done:
		if errors.Is(r.err, ErrInUse) {
			s.Close()
			return nil, protocol.Recovered{}, r.err
		}
		if r.err != nil {
			r.recovered = protocol.Recovered{Unreadable: true, Problem: r.err.Error()}
		}
		s.problem, s.safeMode = r.recovered.Problem, r.recovered.SafeMode
		return s, r.recovered, nil
	case <-limit.C:
		s.gaveUp.Store(true)
		s.problem = fmt.Sprintf("open the journal in %s: no answer within %s; check the disk",
			s.dir, openLimit)
		return s, protocol.Recovered{Unreadable: true, Problem: s.problem}, nil
	}
}

// begin is Open's work. It is the store's owner while it runs, even after Open has given up.
func (s *Store) begin() (protocol.Recovered, error) {
	if err := s.lock.hold(); err != nil {
		if errors.Is(err, ErrInUse) {
			return protocol.Recovered{}, err
		}
		return s.without(err), nil
	}
	if !s.gaveUp.Load() {
		os.Remove(filepath.Join(s.dir, runName))
		s.ends = takeEnds(s.dir)
	}
	opened, err := s.memory.attach(func(tx *bbolt.Tx, damaged bool) error {
		s.lost = damaged
		return s.put(tx, s.number+2)
	})
	switch {
	case err != nil && !opened.created && s.readOnly() == nil:
		return s.load(opened, err), nil
	case err != nil:
		s.memory.drop()
		return s.without(errors.Join(opened.damage, err)), nil
	case opened.created:
		s.unread = false
		r := protocol.Recovered{Fresh: opened.damage == nil, Unreadable: opened.damage != nil, Boots: 1}
		if opened.damage != nil {
			r.Problem = fmt.Sprintf("%v; it was moved aside and a new one begun: check the disk",
				opened.damage)
		}
		return r, nil
	}
	return s.load(opened, nil), nil
}

// without says what running without a journal means. A journal that is not there is fresh; one
// that may be there and cannot be read is not.
func (s *Store) without(why error) protocol.Recovered {
	_, absent := os.Stat(s.memory.path)
	fresh := errors.Is(absent, os.ErrNotExist)
	s.lost = !fresh
	return protocol.Recovered{Fresh: fresh, Unreadable: !fresh, Boots: 1,
		Problem: fmt.Sprintf("%v; nothing is stored until this is mended", why)}
}

// readOnly opens a file that may be read though not written.
func (s *Store) readOnly() error { return s.memory.dial(s.memory.path, true) }

// load reads the records and counts this start. unwritable is why the file is open for reading
// only; nil: it can be written.
func (s *Store) load(opened found, unwritable error) protocol.Recovered {
	var was stored
	err := s.memory.view(func(tx *bbolt.Tx) error { was = read(tx); return nil })
	if err != nil {
		s.memory.drop()
		return s.without(err)
	}
	damage := errors.Join(opened.damage, was.pumpDamage)
	s.adopt(was, damage != nil)
	r := protocol.Recovered{Pump: was.pump, Consensus: was.consensus, Unreadable: s.lost,
		Boots: s.boots, Failed: was.life.Failed, LastStop: causeOf(was.life, s.bootID, s.ends)}
	r.SafeMode = s.after > 0 && r.Failed >= s.after
	trouble := errors.Join(damage, was.otherDamage, unwritable)
	if unwritable != nil {
		s.memory.drop()
	} else if err := s.write(); err != nil {
		s.memory.drop()
		trouble = errors.Join(trouble, err)
	}
	if trouble == nil && r.Unreadable {
		trouble = errors.New("the pump's memory was lost before, and not written since")
	}
	if trouble != nil {
		r.Problem = fmt.Sprintf("journal in %s: %v; check the disk", s.dir, trouble)
	}
	return r
}

// adopt takes over what was stored, unless this process knows better already.
func (s *Store) adopt(was stored, damaged bool) {
	s.unread = false
	s.boots, s.failed = was.life.Boots+1, was.life.Failed+1
	if !s.last.HasConsensus {
		s.last.Consensus = was.consensus
	}
	if s.last.HasPump {
		return
	}
	s.last.Pump, s.number, s.has = was.pump, was.number, was.number > 0
	s.lost = s.lost || was.life.Lost || damaged
}

// historyReady opens the history, when it is first needed and never before control runs.
func (s *Store) historyReady() error {
	if s.history.db != nil {
		return nil
	}
	if err := s.lock.hold(); err != nil {
		return err
	}
	opened, err := s.history.attach(func(tx *bbolt.Tx, _ bool) error {
		_, err := tx.CreateBucketIfNotExists(historyBucket)
		return err
	})
	if err != nil {
		s.history.drop()
		return err
	}
	if opened.damage != nil && opened.created {
		s.note = fmt.Sprintf("%v; it was moved aside and a new history begun", opened.damage)
	}
	return nil
}
