//go:build qemu

// Package arm proves that the Arm binaries run. On a Raspberry Pi 3 as qemu plays it, with Debian's
// kernel and its pinctrl-bcm2835, the 64-bit one and the oldest 32-bit one come to READY, find the
// header by themselves and drive its lines: test/arm/init is the machine's first process and the
// judge. The 32-bit one runs in qemu's user mode too, whose processor is that of a Pi 1 or Zero and
// knows no newer instruction.
//
// It needs qemu-system-aarch64, qemu-arm-static, and what fetch.sh fetches: make test-arm.
package arm

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/test/gear"
)

// build builds one of our programs for an Arm, static as it is shipped.
func build(t *testing.T, pkg string, env ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	if err := gear.Build(out, pkg, "", append(env, "GOOS=linux")...); err != nil {
		t.Fatal(err)
	}
	return out
}

// fetched is a file that fetch.sh has fetched.
func fetched(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "build", "arm", name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v: make test-arm fetches it", err)
	}
	return path
}

const verdict = "VERDICT: "

func TestTheArmBinariesRunAPumpOnARaspberryPi(t *testing.T) {
	kernel, tree := fetched(t, "vmlinuz"), fetched(t, "pi3.dtb")
	disk := filepath.Join(t.TempDir(), "initramfs.gz")
	initramfs(t, disk, map[string]string{
		"init":              build(t, "wildfire-watch/test/arm/init", "GOARCH=arm64"),
		"wildfire-watch":    build(t, "wildfire-watch", "GOARCH=arm64"),
		"wildfire-watch-32": build(t, "wildfire-watch", "GOARCH=arm", "GOARM=6"),
	})
	cmd := exec.Command("qemu-system-aarch64", "-M", "raspi3b", "-kernel", kernel, "-dtb", tree, "-initrd", disk,
		"-append", "console=ttyS1,115200 rdinit=/init quiet loglevel=2 iomem=relaxed panic=-1", "-no-reboot",
		// The first serial line is the Bluetooth chip's, the second is the console.
		"-display", "none", "-monitor", "none", "-serial", "null", "-serial", "stdio")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	console, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(3*time.Minute, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	said := ""
	for lines := bufio.NewScanner(console); said == "" && lines.Scan(); {
		line := strings.TrimRight(lines.Text(), "\r")
		t.Log(line)
		if _, word, ok := strings.Cut(line, verdict); ok {
			said = word
		}
	}
	_ = cmd.Process.Kill() // nothing on it is worth keeping
	_ = cmd.Wait()
	if said != "well" {
		t.Errorf("the machine says %q\n%s", said, trouble.String())
	}
}

func TestThe32BitBinaryRunsOnTheOldestArm(t *testing.T) {
	program := build(t, "wildfire-watch", "GOARCH=arm", "GOARM=6")
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command("qemu-arm-static", append([]string{"-cpu", "arm1176", program}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	for _, args := range [][]string{{"version"}, {"check"}} {
		out, err := run(args...).CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	dir := t.TempDir()
	at := filepath.Join(dir, "notify")
	ready, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ready.Close() }()
	cmd := run("run", "--set", "gpio.board=simulator", "--set", "journal.dir="+dir, "--set", "broker.listen=127.0.0.1:0",
		"--set", "http.listen=127.0.0.1:0", "--set", "pump.ignition_off_duration=100ms")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &log, &log, append(os.Environ(), "NOTIFY_SOCKET="+at)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = ready.SetReadDeadline(time.Now().Add(time.Minute))
	text := make([]byte, 4096)
	for n := 0; err == nil && !bytes.Contains(text[:n], []byte("READY=1")); {
		n, err = ready.Read(text)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	limit := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	ended := cmd.Wait()
	if err != nil || ended != nil {
		t.Errorf("READY: %v, exit: %v\n%s", err, ended, log.String())
	}
}
