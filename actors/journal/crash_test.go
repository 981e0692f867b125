package journal

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// A child is this test binary run again; the environment says what it does.
const (
	childDir  = "WILDFIRE_JOURNAL_TEST_DIR"
	childWork = "WILDFIRE_JOURNAL_TEST_WORK"
)

func child(work, dir string) int {
	s, r, err := Open(config(dir))
	if err != nil || r.Unreadable {
		fmt.Fprintln(os.Stderr, err, r.Problem)
		return 1
	}
	if work == "limited" {
		return limited(s)
	}
	count(s, r.Pump.Runs)
	return 0
}

// count journals a rising counter through the actor, and prints what was acknowledged.
func count(s *Store, from uint64) {
	house := actors.NewHouse(actors.Options{})
	ref, err := house.Spawn("journal", actors.Kind{Name: "journal"},
		func() actors.Actor { return New(Config{}, s) })
	if err != nil {
		panic(err)
	}
	fmt.Println(from)
	for n := from + 1; ; n++ {
		ref.Send(protocol.PumpMemory{Runs: n, RunOpen: true})
		ref.Send(protocol.Event{Seq: n})
		done := make(chan struct{})
		ref.Send(protocol.JournalFlush{Done: done})
		<-done
		fmt.Println(n)
	}
}

func command(ctx context.Context, t *testing.T, work, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childDir+"="+dir, childWork+"="+work)
	return cmd
}

// TestAKilledProcessHasStoredWhatItAcknowledged kills a journalling process with SIGKILL at random
// instants, again and again: the next one must recover at least the last acknowledged value, and
// nothing that was never written.
func TestAKilledProcessHasStoredWhatItAcknowledged(t *testing.T) {
	kills := 120
	if testing.Short() {
		kills = 20
	}
	dir := t.TempDir()
	var last, flushed uint64 // flushed: its event too, not the memory alone
	for kill := range kills {
		acknowledged, err := killedAfter(t, dir, time.Duration(rand.IntN(25_000))*time.Microsecond)
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		if len(acknowledged) > 0 {
			if first := acknowledged[0]; first < last || first > last+1 {
				t.Fatalf("kill %d: recovered %d after %d was acknowledged", kill, first, last)
			}
			last = acknowledged[len(acknowledged)-1]
			if len(acknowledged) > 1 {
				flushed = last
			}
		}
	}
	if last < uint64(kills) {
		t.Errorf("only %d values were written: the test tests little", last)
	}
	s, r := opened(t, dir)
	if r.Unreadable || r.Pump.Runs < last || r.Pump.Runs > last+1 {
		t.Errorf("recovered %+v after %d was acknowledged", r, last)
	}
	events, _, err := s.findEvents(t.Context(), protocol.EventsAsked{Newest: true, Limit: 500})
	if err != nil || len(events) == 0 || events[len(events)-1].Seq < flushed {
		t.Errorf("%d events, %v; %d was acknowledged", len(events), err, flushed)
	}
}

// killedAfter starts a child, kills it d after its first line, and returns what it had printed.
func killedAfter(t *testing.T, dir string, d time.Duration) (values []uint64, err error) {
	cmd := command(t.Context(), t, "count", dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			break // the kill cut the line
		}
		values = append(values, n)
		if len(values) == 1 {
			time.AfterFunc(d, func() { cmd.Process.Kill() })
		}
	}
	cmd.Wait()
	if stderr.Len() > 0 {
		return nil, fmt.Errorf("the child says: %s", stderr.String())
	}
	return values, nil
}

// limited writes until the file may not grow any further, as on a full disk, and then goes on.
func limited(s *Store) int {
	limit := syscall.Rlimit{Cur: 40 << 10, Max: 1 << 40}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println("setrlimit:", err)
		return 1
	}
	ctx := context.Background()
	var failure error
	for n := range 3000 {
		e := protocol.Event{Seq: uint64(n), Reason: string(make([]byte, 300))}
		if _, failure = s.saveEvents(ctx, []protocol.Event{e}); failure != nil {
			break
		}
	}
	if failure == nil {
		fmt.Println("the disk was never full")
		return 1
	}
	if err := s.saveMemory(ctx, pumpMemory(2)); err != nil {
		fmt.Println("the memory was kept from the disk by the history:", err)
		return 1
	}
	limit.Cur = 1 << 30
	syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	if _, err := s.saveEvents(ctx, []protocol.Event{{Seq: 9999}}); err != nil {
		fmt.Println("after there was room again:", err)
		return 1
	}
	return 0
}

func TestAFullDiskIsAnErrorAndRoomIsUsedAgain(t *testing.T) {
	dir := t.TempDir()
	cmd := command(t.Context(), t, "limited", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s, r := opened(t, dir)
	events, _, err := s.findEvents(t.Context(), protocol.EventsAsked{Newest: true, Limit: 1})
	if err != nil || len(events) != 1 || events[0].Seq != 9999 || r.Pump.Runs != 2 || r.Unreadable {
		t.Errorf("%v, newest %+v, recovered %+v", err, events, r)
	}
}
