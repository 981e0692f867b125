// Package overview folds what everybody publishes into one picture of the house: whether it is ready, and
// if not why; pump, lines, cameras, consensus, alarms, broker, NVR, machine. Page, API, terminal and
// metrics are told from it.
//
// It promises that a change is shown within a fifth of a second, that it is never older than two
// seconds, and that it is sent at most five times a second.
// It must never call the house ready when an automatic trigger would not bring water, and it decides and
// commands nothing.
package overview

import (
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// How often.
const (
	atMost = 200 * time.Millisecond // between two overviews, and between two questions to the cameras
	quiet  = 2 * time.Second        // between two at most
)

// Kind is how to spawn it.
var Kind = actors.Kind{Name: "overview"}

// Actor is the shell around the machine. The same value may be given to the house again after a panic.
type Actor struct {
	facts   Facts
	machine *Machine
	sent    time.Time // the last overview; zero: none
	asked   time.Time // the cameras, last; zero: never
	pending bool      // there is something to tell
	wanted  bool      // the cameras are to be asked, as soon as may be
	due     time.Time // the timer's; zero: it is not armed
}

// New makes the actor.
func New(f Facts) *Actor { return &Actor{facts: f} }

// Started begins with what little is known.
func (a *Actor) Started(c *actors.Context) {
	if a.machine == nil {
		a.machine = NewMachine(a.facts, c.Now())
	}
	a.due, a.wanted, a.pending = time.Time{}, true, true
	a.step(c, true)
}

// Stopping leaves nothing to do.
func (a *Actor) Stopping(*actors.Context) {}

// Receive folds a message in.
func (a *Actor) Receive(c *actors.Context, msg any) {
	news := false
	switch msg.(type) {
	case actors.Fired:
		a.due = time.Time{}
	case protocol.CameraVerdict, protocol.CamerasFound:
		a.wanted = true
	default:
		news = a.machine.Hear(msg, c.Now(), c.Wall())
	}
	a.step(c, news)
}

// step sends, asks and arms what is due.
func (a *Actor) step(c *actors.Context, news bool) {
	now := c.Now()
	a.pending = a.pending || news || a.sent.IsZero() || now.Sub(a.sent) >= quiet
	if a.pending && (a.sent.IsZero() || now.Sub(a.sent) >= atMost) {
		a.pending, a.sent = false, now
		c.Publish(a.machine.Tell(now, c.Wall()))
		a.wanted = a.wanted || now.Sub(a.asked) >= quiet // signs of life are no news: they go with the next one
	}
	next := a.sent.Add(quiet)
	if a.pending {
		next = a.sent.Add(atMost)
	}
	if a.wanted && (a.asked.IsZero() || now.Sub(a.asked) >= atMost) {
		a.wanted, a.asked = false, now
		self := c.Self()
		c.Publish(protocol.CamerasAsked{Reply: func(all []protocol.CameraView) { self.Send(Seen(all)) }})
	} else if free := a.asked.Add(atMost); a.wanted && free.Before(next) {
		next = free
	}
	if a.due.IsZero() || next.Before(a.due) {
		a.due = next
		c.After("due", max(0, next.Sub(now)))
	}
}

var _ actors.Actor = (*Actor)(nil)
