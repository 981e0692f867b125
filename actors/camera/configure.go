package camera

import (
	"sync/atomic"

	"wildfire-watch/actors"
)

// Configured changes the settings of all cameras while they watch. The system sends it to the registry.
type Configured struct {
	Config Config
	// Done is called once, when every camera has said what it sees by the new settings; nil: nobody
	// waits. A camera that fails meanwhile never says so.
	Done func()
}

// configured tells a camera's actor that the registry's settings are others now.
type configured struct{ done func() }

// configure hands the settings to every actor, those without a camera too. Beyond a smaller
// max_cameras the least recently heard cameras go.
func (r *Registry) configure(m Configured) {
	r.config.Store(&m.Config)
	for len(r.cameras) > m.Config.MaxCameras {
		r.close(r.recent.Front().Value.(*entry))
		r.lost++
	}
	var all []actors.Ref
	for p := r.recent.Front(); p != nil; p = p.Next() {
		all = append(all, p.Value.(*entry).actor)
	}
	for _, e := range r.idle {
		all = append(all, e.actor)
	}
	left := new(atomic.Int64)
	left.Store(int64(len(all)) + 1)
	done := func() {
		if left.Add(-1) == 0 && m.Done != nil {
			m.Done()
		}
	}
	for _, a := range all {
		a.Send(configured{done})
	}
	done()
}
