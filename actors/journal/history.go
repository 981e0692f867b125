package journal

import (
	"context"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"wildfire-watch/protocol"
)

// historyBucket of history.db: number of the event, big endian → record. Numbers have no gaps, so
// the first and the last tell how many there are.
var historyBucket = []byte("events")

func eventKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), number)
}

// saveEvents appends events and drops the oldest beyond the bound, in one transaction. note says
// that the history was found damaged and begun anew.
func (s *Store) saveEvents(ctx context.Context, events []protocol.Event) (note string, err error) {
	if err := s.history.take(ctx); err != nil {
		return "", err
	}
	defer s.history.give()
	if err = s.historyReady(); err != nil {
		return "", err
	}
	note, s.note = s.note, ""
	err = s.history.update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(historyBucket)
		if err != nil {
			return err
		}
		b.FillPercent = 0.95 // appended to, never into the middle
		for _, e := range events {
			number, err := b.NextSequence()
			if err != nil {
				return err
			}
			if err := b.Put(eventKey(number), eventRecord(number, e)); err != nil {
				return err
			}
		}
		return prune(b, s.maxEvents)
	})
	if err == nil {
		if err = s.history.inPlace(); err != nil {
			s.history.drop()
		}
	}
	if err != nil {
		return note, fmt.Errorf("write %s: %w", s.history.path, err)
	}
	return note, nil
}

// eventRecord encodes an event, without its details if these cannot be encoded.
func eventRecord(number uint64, e protocol.Event) []byte {
	key := eventKey(number)
	raw, err := encodeRecord(key, number, e)
	if err != nil {
		e.Details = map[string]any{"not_stored": err.Error()}
		raw, err = encodeRecord(key, number, e)
	}
	if err != nil { // a figure that is no number, or a reason of a megabyte
		raw, _ = encodeRecord(key, number, protocol.Event{Action: e.Action, Boot: e.Boot, Seq: e.Seq,
			Details: map[string]any{"not_stored": err.Error()}})
	}
	return raw
}

// prune drops the oldest events beyond the bound.
func prune(b *bbolt.Bucket, bound int) error {
	c := b.Cursor()
	last, _ := c.Last()
	if len(last) != 8 {
		return nil
	}
	end := binary.BigEndian.Uint64(last)
	for range pruneAtOnce {
		first, _ := c.First()
		if len(first) != 8 || end-binary.BigEndian.Uint64(first) < uint64(bound) {
			return nil
		}
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// pruneAtOnce bounds one transaction after max_events was lowered.
const pruneAtOnce = 5000

// findEvents reads stored events; damaged ones are passed over.
func (s *Store) findEvents(ctx context.Context, q protocol.EventsAsked) (events []protocol.Event,
	last uint64, err error,
) {
	if err := s.history.take(ctx); err != nil {
		return nil, q.After, err
	}
	defer s.history.give()
	if err := s.historyReady(); err != nil {
		return nil, q.After, err
	}
	last = q.After
	err = s.history.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(historyBucket)
		if b == nil {
			return nil
		}
		from := q.After + 1
		if q.After > b.Sequence() { // of a history that was lost since
			from, last = 1, 0
		}
		if end := b.Sequence(); q.Newest && end > uint64(q.Limit) {
			from = max(from, end-uint64(q.Limit)+1)
		}
		c := b.Cursor()
		for key, raw := c.Seek(eventKey(from)); key != nil && len(events) < q.Limit; key, raw = c.Next() {
			var e protocol.Event
			number, err := decodeRecord(key, raw, &e)
			if err != nil {
				continue
			}
			events, last = append(events, e), number
		}
		return nil
	})
	return events, last, err
}
