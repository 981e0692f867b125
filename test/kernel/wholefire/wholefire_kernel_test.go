//go:build kernel

// Package wholefire is one whole fire on real lines with the times of a real pump, from the first
// detection to IDLE forty minutes later. The guest's clock is simulated: it stands still while anything
// runs and jumps when everything sleeps, so that they take a minute and no load of
// the machine comes into it: times are exact.
package wholefire

import (
	"testing"
	"time"

	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

//guest:options -a time-travel=inf-cpu -t 500

// shipped are the times of config.toml, but for the longest ones; they replace those of
// appliance.Quick.
var shipped = []string{
	"consensus.growth_hold=10s", "consensus.cooldown_period=300s", "consensus.detection_window=30s",
	"pump.pre_open_delay=2s", "pump.ignition_start_duration=5s", "pump.priming_duration=180s",
	"pump.pressure_check_delay=60s", "pump.rpm_reduction_lead=15s", "pump.rpm_reduction_duration=5s",
	"pump.ignition_off_duration=5s", "pump.valve_close_delay=600s", "pump.cooldown_duration=60s",
	"pump.max_engine_runtime=900s", "pump.refill_multiplier=1",
}

const run = 900 * time.Second // engine time, from the crank on

// sequence is what the relays do, and how long after the step before. -1: as it comes.
var sequence = []struct {
	text  string
	after time.Duration
}{
	{"+main_valve", -1},
	{"+refill_valve +priming_valve", -1},
	{"+ignition_start", 2 * time.Second},
	{"-ignition_start +ignition_on", 5 * time.Second},
	{"-priming_valve", 180 * time.Second},
	{"+rpm_reduce", run - (5+180+15)*time.Second},
	{"-ignition_on +ignition_off -rpm_reduce", 15 * time.Second},
	{"-ignition_off", 5 * time.Second},
	{"-main_valve", 600 * time.Second},
	{"-refill_valve", run}, // refill_multiplier is 1
}

// grain is what a time may differ by on a clock that costs nothing.
const grain = 20 * time.Millisecond

func TestAWholeFireFromTheFirstDetectionToIdle(t *testing.T) {
	chip, w := appliance.Board(t)
	p := appliance.Start(t, appliance.Options{Chip: chip, Sets: shipped})
	burns := gpiosim.Now()
	p.Burn(func() bool { return p.State() == "RUNNING" })
	for p.State() != "IDLE" && gpiosim.Now()-burns < 3*run {
		<-time.After(10 * time.Second)
	}
	if state := p.State(); state != "IDLE" {
		t.Errorf("the pump is in %s", state)
	}
	var texts []string
	for _, s := range sequence {
		texts = append(texts, s.text)
	}
	w.Expect(texts...)
	steps := w.Steps()
	for i, s := range sequence[:min(len(sequence), len(steps))] {
		if s.after < 0 {
			continue
		}
		if took := steps[i].At - steps[i-1].At; took < s.after-grain || took > s.after+grain {
			t.Errorf("%v came %v after the step before, want %v", steps[i], took, s.after)
		}
	}
	// growth_hold is 10 s: no fire counts before.
	if open := steps[0].At - burns; open < 10*time.Second || open > 15*time.Second {
		t.Errorf("water %v after the first detection", open)
	}
}
