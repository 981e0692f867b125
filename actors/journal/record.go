package journal

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
)

// A record is one value in a bbolt bucket:
//
//	byte 0      layout version, 1
//	bytes 1-8   number: of the copy, or of the event, big endian
//	bytes 9-12  CRC-32C over key, version, number and payload, big endian
//	bytes 13-   payload, JSON
//
// bbolt sums its meta pages only: without a sum of our own a flipped bit would be believed. A field
// that this version does not know is skipped and one that is missing reads as zero, so older and
// newer versions read each other; the layout version changes only if that were no longer true.
const (
	recordVersion = 1
	recordHead    = 13
	// maxRecord bounds a payload: an event with huge details is stored without them.
	maxRecord = 64 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errRecord = errors.New("damaged record")

func encodeRecord(key []byte, number uint64, v any) ([]byte, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode record %q: %w", key, err)
	}
	if len(payload) > maxRecord {
		return nil, fmt.Errorf("encode record %q: %d bytes, at most %d", key, len(payload), maxRecord)
	}
	raw := make([]byte, recordHead, recordHead+len(payload))
	raw[0] = recordVersion
	binary.BigEndian.PutUint64(raw[1:], number)
	raw = append(raw, payload...)
	binary.BigEndian.PutUint32(raw[9:], recordSum(key, raw))
	return raw, nil
}

func decodeRecord(key, raw []byte, v any) (number uint64, err error) {
	switch {
	case len(raw) < recordHead:
		return 0, fmt.Errorf("%w %q: %d bytes, at least %d", errRecord, key, len(raw), recordHead)
	case raw[0] != recordVersion:
		return 0, fmt.Errorf("%w %q: layout %d is unknown", errRecord, key, raw[0])
	case binary.BigEndian.Uint32(raw[9:]) != recordSum(key, raw):
		return 0, fmt.Errorf("%w %q: its checksum differs", errRecord, key)
	}
	if err := json.Unmarshal(raw[recordHead:], v); err != nil {
		return 0, fmt.Errorf("%w %q: %w", errRecord, key, err)
	}
	return binary.BigEndian.Uint64(raw[1:]), nil
}

// recordSum covers the key too: a record under another's key is damage.
func recordSum(key, raw []byte) uint32 {
	sum := crc32.Update(0, castagnoli, key)
	sum = crc32.Update(sum, castagnoli, raw[:9])
	return crc32.Update(sum, castagnoli, raw[recordHead:])
}
