//go:build kernel

package powerloss

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
	"wildfire-watch/test/kernel/gpiosim"
	"wildfire-watch/test/kernel/lives"
)

// witness writes what is seen to a file of the host: each line is there before the next step.
type witness struct {
	mu   sync.Mutex
	file *os.File
}

func (w *witness) write(name string, f lives.Fact) {
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(seen{name, f})
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.file.Write(b.Bytes())
}

// TestLivesInAGuest is the guest's half: appliances whose journals lie on disks live on until the power
// is cut, which the host does.
func TestLivesInAGuest(t *testing.T) {
	file, err := os.OpenFile(os.Getenv(factsVariable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{file: file}
	n := lives.Count(t, countVariable, 1)
	h := lives.New(t, n, lives.Settings{Seed: uint64(lives.Count(t, seedVariable, 1)), Multiplier: multiplier,
		Binary: filepath.Join(mount(t, "/dev/ubda", unix.MS_RDONLY), "wildfire-watch"),
		Dir:    func(name string) string { return mount(t, "/dev/ubd"+string('b'+name[1]-'0'), 0) },
		Sink:   w.write})
	for _, a := range h.Appliances {
		w.write(a.Name, lives.Fact{Kind: chipFact, Text: a.Chip.Name()})
	}
	go func() {
		for {
			w.write("", lives.Fact{At: gpiosim.Now(), Kind: lives.Tick})
			<-time.After(10 * time.Millisecond)
		}
	}()
	var all sync.WaitGroup
	for _, a := range h.Appliances {
		a.Begin()
		a.Guarded()
		all.Go(func() {
			for !a.Over() {
				a.Live(lives.Plan{Target: protocol.State(a.Rand.IntN(int(protocol.NumStates))), Limit: 4 * time.Second,
					After: time.Duration(a.Rand.IntN(300)) * time.Millisecond})
			}
			fmt.Printf("%s ended by itself\n%s", a.Name, a.Log())
			os.Exit(1)
		})
	}
	w.write("", lives.Fact{At: gpiosim.Now(), Kind: upFact})
	all.Wait()
}

// mount mounts a disk.
func mount(t *testing.T, device string, flags uintptr) string {
	t.Helper()
	at := t.TempDir()
	if err := unix.Mount(device, at, "ext4", flags, ""); err != nil {
		t.Fatalf("mount %s: %v", device, err)
	}
	return at
}
