// Package alarms keeps the one list of what stands: every signal of the pump, every fault, a fire, a
// camera that is away, a machine that is ill. The table of kinds is protocol.AlarmKinds.
//
// It promises that an alarm is in the list at once when its cause is told (a camera's after
// alarms.camera_offline); that the first since all was quiet is marked; that a latched one stays until a person has seen
// it; that one that comes and goes is counted instead of told again and again; that list and events are
// bounded in number and rate, a fire's never left out.
// It must never hide an alarm whose cause holds, whoever has acknowledged it, and it commands nothing.
package alarms

import (
	"encoding/json"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// Settings are what the actor is made of.
type Settings struct {
	Config Config
	// FireOffDelay is pump.fire_off_delay: the fire alarm's cause is over so long after the last
	// confirmation.
	FireOffDelay time.Duration
	Host         string // for system/alarms
	// Cameras are those that the configuration names: one that is not heard of within CameraTimeout
	// (consensus.camera_timeout) after the start is offline, though nobody else knows it.
	Cameras       []string
	CameraTimeout time.Duration
}

// Kind is how to spawn it.
var Kind = actors.Kind{Name: "alarms"}

// Actor is the shell around the machine. The same value may be given to the house again after a panic:
// what stands cannot be asked for again.
type Actor struct {
	s       Settings
	machine *Machine
	begun   bool
	armed   time.Time
	list    []protocol.Standing
	posted  time.Time // system/alarms was last published; zero: never
	waiting bool      // a publication is due
}

// New makes the actor.
func New(s Settings) *Actor { return &Actor{s: s, machine: NewMachine(s.Config, s.FireOffDelay)} }

// postEvery is how often system/alarms is published at most.
const postEvery = time.Second

// Started says what stands, be it nothing: an older retained list must not.
func (a *Actor) Started(c *actors.Context) {
	if !a.begun {
		a.begun = true
		a.machine.Expect(a.s.Cameras, a.s.CameraTimeout, c.Now())
	}
	a.armed, a.waiting = time.Time{}, false
	a.list = a.machine.List()
	c.Publish(protocol.AlarmsStanding{Alarms: a.list})
	a.post(c)
	a.step(c, nil)
}

// Stopping leaves nothing to do.
func (a *Actor) Stopping(*actors.Context) {}

// Receive feeds the machine.
func (a *Actor) Receive(c *actors.Context, msg any) {
	if f, ok := msg.(actors.Fired); ok {
		if f.Name == "post" {
			a.waiting = false
			a.publish(c)
			return
		}
		a.armed, msg = time.Time{}, nil
	}
	a.step(c, msg)
}

func (a *Actor) step(c *actors.Context, in any) {
	now, wall := c.Now(), c.Wall()
	events, list, news := a.machine.Step(in, now, wall)
	if news {
		a.list = list
		c.Publish(protocol.AlarmsStanding{Alarms: list})
		a.post(c)
	}
	for _, e := range events {
		e.At = wall
		c.Publish(e)
	}
	switch until := a.machine.Until(); {
	case until.IsZero():
		c.Cancel("deadline")
		a.armed = until
	case !until.Equal(a.armed):
		c.After("deadline", until.Sub(now))
		a.armed = until
	}
}

// post publishes the list on system/alarms, now or as soon as the last is old enough.
func (a *Actor) post(c *actors.Context) {
	left := postEvery - c.Now().Sub(a.posted)
	switch {
	case a.waiting:
	case !a.posted.IsZero() && left > 0:
		a.waiting = true
		c.After("post", left)
	default:
		a.publish(c)
	}
}

// maxPosted is how many alarms system/alarms carries.
const maxPosted = 50

// board is the payload of system/alarms.
type board struct {
	Timestamp      float64             `json:"timestamp"` // Unix seconds
	Host           string              `json:"host"`
	Total          int                 `json:"total"`
	Unacknowledged int                 `json:"unacknowledged"`
	Alarms         []protocol.Standing `json:"alarms"` // the worst 50
}

func (a *Actor) publish(c *actors.Context) {
	a.posted = c.Now()
	b := board{Timestamp: seconds(c.Wall()), Host: a.s.Host, Total: len(a.list),
		Alarms: a.list[:min(len(a.list), maxPosted)]}
	for _, one := range a.list {
		if one.Acknowledged == "" {
			b.Unacknowledged++
		}
	}
	payload, err := json.Marshal(b)
	if err != nil {
		return // every field is a text, a truth or a finite number
	}
	c.Publish(protocol.Publication{Service: protocol.Telemetry, Topic: protocol.TopicAlarms, Payload: payload,
		QoS: 1, Retained: true})
}

var _ actors.Actor = (*Actor)(nil)
