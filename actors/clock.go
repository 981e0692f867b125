package actors

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Clock tells the three times there are. Decisions use Now alone; Wall is for stamps and the age of
// messages, SinceBoot for what must be compared over a restart of the process (SPEC P15).
type Clock interface {
	// Now is monotonic: differences between two readings are real elapsed time.
	Now() time.Time
	// Wall is the clock on the wall. It may jump either way at any moment.
	Wall() time.Time
	// SinceBoot is CLOCK_BOOTTIME: time since the kernel started, suspend included.
	SinceBoot() time.Duration
	// BootID names this boot of the kernel; empty if unknown.
	BootID() string
}

// SystemClock is the machine's own clock.
type SystemClock struct{}

// Now reads the monotonic clock.
func (SystemClock) Now() time.Time { return time.Now() }

// Wall reads the wall clock, without a monotonic reading.
func (SystemClock) Wall() time.Time { return time.Now().Round(0) }

// SinceBoot reads CLOCK_BOOTTIME.
func (SystemClock) SinceBoot() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// BootID reads the kernel's boot id.
func (SystemClock) BootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
