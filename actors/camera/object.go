package camera

import (
	"math"
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// never is later than every instant.
const never instant = math.MaxInt64

// batch is how many expired samples are worth a copy of the rest.
const batch = 16

// growth is how far an object's growth has come.
type growth uint8

const (
	apart   growth = iota // the ratio condition does not hold
	holding               // it holds
	growing               // it has been seen to hold for growth_hold: the object grows
)

// edge is an instant from which an object's growth is another.
type edge struct {
	at    instant
	level growth
	since instant // the ratio condition has held since, if level is not apart
}

// object is one thing that a camera follows, under one or several ids of its sender.
//
// Whether it grows is a function of its samples and time. A late sample rewrites that function from
// its own time on, but not before the floor: Skew ago, or the last instant at which max_samples
// took a sample that still counted. What lies before the floor is final, and its samples may go.
type object struct {
	label, id string    // id is the first that it was known by
	names     []*naming // every id that still leads here
	heard     instant   // last arrival
	box       protocol.Box
	hasBox    bool

	samples     []sample
	first, last half

	swept  instant // growth is known up to here, edges included
	frozen instant // the floor set by max_samples
	past   struct {
		edge      // the last edge before the floor
		grew bool // it was growing at some instant before the floor
	}
	edges []edge // since the floor

	// sizes at the last accepted trigger and at the one not answered yet; 0: not seen then
	baseline, pending float64

	// as of the last evaluation
	growing, grew, steady bool
	until                 instant // nothing changes by itself before
}

// floor is the instant before which nothing can be rewritten any more.
func (o *object) floor(c *Config, now instant) instant { return max(o.frozen, now-c.Skew) }

// add takes a sample in and says how many max_samples cost. A sample that is there already
// changes nothing.
func (o *object) add(c *Config, s sample, now instant) (lost int) {
	floor := o.floor(c, now)
	if o.swept < floor { // before its samples are forgotten, and so that s cannot rewrite it
		o.sweep(c, o.swept, floor)
	}
	o.forgetUpTo(c, now-c.Skew-c.Window)
	if s.at <= now-c.Skew-c.Window {
		return 0
	}
	i := len(o.samples)
	for i > 0 && s.before(o.samples[i-1]) {
		i--
	}
	if i > 0 && o.samples[i-1] == s {
		return 0
	}
	full := len(o.samples) >= c.MaxSamples
	if full && i == 0 {
		return 1
	}
	o.samples = slices.Insert(o.samples, i, s)
	o.first.inserted(i, s.area)
	o.last.inserted(i, s.area)
	o.sweep(c, min(o.swept, max(s.at, floor)), now)
	if full {
		o.dropOldest(c, now)
		lost = 1
	}
	o.settle(o.floor(c, now))
	return lost
}

// dropOldest takes the oldest sample out of the present and the future, not out of the past.
func (o *object) dropOldest(c *Config, now instant) {
	end := o.samples[0].at + c.Window
	o.cut(1)
	o.frozen = max(o.frozen, min(now, end))
	if end > now {
		o.sweep(c, now, now)
	}
}

// forgetUpTo drops samples that no instant since the floor can see: a batch at a time, or at once
// where room is needed.
func (o *object) forgetUpTo(c *Config, u instant) {
	if len(o.samples) == 0 || o.samples[0].at > u {
		return
	}
	k := o.after(u)
	if k >= batch+len(o.samples)/4 || len(o.samples) >= c.MaxSamples {
		o.cut(k)
	}
}

func (o *object) cut(k int) {
	o.first.cut(o.samples, k)
	o.last.cut(o.samples, k)
	o.samples = slices.Delete(o.samples, 0, k)
}

// sweep computes growth anew from one instant to another, both included. It can change where a
// sample enters or leaves the window, nowhere else.
func (o *object) sweep(c *Config, from, to instant) {
	for n := len(o.edges); n > 0 && o.edges[n-1].at >= from; n-- {
		o.edges = o.edges[:n-1]
	}
	w := o.windowAt(c, from)
	last := o.newest()
	for u := from; ; {
		if e := o.judge(c, w, u, last); e.level != last.level {
			o.edges = append(o.edges, e)
			last = e
		}
		u = o.next(c, w)
		if u > to {
			break
		}
		for w.low < len(o.samples) && o.samples[w.low].at+c.Window <= u {
			w.low++
		}
		for w.high < len(o.samples) && o.samples[w.high].at <= u {
			w.high++
		}
	}
	o.swept = to
}

// judge is the growth at u, after what it was before. That the ratio condition has held for
// growth_hold must be seen: a sample as late as that must be there. A car that passed leaves its
// samples behind, and they read as growth until they leave the window; but nobody saw it grow for
// longer than it took to pass.
func (o *object) judge(c *Config, w window, u instant, last edge) edge {
	if !o.grows(c, w) {
		return edge{at: u}
	}
	e := edge{u, holding, u}
	if last.level != apart {
		e.since = last.since
	}
	if c.Hold == 0 || o.samples[w.high-1].at-e.since >= c.Hold {
		e.level = growing
	}
	return e
}

// next is the instant at which a sample enters or leaves the window.
func (o *object) next(c *Config, w window) instant {
	u := never
	if w.high < len(o.samples) {
		u = o.samples[w.high].at
	}
	if w.low < len(o.samples) {
		u = min(u, o.samples[w.low].at+c.Window)
	}
	return u
}

// newest is the last edge so far.
func (o *object) newest() edge {
	if n := len(o.edges); n > 0 {
		return o.edges[n-1]
	}
	return o.past.edge
}

// settle makes what lies before the floor final.
func (o *object) settle(floor instant) {
	k := 0
	for ; k < len(o.edges) && o.edges[k].at < floor; k++ {
		o.past.edge = o.edges[k]
		o.past.grew = o.past.grew || o.past.level == growing
	}
	o.edges = slices.Delete(o.edges, 0, k)
}

// evaluate computes the flags at now and the next instant at which they can change by themselves.
func (o *object) evaluate(c *Config, now instant) {
	if now > o.swept {
		o.sweep(c, o.swept, now)
		o.settle(o.floor(c, now))
	}
	o.grew = o.past.grew
	for _, e := range o.edges {
		o.grew = o.grew || e.level == growing
	}
	o.growing = o.newest().level == growing
	w := o.windowAt(c, now)
	o.steady = o.grew && o.baseline > 0 && o.size(c, w) > o.baseline/2
	o.until = o.wake(c, w)
}

// wake is when a flag can change at the earliest. Growth begins with a sample, except that one
// which leaves may create it where nothing is held; so nobody is woken while nothing burns.
func (o *object) wake(c *Config, w window) instant {
	if o.growing || c.Hold == 0 || o.grew && o.baseline > 0 {
		return o.next(c, w)
	}
	return never
}

// overlap is the intersection of two boxes over their union.
func overlap(a, b protocol.Box) float64 {
	common := protocol.Box{X1: max(a.X1, b.X1), Y1: max(a.Y1, b.Y1),
		X2: min(a.X2, b.X2), Y2: min(a.Y2, b.Y2)}
	if common.X2 <= common.X1 || common.Y2 <= common.Y1 {
		return 0
	}
	return common.Area() / (a.Area() + b.Area() - common.Area())
}

// keep is how long an object, or an id of it, is remembered after it was last heard.
func (c *Config) keep() time.Duration { return max(c.Window+c.Skew, fragmentGap) }
