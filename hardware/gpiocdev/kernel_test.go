package gpiocdev

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/warthog618/go-gpiocdev"

	"wildfire-watch/hardware"
)

func TestWhyADeviceCannotBeOpened(t *testing.T) {
	for _, x := range []struct {
		err, is error
		want    string
	}{
		{&os.PathError{Op: "open", Path: "/dev/gpiochip0", Err: fs.ErrPermission}, ErrPermission, "open /no/gpiochip0: " +
			"permission denied: it belongs to group unknown; the udev rule of the package gives it to group gpio, and " +
			"the user that runs this must be in it"},
		{fs.ErrNotExist, ErrNoChip, "open /no/gpiochip0: there is no such device"},
		{gpiocdev.ErrNotCharacterDevice, ErrNoChip, "open /no/gpiochip0: it is not a GPIO chip"},
		{fs.ErrClosed, fs.ErrClosed, "open /no/gpiochip0: file already closed"},
	} {
		if err := refused("/no/gpiochip0", x.err); err.Error() != x.want || !errors.Is(err, x.is) {
			t.Errorf("got  %v\nwant %s", err, x.want)
		}
	}
}

func TestADeviceBelongsToAGroup(t *testing.T) {
	if got := groupOf("/dev/null"); got != "root" {
		t.Errorf("/dev/null belongs to %q", got)
	}
}

func TestANameAPathAndALinkLeadToTheSameDevice(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	device, link := filepath.Join(dir, "gpiochip3"), filepath.Join(dir, "relays")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(device, link); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{"": "", device: device, link: device, "gpiochip999": "/dev/gpiochip999"} {
		if got := (linux{}).target(ref); got != want {
			t.Errorf("%q leads to %q, want %q", ref, got, want)
		}
	}
}

func TestALineHasOptionsOfItsOwnOnlyIfItDiffers(t *testing.T) {
	if got := ownOptions(false, hardware.AsIs); len(got) != 0 {
		t.Errorf("%v", got)
	}
	for bias := hardware.AsIs; int(bias) < len(hardware.BiasNames); bias++ {
		want := 1 // active low
		if bias != hardware.AsIs {
			want = 2
		}
		if got := ownOptions(true, bias); len(got) != want {
			t.Errorf("%s: %v", hardware.BiasNames[bias], got)
		}
	}
}

// TestAMachineWithoutTheChipSaysSo on whatever machine it runs.
func TestAMachineWithoutTheChipSaysSo(t *testing.T) {
	_, err := Open(Settings{Chip: "no such chip", Wiring: wired()})
	if !errors.Is(err, ErrNoChip) && !errors.Is(err, ErrPermission) || !strings.HasPrefix(err.Error(), `find chip "no such chip": `) {
		t.Errorf("%v", err)
	}
}
