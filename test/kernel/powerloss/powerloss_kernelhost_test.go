//go:build kernelhost

package powerloss

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/test/gear"
	"wildfire-watch/test/kernel/gpiosim"
	"wildfire-watch/test/kernel/lives"
)

const (
	appliances = 3   // of one machine
	machines   = 2   // at once
	cut        = 122 // run.sh's exit status when the power was cut
	// lag is how long a decision may be on its way to the disk: the host's disk has other work.
	lag = 400 * time.Millisecond
)

// machine is a virtual machine over its boots.
type machine struct {
	t            *testing.T
	dir          string
	guest, life  string
	disks        []string
	books        map[string]*lives.Book
	rand         *rand.Rand
	boots, heirs int
	states       map[string]int
}

func TestWhatWasAnnouncedOutlivesAPowerCut(t *testing.T) {
	guest, program := os.Getenv("GUEST"), os.Getenv("WILDFIRE_BINARY")
	if guest == "" || program == "" {
		t.Fatal("no GUEST, no WILDFIRE_BINARY: test/kernel/test.sh names them")
	}
	shared := t.TempDir()
	life := filepath.Join(shared, "life.test")
	shell(t, "CGO_ENABLED=0 ${GO:-go} test -c -tags kernel -o "+life+" .")
	shell(t, fmt.Sprintf("mkdir %[1]s/programs && cp %[2]s %[1]s/programs/wildfire-watch && "+
		"PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 -d %[1]s/programs %[1]s/programs.img 48M", shared, program))
	cuts := (lives.Count(t, "POWERLOSS", 60) + machines*appliances - 1) / (machines * appliances)
	seed := lives.Seed(t, 3)
	all := make([]*machine, machines)
	t.Run("machines", func(t *testing.T) {
		for i := range all {
			m := &machine{t: t, dir: t.TempDir(), guest: guest, life: life, books: map[string]*lives.Book{},
				rand: rand.New(rand.NewPCG(seed, uint64(i))), states: map[string]int{}}
			m.disks = append(m.disks, filepath.Join(shared, "programs.img"))
			for n := range appliances {
				disk := filepath.Join(m.dir, fmt.Sprintf("disk%d", n))
				shell(t, "truncate -s 24M "+disk+" && PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 "+disk)
				m.disks = append(m.disks, disk)
			}
			all[i] = m
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				m.t = t
				for range cuts + 1 { // the last one is there to look
					if !t.Failed() {
						m.boot()
					}
				}
				m.fsck()
			})
		}
	})
	if told, lost := report(all); told < lost/3 {
		t.Errorf("of %d journals that lost their power only %d were read back and told: this proves nothing", lost, told)
	}
}

// report prints the figures. It returns of how many journals the next boot told, and how many lost their
// power.
func report(all []*machine) (told, lost int) {
	boots, heirs, shortest, states := 0, 0, time.Hour, map[string]int{}
	for _, m := range all {
		boots, heirs = boots+m.boots, heirs+m.heirs
		for _, b := range m.books {
			shortest = min(shortest, b.Shortest)
		}
		for s, n := range m.states {
			states[s] += n
		}
	}
	fmt.Printf("figure: power cuts: %d boots, %d journals lost their power, %d were read back and told; shortest stop pulse of a "+
		"boot %v of 1s; cut in", boots, boots*appliances, heirs, shortest.Round(time.Millisecond))
	for _, s := range slices.Sorted(maps.Keys(states)) {
		fmt.Printf(" %s %d", s, states[s])
	}
	fmt.Println()
	return heirs, boots * appliances
}

// shell runs a command that must succeed.
func shell(t *testing.T, command string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// fsck holds the file systems to be whole, once the kernel has replayed what the cuts left.
func (m *machine) fsck() {
	for _, disk := range m.disks[1:] {
		// -p replays the journal as a boot does; what it finds wrong beyond that is an exit status above 1.
		c := exec.Command("sh", "-c", "PATH=$PATH:/sbin:/usr/sbin e2fsck -p "+disk+" && PATH=$PATH:/sbin:/usr/sbin e2fsck -fn "+disk)
		if out, err := c.CombinedOutput(); err != nil {
			m.t.Errorf("%s: %v\n%s", disk, err, out)
		}
	}
}

// boot lets the machine live once, until its power is cut, and holds it to its books.
func (m *machine) boot() {
	m.boots++
	facts := filepath.Join(m.dir, fmt.Sprintf("facts%d", m.boots))
	log := filepath.Join(m.dir, fmt.Sprintf("log%d", m.boots))
	args := []string{"-m", "256M", "-t", "120", "-a", "gpio_sim.log=1", "-k", log}
	for i, disk := range m.disks {
		args = append(args, "-a", fmt.Sprintf("ubd%d%s=%s", i, map[bool]string{true: "r"}[i == 0], disk))
	}
	c := exec.Command(m.guest, append(args, m.life, "-test.run", "TestLivesInAGuest")...)
	c.Env = append(os.Environ(), factsVariable+"="+facts, fmt.Sprintf("%s=%d", countVariable, appliances),
		fmt.Sprintf("%s=%d", seedVariable, m.rand.IntN(1<<30)+1))
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.await(facts, c)
	_ = c.Process.Signal(syscall.SIGUSR1)
	err := c.Wait()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != cut {
		m.t.Fatalf("boot %d: the guest ended by itself: %v\n%s", m.boots, err, out.String())
	}
	m.audit(facts, log)
}

// await waits for a random instant: mostly some seconds after every process was started, sometimes
// before that.
func (m *machine) await(facts string, c *exec.Cmd) {
	if m.rand.IntN(8) == 0 {
		<-time.After(500*time.Millisecond + time.Duration(m.rand.IntN(3000))*time.Millisecond)
		return
	}
	gear.Await(60*time.Second, func() bool {
		<-time.After(20 * time.Millisecond)
		text, _ := os.ReadFile(facts)
		return bytes.Contains(text, []byte(`"kind":"up"`)) || syscall.Kill(c.Process.Pid, 0) != nil
	})
	<-time.After(time.Duration(m.rand.IntN(5000)) * time.Millisecond)
}

// audit gives the books what was seen.
func (m *machine) audit(facts, log string) {
	by, last := m.read(facts)
	chips := map[string]string{}
	for name, all := range by {
		for _, f := range all {
			if f.Kind == chipFact {
				chips[f.Text] = name
			}
		}
	}
	kernel, _ := os.ReadFile(log)
	for line := range strings.SplitSeq(string(kernel), "\n") {
		_, entry, found := strings.Cut(strings.TrimSpace(line), "history ")
		if !found {
			continue
		}
		e, err := gpiosim.Parse(entry)
		if err != nil {
			continue // the last line may be half of one
		}
		by[chips[e.Chip]] = append(by[chips[e.Chip]], lives.Fact{At: e.At, Kind: lives.Line, Line: &e})
		last = max(last, e.At)
	}
	for name, all := range by {
		if name != "" && slices.ContainsFunc(all, func(f lives.Fact) bool { return f.Kind == lives.Started }) {
			m.hold(name, append(all, lives.Fact{At: last, Kind: lives.Ended, Text: lives.Cut}))
		}
	}
}

func (m *machine) hold(name string, all []lives.Fact) {
	b := m.books[name]
	if b == nil {
		b = lives.NewBook(lives.Terms{Pulse: time.Second, Multiplier: multiplier}, lag)
		m.books[name] = b
	}
	before := b.Heirs
	if wrong := b.Life(all); len(wrong) > 0 {
		m.t.Errorf("boot %d, %s:\n%s\n%s", m.boots, name, strings.Join(wrong, "\n"), lives.Story(all))
	}
	m.heirs += b.Heirs - before
	m.states[b.State.String()]++
}

// read reads what the guest wrote; a last line cut in half was not said.
func (m *machine) read(facts string) (by map[string][]lives.Fact, last time.Duration) {
	by = map[string][]lives.Fact{}
	text, err := os.ReadFile(facts)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var s seen
		if json.Unmarshal(line, &s) != nil {
			continue
		}
		last = max(last, s.Fact.At, s.Fact.Heard)
		by[s.Name] = append(by[s.Name], s.Fact)
	}
	return by, last
}
