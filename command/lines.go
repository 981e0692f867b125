package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"
)

type linesCommand struct {
	Show linesShowCommand `cmd:"" default:"withargs" help:"Show the lines of the board, and what is on them; the word show may be left out."`
	Test linesTestCommand `cmd:"" help:"Switch the outputs on one by one, after a typed confirmation."`
}

// Help is printed by lines --help.
func (linesCommand) Help() string {
	return `Shows (with the flags of lines show --help) the chip and every line that is configured: direction, polarity, bias, level, who
holds it, and what is wrong with it. On a terminal it follows every change until Ctrl-C;
--once, or a pipe, prints one table and fails if something is wrong. --json is for programs.

It disturbs nothing and needs no stop of the program: the levels of lines that
wildfire-watch holds are asked of its status page, free inputs are read as they are, and a
free line that is an output is left alone.

wildfire-watch lines test switches the outputs on, one by one.

Example:

    wildfire-watch lines --once --config home.toml`
}

type linesShowCommand struct {
	settings
	Once  bool `help:"Print one table and end; exit code 1 if a line has a problem." xor:"how"`
	Watch bool `help:"Follow every change (what it does on a terminal)." xor:"how"`
	JSON  bool `name:"json" help:"Print JSON; with --watch one object a line for every change."`
}

// Help is printed by lines show --help.
func (linesShowCommand) Help() string {
	return `The same as wildfire-watch lines.

Example:

    wildfire-watch lines show --json`
}

// Run shows the lines once, or follows them.
func (l linesShowCommand) Run(t *terminal) error {
	c, err := t.load(l.settings)
	if err != nil {
		return err
	}
	look := newLookout(c)
	if l.Watch || !l.Once && isTerminal(t.out) {
		ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
		defer cancel()
		if l.JSON {
			return followLines(ctx, look.now, func(v lineView) error { return json.NewEncoder(t.out).Encode(v) })
		}
		return followOnScreen(ctx, t.out, look.now)
	}
	v, err := look.now()
	if err != nil {
		return err
	}
	if l.JSON {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		err = e.Encode(v)
	} else {
		_, err = io.WriteString(t.out, v.table())
	}
	if err == nil && len(v.problems()) > 0 {
		err = errReported
	}
	return err
}

// lookEvery is how often the lines are looked at while somebody watches.
const lookEvery = 250 * time.Millisecond

// followLines shows the first view and every later one that differs, until the context ends. What
// cannot be seen at first is an error; later it may come back.
func followLines(ctx context.Context, now func() (lineView, error), show func(lineView) error) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	shown := ""
	for first := true; ; first = false {
		v, err := now()
		switch {
		case err != nil && first:
			return err
		case err != nil:
			v = lineView{Trouble: err.Error()}
		}
		if text := v.table(); first || text != shown {
			shown = text
			if err := show(v); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// The terminal's words: a screen beside the scrolled text, and back.
const (
	otherScreen = "\x1b[?1049h\x1b[?25l"
	sameScreen  = "\x1b[?25h\x1b[?1049l"
	fromTheTop  = "\x1b[H\x1b[J"
)

// followOnScreen redraws the table at every change and leaves the last one behind.
func followOnScreen(ctx context.Context, out io.Writer, now func() (lineView, error)) error {
	last := ""
	err := followLines(ctx, now, func(v lineView) error {
		if last == "" {
			_, _ = io.WriteString(out, otherScreen)
		}
		last = v.table()
		width, height := screenSize(out)
		_, err := fmt.Fprint(out, fromTheTop, fit(last, width, height-1), "Ctrl-C ends.")
		return err
	})
	if last != "" {
		_, _ = io.WriteString(out, sameScreen+last)
	}
	return err
}
