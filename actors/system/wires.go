package system

import (
	"sync/atomic"

	"wildfire-watch/protocol"
)

// wires keeps what the gpio actor has told last, for who looks from outside. The zero value has
// heard nothing.
type wires struct {
	lines  atomic.Pointer[protocol.LineReport]
	inputs atomic.Pointer[protocol.InputReport]
}

func (w *wires) hear(msg any) {
	switch m := msg.(type) {
	case protocol.LineReport:
		w.lines.Store(&m)
	case protocol.InputReport:
		w.inputs.Store(&m)
	}
}

// now is what was heard last; ok is false before the first report of lines and of inputs.
func (w *wires) now() (l protocol.LineReport, i protocol.Inputs, ok bool) {
	lines, inputs := w.lines.Load(), w.inputs.Load()
	if lines == nil || inputs == nil {
		return l, i, false
	}
	return *lines, inputs.Inputs, true
}
