package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"wildfire-watch/hardware"
)

// walk is one test of outputs by hand: what is to be switched, and what was seen.
type walk struct {
	hand    *hand
	outputs []hardware.Output
	hold    time.Duration // how long each is on
	crankBy time.Duration // pump.ignition_start_duration: no crank is longer
	verify  time.Duration // gpio.verify_timeout: the patience with a valve
	wiring  hardware.Wiring
	out     io.Writer
	wrong   []string // outputs that did not read back
}

// longestCrank bounds a crank of the test, beside pump.ignition_start_duration.
const longestCrank = 500 * time.Millisecond

func (w *walk) crankTime() time.Duration { return min(w.hold, longestCrank, w.crankBy) }

// does says what an output does when it is switched on by itself.
var does = [hardware.NumOutputs]string{
	hardware.MainValve:     "water can flow",
	hardware.PrimingValve:  "water goes to prime the pump",
	hardware.RefillValve:   "the tank fills",
	hardware.RPMReduce:     "the throttle moves",
	hardware.IgnitionOn:    "ignition or fuel is on; the engine stands still",
	hardware.IgnitionStart: "THE ENGINE TURNS AND MAY START",
	hardware.IgnitionOff:   "what stops the engine",
}

// announce shows what will be done and returns the sentence that agrees to it.
func (w *walk) announce(v lineView) (sentence string) {
	simulated := ""
	if v.Simulated {
		simulated = ": nothing real is driven"
	}
	fmt.Fprintf(w.out, "%s%s\nThese outputs will be switched on, one after the other, %v each:\n\n", v.Board,
		simulated, w.hold)
	sentence, cranks := "test", false
	for _, o := range w.outputs {
		what := does[o]
		switch {
		case o == hardware.IgnitionStart:
			cranks = true
			what += fmt.Sprintf(": %v, with the main valve open", w.crankTime())
		case o == hardware.IgnitionOff && cranks:
			what += fmt.Sprintf(": right after it, %v, with the main valve open", w.hand.pulse)
		}
		sentence += " " + hardware.OutputNames[o]
		fmt.Fprintf(w.out, "  %-15s %-9s %s\n", hardware.OutputNames[o], w.line(v, o), what)
	}
	fmt.Fprint(w.out, "\nStand where you see the pump. Ctrl-C switches everything off at once.\n")
	if cranks {
		fmt.Fprint(w.out, "Nobody may be near the engine, and you must be able to stop it by hand.\n")
		sentence += " and nobody is near the engine"
	}
	return sentence
}

func (w *walk) line(v lineView, o hardware.Output) string {
	for _, f := range v.Functions {
		if f.Function == hardware.OutputNames[o] {
			return fmt.Sprintf("line %d", f.Line)
		}
	}
	return ""
}

// run walks the outputs. The error says what did not read back, or why it ended early.
func (w *walk) run() error {
	if w.reads(hardware.StopButton) {
		return errors.New("the stop button is pressed: nothing was switched")
	}
	fmt.Fprintln(w.out)
	cranked := false
	for _, o := range w.outputs {
		switch {
		case o == hardware.IgnitionStart:
			cranked = true
			w.crank()
		case o == hardware.IgnitionOff && cranked: // the pulse has tested it
		default:
			w.one(o)
		}
		if w.hand.stoppedBy() != "" {
			break
		}
	}
	if err := w.rest(); err != nil {
		return err
	}
	switch why := w.hand.stoppedBy(); {
	case why != "":
		return fmt.Errorf("ended early: %s; everything is off", why)
	case len(w.wrong) > 0:
		return fmt.Errorf("not as it should be: %s; everything is off", strings.Join(w.wrong, ", "))
	}
	fmt.Fprintln(w.out, "\nEverything is off. The lines read back as commanded; whether relays and valves moved,\n"+
		"only you have seen.")
	return nil
}

// rest waits until every output is inactive, which only a board that takes no writes delays.
func (w *walk) rest() error {
	limit := time.NewTimer(w.limit())
	defer limit.Stop()
	select {
	case <-w.hand.resting():
		return nil
	case <-limit.C:
		return fmt.Errorf("THE OUTPUTS MAY STILL BE ON, cut their power: %w", w.hand.trouble())
	}
}

// limit is longer than anything of the plan lasts.
func (w *walk) limit() time.Duration { return w.hold + w.verify + w.hand.pulse + 5*time.Second }

// end leaves every output inactive and lets the lines go, however the test ended. The error says
// that this could not be done.
func (w *walk) end(board hardware.Board) error {
	w.hand.stop("the test has ended", false)
	return errors.Join(w.rest(), board.Close())
}

// reads says whether an input is fitted and active.
func (w *walk) reads(in hardware.Input) bool {
	l, err := w.hand.board.Read()
	return err == nil && l.Fitted[in] && l.Inputs[in]
}

// one switches a single output on and off, and tells what read back.
func (w *walk) one(o hardware.Output) {
	s := w.begin()
	w.name(o)
	if err := w.hand.on(o, w.hold); err != nil {
		w.tell(o, "not switched: "+err.Error(), false)
		return
	}
	w.witness(&s)
	w.show(&s, o)
}

// crank turns the starter with the main valve open, and stops the engine for as long as its feedback
// says that it runs.
func (w *walk) crank() {
	w.name(hardware.IgnitionStart)
	if w.reads(hardware.EngineRunning) {
		w.tell(hardware.IgnitionStart, "not cranked: the engine runs", false)
		return
	}
	s := w.begin()
	err := w.hand.on(hardware.MainValve, w.verify+longestCrank) // the crank comes before that ends
	if err == nil {
		w.opened(w.verify)
		err = w.hand.crank(w.crankTime())
	}
	if err != nil {
		w.hand.release()
		w.tell(hardware.IgnitionStart, "not cranked: "+err.Error(), false)
		return
	}
	w.witness(&s)
	w.show(&s, hardware.IgnitionStart)
	w.name(hardware.IgnitionOff)
	w.show(&s, hardware.IgnitionOff)
	for w.reads(hardware.EngineRunning) && w.hand.stoppedBy() == "" {
		w.name(hardware.IgnitionOff)
		w.tell(hardware.IgnitionOff, "THE ENGINE RUNS after its stop pulse: one more, with the main valve open. "+
			"Stop it by hand", false)
		if w.hand.shut() != nil || w.rest() != nil {
			return
		}
	}
}

// opened waits until the main valve reads open.
func (w *walk) opened(patience time.Duration) {
	limit := time.Now().Add(patience)
	tick := time.NewTicker(lookAtLines)
	defer tick.Stop()
	for time.Now().Before(limit) {
		if l, err := w.hand.board.Read(); err == nil && l.Outputs.Has(hardware.MainValve) {
			return
		}
		select {
		case <-tick.C:
		case <-w.hand.ended:
			return
		}
	}
}

// show tells what an output read back while it was switched.
func (w *walk) show(s *sight, o hardware.Output) {
	ok := s.on[o].seen && s.off[o].seen
	text := "on " + s.on[o].text("NEVER READ ON") + ", off " + s.off[o].text("STILL READS ON")
	if w.wiring.Feedbacks[o] >= 0 {
		text += " (by its feedback)"
		if !s.on[o].seen && w.hold < longestTest {
			text += "; a slow valve needs a longer --for"
		}
	}
	if moved := s.moved(); moved != "" {
		text += "; meanwhile " + moved
	}
	if w.hand.stoppedBy() != "" {
		fmt.Fprintln(w.out, "ended early")
		return
	}
	w.tell(o, text, ok)
}

// name begins the line of an output before it is switched.
func (w *walk) name(o hardware.Output) { fmt.Fprintf(w.out, "  %-15s ", hardware.OutputNames[o]) }

// tell ends it.
func (w *walk) tell(o hardware.Output, text string, ok bool) {
	if ok {
		fmt.Fprintln(w.out, text)
		return
	}
	w.wrong = append(w.wrong, hardware.OutputNames[o])
	fmt.Fprintln(w.out, text+"   <-- WRONG")
}
