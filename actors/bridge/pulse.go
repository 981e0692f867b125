package bridge

import "time"

// A broker whose cable is pulled says nothing more, and nothing less. The library's ping would find out
// after half a minute, and cannot ask more often without promising the broker to: one that hears nothing
// from us for one and a half times that promise hangs up, so a short one makes every hiccup an outage. So
// the bridge asks by itself, and leaves the promise long.
const (
	beat      = 500 * time.Millisecond
	askAfter  = 6  // beats without a word
	deadAfter = 17 // 8.5 s: a fault is told within ten seconds of its cause
)

// pingRequest is MQTT 3.1.1 §3.12, whole.
var pingRequest = []byte{0xc0, 0}

// pulse counts the beats since a broker was last heard. It goes by beats, not by a clock: a process that
// was stopped for a while has not listened meanwhile either.
type pulse struct {
	heard  uint64
	silent int
}

// beat says what is due at one; heard is how often the broker was heard so far.
func (p pulse) beat(heard uint64) (next pulse, ask, dead bool) {
	if heard != p.heard {
		return pulse{heard: heard}, false, false
	}
	p.silent++
	return p, p.silent == askAfter, p.silent >= deadAfter
}

// listen asks a broker that says nothing whether it is there; dead: it is not.
func (l *link) listen(p pulse) (next pulse, dead bool) {
	w := l.wire.Load()
	if w == nil {
		return p, false // it is being hung up
	}
	next, ask, dead := p.beat(w.heard.Load())
	if ask {
		_, _ = w.Write(pingRequest) // one that fails ends the connection
	}
	return next, dead
}
