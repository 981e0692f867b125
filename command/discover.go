package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/actors/discovery"
	"wildfire-watch/actors/system"
	"wildfire-watch/network"
	"wildfire-watch/protocol"
)

type discoverCommand struct {
	settings
	JSON    bool          `help:"Print one JSON object instead of a table."`
	Timeout time.Duration `help:"Stop looking after this long, with what was found." default:"90s"`
}

// Help is printed by discover --help.
func (discoverCommand) Help() string {
	return `Looks around once, for about five seconds, and shows every camera that proves to be one:
by ONVIF's WS-Discovery, mDNS, ARP and the ports that cameras use. Logins are read from
cameras.credentials_file ("user:password" a line, a MAC or an IP before it binds it to
one camera; mode 0600) and tried once at the most. Without the right to speak ARP
(CAP_NET_RAW) it finds less, and says so.

Example:

    wildfire-watch discover --set cameras.credentials_file=logins`
}

// Run looks around once.
func (d discoverCommand) Run(t *terminal) error {
	c, err := t.load(d.settings)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	s := search{err: t.err, begun: time.Now(), progress: t.progress(!d.JSON)}
	seen, err := s.run(ctx, c.Config)
	s.progress("")
	if err != nil {
		return fmt.Errorf("discover: %w", err)
	}
	for _, line := range s.warnings {
		fmt.Fprintln(t.err, line)
	}
	if d.JSON {
		seen.printLess(t.err)
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		return e.Encode(seen)
	}
	return seen.print(t.out)
}

// search is one look around under way.
type search struct {
	err      io.Writer // for the log, if it is asked for
	begun    time.Time
	progress func(line string)
	warnings []string
	report   protocol.ScanReport
}

// lookAgain is how often the search is asked how far it is.
const lookAgain = 100 * time.Millisecond

// hasty is the patience with one device: somebody waits for the table.
const hasty = 3 * time.Second

// ledgerFile is where it is kept which logins were tried on whom: beside the journal, if there is one
// here, else with what this user's programs keep. Looking twice must not lock an account either.
func ledgerFile(beside string) string {
	if _, err := os.Stat(filepath.Dir(beside)); err == nil {
		return beside
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	folder := filepath.Join(cache, "wildfire-watch")
	if os.MkdirAll(folder, 0o700) != nil {
		return ""
	}
	return filepath.Join(folder, filepath.Base(beside))
}

// run spawns the discovery actor alone, in a house of its own, until it has rested.
func (s *search) run(ctx context.Context, c system.Config) (foundJSON, error) {
	heard := make(chan any, 64)
	house := actors.NewHouse(actors.Options{Route: func(msg any) {
		switch msg.(type) {
		case protocol.Fault, protocol.DiscoveryStatus:
			select {
			case heard <- msg:
			default: // the next one says more
			}
		}
	}})
	ref, err := house.Spawn("discovery", discovery.Kind, discovery.New(s.settings(c)))
	if err != nil {
		return foundJSON{}, err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = house.StopAll(end)
	}()
	return s.follow(ctx, ref, heard), nil
}

// settings are those of the program that runs, but for somebody who waits.
func (s *search) settings(c system.Config) discovery.Settings {
	c.Discovery.RTSPTimeout = min(c.Discovery.RTSPTimeout, hasty)
	c.Discovery.ONVIFTimeout = min(c.Discovery.ONVIFTimeout, hasty)
	d := system.DiscoverySettings(c)
	d.LedgerFile = ledgerFile(d.LedgerFile)
	if c.Log.Discovery == "debug" {
		d.Log = newLog(s.err, c.Log.Discovery, nil)
	}
	d.Network, d.Maker = &network.Network{Links: c.Discovery.Interfaces}, cameraMaker
	return d
}

// follow asks the actor how far it is, until it has rested or ctx ends.
func (s *search) follow(ctx context.Context, ref actors.Ref, heard chan any) foundJSON {
	var last discovery.List
	lists := make(chan discovery.List, 1)
	reply := func(l discovery.List) {
		select {
		case lists <- l:
		default:
		}
	}
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for !last.Rested && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case msg := <-heard:
			s.hear(msg)
		case <-tick.C:
			ref.Send(discovery.Asked{Reply: reply})
		case last = <-lists:
			s.progress(s.line(last))
		}
	}
	for len(heard) > 0 {
		s.hear(<-heard)
	}
	return s.found(last)
}

// hear takes in what the actor says besides what it found.
func (s *search) hear(msg any) {
	switch m := msg.(type) {
	case protocol.Fault:
		if !m.Cleared && !slices.Contains(s.warnings, m.Text) {
			s.warnings = append(s.warnings, m.Text)
		}
	case protocol.DiscoveryStatus:
		s.report = m.Last
	}
}

// line is how far the search is: a bar of what is known to be done, and counts.
func (s *search) line(l discovery.List) string {
	const width = 24
	done := 0
	if l.Hosts > 0 {
		done = min(width, width*(l.Hosts-l.Asked)/l.Hosts)
	}
	bar := make([]byte, width)
	for i := range bar {
		bar[i] = '.'
		if i < done {
			bar[i] = '#'
		}
	}
	return fmt.Sprintf("[%s] %d hosts, %d cameras, %d being asked, %.1f s", bar, l.Hosts, len(l.Cameras),
		l.Asked, time.Since(s.begun).Seconds())
}

// progress shows one line that changes, where a person looks on.
func (t *terminal) progress(wanted bool) func(line string) {
	if !wanted || !isTerminal(t.err) {
		return func(string) {}
	}
	return func(line string) { fmt.Fprintf(t.err, "\r\x1b[K%s", line) }
}
