package camera

import (
	"slices"
	"sync/atomic"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// source names us in counts of what was dropped.
const source = "consensus"

// reportEvery is how often the counts of what bounds cost are published at most.
const reportEvery = time.Second

// assigned gives an actor the camera that it is to watch from now on; an empty name is nobody.
// Actors are reused, so that max_cameras bounds them too.
type assigned struct {
	camera string
	watch  uint64 // CameraVerdict.Watch
}

// watch is the actor of one camera: it feeds the machine and publishes its verdict at every change.
// What arrives for a camera that it no longer watches is dropped.
type watch struct {
	// config is the registry's; it outlives a restart, as does duty.
	config *atomic.Pointer[Config]
	// duty outlives a restart: it says for whom verdicts were published.
	duty     *atomic.Pointer[assigned]
	machine  *Machine
	said     protocol.CameraVerdict
	armed    time.Time // zero: no timer
	reported time.Time
}

// Started publishes the verdict of an instance that has seen nothing yet: after a panic the old one
// must not stand.
func (w *watch) Started(c *actors.Context) { w.begin(c, *w.duty.Load()) }

// Stopping takes the camera's vote back.
func (w *watch) Stopping(c *actors.Context) { w.gone(c) }

func (w *watch) begin(c *actors.Context, a assigned) {
	w.duty.Store(&a)
	w.machine = New(*w.config.Load(), a.camera, c.Now())
	if a.camera != "" {
		w.said = w.machine.Verdict(c.Now())
		w.said.Watch = a.watch
		c.Publish(w.said)
	}
}

func (w *watch) gone(c *actors.Context) {
	if a := w.duty.Load(); a.camera != "" {
		c.Publish(protocol.CameraVerdict{Camera: a.camera, Watch: a.watch, Gone: true, At: c.Now()})
	}
}

// Receive feeds the machine.
func (w *watch) Receive(c *actors.Context, msg any) {
	now := c.Now()
	switch msg := msg.(type) {
	case protocol.Detected:
		if msg.Camera != w.machine.name {
			return
		}
		w.machine.Detected(msg, now)
	case protocol.CameraHeard:
		if msg.Camera != w.machine.name {
			return
		}
		w.machine.Heard(msg.Arrived, now)
	case configured:
		w.machine.Configure(*w.config.Load(), now)
		defer msg.done()
	case protocol.FireConfirmed:
		w.machine.Confirmed(msg, now)
	case protocol.TriggerOutcome:
		w.machine.Answered(msg, now)
	case protocol.ChartAsked:
		w.chart(c, msg)
		return
	case assigned:
		w.gone(c)
		w.begin(c, msg)
		return
	case actors.Fired:
		w.armed = time.Time{}
	default:
		return
	}
	w.tell(c, now)
	w.arm(c, now)
	w.report(c, now)
}

// chart answers with what was seen; a camera that this actor does not watch any more is nobody's.
func (w *watch) chart(c *actors.Context, q protocol.ChartAsked) {
	if q.Camera == "" || q.Camera != w.machine.name {
		q.Reply(protocol.Chart{}, false)
		return
	}
	q.Reply(w.machine.Chart(c.Now(), c.Wall()), true)
}

// tell publishes the verdict if it has changed.
func (w *watch) tell(c *actors.Context, now time.Time) {
	v := w.machine.Verdict(now)
	if v.Online == w.said.Online && v.Growing == w.said.Growing && v.Steady == w.said.Steady &&
		slices.Equal(v.Objects, w.said.Objects) {
		return
	}
	v.Watch = w.said.Watch
	w.said = v
	c.Publish(v)
}

// arm sees to it that the actor wakes no later than the verdict can change. A timer that is early
// enough is left alone: a deadline that moves with every sample would cost one each.
func (w *watch) arm(c *actors.Context, now time.Time) {
	until := w.machine.Until(now)
	if until.IsZero() || !w.armed.IsZero() && !w.armed.After(until) {
		return
	}
	w.armed = until
	c.After("deadline", until.Sub(now))
}

// report publishes what the bounds cost, at a bounded rate.
func (w *watch) report(c *actors.Context, now time.Time) {
	if w.machine.Lost == (Lost{}) || now.Sub(w.reported) < reportEvery {
		return
	}
	w.reported = now
	lost := w.machine.Lost
	w.machine.Lost = Lost{}
	if lost.Objects > 0 {
		c.Publish(dropped("max_objects", w.machine.name, lost.Objects))
	}
	if lost.Samples > 0 {
		c.Publish(dropped("max_samples", w.machine.name, lost.Samples))
	}
}

func dropped(why, camera string, count int) protocol.Rejected {
	return protocol.Rejected{Source: source, Reason: why, Camera: camera, Count: count}
}
