package journal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

const runName = "run.json"

// WriteRun writes run as JSON to run.json in dir: the addresses that this process has chosen (SPEC
// §6). A reader sees the whole file or none. It may wait for the disk: call it from a goroutine of
// its own.
func WriteRun(dir string, run any) error { return writeWhole(dir, runName, run) }

func writeWhole(dir, name string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	fresh, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = fresh.Write(append(raw, '\n'))
	if closed := fresh.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		os.Remove(fresh.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
