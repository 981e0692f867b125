package camera

import (
	"cmp"
	"slices"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// The join of what discovery knows of a camera with what its actor sees: one camera, one entry.

// maxAliases bounds what can be learned of all cameras, mostAliases what one camera may be told.
const (
	maxAliases  = 100_000
	mostAliases = 16
)

// seenEvery is how often discovery hears of one camera that its pictures are looked at.
const seenEvery = 10 * time.Second

// found takes in what discovery says of a camera, and learns that its names and its MAC are one
// camera. What is older than what is known came late, and changes nothing.
func (r *Registry) found(c *actors.Context, f protocol.CameraFound) {
	mac, hasMAC := protocol.ParseMAC(f.MAC)
	name := f.Camera
	if name == "" {
		name = mac
	}
	if e := r.find(name); e != nil && f.Generation < e.view.Generation {
		c.Publish(protocol.Rejected{Source: "discovery", Reason: "late", Camera: e.view.Name})
		return
	}
	if !presentable(name) {
		c.Publish(protocol.Rejected{Source: source, Reason: "camera"})
		return
	}
	if own := canonical(name); f.Camera != "" && !r.fixed[own] {
		delete(r.aliases, own) // it was another name of a camera that is now called so
	}
	owner := r.resolve(name)
	if hasMAC && !f.Channel {
		r.link(mac, owner)
	}
	for _, alias := range f.Aliases[:min(len(f.Aliases), mostAliases)] {
		if presentable(alias) {
			r.link(canonical(alias), owner)
		}
	}
	e := r.find(owner)
	if e == nil {
		if e = r.open(c, owner); e == nil {
			return
		}
	}
	e.learn(f, mac)
	if !f.At.IsZero() {
		r.touch(e, f.At)
		e.actor.Send(protocol.CameraHeard{Camera: e.view.Name, Arrived: f.At})
	}
}

// learn notes what discovery says. An empty IP of a camera with a generation is one that it lost.
func (e *entry) learn(f protocol.CameraFound, mac string) {
	v := &e.view
	v.Found = true
	if mac != "" {
		v.MAC = mac
	}
	if (f.IP != "" || f.Generation > 0) && len(f.IP) <= longest {
		v.IP = f.IP
	}
	v.Aliases = slices.DeleteFunc(slices.Clone(f.Aliases[:min(len(f.Aliases), mostAliases)]),
		func(alias string) bool { return !presentable(alias) })
	slices.Sort(v.Aliases)
	v.Title, v.Manufacturer, v.Model = short(f.Title), short(f.Manufacturer), short(f.Model)
	v.Streams, v.Healthy, v.Problem = f.Streams, f.Healthy, short(f.Problem)
	v.Generation = f.Generation
}

// short bounds a text from outside.
func short(s string) string {
	if len(s) > 2*longest {
		return s[:2*longest]
	}
	return s
}

// link makes a MAC or a name another name of a camera; one that was known by it alone is that camera
// and must not vote twice. What the configuration says of a name stands.
func (r *Registry) link(alias, name string) {
	owner, known := r.aliases[alias]
	if alias == name || r.fixed[alias] || known && owner == name ||
		!known && len(r.aliases) >= maxAliases {
		return
	}
	r.aliases[alias] = name
	if e := r.cameras[alias]; e != nil {
		r.close(e)
	}
}

// seen tells discovery, now and then, that somebody looks at the camera's pictures.
func (r *Registry) seen(c *actors.Context, e *entry, at time.Time) {
	if at.Sub(e.told) < seenEvery {
		return
	}
	e.told = at
	c.Publish(protocol.CameraSeen{Camera: e.view.Name, MAC: e.view.MAC, At: at})
}

// Find is what is known of one camera, by the first that is not empty: a name, a MAC, an IP.
func (r *Registry) Find(name, mac, ip string) (view protocol.CameraView, ok bool) {
	var e *entry
	switch {
	case name != "":
		e = r.find(name)
	case mac != "":
		e = r.find(mac)
		for at := r.recent.Front(); e == nil && at != nil; at = at.Next() {
			if one := at.Value.(*entry); one.view.MAC == canonical(mac) {
				e = one
			}
		}
	case ip != "":
		for at := r.recent.Back(); e == nil && at != nil; at = at.Prev() {
			if one := at.Value.(*entry); one.view.IP == ip {
				e = one
			}
		}
	}
	if e == nil {
		return view, false
	}
	return e.copy(), true
}

// Snapshot copies what is known of all cameras, sorted by name.
func (r *Registry) Snapshot() []protocol.CameraView {
	all := make([]protocol.CameraView, 0, len(r.cameras))
	for _, e := range r.cameras {
		all = append(all, e.copy())
	}
	slices.SortFunc(all, func(a, b protocol.CameraView) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (e *entry) copy() protocol.CameraView {
	v := e.view
	v.Objects, v.Aliases = slices.Clone(v.Objects), slices.Clone(v.Aliases)
	return v
}

// chart hands the question to the camera's actor, under its canonical name.
func (r *Registry) chart(q protocol.ChartAsked) {
	e := r.find(q.Camera)
	if e == nil {
		q.Reply(protocol.Chart{}, false)
		return
	}
	q.Camera = e.view.Name
	e.actor.Send(q)
}
