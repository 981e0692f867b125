// Package gpiosim is the far end of a simulated chip's wires, for suites that run in the guest of
// test/kernel/run.sh. A suite plays the outside world with Pull, looks at a pin with Level, and holds
// the kernel's own record of every change (History) against what was commanded. It uses sysfs,
// configfs and debugfs, never the character device: what is tested is not its own witness.
//
// Levels are electrical: true is high. Whatever cannot be done fails the test at once, so call it
// from the test's goroutine.
//
// Facts about the simulator: an undriven pin has the level that it is pulled to. A line that is let go
// falls back to its pull, as on most boards; on a Raspberry Pi it keeps its level (Persist). A request
// with a bias sets the same pull, the last one wins. Edges arrive with the 1 ms tick: two changes of
// an input closer than that are one.
package gpiosim

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Lines is how many lines New gives a chip that is not told a number, and run.sh its first one.
const Lines = 64

// Chip is one simulated chip, plugged in or not.
type Chip struct {
	t      testing.TB
	config string // its folder in configfs
}

// Open is the chip that the guest was started with.
func Open(t testing.TB) *Chip {
	t.Helper()
	dir := os.Getenv("GPIOSIM_CONFIGFS")
	if dir == "" {
		t.Fatal("no GPIOSIM_CONFIGFS: this suite runs in the guest of test/kernel/run.sh")
	}
	return &Chip{t: t, config: dir}
}

// Spec is what a further chip looks like to whoever finds it.
type Spec struct {
	Lines int            // 0: Lines
	Label string         // "pinctrl-rp1"; empty: the simulator's own
	Names map[int]string // line names, "GPIO18"
}

// New makes a further chip and plugs it in. It is removed at the end of the test.
func New(t testing.TB, s Spec) *Chip {
	t.Helper()
	dir, err := os.MkdirTemp("/sys/kernel/config/gpio-sim", "chip")
	if err != nil {
		t.Fatal(err)
	}
	c := &Chip{t: t, config: dir}
	bank := filepath.Join(dir, "bank0")
	c.mkdir(bank)
	if s.Lines == 0 {
		s.Lines = Lines
	}
	c.write(filepath.Join(bank, "num_lines"), strconv.Itoa(s.Lines))
	if s.Label != "" {
		c.write(filepath.Join(bank, "label"), s.Label)
	}
	made := []string{bank, dir} // in the order of removal
	for line, name := range s.Names {
		at := filepath.Join(bank, "line"+strconv.Itoa(line))
		c.mkdir(at)
		c.write(filepath.Join(at, "name"), name)
		made = append([]string{at}, made...)
	}
	c.Plug()
	t.Cleanup(func() {
		c.Unplug()
		for _, at := range made {
			_ = os.Remove(at)
		}
	})
	return c
}

// Plug brings the chip to life, all lines inputs; it may have another Name than before.
func (c *Chip) Plug() { c.t.Helper(); c.write(filepath.Join(c.config, "live"), "1") }

// Unplug takes the chip away, whoever holds its lines.
func (c *Chip) Unplug() { c.t.Helper(); c.write(filepath.Join(c.config, "live"), "0") }

// Plugged says whether the chip is there.
func (c *Chip) Plugged() bool { c.t.Helper(); return c.read(filepath.Join(c.config, "live")) == "1" }

// Name is the chip's present name, "gpiochip0".
func (c *Chip) Name() string {
	c.t.Helper()
	return c.read(filepath.Join(c.config, "bank0", "chip_name"))
}

// Path is the chip's device, "/dev/gpiochip0".
func (c *Chip) Path() string { c.t.Helper(); return "/dev/" + c.Name() }

// Pull plays the outside world: it moves an undriven pin. A driven one takes it when it is let go.
func (c *Chip) Pull(line int, high bool) {
	c.t.Helper()
	word := "pull-down"
	if high {
		word = "pull-up"
	}
	c.write(c.attribute(line, "pull"), word)
}

// Pulled is what the line is pulled to.
func (c *Chip) Pulled(line int) bool {
	c.t.Helper()
	return c.read(c.attribute(line, "pull")) == "pull-up"
}

// Level is what a voltmeter reads at the pin.
func (c *Chip) Level(line int) bool { c.t.Helper(); return c.read(c.attribute(line, "value")) == "1" }

func (c *Chip) attribute(line int, name string) string {
	c.t.Helper()
	device := c.read(filepath.Join(c.config, "dev_name"))
	return filepath.Join("/sys/devices/platform", device, c.Name(), fmt.Sprintf("sim_gpio%d", line), name)
}

// persist is the simulator's switch for what becomes of a line that is let go.
const persist = "/sys/module/gpio_sim/parameters/persist"

// Persist makes every chip keep the level and direction of a line that is let go, as a Raspberry Pi
// does, until the end of the test.
func (c *Chip) Persist() {
	c.t.Helper()
	before := c.read(persist)
	c.write(persist, "Y")
	c.t.Cleanup(func() { c.write(persist, before) })
}

func (c *Chip) mkdir(path string) {
	c.t.Helper()
	if err := os.Mkdir(path, 0o755); err != nil {
		c.t.Fatal(err)
	}
}

func (c *Chip) write(path, text string) {
	c.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0); err != nil {
		c.t.Fatal(err)
	}
}

func (c *Chip) read(path string) string {
	c.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
