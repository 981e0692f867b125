package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wires are the lines of the header that the program drives by default.
var wires = []struct {
	name string
	line int
}{{"main_valve", 18}, {"ignition_start", 23}, {"ignition_on", 24}, {"ignition_off", 25}, {"refill_valve", 22},
	{"priming_valve", 26}, {"rpm_reduce", 27}}

// The registers of the pin controller (BCM2835 ARM Peripherals, chapter 6), where a Pi 3 has them. The
// kernel is not asked: this controller goes on driving what its holder has let go.
const (
	registers = 0x3f200000
	function  = 0x00 // GPFSEL0: three bits a pin, 001 is an output
	level     = 0x34 // GPLEV0: one bit a pin
)

var mapped = sync.OnceValues(func() ([]byte, error) {
	memory, err := os.Open("/dev/mem") // the kernel is started with iomem=relaxed
	if err != nil {
		return nil, err
	}
	defer func() { _ = memory.Close() }()
	return unix.Mmap(int(memory.Fd()), registers, 4096, unix.PROT_READ, unix.MAP_SHARED)
})

// driven says whether a pin is an output, and high.
func driven(pin int) (output, high bool, err error) {
	m, err := mapped()
	if err != nil {
		return false, false, err
	}
	word := func(at int) uint32 { return *(*uint32)(unsafe.Pointer(&m[at])) } // a register is read whole
	return word(function+pin/10*4)>>(pin%10*3)&7 == 1, word(level)>>pin&1 == 1, nil
}

// pins tells what all wires do, for who must find out what went wrong.
func pins() string {
	var all []string
	for _, w := range wires {
		output, high, err := driven(w.line)
		all = append(all, fmt.Sprintf("%s output %v high %v %v", w.name, output, high, err))
	}
	return strings.Join(all, ", ")
}

var (
	chipLine = regexp.MustCompile(`^gpiochip\d+: GPIOs (\d+)-\d+, .*` + chip)
	heldLine = regexp.MustCompile(`^ gpio-(\d+) \([^|)]*\|([^)]*)\) (in|out)`)
)

// holders says who holds which line of the header, from the kernel's own table.
func holders() (map[int]string, error) {
	table, err := os.ReadFile("/sys/kernel/debug/gpio")
	if err != nil {
		return nil, err
	}
	all, base := map[int]string{}, -1
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "gpiochip") {
			base = -1
			if m := chipLine.FindStringSubmatch(line); m != nil {
				base, _ = strconv.Atoi(m[1])
			}
		}
		if m := heldLine.FindStringSubmatch(line); m != nil && base >= 0 {
			number, _ := strconv.Atoi(m[1])
			all[number-base] = strings.TrimSpace(m[2])
		}
	}
	return all, nil
}

// high waits until an output is driven high.
func high(name string) error {
	return within(func() error {
		for _, w := range wires {
			if output, high, err := driven(w.line); w.name == name && (err != nil || !output || !high) {
				return errors.Join(err, errors.New(name+" is not driven high"))
			}
		}
		return nil
	})
}

// quiet waits until none is driven high; and, if they are to be held, until each is a low output of
// ours.
func quiet(held bool) error {
	return within(func() error {
		by, err := holders()
		if err != nil {
			return err
		}
		for _, w := range wires {
			output, high, err := driven(w.line)
			switch ours := strings.HasPrefix(by[w.line], "wildfire-watch"); {
			case err != nil:
				return err
			case output && high:
				return errors.New(w.name + " is high")
			case held && (!output || !ours):
				return errors.New(w.name + " is not held as an output")
			case !held && ours:
				return fmt.Errorf("%s is held by %s", w.name, by[w.line])
			}
		}
		return nil
	})
}
