package test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors/bridge"
	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/system"
	"wildfire-watch/command"
	"wildfire-watch/hardware"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

// scene is one scenario: the whole system on a simulated plant in a bubble of virtual time.
type scene struct {
	t       *testing.T
	dir     string
	state   string   // $STATE of this round
	sets    []string // --set, as on the command line
	clock   *clock
	start   time.Time
	running *system.System
	board   *simulator.Simulator
	store   *journal.Store
	dead    *atomic.Bool // the process of this board has died: it drives nothing any more
	fires   []*blaze
	exit    atomic.Int64                        // the code with which a trip ended the process
	dial    bridge.Dial                         // nil: no MQTT at all
	heard   func(msg any)                       // hears all that is published; nil: nobody does
	slow    func(msg any)                       // holds up who publishes; nil: nothing does
	lens    func(hardware.Board) hardware.Board // stands before each new board; nil: nothing does
	vitals  system.Vitals

	mu     sync.Mutex // guards what the tap writes
	trace  []mark
	events []string // actions in order
	cursor int      // events that an expectation has passed
	now    protocol.State
	lines  protocol.Lines
	status protocol.PumpStatus
	agrees []string
}

// mark is one line of the trace.
type mark struct {
	at     time.Duration
	source int // orders marks of one instant, whose actors ran at the same time
	text   string
}

const (
	fromPerson = iota
	fromConsensus
	fromPump
	fromLines
	fromBoard // events of the gpio actor, which runs beside the pump
	fromEvents
)

func newScene(t *testing.T, dir, state string) *scene {
	now := time.Now()
	return &scene{t: t, dir: dir, state: state, start: now, clock: &clock{boot: now, bootID: "boot-1"}, sets: []string{
		"gpio.board=simulator",
		"journal.dir=" + filepath.Join(dir, "journal"), "telemetry.health_interval=1h", "telemetry.system_interval=1h",
	}}
}

// boot starts the system as the binary would, without MQTT.
func (w *scene) boot() error {
	defaults, err := os.ReadFile("../config.toml")
	if err != nil {
		return err
	}
	c, mistakes, err := system.Load(defaults, "", w.sets)
	if err != nil {
		return err
	}
	for _, m := range mistakes {
		if !m.Warning {
			return fmt.Errorf("%s = %s: must be %s", m.Key, m.Value, m.Allowed)
		}
	}
	w.board, err = simulator.New(command.SimulatorSettings(c))
	if err != nil {
		return err
	}
	store, found, err := journal.OpenIn(c.Journal, w.clock.bootID)
	if err != nil {
		return err
	}
	w.dead, w.store = new(atomic.Bool), store
	board := hardware.Board(w.board)
	if w.lens != nil {
		board = w.lens(board)
	}
	w.now, w.lines, w.agrees = protocol.Idle, 0, nil
	w.running, err = system.Start(system.Parts{
		Config: c, Board: mortal{board, w.dead}, Store: store, Recovered: found,
		Version: "scenario", Clock: w.clock, Dial: w.dial, NoBridge: w.dial == nil, Tap: w.tapOf(w.dead),
		Vitals: w.vitals,
		Exit:   func(code int) { w.exit.Store(int64(code)); w.dead.Store(true) },
	})
	synctest.Wait()
	return err
}

// mortal is a board that a dead process can no longer drive.
type mortal struct {
	hardware.Board
	dead *atomic.Bool
}

func (m mortal) Write(o hardware.Outputs) error {
	if m.dead.Load() {
		return nil
	}
	return m.Board.Write(o)
}

// die ends the process without a word: nothing more is written to lines or journal.
func (w *scene) die() {
	w.dead.Store(true)
	w.running.Abandon()
	w.store.Close()
	_ = w.board.Close()
	w.running = nil
}

func (w *scene) end() {
	if w.running != nil {
		w.quiet()
		_ = w.running.Stop(context.Background(), "end of scenario")
		w.store.Close()
	}
	time.Sleep(3 * time.Second) // protoactor's throttle goroutine ends
	synctest.Wait()
}

// quiet keeps the end of the scenario out of its trace.
func (w *scene) quiet() { w.dead.Store(true) }

func (w *scene) tapOf(dead *atomic.Bool) func(any) {
	return func(msg any) {
		if !dead.Load() {
			w.tap(msg)
		}
	}
}

func (w *scene) tap(msg any) {
	if w.slow != nil {
		w.slow(msg)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.heard != nil {
		w.heard(msg)
	}
	switch m := msg.(type) {
	case protocol.Event:
		if strings.HasPrefix(string(m.Action), "alarm_") {
			return // some are of this very machine: its disk, its clock
		}
		w.events = append(w.events, string(m.Action))
		text := string(m.Action)
		if m.Reason != "" {
			text += " (" + m.Reason + ")"
		}
		source := fromEvents
		if m.Action == protocol.SimulationModeWarning || strings.HasPrefix(string(m.Action), "gpio_") {
			source = fromBoard
		}
		w.mark(source, "event  "+text)
	case protocol.PumpStatus:
		w.status = m
		if m.State != w.now {
			w.mark(fromPump, "state  "+m.State.String())
			w.now = m.State
		}
	case protocol.LineReport:
		if m.Commanded != w.lines {
			w.mark(fromLines, "lines  "+strings.ReplaceAll(m.Commanded.String(), "+", " "))
			w.lines = m.Commanded
		}
	case protocol.ConsensusStatus:
		w.agrees = m.Agreeing
	case protocol.SafeModeOver:
		w.mark(fromEvents, "safe mode is over")
	case protocol.FireConfirmed:
		w.mark(fromConsensus, "fire   confirmed by "+strings.Join(m.Cameras, " "))
	}
}

func (w *scene) mark(source int, text string) {
	w.trace = append(w.trace, mark{time.Since(w.start), source, strings.TrimSpace(text)})
}

// say puts what the script does into the trace.
func (w *scene) say(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mark(fromPerson, ">>     "+text)
}

// traceText is the trace; marks of one instant are ordered by source, each source keeping its order.
func (w *scene) traceText() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	sorted := slices.Clone(w.trace)
	slices.SortStableFunc(sorted, func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.at.Round(time.Millisecond), b.at.Round(time.Millisecond)),
			a.source-b.source)
	})
	var out strings.Builder
	for _, m := range sorted {
		fmt.Fprintf(&out, "%12s  %s\n", m.at.Round(time.Millisecond), m.text)
	}
	return out.String()
}

// blaze is a fire that one camera sees, told as detections once a second.
type blaze struct {
	camera string
	area   float64
	growth float64 // factor a second
	shown  int
}

// pass lets d of virtual time go by while the cameras report, each full second, what they see.
func (w *scene) pass(d time.Duration) {
	end := time.Now().Add(d)
	for len(w.fires) > 0 && time.Now().Before(end) {
		second := time.Second - time.Since(w.start)%time.Second
		time.Sleep(min(second, time.Until(end)))
		if time.Since(w.start)%time.Second == 0 {
			w.report()
		}
		synctest.Wait()
	}
	if left := time.Until(end); left > 0 {
		time.Sleep(left)
	}
	synctest.Wait()
}

func (w *scene) report() {
	for _, f := range w.fires {
		f.area = min(f.area*f.growth, 0.6)
		f.shown++
		now := time.Now()
		w.running.Publish(protocol.Detected{
			Camera: f.camera, Object: "fire", Label: "fire", Confidence: 0.9, Area: f.area,
			Arrived: now, Wall: w.clock.Wall(), Stamp: w.clock.Wall().Add(-200 * time.Millisecond),
		})
	}
}
