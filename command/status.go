package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"wildfire-watch/protocol"
)

type statusCommand struct {
	reach
	Watch bool `help:"Follow every change until Ctrl-C, over restarts of the program too."`
	JSON  bool `name:"json" help:"Print JSON; with --watch one object a line for every change."`
}

// Help is printed by status --help.
func (statusCommand) Help() string {
	return `Says first whether water would flow if there were a fire now, and what stops it; then the
pump, fire, alarms with what to do, cameras, connections. Exit code 0: ready; 3: not ready;
1: the program is not reached.

It asks the program that runs here by its socket; with --url one that runs elsewhere.

Example:

    wildfire-watch status --watch`
}

// exitNotReady is the exit code of a status that is not ready.
const exitNotReady exitCode = 3

// Run shows the status once, or follows it.
func (s statusCommand) Run(t *terminal) error {
	c, err := t.dial(s.reach)
	if err != nil {
		return err
	}
	if s.Watch {
		ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
		defer cancel()
		w := watching{client: c, again: time.Second, every: time.Second, show: s.show(t.out)}
		return w.run(ctx)
	}
	var o protocol.Overview
	if err := c.ask(context.Background(), "GET", "/api/overview", nil, &o); err != nil {
		return err
	}
	if s.JSON {
		err = indented(t.out, o)
	} else {
		_, err = io.WriteString(t.out, paintFor(t.out).text(viewOf(o).text()))
	}
	if err == nil && !o.Ready.Ready {
		err = exitNotReady
	}
	return err
}

// viewOf is an overview that has just come.
func viewOf(o protocol.Overview) statusView {
	return statusView{Overview: o, now: o.At, zone: time.Local}
}

func indented(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// show is how what is followed is shown: on a terminal in place, else a line a change.
func (s statusCommand) show(out io.Writer) shower {
	switch {
	case s.JSON:
		return &jsonLines{out: out}
	case isTerminal(out):
		return &screenful{out: out, paint: paintFor(out)}
	}
	return &headlines{out: out}
}

// shower shows a view again and again; heard is false while nothing was heard yet.
type shower interface {
	show(v statusView, heard bool) error
	end()
}

// watching follows a program over its stream.
type watching struct {
	client *client
	again  time.Duration // the pause before a lost connection is tried anew
	every  time.Duration // how often countdowns are shown anew
	show   shower
}

// heardNews is what came over the stream, or why nothing does.
type heardNews struct {
	overview protocol.Overview
	err      error
}

// run shows until the context ends.
func (w watching) run(ctx context.Context) error {
	defer w.show.end()
	news := make(chan heardNews)
	follow, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		w.follow(follow, news)
	}()
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	v, heard, came := viewOf(protocol.Overview{}), false, time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-news:
			if v.trouble = ""; n.err != nil {
				v.trouble = n.err.Error()
			} else {
				v, heard, came = viewOf(n.overview), true, time.Now()
			}
		case <-tick.C:
		}
		v.now = v.At + time.Since(came).Seconds()
		if err := w.show.show(v, heard); err != nil {
			return err
		}
	}
}

// follow hands on what the stream brings, and opens it again and again.
func (w watching) follow(ctx context.Context, news chan<- heardNews) {
	tell := func(n heardNews) {
		select {
		case news <- n:
		case <-ctx.Done():
		}
	}
	for ctx.Err() == nil {
		err := w.client.stream(ctx, func(o protocol.Overview) { tell(heardNews{overview: o}) })
		tell(heardNews{err: err})
		select {
		case <-time.After(w.again):
		case <-ctx.Done():
		}
	}
}

// screenful redraws a terminal in place and leaves the last view behind.
type screenful struct {
	out   io.Writer
	paint paint
	last  string
}

func (s *screenful) show(v statusView, heard bool) error {
	if s.last == "" {
		_, _ = io.WriteString(s.out, otherScreen)
	}
	s.last = "Waiting: " + clean(v.trouble) + "\n"
	if heard {
		s.last = v.text()
	}
	width, height := screenSize(s.out)
	_, err := fmt.Fprint(s.out, fromTheTop, s.paint.text(fit(s.last, width, height-1)), "Ctrl-C ends.")
	return err
}

func (s *screenful) end() {
	if s.last != "" {
		_, _ = io.WriteString(s.out, sameScreen+s.paint.text(s.last))
	}
}

// headlines prints a line for every change.
type headlines struct {
	out  io.Writer
	last string
}

func (h *headlines) show(v statusView, heard bool) error {
	line := v.headline()
	switch {
	case v.trouble != "":
		line = "NO LONGER REACHED  " + clean(v.trouble)
	case !heard:
		return nil
	}
	if line == h.last {
		return nil
	}
	h.last = line
	now := v.now
	if v.trouble != "" || !heard {
		now = float64(time.Now().Unix())
	}
	_, err := fmt.Fprintf(h.out, "%s  %s\n", v.clock(now), line)
	return err
}

func (*headlines) end() {}

// jsonLines prints each overview as it came.
type jsonLines struct {
	out  io.Writer
	last uint64
	boot string
}

func (j *jsonLines) show(v statusView, heard bool) error {
	if !heard || v.trouble != "" || v.Number == j.last && v.Boot == j.boot {
		return nil
	}
	j.last, j.boot = v.Number, v.Boot
	return json.NewEncoder(j.out).Encode(v.Overview)
}

func (*jsonLines) end() {}
