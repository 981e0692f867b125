package command

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"wildfire-watch/protocol"
	"wildfire-watch/test/gear"
)

// pty makes a pseudo-terminal of a size in characters: the person's end and the program's.
func pty(t *testing.T, width, height uint16) (person, program *os.File) {
	t.Helper()
	person, program = gear.Terminal(t)
	if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height}); err != nil {
		t.Fatal(err)
	}
	return person, program
}

// reads collects what comes to the person's eyes.
func reads(person *os.File) *gear.Buffer {
	eyes := &gear.Buffer{}
	gear.Seen(person, eyes)
	return eyes
}

func TestOnATerminalThereAreColoursUnlessTheyAreUnwanted(t *testing.T) {
	f := newFar(t, fire())
	for env, coloured := range map[string]bool{"": true, "NO_COLOR=1": false, "TERM=dumb": false} {
		t.Setenv("NO_COLOR", "")
		t.Setenv("TERM", "xterm")
		if name, value, ok := strings.Cut(env, "="); ok {
			t.Setenv(name, value)
		}
		person, program := pty(t, 100, 60)
		eyes := reads(person)
		if code := Main([]string{"status", "--socket", f.socket}, defaults, program, program); code != 3 {
			t.Errorf("%s: code %d", env, code)
		}
		gear.Until(t, "the text", func() bool { return strings.Contains(eyes.String(), "Machine") })
		if got := strings.Contains(eyes.String(), red+"NOT READY"); got != coloured {
			t.Errorf("%s: coloured %v: %q", env, got, eyes)
		}
	}
}

// TestWatchDrawsWhatFitsAndLeavesTheTerminalAsItWas is the view on a small screen, ended by a signal.
func TestWatchDrawsWhatFitsAndLeavesTheTerminalAsItWas(t *testing.T) {
	f := newFar(t, fire())
	person, program := pty(t, 40, 6)
	eyes := reads(person)
	code := make(chan int)
	go func() { code <- Main([]string{"status", "--watch", "--socket", f.socket}, defaults, program, program) }()
	gear.Until(t, "the screen", func() bool { return strings.Contains(eyes.String(), "Ctrl-C ends.") })
	gear.Until(t, "the fire", func() bool { return strings.Contains(eyes.String(), "NOT READY") })
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil { // as Ctrl-C: the program listens, it has drawn
		t.Fatal(err)
	}
	if got := <-code; got != 0 {
		t.Errorf("code %d", got)
	}
	gear.Until(t, "the end", func() bool { return strings.Contains(eyes.String(), sameScreen) })
	drawn, _, _ := strings.Cut(eyes.String(), sameScreen)
	for _, frame := range strings.Split(drawn, fromTheTop)[1:] {
		if lines := strings.Split(frame, "\r\n"); len(lines) > 6 {
			t.Errorf("%d lines on a screen of 6: %q", len(lines), frame)
		}
		for line := range strings.Lines(unpainted(frame)) {
			if n := len([]rune(strings.TrimRight(line, "\r\n"))); n > 40 {
				t.Errorf("%d characters on a screen of 40: %q", n, line)
			}
		}
	}
}

func TestAPasswordIsTypedUnseen(t *testing.T) {
	person, program := pty(t, 80, 24)
	eyes := reads(person)
	tt := &terminal{in: program, out: program, err: program}
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer)
	go func() {
		text, err := tt.passwordOf(reach{User: "anna"})
		got <- answer{text, err}
	}()
	gear.Until(t, "the question", func() bool { return strings.Contains(eyes.String(), "Password of anna: ") })
	if _, err := person.WriteString("hush hush\n"); err != nil {
		t.Fatal(err)
	}
	if a := <-got; a.err != nil || a.text != "hush hush" {
		t.Errorf("%+v", a)
	}
	gear.Until(t, "the line's end", func() bool { return strings.HasSuffix(eyes.String(), "\n") })
	if strings.Contains(eyes.String(), "hush") {
		t.Errorf("it was seen: %q", eyes)
	}
	now, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil || now.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal stays dark: %v", err)
	}
}

func TestReloadChecksFirstAndSaysWhatBecameOfEachKey(t *testing.T) {
	f := newFar(t, quiet())
	folder := "journal.dir=" + filepath.Dir(f.socket)
	if got := run(t, "reload", "--set", folder, "--set", "consensus.threshold=99"); got.code != 1 || len(f.requests()) > 0 ||
		!strings.Contains(got.errs, "must be 1 to 10") {
		t.Errorf("a mistake: %+v", got)
	}
	for answer, want := range map[string]said{
		`{"applied":["log.level"],"restart":["http.listen"],"refused":[],"mistakes":[]}`: {0,
			"Taken up:\n  log.level\nWaiting for a restart:\n  http.listen\n", ""},
		`{"applied":[],"restart":[],"refused":[],"mistakes":[]}`: {0, "Nothing has changed.\n", ""},
		`{"refused":[{"key":"pump.crank_rest","reason":"the pump is in RUNNING, not in IDLE"}]}`: {1,
			"Not taken up:\n  pump.crank_rest: the pump is in RUNNING, not in IDLE\n", ""},
		`{"mistakes":["home.toml:2: a.b is not a key"]}`: {1,
			"The program cannot use its configuration; nothing has changed:\n  home.toml:2: a.b is not a key\n", ""},
	} {
		f.mu.Lock()
		f.reload = answer
		f.mu.Unlock()
		if got := run(t, "reload", "--set", folder); got != want {
			t.Errorf("%s: %+v, want %+v", answer, got, want)
		}
	}
	f.mu.Lock()
	f.reload = ""
	f.mu.Unlock()
	// A program of before would die of SIGHUP: it is sent to those alone that say they know it.
	run0 := filepath.Join(filepath.Dir(f.socket), "run.json")
	if err := os.WriteFile(run0, fmt.Appendf(nil, `{"pid":%d}`, os.Getpid()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "reload", "--set", folder); got.code != 1 || !strings.Contains(got.errs, "404") {
		t.Errorf("an old program: %+v", got)
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	if err := os.WriteFile(run0, fmt.Appendf(nil, `{"pid":%d,"reload":true}`, os.Getpid()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "reload", "--set", folder); got.code != 0 || !strings.Contains(got.out, string(protocol.SettingsReloaded)) {
		t.Errorf("by SIGHUP: %+v", got)
	}
	<-hangups
}

func TestTheLevelsOfALogThatIsInUseChange(t *testing.T) {
	var text gear.Buffer
	log := newLog(&text, "info", map[string]string{"pump": "error"})
	pump, bridge := log.Named("pump").With(zap.Int("n", 1)), log.Named("bridge").Named("tcp")
	pump.Info("one")
	bridge.Debug("two")
	relevel(log, "debug", map[string]string{"bridge": "warn"})
	pump.Debug("three")
	bridge.Info("four")
	log.Debug("five")
	var got []string
	for line := range strings.Lines(text.String()) {
		got = append(got, strings.Join(strings.Fields(line)[1:], " "))
	}
	if want := "DEBUG pump three {\"n\": 1}|DEBUG five"; strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
}
