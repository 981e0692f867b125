package lives

import (
	"slices"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

// consumer is the program's name at its lines; its guard has another.
const consumer = "wildfire-watch"

// Stop is how the engine was stopped after a death (SPEC P14), by whoever did it.
type Stop struct {
	Off     time.Duration // from then on the engine was off, and ignition off on; 0: never
	Pulse   time.Duration // for so long
	Full    bool          // as long as it must be
	Watered bool          // with the main valve open all the time
	Shut    bool          // afterwards everything was off
	Fed     bool          // the program had the engine on when it died
	Open    bool          // the main valve was open then
	Used    bool          // the program had had something on
}

// StopAfter reads from a chip's record how the engine was stopped after an instant. A line that nobody
// drives has the level that it is pulled to, and counts with it.
func StopAfter(events []gpiosim.Event, at, pulse time.Duration) (s Stop) {
	var on hardware.Outputs
	var from time.Duration
	begun, watered := false, false
	for i, e := range events {
		o := hardware.Output(slices.Index(appliance.Lines[:], e.Line))
		if o >= hardware.NumOutputs {
			continue
		}
		if e.At >= at && !begun {
			begun, s.Fed, s.Open = true, on&engineLines != 0, on.Has(hardware.MainValve)
			if stopping(on) {
				from, watered = at, on.Has(hardware.MainValve)
			}
		}
		on = on.With(o, e.High)
		switch {
		case begun:
		case e.What == gpiosim.Out && e.By == consumer:
			s.Used = false // a process begins
		case e.What == gpiosim.Set && e.By == consumer:
			s.Used = s.Used || e.High
		}
		if !begun || i+1 < len(events) && events[i+1].Op == e.Op {
			continue
		}
		switch {
		case s.Full:
			s.Shut = s.Shut || on == 0
			if s.Shut {
				return s
			}
		case e.What == gpiosim.Free: // whoever takes the line begins anew
			from = 0
		case stopping(on) && from == 0:
			from, watered = e.At, on.Has(hardware.MainValve)
		case stopping(on):
			watered = watered && on.Has(hardware.MainValve)
		case from != 0 && e.At-from < pulse-appliance.Jitter:
			from = 0
		case from != 0:
			s.Off, s.Pulse, s.Full, s.Watered, s.Shut = from, e.At-from, true, watered, on == 0
			if s.Shut {
				return s
			}
		}
	}
	return s
}

// stopping: the engine is off and told so.
func stopping(on hardware.Outputs) bool {
	return on&engineLines == 0 && on.Has(hardware.IgnitionOff)
}
