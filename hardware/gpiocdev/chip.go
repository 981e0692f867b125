package gpiocdev

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"wildfire-watch/hardware"
)

// Chip is a GPIO chip of this machine.
type Chip struct {
	Name  string // "gpiochip0"
	Path  string // "/dev/gpiochip0"
	Label string // what the driver calls it: "pinctrl-bcm2711"
	Lines int    // how many it has, numbered from 0
	// Err says why it cannot be looked at; then Label and Lines are unknown.
	Err error
}

// String is how a chip is named to people.
func (c Chip) String() string {
	if c.Err != nil {
		return fmt.Sprintf("%s [not readable]", c.Name)
	}
	return fmt.Sprintf("%s [%s]", c.Name, c.Label)
}

// PiLabels are the labels of the chips behind the 40 pins of a Raspberry Pi, from the drivers that
// set them. The name of the chip says nothing: on a Pi 5 it was gpiochip4 and is now gpiochip0.
var PiLabels = []string{
	"pinctrl-bcm2835", // Pi 1, 2, 3, Zero: drivers/pinctrl/bcm/pinctrl-bcm2835.c
	"pinctrl-bcm2711", // Pi 4, 400, CM4: the same file
	"pinctrl-rp1",     // Pi 5, 500, CM5: drivers/pinctrl/pinctrl-rp1.c
}

// IsPi says whether the chip is the header of a Raspberry Pi.
func (c Chip) IsPi() bool { return c.Err == nil && slices.Contains(PiLabels, c.Label) }

// Chips lists every chip of this machine, in the order of their numbers.
func Chips() ([]Chip, error) { return linux{}.chips() }

// Pi finds the header chip of a Raspberry Pi.
func Pi() (Chip, error) { return find(linux{}, "") }

// Find finds a chip by name, path (a link too) or label; empty is the header of a Raspberry Pi, and
// no other chip. The error is ErrNoChip or ErrPermission.
func Find(chip string) (Chip, error) { return find(linux{}, chip) }

func find(k kernel, ref string) (Chip, error) {
	what := fmt.Sprintf("find chip %q", ref)
	if ref == "" {
		what = "find the header of a Raspberry Pi"
	}
	all, err := k.chips()
	if err != nil {
		return Chip{}, failed(ErrNoChip, "%s: %v", what, err)
	}
	path := k.target(ref)
	named := func(c Chip) bool { return c.Name == ref || c.Path == path }
	if i := slices.IndexFunc(all, named); ref != "" && i >= 0 {
		return all[i], all[i].Err
	}
	var found []Chip
	for _, c := range all {
		if c.Err == nil && (c.Label == ref || ref == "" && c.IsPi()) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Chip{}, none(what, ref, all)
	}
	return Chip{}, failed(ErrNoChip, "%s: %d chips have that label: %s; set gpio.chip to a name or "+
		"a path", what, len(found), list(found))
}

// none says why there is no such chip.
func none(what, ref string, all []Chip) error {
	for _, c := range all {
		if errors.Is(c.Err, ErrPermission) { // the one that is meant may be among these
			return failed(ErrPermission, "%s: %v", what, c.Err)
		}
	}
	switch {
	case len(all) == 0:
		return failed(ErrNoChip, "%s: this machine has no GPIO chip (/dev/gpiochip*): it has no such "+
			"lines, or their driver is not loaded", what)
	case ref == "":
		return failed(ErrNoChip, "%s: there is only %s; if the pump is wired to one of them, name it in "+
			"gpio.chip", what, list(all))
	}
	return failed(ErrNoChip, "%s: no chip has that name, path or label; there is %s; set gpio.chip to "+
		"one of them", what, list(all))
}

func list(all []Chip) string {
	words := make([]string, len(all))
	for i, c := range all {
		words[i] = c.String()
	}
	return strings.Join(words, ", ")
}

// target is the device that a name or a path leads to.
func (linux) target(ref string) string {
	if ref == "" {
		return ""
	}
	if !filepath.IsAbs(ref) {
		ref = filepath.Join("/dev", ref)
	}
	if real, err := filepath.EvalSymlinks(ref); err == nil {
		return real
	}
	return ref
}

// Line is what the kernel tells of a line without taking it.
type Line struct {
	Number    int
	Name      string // "GPIO18"; many chips name none
	Consumer  string // who holds it
	Used      bool   // somebody holds it, the kernel itself perhaps
	Output    bool   // its direction; without a holder that of its last one
	ActiveLow bool
	Bias      hardware.Bias
}

// Inspect returns every line of a chip. It takes none of them.
func Inspect(c Chip) ([]Line, error) {
	if c.Err != nil {
		return nil, c.Err
	}
	d, err := linux{}.open(c)
	if err != nil {
		return nil, err
	}
	defer d.close()
	return inspect(d, c)
}

func inspect(d device, c Chip) ([]Line, error) {
	all := make([]Line, c.Lines)
	for n := range all {
		var err error
		if all[n], err = d.line(n); err != nil {
			return nil, fmt.Errorf("look at line %d of %s: %w", n, c, err)
		}
	}
	return all, nil
}
