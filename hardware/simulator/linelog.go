package simulator

import (
	"fmt"
	"os"
	"time"

	"wildfire-watch/hardware"
)

// lineLog writes one JSON object per output change (SPEC §6). A nil log writes nothing. What the
// disk refuses is lost: a log never fails a write to the lines.
type lineLog struct {
	file   *os.File
	wiring hardware.Wiring
	text   []byte
}

func openLineLog(path string) (*lineLog, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open line log: %w", err)
	}
	return &lineLog{file: f}, nil
}

// begin writes the initial level of every output.
func (l *lineLog) begin(w hardware.Wiring, pins hardware.Outputs) {
	if l == nil {
		return
	}
	l.wiring = w
	now := time.Now()
	for i := range hardware.NumOutputs {
		l.add(now, i, pins.Has(i))
	}
	l.flush()
}

// add puts one change into the text of the present write.
func (l *lineLog) add(now time.Time, o hardware.Output, active bool) {
	if l == nil || l.wiring.Outputs[o] < 0 {
		return
	}
	v := 0
	if active {
		v = 1
	}
	l.text = fmt.Appendf(l.text, `{"t": %d, "line": %d, "name": %q, "v": %d}`+"\n",
		now.UnixNano(), l.wiring.Outputs[o], hardware.OutputNames[o], v)
}

// flush hands the changes of one write to the kernel in one piece.
func (l *lineLog) flush() {
	if l == nil {
		return
	}
	_, _ = l.file.Write(l.text)
	l.text = l.text[:0]
}

func (l *lineLog) close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}

// Change is one change of what is on an output line.
type Change struct {
	At     time.Time
	Output hardware.Output
	Active bool // logical
}

// historyLimit bounds the memory of a board that runs for weeks.
const historyLimit = 4096

// The order in which the changes of one write are told: what stops comes before what starts, and
// the engine's own lines end before anything else does.
var (
	fallingOrder = [...]hardware.Output{hardware.IgnitionStart, hardware.IgnitionOn,
		hardware.RefillValve, hardware.PrimingValve, hardware.RPMReduce, hardware.IgnitionOff,
		hardware.MainValve}
	risingOrder = [...]hardware.Output{hardware.IgnitionOff, hardware.MainValve,
		hardware.RefillValve, hardware.PrimingValve, hardware.RPMReduce, hardware.IgnitionOn,
		hardware.IgnitionStart}
)

// record tells log and history what changed from one set of levels to the next.
func (b *Simulator) record(now time.Time, was, is hardware.Outputs) {
	tell := func(o hardware.Output, active bool) {
		b.log.add(now, o, active)
		if len(b.history) >= historyLimit {
			b.history = append(b.history[:0], b.history[historyLimit/2:]...)
		}
		b.history = append(b.history, Change{now, o, active})
	}
	for _, o := range fallingOrder {
		if was.Has(o) && !is.Has(o) {
			tell(o, false)
		}
	}
	for _, o := range risingOrder {
		if !was.Has(o) && is.Has(o) {
			tell(o, true)
		}
	}
	b.log.flush()
}
