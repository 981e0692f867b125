package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"wildfire-watch/hardware"
)

// Continue is a board that takes over from another process on the same line log: its lines have the
// levels that the log ended with, no initial levels are written, and what changes is appended. It is
// for the guard (SPEC P14), so that one log tells the whole story of a death. Behind it is a plant
// at rest, and it follows no inputs file. Outputs with a negative line do not exist.
func Continue(s Settings) (*Simulator, error) {
	stuck, err := ParseStick(s.Stick)
	if err != nil {
		return nil, err
	}
	b := &Simulator{wiring: s.Wiring, figures: figuresOf(s), stuck: stuck, levels: map[int]bool{}}
	for i := range b.wiring.Inputs {
		b.wiring.Inputs[i] = -1
	}
	for i := range b.wiring.Feedbacks {
		b.wiring.Feedbacks[i] = -1
	}
	pins, whole, err := lastLevels(s.LineLog, s.Wiring)
	if err != nil {
		return nil, err
	}
	if b.log, err = openLineLog(s.LineLog); err != nil {
		return nil, err
	}
	now := time.Now()
	b.commanded = pins
	b.plant = b.figures.drive(b.figures.rest(now), pins, now)
	b.wire(now, s.Times.Verify)
	if b.log != nil {
		b.log.wiring = s.Wiring
		if !whole { // the last line was not finished: what follows must not be glued to it
			b.log.text = append(b.log.text, '\n')
		}
	}
	return b, nil
}

// The log is read from its end in pieces; more than logLimit of it is not. A line that is not found
// there has not changed since, and is taken for inactive.
const (
	logPiece = 64 << 10
	logLimit = 16 << 20
)

// lastLevels is what each output's line was at last, logical; whole is false if the file does not
// end with the end of a line. A log that is not there has everything inactive.
func lastLevels(path string, w hardware.Wiring) (levels hardware.Outputs, whole bool, err error) {
	if path == "" {
		return 0, true, nil
	}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return 0, true, nil
	}
	if err != nil {
		return 0, true, fmt.Errorf("continue the line log: %w", err)
	}
	defer func() { _ = f.Close() }()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, true, fmt.Errorf("continue the line log: %w", err)
	}
	return scanBack(f, end, w)
}

// scanBack reads pieces from the end until every output has been seen.
func scanBack(f io.ReaderAt, end int64, w hardware.Wiring) (levels hardware.Outputs, whole bool, err error) {
	var seen, wanted hardware.Outputs
	for o, line := range w.Outputs {
		wanted = wanted.With(hardware.Output(o), line >= 0)
	}
	whole = true
	last := end
	var rest []byte // the beginning of a line whose other end is in the piece before
	for first := true; end > 0 && last-end < logLimit && seen&wanted != wanted; first = false {
		piece := make([]byte, min(logPiece, end), min(logPiece, end)+int64(len(rest)))
		end -= int64(len(piece))
		if _, err := f.ReadAt(piece, end); err != nil {
			return 0, true, fmt.Errorf("continue the line log: %w", err)
		}
		if first {
			whole = piece[len(piece)-1] == '\n'
		}
		text := append(piece, rest...)
		for {
			i := bytes.LastIndexByte(text, '\n')
			if i < 0 && end > 0 {
				break
			}
			if o, active, ok := parseChange(text[i+1:], w); ok && !seen.Has(o) {
				seen, levels = seen.With(o, true), levels.With(o, active)
			}
			if i < 0 {
				break
			}
			text = text[:i]
		}
		rest = bytes.Clone(text)
	}
	return levels, whole, nil
}

// parseChange reads one line of the log.
func parseChange(text []byte, w hardware.Wiring) (o hardware.Output, active, ok bool) {
	var c struct {
		T    *int64
		Line *int
		V    *int
	}
	if json.Unmarshal(text, &c) != nil || c.T == nil || c.Line == nil || c.V == nil {
		return 0, false, false
	}
	for o, line := range w.Outputs {
		if line == *c.Line && line >= 0 {
			return hardware.Output(o), *c.V == 1, true
		}
	}
	return 0, false, false
}
