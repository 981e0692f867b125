package journal

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"wildfire-watch/protocol"
)

// The bucket of journal.db: the life of this process, consensus's memory, and two copies of the
// pump's. Each write replaces the older copy, so that a sector that dies takes one with it at most.
var (
	memoryBucket = []byte("memory")
	lifeKey      = []byte("life")
	consensusKey = []byte("consensus")
	pumpKeys     = [2][]byte{[]byte("pump.a"), []byte("pump.b")} // by the copy's number, even or odd
)

// life is what the journal knows of itself.
type life struct {
	Boots uint64 `json:"boots"`
	// Stop is the cause of an orderly stop; empty while running, and so after a power cut.
	Stop string `json:"stop"`
	// Pump: copies of the pump's memory are stored. Lost: there were some that could not be read,
	// and the pump has written none since (SPEC P15: the doubt outlives a second power cut).
	Pump bool `json:"pump"`
	Lost bool `json:"lost"`
	// Boot is the kernel boot of this process: the next one sees whether the machine went down.
	Boot string `json:"boot_id"`
	// Failed is how many starts in a row have not proved good; a running one counts until it has.
	Failed int `json:"failed"`
	// Tx is the transaction that wrote this. Every one does, so another newest transaction means
	// that the disk has lost a write that it had confirmed.
	Tx int `json:"tx"`
}

// put writes everything; number is the new copy's.
func (s *Store) put(tx *bbolt.Tx, number uint64) error {
	b, err := tx.CreateBucketIfNotExists(memoryBucket)
	if err != nil {
		return err
	}
	l := life{Boots: s.boots, Stop: s.last.Stop, Pump: s.has, Lost: s.lost, Tx: tx.ID(),
		Boot: s.bootID, Failed: s.failedNow()}
	if err := putRecord(b, lifeKey, number, l); err != nil {
		return err
	}
	if err := putRecord(b, consensusKey, number, s.last.Consensus); err != nil {
		return err
	}
	if !s.has {
		return nil
	}
	if s.both {
		if err := putRecord(b, pumpKeys[(number-1)%2], number-1, s.last.Pump); err != nil {
			return err
		}
	}
	return putRecord(b, pumpKeys[number%2], number, s.last.Pump)
}

func putRecord(b *bbolt.Bucket, key []byte, number uint64, v any) error {
	raw, err := encodeRecord(key, number, v)
	if err != nil {
		return err
	}
	return b.Put(key, raw)
}

// stored is what journal.db held.
type stored struct {
	life      life
	pump      protocol.PumpMemory
	consensus protocol.ConsensusMemory
	number    uint64
	// pumpDamage: the pump's memory is not what was written last, though pump may hold a copy of
	// it. otherDamage costs no safety.
	pumpDamage, otherDamage error
}

// read reads every record; one that is missing is damaged, since all are written together.
func read(tx *bbolt.Tx) (found stored) {
	b := tx.Bucket(memoryBucket)
	if b == nil {
		found.pumpDamage = fmt.Errorf("%w: no bucket %q", errRecord, memoryBucket)
		return found
	}
	written, lifeErr := decodeRecord(lifeKey, b.Get(lifeKey), &found.life)
	if lifeErr == nil && found.life.Tx != tx.ID() {
		lifeErr = fmt.Errorf("%w: transaction %d holds records of %d", errRecord, tx.ID(), found.life.Tx)
	}
	_, found.otherDamage = decodeRecord(consensusKey, b.Get(consensusKey), &found.consensus)
	if lifeErr != nil { // then nobody knows whether there are copies
		found.life = life{Boots: found.life.Boots, Pump: true, Lost: true}
		found.pumpDamage = lifeErr
	}
	if !found.life.Pump {
		return found
	}
	var copies [2]protocol.PumpMemory
	var numbers [2]uint64
	var errs [2]error
	for i, key := range pumpKeys {
		numbers[i], errs[i] = decodeRecord(key, b.Get(key), &copies[i])
		if errs[i] != nil {
			copies[i], numbers[i] = protocol.PumpMemory{}, 0
		}
	}
	newest := 0
	if numbers[1] > numbers[0] {
		newest = 1
	}
	found.pump, found.number = copies[newest], numbers[newest]
	found.pumpDamage = errors.Join(found.pumpDamage, errs[0], errs[1])
	paired := numbers[newest] == numbers[1-newest]+1 && numbers[newest] == written
	if found.pumpDamage == nil && !paired {
		found.pumpDamage = fmt.Errorf("%w: copies %d and %d of the pump's memory in write %d",
			errRecord, numbers[0], numbers[1], written)
	}
	return found
}
