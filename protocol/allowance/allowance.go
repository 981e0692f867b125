// Package allowance bounds how often something is let through or told.
package allowance

import "time"

// Bucket is full at first and fills by one with each span that has passed. Only whole spans count, so that it
// is exact. The zero value is full. Not for use by many at once.
type Bucket struct {
	spent int
	since time.Time // when the first of spent was given back
}

// Take takes one of at most so many, one more after each span (over 0). wait is 0 if it was taken, else how
// long it is until there is one. now is monotonic.
func (b *Bucket) Take(now time.Time, most int, each time.Duration) (wait time.Duration) {
	if back := now.Sub(b.since) / each; back >= time.Duration(b.spent) {
		b.spent, b.since = 0, now
	} else {
		b.spent -= int(back)
		b.since = b.since.Add(back * each)
	}
	if b.spent >= most {
		return b.since.Add(time.Duration(b.spent-most+1) * each).Sub(now)
	}
	b.spent++
	return 0
}
