package journal

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"wildfire-watch/protocol"
)

// TestTheMachineKeepsItsPromises drives the machine with random messages, outcomes and times.
func TestTheMachineKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Machine
		now := time.Unix(1e9, 0)
		var runs, seq uint64
		var stored []uint64 // events, in the order in which they were stored
		var inFlight []protocol.Event
		t.Repeat(map[string]func(*rapid.T){
			"remember": func(*rapid.T) { runs++; m.Remember(protocol.PumpMemory{Runs: runs}) },
			"consensus": func(*rapid.T) {
				runs++
				m.RememberConsensus(protocol.ConsensusMemory{Triggers: int(runs)})
			},
			"event": func(t *rapid.T) {
				for range rapid.SampledFrom([]int{1, 3, batchSize, maxQueue}).Draw(t, "events") {
					seq++
					m.Add(protocol.Event{Seq: seq}, now)
				}
			},
			"flush": func(*rapid.T) { m.WantFlush("signal", true, now) },
			"ask":   func(*rapid.T) { m.Asks++ },
			"memory": func(*rapid.T) {
				busy := m.OnMemory.Work != NoWork
				if m.BeginMemory(now) && busy {
					t.Fatal("two writes of the memory under way")
				}
			},
			"history": func(*rapid.T) {
				busy := m.OnHistory.Work != NoWork
				w := m.BeginHistory(now)
				if busy && w != NoWork {
					t.Fatal("two errands to the history under way")
				}
				if w == SaveEvents {
					inFlight = append([]protocol.Event(nil), m.Events[:m.Taken]...)
				}
			},
			"done": func(t *rapid.T) {
				problem := rapid.SampledFrom([]string{"", "full"}).Draw(t, "problem")
				if m.OnHistory.Work == SaveEvents && rapid.Bool().Draw(t, "history") {
					if problem == "" {
						for _, e := range inFlight {
							stored = append(stored, e.Seq)
						}
					}
					m.Done(SaveEvents, problem, now)
				} else if m.OnHistory.Work == FindEvents {
					m.Done(FindEvents, problem, now)
				}
				if m.OnMemory.Work != NoWork {
					m.Done(SaveMemory, problem, now)
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, "ms")) * time.Millisecond)
				m.Watch(now)
			},
			"": func(t *rapid.T) {
				if len(m.Events) > maxQueue {
					t.Fatalf("%d events wait", len(m.Events))
				}
				for i, e := range m.Events[:m.Taken] {
					if e.Seq != inFlight[i].Seq {
						t.Fatalf("event %d left the queue while it was written", inFlight[i].Seq)
					}
				}
				for i := 1; i < len(stored); i++ {
					if stored[i] <= stored[i-1] {
						t.Fatalf("stored out of order or twice: %v", stored[i-1:i+1])
					}
				}
				if got := uint64(len(stored)+len(m.Events)) + m.Dropped; got != seq {
					t.Fatalf("%d events accounted for, %d came", got, seq)
				}
				if m.OnMemory.Work == NoWork && m.Memory != m.Stored && m.Until().IsZero() &&
					!m.ForMemory.Again.IsZero() {
					t.Fatal("a memory waits and nobody will wake up")
				}
				if w := m.ForMemory.Wait; w > retryLast {
					t.Fatalf("waits %s", w)
				}
			},
		})
		settle(t, &m, now)
	})
}

// settle serves the machine with a healthy disk: everything is stored in bounded time.
func settle(t *rapid.T, m *Machine, now time.Time) {
	end := now.Add(retryLast + flushLimit)
	for range 200 {
		for _, w := range []Work{m.OnMemory.Work, m.OnHistory.Work} {
			if w != NoWork {
				m.Done(w, "", now)
			}
		}
		if !m.Flush.IsZero() && m.Flushed(now) {
			m.Flush = time.Time{}
		}
		memory, history := m.BeginMemory(now), m.BeginHistory(now)
		if memory || history != NoWork {
			continue
		}
		at := m.Until()
		if at.IsZero() {
			if m.Memory != m.Stored || len(m.Events) > 0 || m.Asks > 0 {
				t.Fatalf("sleeps for ever with work to do: %d events", len(m.Events))
			}
			return
		}
		if !at.After(now) {
			t.Fatalf("wants to be woken at %s, which is past, and has nothing to do", at)
		}
		if now = at; now.After(end) {
			t.Fatalf("nothing stored for %s", now.Sub(end))
		}
	}
	t.Fatal("does not settle")
}

func TestEventsWaitForCompanyAtMostASecond(t *testing.T) {
	var m Machine
	now := time.Unix(1e9, 0)
	m.Add(protocol.Event{}, now)
	if m.BeginHistory(now.Add(batchDelay-1)) != NoWork {
		t.Error("written alone at once")
	}
	if m.Until() != now.Add(batchDelay) || m.BeginHistory(now.Add(batchDelay)) != SaveEvents {
		t.Error("not written after a second")
	}
	m = Machine{}
	for range batchSize {
		m.Add(protocol.Event{}, now)
	}
	if m.BeginHistory(now) != SaveEvents {
		t.Error("a hundred still wait")
	}
}

func TestAMemoryThatIsStoredAlreadyIsNotWrittenAgain(t *testing.T) {
	var m Machine
	now := time.Unix(1e9, 0)
	m.Remember(protocol.PumpMemory{Runs: 1})
	if !m.BeginMemory(now) {
		t.Fatal("not written")
	}
	m.Remember(protocol.PumpMemory{Runs: 2}) // meanwhile
	m.Remember(protocol.PumpMemory{Runs: 1})
	m.Done(SaveMemory, "", now)
	if m.BeginMemory(now) {
		t.Error("written again")
	}
}
