package journal

import (
	"math"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"wildfire-watch/protocol"
)

func saveEvents(t *testing.T, s *Store, from, to uint64) {
	t.Helper()
	var events []protocol.Event
	for n := from; n <= to; n++ {
		events = append(events, protocol.Event{Seq: n, Boot: "b", Action: protocol.EngineRunning})
	}
	if _, err := s.saveEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, s *Store, q protocol.EventsAsked) (seqs []uint64, last uint64) {
	t.Helper()
	events, last, err := s.findEvents(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		seqs = append(seqs, e.Seq)
	}
	return seqs, last
}

func TestTheHistoryKeepsTheNewestEventsInOrder(t *testing.T) {
	dir := t.TempDir()
	s, _, err := Open(Config{Dir: dir, MaxEvents: 100})
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 950; n += 10 {
		saveEvents(t, s, n, n+9)
	}
	seqs, last := find(t, s, protocol.EventsAsked{Limit: 1000})
	if len(seqs) != 100 || seqs[0] != 851 || seqs[99] != 950 || last != 950 {
		t.Errorf("%d events, %v, last %d", len(seqs), seqs, last)
	}
	s.Close()
	s, _ = opened(t, dir) // over a restart the numbers go on; the bound is wider now
	saveEvents(t, s, 951, 960)
	if seqs, last = find(t, s, protocol.EventsAsked{After: 949, Limit: 3}); last != 952 ||
		len(seqs) != 3 || seqs[0] != 950 {
		t.Errorf("after 949: %v, last %d", seqs, last)
	}
	if seqs, last = find(t, s, protocol.EventsAsked{Newest: true, Limit: 2}); last != 960 ||
		len(seqs) != 2 || seqs[0] != 959 {
		t.Errorf("newest: %v, last %d", seqs, last)
	}
	if seqs, last = find(t, s, protocol.EventsAsked{After: 960, Limit: 5}); last != 960 || seqs != nil {
		t.Errorf("after the end: %v, last %d", seqs, last)
	}
	if seqs, last = find(t, s, protocol.EventsAsked{After: 5000, Limit: 1}); last != 851 || seqs[0] != 851 {
		t.Errorf("after the end of a history that was lost: %v, last %d", seqs, last)
	}
}

func TestAnEventThatCannotBeEncodedKeepsItsPlace(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	events := []protocol.Event{
		{Seq: 1, Action: "a", Details: map[string]any{"channel": make(chan int)}},
		{Seq: 2, Action: "b", Reason: strings.Repeat("x", maxRecord)},
		{Seq: 3, Action: "c", System: protocol.SystemState{RefillOwed: math.NaN()}},
		{Seq: 4, Action: "d", Details: map[string]any{"n": 1.5}},
	}
	if _, err := s.saveEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.findEvents(t.Context(), protocol.EventsAsked{Limit: 10})
	if err != nil || len(got) != 4 {
		t.Fatalf("%d events, %v", len(got), err)
	}
	for i, e := range got {
		if e.Seq != events[i].Seq || e.Action != events[i].Action || len(e.Details) != 1 {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if got[3].Details["n"] != 1.5 {
		t.Errorf("details %+v", got[3].Details)
	}
}

func TestADamagedEventIsPassedOver(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	saveEvents(t, s, 1, 9)
	err := s.history.update(func(tx *bbolt.Tx) error {
		return tx.Bucket(historyBucket).Put(eventKey(5), []byte("rubbish"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if seqs, last := find(t, s, protocol.EventsAsked{Limit: 10}); len(seqs) != 8 || last != 9 {
		t.Errorf("%v, last %d", seqs, last)
	}
}

func TestTheFileOfAFullHistoryStopsGrowing(t *testing.T) {
	s, _, err := Open(Config{Dir: t.TempDir(), MaxEvents: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	size := func() (n int64) {
		about, err := s.history.handle.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return about.Size()
	}
	n := uint64(1)
	for ; n <= 1000; n += 50 {
		saveEvents(t, s, n, n+49)
	}
	full := size()
	for ; n <= 6000; n += 50 {
		saveEvents(t, s, n, n+49)
	}
	if grown := size(); grown > 2*full {
		t.Errorf("from %d to %d bytes", full, grown)
	}
}
