package camera

import (
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// dumb is SPEC §2 word by word over all samples that ever were, with no thought of cost. Each
// sample has a life: it counts at the instants from ≤ u < until.
type dumb struct {
	c       Config
	name    string
	known   bool
	heard   instant
	objects []*dumbObject

	confirmed, accepted uint64
}

type dumbObject struct {
	label, id         string
	names             []dumbName
	heard             instant
	box               protocol.Box
	hasBox            bool
	samples           []life
	frozen            instant
	baseline, pending float64
}

type dumbName struct {
	id    string
	heard instant
}

type life struct {
	sample
	from, until instant
	dropped     bool
}

func (d *dumb) hear(at, now instant) {
	if at = min(at, now); !d.known || at > d.heard {
		d.known, d.heard = true, at
	}
}

func (d *dumb) keep() instant { return max(d.c.Window+d.c.Skew, 30*time.Second) }

func (d *dumb) detected(p protocol.Detected, arrived, at, now instant) {
	d.hear(arrived, now)
	if !slices.Contains(d.c.Labels, p.Label) || p.Confidence < d.c.MinConfidence ||
		p.Confidence > 1 || p.Area < d.c.MinArea || p.Area > 1 {
		return
	}
	arrived = min(arrived, now)
	o := d.objectOf(p, arrived, now)
	d.take(o, sample{min(at, arrived), p.Area}, now)
}

func (d *dumb) objectOf(p protocol.Detected, arrived, now instant) *dumbObject {
	var o *dumbObject
	for _, other := range slices.Clone(d.objects) {
		i := slices.IndexFunc(other.names, func(n dumbName) bool { return n.id == p.Object })
		if other.label != p.Label || i < 0 {
			continue
		}
		if now-other.names[i].heard <= d.keep() {
			other.names[i].heard = max(other.names[i].heard, arrived)
			o = other
			break
		}
		other.names = slices.Delete(other.names, i, i+1)
	}
	d.objects = slices.DeleteFunc(d.objects, func(o *dumbObject) bool { return len(o.names) == 0 })
	if o == nil {
		o = d.newName(p, arrived, now)
	}
	o.heard = max(o.heard, arrived)
	if p.HasBox {
		o.box, o.hasBox = p.Box, true
	}
	return o
}

func (d *dumb) newName(p protocol.Detected, arrived, now instant) (o *dumbObject) {
	best := 0.0
	for _, other := range d.objects {
		if p.Object == "" || !p.HasBox || !other.hasBox || other.label != p.Label ||
			arrived-other.heard > 30*time.Second || now-other.heard > d.keep() {
			continue
		}
		a, b := p.Box, other.box
		w := max(0, min(a.X2, b.X2)-max(a.X1, b.X1))
		h := max(0, min(a.Y2, b.Y2)-max(a.Y1, b.Y1))
		if share := w * h / (a.Area() + b.Area() - w*h); share >= 0.3 && share > best {
			best, o = share, other
		}
	}
	if o == nil {
		if len(d.objects) >= d.c.MaxObjects {
			d.objects = slices.DeleteFunc(d.objects, func(o *dumbObject) bool {
				return now-o.heard > d.keep()
			})
		}
		if len(d.objects) >= d.c.MaxObjects {
			oldest := 0
			for i, other := range d.objects {
				if other.heard < d.objects[oldest].heard {
					oldest = i
				}
			}
			d.objects = slices.Delete(d.objects, oldest, oldest+1)
		}
		o = &dumbObject{label: p.Label, id: p.Object, heard: arrived, frozen: -1 << 62}
		if o.id == "" {
			o.id = p.Label
		}
		d.objects = append(d.objects, o)
	}
	o.names = append(o.names, dumbName{p.Object, arrived})
	if len(o.names) > 16 {
		oldest := 0
		for i, n := range o.names {
			if n.heard < o.names[oldest].heard {
				oldest = i
			}
		}
		o.names = slices.Delete(o.names, oldest, oldest+1)
	}
	return o
}

// take gives a sample its life, and ends the oldest one's if there are too many.
func (d *dumb) take(o *dumbObject, s sample, now instant) {
	kept := func(l life) bool { return !l.dropped && l.at > now-d.c.Window-d.c.Skew }
	if s.at <= now-d.c.Window-d.c.Skew {
		return
	}
	count, oldest := 0, -1
	for i, l := range o.samples {
		if !kept(l) {
			continue
		}
		if l.sample == s {
			return
		}
		count++
		if oldest < 0 || l.before(o.samples[oldest].sample) {
			oldest = i
		}
	}
	if count >= d.c.MaxSamples && s.before(o.samples[oldest].sample) {
		return
	}
	floor := max(o.frozen, now-d.c.Skew)
	o.samples = append(o.samples, life{s, max(s.at, floor), s.at + d.c.Window, false})
	if count >= d.c.MaxSamples {
		l := &o.samples[oldest]
		o.frozen = max(o.frozen, min(now, l.at+d.c.Window))
		l.until, l.dropped = min(now, l.until), true
	}
}

// at is the samples that count at u, in order.
func (o *dumbObject) at(c Config, u instant) (areas []float64) {
	var all []sample
	for _, l := range o.samples {
		if l.from <= u && u < l.until {
			all = append(all, l.sample)
		}
	}
	slices.SortFunc(all, func(a, b sample) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	followed := false
	for _, s := range all {
		if followed = followed || s.area <= c.MaxArea; followed {
			areas = append(areas, s.area)
		}
	}
	return areas
}

func dumbMedian(areas []float64) float64 {
	a := slices.Sorted(slices.Values(areas))
	if n := len(a); n%2 == 1 {
		return a[n/2]
	} else if n > 0 {
		return (a[n/2-1] + a[n/2]) / 2
	}
	return 0
}

func (o *dumbObject) ratio(c Config, u instant) bool {
	areas := o.at(c, u)
	n := len(areas)
	if n < 2*c.Average {
		return false
	}
	h := max(c.Average, n/2)
	return dumbMedian(areas[n-h:]) >= c.Ratio*dumbMedian(areas[:h])
}

// growing looks back to where the ratio condition began to hold, and for a sample that came
// growth_hold later.
func (o *dumbObject) growing(c Config, now instant) bool {
	if !o.ratio(c, now) {
		return false
	}
	var turns []instant // earlier ones first
	for _, l := range o.samples {
		turns = append(turns, l.from, l.until)
	}
	slices.Sort(turns)
	since := now
	for _, u := range slices.Backward(turns) {
		if u <= now && o.ratio(c, u) {
			since = u
		} else if u <= now {
			break
		}
	}
	if c.Hold == 0 {
		return true
	}
	for _, l := range o.samples {
		if l.from <= now && now < l.until && l.at-since >= c.Hold {
			return true
		}
	}
	return false
}

func (o *dumbObject) grew(c Config, now instant) bool {
	if o.growing(c, now) {
		return true
	}
	for _, l := range o.samples {
		for _, u := range []instant{l.from, l.until} {
			if u <= now && o.growing(c, u) {
				return true
			}
		}
	}
	return false
}

func (o *dumbObject) size(c Config, u instant) float64 {
	areas := o.at(c, u)
	n := len(areas)
	return dumbMedian(areas[n-min(n, max(c.Average, n/2)):])
}

// confirmedAt notes sizes among the samples that are held now.
func (d *dumb) confirmedAt(id uint64, at, now instant) {
	if id <= d.confirmed {
		return
	}
	d.confirmed = id
	for _, o := range d.objects {
		held := dumbObject{}
		for _, l := range o.samples {
			if !l.dropped {
				l.from = l.at
				held.samples = append(held.samples, l)
			}
		}
		o.pending = held.size(d.c, max(at, now-d.c.Skew))
	}
	if d.accepted == id {
		d.adopt()
	}
}

func (d *dumb) answered(id uint64, accepted bool) {
	if accepted && id > d.accepted {
		d.accepted = id
		if d.confirmed == id {
			d.adopt()
		}
	}
}

func (d *dumb) adopt() {
	for _, o := range d.objects {
		o.baseline = o.pending
	}
}

func (d *dumb) verdict(now instant) (v protocol.CameraVerdict) {
	v.Camera = d.name
	v.Online = d.known && now-d.heard <= d.c.Timeout
	var growing, steady []string
	for _, o := range d.objects {
		grows := o.growing(d.c, now)
		burns := o.baseline > 0 && o.size(d.c, now) > o.baseline/2 && o.grew(d.c, now)
		v.Growing = v.Growing || grows
		v.Steady = v.Steady || burns
		if grows {
			growing = append(growing, o.id)
		} else if burns {
			steady = append(steady, o.id)
		}
	}
	slices.Sort(growing)
	slices.Sort(steady)
	v.Objects = append(slices.Compact(growing), slices.Compact(steady)...)
	return v
}

// turns are the instants in (after, before) at which the verdict may turn, with their neighbours.
func (d *dumb) turns(after, before instant) []instant {
	var all []instant
	see := func(u instant) {
		for _, t := range []instant{u - 1, u, u + 1} {
			if after < t && t < before {
				all = append(all, t)
			}
		}
	}
	see(d.heard + d.c.Timeout)
	for _, o := range d.objects {
		for _, l := range o.samples {
			see(l.from)
			see(l.until)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
