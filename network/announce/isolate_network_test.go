//go:build network

package announce

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// isolated says that this process already is where nothing gets out.
const isolated = "ANNOUNCE_TEST_ISOLATED"

// isolate runs the tests once more in a network of their own, which ends with them: nothing that they
// do is seen by the machine.
func isolate() {
	if os.Getenv(isolated) == "" {
		again := exec.Command("/proc/self/exe", os.Args[1:]...)
		again.Env = append(os.Environ(), isolated+"=yes")
		again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
		again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
		err := again.Run()
		if again.ProcessState == nil {
			fmt.Fprintln(os.Stderr, "a network namespace needs root:", err)
			os.Exit(1)
		}
		os.Exit(again.ProcessState.ExitCode())
	}
	for _, step := range [][]string{
		{"mkdir", "-p", "/run/netns"},
		{"mount", "-t", "tmpfs", "tmpfs", "/run/netns"},
		{"ip", "link", "set", "lo", "up"},
	} {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			fmt.Fprintln(os.Stderr, step, err, string(out))
			os.Exit(1)
		}
	}
}
