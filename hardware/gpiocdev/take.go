package gpiocdev

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"wildfire-watch/hardware"
)

// take requests the lines of the chip: every output at that level, in one request, then the inputs.
// Without all of them it keeps none.
func (b *Board) take(levels hardware.Outputs) error {
	d, err := b.kernel.open(b.chip)
	if err != nil {
		return err
	}
	defer d.close()
	lines, err := inspect(d, b.chip)
	if err != nil {
		return err
	}
	if b.wiring, err = resolve(b.chip, lines, b.settings.Wiring, b.settings.OutputsOnly); err != nil {
		return err
	}
	if b.senses = nil; !b.settings.OutputsOnly {
		b.senses = senses(b.wiring)
	}
	w := &b.wiring
	outputs := wish{consumer: b.settings.Consumer, lines: w.Outputs[:],
		activeLow: w.OutputActiveLow[:], bias: w.OutputBias[:], output: true, levels: values(levels)}
	// Inputs first: if one of them cannot be had, no output has been touched.
	if err = b.takeInputs(d); err != nil {
		return err
	}
	if b.outputs, err = d.request(outputs); err != nil {
		b.outputs = nil
		b.release()
		return b.denied(d, outputs, err)
	}
	b.failing = time.Time{}
	return nil
}

// takeInputs asks for edges with a debounce by the kernel, and does by itself what is refused.
func (b *Board) takeInputs(d device) error {
	b.inputs, b.software, b.edges = nil, nil, false
	if len(b.senses) == 0 {
		return nil
	}
	debounce := b.settings.Wiring.Debounce
	full := wish{consumer: b.settings.Consumer, edges: b.touch, debounce: debounce}
	for _, s := range b.senses {
		full.lines = append(full.lines, s.line)
		full.activeLow = append(full.activeLow, s.activeLow)
		full.bias = append(full.bias, s.bias)
	}
	bouncing, polled := full, full
	bouncing.debounce = 0
	polled.debounce, polled.edges = 0, nil
	var err error
	for i, w := range []wish{full, bouncing, polled} {
		if b.inputs, err = d.request(w); err != nil {
			b.inputs = nil
			if !unsupported(err) {
				return b.denied(d, full, err)
			}
			continue
		}
		b.edges = w.edges != nil
		if debounce > 0 && w.debounce == 0 {
			b.software = newDebouncer(debounce, len(b.senses))
			b.say("debounce the inputs of %s: the kernel refuses to: it is done here", b.chip)
		}
		if i == 2 {
			b.say("watch the inputs of %s: the chip tells of no edges: they are read "+
				"every %v", b.chip, b.pace())
		}
		return nil
	}
	return b.denied(d, full, err)
}

// unsupported says that a chip lacks edges or debounce, as opposed to the line.
func unsupported(err error) bool {
	for _, is := range []error{syscall.EINVAL, syscall.ENXIO, syscall.EOPNOTSUPP, syscall.ENOSYS,
		syscall.Errno(524)} { // 524 is the kernel's own ENOTSUPP, which slips out at times
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// denied says why lines cannot be had: who holds them, if that is why.
func (b *Board) denied(d device, w wish, err error) error {
	numbers := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(w.lines)), ", "), "[]")
	if !errors.Is(err, syscall.EBUSY) {
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			return failed(ErrPermission, "request lines %s of %s: %v", numbers, b.chip, err)
		}
		return fmt.Errorf("request lines %s of %s: %w", numbers, b.chip, err)
	}
	for _, f := range functions(&b.wiring, b.settings.OutputsOnly) {
		l, err := d.line(max(*f.number, 0))
		if *f.number < 0 || err != nil || !l.Used {
			continue
		}
		by, advice := fmt.Sprintf("%q", l.Consumer),
			"end it, or set gpio."+f.key+" to another line"
		switch {
		case l.Consumer == b.settings.Consumer || strings.HasPrefix(l.Consumer, Consumer):
			advice = "another wildfire-watch is running, or its guard is still stopping the engine"
		case l.Consumer == "" || l.Consumer == "kernel" || l.Consumer == "?":
			by, advice = "the kernel", "free it in the device tree or the boot settings, or set gpio."+
				f.key+" to another line"
		}
		return failed(ErrBusy, "request line %d of %s for gpio.%s: it is held by %s: %s", l.Number, b.chip,
			f.key, by, advice)
	}
	return failed(ErrBusy, "request lines %s of %s: one was held by somebody a moment ago: try again",
		numbers, b.chip)
}

// release lets the lines go as they are.
func (b *Board) release() {
	for _, r := range []request{b.outputs, b.inputs} {
		if r != nil {
			_ = r.Close()
		}
	}
	b.outputs, b.inputs, b.software, b.edges = nil, nil, nil, false
}

// How often a chip that is gone is asked for, and how long errors of another kind are borne before
// the lines are let go and requested anew.
const (
	askEvery = time.Second
	bearFor  = time.Second
)

// present asks for a chip that is gone. Its lines are taken inactive: what they were driven at
// belongs to a run that the chip did not witness.
func (b *Board) present(now time.Time) error {
	switch {
	case b.closed:
		return errClosed
	case b.outputs != nil:
		return nil
	case now.Sub(b.tried) < askEvery:
		return b.absent
	}
	b.tried = now
	was := b.chip
	c, err := b.again()
	if err == nil {
		b.chip = c
		err = b.take(0)
	}
	if err != nil {
		b.chip, b.absent = was, fmt.Errorf("%s: %w: %w", was, errGone, err)
		return b.absent
	}
	b.say("request the lines of %s anew: the chip is back, every output inactive", c)
	return nil
}

// again finds the chip that went away. A chip on a cable comes back under another number, if somebody
// still held the old one: then it is known by its label, provided that no other had the same.
func (b *Board) again() (Chip, error) {
	c, err := find(b.kernel, b.settings.Chip)
	if err == nil && c.Label == b.chip.Label {
		return c, nil
	}
	moved, notMoved := find(b.kernel, b.chip.Label)
	if b.alone && notMoved == nil && moved.Label == b.chip.Label && moved.Lines == b.chip.Lines {
		return moved, nil
	}
	if err == nil {
		err = failed(ErrNoChip, "there is %s now, another chip than %s: its lines are not touched", c, b.chip)
	}
	return Chip{}, err
}

// worked takes note of how the chip answered, and lets its lines go if it is no longer there.
func (b *Board) worked(err error) error {
	switch now := time.Now(); {
	case b.outputs == nil:
	case err == nil:
		b.failing = time.Time{}
	case b.failing.IsZero() && !gone(err):
		b.failing = now
	case gone(err) || now.Sub(b.failing) >= bearFor:
		b.release()
		b.tried, b.absent = now, fmt.Errorf("%s: %w", b.chip, errGone)
		b.say("drive the lines of %s: the chip is gone (%v): it is asked for again "+
			"once a second", b.chip, err)
	}
	return err
}

// gone says that the lines do not exist any more.
func gone(err error) bool {
	return errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ENXIO) ||
		errors.Is(err, syscall.EBADF)
}
