package journal

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

func TestAnyChangedByteOfARecordIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "key")
		was := protocol.PumpMemory{Runs: rapid.Uint64().Draw(t, "runs"),
			ErrorWhy: rapid.String().Draw(t, "why"), RunOpen: rapid.Bool().Draw(t, "open")}
		number := rapid.Uint64().Draw(t, "number")
		raw, err := encodeRecord(key, number, was)
		if err != nil {
			t.Fatal(err)
		}
		var is protocol.PumpMemory
		if n, err := decodeRecord(key, raw, &is); err != nil || n != number {
			t.Fatalf("read back %+v, number %d, %v", is, n, err)
		}
		at := rapid.IntRange(0, len(raw)-1).Draw(t, "at")
		raw[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if _, err := decodeRecord(key, raw, &is); !errors.Is(err, errRecord) {
			t.Fatalf("byte %d of %d changed: %v", at, len(raw), err)
		}
		raw[at] ^= 0xff
		if _, err := decodeRecord(key, raw[:at], &is); !errors.Is(err, errRecord) {
			t.Fatalf("cut at %d: %v", at, err)
		}
	})
}

func TestARecordUnderAnotherKeyIsDamage(t *testing.T) {
	raw, _ := encodeRecord([]byte("pump.a"), 1, protocol.PumpMemory{})
	if _, err := decodeRecord([]byte("pump.b"), raw, new(protocol.PumpMemory)); err == nil {
		t.Error("believed a record of another key")
	}
}

func TestOlderAndNewerVersionsReadEachOther(t *testing.T) {
	type older struct {
		Runs uint64 `json:"runs"`
	}
	type newer struct {
		Runs   uint64 `json:"runs"`
		Future string `json:"future"`
	}
	raw, _ := encodeRecord([]byte("k"), 1, newer{Runs: 7, Future: "x"})
	var was older
	if _, err := decodeRecord([]byte("k"), raw, &was); err != nil || was.Runs != 7 {
		t.Errorf("older reads newer: %+v, %v", was, err)
	}
	raw, _ = encodeRecord([]byte("k"), 1, was)
	var is newer
	if _, err := decodeRecord([]byte("k"), raw, &is); err != nil || is.Runs != 7 {
		t.Errorf("newer reads older: %+v, %v", is, err)
	}
}

func FuzzRecord(f *testing.F) {
	raw, _ := encodeRecord([]byte("k"), 3, protocol.PumpMemory{Runs: 3})
	f.Add([]byte("k"), raw)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, raw []byte) {
		var m protocol.PumpMemory
		if _, err := decodeRecord(key, raw, &m); err != nil && !errors.Is(err, errRecord) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}
