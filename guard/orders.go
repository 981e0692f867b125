package guard

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"wildfire-watch/hardware"
)

// Orders are all that a guard knows of its house. They travel as JSON over the socket, so that it
// needs no configuration of its own.
type Orders struct {
	// PID and Started name the main process; a process that got the same number later has another
	// start time and is never touched. Start fills them in.
	PID     int    `json:"pid"`
	Started uint64 `json:"started"`
	// Board is "gpiocdev" or "simulator"; Chip as the board itself names it; Wiring its outputs.
	Board  string          `json:"board"`
	Chip   string          `json:"chip"`
	Wiring hardware.Wiring `json:"wiring"`
	// Pulse is pump.ignition_off_duration, Deadman is gpio.deadman.
	Pulse   time.Duration `json:"pulse"`
	Deadman time.Duration `json:"deadman"`
	// LineLog and Stick are the simulator's.
	LineLog string `json:"line_log"`
	Stick   string `json:"stick"`
	// Dir is journal.dir: guard.json is written there. LineLog and Dir are made absolute by Start.
	Dir string `json:"dir"`
	// Beating: the main process has given signs of life before (its first guard was lost).
	Beating bool `json:"beating"`
	// OOM is the oom_score_adj that the guard takes: the main process's own before it raised it.
	OOM int `json:"oom"`
}

// startedAt is a process's start in clock ticks since the kernel's; it fails if there is none.
func startedAt(pid int) (uint64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("read the start of process %d: %w", pid, err)
	}
	// The name, in brackets, may hold anything.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const start, state = 19, 0
	if len(fields) <= start {
		return 0, fmt.Errorf("read the start of process %d: %q is no stat", pid, text)
	}
	if fields[state][0] == 'Z' || fields[state][0] == 'X' {
		return 0, fmt.Errorf("read the start of process %d: it has ended", pid)
	}
	return strconv.ParseUint(string(fields[start]), 10, 64)
}
