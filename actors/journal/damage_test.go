package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

// grownJournal is a journal with a past, its bytes, and what it must be read as.
func grownJournal(t *testing.T) (dir string, raw []byte, last protocol.PumpMemory) {
	t.Helper()
	dir = t.TempDir()
	s, _ := opened(t, dir)
	for n := range 20 {
		save(t, s, pumpMemory(n))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(s.memory.path)
	if err != nil {
		t.Fatal(err)
	}
	return dir, raw, pumpMemory(19).Pump
}

// TestDamageIsFoundOrHarmless changes bytes, sectors and the length of a journal: Open must not
// panic, must not block, and must say Unreadable unless the memory is intact. What it leaves behind
// must be usable.
func TestDamageIsFoundOrHarmless(t *testing.T) {
	dir, raw, last := grownJournal(t)
	path := filepath.Join(dir, memoryName)
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		hurt := damage(t, raw)
		for _, name := range []string{path + ".corrupt-1", path + ".corrupt-2"} {
			os.Remove(name)
		}
		if err := os.WriteFile(path, hurt, 0o600); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		s, r, err := Open(config(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { s.Close() }()
		if took := time.Since(start); took > openLimit {
			t.Fatalf("took %s", took)
		}
		if r.Unreadable {
			found++
			if r.Problem == "" {
				t.Fatal("unreadable without a word")
			}
		} else if r.Pump != last || r.Fresh {
			t.Fatalf("believed a damaged memory: %+v", r)
		}
		if err := s.saveMemory(t.Context(), pumpMemory(77)); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s, r, err = Open(config(dir))
		if err != nil || r.Unreadable || r.Pump.Runs != 77 {
			t.Fatalf("after mending: %v, %+v", err, r)
		}
	})
	if found == 0 {
		t.Error("no damage was ever found: the test tests nothing")
	}
}

func damage(t *rapid.T, raw []byte) []byte {
	hurt := append([]byte(nil), raw...)
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0: // a few bytes anywhere in the pages that are used
		for range rapid.IntRange(1, 8).Draw(t, "bytes") {
			hurt[rapid.IntRange(0, len(hurt)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
	case 1: // heads and items of pages, where the structure is
		for range rapid.IntRange(1, 6).Draw(t, "words") {
			at := rapid.IntRange(0, len(hurt)/4096-1).Draw(t, "page")*4096 +
				rapid.IntRange(0, 120).Draw(t, "at")
			hurt[at] = rapid.Byte().Draw(t, "byte")
		}
	case 2: // cut short
		hurt = hurt[:rapid.IntRange(0, len(hurt)-1).Draw(t, "length")]
	case 3: // a sector of zeros, or of another place
		from := rapid.IntRange(0, len(hurt)/512-1).Draw(t, "from") * 512
		to := rapid.IntRange(0, len(hurt)/512-1).Draw(t, "to") * 512
		if rapid.Bool().Draw(t, "zeros") {
			clear(hurt[to : to+512])
		} else {
			copy(hurt[to:to+512], raw[from:from+512])
		}
	case 4: // both metas, or the tail, gone
		clear(hurt[:rapid.IntRange(1, len(hurt)).Draw(t, "head")])
	case 5: // something else altogether
		hurt = rapid.SliceOfN(rapid.Byte(), 0, 9000).Draw(t, "rubbish")
	}
	return hurt
}

// TestEveryByteOfAJournal flips each byte that bbolt or we would read.
func TestEveryByteOfTheUsedPages(t *testing.T) {
	dir, raw, last := grownJournal(t)
	path := filepath.Join(dir, memoryName)
	unread, step := 0, 3
	for at := 0; at < len(raw); at += step {
		if at%4096 > 1200 { // beyond what our small pages hold
			continue
		}
		hurt := append([]byte(nil), raw...)
		hurt[at] ^= byte(1 + rand.IntN(255))
		if string(hurt) == string(raw) {
			t.Fatal("nothing changed")
		}
		os.WriteFile(path, hurt, 0o600)
		f := newFile(path, memoryLimit, os.OpenFile)
		torn, err := f.check()
		if err != nil || torn {
			unread++
			continue
		}
		if err := f.dial(path, true); err != nil {
			t.Fatalf("byte %d: passed the check, yet bbolt says %v", at, err)
		}
		var was stored
		if err := f.view(func(tx *bbolt.Tx) error { was = read(tx); return nil }); err != nil {
			t.Fatalf("byte %d: passed the check, yet bbolt says %v", at, err)
		}
		f.drop()
		if was.pumpDamage == nil && was.pump != last {
			t.Fatalf("byte %d: believed %+v", at, was.pump)
		}
	}
	if unread < 50 {
		t.Errorf("only %d changes were found", unread)
	}
}

func FuzzPages(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 16<<10))
	path := filepath.Join(f.TempDir(), "seed.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		f.Fatal(err)
	}
	db.Update(func(tx *bbolt.Tx) error {
		b, _ := tx.CreateBucketIfNotExists(memoryBucket)
		return b.Put([]byte("k"), []byte("v"))
	})
	db.Close()
	raw, _ := os.ReadFile(path)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkPages(strings.NewReader(string(raw)), int64(len(raw)))
	})
}

// TestPagesOfALivingFilePass: whatever bbolt writes, the check must let through.
func TestPagesOfALivingFilePass(t *testing.T) {
	path := filepath.Join(t.TempDir(), "living.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoFreelistSync: false})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		err := db.Update(func(tx *bbolt.Tx) error {
			for range 150 {
				b, err := tx.CreateBucketIfNotExists([]byte{'b', byte(random.IntN(4))})
				if err != nil {
					return err
				}
				key := fmt.Appendf(nil, "%05d", random.IntN(4000))
				if random.IntN(3) == 0 {
					err = b.Delete(key)
				} else {
					err = b.Put(key, make([]byte, random.IntN(9000)*random.IntN(2)))
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		f := newFile(path, historyLimit, os.OpenFile)
		if torn, err := f.check(); err != nil || torn {
			t.Fatalf("round %d: torn %v, %v", round, torn, err)
		}
	}
}

// tree is a bbolt file with so many items: ten fit into one leaf, five hundred need branches.
func tree(t *testing.T, items int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tree.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("b"))
		for i := 0; i < items && err == nil; i++ {
			err = b.Put(fmt.Appendf(nil, "%04d", i), make([]byte, 200))
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestABranchThatPointsAtItselfIsRefused: bbolt would recurse until the process dies.
func TestABranchThatPointsAtItselfIsRefused(t *testing.T) {
	raw := tree(t, 500)
	looped := 0
	for at := 0; at < len(raw); at += 4096 {
		if order.Uint16(raw[at+8:]) == branchPage {
			order.PutUint64(raw[at+pageHead+8:], uint64(at/4096))
			looped++
		}
	}
	if looped == 0 {
		t.Fatal("no branch page to damage")
	}
	_, err := checkPages(strings.NewReader(string(raw)), int64(len(raw)))
	if !errors.Is(err, errPages) || !strings.Contains(err.Error(), "used twice") {
		t.Errorf("got %v", err)
	}
}

// TestAnEmptyKeyIsRefused: bbolt would panic at the next write.
func TestAnEmptyKeyIsRefused(t *testing.T) {
	raw := tree(t, 10)
	emptied := 0
	for at := 2 * 4096; at < len(raw); at += 4096 {
		if order.Uint16(raw[at+8:]) == leafPage && order.Uint32(raw[at+pageHead:]) != bucketItem {
			order.PutUint32(raw[at+pageHead+8:], 0)
			emptied++
		}
	}
	_, err := checkPages(strings.NewReader(string(raw)), int64(len(raw)))
	if emptied == 0 || !errors.Is(err, errPages) || !strings.Contains(err.Error(), "order") {
		t.Errorf("%d keys emptied: %v", emptied, err)
	}
}

func TestAMetaPageInThePlaceOfTheOtherIsRefused(t *testing.T) {
	dir, raw, last := grownJournal(t)
	for _, move := range [][2]int{{0, 4096}, {4096, 0}} {
		hurt := append([]byte(nil), raw...)
		copy(hurt[move[1]:move[1]+512], raw[move[0]:])
		os.WriteFile(filepath.Join(dir, memoryName), hurt, 0o600)
		s, r := opened(t, dir)
		if !r.Unreadable {
			t.Errorf("%d to %d: recovered %+v, last %+v", move[0], move[1], r, last)
		}
		s.Close()
	}
}

// TestAWriteThatTheDiskLostIsFound: it confirmed the last transactions and kept some of their
// sectors only, so the rest is sound, and of the past.
func TestAWriteThatTheDiskLostIsFound(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	var past [][]byte
	for n := range 12 {
		save(t, s, pumpMemory(n))
		raw, err := os.ReadFile(s.memory.path)
		if err != nil {
			t.Fatal(err)
		}
		past = append(past, raw)
	}
	s.Close()
	newest, last := past[len(past)-1], pumpMemory(11).Pump
	changed, found := 0, 0
	for back := 1; back < 6; back++ {
		old := past[len(past)-1-back]
		for at := 2 * 4096; at < len(newest); at += 512 {
			hurt := append([]byte(nil), newest...)
			copy(hurt[at:], old[at:at+512])
			if string(hurt) == string(newest) {
				continue
			}
			changed++
			os.WriteFile(s.memory.path, hurt, 0o600)
			s, r := opened(t, s.lock.dir)
			if r.Unreadable {
				found++
			} else if r.Pump != last {
				t.Errorf("byte %d of %d writes ago: believed %+v", at, back, r.Pump)
			}
			s.Close()
		}
	}
	if changed < 4 || found == 0 {
		t.Errorf("%d sectors differed, %d were found", changed, found)
	}
}

func TestAPanicOfBboltLeavesTheFileFreeAndBeginsANewOne(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	save(t, s, pumpMemory(1))
	if err := s.memory.update(func(*bbolt.Tx) error { panic("torn") }); !errors.Is(err, errPanic) {
		t.Fatal(err)
	}
	if err := s.memory.dial(s.memory.path, false); err != nil {
		t.Errorf("the lock was kept: %v", err)
	}
	s.memory.drop()
	s.memory.poisoned = true
	save(t, s, pumpMemory(2))
	if kept := s.memory.corrupt(); len(kept) != 1 {
		t.Errorf("kept %v", kept)
	}
	if _, r := reopened(t, s); r.Pump.Runs != 2 || r.Unreadable || r.Boots != 2 {
		t.Errorf("recovered %+v", r)
	}
}

func TestOneDamagedCopyLeavesTheOther(t *testing.T) {
	for _, hurt := range []int{0, 1} {
		s, _ := opened(t, t.TempDir())
		save(t, s, pumpMemory(1))
		save(t, s, pumpMemory(2))
		err := s.memory.update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(memoryBucket)
			raw := append([]byte(nil), b.Get(pumpKeys[hurt])...)
			raw[len(raw)-2] ^= 1
			return b.Put(pumpKeys[hurt], raw)
		})
		if err != nil {
			t.Fatal(err)
		}
		s, r := reopened(t, s)
		if !r.Unreadable || r.Pump.Runs == 0 || !r.Pump.RunOpen || r.Problem == "" {
			t.Errorf("copy %d damaged: %+v", hurt, r)
		}
		s, r = reopened(t, s)
		if !r.Unreadable || r.Problem == "" {
			t.Errorf("the doubt did not outlive a second start: %+v", r)
		}
		save(t, s, pumpMemory(5))
		if _, r = reopened(t, s); r.Unreadable || r.Problem != "" || r.Pump.Runs != 5 {
			t.Errorf("after the pump wrote: %+v", r)
		}
	}
}

func TestADamagedFileIsKeptAsideAndTheDoubtLasts(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, memoryName)
	for n := 1; n <= 5; n++ {
		os.WriteFile(path, fmt.Appendf(nil, "rubbish %d", n), 0o600)
		s, r := opened(t, dir)
		if !r.Unreadable || r.Fresh || !strings.Contains(r.Problem, "moved aside") {
			t.Fatalf("rubbish %d: %+v", n, r)
		}
		kept, err := os.ReadFile(fmt.Sprintf("%s.corrupt-%d", path, n))
		if err != nil || string(kept) != fmt.Sprintf("rubbish %d", n) {
			t.Errorf("kept %q, %v", kept, err)
		}
		s, r = reopened(t, s) // a power cut before the pump has written
		if !r.Unreadable {
			t.Errorf("the doubt did not last: %+v", r)
		}
		s.Close()
	}
	if names, _ := filepath.Glob(path + ".corrupt-*"); len(names) != keptCorrupt {
		t.Errorf("kept %v", names)
	}
}

// failing opens files as a disk that has gone bad would.
type failing struct {
	readOnly, full, dead bool
	hang                 chan struct{}
}

func (d *failing) open(name string, flag int, mode os.FileMode) (*os.File, error) {
	switch {
	case d.hang != nil:
		<-d.hang
	case d.dead:
		return nil, &os.PathError{Op: "open", Path: name, Err: syscall.EIO}
	case d.readOnly && flag&(os.O_RDWR|os.O_WRONLY|os.O_CREATE) != 0:
		return nil, &os.PathError{Op: "open", Path: name, Err: syscall.EROFS}
	case d.full: // a descriptor that can be read and not written: each write fails
		if _, err := os.Stat(name); err != nil {
			return nil, &os.PathError{Op: "open", Path: name, Err: syscall.ENOSPC}
		}
		return os.Open(name)
	}
	return os.OpenFile(name, flag, mode)
}

func TestADiskThatCannotBeWrittenIsReadAndTriedAgain(t *testing.T) {
	for _, bad := range []failing{{readOnly: true}, {full: true}} {
		s, _ := opened(t, t.TempDir())
		save(t, s, pumpMemory(4))
		s.Close()
		disk := bad
		s, r, err := openWith(config(s.lock.dir), "boot", disk.open)
		if err != nil {
			t.Fatal(err)
		}
		if r.Unreadable || r.Fresh || r.Pump != pumpMemory(4).Pump || r.Boots != 2 || r.Problem == "" {
			t.Errorf("%+v: recovered %+v", bad, r)
		}
		if s.saveMemory(t.Context(), pumpMemory(5)) == nil {
			t.Errorf("%+v: a write was called stored", bad)
		}
		if _, err := s.saveEvents(t.Context(), []protocol.Event{{Seq: 1}}); err == nil {
			t.Errorf("%+v: an event was called stored", bad)
		}
		disk = failing{} // mended
		save(t, s, pumpMemory(6))
		if _, r := reopened(t, s); r.Pump.Runs != 6 || r.Boots != 3 || r.Unreadable {
			t.Errorf("%+v: after mending %+v", bad, r)
		}
	}
}

func TestAMemoryThatCannotBeReadIsInDoubt(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	save(t, s, pumpMemory(4))
	s.Close()
	disk := failing{dead: true}
	s, r, err := openWith(config(s.lock.dir), "boot", disk.open)
	if err != nil || !r.Unreadable || r.Fresh || r.Problem == "" {
		t.Fatalf("%v, recovered %+v", err, r)
	}
	disk = failing{} // it comes back, and consensus writes before the pump does
	save(t, s, Memory{HasConsensus: true})
	s, r = reopened(t, s)
	if !r.Unreadable || r.Pump != pumpMemory(4).Pump || r.Boots != 3 {
		t.Errorf("recovered %+v", r)
	}
	s.Close()
}

func TestADiskThatHangsDelaysTheStartByThreeSecondsAtMost(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := failing{hang: make(chan struct{})}
		start := time.Now()
		s, r, err := openWith(config(dir), "boot", disk.open)
		if err != nil || !r.Unreadable || !strings.Contains(r.Problem, "no answer") {
			t.Errorf("%v, recovered %+v", err, r)
		}
		if took := time.Since(start); took > openLimit {
			t.Errorf("took %s", took)
		}
		err = s.RecordStop("trip", time.Second)
		if err == nil || time.Since(start) > openLimit+time.Second {
			t.Errorf("recorded a stop on a disk that hangs: %v", err)
		}
		if err := s.Close(); err == nil || time.Since(start) > openLimit+time.Second+closeLimit {
			t.Errorf("closed a disk that hangs: %v", err)
		}
		close(disk.hang) // it wakes up: what is given now is stored
		save(t, s, pumpMemory(8))
		if _, r := reopened(t, s); r.Pump.Runs != 8 || r.Unreadable {
			t.Errorf("recovered %+v", r)
		}
	})
}

func TestAFileThatIsCutUnderTheMapIsAnErrorNotADeath(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	save(t, s, pumpMemory(1))
	if err := os.Truncate(s.memory.path, 4096); err != nil {
		t.Fatal(err)
	}
	err := s.saveMemory(t.Context(), pumpMemory(2))
	for range 3 { // reported, then mended
		if err = s.saveMemory(t.Context(), pumpMemory(3)); err == nil {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
	if _, r := reopened(t, s); r.Pump.Runs != 3 {
		t.Errorf("recovered %+v", r)
	}
}

func TestAFolderThatCannotBeIsNoObstacle(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	os.WriteFile(blocked, nil, 0o600)
	s, r, err := Open(config(filepath.Join(blocked, "data")))
	if err != nil || r.Problem == "" {
		t.Errorf("%v, recovered %+v", err, r)
	}
	if s.saveMemory(t.Context(), pumpMemory(1)) == nil {
		t.Error("stored nowhere")
	}
	s.Close()
}
