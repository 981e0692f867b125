package camera

import (
	"slices"
	"time"
)

// instant is monotonic time since the camera's machine was made.
type instant = time.Duration

// sample is one area of one object.
type sample struct {
	at   instant
	area float64 // share of the frame
}

// before is the order of samples: by time, then area (SPEC §2 "Time").
func (s sample) before(o sample) bool {
	return s.at < o.at || s.at == o.at && s.area < o.area
}

// half is a run of neighbouring samples, samples[from:to], with their areas kept sorted, so that
// the median of a window that moves by one costs a search and a small copy.
type half struct {
	from, to int
	sorted   []float64
}

// rebuild is the move from which sorting anew is cheaper than following.
const rebuild = 12

// move makes the half samples[from:to].
func (h *half) move(samples []sample, from, to int) {
	far := max(from-h.from, h.from-from) + max(to-h.to, h.to-to)
	if from >= h.to || to <= h.from || far > rebuild+len(h.sorted)/4 {
		h.from, h.to = from, to
		h.sorted = h.sorted[:0]
		for _, s := range samples[from:to] {
			h.sorted = append(h.sorted, s.area)
		}
		slices.Sort(h.sorted)
		return
	}
	for ; h.to < to; h.to++ {
		h.add(samples[h.to].area)
	}
	for h.from > from {
		h.from--
		h.add(samples[h.from].area)
	}
	for h.to > to {
		h.to--
		h.remove(samples[h.to].area)
	}
	for ; h.from < from; h.from++ {
		h.remove(samples[h.from].area)
	}
}

// inserted tells the half that a sample now stands at index i.
func (h *half) inserted(i int, area float64) {
	switch {
	case i <= h.from:
		h.from++
		h.to++
	case i < h.to:
		h.to++
		h.add(area)
	}
}

// cut tells the half that the first k samples are about to go.
func (h *half) cut(samples []sample, k int) {
	if h.from < k {
		h.move(samples, k, max(h.to, k))
	}
	h.from -= k
	h.to -= k
}

func (h *half) add(area float64) {
	i := search(h.sorted, area)
	h.sorted = append(h.sorted, 0)
	copy(h.sorted[i+1:], h.sorted[i:])
	h.sorted[i] = area
}

func (h *half) remove(area float64) {
	i := search(h.sorted, area)
	copy(h.sorted[i:], h.sorted[i+1:])
	h.sorted = h.sorted[:len(h.sorted)-1]
}

// median of an even count is the mean of the middle two; of none it is 0.
func (h *half) median() float64 {
	n := len(h.sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return h.sorted[n/2]
	}
	return (h.sorted[n/2-1] + h.sorted[n/2]) / 2
}

// search is the first place in sorted areas that is not below area.
func search(sorted []float64, area float64) int {
	low, high := 0, len(sorted)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if sorted[mid] < area {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// window is the samples of an object with u - Window < at <= u: samples[low:high].
type window struct{ low, high int }

// windowAt finds the window of instant u.
func (o *object) windowAt(c *Config, u instant) window {
	return window{o.after(u - c.Window), o.after(u)}
}

// after is the index of the first sample later than u.
func (o *object) after(u instant) int {
	low, high := 0, len(o.samples)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if o.samples[mid].at <= u {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// counting leaves out the oversize samples before the first within the limits: a frame-filling
// object is fire only if it was followed there (SPEC §2 "Oversize").
func (o *object) counting(c *Config, w window) window {
	for w.low < w.high && o.samples[w.low].area > c.MaxArea {
		w.low++
	}
	return w
}

// grows is the ratio condition on one window (SPEC §2 "An object grows", without the hold).
func (o *object) grows(c *Config, w window) bool {
	earlier, later, enough := o.halves(c, w)
	return enough && later >= c.Ratio*earlier
}

// halves are the medians of the earlier and of the later half of what counts; enough: there are samples
// enough to compare.
func (o *object) halves(c *Config, w window) (earlier, later float64, enough bool) {
	w = o.counting(c, w)
	n := w.high - w.low
	if n < 2*c.Average || n == 0 {
		return 0, 0, false
	}
	h := max(n/2, 1)
	o.first.move(o.samples, w.low, w.low+h)
	o.last.move(o.samples, w.high-h, w.high)
	return o.first.median(), o.last.median(), true
}

// size is the median of the last h samples that count, 0 if none does.
func (o *object) size(c *Config, w window) float64 {
	w = o.counting(c, w)
	n := w.high - w.low
	h := min(max(c.Average, n/2), n)
	o.last.move(o.samples, w.high-h, w.high)
	return o.last.median()
}
