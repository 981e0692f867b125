package command

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wildfire-watch/test/gear"
	"wildfire-watch/web/auth"
)

// opens says whether a printed hash is one of the password.
func opens(t *testing.T, hash, password string) bool {
	t.Helper()
	users, mistakes := auth.Read([]string{"anna:operator:" + strings.TrimSpace(hash)})
	if len(mistakes) > 0 {
		t.Fatalf("%q: %v", hash, mistakes)
	}
	door := auth.NewDoor(users)
	_, ok, _ := door.Enter(t.Context(), netip.Addr{}, "anna", password, time.Now())
	return ok
}

func TestAPasswordFromAPipeBecomesAHash(t *testing.T) {
	for in, want := range map[string]string{"correct horse\n": "correct horse", "correct horse": "correct horse", "correct horse\r\nmore\n": "correct horse"} {
		var out, errs bytes.Buffer
		term := &terminal{in: strings.NewReader(in), out: &out, err: &errs}
		if err := (passwordCommand{}).Run(term); err != nil || !opens(t, out.String(), want) {
			t.Errorf("%q: %v, %q", in, err, out.String())
		}
	}
	for _, in := range []string{"", "short\n"} {
		var out bytes.Buffer
		if err := (passwordCommand{}).Run(&terminal{in: strings.NewReader(in), out: &out, err: &out}); err == nil || out.Len() > 0 {
			t.Errorf("%q: %v, %q", in, err, out.String())
		}
	}
}

func TestATerminalDoesNotShowThePasswordAndIsLeftAsItWas(t *testing.T) {
	for second, ok := range map[string]bool{"correct horse": true, "correct hose": false} {
		hand, tty := pty(t, 80, 24)
		before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		done := make(chan error, 1)
		go func() { done <- passwordCommand{}.Run(&terminal{in: tty, out: &out, err: tty}) }()
		shown := ""
		for _, step := range []struct{ asks, typed string }{{"characters: ", "correct horse"}, {"more: ", second}} {
			for !strings.HasSuffix(shown, step.asks) {
				text := make([]byte, 256)
				n, err := hand.Read(text)
				if err != nil {
					t.Fatal(err)
				}
				shown += string(text[:n])
			}
			fmt.Fprintf(hand, "%s\r", step.typed)
		}
		if err := <-done; (err == nil) != ok || ok && !opens(t, out.String(), "correct horse") {
			t.Errorf("%q: %v, %q", second, err, out.String())
		}
		if strings.Contains(shown, "horse") {
			t.Errorf("the terminal shows %q", shown)
		}
		after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil || after.Lflag != before.Lflag || before.Lflag&unix.ECHO == 0 {
			t.Errorf("the terminal is left with %x, it had %x: %v", after.Lflag, before.Lflag, err)
		}
	}
}

// Both ways to ask leave the terminal as it was when a signal ends them; the program runs on to say so.
func TestATerminalShowsAgainWhatIsTypedAfterASignal(t *testing.T) {
	for asks, run := range map[string]func(*terminal) error{
		"characters: ":       func(tt *terminal) error { return passwordCommand{}.Run(tt) },
		"Password of anna: ": func(tt *terminal) error { _, err := tt.passwordOf(reach{User: "anna"}); return err },
	} {
		for _, sent := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP} {
			person, tty := pty(t, 80, 24)
			eyes := reads(person)
			before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			tt := &terminal{in: tty, out: &out, err: tty}
			code := make(chan int)
			go func() { code <- tt.ended(run(tt)) }()
			gear.Until(t, "the question", func() bool { return strings.HasSuffix(eyes.String(), asks) })
			if dark, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); err != nil || dark.Lflag&unix.ECHO != 0 {
				t.Errorf("%s: it shows what is typed: %v", asks, err)
			}
			if err := syscall.Kill(syscall.Getpid(), sent); err != nil { // it has asked, so it listens
				t.Fatal(err)
			}
			if got := <-code; got != 130 || out.Len() > 0 {
				t.Errorf("%s%v: code %d, %q", asks, sent, got, out.String())
			}
			after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil || *after != *before {
				t.Errorf("%s%v: the terminal is left with %+v, it had %+v: %v", asks, sent, after, before, err)
			}
			if _, err := person.WriteString("\n"); err != nil { // whoever still reads ends
				t.Fatal(err)
			}
		}
	}
}
