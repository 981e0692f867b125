package protocol

import "time"

// Heartbeat says that pump and gpio actor both work: the pump has heard the gpio actor's answer to
// its own newest word. The pump sends it once a beat (BeatOf); the system hands it to whoever guards
// the process: guard and watchdogs. When it stops, the process is to be ended from outside.
type Heartbeat struct{ At time.Time } // monotonic

// BeatOf is how often the pump repeats its outputs although nothing has changed: a quarter of the
// dead-man's patience, at least once a second; once a second without a dead-man.
func BeatOf(deadman time.Duration) time.Duration {
	if deadman <= 0 {
		return slowestBeat
	}
	return min(slowestBeat, deadman/4)
}

const slowestBeat = time.Second

// Vigil is one actor's watch over another whose words it expects: the rule of gpio.deadman, the same
// on both sides. The zero value watches nothing yet.
//
// A watcher that was itself late was not running: the whole process was paused (a virtual machine
// moved, a laptop slept), and the other has had no time to speak either. It is given a short grace,
// a few times at most in one silence.
type Vigil struct {
	Since   time.Time // the last word
	Excused time.Time // the silence is borne until then all the same; zero: no grace was given
	Graces  int       // given in this silence
}

// The watcher's own lateness.
const (
	// LateBy is how late a watcher's own timer may come before it counts as paused.
	LateBy = 100 * time.Millisecond
	// Grace is what the other has to speak after a pause.
	Grace = 250 * time.Millisecond
	// MostGraces bounds the graces of one silence: no lateness prolongs it for ever.
	MostGraces = 3
	// FirstPatience is what the other has for its first word after the start of the process.
	FirstPatience = 10 * time.Second
)

// Heard begins a new silence.
func (Vigil) Heard(now time.Time) Vigil { return Vigil{Since: now} }

// Began begins the wait for the first word: its patience is FirstPatience, if that is longer.
func (Vigil) Began(now time.Time, patience time.Duration) Vigil {
	return Vigil{Since: now, Excused: now.Add(max(patience, FirstPatience))}
}

// Paused takes up that the watcher should have run at due and runs now.
func (v Vigil) Paused(due, now time.Time) Vigil {
	if due.IsZero() || now.Sub(due) <= LateBy || v.Since.IsZero() || v.Graces >= MostGraces {
		return v
	}
	v.Graces++
	if until := now.Add(Grace); until.After(v.Excused) {
		v.Excused = until
	}
	return v
}

// Due is when the silence has lasted too long; zero: nobody is watched (patience is 0, or nothing
// has begun).
func (v Vigil) Due(patience time.Duration) time.Time {
	if patience <= 0 || v.Since.IsZero() {
		return time.Time{}
	}
	due := v.Since.Add(patience)
	if v.Excused.After(due) {
		return v.Excused
	}
	return due
}

// Over says that the silence has lasted too long.
func (v Vigil) Over(patience time.Duration, now time.Time) bool {
	due := v.Due(patience)
	return !due.IsZero() && !now.Before(due)
}
