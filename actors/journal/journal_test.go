package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"wildfire-watch/protocol"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(os.Getenv(childWork), dir))
	}
	goleak.VerifyTestMain(m)
}

func config(dir string) Config { return Config{Dir: dir, MaxEvents: 1000} }

// opened opens the journal in dir and closes it when the test ends.
func opened(t *testing.T, dir string) (*Store, protocol.Recovered) {
	t.Helper()
	s, r, err := Open(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, r
}

// reopened is what the next start recovers.
func reopened(t *testing.T, s *Store) (*Store, protocol.Recovered) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return opened(t, s.lock.dir)
}

func pumpMemory(n int) Memory {
	return Memory{HasPump: true, Pump: protocol.PumpMemory{RunOpen: true, Runs: uint64(n),
		RefillOwed: time.Duration(n) * time.Second, BootID: "b", ErrorWhy: "why"}}
}

func save(t *testing.T, s *Store, m Memory) {
	t.Helper()
	if err := s.saveMemory(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestAnAbsentJournalIsFresh(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "folder")
	s, r := opened(t, dir)
	if !r.Fresh || r.Unreadable || r.Problem != "" || r.Boots != 1 || r.LastStop != "" {
		t.Errorf("recovered %+v", r)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, s.memory.path: 0o600} {
		if about, err := os.Stat(path); err != nil || about.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, about.Mode(), err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestWhatWasSavedIsRecovered(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	for n := range 7 {
		save(t, s, pumpMemory(n))
	}
	consensus := protocol.ConsensusMemory{LastAccepted: time.Hour, BootID: "b", Triggers: 3}
	save(t, s, Memory{Consensus: consensus, HasConsensus: true})
	_, r := reopened(t, s)
	want := protocol.Recovered{Pump: pumpMemory(6).Pump, Consensus: consensus, Boots: 2,
		LastStop: "crash", Failed: 1}
	if r != want {
		t.Errorf("recovered\n%+v, want\n%+v", r, want)
	}
}

func TestBootsAreCountedAndTheCauseOfTheStopIsKept(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	stop := pumpMemory(1)
	stop.Stop = "signal"
	save(t, s, stop)
	save(t, s, pumpMemory(2)) // a late word of the pump's does not make it running again
	s, r := reopened(t, s)
	if r.LastStop != "signal" || r.Boots != 2 || r.Pump.Runs != 2 {
		t.Errorf("recovered %+v", r)
	}
	if err := s.RecordStop("trip", time.Second); err != nil {
		t.Error(err)
	}
	s, r = reopened(t, s)
	if r.LastStop != "trip" || r.Boots != 3 || r.Pump.Runs != 2 {
		t.Errorf("recovered %+v", r)
	}
	_, r = reopened(t, s)
	if r.LastStop != "crash" || r.Boots != 4 {
		t.Errorf("recovered %+v", r)
	}
}

func TestASecondControllerIsRefused(t *testing.T) {
	dir := t.TempDir()
	opened(t, dir)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, _, err := Open(config(dir))
		if !errors.Is(err, ErrInUse) || s != nil {
			t.Errorf("opened twice: %v", err)
		}
		if took := time.Since(start); took > 2*lockPatience {
			t.Errorf("took %s", took)
		}
	})
}

func TestAMemoryOfTheLastProcessSurvivesOneThatSaysNothing(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	save(t, s, pumpMemory(9))
	for range 3 {
		s, _ = reopened(t, s)
		save(t, s, Memory{HasConsensus: true})
	}
	if _, r := reopened(t, s); r.Pump != pumpMemory(9).Pump || r.Unreadable {
		t.Errorf("recovered %+v", r)
	}
}

func TestOneMemoryIsEnoughAfterStartsWithoutAny(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	for range 2 {
		s, _ = reopened(t, s)
		save(t, s, Memory{HasConsensus: true})
	}
	save(t, s, pumpMemory(1))
	if _, r := reopened(t, s); r.Pump != pumpMemory(1).Pump || r.Unreadable || r.Problem != "" {
		t.Errorf("recovered %+v", r)
	}
}

func TestAFileThatVanishesIsWrittenAnew(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	save(t, s, pumpMemory(1))
	os.Remove(s.memory.path)
	if err := s.saveMemory(t.Context(), pumpMemory(2)); err == nil {
		t.Error("a write into a removed file was called stored")
	}
	save(t, s, pumpMemory(3))
	if _, r := reopened(t, s); r.Pump.Runs != 3 || r.Unreadable || r.Boots != 2 {
		t.Errorf("recovered %+v", r)
	}
}

func TestAClosedStoreRefusesAndIsClosedTwice(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if s.saveMemory(t.Context(), pumpMemory(1)) == nil || s.RecordStop("trip", time.Second) == nil {
		t.Error("a closed store took a memory")
	}
	if _, err := s.saveEvents(t.Context(), []protocol.Event{{}}); err == nil {
		t.Error("a closed store took an event")
	}
}

func TestARunFileIsWrittenWholeAndRemovedByTheNextStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, port := range []int{1, 2} {
		if err := WriteRun(dir, map[string]int{"port": port}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, runName)
	if raw, _ := os.ReadFile(path); string(raw) != "{\n  \"port\": 2\n}\n" {
		t.Errorf("run.json is %q", raw)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
	if err := WriteRun(dir, make(chan int)); err == nil {
		t.Error("a channel was written")
	}
	opened(t, dir)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old process's run.json is still there: %v", err)
	}
}

func TestCheckNamesAnEmptyFolder(t *testing.T) {
	for dir, mistakes := range map[string]int{"": 1, " ": 1, "a\x00b": 1, "data": 0} {
		if got := (Config{Dir: dir, MaxEvents: 100}).Check(); len(got) != mistakes {
			t.Errorf("%q: %v", dir, got)
		}
	}
}
