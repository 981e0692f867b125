package appliance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/test/gear"
	"wildfire-watch/test/kernel/gpiosim"
)

// Lines are the outputs' lines in config.toml, by hardware.Output.
var Lines = [hardware.NumOutputs]int{18, 23, 24, 25, 22, 26, 27}

// Wires are the seven relays on a chip, seen from the kernel. They switch on at high, as by default.
type Wires struct {
	t       testing.TB
	chip    *gpiosim.Chip
	history *gpiosim.History
	first   hardware.Outputs
}

// Board is a chip of a test's own, labelled as a Raspberry Pi's, and the relays on it, which rest.
func Board(t testing.TB) (*gpiosim.Chip, *Wires) {
	t.Helper()
	chip := gpiosim.New(t, gpiosim.Spec{Label: "pinctrl-bcm2711"})
	return chip, Watch(t, chip)
}

// Watch looks at the relays from now on.
func Watch(t testing.TB, chip *gpiosim.Chip) *Wires {
	t.Helper()
	w := &Wires{t: t, chip: chip, history: chip.History()}
	w.first = w.On()
	return w
}

// On is what is on now.
func (w *Wires) On() (on hardware.Outputs) {
	w.t.Helper()
	for o, line := range Lines {
		on = on.With(hardware.Output(o), w.chip.Level(line))
	}
	return on
}

// Step is what one write changed, at one instant.
type Step struct {
	At   time.Duration // gpiosim.Now
	PID  int
	What string // gpiosim.Set, Out, Free or Pull
	Text string // "+ignition_on -ignition_start", in the order of hardware.Output
	On   hardware.Outputs
}

func (s Step) String() string {
	return fmt.Sprintf("%.6f pid %d %s %s", s.At.Seconds(), s.PID, s.What, s.Text)
}

// Steps are the relays' real changes in order, whoever made them. A line that is requested or let go
// is a step only if its level changes by it.
func (w *Wires) Steps() (steps []Step) {
	on, op := w.first, int64(-1)
	var words [hardware.NumOutputs]string
	for _, e := range w.history.Events() {
		o := hardware.Output(slices.Index(Lines[:], e.Line))
		if o >= hardware.NumOutputs || on.Has(o) == e.High {
			continue
		}
		on = on.With(o, e.High)
		if e.Op != op {
			op, words = e.Op, [hardware.NumOutputs]string{}
			steps = append(steps, Step{At: e.At, PID: e.PID, What: e.What})
		}
		words[o] = map[bool]string{true: "+", false: "-"}[e.High] + hardware.OutputNames[o]
		last := &steps[len(steps)-1]
		last.On, last.Text = on, strings.Join(strings.Fields(strings.Join(words[:], " ")), " ")
	}
	return steps
}

// Texts are the words of steps.
func Texts(steps []Step) (texts []string) {
	for _, s := range steps {
		texts = append(texts, s.Text)
	}
	return texts
}

// Settled are steps as they were meant: where the gpio actor's own cap ended a crank because the pump
// was late (a busy machine), the pump's write that would have ended it follows at once.
func Settled(steps []Step) (settled []Step) {
	for _, s := range steps {
		if n := len(settled) - 1; n >= 0 && settled[n].Text == "-ignition_start" && s.Text == "+ignition_on" &&
			s.At-settled[n].At < 10*Jitter {
			settled[n].Text, settled[n].On = "-ignition_start +ignition_on", s.On
			continue
		}
		settled = append(settled, s)
	}
	return settled
}

// Expect says exactly what the relays did since Watch, whoever did it (Settled).
func (w *Wires) Expect(want ...string) {
	w.t.Helper()
	steps := Settled(w.Steps())
	if !slices.Equal(Texts(steps), want) {
		w.t.Errorf("the relays did\n\t%s\nwant\n\t%s", show(steps), strings.Join(want, "\n\t"))
	}
}

func show(steps []Step) string {
	var lines []string
	for _, s := range steps {
		lines = append(lines, s.String())
	}
	return strings.Join(lines, "\n\t")
}

// Last is the last step in which something happened to the relay named ("+ignition_on").
func (w *Wires) Last(word string) (s Step, ok bool) {
	steps := w.Steps()
	for _, s := range slices.Backward(steps) {
		if slices.Contains(strings.Fields(s.Text), word) {
			return s, true
		}
	}
	return s, false
}

// LetGo is when a process let go of the line that keeps the engine on: it had died, if it did not stop.
func (w *Wires) LetGo(pid int) (at time.Duration, ok bool) {
	for _, e := range slices.Backward(w.history.Events()) {
		if e.What == gpiosim.Free && e.PID == pid && e.Line == Lines[hardware.IgnitionOn] {
			return e.At, true
		}
	}
	return 0, false
}

// Record is the kernel's whole record since an instant, for who reads why a test failed: directions and
// owners too, and times after that instant.
func (w *Wires) Record(since time.Duration) string {
	var lines []string
	for _, e := range w.history.Events() {
		if e.At >= since {
			e.At -= since
			lines = append(lines, e.String())
		}
	}
	return strings.Join(lines, "\n\t")
}

// Await waits until something has happened to a relay, and returns the step.
func (w *Wires) Await(word string, limit time.Duration) Step {
	w.t.Helper()
	var s Step
	var ok bool
	if !gear.Await(limit, func() bool { s, ok = w.Last(word); return ok }) {
		w.t.Fatalf("no %s within %v; the relays did\n\t%s", word, limit, show(w.Steps()))
	}
	return s
}

// Forget begins anew.
func (w *Wires) Forget() { w.t.Helper(); w.history.Forget(); w.first = w.On() }

// Jitter is what a time at the line may be shorter than the one decided: its beginning and its end are
// written each some time after the decision, and on a busy machine not equally long after it.
const Jitter = 50 * time.Millisecond

// StoppedInOrder checks SPEC P6 in the steps from an instant on: in one step ignition start and on go
// low, refill and priming valves shut and ignition off is pulsed, for its full time and with the main
// valve as it was; then everything is off and stays off. It returns when the engine was off.
func (w *Wires) StoppedInOrder(from, pulse time.Duration) (off time.Duration) {
	w.t.Helper()
	steps := w.Steps()
	i := slices.IndexFunc(steps, func(s Step) bool { return s.At >= from })
	if i < 0 {
		w.t.Fatalf("nothing was done since %.6f; before\n\t%s", from.Seconds(), show(steps))
	}
	steps = steps[i:]
	stop, end := steps[0], steps[len(steps)-1]
	allowed := hardware.Outputs(0).With(hardware.MainValve, true).With(hardware.IgnitionOff, true)
	if stop.On&^allowed != 0 || !stop.On.Has(hardware.IgnitionOff) {
		w.t.Errorf("the first step is no stop: on is %07b after %v", stop.On, stop)
	}
	if end.On != 0 {
		w.t.Errorf("at the end %07b is on", end.On)
	}
	for n, s := range steps {
		if s.On&^stop.On != 0 {
			w.t.Errorf("something was switched on after the stop: %v", s)
		}
		if n > 0 && s.At-stop.At < pulse-Jitter {
			w.t.Errorf("%v came %v after the stop, in its pulse of %v", s, s.At-stop.At, pulse)
		}
	}
	return stop.At
}

// EngineOff is the instant from which ignition start and on are low for good, as far as is known.
func (w *Wires) EngineOff() (at time.Duration, ok bool) {
	const engine = hardware.Outputs(1<<hardware.IgnitionStart | 1<<hardware.IgnitionOn)
	on := w.first
	for _, s := range w.Steps() {
		if on&engine != 0 && s.On&engine == 0 {
			at = s.At
		}
		on = s.On
	}
	return at, on&engine == 0
}

// Pulse is a time in which ignition off was on.
type Pulse struct {
	From, To time.Duration // To is zero while it lasts
	Watered  bool          // the main valve was open all the time
	Alone    bool          // nothing but the main valve was on besides, all the time
}

// Pulses are the stop pulses, in order.
func (w *Wires) Pulses() (all []Pulse) {
	pulsing := false
	for _, s := range w.Steps() {
		rest := s.On &^ (1<<hardware.MainValve | 1<<hardware.IgnitionOff)
		switch {
		case s.On.Has(hardware.IgnitionOff) && !pulsing:
			all = append(all, Pulse{From: s.At, Watered: s.On.Has(hardware.MainValve), Alone: rest == 0})
		case s.On.Has(hardware.IgnitionOff):
			p := &all[len(all)-1]
			p.Watered, p.Alone = p.Watered && s.On.Has(hardware.MainValve), p.Alone && rest == 0
		case pulsing:
			all[len(all)-1].To = s.At
		}
		pulsing = s.On.Has(hardware.IgnitionOff)
	}
	return all
}

// TakenOver checks what a guard does after the program has died, from that instant on: it takes the
// lines, no engine line is on any more, ignition off is pulsed for its full time with the main valve
// open and nothing else on, and then everything is off. What lines do when they are let go at the end,
// or were when the program died, is the simulator's pull and nobody's deed. It returns when the engine
// was off.
func (w *Wires) TakenOver(from, pulse time.Duration) (off time.Duration) {
	w.t.Helper()
	const engine = hardware.Outputs(1<<hardware.IgnitionStart | 1<<hardware.IgnitionOn)
	const pulsing = hardware.Outputs(1<<hardware.MainValve | 1<<hardware.IgnitionOff)
	var begun, ended time.Duration
	for _, s := range w.Steps() {
		switch {
		case s.At < from || s.What == gpiosim.Free || s.What == gpiosim.Pull:
			continue
		case ended != 0:
			w.t.Errorf("after its end: %v", s)
		case begun == 0:
			if s.On&engine == 0 && off == 0 {
				off = s.At
			}
			if s.On == pulsing {
				begun = s.At
			}
		case s.On == 0:
			ended = s.At
		case s.On != pulsing:
			w.t.Errorf("in the pulse %07b is on: %v", s.On, s)
		}
	}
	if off == 0 || begun == 0 || ended == 0 || ended-begun < pulse-Jitter {
		w.t.Errorf("engine off at %.6f, a pulse from %.6f to %.6f, wanted %v of it", off.Seconds(), begun.Seconds(),
			ended.Seconds(), pulse)
	}
	return off
}
