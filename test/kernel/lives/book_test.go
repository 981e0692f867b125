package lives

import (
	"strings"
	"testing"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/protocol"
	"wildfire-watch/test/kernel/appliance"
	"wildfire-watch/test/kernel/gpiosim"
)

// tale is a life as it is told to a book.
type tale struct {
	pid    int
	op     int64
	kernel string
	facts  []Fact
}

func newTale(pid int, kernel string, at time.Duration) *tale {
	t := &tale{pid: pid, kernel: kernel, op: int64(pid) * 1000}
	t.add(Fact{At: at, Kind: Started, Text: kernel, PID: pid})
	t.write(at+time.Millisecond, gpiosim.Out, 0, hardware.Outputs(1<<hardware.NumOutputs-1))
	return t
}

func (t *tale) add(f Fact) { t.facts = append(t.facts, f) }

// write is one write of the lines in mask.
func (t *tale) write(at time.Duration, what string, on, mask hardware.Outputs) {
	t.op++
	for o, line := range appliance.Lines {
		if mask.Has(hardware.Output(o)) {
			t.add(Fact{At: at, Kind: Line, Line: &gpiosim.Event{At: at, Op: t.op, Line: line, What: what,
				High: on.Has(hardware.Output(o)), PID: t.pid}})
		}
	}
}

func (t *tale) set(at time.Duration, on hardware.Outputs) {
	t.write(at, gpiosim.Set, on, hardware.Outputs(1<<hardware.NumOutputs-1))
}

func (t *tale) told(at time.Duration, a protocol.Action, reason string, s protocol.SystemState, details map[string]any) {
	t.add(Fact{At: at, Heard: at, Kind: Told, Event: &Event{Action: a, Reason: reason, System: s, Details: details}})
}

const (
	second = time.Second
	valve  = hardware.Outputs(1 << hardware.MainValve)
	off    = hardware.Outputs(1 << hardware.IgnitionOff)
	crank  = hardware.Outputs(1 << hardware.IgnitionStart)
	runs   = hardware.Outputs(1 << hardware.IgnitionOn)
)

// first is a life in which a trigger starts the engine, which runs for 3 s before the end; stopped says
// that an emergency stop ends the run 2 s before it, after 1 s.
func first(stopped bool) []Fact {
	t := newTale(1, "k1", 0)
	t.told(second/2, protocol.ControllerStarted, "", protocol.SystemState{}, map[string]any{"boots": 1.0})
	t.add(Fact{At: second, Kind: Ordered, Text: "trigger"})
	t.told(second, protocol.PumpSequenceStart, "", protocol.SystemState{State: protocol.Priming}, nil)
	t.set(second, valve)
	t.set(2*second, valve|crank)
	t.set(2500*time.Millisecond, valve|runs)
	if stopped {
		t.add(Fact{At: 3 * second, Kind: Ordered, Text: "stop"})
		t.set(3*second, valve|off)
		t.told(3*second, protocol.EmergencyStop, "", protocol.SystemState{State: protocol.Stopping, StopHeld: true,
			TotalRuntime: 1, RefillOwed: 2}, nil)
		t.set(4*second, 0)
	}
	t.add(Fact{At: 5 * second, Kind: Ended, Text: "killed"})
	return t.facts
}

// next is what the process after it says and does; a case of the test makes something of it wrong.
type next struct {
	kernel, lastStop, found, problem string
	boots                            float64
	engine, total, owed              float64
	held, resumes, remembered        bool
	state                            protocol.State
	pulse                            time.Duration
	inPulse                          hardware.Outputs
	after                            hardware.Outputs
	lockout                          float64
}

func (n next) facts() []Fact {
	t := newTale(2, n.kernel, 10*second)
	t.told(10100*time.Millisecond, protocol.ControllerStarted, n.lastStop, protocol.SystemState{}, map[string]any{"boots": n.boots})
	t.told(10200*time.Millisecond, protocol.BootRecovered, n.found, protocol.SystemState{State: n.state, StopHeld: n.held,
		CurrentRuntime: n.engine, TotalRuntime: n.total, RefillOwed: n.owed, LockoutSeconds: n.lockout, Remembered: n.remembered},
		map[string]any{"resumes": n.resumes, "problem": n.problem})
	if n.pulse > 0 {
		t.set(10300*time.Millisecond, n.inPulse)
		t.set(10300*time.Millisecond+n.pulse, n.after)
	} else if n.after != 0 {
		t.set(10300*time.Millisecond, n.after)
	}
	t.add(Fact{At: 12 * second, Kind: Ended, Text: "killed"})
	return t.facts
}

// The four right stories: what goes wrong in them is the test's.
var (
	goesOn = next{kernel: "k1", lastStop: "crash", found: "open run", boots: 2, engine: 5, total: 5, resumes: true,
		state: protocol.Stopping, pulse: second, inPulse: valve | off, after: valve}
	afterCut = next{kernel: "k2", lastStop: "reboot or power cut", found: "open run", boots: 2, engine: 5, total: 5,
		state: protocol.Stopping, pulse: second, inPulse: valve | off, after: valve}
	stays = next{kernel: "k1", lastStop: "crash", found: "stop held", boots: 2, total: 1, owed: 2, lockout: 2, held: true,
		state: protocol.Idle}
)

func audit(stopped bool, n next) []string {
	b := NewBook(Terms{Pulse: second, Multiplier: 2}, 200*time.Millisecond)
	wrong := b.Life(first(stopped))
	return append(wrong, b.Life(n.facts())...)
}

func TestABookHasNothingAgainstWhatIsRight(t *testing.T) {
	for name, wrong := range map[string][]string{"goes on": audit(false, goesOn), "after a power cut": audit(false, afterCut),
		"a stop stays": audit(true, stays)} {
		if len(wrong) > 0 {
			t.Errorf("%s: %v", name, wrong)
		}
	}
}

func TestABookDoesNotTakeAnAlarmForTheWordOfThePump(t *testing.T) {
	stale := protocol.SystemState{State: protocol.Running, TotalRuntime: 0.2, CurrentRuntime: 0.2}
	life := newTale(1, "k1", 0)
	life.facts = first(false)
	life.told(4800*time.Millisecond, protocol.AlarmRaised, "", stale, map[string]any{"code": "fire"})
	b := NewBook(Terms{Pulse: second, Multiplier: 2}, 200*time.Millisecond)
	if wrong := b.Life(life.facts); len(wrong) > 0 {
		t.Error(wrong)
	}
}

// TestABookKnowsThatAValveStaysJammed: whoever comes after a process may latch ERROR for a valve that was
// jammed before it.
func TestABookKnowsThatAValveStaysJammed(t *testing.T) {
	inError := next{kernel: "k1", lastStop: "crash", found: "error latched", boots: 3, total: 5, owed: 10, lockout: 10,
		state: protocol.Error}
	for _, jammed := range []bool{true, false} {
		b := NewBook(Terms{Pulse: second, Multiplier: 2}, 200*time.Millisecond)
		life := first(false)
		if jammed {
			life = append(life, Fact{At: 4 * second, Kind: Ordered, Text: "valve jammed"})
		}
		wrong := append(b.Life(life), b.Life(goesOn.facts())...)
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		later := inError.facts()
		for i := range later {
			later[i].At, later[i].Heard = later[i].At+10*second, later[i].Heard+10*second
		}
		if wrong := b.Life(later); (len(wrong) == 0) != jammed {
			t.Errorf("jammed %v: %v", jammed, wrong)
		}
	}
}

func TestABookFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		stopped bool
		right   next
		spoil   func(*next)
	}{
		"a start is not counted":                   {false, goesOn, func(n *next) { n.boots = 1 }},
		"a start is counted twice":                 {false, goesOn, func(n *next) { n.boots = 3 }},
		"a crash is told as a power cut":           {false, goesOn, func(n *next) { n.lastStop = "reboot or power cut" }},
		"a power cut is told as a crash":           {false, afterCut, func(n *next) { n.lastStop = "crash" }},
		"the journal cannot be read":               {false, goesOn, func(n *next) { n.found = "journal unreadable" }},
		"the journal has a problem":                {false, goesOn, func(n *next) { n.problem = "damaged record" }},
		"the run is forgotten":                     {false, goesOn, func(n *next) { n.found = "refill owed" }},
		"engine time is lost":                      {false, goesOn, func(n *next) { n.engine = 1 }},
		"two intervals are charged":                {false, goesOn, func(n *next) { n.engine = 10 }},
		"the total goes back":                      {false, goesOn, func(n *next) { n.total = 2 }},
		"the total is charged twice":               {false, goesOn, func(n *next) { n.total = 10 }},
		"the run does not go on":                   {false, goesOn, func(n *next) { n.resumes = false }},
		"the run goes on after a power cut":        {false, afterCut, func(n *next) { n.resumes = true }},
		"it cranks by itself after a power cut":    {false, afterCut, func(n *next) { n.after = valve | crank }},
		"no stop pulse":                            {false, goesOn, func(n *next) { n.pulse = 0 }},
		"it cranks first":                          {false, goesOn, func(n *next) { n.pulse, n.after = 0, valve|crank }},
		"a short stop pulse":                       {false, goesOn, func(n *next) { n.pulse = second / 2 }},
		"a stop pulse against a shut valve":        {false, goesOn, func(n *next) { n.inPulse = off }},
		"a held stop from nowhere":                 {false, goesOn, func(n *next) { n.held = true }},
		"ERROR from nowhere":                       {false, goesOn, func(n *next) { n.state = protocol.Error }},
		"a held stop is forgotten":                 {true, stays, func(n *next) { n.held = false }},
		"refill is forgotten":                      {true, stays, func(n *next) { n.owed, n.lockout = 0, 0 }},
		"the lockout is forgotten":                 {true, stays, func(n *next) { n.lockout = 0 }},
		"more refill than was ever owed":           {true, stays, func(n *next) { n.owed, n.lockout = 80, 80 }},
		"a stop pulse although the engine is off":  {true, stays, func(n *next) { n.pulse, n.inPulse = second, valve|off }},
		"an open run although a stop has ended it": {true, stays, func(n *next) { n.found, n.engine = "open run", 5 }},
		"ERROR from nowhere, after a stop":         {true, stays, func(n *next) { n.state = protocol.Error }},
	} {
		n := c.right
		c.spoil(&n)
		if len(audit(c.stopped, n)) == 0 {
			t.Errorf("nobody noticed: %s", name)
		}
	}
}

func TestABookWantsATriggerRememberedThatNothingHasCrankedFor(t *testing.T) {
	begun := newTale(1, "k1", 0)
	begun.told(second/2, protocol.ControllerStarted, "", protocol.SystemState{}, map[string]any{"boots": 1.0})
	begun.add(Fact{At: second, Kind: Ordered, Text: "trigger"})
	begun.told(second, protocol.PumpSequenceStart, "", protocol.SystemState{State: protocol.Priming}, nil)
	begun.set(second, valve)
	begun.add(Fact{At: 2 * second, Kind: Ended, Text: "killed"})
	for found, c := range map[string]struct {
		kernel, lastStop string
		right            bool
	}{
		"trigger remembered":  {"k1", "crash", true},
		"refill owed":         {"k1", "crash", false},
		"trigger remembered ": {"k2", "reboot or power cut", false},
	} {
		b := NewBook(Terms{Pulse: second, Multiplier: 2}, 200*time.Millisecond)
		wrong := b.Life(begun.facts)
		wrong = append(wrong, b.Life(next{kernel: c.kernel, lastStop: c.lastStop, found: strings.TrimSpace(found),
			boots: 2, remembered: found[:1] == "t"}.facts())...)
		if (len(wrong) == 0) != c.right {
			t.Errorf("%s in %s: %v", found, c.kernel, wrong)
		}
	}
}

func TestABookLeavesOpenWhatIsYoungerThanTheLastWrite(t *testing.T) {
	forgotten := stays
	forgotten.found, forgotten.held, forgotten.engine, forgotten.total, forgotten.owed, forgotten.lockout = "open run", false, 5, 5, 0, 0
	forgotten.state, forgotten.pulse, forgotten.inPulse, forgotten.after = protocol.Stopping, second, valve|off, valve
	forgotten.resumes = true
	b := NewBook(Terms{Pulse: second, Multiplier: 2}, 200*time.Millisecond)
	life := first(true)
	life[len(life)-1].At = 3100 * time.Millisecond // dies 100 ms after the stop
	wrong := append(b.Life(life), b.Life(forgotten.facts())...)
	if len(wrong) > 0 {
		t.Error(wrong)
	}
}

func TestAStopIsReadFromTheRecord(t *testing.T) {
	event := func(at time.Duration, op int64, o hardware.Output, what string, high bool, by string) gpiosim.Event {
		return gpiosim.Event{At: at, Op: op, Line: appliance.Lines[o], What: what, High: high, By: by}
	}
	const guard = consumer + "-guard"
	died := []gpiosim.Event{
		event(1*second, 1, hardware.MainValve, gpiosim.Out, false, consumer), event(1*second, 2, hardware.IgnitionOn, gpiosim.Out, false, consumer),
		event(2*second, 3, hardware.MainValve, gpiosim.Set, true, consumer), event(3*second, 4, hardware.IgnitionOn, gpiosim.Set, true, consumer),
		event(5*second, 5, hardware.MainValve, gpiosim.Free, false, consumer), event(5*second, 6, hardware.IgnitionOn, gpiosim.Free, true, consumer),
	}
	taken := append(died[:len(died):len(died)],
		event(5100*time.Millisecond, 7, hardware.MainValve, gpiosim.Out, true, guard), event(5100*time.Millisecond, 8, hardware.IgnitionOn, gpiosim.Out, false, guard),
		event(5100*time.Millisecond, 9, hardware.IgnitionOff, gpiosim.Out, true, guard))
	whole := append(taken[:len(taken):len(taken)], event(6100*time.Millisecond, 10, hardware.MainValve, gpiosim.Set, false, guard),
		event(6100*time.Millisecond, 10, hardware.IgnitionOff, gpiosim.Set, false, guard))
	short := append(taken[:len(taken):len(taken)], event(5600*time.Millisecond, 10, hardware.MainValve, gpiosim.Set, false, guard),
		event(5600*time.Millisecond, 10, hardware.IgnitionOff, gpiosim.Set, false, guard))
	// It hung in a stop pulse of its own: that one is not the guard's.
	hung := append(died[:2:2], event(2*second, 3, hardware.MainValve, gpiosim.Set, true, consumer),
		event(2*second, 3, hardware.IgnitionOff, gpiosim.Set, true, consumer),
		event(5*second, 4, hardware.MainValve, gpiosim.Free, false, consumer), event(5*second, 5, hardware.IgnitionOff, gpiosim.Free, false, consumer))
	for name, c := range map[string]struct {
		events []gpiosim.Event
		want   Stop
	}{
		"hung in a pulse": {hung, Stop{Open: true, Used: true}},
		"nobody":          {died, Stop{Fed: true, Open: true, Used: true}},
		"not yet over":    {taken, Stop{Fed: true, Open: true, Used: true}},
		"a short pulse":   {short, Stop{Fed: true, Open: true, Used: true}},
		"as it must be": {whole, Stop{Off: 5100 * time.Millisecond, Pulse: second, Full: true, Watered: true, Shut: true, Fed: true,
			Open: true, Used: true}},
	} {
		if got := StopAfter(c.events, 5*second-time.Millisecond, second); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
