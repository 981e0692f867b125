package telemetry

import (
	"os"
	"syscall"
)

// unsynced is the kernel's STA_UNSYNC (adjtimex(2)).
const unsynced = 0x40

// timesyncd is there once systemd-timesyncd has set the clock since the boot (systemd-timesyncd(8)).
const timesyncd = "/run/systemd/timesync/synchronized"

// clockSynced tells whether something keeps the clock right; nil: nobody says. The kernel is asked if that
// is known to be free, which it is not under a filter of system calls: the unit's forbids every call that
// could set a clock (ProtectClock=), this one among them, and a filter that kills would end the pump for a
// figure.
func clockSynced(askKernel bool) *bool {
	if _, err := os.Stat(timesyncd); err == nil {
		synced := true
		return &synced
	}
	var t syscall.Timex // Modes 0 changes nothing and needs no right
	if !askKernel {
		return nil
	}
	if _, err := syscall.Adjtimex(&t); err != nil {
		return nil
	}
	synced := t.Status&unsynced == 0
	return &synced
}
