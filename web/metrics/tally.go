package metrics

import (
	"maps"
	"sync"
	"sync/atomic"

	"wildfire-watch/protocol"
)

// Bounds of what is told apart.
const (
	maxReasons = 200
	maxActions = 150
	// other is what everything beyond a bound is counted as.
	other = "other"
)

// refusal names a kind of refused input.
type refusal struct{ source, reason string }

// Tally counts what passes by and is in no overview. Its zero value has seen nothing.
type Tally struct {
	detections atomic.Uint64

	mu       sync.Mutex // guards the maps, whoever publishes
	refusals map[refusal]uint64
	events   map[protocol.Action]uint64
}

// watched are the events that an alert rule counts: they stand at 0 from the start, since a rule sees
// no rise in what was not there.
var watched = []protocol.Action{protocol.RefillFailed, protocol.EngineStartFailed,
	protocol.EngineWillNotStop, protocol.ErrorStateEntered, protocol.DryRunProtectionTriggered,
	protocol.GPIOFailureFinal, protocol.DeadmanTripped, protocol.CutoffTripped,
	protocol.ControllerTripped, protocol.PumpSequenceStart, protocol.EmergencyStop}

// Hear counts a message; give it every one that is published. It is quick and safe for concurrent use.
func (t *Tally) Hear(msg any) {
	switch m := msg.(type) {
	case protocol.Detected:
		t.detections.Add(1)
	case protocol.Rejected:
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.refusals == nil {
			t.refusals = make(map[refusal]uint64)
		}
		kind := refusal{label(m.Source), label(m.Reason)}
		if _, known := t.refusals[kind]; !known && len(t.refusals) >= maxReasons {
			kind = refusal{other, other}
		}
		t.refusals[kind] += uint64(max(m.Count, 1))
	case protocol.Event:
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.events == nil {
			t.events = make(map[protocol.Action]uint64)
		}
		action := protocol.Action(label(string(m.Action)))
		if _, known := t.events[action]; !known && len(t.events) >= maxActions {
			action = other
		}
		t.events[action]++
	}
}

// counts is a tally at one moment.
type counts struct {
	detections uint64
	refusals   map[refusal]uint64
	events     map[protocol.Action]uint64
}

func (t *Tally) counts() counts {
	c := counts{detections: t.detections.Load(), events: make(map[protocol.Action]uint64)}
	for _, action := range watched {
		c.events[action] = 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c.refusals = maps.Clone(t.refusals)
	maps.Copy(c.events, t.events)
	return c
}
