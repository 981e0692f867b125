package test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"wildfire-watch/protocol/password"
)

// TestBinaryTakesUsersUpWhileItRuns: who is no user is out of page and broker, and a list with a mistake
// changes nothing.
func TestBinaryTakesUsersUpWhileItRuns(t *testing.T) {
	t.Parallel()
	hash, err := password.Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	p, write := startOn(t, "")
	l := listen(t, p.run.MQTT, "system/#")
	p.connected(l)
	if got := p.answers("/api/session", ""); got != http.StatusOK {
		t.Fatalf("without users the page answers %d", got)
	}
	write("[http]\nusers = [\"anna:operator:" + hash + "\"]\n[broker]\nusers = [\"anna:operator:" + hash + "\"]\n")
	if out, err := reloadBy(p); err != nil || !strings.Contains(out, "Taken up:\n  broker.users\n  http.users\n") {
		t.Fatalf("reload: %v, %s", err, out)
	}
	p.eventually("the client without a login is sent away", func() bool { return !l.client.IsConnectionOpen() })
	has := func(when string) {
		t.Helper()
		if without, with := p.answers("/api/session", ""), p.answers("/api/session", "correct horse battery"); without != 401 || with != 200 {
			t.Errorf("%s: %d without a password, %d with it", when, without, with)
		}
	}
	has("with users")
	write("[http]\nusers = [\"anna:operator:correct horse battery\"]\n")
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	p.eventually("the mistake is told", func() bool { return strings.Contains(p.log.String(), "nothing has changed") })
	has("after a list with a mistake")
	if strings.Contains(p.log.String(), hash) || strings.Contains(p.log.String(), "horse battery") {
		t.Error("a secret is in the log")
	}
}
