package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"wildfire-watch/protocol"
)

type stopCommand struct{ reach }

// Help is printed by stop --help.
func (stopCommand) Help() string {
	return `Stops the engine at once, with the full stop pulse, and closes the valves after it. The stop
is held, over power loss too, until wildfire-watch reset. If the program is not reached it
says what else stops the pump, and fails.

Example:

    wildfire-watch stop`
}

// Run stops the pump.
func (s stopCommand) Run(t *terminal) error {
	c, err := t.dial(s.reach)
	if err == nil {
		err = t.order(c, protocol.CommandStop, "the stop is held until wildfire-watch reset")
	}
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintf(t.err, "wildfire-watch: THIS HAS NOT STOPPED THE PUMP: %v\n\n%s", err, otherStops(s.reach, c))
		return errReported
	}
	return err
}

// otherStops are the other ways to stop an engine.
func otherStops(r reach, c *client) string {
	safe, line := "sudo wildfire-watch safe", "mosquitto_pub"
	if c != nil && c.file != "" {
		safe += " --config " + c.file
	}
	for _, set := range r.Set {
		safe += " --set " + set
	}
	broker, prefix := "", ""
	if c != nil {
		broker, prefix = brokerOf(c)
	}
	u, err := url.Parse(broker)
	if err != nil || u.Host == "" {
		u = &url.URL{Host: "BROKER:1883"}
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		host, port = u.Host, "1883"
	}
	line += fmt.Sprintf(" -h %s -p %s -q 1 -t %sfire/emergency -m stop", host, port, prefix)
	return "What else stops it:\n" +
		"  the stop button at the pump, or the engine's own switch\n" +
		"  " + line + "\n" +
		"  " + safe + "    (if the program has died: it gives the stop pulse itself)\n"
}

// brokerOf is the broker that the program uses, as far as can be known here.
func brokerOf(c *client) (broker, prefix string) {
	broker = c.config.MQTT.URL
	var at addresses
	text, err := os.ReadFile(filepath.Join(c.folder(), "run.json"))
	if err == nil && json.Unmarshal(text, &at) == nil && at.MQTT != "" {
		broker = at.MQTT
	}
	if prefix = c.config.MQTT.TopicPrefix; prefix != "" {
		prefix = strings.Trim(prefix, "/") + "/"
	}
	return or(broker, "tcp://"+c.config.Broker.Listen), prefix
}

type resetCommand struct{ reach }

// Help is printed by reset --help.
func (resetCommand) Help() string {
	return `Ends a held stop and leaves ERROR. It drops remembered triggers and starts nothing; the
refill that is still owed goes on. It is refused while the stop button is pressed.

Example:

    wildfire-watch reset`
}

// Run resets the pump.
func (r resetCommand) Run(t *terminal) error { return t.orderBy(r.reach, protocol.CommandReset, "") }

type startCommand struct {
	reach
	Yes bool `help:"Really start: the engine is cranked and water flows."`
}

// Help is printed by start --help.
func (startCommand) Help() string {
	return `Starts the pump as the emergency button does, without a fire and without asking the cameras.
It is refused in ERROR and while a stop is held.

Example:

    wildfire-watch start --yes`
}

// Run starts the pump.
func (s startCommand) Run(t *terminal) error {
	if !s.Yes {
		return errors.New("start cranks the engine and water flows: nothing was done; say it with --yes")
	}
	return t.orderBy(s.reach, protocol.CommandStart, "wildfire-watch stop stops it")
}

type valveCommand struct {
	reach
	To  string `arg:"" enum:"open,close" help:"open or close."`
	Yes bool   `help:"Really move the main valve."`
}

// Help is printed by valve --help.
func (valveCommand) Help() string {
	return `Opens or closes the main valve by hand. An open one closes by itself after
pump.valve_close_delay. Closing is refused while the engine may run.

Example:

    wildfire-watch valve open --yes`
}

// Run moves the main valve.
func (v valveCommand) Run(t *terminal) error {
	if !v.Yes {
		return fmt.Errorf("valve %s moves the main valve: nothing was done; say it with --yes", v.To)
	}
	action := protocol.CommandValveClose
	if v.To == "open" {
		action = protocol.CommandValveOpen
	}
	return t.orderBy(v.reach, action, "")
}

func (t *terminal) orderBy(r reach, action protocol.CommandAction, then string) error {
	c, err := t.dial(r)
	if err != nil {
		return err
	}
	return t.order(c, action, then)
}

// order gives one command, says its one outcome, and how the pump is then.
func (t *terminal) order(c *client, action protocol.CommandAction, then string) error {
	var said struct {
		Outcome string `json:"outcome"`
		Reason  string `json:"reason"`
		Text    string `json:"text"` // the reason in a sentence
	}
	err := c.ask(context.Background(), http.MethodPost, "/api/commands",
		map[string]any{"command": action.String(), "confirm": true}, &said)
	switch {
	case said.Outcome == "refused":
		why := or(said.Reason, "without a reason")
		if said.Text != "" {
			why += ": " + said.Text
		}
		return fmt.Errorf("%s: refused: %s", action, clean(why))
	case err != nil:
		return fmt.Errorf("%s: %w", action, err)
	case said.Outcome != "accepted":
		return fmt.Errorf("%s: the program says neither accepted nor refused, but %q", action, clean(said.Outcome))
	}
	line := action.String() + ": accepted"
	if said.Reason != "" {
		line += ": " + clean(said.Reason)
	}
	if then != "" {
		line += "; " + then
	}
	fmt.Fprintln(t.out, line)
	var o protocol.Overview
	if c.ask(context.Background(), http.MethodGet, "/api/overview", nil, &o) == nil {
		var b strings.Builder
		row(&b, "Pump", viewOf(o).pump()...)
		fmt.Fprint(t.out, paintFor(t.out).text(clean(b.String())))
	}
	return nil
}
