//go:build network

package network

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wildfire-watch/test/gear"
)

// status is a figure of /proc/PID/status: "VmHWM:" in KiB, "Threads:". 0: the process is gone.
func (p *process) status(name string) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			n, _ := strconv.ParseInt(words[1], 10, 64)
			return n
		}
	}
	return 0
}

// files is how many file descriptors it has open.
func (p *process) files() int {
	all, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	return len(all)
}

// opened names what is open: of a socket, its line in the kernel's tables.
func (p *process) opened() string {
	root := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	var tables []string
	for _, table := range []string{"tcp", "udp", "raw", "unix", "packet", "netlink"} {
		text, _ := os.ReadFile(root + "net/" + table)
		for line := range strings.Lines(string(text)) {
			tables = append(tables, table+" "+line)
		}
	}
	var b strings.Builder
	all, _ := os.ReadDir(root + "fd")
	for _, fd := range all {
		name, _ := os.Readlink(root + "fd/" + fd.Name())
		fmt.Fprintf(&b, "%s %s", fd.Name(), name)
		if inode, ok := strings.CutPrefix(name, "socket:["); ok {
			inode = " " + strings.TrimSuffix(inode, "]")
			if i := slices.IndexFunc(tables, func(line string) bool { return strings.Contains(line+" ", inode) }); i >= 0 {
				b.WriteString(" " + strings.TrimSpace(tables[i]))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// ticks a second of /proc/PID/stat: USER_HZ, which is 100 on every Linux.
const ticks = 100

// cpu is how much processor time it has used.
func (p *process) cpu() time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	_, after, _ := strings.Cut(string(text), ") ")
	words := strings.Fields(after)
	if len(words) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(words[11], 10, 64)
	system, _ := strconv.ParseInt(words[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks
}

// least is the smallest value of a figure over a while: what stays open between two cycles.
func least(long time.Duration, of func() int) int {
	smallest := of()
	gear.Await(long, func() bool { smallest = min(smallest, of()); return false })
	return smallest
}

var afterMark = regexp.MustCompile(`gc \d+ @.* \d+->\d+->(\d+) MB`)

// live is the memory in use after the last garbage collection, in MB; it takes GODEBUG=gctrace=1.
func (p *process) live() (megabytes int, collections int) {
	all := afterMark.FindAllStringSubmatch(p.said.String(), -1)
	if len(all) == 0 {
		return 0, 0
	}
	megabytes, _ = strconv.Atoi(all[len(all)-1][1])
	return megabytes, len(all)
}
