package bridge

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTheQueueIsAQueue: whatever happens, what is taken off the queue is what was put in, in order,
// and only the oldest beyond the bound and what was abandoned is missing, counted.
func TestTheQueueIsAQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := newOutbox()
		var want []string
		dropped, n := 0, 0
		var inFlight letter
		flying := false
		t.Repeat(map[string]func(*rapid.T){
			"enqueue": func(t *rapid.T) {
				for range rapid.IntRange(1, 4000).Draw(t, "many") {
					n++
					o.enqueue(letter{topic: fmt.Sprint(n)})
					want = append(want, fmt.Sprint(n))
				}
				if more := len(want) - MaxQueued; more > 0 {
					want, dropped = want[more:], dropped+more
				}
			},
			"send": func(*rapid.T) {
				if !flying {
					inFlight, flying = o.head()
				}
			},
			"acknowledge": func(*rapid.T) {
				if flying {
					o.acknowledged(inFlight.id)
					if len(want) > 0 && want[0] == inFlight.topic {
						want = want[1:]
					}
					flying = false
				}
			},
			"break": func(*rapid.T) { flying = false },
			"": func(t *rapid.T) {
				waiting, lost, _ := o.figures()
				if waiting != len(want) || int(lost) != dropped {
					t.Fatalf("%d wait and %d lost, want %d and %d", waiting, lost, len(want), dropped)
				}
				if head, ok := o.head(); ok && head.topic != want[0] {
					t.Fatalf("head %s, want %s", head.topic, want[0])
				}
			},
		})
	})
}

func TestWhatPassesIsBoundedAndATriggerExpires(t *testing.T) {
	o := newOutbox()
	o.pass(letter{topic: "away"})
	now := time.Now()
	o.pass(letter{topic: "trigger", expires: now.Add(time.Minute)})
	o.connect()
	o.disconnect()
	o.connect()
	if got := o.takePassing(now); len(got) != 1 || got[0].topic != "trigger" {
		t.Errorf("taken %v", got)
	}
	o.pass(letter{topic: "trigger", expires: now.Add(time.Minute)})
	if got := o.takePassing(now.Add(time.Minute)); len(got) != 0 {
		t.Errorf("an expired trigger was sent: %v", got)
	}
	for i := range maxPassing + 7 {
		o.pass(letter{topic: fmt.Sprint(i)})
	}
	if got := o.takePassing(now); len(got) != maxPassing || got[0].topic != "7" {
		t.Errorf("%d pass, first %s", len(got), got[0].topic)
	}
	if _, _, missed := o.figures(); missed != 1+1+7 {
		t.Errorf("%d missed", missed)
	}
	for i := range maxRetained + 3 {
		o.pass(letter{topic: fmt.Sprint(i), payload: []byte("x"), retained: true})
	}
	if n := len(o.connect()); n != maxRetained {
		t.Errorf("%d states", n)
	}
}

func TestALargeEventThatTheBrokerHangsUpOnDoesNotBlockTheRest(t *testing.T) {
	l := &link{box: newOutbox(), log: testInbound(nil).log}
	l.box.enqueue(letter{topic: "huge", payload: make([]byte, stuckSize)})
	l.box.enqueue(letter{topic: "small"})
	head, _ := l.box.head()
	for range stuckTimes - 1 {
		l.broke(flight{letter: head, token: dummy{}})
	}
	l.broke(flight{}) // a break with nothing in flight starts the count anew
	for range stuckTimes - 1 {
		l.broke(flight{letter: head, token: dummy{}})
	}
	if h, _ := l.box.head(); h.topic != "huge" {
		t.Fatal("given up too early")
	}
	l.broke(flight{letter: head, token: dummy{}})
	if h, _ := l.box.head(); h.topic != "small" {
		t.Errorf("head %s", h.topic)
	}
	small, _ := l.box.head()
	for range 100 {
		l.broke(flight{letter: small, token: dummy{}})
	}
	if _, dropped, _ := l.box.figures(); dropped != 1 {
		t.Errorf("%d dropped: an event of usual size never is", dropped)
	}
}

// dummy is a token that nothing is asked of.
type dummy struct{}

func (dummy) Wait() bool                     { return true }
func (dummy) WaitTimeout(time.Duration) bool { return true }
func (dummy) Done() <-chan struct{}          { return nil }
func (dummy) Error() error                   { return nil }
