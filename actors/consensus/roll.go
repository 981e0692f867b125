package consensus

import (
	"slices"

	"wildfire-watch/protocol"
)

// Counts is how many cameras there are and how they vote. An offline camera has no vote.
type Counts struct {
	Cameras, Online int
	// Growing cameras agree at any time, Steady ones (not growing) only after a trigger.
	Growing, Steady int
}

// Roll is the list of cameras with their newest verdicts. It keeps the counts as it goes, so that a
// verdict costs the same with four cameras and with ten thousand.
type Roll struct {
	Counts Counts
	all    map[string]standing
	voting map[string]protocol.CameraVerdict // online and growing or steady
}

// standing is what must be known of a camera to undo its part in the counts.
type standing struct {
	watch                   uint64
	online, growing, steady bool
}

// NewRoll makes a list without cameras.
func NewRoll() *Roll {
	return &Roll{all: make(map[string]standing), voting: make(map[string]protocol.CameraVerdict)}
}

// Note takes a camera's newest verdict in. The late word of an actor that no longer watches the
// camera changes nothing.
func (r *Roll) Note(v protocol.CameraVerdict) {
	old, known := r.all[v.Camera]
	if known && v.Watch < old.watch || !known && v.Gone {
		return
	}
	if known {
		r.Counts.add(old, -1)
	}
	if v.Gone {
		delete(r.all, v.Camera)
		delete(r.voting, v.Camera)
		return
	}
	s := standing{v.Watch, v.Online, v.Growing, v.Steady}
	r.Counts.add(s, 1)
	r.all[v.Camera] = s
	if v.Online && (v.Growing || v.Steady) {
		r.voting[v.Camera] = v
	} else {
		delete(r.voting, v.Camera)
	}
}

func (c *Counts) add(s standing, by int) {
	c.Cameras += by
	if !s.online {
		return
	}
	c.Online += by
	switch {
	case s.growing:
		c.Growing += by
	case s.steady:
		c.Steady += by
	}
}

// Agreeing lists the cameras that agree, sorted, and each of their objects that do.
func (r *Roll) Agreeing(steadyCounts bool) (cameras []string, fires [][2]string) {
	for name, v := range r.voting {
		if v.Growing || steadyCounts {
			cameras = append(cameras, name)
		}
	}
	slices.Sort(cameras)
	for _, name := range cameras {
		for _, object := range r.voting[name].Objects {
			fires = append(fires, [2]string{name, object})
		}
	}
	return cameras, fires
}

// Zones are those of the cameras named, sorted, each once; none without zone_activation.
func (c Config) Zones(cameras []string) (zones []string) {
	if !c.ZoneActivation {
		return nil
	}
	for _, name := range cameras {
		zones = append(zones, c.ZoneMapping[name]...)
	}
	slices.Sort(zones)
	return slices.Compact(zones)
}
