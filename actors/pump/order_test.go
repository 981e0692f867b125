package pump

import (
	"testing"
	"testing/synctest"

	"wildfire-watch/protocol"
)

func TestWhoeverOrdersIsToldTheOneOutcomeAndTheEventNamesThem(t *testing.T) {
	// Each in the state that the ones before it lead to.
	steps := []struct {
		order protocol.CommandAction
		want  protocol.CommandOutcome
	}{
		{protocol.CommandStop, protocol.CommandOutcome{Accepted: true, Event: protocol.EmergencyStop}},
		{protocol.CommandStart, protocol.CommandOutcome{Event: protocol.CommandRefused, Reason: refusedHeld}},
		{protocol.CommandValveOpen, protocol.CommandOutcome{Event: protocol.CommandRefused, Reason: refusedHeld}},
		{protocol.CommandReset, protocol.CommandOutcome{Accepted: true, Event: protocol.EmergencyReset}},
		{protocol.CommandStart, protocol.CommandOutcome{Accepted: true, Event: protocol.EmergencyBypassStart, Reason: "follows the stop pulse"}},
		{protocol.CommandValveClose, protocol.CommandOutcome{Event: protocol.CommandRefused, Reason: refusedEngine}},
		{protocol.CommandValveOpen, protocol.CommandOutcome{Accepted: true, Event: protocol.EmergencyValveOpen}},
	}
	inBubble(t, nil, func(b *bench) {
		for i, c := range steps {
			before := len(b.events)
			told := make(chan protocol.CommandOutcome, 1)
			b.send(protocol.Command{Action: c.order, Source: "page", By: "page: anna", Answer: told})
			synctest.Wait()
			select {
			case got := <-told:
				b.must(got == c.want, "%d %v: told %+v, want %+v", i, c.order, got, c.want)
			default:
				t.Fatalf("%d %v: nobody was told", i, c.order)
			}
			named := 0
			for _, e := range b.events[before:] {
				if e.Details["by"] == "page: anna" {
					named++
					b.must(e.Action == c.want.Event, "%d %v: %s names its sender", i, c.order, e.Action)
				}
			}
			b.must(named == 1, "%d %v: %d events name who ordered, want 1", i, c.order, named)
		}
		// Nobody waits: no room, or no wish to know, stops nothing.
		full := make(chan protocol.CommandOutcome)
		b.send(protocol.Command{Action: protocol.CommandStop, Source: "page", Answer: full})
		b.send(protocol.Command{Action: protocol.CommandStop, Source: "page"})
		b.must(b.count(protocol.EmergencyStop) == 3, "%d stops, want 3", b.count(protocol.EmergencyStop))
	})
}
