package command

import (
	"context"
	"fmt"
	stdlog "log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"

	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/system"
	"wildfire-watch/guard"
	"wildfire-watch/protocol"
)

type runCommand struct{ settings }

// Run starts everything and ends with SIGTERM or SIGINT, engine first.
func (r runCommand) Run(t *terminal) error {
	signal.Ignore(syscall.SIGPIPE) // who reads the log may end: the pump does not end with it
	guard.Hurry()
	t.setAside()
	c, err := t.load(r.settings)
	if err != nil {
		return err
	}
	log := newLog(t.err, c.Log.Level, c.Log.Levels())
	defer func() { _ = log.Sync() }()
	importance, _ := os.ReadFile(oomScore) // as we were started; a guard changes it
	awaitGuard(c.Config, log)
	folder, err := journal.Claim(c.Journal)
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	signals, hangups := heed() // from now on: READY comes before open returns
	defer func() { signal.Stop(hangups); close(hangups) }()
	board, err := openBoard(&c, func(what string) { log.Warn(what) })
	if err != nil {
		folder.Release()
		return err
	}
	s := newSigns(c.Config, board, log)
	s.guard.begin()
	anew := &reader{t: t, of: r.settings, board: c.GPIO.Board, auto: c.auto, log: log}
	h, err := open(c.Config, folder, board, log, s.outside(c.network(log), anew))
	if err != nil {
		_ = board.Close() // everything is off: nothing was asked for yet
		s.guard.bye()
		s.dog.Close(true) // a machine that is reset again and again cannot be mended
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.tellTrouble(ctx, h, s, log)
	h.ready(log)
	go anew.follow(hangups)
	select {
	case got := <-signals:
		log.Info("stopping: engine first", zap.String("signal", got.String()))
		s.dog.Stopping(c.Pump.IgnitionOff + closeWithin)
		err := h.close("signal", s.guard.bye)
		s.dog.Close(err == nil)
		return err
	case cause := <-s.again:
		log.Info("starting anew: engine first", zap.String("cause", cause))
		return r.again(h, s, log, cause, importance, signals)
	}
}

// ready says where it is to be reached.
func (h *house) ready(log *zap.Logger) {
	log.Info("ready", zap.String("board", h.board.Describe()), zap.String("mqtt", h.addresses.MQTT),
		zap.String("http", h.addresses.HTTP), zap.String("journal", h.config.Journal.Dir))
}

// setAside lets nobody wait for who reads what is said, the standard library's log included.
func (t *terminal) setAside() {
	t.err = tellAside(t.err)
	stdlog.SetOutput(t.err)
}

// heed hears the signals that end the program in good order, and those on which it reads its settings
// anew; several of these at once are one, and before the house stands they wait.
func heed() (stop, hangup chan os.Signal) {
	stop, hangup = make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	switch {
	case rereads():
		signal.Notify(hangup, syscall.SIGHUP)
	case !signal.Ignored(syscall.SIGHUP): // nohup asks to be spared
		signal.Notify(stop, syscall.SIGHUP)
	}
	return stop, hangup
}

// rereads says what SIGHUP means: from a terminal, that it was closed; else, to a service or to what
// nohup spares, that its settings have changed.
func rereads() bool { return !isTerminal(os.Stdin) }

// tellTrouble publishes what is wrong around the house, and looks for the real lines where a
// simulation stands in for them.
func (c configured) tellTrouble(ctx context.Context, h *house, s *signs, log *zap.Logger) {
	s.tellTrouble(h.system.Publish)
	if w := c.warning(); w != "" {
		log.Error(w)
		h.system.Publish(protocol.Fault{Code: "board", Text: w})
		go c.linesLater(ctx, func() { s.anew(protocol.StopLinesThere) })
	}
}

// again ends safe mode, or a simulation: the process stops in good order and becomes a fresh one of
// the same program, whoever started it and whether or not anybody would start it anew. systemd sees
// no stop.
func (r runCommand) again(h *house, s *signs, log *zap.Logger, cause string, importance []byte,
	signals chan os.Signal,
) error {
	if err := h.close(cause, s.guard.bye); err != nil {
		return err
	}
	s.dog.Close(true)
	_ = log.Sync()
	_ = os.WriteFile(oomScore, importance, 0) // or it would grow with each try
	signal.Reset()                            // from now on one ends us at once: everything is off
	select {
	case got := <-signals: // meant for us, the fresh process would not know of it
		log.Info("not starting anew", zap.String("signal", got.String()))
		return nil
	default:
	}
	return fmt.Errorf("start anew, %s: %w", cause, syscall.Exec(self, os.Args, os.Environ()))
}

// self is the program that runs, also when its file was replaced meanwhile; oomScore is how soon the
// kernel takes it when memory runs out.
const self, oomScore = "/proc/self/exe", "/proc/self/oom_score_adj"

// load reads a configuration and prints what is wrong with it; mistakes end the command, warnings
// do not.
func (t *terminal) load(s settings) (configured, error) {
	c, mistakes, err := t.read(s)
	if err != nil {
		return c, err
	}
	if len(mistakes) > 0 {
		fmt.Fprint(t.err, system.Report(s.Config, mistakes))
	}
	if system.Wrong(mistakes) {
		return c, errReported
	}
	return c, nil
}

// closeWithin is what SPEC P14 leaves for the exit after the stop pulse, less a margin.
const closeWithin = 1900 * time.Millisecond

// close ends the house, engine first. Whatever else hangs is left behind in time (SPEC P14). off, if
// not nil, is called as soon as everything is off and the lines are let go.
func (h *house) close(cause string, off func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), h.config.Pump.IgnitionOff+closeWithin)
	defer cancel()
	err := h.system.Stop(ctx, cause)
	if err == nil && off != nil {
		off()
	}
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		if h.page != nil {
			_ = h.page.Close()
		}
		if h.broker != nil {
			_ = h.broker.Close()
		}
		h.store.Close()
	}()
	select {
	case <-rest:
	case <-ctx.Done():
	}
	if err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
