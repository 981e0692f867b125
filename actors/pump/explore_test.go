package pump

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// The exploration visits every state that the machine can reach with small durations, under every
// order of asks, sensor changes, line reports, passing time, late time and restarts, and checks the
// invariants of SPEC §3 in every step. A watcher (watcher_test.go) keeps its own books on outputs
// and events; it knows no phase and no rule.

const tick = time.Second

var zero = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is one configuration to explore and what may happen in it.
type world struct {
	name    string
	timing  Timing
	fitted  protocol.Inputs // Active: fitted; the exploration gives them every value
	reports bool            // lines may read wrong, fail, be lost; else they read right at once
	sure    bool            // sensors are never unreadable
	boots   bool            // the process may die and come back at any moment
	safe    bool            // it runs in safe mode
	owedMax time.Duration   // states that owe more are not followed: emergency runs add up for ever
	most    int             // more states than this are a mistake in the exploration
	stopAt  int             // mistakes after which to give up; 0: seven
}

// small has every duration a few ticks, so that the part of the state that is time is finite.
func small() Timing {
	return Timing{Config: Config{
		PreOpenDelay: tick, IgnitionStart: 2 * tick, CrankAttempts: 2, CrankRest: 2 * tick,
		PrimingDuration: tick, PressureCheckDelay: tick, FireOffDelay: 3 * tick,
		MaxEngineRuntime: 6 * tick, RPMReductionLead: tick, RPMReductionDuration: tick,
		IgnitionOff: 2 * tick, ValveCloseDelay: tick, RefillMultiplier: 1,
		CooldownDuration: tick, MaxDryRunTime: 3 * tick, FireInLockout: "refuse",
	}, VerifyTimeout: 2 * tick, VerifyGrace: tick, TakeLimit: 3 * tick, EndWait: tick}
}

func with(change func(*Timing)) Timing {
	t := small()
	change(&t)
	return t
}

// worlds are small enough for every test run; WILDFIRE_DEEP=1 explores the same with longer times
// (some ten million states).
func worlds() []world {
	on := protocol.Active
	all := []world{
		{name: "no sensors", timing: with(func(t *Timing) { t.MaxEngineRuntime, t.FireOffDelay = 5*tick, 2*tick }), owedMax: 4 * tick},
		{name: "lines that fail", timing: dry(func(t *Timing) { t.MaxEngineRuntime, t.PrimingDuration = 4*tick, 0 }), reports: true},
		{name: "lines that fail, refill", timing: with(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.FireOffDelay, t.CrankAttempts = tick, 2*tick, 2*tick, 1
			t.RPMReductionLead, t.PrimingDuration = 0, 0
		}), reports: true, owedMax: tick},
		{name: "engine feedback", timing: dry(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.FireOffDelay, t.RPMReductionLead = tick, 5*tick, 4*tick, 0
			t.IgnitionOff = tick
		}), fitted: protocol.Inputs{EngineRunning: on}},
		{name: "feedback that sticks", timing: dry(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.CrankAttempts, t.MaxDryRunTime = tick, 3*tick, 1, 2*tick
			t.RPMReductionLead, t.PrimingDuration, t.RPMReductionDuration, t.IgnitionOff = 0, 0, 0, tick
		}), fitted: protocol.Inputs{EngineRunning: on, Flow: on}, sure: true},
		{name: "flow and pressure", timing: dry(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.MaxDryRunTime, t.RPMReductionLead = tick, 5*tick, 2*tick, 0
		}), fitted: protocol.Inputs{Flow: on, LinePressure: on}},
		{name: "pressure alone", timing: dry(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.FireOffDelay = tick, 6*tick, 4*tick
		}), fitted: protocol.Inputs{LinePressure: on}},
		{name: "float", timing: with(func(t *Timing) { t.MaxEngineRuntime, t.FireOffDelay, t.IgnitionOff = 3*tick, 2*tick, tick }),
			fitted: protocol.Inputs{ReservoirFloat: on}, owedMax: 3 * tick},
		{name: "fire starts in the lockout", timing: with(func(t *Timing) {
			t.FireInLockout, t.MaxEngineRuntime, t.FireOffDelay = "start", 4*tick, 2*tick
		}), fitted: protocol.Inputs{Flow: on}, owedMax: 3 * tick},
		{name: "buttons", timing: dry(func(t *Timing) { t.MaxEngineRuntime = 4 * tick }),
			fitted: protocol.Inputs{StopButton: on, EmergencyButton: on}},
		{name: "nothing lasts", timing: dry(func(t *Timing) {
			t.PrimingDuration, t.PressureCheckDelay, t.RPMReductionLead, t.RPMReductionDuration = 0, 0, 0, 0
			t.ValveCloseDelay, t.CooldownDuration, t.VerifyGrace, t.MaxEngineRuntime = 0, 0, 0, 4*tick
		}), fitted: protocol.Inputs{LinePressure: on}, reports: true},
		{name: "restarts", timing: with(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.FireOffDelay, t.RPMReductionLead = tick, 7*tick, 3*tick, 0
		}), boots: true, owedMax: tick},
		{name: "restarts with a float", timing: with(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.FireOffDelay, t.RPMReductionLead = tick, 2*tick, tick, 0
			t.PrimingDuration, t.IgnitionOff = 0, tick
		}), fitted: protocol.Inputs{ReservoirFloat: on}, boots: true, owedMax: 2 * tick},
		{name: "restarts, lines that fail", timing: dry(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.FireOffDelay, t.RPMReductionLead = tick, 2*tick, tick, 0
			t.PrimingDuration, t.RPMReductionDuration, t.CrankAttempts = 0, 0, 1
		}), boots: true, reports: true},
		{name: "safe mode", timing: with(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.FireOffDelay, t.RPMReductionLead = tick, 4*tick, 2*tick, 0
			t.FireInLockout = "start"
		}), fitted: protocol.Inputs{LinePressure: on}, sure: true, boots: true, safe: true, owedMax: tick},
		{name: "safe mode, engine feedback", timing: dry(func(t *Timing) {
			t.IgnitionStart, t.MaxEngineRuntime, t.FireOffDelay, t.RPMReductionLead = tick, 4*tick, 3*tick, 0
			t.IgnitionOff = tick
		}), fitted: protocol.Inputs{EngineRunning: on, EmergencyButton: on}, sure: true, boots: true, safe: true},
	}
	if os.Getenv("WILDFIRE_DEEP") == "" {
		return all
	}
	for i := range all {
		w := &all[i]
		w.owedMax, w.most = w.owedMax+3*tick, 20_000_000
		w.timing.MaxEngineRuntime += 2 * tick
		w.timing.FireOffDelay += tick
		if w.name != "nothing lasts" {
			w.timing.ValveCloseDelay += tick
		}
	}
	return all
}

// dry is a world whose runs owe nothing: without owed refill there are far fewer states.
func dry(change func(*Timing)) Timing {
	t := small()
	t.RefillMultiplier, t.MaxEngineRuntime, t.FireOffDelay = 0, 5*tick, 2*tick
	if change != nil {
		change(&t)
	}
	return t
}

// node is one state of machine and watcher, both moved to the same instant.
type node struct {
	m Machine
	w watcher
}

// normal forgets what no decision looks at in that phase, so that equal futures are equal nodes.
func normal(n node, c Timing) node {
	m := &n.m
	m.Due, m.At = time.Time{}, zero
	m.TotalEngine, m.Runs, m.Starts, m.EngineMark, m.RefillMark = 0, 0, 0, 0, 0
	m.Why = ""
	m.Verified &= mainValve
	m.Failed &= mainValve | starter | ignition | kill
	if (quiet | setOf(Refill) | inFault).has(m.Phase) {
		m.TriggerAge = c.FireOffDelay // begin sets what these are before it is looked at
		m.Cranks, m.Uncranked, m.Stuck, m.Cause = 0, false, false, 0
		m.PrimedFor, m.PrimeLeft, m.NothingFor, m.LostFor = 0, 0, 0, 0
		if !inFault.has(m.Phase) {
			m.Pulses = 0
		}
	}
	if !reducing.has(m.Phase) {
		m.Cause = 0
	}
	if !(pulsing | faultPulse).has(m.Phase) || inFault.has(m.Phase) && !m.Ending {
		m.Waited = 0
	}
	return n
}

// packed is a node in few bytes: there are hundreds of thousands of them.
type packed [56]byte

// tolerant lets numbers grow out of their byte: only where a rule was taken away on purpose.
var tolerant bool

func pack(t testing.TB, n node) (p packed) {
	i := 0
	put := func(values ...int) {
		for _, v := range values {
			if tolerant {
				v = min(v, 255)
			}
			if v < 0 || v > 255 {
				t.Fatalf("%d does not fit: %+v", v, n)
			}
			p[i] = byte(v)
			i++
		}
	}
	times := func(all ...time.Duration) {
		for _, d := range all {
			if d%tick != 0 {
				t.Fatalf("%v is not a whole number of ticks: %+v", d, n)
			}
			put(int(d / tick))
		}
	}
	flags := func(all ...bool) {
		bits := [2]int{}
		for k, f := range all {
			if f {
				bits[k/8] |= 1 << (k % 8)
			}
		}
		put(bits[0], bits[1])
	}
	m, w := n.m, n.w
	put(int(m.Phase), int(m.Verified), int(m.Failed), m.Resumed, m.Cranks, int(m.Restart), int(m.Cause), m.Pulses,
		int(m.Inputs.ReservoirFloat)|int(m.Inputs.LinePressure)<<2|int(m.Inputs.Flow)<<4|int(m.Inputs.EmergencyButton)<<6,
		int(m.Inputs.StopButton)|int(m.Inputs.EngineRunning)<<2, int(w.on), int(w.state))
	times(m.Left, m.PrimeLeft, m.ValveLeft, m.WrongFor, m.Engine, m.TriggerAge, m.PrimedFor, m.DryFor, m.LowFor, m.LostFor,
		m.NothingFor, m.RefillTotal, m.RefillOwed, m.RefillFor, m.FullFor, m.RememberedAge, w.unsure, w.crank, w.run, w.pulse,
		w.must, w.waited, m.Waited, w.valve, w.dry, w.low, w.past, w.owed)
	flags(m.Charged, m.Lost, m.MainSeen, m.RunOpen, m.Emergency, m.Uncranked, m.Stuck, m.Hot, m.Held, m.Ending, m.Remembered,
		m.Fault != "", m.WontStop, m.Unsent)
	flags(w.verified, w.sighted, w.open, w.hot, w.mustValve, w.locked, w.held, w.ending, w.ended, w.taken, w.lost)
	return p
}

// move is one thing that can happen.
type move struct {
	name string
	in   Input
	pass time.Duration
	boot int // 1 same kernel boot, 2 another, 3 journal unreadable; 0: none
}

// explorer walks one world.
type explorer struct {
	t      testing.TB
	tell   func(format string, args ...any) // of a mistake
	w      world
	seen   map[packed]bool
	queue  []node
	from   []int32 // predecessor, to tell the way to a mistake
	by     []string
	fired  []int
	phases phases
	moves  int
	bad    map[string]bool
	fires  func(int)
	calm   map[packed]time.Duration
	wet    map[packed]bool // an accepted start from here powers the engine
}

func explore(t testing.TB, w world, tell func(string, ...any)) *explorer {
	if w.owedMax == 0 {
		w.owedMax = 6 * tick
	}
	if w.stopAt == 0 {
		w.stopAt = 7
	}
	if w.most == 0 {
		w.most = 3_000_000
	}
	e := &explorer{t: t, tell: tell, w: w, seen: make(map[packed]bool), fired: make([]int, len(rules)), bad: make(map[string]bool),
		calm: make(map[packed]time.Duration), wet: make(map[packed]bool)}
	e.fires = func(i int) { e.fired[i]++ }
	start := node{m: Machine{Inputs: released(w.fitted), At: zero, TriggerAge: w.timing.FireOffDelay,
		SafeMode: w.safe}}
	e.add(start, -1, "start")
	for i := 0; i < len(e.queue); i++ {
		n := e.queue[i]
		e.phases |= 1 << n.m.Phase
		if n.m.RefillTotal > w.owedMax {
			continue
		}
		for _, mv := range e.possible(n) {
			e.take(int32(i), n, mv)
		}
		e.ends(int32(i), n)
		if len(e.queue) > w.most {
			tell("%s: %s", w.name, "more states than expected")
			break
		}
		if len(e.bad) >= w.stopAt {
			break
		}
	}
	return e
}

// released is every fitted input with nothing to say.
func released(fitted protocol.Inputs) protocol.Inputs {
	for _, s := range sensors(&fitted) {
		if s.Fitted() {
			*s = protocol.Inactive
		}
	}
	return fitted
}

func sensors(i *protocol.Inputs) []*protocol.Sensor {
	return []*protocol.Sensor{&i.ReservoirFloat, &i.LinePressure, &i.Flow, &i.EmergencyButton, &i.StopButton, &i.EngineRunning}
}

func (e *explorer) add(n node, from int32, by string) {
	n = normal(n, e.w.timing)
	k := pack(e.t, n)
	if e.seen[k] {
		return
	}
	e.seen[k] = true
	e.queue = append(e.queue, n)
	e.from = append(e.from, from)
	e.by = append(e.by, by)
}

var asked = []move{
	{name: "trigger", in: Input{Ask: AskTrigger, ID: 7}},
	{name: "stale trigger", in: Input{Ask: AskTrigger, Age: staleAfter + 1}},
	{name: "start", in: Input{Ask: AskStart}},
	{name: "stale start", in: Input{Ask: AskStart, Age: staleAfter + 1}},
	{name: "stop", in: Input{Ask: AskStop, Age: time.Hour}},
	{name: "valve_open", in: Input{Ask: AskValveOpen}},
	{name: "valve_close", in: Input{Ask: AskValveClose}},
	{name: "reset", in: Input{Ask: AskReset}},
	{name: "shutdown", in: Input{Ask: AskEnd}},
	{name: "1s", pass: tick},
	{name: "late 3s", pass: 3 * tick},
}

// possible is what can happen in a node.
func (e *explorer) possible(n node) []move {
	all := append([]move(nil), asked...)
	inputs := n.m.Inputs
	for i, s := range sensors(&inputs) {
		if !s.Fitted() {
			continue
		}
		was := *s
		for _, v := range []protocol.Sensor{protocol.Unknown, protocol.Inactive, protocol.Active} {
			if v == protocol.Unknown && e.w.sure {
				continue
			}
			if *s = v; v != was {
				now := inputs
				all = append(all, move{name: fmt.Sprintf("input %d %v", i, v), in: Input{Inputs: &now}})
			}
		}
		*s = was
	}
	on := n.m.Outputs()
	report := func(name string, l Lines) { all = append(all, move{name: name, in: Input{Lines: &l}}) }
	if n.m.Unsent {
		report("pulse not on the lines yet", Lines{Verified: n.m.Verified &^ kill, Unsent: true})
	}
	if n.m.Unsent && !e.w.reports {
		report("lines right", Lines{Verified: on})
	}
	if n.m.Unsent && e.w.reports {
		report("board lost, no pulse on the lines", Lines{Lost: true, Unsent: true})
	}
	if e.w.reports {
		report("lines right", Lines{Verified: on})
		report("board lost", Lines{Lost: true})
		report("main valve unverified", Lines{Verified: on &^ mainValve})
		for _, l := range []protocol.Line{protocol.MainValve, protocol.IgnitionStart, protocol.IgnitionOn, protocol.IgnitionOff} {
			report("failed "+l.String(), Lines{Verified: on.Without(l), Failed: protocol.SetOf(l)})
		}
	}
	if e.w.boots {
		for kind, name := range []string{"", "restart", "reboot", "restart, journal unreadable"} {
			if kind > 0 {
				all = append(all, move{name: name, boot: kind})
			}
		}
	}
	return all
}

func (e *explorer) take(i int32, n node, mv move) {
	e.moves++
	if mv.boot > 0 {
		e.restart(i, n, mv)
		return
	}
	m, out := stepWith(e.w.timing, n.m, mv.in, n.m.At.Add(mv.pass), e.fires)
	w, wrong := n.w.after(e.w.timing, n.m, m, mv.in, mv.pass, out)
	e.report(wrong, i, mv, m)
	if !e.w.reports && m.Outputs() != n.m.Outputs() { // the lines read right at once
		on := m.Outputs()
		was := m
		var more []Outcome
		m, more = stepWith(e.w.timing, m, Input{Lines: &Lines{Verified: on}}, m.At, e.fires)
		w, wrong = w.after(e.w.timing, was, m, Input{Lines: &Lines{Verified: on}}, 0, more)
		e.report(wrong, i, mv, m)
	}
	if accepted(mv.in.Ask, out) && !e.waters(m) {
		e.report([]string{"P10: an accepted start that cranks nothing"}, i, mv, m)
	}
	e.add(node{m, w}, i, mv.name)
}

// accepted: a trigger or an emergency start was taken.
func accepted(ask Ask, out []Outcome) bool {
	for _, o := range out {
		if o.Kind == TriggerAnswered && o.Accepted || ask == AskStart && o.Action == protocol.EmergencyBypassStart {
			return true
		}
	}
	return false
}

// waters checks P10: once a start is accepted, the engine is powered, if the lines work and nobody
// interferes.
func (e *explorer) waters(m Machine) bool {
	c := e.w.timing
	starts := m.Starts
	var path []packed
	for range 200 {
		m, _ = Step(c, m, Input{Lines: &Lines{Verified: m.Outputs()}}, m.At)
		key := pack(e.t, normal(node{m: m}, c))
		if m.Starts > starts || powered.has(m.Phase) || e.wet[key] {
			for _, k := range path {
				e.wet[k] = true
			}
			return true
		}
		if m.Due.IsZero() {
			return false
		}
		path = append(path, key)
		m, _ = Step(c, m, Input{}, m.Due)
	}
	return false
}

// restart lets the process die here and come back with what a checkpoint of now would hold.
func (e *explorer) restart(i int32, n node, mv move) {
	const since = 1000 * time.Second
	mem := n.m.Memory(e.w.timing, since, "kernel")
	boot := Boot{Recovered: protocol.Recovered{Pump: mem}, BootID: "kernel", SinceBoot: since}
	switch mv.boot {
	case 2:
		boot.BootID = "another"
	case 3:
		boot.Recovered = protocol.Recovered{Unreadable: true}
	}
	boot.Recovered.SafeMode = e.w.safe
	fresh := Machine{Inputs: released(e.w.fitted)}
	m, out := stepWith(e.w.timing, fresh, Input{Boot: &boot, Inputs: &fresh.Inputs}, zero, e.fires)
	w, wrong := n.w.reborn(e.w.timing, n.m, m, mv.boot, out)
	e.report(wrong, i, mv, m)
	e.add(node{m, w}, i, mv.name)
}

func (e *explorer) report(wrong []string, i int32, mv move, m Machine) {
	for _, what := range wrong {
		if e.bad[what] {
			continue
		}
		e.bad[what] = true
		e.tell("%s: %s\n  by %s\n  way: %s\n  from %+v\n  to   %+v", e.w.name, what, mv.name, e.way(i),
			e.queue[i].m, m)
	}
}

// way is how a node is reached.
func (e *explorer) way(i int32) string {
	var steps []string
	for ; i >= 0; i = e.from[i] {
		steps = append([]string{fmt.Sprintf("%s -> %v", e.by[i], e.queue[i].m.Phase)}, steps...)
	}
	return strings.Join(steps, "; ")
}

// ends checks P8: left alone, every state comes to IDLE or ERROR, all off, in bounded time, and
// nothing happens before Until says so.
func (e *explorer) ends(i int32, n node) {
	c := e.w.timing
	bound := c.TakeLimit + c.VerifyTimeout + c.PreOpenDelay + time.Duration(c.CrankAttempts)*(c.IgnitionStart+c.CrankRest) +
		c.MaxEngineRuntime + time.Duration(mostPulses+2)*c.IgnitionOff + 2*c.ValveCloseDelay + 2*(n.m.RefillTotal+
		c.refillFor(n.m.Engine+2*c.MaxEngineRuntime)) + c.CooldownDuration + c.FireOffDelay + feedbackLost
	m, passed := n.m, time.Duration(0)
	if n.w.ending && !n.w.ended {
		last, out := Step(c, m, Input{}, m.At.Add(c.EndWait+c.IgnitionOff))
		if last.Outputs() != 0 || len(out) == 0 || out[len(out)-1].Kind == EventOccurred {
			e.report([]string{"P14: the process does not end with the pulse"}, i, move{name: "nothing"}, last)
		}
	}
	var path []packed
	for {
		key := pack(e.t, normal(node{m: m}, c))
		if left, ok := e.calm[key]; ok {
			passed += left
			break
		}
		path = append(path, key)
		done := m.Phase == AtRest && m.Outputs() == 0 || inFault.has(m.Phase)
		if done {
			e.calm[key] = 0
			break
		}
		until := m.Due
		if until.IsZero() {
			until = recomputed(c, m)
		}
		if until.IsZero() || len(path) > 500 {
			e.report([]string{"P8: a state has no deadline"}, i, move{name: "nothing"}, m)
			return
		}
		early, out := Step(c, m, Input{}, until.Add(-1))
		if early.Phase != m.Phase || early.Outputs() != m.Outputs() || len(out) > 0 {
			e.report([]string{"Until is late: something happens before it"}, i, move{name: "nothing"}, early)
		}
		passed += until.Sub(m.At)
		m, _ = Step(c, m, Input{}, until)
		if !e.w.reports {
			m, _ = Step(c, m, Input{Lines: &Lines{Verified: m.Outputs()}}, m.At)
		}
	}
	if passed > bound {
		e.report([]string{"P8: IDLE or ERROR is not reached in bounded time"}, i, move{name: "nothing"}, m)
	}
	if len(path) > 0 {
		e.calm[path[0]] = passed
	}
}

// recomputed is a machine's Until where normal has taken it away.
func recomputed(c Timing, m Machine) time.Time {
	s := &step{Machine: m, c: c}
	return s.due()
}

func TestEveryInvariantHoldsInEveryReachableState(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	all := worlds()
	if underRace { // one goroutine: nothing can race, all is slow
		all = all[len(all)-1:]
	}
	var sum struct {
		sync.Mutex
		fired         []int
		seen          phases
		states, moves int
	}
	sum.fired = make([]int, len(rules))
	t.Run("worlds", func(t *testing.T) {
		for _, w := range all {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				e := explore(t, w, t.Errorf)
				sum.Lock()
				defer sum.Unlock()
				for i, n := range e.fired {
					sum.fired[i] += n
				}
				sum.seen |= e.phases
				sum.states += len(e.queue)
				sum.moves += e.moves
				t.Logf("%d states, %d steps", len(e.queue), e.moves)
			})
		}
	})
	t.Logf("%d states, %d steps", sum.states, sum.moves)
	if t.Failed() || underRace {
		return
	}
	for i, r := range rules {
		if sum.fired[i] == 0 {
			t.Errorf("the rule %q never fired", r.name)
		}
	}
	if missing := anyPhase &^ sum.seen; missing != 0 {
		t.Errorf("these phases were never reached: %b", missing)
	}
}
