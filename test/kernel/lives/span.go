package lives

import (
	"fmt"
	"time"
)

// span is a time of which two bounds are known.
type span struct{ lo, hi time.Duration }

func exactly(seconds float64) span {
	d := time.Duration(seconds * float64(time.Second))
	return span{d, d}
}

func (s span) plus(o span) span { return span{s.lo + o.lo, s.hi + o.hi} }

func (s span) times(f float64) span {
	return span{time.Duration(float64(s.lo) * f), time.Duration(float64(s.hi) * f)}
}

// passed lets time pass: up, or down to nothing.
func (s span) passed(d time.Duration) span { return span{max(0, s.lo+d), max(0, s.hi+d)} }

func (s span) String() string {
	return fmt.Sprintf("%v to %v", s.lo.Round(time.Millisecond), s.hi.Round(time.Millisecond))
}

// fact3 is what may be so: a fact that is younger than the journal's last write, or that an order
// under way may change, is neither yes nor no.
type fact3 uint8

const (
	no fact3 = iota
	maybe
	yes
)

func (f fact3) String() string { return [...]string{"no", "maybe", "yes"}[f] }

// or is yes if either is, and no if both are not.
func (f fact3) or(o fact3) fact3 { return max(f, o) }

// since is a fact that holds since an instant.
type since struct {
	is bool
	at time.Duration
}

func (s *since) set(is bool, at time.Duration) {
	if s.is != is {
		s.is, s.at = is, at
	}
}

// sure is the fact at an instant, if what is younger than lag may be forgotten.
func (s since) sure(at, lag time.Duration, doubt bool) fact3 {
	switch {
	case doubt || at-s.at < lag && s.at > 0:
		return maybe
	case s.is:
		return yes
	}
	return no
}
