package gpiocdev

import (
	"fmt"

	"github.com/warthog618/go-gpiocdev"
)

// PeekConsumer is the name under which Peek holds lines for the instant of its reading.
const PeekConsumer = Consumer + " lines"

// Peek reads the electrical level of free lines that are inputs: true is high. The kernel tells a
// level to nobody but a line's holder, so it requests them, as they are and all at once, and lets
// them go within a millisecond; it changes neither direction nor bias nor level.
//
// It refuses a line that is held, and a free one that is an output: something may still be driven by
// it, and the pin controller of a Raspberry Pi can make it an input when it is let go.
func Peek(c Chip, numbers []int) ([]bool, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	d, err := gpiocdev.NewChip(c.Path, gpiocdev.WithConsumer(PeekConsumer), gpiocdev.WithABIVersion(abi))
	if err != nil {
		return nil, refused(c.Path, err)
	}
	defer func() { _ = d.Close() }()
	for _, number := range numbers {
		switch l, err := (chipDevice{d}).line(number); {
		case err != nil:
			return nil, fmt.Errorf("look at line %d of %s: %w", number, c, err)
		case l.Used:
			return nil, failed(ErrBusy, "read line %d of %s: it is held by %q", number, c, l.Consumer)
		case l.Output:
			return nil, failed(ErrLine, "read line %d of %s: it is an output: letting it go could disturb it",
				number, c)
		}
	}
	held, err := d.RequestLines(numbers, gpiocdev.AsIs)
	if err != nil {
		return nil, fmt.Errorf("read lines %v of %s: %w", numbers, c, err)
	}
	defer func() { _ = held.Close() }()
	values := make([]int, len(numbers))
	if err := held.Values(values); err != nil {
		return nil, fmt.Errorf("read lines %v of %s: %w", numbers, c, err)
	}
	levels := make([]bool, len(numbers))
	for i, v := range values {
		levels[i] = v != 0
	}
	return levels, nil
}
