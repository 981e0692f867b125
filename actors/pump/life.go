package pump

import (
	"fmt"
	"time"

	"wildfire-watch/protocol"
)

// life is the pump's half of the circle of life signs. Once a beat the outputs go to the gpio actor
// with a number; when it answers that number, both have proven that they work, and the pump says so
// (protocol.Heartbeat). No answer for gpio.deadman ends the process: the pump asks for nothing more
// and latches nothing, for an ERROR stored by the pump of a process that hangs would keep the next
// one from pumping until somebody comes and resets it.
type life struct {
	beat     time.Duration // how often the outputs are sent at least
	patience time.Duration // gpio.deadman; 0: none
	mark     uint64        // the oldest number that is not answered; 0: all are
	told     time.Time     // when the last Heartbeat was sent
	due      time.Time     // when the shell should run next at the latest
	vigil    protocol.Vigil
	over     bool // silence has been reported, or the outputs have tripped
}

func newLife(deadman time.Duration) life {
	return life{beat: protocol.BeatOf(deadman), patience: deadman}
}

// begin starts to wait for the first answer.
func (l *life) begin(now time.Time) { l.vigil = l.vigil.Began(now, l.patience) }

// sent takes up that outputs went out with that number.
func (l *life) sent(seq uint64) {
	if l.mark == 0 {
		l.mark = seq
	}
}

// answered takes up that the gpio actor has heard that number; alive says that a Heartbeat is due.
// Half a beat apart is often enough: a flood of commands must not become one of heartbeats.
func (l *life) answered(heard uint64, now time.Time) (alive bool) {
	if l.mark == 0 || heard < l.mark || l.over {
		return false
	}
	l.mark, l.vigil = 0, l.vigil.Heard(now)
	if !l.told.IsZero() && now.Sub(l.told) < l.beat/2 {
		return false
	}
	l.told = now
	return true
}

// silence is why the process must not go on; empty: the gpio actor answers. It is said once.
func (l *life) silence(now time.Time) string {
	l.vigil = l.vigil.Paused(l.due, now)
	l.due = time.Time{}
	if l.over || !l.vigil.Over(l.patience, now) {
		return ""
	}
	l.over = true
	return fmt.Sprintf("the gpio actor has not answered for %v",
		now.Sub(l.vigil.Since).Round(time.Millisecond))
}

// next is when the silence is to be judged; zero: never.
func (l *life) next() time.Time {
	if l.over {
		return time.Time{}
	}
	return l.vigil.Due(l.patience)
}
