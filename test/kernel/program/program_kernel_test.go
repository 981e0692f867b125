//go:build kernel

// Package program is the whole program on real lines: a fire comes over MQTT, the relays do what the
// sequence says and nothing else, and a signal stops the engine first.
package program

//guest:options -t 600

import (
	"syscall"
	"testing"
	"time"

	"wildfire-watch/test/gear"
	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

// toRunning is what the relays do from IDLE until the engine runs.
var toRunning = []string{"+main_valve", "+refill_valve +priming_valve", "+ignition_start", "-ignition_start +ignition_on"}

// untilRunning burns until the pump is in RUNNING.
func untilRunning(p *appliance.Process) {
	p.Burn(func() bool { return p.State() == "RUNNING" })
}

func TestAFireOverMQTTRunsTheEngineAndASignalStopsItFirst(t *testing.T) {
	chip, w := appliance.Board(t)
	p := appliance.Start(t, appliance.Options{Chip: chip})
	if w.On() != 0 {
		t.Errorf("on at start: %07b", w.On())
	}
	w.Expect() // nothing moved
	untilRunning(p)
	w.Await("-priming_valve", 10*time.Second)
	w.Expect(append(toRunning[:4:4], "-priming_valve")...)

	steps := w.Steps()
	if crank := steps[3].At - steps[2].At; crank < 500*time.Millisecond-appliance.Jitter || crank > time.Second {
		t.Errorf("the crank of 500 ms took %v", crank)
	}
	asked := gpiosim.Now()
	p.Signal(syscall.SIGTERM)
	code, took := p.Exit(appliance.StopPulse + 2*time.Second) // SPEC P14
	if code != 0 {
		t.Errorf("exit code %d\n%s", code, p.Log())
	}
	off := w.StoppedInOrder(asked, appliance.StopPulse)
	t.Logf("SIGTERM to engine off %v, to exit %v", off-asked, took)
	w.Expect(append(toRunning[:4:4], "-priming_valve", "-ignition_on +ignition_off -refill_valve",
		"-main_valve -ignition_off")...)
}

func TestOnARaspberryPiTheLinesStayOffBetweenTwoLivesAndTheRunGoesOn(t *testing.T) {
	chip, w := appliance.Board(t)
	chip.Persist()
	p := appliance.Start(t, appliance.Options{Chip: chip})
	p.Trigger("RUNNING")
	p.Signal(syscall.SIGTERM)
	p.Exit(appliance.StopPulse + 2*time.Second)
	if w.On() != 0 {
		t.Errorf("after the end %07b is on", w.On())
	}
	w.Forget()
	p = appliance.Start(t, appliance.Options{Chip: chip, Dir: p.Dir})
	p.Await("RUNNING")
	// SPEC P15: the run was open, so that a full stop pulse comes first; then it goes on.
	w.Expect("+main_valve +ignition_off", "-ignition_off +refill_valve +priming_valve", "+ignition_start",
		"-ignition_start +ignition_on")
	for _, pulse := range w.Pulses() {
		if pulse.To-pulse.From < appliance.StopPulse-appliance.Jitter || !pulse.Watered || !pulse.Alone {
			t.Errorf("the stop pulse at boot: %+v", pulse)
		}
	}
}

func TestAProgramAtRestCranksAndOpensNothingOverRestarts(t *testing.T) {
	chip, w := appliance.Board(t)
	chip.Persist()
	p := appliance.Start(t, appliance.Options{Chip: chip})
	var want []string
	for range 3 {
		p.Await("IDLE")
		p.Signal(syscall.SIGTERM)
		if code, _ := p.Exit(appliance.StopPulse + 2*time.Second); code != 0 {
			t.Errorf("exit code %d\n%s", code, p.Log())
		}
		want = append(want, "+ignition_off", "-ignition_off") // SPEC P6: from any state
		p = appliance.Start(t, appliance.Options{Chip: chip, Dir: p.Dir})
	}
	p.Await("IDLE")
	w.Expect(want...)
}

func TestAnEmergencyStopIsHeldOverARestartAndDrivesNothing(t *testing.T) {
	chip, w := appliance.Board(t)
	p := appliance.Start(t, appliance.Options{Chip: chip})
	p.Trigger("RUNNING")
	asked := gpiosim.Now()
	p.Publish("fire/emergency", "stop")
	p.Await("IDLE")
	w.StoppedInOrder(asked, appliance.StopPulse)
	p.Signal(syscall.SIGTERM)
	p.Exit(appliance.StopPulse + 2*time.Second)

	w.Forget()
	p = appliance.Start(t, appliance.Options{Chip: chip, Dir: p.Dir})
	p.Publish("fire/trigger", `{"action":"trigger"}`)
	p.Publish("fire/emergency", "start")
	gear.Await(10*time.Second, func() bool {
		refused := 0
		for _, e := range p.Events() {
			if e.Reason == "stop_held" || e.Action == "trigger_refused" || e.Action == "command_refused" {
				refused++
			}
		}
		return refused >= 2
	})
	w.Expect()
}
