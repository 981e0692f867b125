package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
)

// keptCorrupt is how many damaged files of each kind are kept for whoever looks into it.
const keptCorrupt = 3

// openFile is os.OpenFile, replaced by tests of failing disks.
type openFile func(name string, flag int, mode os.FileMode) (*os.File, error)

// file is one bbolt file. Whoever uses it takes its turn first. After any error it is dropped, and
// checked and opened anew at the next use: nothing is built on a state that nobody knows.
type file struct {
	path    string
	maxSize int64 // a larger file is not ours and is not read
	open    openFile
	turn    chan struct{} // holds a token while somebody works
	closed  bool

	db     *bbolt.DB
	handle *os.File // bbolt's own
	// poisoned: bbolt panicked on a file that had passed the check; the next one is a new one.
	poisoned bool
}

func newFile(path string, maxSize int64, open openFile) *file {
	return &file{path: path, maxSize: maxSize, open: open, turn: make(chan struct{}, 1)}
}

var errClosed = errors.New("it is closed")

// take waits for the others, at most until ctx ends.
func (f *file) take(ctx context.Context) error {
	select {
	case f.turn <- struct{}{}:
		if f.closed {
			f.give()
			return fmt.Errorf("write %s: %w", f.path, errClosed)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", f.path, ctx.Err())
	}
}

func (f *file) give() { <-f.turn }

// close waits for whoever works, at most until ctx ends.
func (f *file) close(ctx context.Context) error {
	err := f.take(ctx)
	if errors.Is(err, errClosed) {
		return nil
	}
	if err == nil {
		f.closed = true
		f.drop()
		f.give()
	}
	return err
}

// found is what opening a file brought to light.
type found struct {
	created bool  // there was none
	damage  error // there was one, and it was moved aside or is suspect
}

// attach opens the file, or makes one that begin fills, so that a file that exists is never empty.
// It tells begin whether it takes the place of a damaged one.
func (f *file) attach(begin func(tx *bbolt.Tx, damaged bool) error) (found, error) {
	torn, err := f.check()
	if err == nil && f.poisoned {
		err = damaged("%s made bbolt panic", f.path)
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return found{created: true}, f.create(false, begin)
	case errors.Is(err, errPages):
		return found{created: true, damage: err}, f.create(true, begin)
	case err != nil:
		return found{}, err
	}
	if torn {
		err = damaged("one of the two meta pages of %s is damaged", f.path)
	}
	return found{damage: err}, f.dial(f.path, false)
}

// check reads the whole file without bbolt.
func (f *file) check() (torn bool, err error) {
	r, err := f.open(f.path, os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer r.Close()
	about, err := r.Stat()
	switch {
	case err != nil:
		return false, err
	case !about.Mode().IsRegular():
		return false, fmt.Errorf("open %s: not a regular file", f.path)
	case about.Size() > f.maxSize:
		return false, fmt.Errorf("%w: %s has %d bytes, ours at most %d", errPages, f.path,
			about.Size(), f.maxSize)
	}
	if torn, err = checkPages(r, about.Size()); err != nil {
		err = fmt.Errorf("read %s: %w", f.path, err)
	}
	return torn, err
}

// create makes the file under another name and puts it into place whole: a power cut leaves the old
// one or the new one. With aside, the old one stays beside it as .corrupt-<n>.
func (f *file) create(aside bool, begin func(*bbolt.Tx, bool) error) error {
	fresh := f.path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	err := f.dial(fresh, false)
	if err == nil {
		err = f.update(func(tx *bbolt.Tx) error { return begin(tx, aside) })
	}
	if err == nil && aside {
		err = f.keepAside()
	}
	if err == nil {
		err = os.Rename(fresh, f.path)
	}
	if err != nil {
		f.drop()
		os.Remove(fresh)
		return fmt.Errorf("create %s: %w", f.path, err)
	}
	return syncDir(filepath.Dir(f.path))
}

// keepAside gives the damaged file a second name; the first is about to be taken over. Where the
// file system knows no links, evidence is worth less than the order of things: it is lost.
func (f *file) keepAside() error {
	olds := f.corrupt()
	next := 1
	if n := len(olds); n > 0 {
		next = olds[n-1] + 1
	}
	for len(olds) >= keptCorrupt {
		os.Remove(f.corruptName(olds[0]))
		olds = olds[1:]
	}
	if err := os.Link(f.path, f.corruptName(next)); errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (f *file) corruptName(n int) string { return f.path + ".corrupt-" + strconv.Itoa(n) }

// corrupt lists the numbers of the files kept aside, rising.
func (f *file) corrupt() (numbers []int) {
	names, _ := filepath.Glob(f.path + ".corrupt-*")
	for _, name := range names {
		if n, err := strconv.Atoi(strings.TrimPrefix(name, f.path+".corrupt-")); err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// dial lets bbolt map a file that was checked.
func (f *file) dial(path string, readOnly bool) error {
	f.drop()
	err := f.guarded(func() (err error) {
		f.db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: lockPatience, ReadOnly: readOnly, NoStatistics: true,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f.handle, err = f.open(name, flag, mode)
				return f.handle, err
			},
		})
		return err
	})
	if err != nil {
		f.abandon()
		return fmt.Errorf("open %s: %w", path, err)
	}
	return nil
}

// update runs one transaction; when it returns nil, what work wrote is on the disk.
func (f *file) update(work func(tx *bbolt.Tx) error) error {
	if err := f.guarded(func() error { return f.db.Update(work) }); err != nil {
		f.fail(err)
		return err
	}
	return nil
}

// view runs one reading transaction.
func (f *file) view(work func(tx *bbolt.Tx) error) error {
	err := f.guarded(func() error { return f.db.View(work) })
	if err != nil {
		f.fail(err)
	}
	return err
}

// inPlace says whether the open file is still the one that its name leads to.
func (f *file) inPlace() error {
	named, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if ours, err := f.handle.Stat(); err != nil || !os.SameFile(named, ours) {
		return fmt.Errorf("write %s: somebody replaced the file", f.path)
	}
	return nil
}

// fail closes the file after an error. A panic left bbolt's locks held, closing it would block.
func (f *file) fail(err error) {
	if errors.Is(err, errPanic) {
		f.abandon()
		return
	}
	f.drop()
}

// drop closes the file if it is open.
func (f *file) drop() {
	if f.db != nil {
		if guarded(f.db.Close) != nil {
			f.abandon()
		}
	}
	f.db, f.handle = nil, nil
}

// abandon forgets bbolt's state. Its mapping of the file is lost to the process and keeps the
// descriptor alive, so closing that would not unlock the file.
func (f *file) abandon() {
	if f.handle != nil {
		syscall.Flock(int(f.handle.Fd()), syscall.LOCK_UN)
		f.handle.Close()
	}
	f.db, f.handle = nil, nil
}

func (f *file) guarded(work func() error) error {
	err := guarded(work)
	f.poisoned = errors.Is(err, errPanic)
	return err
}

var errPanic = errors.New("panic")

// guarded turns a panic into an error, a fault in mapped memory included: a file that somebody
// shortens under us, a sector that cannot be read.
func guarded(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return work()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
