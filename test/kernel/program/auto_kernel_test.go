//go:build kernel

package program

import (
	"strings"
	"testing"
	"time"

	"github.com/warthog618/go-gpiocdev"

	"wildfire-watch/hardware"
	"wildfire-watch/test/kernel/appliance"
)

// TestAutoTakesTheChipThatIsNamed needs no word about the board.
func TestAutoTakesTheChipThatIsNamed(t *testing.T) {
	chip, w := appliance.Board(t)
	p := appliance.Start(t, appliance.Options{Sets: []string{"gpio.chip=" + chip.Name()}})
	p.Trigger("PRIMING")
	if !w.On().Has(hardware.MainValve) {
		t.Errorf("the main valve's line is not on\n%s", p.Log())
	}
}

// TestAutoSaysLoudlyThatItSimulatesAndTakesTheLinesOnceTheyAreFree: somebody else holds a line.
func TestAutoSaysLoudlyThatItSimulatesAndTakesTheLinesOnceTheyAreFree(t *testing.T) {
	chip, w := appliance.Board(t)
	held, err := gpiocdev.RequestLine(chip.Name(), appliance.Lines[hardware.RefillValve],
		gpiocdev.AsInput, gpiocdev.WithConsumer("a stranger"))
	if err != nil {
		t.Fatal(err)
	}
	p := appliance.Start(t, appliance.Options{Sets: []string{"gpio.chip=" + chip.Name()}})
	for _, want := range []string{"NO REAL PUMP IS DRIVEN", "a stranger"} {
		if !strings.Contains(p.Log(), want) {
			t.Errorf("no %q in\n%s", want, p.Log())
		}
	}
	p.Trigger("PRIMING")
	if w.On() != 0 {
		t.Errorf("a simulation drives %v", w.On())
	}
	pid := p.PID()
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	// The run that was simulated goes on with the real pump, after a stop pulse (SPEC P15).
	w.Await("+ignition_off", 30*time.Second)
	w.Await("+ignition_on", 30*time.Second)
	if p.PID() != pid {
		t.Errorf("process %d became %d", pid, p.PID())
	}
}
