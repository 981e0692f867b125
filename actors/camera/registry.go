// Package camera decides what each camera sees: one actor a camera follows its fire and smoke
// objects, says whether one grows, whether one that was growing still burns, and whether the camera
// is alive at all (SPEC §2). The registry in front of them knows every name of every camera and
// sends each detection to its actor.
//
// Promised: a verdict is a function of samples and time alone, in whatever order they arrived, and
// is published at the instant it changes; names, MAC and aliases of one camera are one camera; what
// comes from outside is bounded in length and number, the oldest going first, counted.
//
// It must never let a camera vote for longer than it is heard of, nor decide by the wall clock.
package camera

import (
	"container/list"
	"fmt"
	"sync/atomic"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// BulkLimit is how many detections wait for one camera before the oldest is dropped.
const BulkLimit = 256

// Registry knows the cameras. It is an actor that outlives its own panics: its instance is to be
// handed to Spawn again and again, for what it knows cannot be asked for again.
type Registry struct {
	config  *atomic.Pointer[Config] // shared with the cameras' actors
	cameras map[string]*entry       // by canonical name
	aliases map[string]string       // further name or MAC → canonical name
	fixed   map[string]bool         // aliases, and names, that the configuration gives
	recent  *list.List              // of *entry, the least recently heard first
	idle    []*entry                // actors whose camera was dropped, to be used again
	spawned int
	watches uint64
	lost    int // cameras dropped for max_cameras, not yet reported
	told    time.Time
}

// entry is one camera, or an actor that has none at the moment.
type entry struct {
	view  protocol.CameraView
	actor actors.Ref
	duty  *atomic.Pointer[assigned] // of the actor, see watch
	watch uint64
	told  time.Time // the last CameraSeen
	place *list.Element
}

// NewRegistry makes the registry of no cameras; known are the names that the configuration gives.
func NewRegistry(c Config, known map[string]Known) *Registry {
	config := new(atomic.Pointer[Config])
	config.Store(&c)
	r := &Registry{config: config, cameras: make(map[string]*entry), aliases: make(map[string]string),
		fixed: make(map[string]bool), recent: list.New()}
	for name, k := range known {
		r.fixed[name] = true
		if name != canonical(name) {
			r.aliases[canonical(name)] = name
		}
		for _, alias := range k.Aliases {
			r.aliases[canonical(alias)] = name
		}
		if mac, ok := protocol.ParseMAC(k.MAC); ok {
			r.aliases[mac] = name
		}
	}
	for alias := range r.aliases {
		r.fixed[alias] = true
	}
	return r
}

// Started does nothing: cameras come from messages.
func (r *Registry) Started(*actors.Context) {}

// Stopping does nothing: the cameras take back their own votes.
func (r *Registry) Stopping(*actors.Context) {}

// Receive sends each message to the camera it is about, or to all.
func (r *Registry) Receive(c *actors.Context, msg any) {
	switch m := msg.(type) {
	case protocol.Detected:
		r.detected(c, m, msg)
	case protocol.CameraHeard:
		if e := r.heard(c, m.Camera, m.Arrived); e != nil {
			r.seen(c, e, m.Arrived)
			m.Camera = e.view.Name
			e.actor.Send(m)
		}
	case protocol.CamerasFound:
		for _, found := range m.Cameras {
			r.found(c, found)
		}
	case protocol.FireConfirmed, protocol.TriggerOutcome:
		for p := r.recent.Front(); p != nil; p = p.Next() {
			p.Value.(*entry).actor.Send(msg)
		}
	case protocol.CameraVerdict:
		r.verdict(m)
	case Configured:
		r.configure(m)
	case protocol.CamerasAsked:
		m.Reply(r.Snapshot())
	case protocol.CameraAsked:
		m.Reply(r.Find(m.Name, m.MAC, m.IP))
	case protocol.ChartAsked:
		r.chart(m)
	}
	r.report(c)
}

// detected forwards a sighting. Only one that counts makes a camera known.
func (r *Registry) detected(c *actors.Context, d protocol.Detected, msg any) {
	if len(d.Object) > longest {
		c.Publish(protocol.Rejected{Source: source, Reason: "object id", Camera: d.Camera})
		return
	}
	e := r.find(d.Camera)
	if e == nil {
		if !r.config.Load().Counts(&d) {
			return
		}
		if e = r.heard(c, d.Camera, d.Arrived); e == nil {
			return
		}
	}
	r.touch(e, d.Arrived)
	r.seen(c, e, d.Arrived)
	if d.Camera == e.view.Name {
		e.actor.Send(msg)
		return
	}
	d.Camera = e.view.Name
	e.actor.Send(d)
}

// resolve is the canonical name behind a name from outside.
func (r *Registry) resolve(name string) string {
	name = canonical(name)
	if owner, ok := r.aliases[name]; ok {
		return owner
	}
	return name
}

func (r *Registry) find(name string) *entry {
	if e := r.cameras[name]; e != nil {
		return e
	}
	return r.cameras[r.resolve(name)]
}

// heard finds a camera or makes it known; nil if its name is not presentable or there is no actor
// to be had.
func (r *Registry) heard(c *actors.Context, name string, at time.Time) *entry {
	e := r.find(name)
	if e == nil {
		if !presentable(name) {
			c.Publish(protocol.Rejected{Source: source, Reason: "camera"})
			return nil
		}
		if e = r.open(c, r.resolve(name)); e == nil {
			return nil
		}
	}
	r.touch(e, at)
	return e
}

// touch notes that a camera was heard of.
func (r *Registry) touch(e *entry, at time.Time) {
	if at.After(e.view.LastHeard) {
		e.view.LastHeard = at
	}
	r.recent.MoveToBack(e.place)
}

// open gives a new camera an actor: one that has no camera, else a new one. Beyond max_cameras the
// least recently heard camera goes first.
func (r *Registry) open(c *actors.Context, name string) *entry {
	if len(r.cameras) >= r.config.Load().MaxCameras {
		r.close(r.recent.Front().Value.(*entry))
		r.lost++
	}
	r.watches++
	a := assigned{name, r.watches}
	e := &entry{view: protocol.CameraView{Name: name}, watch: a.watch}
	if n := len(r.idle); n > 0 {
		e.actor, e.duty = r.idle[n-1].actor, r.idle[n-1].duty
		r.idle = r.idle[:n-1]
		e.actor.Send(a)
	} else if err := r.spawn(c, e, a); err != nil {
		c.Publish(protocol.Fault{Code: "camera", Text: fmt.Sprintf("watch camera %s: %v", name, err)})
		return nil
	}
	r.cameras[name] = e
	e.place = r.recent.PushBack(e)
	return e
}

func (r *Registry) spawn(c *actors.Context, e *entry, a assigned) (err error) {
	r.spawned++
	duty := dutyOf(a)
	config := r.config
	e.duty = duty
	e.actor, err = c.Spawn(fmt.Sprintf("camera-%d", r.spawned),
		actors.Kind{Name: "camera", BulkLimit: BulkLimit},
		func() actors.Actor { return &watch{config: config, duty: duty} })
	return err
}

func dutyOf(a assigned) *atomic.Pointer[assigned] {
	duty := new(atomic.Pointer[assigned])
	duty.Store(&a)
	return duty
}

// close drops a camera and keeps its actor for the next. Its vote goes at once: the actor is told
// to watch nobody.
func (r *Registry) close(e *entry) {
	delete(r.cameras, e.view.Name)
	r.recent.Remove(e.place)
	e.actor.Send(assigned{})
	r.idle = append(r.idle, e)
}

// verdict keeps the newest verdict for snapshots. An actor that is gone though its camera was not
// dropped kept failing: the camera gets a new one with its next detection.
func (r *Registry) verdict(v protocol.CameraVerdict) {
	e := r.cameras[v.Camera]
	if e == nil || e.watch != v.Watch {
		return
	}
	if v.Gone {
		delete(r.cameras, v.Camera)
		r.recent.Remove(e.place)
		return
	}
	e.view.Online, e.view.Growing, e.view.Steady = v.Online, v.Growing, v.Steady
	e.view.Objects = v.Objects
}

func (r *Registry) report(c *actors.Context) {
	if r.lost == 0 || c.Now().Sub(r.told) < reportEvery {
		return
	}
	c.Publish(dropped("max_cameras", "", r.lost))
	r.lost, r.told = 0, c.Now()
}
