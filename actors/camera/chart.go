package camera

import (
	"cmp"
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// Bounds of a chart: what a page can draw, whatever max_objects and max_samples are.
const (
	chartObjects = 20
	chartPoints  = 600 // an object
)

// Chart is what the camera saw inside the window, and the rule that it is judged by. wall is the wall
// clock at now. The objects that agree come first, then the newest heard.
func (m *Machine) Chart(now, wall time.Time) protocol.Chart {
	u := m.instant(now)
	m.catchUp(u)
	c := &m.config
	chart := protocol.Chart{Camera: m.name, At: unix(wall), Window: c.Window.Seconds(), Hold: c.Hold.Seconds(),
		Ratio: c.Ratio, MinArea: c.MinArea, MaxArea: c.MaxArea, Objects: []protocol.ChartTrack{}}
	shown := slices.DeleteFunc(slices.Clone(m.objects), func(o *object) bool {
		w := o.windowAt(c, u)
		return w.low == w.high
	})
	slices.SortStableFunc(shown, func(a, b *object) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), compare(b.heard, a.heard), cmp.Compare(a.id, b.id))
	})
	for _, o := range shown[:min(len(shown), chartObjects)] {
		chart.Objects = append(chart.Objects, o.track(c, u, wall))
	}
	return chart
}

// rank is an object's place: growing, steady, the others.
func (o *object) rank() int {
	switch {
	case o.growing:
		return 0
	case o.steady:
		return 1
	}
	return 2
}

// track is the object as of u, at which the wall clock says wall.
func (o *object) track(c *Config, u instant, wall time.Time) protocol.ChartTrack {
	w := o.windowAt(c, u)
	t := protocol.ChartTrack{ID: o.id, Label: o.label, Growing: o.growing, Steady: o.steady}
	at := func(i instant) float64 { return unix(wall.Add(i - u)) }
	if e := o.newest(); o.growing {
		t.Since = at(e.since)
	}
	t.Earlier, t.Later, _ = o.halves(c, w)
	n := w.high - w.low
	t.Points = make([][2]float64, 0, min(n, chartPoints))
	for i := range min(n, chartPoints) {
		s := o.samples[w.high-1-i*max(n-1, 1)/max(min(n, chartPoints)-1, 1)] // evenly, the newest and the oldest among them
		t.Points = append(t.Points, [2]float64{at(s.at), s.area})
	}
	slices.Reverse(t.Points)
	return t
}

// unix is Unix time in seconds.
func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
