package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/system"
)

type demoCommand struct {
	Verbose bool `help:"Show the program's own log beside the story."`
}

// demoSettings shorten every time of the real sequence so that a run with refill fits into a minute.
var demoSettings = []string{
	"gpio.board=simulator", // whatever pump this machine may have
	"broker.listen=127.0.0.1:0", "http.listen=127.0.0.1:0",
	"gpio.reservoir_float=16", "gpio.line_pressure=20", "gpio.flow=21", "gpio.engine_running=12",
	"consensus.growth_hold=3s", "consensus.cooldown_period=5s", "consensus.detection_window=10s",
	"pump.pre_open_delay=1s", "pump.ignition_start_duration=3s", "simulator.catch_after=1s",
	"pump.priming_duration=4s", "pump.pressure_check_delay=3s", "pump.fire_off_delay=6s",
	"pump.max_engine_runtime=40s", "pump.rpm_reduction_lead=3s", "pump.rpm_reduction_duration=2s",
	"pump.ignition_off_duration=2s", "pump.valve_close_delay=4s", "pump.refill_multiplier=1",
	"pump.cooldown_duration=3s", "telemetry.health_interval=10s",
}

// demoLimit ends a demo that has not come back to IDLE.
const demoLimit = 2 * time.Minute

// stage opens the house of a demo.
func stage(c system.Config, log *zap.Logger, story *story) (*house, error) {
	folder, err := journal.Claim(c.Journal)
	if err != nil {
		return nil, err
	}
	board, err := openBoard(&configured{Config: c}, nil)
	if err != nil {
		return nil, err
	}
	return open(c, folder, board, log, outside{tap: story.hear})
}

// Run plays the fire and tells what happens; it succeeds if the pump ran and came back to IDLE.
func (d demoCommand) Run(t *terminal) error {
	dir, err := os.MkdirTemp("", "wildfire-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo's data: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	c, mistakes, err := system.Load(t.defaults, "", append(demoSettings, "journal.dir="+dir))
	if err != nil {
		return err
	}
	for _, m := range mistakes {
		if !m.Warning {
			return fmt.Errorf("demo settings: %s = %s: must be %s", m.Key, m.Value, m.Allowed)
		}
	}
	log := zap.NewNop()
	if d.Verbose {
		log = newLog(t.err, c.Log.Level, c.Log.Levels())
	}
	story := newStory(t.out)
	h, err := stage(c, log, story)
	if err != nil {
		return err
	}
	story.begin(h.addresses)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	ctx, cancelLimit := context.WithTimeout(ctx, demoLimit)
	defer cancelLimit()
	playErr := playFire(ctx, h.addresses.MQTT, story)
	if playErr == nil {
		playErr = story.wait(ctx)
	}
	story.say("The demo ends; the program stops, engine first.")
	if err := h.close("signal", nil); err != nil {
		return err
	}
	if errors.Is(playErr, context.Canceled) {
		return errors.New("demo: interrupted")
	}
	if playErr != nil {
		return playErr
	}
	return story.summary()
}
