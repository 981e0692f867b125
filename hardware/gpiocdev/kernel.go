package gpiocdev

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/warthog618/go-gpiocdev"

	"wildfire-watch/hardware"
)

// kernel is what this package asks of the kernel; tests put one of their own in its place.
type kernel interface {
	chips() ([]Chip, error)
	target(ref string) string
	open(Chip) (device, error)
}

// device is an opened chip. Closing it lets no line go.
type device interface {
	line(number int) (Line, error)
	request(wish) (request, error)
	close()
}

// request is a set of lines that are ours. Closing it lets them go.
type request interface {
	Values([]int) error
	SetValues([]int) error
	Close() error
}

// wish is what is asked of the kernel in one request.
type wish struct {
	consumer  string
	lines     []int
	activeLow []bool
	bias      []hardware.Bias
	output    bool
	levels    []int // of outputs, logical
	// edges is called, and must not block, when the input at that place of lines changes; nil: no
	// edges are asked for.
	edges    func(place int)
	debounce time.Duration
}

// linux is the kernel that we run on.
type linux struct{}

func (k linux) chips() ([]Chip, error) {
	var all []Chip
	for _, name := range gpiocdev.Chips() {
		c := Chip{Name: name, Path: "/dev/" + name}
		if about, err := os.Lstat(c.Path); err != nil || about.Mode()&fs.ModeSymlink != 0 {
			continue // gone meanwhile, or an old name of one that is listed anyway
		}
		d, err := gpiocdev.NewChip(c.Path, gpiocdev.WithABIVersion(abi))
		if err != nil {
			c.Err = refused(c.Path, err)
		} else {
			c.Label, c.Lines = d.Label, d.Lines()
			_ = d.Close()
		}
		all = append(all, c)
	}
	return all, nil
}

// abi is the version of the uAPI. With version 1 the library would not set what is asked for each
// line by itself, and drive lines that are active low the wrong way round.
const abi = 2

func (linux) open(c Chip) (device, error) {
	d, err := gpiocdev.NewChip(c.Path, gpiocdev.WithABIVersion(abi))
	if err != nil {
		return nil, refused(c.Path, err)
	}
	if _, err = d.LineInfo(0); errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTTY) {
		_ = d.Close()
		return nil, fmt.Errorf("open %s: its kernel lacks version 2 of the GPIO interface: 5.10 or "+
			"newer is needed", c.Path)
	}
	return chipDevice{d}, nil
}

// refused says why a device could not be opened.
func refused(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return failed(ErrPermission, "open %s: permission denied: it belongs to group %s; the udev rule "+
			"of the package gives it to group gpio, and the user that runs this must be in it",
			path, groupOf(path))
	case errors.Is(err, fs.ErrNotExist):
		return failed(ErrNoChip, "open %s: there is no such device", path)
	case errors.Is(err, gpiocdev.ErrNotCharacterDevice):
		return failed(ErrNoChip, "open %s: it is not a GPIO chip", path)
	}
	return fmt.Errorf("open %s: %w", path, err)
}

// groupOf names the group of a device.
func groupOf(path string) string {
	about, err := os.Stat(path)
	if err != nil {
		return "unknown"
	}
	s, ok := about.Sys().(*syscall.Stat_t)
	if !ok {
		return "unknown"
	}
	id := strconv.FormatUint(uint64(s.Gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}

type chipDevice struct{ chip *gpiocdev.Chip }

func (d chipDevice) close() { _ = d.chip.Close() }

var biases = map[gpiocdev.LineBias]hardware.Bias{gpiocdev.LineBiasDisabled: hardware.Disabled,
	gpiocdev.LineBiasPullUp: hardware.PullUp, gpiocdev.LineBiasPullDown: hardware.PullDown}

func (d chipDevice) line(number int) (Line, error) {
	about, err := d.chip.LineInfo(number)
	return Line{Number: number, Name: about.Name, Consumer: about.Consumer, Used: about.Used,
		Output:    about.Config.Direction == gpiocdev.LineDirectionOutput,
		ActiveLow: about.Config.ActiveLow, Bias: biases[about.Config.Bias]}, err
}

func (d chipDevice) request(w wish) (request, error) {
	options := []gpiocdev.LineReqOption{gpiocdev.WithConsumer(w.consumer)}
	if w.output {
		options = append(options, gpiocdev.AsOutput(w.levels...))
	} else {
		options = append(options, gpiocdev.AsInput)
	}
	if w.debounce > 0 {
		options = append(options, gpiocdev.WithDebounce(w.debounce))
	}
	if w.edges != nil {
		places := make(map[int]int, len(w.lines))
		for place, number := range w.lines {
			places[number] = place
		}
		told := func(e gpiocdev.LineEvent) { w.edges(places[e.Offset]) }
		options = append(options, gpiocdev.WithBothEdges, gpiocdev.WithEventHandler(told))
	}
	for i, number := range w.lines { // last: each line begins with what holds for all
		if own := ownOptions(w.activeLow[i], w.bias[i]); len(own) > 0 {
			options = append(options, gpiocdev.WithLines([]int{number}, own...))
		}
	}
	lines, err := d.chip.RequestLines(w.lines, options...)
	if err != nil {
		return nil, err
	}
	return lines, nil
}

// ownOptions are those of a single line.
func ownOptions(activeLow bool, bias hardware.Bias) (own []gpiocdev.SubsetLineConfigOption) {
	if activeLow {
		own = append(own, gpiocdev.AsActiveLow)
	}
	for library, ours := range biases {
		if ours == bias {
			own = append(own, library)
		}
	}
	return own
}
