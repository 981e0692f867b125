//go:build kernelhost

// Package watchdog lets the guest's kernel watch over the program by its own /dev/watchdog: a program
// that lives is not reset, one that hangs or dies is, and one that was stopped in good order is not.
// An expiry ends the guest, so it is told from outside.
package watchdog

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// expired is run.sh's exit status when the guest's watchdog has bitten.
const expired = 123

// guest starts the program on the simulator in a guest, watched by the device, waits until it is ready
// and goes on with the script; $pid is the program.
func guest(t *testing.T, script string) (status int, out string) {
	t.Helper()
	binary, runner := os.Getenv("WILDFIRE_BINARY"), os.Getenv("GUEST")
	if binary == "" || runner == "" {
		t.Fatal("no WILDFIRE_BINARY, no GUEST: test/kernel/test.sh names them")
	}
	const start = `
"$WILDFIRE_BINARY" run --set journal.dir=$TMPDIR/data --set broker.listen=127.0.0.1:0 \
	--set http.listen= --set gpio.board=simulator --set pump.ignition_off_duration=200ms \
	--set watchdog.device=/dev/watchdog --set watchdog.timeout=3s &
pid=$!
for i in $(seq 60); do [ -e $TMPDIR/data/run.json ] && break; sleep 0.5; done
[ -e $TMPDIR/data/run.json ] || exit 77
`
	c := exec.Command(runner, "-t", "120", "sh", "-c", start+script)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	text, err := c.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(text)
}

func TestAProgramThatLivesIsNotResetNorOneStoppedInGoodOrder(t *testing.T) {
	t.Parallel()
	status, out := guest(t, `sleep 9; kill -TERM $pid; wait $pid || exit 78; sleep 6; echo alive`)
	if status != 0 || !strings.Contains(out, "alive") {
		t.Errorf("status %d\n%s", status, out)
	}
}

func TestAProgramThatHangsOrDiesHasTheMachineReset(t *testing.T) {
	t.Parallel()
	for _, signal := range []string{"STOP", "KILL"} {
		status, out := guest(t, "sleep 4; kill -"+signal+" $pid; sleep 20; echo alive")
		if status != expired || strings.Contains(out, "alive") {
			t.Errorf("%s: status %d, want %d\n%s", signal, status, expired, out)
		}
	}
}

func TestASecondOpenerIsToldWhoHasTheDeviceAndRunsOn(t *testing.T) {
	t.Parallel()
	status, out := guest(t, `
"$WILDFIRE_BINARY" run --set journal.dir=$TMPDIR/other --set broker.listen=127.0.0.1:0 --set http.listen= \
	--set gpio.board=simulator --set watchdog.device=/dev/watchdog --set pump.ignition_off_duration=200ms &
other=$!
sleep 6; kill -TERM $other; wait $other || exit 78; kill -TERM $pid; wait $pid`)
	if status != 0 || !strings.Contains(out, "device or resource busy: somebody else feeds it") {
		t.Errorf("status %d\n%s", status, out)
	}
}
