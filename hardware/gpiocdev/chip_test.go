package gpiocdev

import (
	"errors"
	"testing"

	"wildfire-watch/hardware"
)

func TestAChipIsFoundByNamePathLinkOrLabel(t *testing.T) {
	k := kernelOf(chipOf("gpiochip0", "pinctrl-rp1", 54), chipOf("gpiochip1", "gpio-brcmstb", 32),
		chipOf("gpiochip2", "gpiochip1", 8))
	k.links["/dev/gpiochip4"] = "/dev/gpiochip0"
	k.links["/dev/serial/by-id/usb-relay"] = "/dev/gpiochip1"
	for ref, want := range map[string]string{
		"": "gpiochip0", "gpiochip0": "gpiochip0", "/dev/gpiochip0": "gpiochip0", "pinctrl-rp1": "gpiochip0",
		"gpiochip4": "gpiochip0", "/dev/serial/by-id/usb-relay": "gpiochip1", "gpio-brcmstb": "gpiochip1",
		"gpiochip1": "gpiochip1", // a name wins over the label of another
	} {
		if c, err := find(k, ref); err != nil || c.Name != want {
			t.Errorf("%q: %v, %v", ref, c, err)
		}
	}
}

func TestAChipThatIsNotThereIsExplained(t *testing.T) {
	closed := chipOf("gpiochip0", "", 0)
	closed.Err = failed(ErrPermission, "open /dev/gpiochip0: permission denied")
	pc := chipOf("gpiochip0", "INTC1055:00", 463)
	one, other := chipOf("gpiochip1", "ftdi-cbus", 4), chipOf("gpiochip2", "ftdi-cbus", 4)
	for _, x := range []struct {
		name, ref string
		kernel    *fake
		is        error
		want      string
	}{
		{"no chip at all", "", kernelOf(), ErrNoChip, "find the header of a Raspberry Pi: this machine has no GPIO chip " +
			"(/dev/gpiochip*): it has no such lines, or their driver is not loaded"},
		{"a PC's own lines are never taken unasked", "", kernelOf(pc), ErrNoChip, "find the header of a Raspberry Pi: " +
			"there is only gpiochip0 [INTC1055:00]; if the pump is wired to one of them, name it in gpio.chip"},
		{"another name", "gpiochip7", kernelOf(pc, one), ErrNoChip, `find chip "gpiochip7": no chip has that name, path ` +
			`or label; there is gpiochip0 [INTC1055:00], gpiochip1 [ftdi-cbus]; set gpio.chip to one of them`},
		{"a label of two", "ftdi-cbus", kernelOf(pc, one, other), ErrNoChip, `find chip "ftdi-cbus": 2 chips have that ` +
			`label: gpiochip1 [ftdi-cbus], gpiochip2 [ftdi-cbus]; set gpio.chip to a name or a path`},
		{"not allowed", "", kernelOf(closed), ErrPermission, "find the header of a Raspberry Pi: open /dev/gpiochip0: " +
			"permission denied"},
		{"not allowed, by name", "gpiochip0", kernelOf(closed), ErrPermission, "open /dev/gpiochip0: permission denied"},
	} {
		c, err := find(x.kernel, x.ref)
		if err == nil || err.Error() != x.want || !errors.Is(err, x.is) {
			t.Errorf("%s: %v, %v\nwant %s", x.name, c, err, x.want)
		}
	}
}

func TestTheLabelsOfRaspberryPisAreKnown(t *testing.T) {
	for label, want := range map[string]bool{"pinctrl-bcm2835": true, "pinctrl-bcm2711": true, "pinctrl-rp1": true,
		"raspberrypi-exp-gpio": false, "gpio-brcmstb@107d508500": false, "brcmvirt-gpio": false, "": false} {
		if got := (Chip{Label: label}).IsPi(); got != want {
			t.Errorf("%q: %v", label, got)
		}
	}
}

// namedLines are a chip whose lines 2 to 9 are GPIO2 to GPIO9, and 10 and 11 both TWIN.
func namedLines() (c Chip, lines []Line) {
	c = Chip{Name: "gpiochip0", Label: "pinctrl-rp1", Lines: 32}
	for n := range 32 {
		l := Line{Number: n}
		switch {
		case n == 10 || n == 11:
			l.Name = "TWIN"
		case 2 <= n && n < 10:
			l.Name = "GPIO" + string(rune('0'+n))
		}
		lines = append(lines, l)
	}
	return c, lines
}

func TestNamesBecomeNumbers(t *testing.T) {
	c, lines := namedLines()
	w := wired()
	w.Outputs[hardware.MainValve], w.OutputNames[hardware.MainValve] = 17, "GPIO9"
	w.Feedbacks[hardware.MainValve], w.FeedbackNames[hardware.MainValve] = 0, "GPIO7"
	w.Inputs[hardware.Flow], w.InputNames[hardware.Flow] = -1, "GPIO2" // not fitted
	w.Inputs[hardware.LinePressure] = 20
	got, err := resolve(c, lines, w, false)
	if err != nil {
		t.Fatal(err)
	}
	if got.Outputs[hardware.MainValve] != 9 || got.Feedbacks[hardware.MainValve] != 7 || got.Inputs[hardware.Flow] != -1 ||
		got.Inputs[hardware.LinePressure] != 20 || got.OutputNames[hardware.MainValve] != "" {
		t.Errorf("%+v", got)
	}
	if again, err := resolve(c, lines, got, false); err != nil || again != got {
		t.Errorf("resolved twice: %+v, %v", again, err)
	}
}

func TestLinesThatCannotBeAreExplainedAllAtOnce(t *testing.T) {
	c, lines := namedLines()
	w := wired()
	w.OutputNames[hardware.MainValve] = "GPIO9 "
	w.OutputNames[hardware.IgnitionOn] = "TWIN"
	w.Outputs[hardware.IgnitionOff] = 32
	w.Outputs[hardware.RPMReduce] = -1
	w.Feedbacks[hardware.RefillValve], w.FeedbackNames[hardware.RefillValve] = 0, "GPIO4" // that of refill_valve
	w.Inputs[hardware.Flow] = 5                                                           // that of priming_valve
	_, err := resolve(c, lines, w, false)
	want := `find the line of gpio.main_valve: no line of gpiochip0 [pinctrl-rp1] has the name "GPIO9 "; near it are GPIO9, GPIO2, GPIO3, GPIO4
find the line of gpio.ignition_on: 2 lines of gpiochip0 [pinctrl-rp1] have the name "TWIN": 10, 11; choose one by its number
find the line of gpio.ignition_off: there is no line 32 on gpiochip0 [pinctrl-rp1], which has 0 to 31
find the line of gpio.rpm_reduce: it has none, and every output needs one
find the line of gpio.refill_valve_feedback: line 4 of gpiochip0 [pinctrl-rp1] is that of gpio.refill_valve already
find the line of gpio.flow: line 5 of gpiochip0 [pinctrl-rp1] is that of gpio.priming_valve already`
	if err == nil || err.Error() != want || !errors.Is(err, ErrLine) {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = resolve(c, lines[:2], w, false)
	if want := `find the line of gpio.main_valve: no line of gpiochip0 [pinctrl-rp1] has the name "GPIO9 "; its lines ` +
		"have no names: choose by number\n"; err == nil || err.Error()[:len(want)] != want {
		t.Errorf("a chip without names: %v", err)
	}
	if got, err := resolve(c, lines, wired(), true); err != nil || got != wired() {
		t.Errorf("outputs only: %v", err)
	}
}

func TestTheDistanceOfNames(t *testing.T) {
	for _, x := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"GPIO18", "gpio18", 0}, {"GPIO18", "GPIO81", 2}, {"GPIO18", "GPIO1", 1}, {"", "abc", 3}, {"kitten", "sitting", 3}} {
		if got, back := distance(x.a, x.b), distance(x.b, x.a); got != x.want || back != x.want {
			t.Errorf("%q, %q: %d and %d, want %d", x.a, x.b, got, back, x.want)
		}
	}
}
