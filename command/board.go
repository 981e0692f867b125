package command

import (
	"errors"
	"fmt"
	"slices"

	"wildfire-watch/actors/system"
	"wildfire-watch/hardware"
	"wildfire-watch/hardware/gpiocdev"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

// What gpio.board may name.
const (
	boardAuto      = "auto"
	boardSimulator = "simulator"
	boardReal      = "gpiocdev"
)

// SimulatorSettings sizes the simulated plant by the configuration: a program with short durations
// meets a plant that is as quick (SPEC §6).
func SimulatorSettings(c system.Config) simulator.Settings {
	return c.GPIO.Simulator(c.Simulator, c.PumpTimes())
}

// configured is a configuration whose board is chosen.
type configured struct {
	system.Config
	// auto says that gpio.board = "auto" chose the board, and why it is not a real one; nil if it is.
	auto   bool
	noReal error
}

// read reads a configuration and chooses the board that gpio.board = "auto" stands for: the chip, if
// there is one. The limits of many keys depend on the board, so that the file is then read again.
func (t *terminal) read(s settings) (configured, []protocol.Mistake, error) {
	c, mistakes, err := system.Load(t.defaults, s.Config, s.Set)
	if err != nil || c.GPIO.Board != boardAuto {
		return configured{Config: c}, mistakes, err
	}
	chosen := configured{auto: true}
	board := boardReal
	if _, chosen.noReal = gpiocdev.Find(c.GPIO.Chip); chosen.noReal != nil {
		board = boardSimulator
	}
	chosen.Config, mistakes, err = system.Load(t.defaults, s.Config,
		append(slices.Clone(s.Set), "gpio.board="+board))
	return chosen, mistakes, err
}

// openBoard takes the lines, every output inactive. A board that was named and cannot be had is an
// error, never a silent simulation; only "auto" falls back to the simulator, and says so (warning).
func openBoard(c *configured, log func(string)) (hardware.Board, error) {
	if c.GPIO.Board == boardReal {
		board, err := gpiocdev.Open(gpiocdev.Settings{Chip: c.GPIO.Chip, Wiring: c.GPIO.Wiring(), Log: log})
		if err == nil {
			return board, nil
		}
		if !c.auto || errors.Is(err, gpiocdev.ErrLine) {
			return nil, err
		}
		c.GPIO.Board, c.noReal = boardSimulator, err
	}
	board, err := simulator.New(SimulatorSettings(c.Config))
	if err != nil {
		return nil, fmt.Errorf("open the simulator board: %w", err)
	}
	return board, nil
}

// warning says loudly that no real pump is driven although one may be meant; "" when the owner chose
// the board.
func (c configured) warning() string {
	if c.noReal == nil {
		return ""
	}
	return fmt.Sprintf("NO REAL PUMP IS DRIVEN: gpio.board = \"auto\" fell back to the simulator: %v; "+
		"set gpio.board = \"gpiocdev\" to make this an error, or \"simulator\" if it is meant", c.noReal)
}
