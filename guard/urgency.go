package guard

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// niceness of both processes: what unit and program ask for, where they may.
const mainNice, guardNice = -10, -20

// Hurry puts every thread of this process before the machine's other work, where that is permitted
// and nobody has done so already: an NVR beside it must not starve the pump, nor keep the threads of
// a killed process from dying, which hold its lines until then. Threads to come inherit it.
func Hurry() {
	if Confined() {
		return
	}
	threads, _ := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			nicer(id, mainNice)
		}
	}
}

// Confined: a filter of system calls is on. Whoever set it up has decided on priorities too (the unit
// has Nice=-10), and a word about them may be the process's last.
func Confined() bool {
	status, err := os.ReadFile("/proc/self/status")
	return err != nil || !strings.Contains(string(status), "\nSeccomp:\t0\n")
}

// nicer gives a thread a niceness unless it has a better one; the kernel counts it from 20 down.
func nicer(thread, nice int) {
	if now, err := unix.Getpriority(unix.PRIO_PROCESS, thread); err == nil && 20-now > nice {
		_ = unix.Setpriority(unix.PRIO_PROCESS, thread, nice)
	}
}

// hurry lets the guard's one thread run the moment it is woken, whatever else the machine does: it
// sleeps all its life but for a few milliseconds. Where that is not permitted it is merely nicer.
func hurry() {
	if Confined() {
		return
	}
	first := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1,
		Flags: unix.SCHED_FLAG_RESET_ON_FORK}
	if unix.SchedSetAttr(0, &first, 0) != nil {
		nicer(0, guardNice)
	}
}
