package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// card is a disk with state: it takes its time, fails when told, and remembers.
type card struct {
	mu       sync.Mutex
	delay    time.Duration
	broken   error
	panics   bool
	note     string
	writing  map[string]int // under way, by file
	memories []Memory
	events   []protocol.Event
	batches  []int
}

func (d *card) enter(ctx context.Context, file string) error {
	d.mu.Lock()
	if d.writing == nil {
		d.writing = make(map[string]int)
	}
	d.writing[file]++
	if d.writing[file] > 1 {
		panic("two errands to " + file + " at once")
	}
	delay := d.delay
	d.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writing[file]--
	if d.panics {
		panic("the disk is on fire")
	}
	return errors.Join(ctx.Err(), d.broken)
}

func (d *card) saveMemory(ctx context.Context, m Memory) error {
	if err := d.enter(ctx, "memory"); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.memories = append(d.memories, m)
	return nil
}

func (d *card) saveEvents(ctx context.Context, events []protocol.Event) (string, error) {
	if err := d.enter(ctx, "history"); err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events, d.batches = append(d.events, events...), append(d.batches, len(events))
	note := d.note
	d.note = ""
	return note, nil
}

func (d *card) findEvents(ctx context.Context, q protocol.EventsAsked) ([]protocol.Event, uint64,
	error,
) {
	if err := d.enter(ctx, "history"); err != nil {
		return nil, q.After, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	from := min(int(q.After), len(d.events))
	to := min(from+q.Limit, len(d.events))
	return d.events[from:to], uint64(to), nil
}

func (d *card) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *card) newest() (n int, m Memory) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.memories) == 0 {
		return 0, m
	}
	return len(d.memories), d.memories[len(d.memories)-1]
}

// kept are the events on the disk, and how many came with each write.
func (d *card) kept() ([]protocol.Event, []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events, d.batches
}

// desk is a journal actor in a bubble, and what it has published.
type desk struct {
	*card
	ref actors.Ref

	lock   sync.Mutex
	faults []protocol.Fault
}

func (d *desk) told() (codes []string) {
	d.lock.Lock()
	defer d.lock.Unlock()
	for _, f := range d.faults {
		codes = append(codes, map[bool]string{true: "-", false: "+"}[f.Cleared]+f.Code)
	}
	return codes
}

func inBubble(t *testing.T, problem string, test func(t *testing.T, d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{card: &card{delay: 10 * time.Millisecond}}
		house := actors.NewHouse(actors.Options{Route: func(msg any) {
			d.lock.Lock()
			defer d.lock.Unlock()
			if f, ok := msg.(protocol.Fault); ok {
				d.faults = append(d.faults, f)
			}
		}})
		var err error
		d.ref, err = house.Spawn("journal", actors.Kind{Name: "journal"},
			func() actors.Actor { return newJournal(d.card, problem) })
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		test(t, d)
		if err := house.StopAll(context.Background()); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
	})
}

func (d *desk) flush(t *testing.T, cause string) (took time.Duration) {
	t.Helper()
	start, done := time.Now(), make(chan struct{})
	d.ref.Send(protocol.JournalFlush{Cause: cause, Done: done})
	<-done
	return time.Since(start)
}

func TestAMemoryIsOnTheDiskWithinOneWriteAndTheNewestWins(t *testing.T) {
	inBubble(t, "", func(t *testing.T, d *desk) {
		for n := range 1000 {
			d.ref.Send(protocol.PumpMemory{Runs: uint64(n + 1)})
		}
		time.Sleep(21 * time.Millisecond) // the write under way, and the one after it
		n, m := d.newest()
		if m.Pump.Runs != 1000 || n > 2 {
			t.Errorf("%d writes, the newest of run %d", n, m.Pump.Runs)
		}
		d.ref.Send(protocol.PumpMemory{Runs: 1000})
		time.Sleep(time.Minute)
		if again, _ := d.newest(); again != n {
			t.Error("an unchanged memory was written again")
		}
	})
}

func TestEventsAreWrittenTogether(t *testing.T) {
	inBubble(t, "", func(t *testing.T, d *desk) {
		for n := range 50 {
			d.ref.Send(protocol.Event{Seq: uint64(n)})
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		events, batches := d.kept()
		if len(batches) != 1 || len(events) != 50 {
			t.Errorf("batches %v", batches)
		}
		for i, e := range events {
			if e.Seq != uint64(i) {
				t.Fatalf("event %d has seq %d", i, e.Seq)
			}
		}
	})
}

func TestALongErrandToTheHistoryDelaysNoMemory(t *testing.T) {
	inBubble(t, "", func(t *testing.T, d *desk) {
		d.set(func() { d.delay = time.Minute })
		d.ref.Send(protocol.Event{Seq: 1})
		time.Sleep(2 * time.Second)
		d.set(func() { d.delay = 10 * time.Millisecond })
		d.ref.Send(protocol.PumpMemory{Runs: 1})
		time.Sleep(11 * time.Millisecond)
		if _, m := d.newest(); m.Pump.Runs != 1 {
			t.Error("the memory waits for the history")
		}
		time.Sleep(2 * time.Minute)
	})
}

func TestASlowDiskIsAFaultUntilItAnswers(t *testing.T) {
	inBubble(t, "", func(t *testing.T, d *desk) {
		d.set(func() { d.delay = 12 * time.Second })
		for n := range 5 {
			d.ref.Send(protocol.PumpMemory{Runs: uint64(n + 1)})
			time.Sleep(time.Second)
		}
		time.Sleep(time.Millisecond)
		if got := fmt.Sprint(d.told()); got != "[+journal]" {
			t.Errorf("after 5 s: %s", got)
		}
		d.set(func() { d.delay = time.Millisecond })
		time.Sleep(20 * time.Second)
		if got := fmt.Sprint(d.told()); got != "[+journal -journal]" {
			t.Errorf("after it answered: %s", got)
		}
		if _, m := d.newest(); m.Pump.Runs != 5 {
			t.Errorf("stored run %d", m.Pump.Runs)
		}
	})
}

func TestAFailingDiskIsToldOnceAndTriedAgain(t *testing.T) {
	for _, kind := range []string{"error", "panic"} {
		inBubble(t, "", func(t *testing.T, d *desk) {
			d.set(func() {
				if kind == "panic" {
					d.panics = true
				} else {
					d.broken = errors.New("write journal.db: no space left on device")
				}
			})
			d.ref.Send(protocol.PumpMemory{Runs: 7})
			d.ref.Send(protocol.Event{Seq: 1})
			time.Sleep(time.Hour)
			if got := fmt.Sprint(d.told()); got != "[+journal +journal_history]" {
				t.Errorf("%s: %s", kind, got)
			}
			d.set(func() { d.broken, d.panics = nil, false })
			time.Sleep(retryLast + time.Second)
			n, m := d.newest()
			events, _ := d.kept()
			if n != 1 || m.Pump.Runs != 7 || len(events) != 1 || len(d.told()) != 4 {
				t.Errorf("%s: after it was mended: %d memories, %d events, told %v", kind, n,
					len(events), d.told())
			}
		})
	}
}

func TestEventsBeyondTheQueueDropTheOldest(t *testing.T) {
	inBubble(t, "", func(t *testing.T, d *desk) {
		d.set(func() { d.broken = errors.New("full") })
		for n := range maxQueue + 300 {
			d.ref.Send(protocol.Event{Seq: uint64(n)})
		}
		time.Sleep(time.Hour)
		d.set(func() { d.broken = nil })
		time.Sleep(2 * time.Minute)
		events, _ := d.kept()
		if n := len(events); n != maxQueue || events[n-1].Seq != maxQueue+299 {
			t.Errorf("%d events, the last %d", n, events[n-1].Seq)
		}
	})
}

func TestAFlushWaitsForTheDiskAndForNoLongerThanTwoSeconds(t *testing.T) {
	inBubble(t, "", func(t *testing.T, d *desk) {
		if took := d.flush(t, ""); took != 0 {
			t.Errorf("with nothing to write it took %s", took)
		}
		d.ref.Send(protocol.PumpMemory{Runs: 1})
		d.ref.Send(protocol.Event{Seq: 1})
		if took := d.flush(t, "signal"); took > 25*time.Millisecond {
			t.Errorf("took %s", took)
		}
		events, _ := d.kept()
		if _, m := d.newest(); m.Stop != "signal" || m.Pump.Runs != 1 || len(events) != 1 {
			t.Errorf("stored %+v, %d events", m, len(events))
		}
		d.set(func() { d.delay = time.Hour })
		d.ref.Send(protocol.PumpMemory{Runs: 2})
		if took := d.flush(t, "signal"); took != flushLimit {
			t.Errorf("on a disk that hangs it took %s", took)
		}
	})
}

func TestAFlushGivesABrokenDiskOneMoreTry(t *testing.T) {
	inBubble(t, "", func(t *testing.T, d *desk) {
		d.set(func() { d.broken = errors.New("full") })
		d.ref.Send(protocol.PumpMemory{Runs: 2})
		time.Sleep(time.Hour)
		d.set(func() { d.broken = nil })
		if took := d.flush(t, ""); took > 50*time.Millisecond {
			t.Errorf("took %s", took)
		}
	})
}

func TestWhoWaitsForAFlushIsLetGoWhenTheActorStops(t *testing.T) {
	var released atomic.Bool
	inBubble(t, "", func(t *testing.T, d *desk) {
		d.set(func() { d.delay = time.Hour })
		d.ref.Send(protocol.PumpMemory{Runs: 2})
		go func() { d.flush(t, ""); released.Store(true) }()
		time.Sleep(time.Second)
	})
	if !released.Load() {
		t.Error("still waiting")
	}
}

func TestAProblemAtTheStartStandsUntilAWriteSucceeds(t *testing.T) {
	inBubble(t, "journal.db was damaged", func(t *testing.T, d *desk) {
		if got := fmt.Sprint(d.told()); got != "[+journal]" {
			t.Errorf("told %s", got)
		}
		d.ref.Send(protocol.PumpMemory{Runs: 2})
		time.Sleep(time.Second)
		if got := fmt.Sprint(d.told()); got != "[+journal -journal]" {
			t.Errorf("told %s", got)
		}
	})
}

func TestADamagedHistoryIsToldUntilTheNextEventsAreStored(t *testing.T) {
	inBubble(t, "", func(t *testing.T, d *desk) {
		d.set(func() { d.note = "history.db was moved aside" })
		d.ref.Send(protocol.Event{Seq: 1})
		time.Sleep(time.Minute)
		if got := fmt.Sprint(d.told()); got != "[+journal_history]" {
			t.Errorf("told %s", got)
		}
		d.ref.Send(protocol.Event{Seq: 2})
		time.Sleep(time.Minute)
		if got := fmt.Sprint(d.told()); got != "[+journal_history -journal_history]" {
			t.Errorf("told %s", got)
		}
	})
}

func TestAnAnswerHoldsWhatIsStoredAndWhatWaits(t *testing.T) {
	type answer struct {
		seqs []uint64
		last uint64
	}
	inBubble(t, "", func(t *testing.T, d *desk) {
		ask := func(q protocol.EventsAsked) answer {
			got := make(chan answer, 1)
			q.Reply = func(events []protocol.Event, last uint64) {
				var a answer
				for _, e := range events {
					a.seqs = append(a.seqs, e.Seq)
				}
				a.last = last
				got <- a
			}
			d.ref.Send(q)
			return <-got
		}
		for n := range 6 {
			d.ref.Send(protocol.Event{Seq: uint64(n + 1)})
			if n == 3 {
				time.Sleep(3 * time.Second)
			}
		}
		if a := ask(protocol.EventsAsked{}); fmt.Sprint(a) != "{[1 2 3 4 5 6] 6}" {
			t.Errorf("all: %v", a)
		}
		if a := ask(protocol.EventsAsked{After: 2, Limit: 3}); fmt.Sprint(a) != "{[3 4 5] 5}" {
			t.Errorf("from 3: %v", a)
		}
		d.set(func() { d.broken = errors.New("gone") })
		if a := ask(protocol.EventsAsked{}); fmt.Sprint(a) != "{[5 6] 0}" {
			t.Errorf("from a broken disk: %v", a)
		}
	})
}

func TestAReplyThatBlocksHoldsUpNobody(t *testing.T) {
	inBubble(t, "", func(t *testing.T, d *desk) {
		forever, replies := make(chan struct{}), make(chan int, 100)
		for range 50 {
			d.ref.Send(protocol.EventsAsked{Reply: func([]protocol.Event, uint64) {
				<-forever
				replies <- 1
			}})
		}
		d.ref.Send(protocol.EventsAsked{})
		d.ref.Send(protocol.PumpMemory{Runs: 3})
		d.ref.Send(protocol.Event{Seq: 1})
		time.Sleep(5 * time.Second)
		events, _ := d.kept()
		if _, m := d.newest(); m.Pump.Runs != 3 || len(events) != 1 {
			t.Errorf("stored %+v, %d events", m, len(events))
		}
		close(forever)
		time.Sleep(time.Second)
		if len(replies) != 50 {
			t.Errorf("%d of 50 replies", len(replies))
		}
	})
}

func TestAJournalWithoutAStoreForgets(t *testing.T) {
	house := actors.NewHouse(actors.Options{})
	ref, err := house.Spawn("journal", actors.Kind{}, func() actors.Actor { return New(Config{}, nil) })
	if err != nil {
		t.Fatal(err)
	}
	ref.Send(protocol.PumpMemory{Runs: 1})
	ref.Send(protocol.Event{Seq: 1})
	done := make(chan struct{})
	ref.Send(protocol.JournalFlush{Done: done})
	<-done
	if err := house.StopAll(t.Context()); err != nil {
		t.Error(err)
	}
}

// BenchmarkStored measures from handing a memory over until it is on the disk.
func BenchmarkStored(b *testing.B) {
	s, _, err := Open(Config{Dir: b.TempDir(), MaxEvents: 1000})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	house := actors.NewHouse(actors.Options{})
	ref, err := house.Spawn("journal", actors.Kind{}, func() actors.Actor { return New(Config{}, s) })
	if err != nil {
		b.Fatal(err)
	}
	defer house.StopAll(context.Background())
	for n := 0; b.Loop(); n++ {
		ref.Send(protocol.PumpMemory{Runs: uint64(n + 1)})
		done := make(chan struct{})
		ref.Send(protocol.JournalFlush{Done: done})
		<-done
	}
}

// BenchmarkOpen measures the part of the start that waits for the journal.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		s, _, err := Open(Config{Dir: dir, MaxEvents: 1000})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
