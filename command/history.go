package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"wildfire-watch/protocol"
)

type eventsCommand struct {
	reach
	Follow bool `help:"Go on with what happens, until Ctrl-C." short:"f"`
	Limit  int  `help:"So many of the last events, 1 to 1000." default:"20" short:"n"`
	JSON   bool `name:"json" help:"Print one JSON object a line."`
}

// Help is printed by events --help.
func (eventsCommand) Help() string {
	return `Shows what has happened, the oldest first: when, the pump's state then, what, why, and by
whom it was ordered. --follow goes on over restarts of the program.

Example:

    wildfire-watch events --follow --limit 50`
}

// mostEvents is the most that one answer holds; followEvery is how often new ones are asked for.
const (
	mostEvents  = 1000
	followEvery = time.Second
)

// eventPage is the answer of /api/events; Last is the next after.
type eventPage struct {
	Events []protocol.Event `json:"events"`
	Last   uint64           `json:"last"`
}

// Run prints events.
func (e eventsCommand) Run(t *terminal) error {
	if e.Limit < 1 || e.Limit > mostEvents {
		return fmt.Errorf("--limit must be 1 to %d", mostEvents)
	}
	c, err := t.dial(e.reach)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	page, err := c.events(ctx, url.Values{"newest": {"1"}, "limit": {strconv.Itoa(e.Limit)}})
	if err != nil {
		return err
	}
	if err := e.print(t, page); err != nil || !e.Follow {
		return err
	}
	return e.follow(ctx, t, c, page.Last, followEvery)
}

func (c *client) events(ctx context.Context, query url.Values) (page eventPage, err error) {
	err = c.ask(ctx, http.MethodGet, "/api/events?"+query.Encode(), nil, &page)
	return page, err
}

func (e eventsCommand) print(t *terminal, page eventPage) error {
	for _, one := range page.Events {
		var err error
		if e.JSON {
			err = json.NewEncoder(t.out).Encode(one)
		} else {
			_, err = fmt.Fprint(t.out, paintFor(t.out).text(eventLine(one, statusView{zone: time.Local})))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// follow prints what comes after a number, until the context ends. That the program is away is said once.
func (e eventsCommand) follow(ctx context.Context, t *terminal, c *client, last uint64, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	away := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		page, err := c.events(ctx, url.Values{"after": {strconv.FormatUint(last, 10)}, "limit": {strconv.Itoa(mostEvents)}})
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, new(unreachable)):
			if !away {
				fmt.Fprintf(t.err, "wildfire-watch: %v; waiting\n", err)
			}
			away = true
			continue
		case err != nil:
			return err
		}
		away = false
		if err := e.print(t, page); err != nil {
			return err
		}
		if page.Last > last {
			last = page.Last
		}
	}
}

type camerasCommand struct {
	reach
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is printed by cameras --help.
func (camerasCommand) Help() string {
	return `Shows every camera: whether it is online, what it sees, when it was heard of last, what is
wrong with it. wildfire-watch discover looks on the network anew.

Example:

    wildfire-watch cameras`
}

// Run prints the cameras.
func (k camerasCommand) Run(t *terminal) error {
	o, err := t.overview(k.reach)
	if err != nil {
		return err
	}
	if k.JSON {
		return indented(t.out, o.Cameras)
	}
	_, err = fmt.Fprint(t.out, paintFor(t.out).text(viewOf(o).cameraTable()))
	return err
}

func (t *terminal) overview(r reach) (o protocol.Overview, err error) {
	c, err := t.dial(r)
	if err == nil {
		err = c.ask(context.Background(), http.MethodGet, "/api/overview", nil, &o)
	}
	return o, err
}

type alarmsCommand struct {
	reach
	Ack  string `help:"Acknowledge: the code of an alarm, code:subject for one of several, or all." placeholder:"CODE"`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Help is printed by alarms --help.
func (alarmsCommand) Help() string {
	return `Shows every alarm that stands, or that stood and nobody has acknowledged: what it is, what to
do, and when it clears. To acknowledge says that somebody has seen it; it stops nothing.

Example:

    wildfire-watch alarms --ack all`
}

// Run prints the alarms, after acknowledging some.
func (a alarmsCommand) Run(t *terminal) error {
	c, err := t.dial(a.reach)
	if err != nil {
		return err
	}
	if a.Ack != "" {
		if err := c.acknowledge(a.Ack); err != nil {
			return err
		}
	}
	var o protocol.Overview
	if err := c.ask(context.Background(), http.MethodGet, "/api/overview", nil, &o); err != nil {
		return err
	}
	if a.JSON {
		return indented(t.out, o.Alarms)
	}
	_, err = fmt.Fprint(t.out, paintFor(t.out).text(viewOf(o).alarmList()))
	return err
}

// acknowledge says that alarms were seen: by code, code:subject, or all.
func (c *client) acknowledge(which string) error {
	code, subject, _ := strings.Cut(which, ":")
	if which == "all" {
		code = ""
	}
	err := c.ask(context.Background(), http.MethodPost, "/api/alarms/acknowledge",
		map[string]string{"code": code, "subject": subject}, nil)
	if err != nil {
		return fmt.Errorf("acknowledge %s: %w", which, err)
	}
	return nil
}
