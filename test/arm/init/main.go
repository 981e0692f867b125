// Command init is the first process of the machine in which the Arm binaries are tested: a Raspberry
// Pi 3 as qemu plays it. It starts wildfire-watch as systemd would, lets a trigger come
// over MQTT, reads from the kernel what the lines of the header do, stops and kills the program, and
// says on the console, in its last line, whether all was well.
//
// It must never end: the kernel would panic.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// verdict is how the last line begins.
const verdict = "VERDICT: "

func main() {
	if err := try(); err != nil {
		fmt.Println(verdict + strings.ReplaceAll(err.Error(), "\n", "; "))
	} else {
		fmt.Println(verdict + "well")
	}
	for {
		time.Sleep(time.Hour) // whoever reads the console switches the machine off
	}
}

func try() error {
	if err := machine(); err != nil {
		return err
	}
	ready, err := listen()
	if err != nil {
		return err
	}
	if err := untouched(programs[0]); err != nil {
		return err
	}
	for _, program := range programs {
		if err := appliance(program, ready); err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
	}
	return nil
}

// machine mounts what the program needs, and brings up the loopback.
func machine() error {
	for _, m := range []struct{ kind, at string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"},
		{"debugfs", "/sys/kernel/debug"}, {"tmpfs", "/tmp"}, {"tmpfs", "/var"}, {"tmpfs", "/run"}} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	up, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	up.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, up); err != nil {
		return fmt.Errorf("bring up the loopback: %w", err)
	}
	return nil
}
