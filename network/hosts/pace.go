package hosts

import (
	"context"
	"time"
)

// Bounds of a pacer.
const (
	// window is a second, and a little for what waits in the queue of a network card.
	window = time.Second + 5*time.Millisecond
	// mostLate is how much of what a late timer missed is made up for, at four times the rate and with
	// a breath in between: a busy machine costs no time, and nobody's queue a burst.
	mostLate = 250 * time.Millisecond
	breath   = time.Millisecond
)

// pacer spaces what is sent. No second, wherever it begins, holds more than the rate.
type pacer struct {
	interval time.Duration
	next     time.Time
	sent     []time.Time // as many as a second may hold, in a ring
	at       int         // the oldest of them
	most     int         // to be sent without a breath
	run      int         // sent since the last one
	timer    *time.Timer
}

// newPacer is for a rate a second.
func newPacer(rate int) *pacer {
	return &pacer{interval: window / time.Duration(rate), sent: make([]time.Time, rate), most: max(4*rate/1000, 1)}
}

// wait returns when the next may be sent. The first may at once.
func (p *pacer) wait(ctx context.Context) error {
	now := time.Now()
	if p.next.IsZero() {
		p.next = now
	} else {
		// What was let go last is on the wire by now, however late that was.
		p.sent[(p.at+len(p.sent)-1)%len(p.sent)] = now
	}
	if behind := now.Add(-mostLate); p.next.Before(behind) {
		p.next = behind
	}
	due := p.next
	if full := p.sent[p.at].Add(window); due.Before(full) {
		due = full
	}
	if earliest := now.Add(breath); p.run >= p.most && due.Before(earliest) {
		due = earliest
	}
	if early := due.Sub(now); early > 0 {
		p.run = 0
		if err := p.rest(ctx, early); err != nil {
			return err
		}
		now = time.Now()
	}
	p.run++
	p.next = p.next.Add(p.interval)
	p.sent[p.at] = now // until we know better
	p.at = (p.at + 1) % len(p.sent)
	return ctx.Err()
}

// rest sleeps with the same timer each time.
func (p *pacer) rest(ctx context.Context, d time.Duration) error {
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	select {
	case <-p.timer.C:
		return nil
	case <-ctx.Done():
		p.timer.Stop()
		return ctx.Err()
	}
}

// sleep waits, or returns early with the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended is the context's error. A connect that is cut off by the context's deadline returns a moment
// before the context itself knows.
func ended(ctx context.Context) error {
	if at, ok := ctx.Deadline(); ok && !time.Now().Before(at) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}
