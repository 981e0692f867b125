package pump

import (
	"sync"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

const deadman = 2 * time.Second

// trips counts what the pump says of a silent gpio actor.
type trips struct {
	mu   sync.Mutex
	said []string
}

func (t *trips) hear(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, why)
}

func (t *trips) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.said)
}

func watched(t *trips) func(*Settings) {
	return func(s *Settings) { s.Deadman, s.Trip = deadman, t.hear }
}

func TestTheCircleBeatsInEveryStateAndWithoutAnEnd(t *testing.T) {
	var said trips
	inBubble(t, watched(&said), func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(4 * time.Hour)
		b.must(len(b.beats) > 4*3600, "%d heartbeats in 4 hours", len(b.beats))
		for i := 1; i < len(b.beats); i++ {
			gap := b.beats[i].Sub(b.beats[i-1])
			b.must(gap <= 3*protocol.BeatOf(deadman)/2, "no heartbeat for %v", gap)
		}
		b.must(said.count() == 0, "tripped: %q", said.said)
	})
}

func TestASilentGpioActorEndsTheHeartbeatAtOnceAndTheProcessAtTheDeadman(t *testing.T) {
	var said trips
	inBubble(t, watched(&said), func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(10 * time.Second)
		b.silence()
		last := b.beats[len(b.beats)-1]
		b.wait(time.Until(last.Add(deadman)) - time.Millisecond)
		b.must(said.count() == 0, "tripped before its time")
		b.must(b.beats[len(b.beats)-1].Equal(last), "a heartbeat without an answer")
		b.wait(time.Millisecond)
		b.must(said.count() == 1, "%d trips at the dead-man", said.count())
		b.wait(time.Hour)
		b.must(said.count() == 1, "%d trips", said.count())
		b.must(b.beats[len(b.beats)-1].Equal(last), "a heartbeat without an answer")
	})
}

func TestTheGpioActorsFirstAnswerMayComeLate(t *testing.T) {
	var said trips
	b := (*bench)(nil)
	inBubble(t, func(s *Settings) { watched(&said)(s); b.silence() }, func(got *bench) {
		got.wait(protocol.FirstPatience - time.Millisecond)
		got.must(said.count() == 0, "tripped before its time")
		got.wait(time.Millisecond)
		got.must(said.count() == 1, "%d trips", said.count())
	}, func(made *bench) { b = made })
}

func TestAFloodOfCommandsNeitherStopsTheHeartbeatNorMultipliesIt(t *testing.T) {
	var said trips
	inBubble(t, watched(&said), func(b *bench) {
		before := len(b.beats)
		for range 100 {
			for range 100 {
				b.ref.Send(protocol.Command{Action: protocol.CommandValveClose, Source: "mqtt"})
			}
			b.wait(100 * time.Millisecond)
		}
		n := len(b.beats) - before
		b.must(n >= 15 && n <= 41, "%d heartbeats in 10 s", n)
		b.must(said.count() == 0, "tripped")
	})
}

func TestAPumpThatIsToldOfATripStoresItsRunAndLatchesNothing(t *testing.T) {
	var said trips
	inBubble(t, watched(&said), func(b *bench) {
		b.send(protocol.FireConfirmed{ID: 1})
		b.wait(60 * time.Second)
		b.silence() // the gpio actor is the one that hangs
		b.send(protocol.Shutdown{Tripped: true})
		b.must(b.count(protocol.ControllerShutdown) == 0, "a trip is no orderly end")
		b.must(b.lines().Has(protocol.IgnitionOff), "on is %v", b.lines())
		b.send(protocol.FireConfirmed{ID: 2})
		last := b.outcomes[len(b.outcomes)-1]
		b.must(!last.Accepted && last.Reason == refusedEnding, "a trigger: %+v", last)
		b.wait(time.Hour)
		m := b.memory[len(b.memory)-1]
		b.must(m.RunOpen && !m.InError && !m.StopHeld, "stored: %+v", m)
		b.send(protocol.Command{Action: protocol.CommandStop, Source: "mqtt"})
		m = b.memory[len(b.memory)-1]
		b.must(!m.InError && m.StopHeld, "stored after a stop: %+v", m)
		b.must(said.count() == 0, "a trip on a trip: %q", said.said)
	})
}
