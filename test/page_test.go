package test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wildfire-watch/protocol/password"
	"wildfire-watch/web"
)

// order posts an order and reads what came of it.
func order(t *testing.T, c *http.Client, to, body string) (code int, o web.Outcome) {
	t.Helper()
	r, err := c.Post(to+"/api/commands", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(text, &o) // a Problem leaves it empty
	return r.StatusCode, o
}

// shortHome is a folder for a process, with a path that is short enough for its socket, and a client of that.
func shortHome(t *testing.T) (dir string, terminal *http.Client) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ww-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	terminal = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, "data", web.SocketName))
	}}}
	t.Cleanup(terminal.CloseIdleConnections)
	return dir, terminal
}

// TestOrdersByPageAndSocketReachTheLinesAndAreToldTheirOutcome starts, stops and resets the real program's
// pump as a person does, and reads in the history who it was.
func TestOrdersByPageAndSocketReachTheLinesAndAreToldTheirOutcome(t *testing.T) {
	dir, terminal := shortHome(t)
	p := startProcess(t, dir, fast...)
	page := http.DefaultClient
	p.eventually("the pump reports", func() bool {
		r, err := page.Get(p.run.HTTP + "/healthz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	for _, step := range []struct {
		client   *http.Client
		to, body string
		code     int
		reason   string
		line     string // reaches 1
	}{
		{page, p.run.HTTP, `{"command":"start"}`, 400, "", ""},
		{page, p.run.HTTP, `{"command":"start","confirm":true}`, 200, "starts the pump", "ignition_on"},
		{page, p.run.HTTP, `{"command":"valve_close","confirm":true}`, 409, "engine_not_stopped", ""},
		{terminal, "http://socket", `{"command":"stop"}`, 200, "", "ignition_off"},
		{page, p.run.HTTP, `{"command":"start","confirm":true}`, 409, "stop_held", ""},
		{terminal, "http://socket", `{"command":"reset","confirm":true}`, 200, "", ""},
	} {
		code, o := order(t, step.client, step.to, step.body)
		if code != step.code || o.Reason != step.reason {
			t.Errorf("%s: %d %+v, want %d %q\n%s", step.body, code, o, step.code, step.reason, p.log)
		}
		if step.line != "" {
			p.eventually(step.line, func() bool { return p.level(step.line) == 1 })
		}
	}
	var history web.Events
	p.eventually("the history says who it was", func() bool {
		r, err := page.Get(p.run.HTTP + "/api/events?newest=1&limit=100")
		if err != nil {
			return false
		}
		defer func() { _ = r.Body.Close() }()
		by := map[string]int{}
		if json.NewDecoder(r.Body).Decode(&history) != nil {
			return false
		}
		for _, e := range history.Events {
			if name, ok := e.Details["by"].(string); ok {
				kind, _, _ := strings.Cut(name, ":")
				by[string(e.Action)+" "+kind]++
			}
		}
		return by["emergency_bypass_start page"] == 1 && by["emergency_stop terminal"] == 1 &&
			by["emergency_reset terminal"] == 1 && by["command_refused page"] == 3
	})
}

// TestAPageThatWouldBeOpenToOthersStaysShutAndThePumpGoesOn: the terminal's socket is served, and stops it.
func TestAPageThatWouldBeOpenToOthersStaysShutAndThePumpGoesOn(t *testing.T) {
	dir, terminal := shortHome(t)
	p := startProcess(t, dir, append(fast, "http.listen=0.0.0.0:0")...)
	if p.run.HTTP != "" || !strings.Contains(p.log.String(), "the page stays closed without http.users, and http.cert_file") {
		t.Errorf("page %q\n%s", p.run.HTTP, p.log)
	}
	if code, o := order(t, terminal, "http://socket", `{"command":"stop"}`); code != http.StatusOK || !strings.HasPrefix(o.By, "terminal: ") {
		t.Errorf("a stop by the socket: %d %+v", code, o)
	}
}

// answers is the status with which the page answers at a path to anna's password; empty: to nobody's.
func (p *process) answers(path, password string) int {
	p.t.Helper()
	request, err := http.NewRequest(http.MethodGet, p.run.HTTP+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if password != "" {
		request.SetBasicAuth("anna", password)
	}
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = r.Body.Close()
	return r.StatusCode
}

// TestUsersOfTheConfigurationAreAskedForTheirPassword.
func TestUsersOfTheConfigurationAreAskedForTheirPassword(t *testing.T) {
	dir, _ := shortHome(t)
	hash, err := password.Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, dir, append(fast, `http.users=["anna:operator:`+hash+`"]`)...)
	for password, want := range map[string]int{"": 401, "guess": 401, "correct horse battery": 200} {
		p.eventually("the pump reports", func() bool { return p.answers("/api/status", password) == want })
	}
	if strings.Contains(p.log.String(), hash) {
		t.Error("the hash is in the log")
	}
}
