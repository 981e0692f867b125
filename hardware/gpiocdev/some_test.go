package gpiocdev

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"wildfire-watch/hardware"
)

func TestSomeOfTheOutputsCanBeHadWhereOthersAreHeld(t *testing.T) {
	c := chipOf("gpiochip0", "pinctrl-rp1", 32)
	k := kernelOf(c)
	c.held[0] = "wildfire-watch" // the main valve
	s := Settings{Wiring: wired(), Initial: valve | off}
	s.Wiring.OutputActiveLow[hardware.IgnitionOn] = true
	b, err := some(k, s, on|off)
	if err != nil {
		t.Fatal(err)
	}
	w := c.wishes[0]
	if !w.output || !slices.Equal(w.lines, []int{2, 3}) || !slices.Equal(w.levels, []int{0, 1}) ||
		!slices.Equal(w.activeLow, []bool{true, false}) {
		t.Errorf("%+v", w)
	}
	if l, err := b.Read(); err != nil || l.Outputs != off {
		t.Errorf("%07b, %v", l.Outputs, err)
	}
	if err := b.Write(valve | on); err != nil || c.levels[0] || c.levels[2] || c.levels[3] {
		t.Errorf("%v, levels %v", err, c.levels)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if !c.levels[2] || c.levels[3] || len(c.live) != 0 { // inactive: 2 is active low
		t.Errorf("after close: %v, %d requests", c.levels, len(c.live))
	}
	if _, err := b.Read(); b.Write(on) == nil || err == nil {
		t.Error("a closed board is driven or read")
	}
}

func TestSomeNamesTheHolderOfALineThatWasAskedFor(t *testing.T) {
	c := chipOf("gpiochip0", "pinctrl-rp1", 32)
	c.held[0], c.held[3] = "wildfire-watch", "relay tool"
	want := `request line 3 of gpiochip0 [pinctrl-rp1] for gpio.ignition_off: it is held by "relay tool": end it, or set ` +
		"gpio.ignition_off to another line"
	if _, err := some(kernelOf(c), Settings{Wiring: wired()}, on|off); !errors.Is(err, ErrBusy) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	c.unplug()
	if _, err := some(c.kernel, Settings{Wiring: wired()}, on); !errors.Is(err, ErrNoChip) {
		t.Errorf("%v", err)
	}
	c.plug()
	c.refuses = func(wish) error { return syscall.EIO }
	if _, err := some(c.kernel, Settings{Wiring: wired()}, on); !errors.Is(err, syscall.EIO) {
		t.Errorf("%v", err)
	}
}
