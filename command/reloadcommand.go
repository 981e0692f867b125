package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
)

type reloadCommand struct{ reach }

// Help is printed by reload --help.
func (reloadCommand) Help() string {
	return `Checks the configuration first: with a mistake in it nothing is asked for. Then the program
that runs reads its own file (and its own --set) anew and takes up what it can: settings of
detection, cameras, users, reports and log at once; those of the pump while it is in IDLE; the
others, which it names, with the next restart. Nothing that was seen is lost.

Example:

    wildfire-watch reload --config home.toml`
}

// Run has the program read its settings anew.
func (r reloadCommand) Run(t *terminal) error {
	if r.URL == "" && r.Socket == "" {
		if _, err := t.load(r.settings); err != nil {
			return err
		}
	}
	c, err := t.dial(r.reach)
	if err != nil {
		return err
	}
	var o protocol.SettingsOutcome
	err = c.ask(context.Background(), http.MethodPost, "/api/reload", struct{}{}, &o)
	var a answered
	switch {
	case err == nil || len(o.Mistakes) > 0:
		fmt.Fprint(t.out, outcomeText(o))
	case r.URL == "" && (errors.As(err, new(unreachable)) || errors.As(err, &a) && a.status == http.StatusNotFound):
		return t.hangup(c.folder(), err)
	default:
		return fmt.Errorf("reload: %w", err)
	}
	if len(o.Mistakes)+len(o.Refused) > 0 {
		return errReported
	}
	return nil
}

// outcomeText is the outcome for a person.
func outcomeText(o protocol.SettingsOutcome) string {
	var b strings.Builder
	list := func(head string, keys []string) {
		if len(keys) > 0 {
			b.WriteString(head + "\n")
			for _, key := range keys {
				b.WriteString("  " + clean(key) + "\n")
			}
		}
	}
	list("The program cannot use its configuration; nothing has changed:", o.Mistakes)
	list("Taken up:", o.Applied)
	var refused []string
	for _, r := range o.Refused {
		refused = append(refused, r.Key+": "+r.Reason)
	}
	list("Not taken up:", refused)
	list("Waiting for a restart:", o.Restart)
	if b.Len() == 0 {
		return "Nothing has changed.\n"
	}
	return b.String()
}

// hangup sends SIGHUP to the program whose run.json is in the folder; what comes of it is an event.
func (t *terminal) hangup(dir string, why error) error {
	var at addresses
	text, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil || json.Unmarshal(text, &at) != nil || at.PID <= 0 || !at.Reload {
		return fmt.Errorf("reload: %w", why)
	}
	fd, err := unix.PidfdOpen(at.PID, 0)
	if err != nil {
		return fmt.Errorf("reload: %w", why) // it died and left the file
	}
	defer func() { _ = unix.Close(fd) }()
	// Asked while we hold the process: its number cannot become another's.
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", at.PID)); err == nil && !sameProgram(exe) {
		return fmt.Errorf("reload: process %d is %s and no wildfire-watch", at.PID, exe)
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGHUP, nil, 0); err != nil {
		return fmt.Errorf("reload: SIGHUP to process %d: %w", at.PID, err)
	}
	fmt.Fprintf(t.out, "Process %d was told to read its settings anew (SIGHUP); what it took up is in its log\n"+
		"and in its events: %s or %s.\n", at.PID, protocol.SettingsReloaded, protocol.SettingsRefused)
	return nil
}
