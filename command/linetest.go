package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"wildfire-watch/guard"
	"wildfire-watch/hardware"
)

type linesTestCommand struct {
	settings
	For      time.Duration `help:"How long each output is on, 100ms to 30s." default:"1s" placeholder:"TIME"`
	Only     []string      `help:"Only these outputs, separated by commas." placeholder:"OUTPUT"`
	Ignition bool          `help:"The three ignition lines too: THE ENGINE MAY START."`
	Confirm  string        `help:"The sentence that would be typed, for scripts." placeholder:"SENTENCE"`
}

// Help is printed by lines test --help.
func (linesTestCommand) Help() string {
	return `Switches the outputs on, one after the other, and tells what reads back: the line itself,
or its feedback where one is fitted. Look at the relay and at the valve all the same. Before
it begins it shows what it will do, and a sentence that must be typed. It refuses while
wildfire-watch runs: sudo systemctl stop wildfire-watch.

Ctrl-C, a closed terminal or a pressed stop button switch everything off at once.

The ignition lines are left out. With --ignition the starter turns for half a second at most,
only while the main valve reads open, with ignition on off; a full stop pulse follows, with
the main valve open, for some engines start all the same. Ctrl-C then ends the crank and
gives the pulse; a second one ends that too.

Example:

    wildfire-watch lines test --config home.toml --for 2s`
}

const (
	shortestTest = 100 * time.Millisecond
	longestTest  = 30 * time.Second
)

// Run walks the outputs after a typed confirmation; it fails if one did not read back.
func (l linesTestCommand) Run(t *terminal) error {
	outputs, err := l.outputs()
	if err != nil {
		return err
	}
	c, err := t.load(l.settings)
	if err != nil {
		return err
	}
	c.auto = false // the lines that were shown, or none: never a simulation instead
	view, err := newLookout(c).now()
	if err != nil {
		return err
	}
	if err := untouched(view); err != nil {
		return err
	}
	w := &walk{outputs: outputs, hold: l.For, crankBy: c.Pump.IgnitionStart, verify: c.GPIO.VerifyTimeout,
		wiring: c.GPIO.Wiring(), out: t.out}
	w.hand = newHand(nil, c.Pump.IgnitionOff)
	if err := confirm(t.in, t.out, isTerminal(t.in), w.announce(view), l.Confirm); err != nil {
		return err
	}
	return w.drive(t, c)
}

// drive takes the lines and walks them, with a guard beside that switches everything off, engine
// first, if this process is killed or hangs.
func (w *walk) drive(t *terminal, c configured) error {
	release, err := holdFolder(c.Journal.Dir)
	if err != nil {
		return err
	}
	defer release()
	board, err := openBoard(&c, func(what string) { fmt.Fprintln(t.err, what) })
	if err != nil {
		return err
	}
	w.hand.board = board
	board.Watch(func(l hardware.Levels) {
		if l.Fitted[hardware.StopButton] && l.Inputs[hardware.StopButton] {
			go w.hand.stop("the stop button is pressed", false) // Watch may be called within a write
		}
	})
	watch, err := guard.Start(guardOrders(c.Config), guard.Options{})
	if err != nil {
		_ = board.Close()
		watch.Bye()
		return fmt.Errorf("nothing is tested without a guard, which switches off if this process is killed: %w", err)
	}
	defer w.obey()() // last: no signal may end the process before the lines are off
	stop := w.beat(watch.Alive, c.GPIO.Deadman/4)
	defer func() {
		if w.end(board) == nil {
			watch.Bye()
		}
		stop()
	}()
	return w.run()
}

// beat gives a sign of life as long as the hand and its board answer.
func (w *walk) beat(alive func(), every time.Duration) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(max(every, 10*time.Millisecond))
		defer tick.Stop()
		for {
			if _, _, err := w.hand.look(); err == nil {
				alive()
			}
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// holdFolder keeps a wildfire-watch from starting on this journal while its lines are tested: with
// gpio.board = "auto" it would find them busy, and simulate.
func holdFolder(dir string) (release func(), err error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look whether wildfire-watch runs: %w: test as root, or as the user that it runs as", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("wildfire-watch runs: it has its journal in %s. Stop it first: sudo systemctl stop wildfire-watch", dir)
	}
	return func() { _ = f.Close() }, nil
}

// outputs are those to be walked, in their order: the engine last, the starter before the pulse that
// stops it.
func (l linesTestCommand) outputs() (all []hardware.Output, err error) {
	if l.For < shortestTest || l.For > longestTest {
		return nil, fmt.Errorf("--for %v: must be %v to %v", l.For, shortestTest, longestTest)
	}
	order := []hardware.Output{hardware.MainValve, hardware.PrimingValve, hardware.RefillValve, hardware.RPMReduce,
		hardware.IgnitionOn, hardware.IgnitionStart, hardware.IgnitionOff}
	for _, name := range l.Only {
		o := hardware.Output(slices.Index(hardware.OutputNames[:], name))
		if o >= hardware.NumOutputs {
			return nil, fmt.Errorf("--only %s: must be among %s", name, strings.Join(hardware.OutputNames[:], ", "))
		}
		if ignites(o) && !l.Ignition {
			return nil, fmt.Errorf("--only %s: it belongs to the engine: --ignition must be given too", name)
		}
	}
	for _, o := range order {
		chosen := len(l.Only) == 0 || slices.Contains(l.Only, hardware.OutputNames[o])
		if chosen && (l.Ignition || !ignites(o)) {
			all = append(all, o)
		}
	}
	return all, nil
}

func ignites(o hardware.Output) bool {
	return o == hardware.IgnitionStart || o == hardware.IgnitionOn || o == hardware.IgnitionOff
}

// untouched is the refusal to drive lines that somebody else drives.
func untouched(v lineView) error {
	if v.Running {
		return fmt.Errorf("%s It drives the lines, and the test would take them from it. Stop it first: "+
			"sudo systemctl stop wildfire-watch", strings.TrimSuffix(v.Program, ".")+".")
	}
	for _, f := range v.Functions {
		if f.HeldBy != "" && f.Problem == "" {
			return fmt.Errorf("line %d (%s) is held by %q: wildfire-watch runs, or its guard is still stopping "+
				"the engine. Stop it first: sudo systemctl stop wildfire-watch", f.Line, f.Function, f.HeldBy)
		}
	}
	if p := v.problems(); len(p) > 0 {
		return fmt.Errorf("nothing is tested, because of %s: %s", count(len(p), "problem"), strings.Join(p, "; "))
	}
	return nil
}

// confirm asks for the sentence; a script gives it with --confirm.
func confirm(in io.Reader, out io.Writer, person bool, sentence, given string) error {
	if given == "" {
		if !person {
			return fmt.Errorf("nobody is at the terminal to confirm; a script says --confirm %q", sentence)
		}
		fmt.Fprintf(out, "\nTo begin, type this and Enter; anything else ends it.\n\n    %s\n\n> ", sentence)
		var err error
		if given, err = bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n'); err != nil {
			fmt.Fprintln(out)
			return errors.New("nothing was confirmed, nothing was switched")
		}
	}
	if !strings.EqualFold(strings.Join(strings.Fields(given), " "), sentence) {
		return fmt.Errorf("that is not %q: nothing was switched", sentence)
	}
	return nil
}

// obey ends the test at the first signal. SIGSTOP and SIGKILL alone cannot be heard. A terminal that
// is gone must not end the process at a write, before the lines are off.
func (w *walk) obey() (done func()) {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGTTOU, syscall.SIGTTIN)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM)
	closed := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				drop := s == syscall.SIGINT || s == syscall.SIGQUIT
				if w.hand.stop(signalWords[s], drop) { // the lines first, words after
					go fmt.Fprintf(w.out, "\n%s: the starter is off; the stop pulse goes on with the main valve open. "+
						"Ctrl-C once more ends it.\n", signalWords[s])
				}
			case <-closed:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(closed)
	}
}

var signalWords = map[os.Signal]string{syscall.SIGINT: "Ctrl-C", syscall.SIGTERM: "asked to end (SIGTERM)",
	syscall.SIGHUP: "the terminal was closed", syscall.SIGQUIT: "Ctrl-\\", syscall.SIGTSTP: "Ctrl-Z",
	syscall.SIGUSR1: "SIGUSR1", syscall.SIGUSR2: "SIGUSR2", syscall.SIGALRM: "SIGALRM"}
