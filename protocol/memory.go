package protocol

import "time"

// PumpMemory is what the pump must know after a power cut (SPEC P5, P6, P10, P15). The pump sends
// it whole at every checkpoint; the journal stores the newest. The zero value is a fresh device.
type PumpMemory struct {
	// RefillOwed is the refill, a duration of open refill valve, that is still owed.
	RefillOwed time.Duration `json:"refill_owed"`
	// RefillFor is how long the refill valve has been open in this refill (bounds a float's prolonging).
	RefillFor time.Duration `json:"refill_for"`
	// RefillTotal is what this refill was computed at; while it is not 0 the lockout holds, also
	// while a float prolongs a refill of which nothing is owed any more.
	RefillTotal time.Duration `json:"refill_total"`
	// RunOpen: a run had begun and not ended. RunEngine is its engine time up to the checkpoint,
	// Interval what to add when it is found open at boot.
	RunOpen      bool          `json:"run_open"`
	RunEngine    time.Duration `json:"run_engine"`
	RunEmergency bool          `json:"run_emergency"`
	RunResumed   int           `json:"run_resumed"`
	// RunCharged: the interval was added at a boot already and the engine has stood since.
	RunCharged bool `json:"run_charged"`
	// PulseOpen: a stop pulse had begun and not ended.
	PulseOpen bool `json:"pulse_open"`
	StopHeld  bool `json:"stop_held"`
	// InError: ERROR was latched and not reset. ErrorWhy says why.
	InError  bool   `json:"in_error"`
	ErrorWhy string `json:"error_why"`
	// LastTrigger and Remembered are CLOCK_BOOTTIME instants of the kernel boot BootID; 0: none.
	LastTrigger time.Duration `json:"last_trigger"`
	Remembered  time.Duration `json:"remembered"`
	BootID      string        `json:"boot_id"`
	// Totals over the device's life.
	TotalEngine time.Duration `json:"total_engine"`
	Runs        uint64        `json:"runs"`
	Starts      uint64        `json:"starts"`
}

// ConsensusMemory is what consensus must know after a restart of the process (SPEC P15: after a
// reboot of the kernel its cooldown is over).
type ConsensusMemory struct {
	LastAccepted time.Duration `json:"last_accepted"` // CLOCK_BOOTTIME; 0: never
	BootID       string        `json:"boot_id"`
	Triggers     int           `json:"triggers"`
}

// Recovered is what the journal found at start.
type Recovered struct {
	Pump      PumpMemory
	Consensus ConsensusMemory
	// Fresh: there was no journal. Unreadable: there was one, and it could not be read: the pump
	// must assume an open run (SPEC P15).
	Fresh, Unreadable bool
	Problem           string // what was tried, on what, why; empty if all is well
	Boots             uint64 // starts of this process on this device, this one included
	// LastStop is the cause of the last stop, in words: "signal", what a trip said, "crash",
	// "hung: …", "reboot or power cut" (journal.causeOf has them all); empty if Fresh.
	LastStop string
	// Failed is how many starts in a row, up to the last, neither lived for journal.good_after nor
	// ended in good order. SafeMode: they are journal.safe_mode_after or more, so this start is the
	// smaller house in which nothing starts by itself.
	Failed   int
	SafeMode bool
}
