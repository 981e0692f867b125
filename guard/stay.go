package guard

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// stay brings the whole program into memory and keeps it there. What stops the engine has never run
// when it is needed: without this its code would be read from the disk then, which may be slow, worn
// out or gone. The pages are the main process's too, so that they cost nothing twice.
func stay() {
	_ = unix.Mlockall(unix.MCL_CURRENT | unix.MCL_ONFAULT) // not MCL_FUTURE: memory must not run out of a limit
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		if from, size, ok := fileBacked(line); ok && !populate(from, size) {
			touch(int64(from), int64(size))
		}
	}
}

// fileBacked reads a line of /proc/self/maps and says whether what is mapped is a file's.
func fileBacked(line string) (from, size uintptr, ok bool) {
	var to, offset uintptr
	var access, device string
	var inode uint64
	n, err := fmt.Sscanf(line, "%x-%x %s %x %s %d", &from, &to, &access, &offset, &device, &inode)
	return from, to - from, err == nil && n == 6 && inode != 0 && access[0] == 'r' && to > from
}

// populate is one word to the kernel; before Linux 5.14 it does not know it.
func populate(from, size uintptr) bool {
	_, _, err := unix.Syscall(unix.SYS_MADVISE, from, size, unix.MADV_POPULATE_READ)
	return err == 0
}

// touch reads a range through the kernel's eyes, which brings it into memory as well.
func touch(from, size int64) {
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		return
	}
	defer func() { _ = memory.Close() }()
	block := make([]byte, 64<<10)
	for at := from; at < from+size; at += int64(len(block)) {
		if _, err := memory.ReadAt(block[:min(int64(len(block)), from+size-at)], at); err != nil {
			return
		}
	}
}
