package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/test/gear"
)

func TestStatusEndsWithHowItIs(t *testing.T) {
	f := newFar(t, quiet())
	for _, c := range []struct {
		overview protocol.Overview
		args     string
		code     int
		starts   string
	}{
		{quiet(), "", 0, "READY  "}, {fire(), "", 3, "NOT READY  "},
		{quiet(), "--json", 0, "{\n  \"at\": "}, {fire(), "--json", 3, "{\n  \"at\": "},
	} {
		f.set(func(o *protocol.Overview) { *o = c.overview })
		got := run(t, append(strings.Fields("status --socket "+f.socket), strings.Fields(c.args)...)...)
		if got.code != c.code || got.errs != "" || !strings.HasPrefix(got.out, c.starts) || strings.Contains(got.out, "\x1b") {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
	f.end()
	got := run(t, "status", "--socket", f.socket)
	if got.code != 1 || got.out != "" || !strings.Contains(got.errs, "is not reached: there is no "+f.socket) {
		t.Errorf("without a program: %+v", got)
	}
}

func TestTheSocketIsFoundByTheConfiguration(t *testing.T) {
	f := newFar(t, quiet())
	folder := filepath.Dir(f.socket)
	if got := run(t, "cameras", "--set", "journal.dir="+folder); got.code != 0 || !strings.Contains(got.out, "east (Gate)") {
		t.Errorf("--set: %+v", got)
	}
	home := file(t, "home.toml", fmt.Sprintf("[journal]\ndir = %q\n[consensus]\nthreshold = 99\n", folder))
	got := run(t, "alarms", "--config", home) // mistakes elsewhere do not keep it from asking
	if got.code != 0 || !strings.Contains(got.out, "No alarm stands") || !strings.Contains(got.errs, "threshold = 99") {
		t.Errorf("--config: %+v", got)
	}
	elsewhere := file(t, "elsewhere.toml", fmt.Sprintf("[journal]\ndir = %q\n[http]\nsocket = %q\n", t.TempDir(), f.socket))
	if got := run(t, "cameras", "--config", elsewhere); got.code != 0 || !strings.Contains(got.out, "east (Gate)") {
		t.Errorf("http.socket, to one who may not read run.json: %+v", got)
	}
	was := packaged
	defer func() { packaged = was }()
	packaged = file(t, "config.toml", fmt.Sprintf("[journal]\ndir = %q\n", folder))
	t.Chdir(t.TempDir())
	if got := run(t, "cameras"); got.code != 0 || !strings.Contains(got.out, "east (Gate)") {
		t.Errorf("the installed service: %+v", got)
	}
}

func TestOrders(t *testing.T) {
	f := newFar(t, quiet())
	for _, c := range []struct{ line, outcome, sent, out, errs string }{
		{"stop", `{"outcome":"accepted"}`, "stop", "stop: accepted; the stop is held until wildfire-watch reset\nPump      IDLE\n", ""},
		{"reset", `{"outcome":"accepted","reason":"again\u001b"}`, "reset", "reset: accepted: again?\n", ""},
		{"reset", `{"outcome":"refused","reason":"stop_button"}`, "reset", "", "wildfire-watch: reset: refused: stop_button\n"},
		{"start", ``, "", "", "wildfire-watch: start cranks the engine and water flows: nothing was done; say it with --yes\n"},
		{"start --yes", `{"outcome":"accepted"}`, "start", "start: accepted; wildfire-watch stop stops it\n", ""},
		{"valve open", ``, "", "", "wildfire-watch: valve open moves the main valve: nothing was done; say it with --yes\n"},
		{"valve open --yes", `{"outcome":"accepted"}`, "valve_open", "valve_open: accepted\n", ""},
		{"valve close --yes", `{"outcome":"refused","reason":"engine"}`, "valve_close", "", "wildfire-watch: valve_close: refused: engine\n"},
		{"start --yes", `{}`, "start", "", "wildfire-watch: start: the program says neither accepted nor refused, but \"\"\n"},
	} {
		f.outcome = c.outcome
		got := run(t, append(strings.Fields(c.line), "--socket", f.socket)...)
		if got.errs != c.errs || !strings.HasPrefix(got.out, c.out) || (got.code == 0) != (c.errs == "") {
			t.Errorf("%s: %+v", c.line, got)
		}
		asked := f.requests()
		want := fmt.Sprintf(`POST /api/commands {"command":"%s","confirm":true}`, c.sent)
		if c.sent == "" && len(asked) > 0 || c.sent != "" && (len(asked) == 0 || asked[0] != want) {
			t.Errorf("%s asked %q, want %s", c.line, asked, want)
		}
	}
	f.status, f.outcome = http.StatusConflict, `{"outcome":"refused","reason":"stop_held","text":"A stop is held: reset first."}`
	if got := run(t, "start", "--yes", "--socket", f.socket); got.errs != "wildfire-watch: start: refused: stop_held: A stop is held: reset first.\n" {
		t.Errorf("refused with 409: %+v", got)
	}
}

func TestAStopThatIsNotHeardSaysWhatElseStopsThePump(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "run.json"), []byte(`{"pid":1,"mqtt":"tcp://127.0.0.1:40001"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	home := file(t, "home.toml", fmt.Sprintf("[journal]\ndir = %q\n[mqtt]\ntopic_prefix = \"site7\"\n", folder))
	got := run(t, "stop", "--config", home)
	for _, want := range []string{"THIS HAS NOT STOPPED THE PUMP: ", "the stop button at the pump",
		"mosquitto_pub -h 127.0.0.1 -p 40001 -q 1 -t site7/fire/emergency -m stop\n", "sudo wildfire-watch safe --config " + home} {
		if !strings.Contains(got.errs, want) {
			t.Errorf("no %q in:\n%s", want, got.errs)
		}
	}
	if got.code != 1 || got.out != "" {
		t.Errorf("%+v", got)
	}
	f := newFar(t, quiet())
	f.status, f.outcome = http.StatusForbidden, `{"error":"a viewer commands nothing","do":"ask an operator"}`
	got = run(t, "stop", "--socket", f.socket)
	if got.code != 1 || !strings.Contains(got.errs, "NOT STOPPED THE PUMP: stop: /api/commands answers 403 Forbidden: a viewer commands nothing; ask an operator\n") ||
		!strings.Contains(got.errs, "mosquitto_pub -h BROKER") {
		t.Errorf("a stop that is forbidden: %+v", got)
	}
}

func TestAlarmsAreAcknowledged(t *testing.T) {
	f := newFar(t, fire())
	for which, want := range map[string]string{"all": `{"code":"","subject":""}`, "engine_will_not_stop": `{"code":"engine_will_not_stop","subject":""}`,
		"camera_offline:west:2": `{"code":"camera_offline","subject":"west:2"}`} {
		got := run(t, "alarms", "--ack", which, "--socket", f.socket)
		if asked := f.requests(); got.code != 0 || !strings.Contains(got.out, "Do: Stop the engine") || asked[0] != "POST /api/alarms/acknowledge "+want {
			t.Errorf("%s: %+v, asked %q", which, got, asked)
		}
	}
}

// TestAnAnswerThatHangsIsGivenUp: whoever presses stop is told in time that nobody heard it.
func TestAnAnswerThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &client{base: "http://x", where: "pump", http: newHTTP(&http.Transport{DisableKeepAlives: true,
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				near, distant := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, distant) }()
				return near, nil
			}})}
		begun := time.Now()
		err := c.ask(t.Context(), "GET", "/api/overview", nil, nil)
		if err == nil || err.Error() != "wildfire-watch at pump does not answer in time" || time.Since(begun) != askPatience {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		begun = time.Now()
		err = c.stream(t.Context(), func(protocol.Overview) {})
		if err == nil || time.Since(begun) != askPatience {
			t.Errorf("stream: %v after %v", err, time.Since(begun))
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/overview":
			_, _ = io.CopyN(w, endless{}, mostAnswer+10)
		case "/api/stream":
			fmt.Fprint(w, "data: ")
			_, _ = io.CopyN(w, endless{}, mostAnswer+10)
		case "/api/events":
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusFound)
		}
	})}}
	s.Start()
	defer s.Close()
	got := run(t, "status", "--socket", l.Addr().String())
	if got.code != 1 || !strings.Contains(got.errs, "larger than 8388608 bytes") {
		t.Errorf("%+v", got)
	}
	c, err := (&terminal{defaults: defaults}).dial(reach{Socket: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.stream(t.Context(), func(protocol.Overview) {}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("stream: %v", err)
	}
	if got := run(t, "events", "--socket", l.Addr().String()); got.code != 1 || !strings.Contains(got.errs, "302 Found") {
		t.Errorf("a redirect was followed: %+v", got)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestWatchSurvivesARestartOfTheProgram(t *testing.T) {
	f := newFar(t, quiet())
	c, err := (&terminal{defaults: defaults}).dial(reach{Socket: f.socket})
	if err != nil {
		t.Fatal(err)
	}
	var out, lines gear.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for _, s := range []shower{&screenful{out: &out}, &headlines{out: &lines}} {
		go func() {
			ended <- watching{client: c, again: 10 * time.Millisecond, every: 10 * time.Millisecond, show: s}.run(ctx)
		}()
	}
	says := func(screen, line string) { // both have said it
		t.Helper()
		gear.Until(t, screen, func() bool { return strings.Contains(out.String(), screen) && strings.Contains(lines.String(), line) })
	}
	says(otherScreen+fromTheTop+"READY  ", "READY  IDLE")
	f.set(func(o *protocol.Overview) { *o = fire() })
	says("RUNNING, 15m 5s left", "RUNNING")
	f.end()
	says("NOT KNOWN, was NOT READY", "NO LONGER")
	f.set(func(o *protocol.Overview) { *o = locked() })
	f.start()
	says("REFILLING, 19m 40s left", "REFILLING")
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if text := out.String(); !strings.Contains(text, sameScreen+"NOT READY") {
		t.Errorf("the last view is not left behind: %q", text[len(text)-300:])
	}
	var order []string
	for line := range strings.Lines(lines.String()) {
		order = append(order, strings.Join(strings.Fields(line)[1:3], " "))
	}
	if want := []string{"READY IDLE", "NOT READY", "NO LONGER", "NOT READY"}; !slices.Equal(order, want) {
		t.Errorf("lines begin %q, want %q\n%s", order, want, lines.String())
	}
}

func TestWatchAsJSONIsALineForEveryChange(t *testing.T) {
	var out bytes.Buffer
	j := &jsonLines{out: &out}
	v := viewOf(quiet())
	for _, n := range []uint64{7, 7, 8} {
		v.Number = n
		if err := j.show(v, true); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("%d lines", got)
	}
}

func TestEventsAreFollowed(t *testing.T) {
	f := newFar(t, quiet())
	event := func(seq uint64, action protocol.Action, reason string, details map[string]any) protocol.Event {
		return protocol.Event{Seq: seq, Action: action, Reason: reason, Timestamp: noon + float64(seq), Details: details,
			System: protocol.SystemState{State: protocol.Running}}
	}
	f.events = []protocol.Event{event(1, protocol.PumpSequenceStart, "consensus", nil),
		event(2, protocol.EmergencyStop, "page\n\x1b[2J", map[string]any{"by": "page: anna"})}
	got := run(t, "events", "--socket", f.socket, "--limit", "5")
	var texts []string
	for line := range strings.Lines(got.out) {
		texts = append(texts, strings.TrimSpace(line[len("2026-07-14 12:00:01"):]))
	}
	want := []string{"RUNNING      pump_sequence_start: consensus", "RUNNING      emergency_stop: page ?[2J (by page: anna)"}
	if got.code != 0 || !slices.Equal(texts, want) || f.requests()[0] != "GET /api/events?limit=5&newest=1" {
		t.Errorf("%+v", got)
	}
	if got := run(t, "events", "--socket", f.socket, "--json"); strings.Count(got.out, "\n") != 2 || !json.Valid([]byte(strings.Split(got.out, "\n")[0])) {
		t.Errorf("%+v", got)
	}
	var out, errs gear.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	tt := &terminal{defaults: defaults, out: &out, err: &errs}
	c, err := tt.dial(reach{Socket: f.socket})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- eventsCommand{}.follow(ctx, tt, c, 2, 5*time.Millisecond) }()
	f.end()
	gear.Until(t, "away", func() bool { return strings.Contains(errs.String(), "waiting") })
	f.mu.Lock()
	f.events = append(f.events, event(3, protocol.EmergencyReset, "", nil))
	f.mu.Unlock()
	f.start()
	gear.Until(t, "the new one", func() bool { return strings.Contains(out.String(), "emergency_reset") })
	cancel()
	if err := <-ended; err != nil || strings.Count(out.String(), "\n") != 1 || strings.Count(errs.String(), "waiting") != 1 {
		t.Errorf("%v, %q, %q", err, out.String(), errs.String())
	}
}

func TestAPasswordGoesWhereItBelongs(t *testing.T) {
	var auth []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		auth = append(auth, name+":"+password)
		if password != "hush hush" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(quiet())
	}))
	defer s.Close()
	good, bad := file(t, "good", "hush hush\n"), file(t, "bad", "guess\n")
	if got := run(t, "status", "--url", s.URL, "--user", "anna", "--password-file", good); got.code != 0 || !strings.HasPrefix(got.out, "READY") {
		t.Errorf("%+v", got)
	}
	for args, want := range map[string]string{
		"--url " + s.URL: "a login is wanted: --user NAME",
		"--url " + s.URL + " --user anna --password-file " + bad:         "the user or the password is wrong",
		"--url " + s.URL + " --user anna":                                "nobody is at the terminal to type the password",
		"--url http://10.0.0.1 --user anna --password-file " + good:      "a password is not sent in the clear",
		"--url http://anna:hush@127.0.0.1:1":                             "--url takes no login",
		"--url ftp://127.0.0.1":                                          "--url must be http://host:port",
		"--url " + s.URL + " --user a --password-file " + good + ".none": "read --password-file: open",
	} {
		got := run(t, append([]string{"status"}, strings.Fields(args)...)...)
		if got.code != 1 || !strings.Contains(got.errs, want) || strings.Contains(got.errs, "hush") {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if !slices.Equal(auth, []string{"anna:hush hush", ":", "anna:guess"}) && len(auth) != 3 {
		t.Errorf("asked with %q", auth)
	}
}
