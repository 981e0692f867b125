package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Record is what a guard has done, in guard.json, for the next start to tell.
type Record struct {
	// At is when it noticed, by the wall clock. PID is the main process that it watched.
	At  time.Time `json:"at"`
	PID int       `json:"pid"`
	// Cause is why it acted; Tripping the cause of a trip that the main process had begun.
	Cause    Cause  `json:"cause"`
	Tripping string `json:"tripping,omitempty"`
	// Silent is how long there had been no beat.
	Silent time.Duration `json:"silent_for"`
	// Stopped and Ended are when ignition on and start went off and when the stop pulse was over,
	// counted from At; Pulsed how long ignition off was certainly held. 0: never.
	Stopped time.Duration `json:"stopped_after"`
	Ended   time.Duration `json:"ended_after"`
	Pulsed  time.Duration `json:"pulsed_for"`
	// Full: the stop pulse was given for its full time.
	Full     bool     `json:"full"`
	Problems []string `json:"problems"`
}

const recordName = "guard.json"

// mostProblems bounds a record.
const mostProblems = 20

// write puts the record into the folder; a reader sees the whole of it or none.
func (r Record) write(dir string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", recordName, err)
	}
	fresh, err := os.CreateTemp(dir, recordName+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", recordName, err)
	}
	_, err = fresh.Write(append(raw, '\n'))
	err = errors.Join(err, fresh.Sync(), fresh.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), filepath.Join(dir, recordName))
	}
	if err != nil {
		_ = os.Remove(fresh.Name())
		return fmt.Errorf("write %s: %w", recordName, err)
	}
	return nil
}

// Last reads the record that the last guard of this journal.dir left; ok is false if there is none.
func Last(dir string) (r Record, ok bool, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, recordName))
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("read %s: %w", recordName, err)
	}
	return r, true, nil
}

// Keep leaves the record of a Stop as that of a guard which acted for that cause.
func (r Record) Keep(dir string, as Cause) error {
	r.Cause = as
	return r.write(dir)
}
