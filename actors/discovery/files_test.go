package discovery

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"wildfire-watch/actors"
)

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestAFileOfLoginsThatOthersMayReadIsNotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "logins")
	large := strings.Repeat("user:password\n", 10_000)
	for _, c := range []struct {
		text    string
		mode    os.FileMode
		logins  int
		problem string
	}{
		{"a:1\n10.0.0.7 b:2\n", 0o600, 2, ""},
		{"a:1", 0o400, 1, ""},
		{"a:1", 0o640, 0, "has mode 0640, others may read it: chmod 600; it is not read"},
		{"a:1", 0o604, 0, "has mode 0604"},
		{"a:1\nhunter2\nb:2", 0o600, 2, "line 2: no colon"},
		{large, 0o600, 0, "larger than"},
		{"", 0o600, 0, ""},
	} {
		write(t, path, c.text, c.mode)
		got, problem := readLogins(path, []byte("salt"))
		if len(got.All) != c.logins || c.problem == "" && problem != "" || !strings.Contains(problem, c.problem) ||
			strings.Contains(problem, "hunter2") {
			t.Errorf("%q %v: %d logins, %q", clip(c.text, 20), c.mode, len(got.All), problem)
		}
		_ = os.Remove(path)
	}
	for _, gone := range []string{filepath.Join(dir, "none"), dir} {
		if got, problem := readLogins(gone, nil); problem == "" || len(got.All) != 0 || got.Revision != "unreadable" {
			t.Errorf("%s: %+v %q", gone, got, problem)
		}
	}
	if got, problem := readLogins("", nil); problem != "" || got.Revision != "none" {
		t.Errorf("%+v %q", got, problem)
	}
}

func TestAPrintTellsLoginsApartAndNothingElse(t *testing.T) {
	a := printOf([]byte("salt"), "ab", "c")
	for _, other := range []string{printOf([]byte("salt"), "a", "bc"), printOf([]byte("other"), "ab", "c"),
		printOf([]byte("salt"), "ab", "d")} {
		if other == a {
			t.Error("two logins have one print")
		}
	}
	if a != printOf([]byte("salt"), "ab", "c") || len(a) != 16 {
		t.Errorf("%q", a)
	}
}

// clock is a machine's at some boot.
type clock struct {
	actors.SystemClock
	since time.Duration
	boot  string
}

func (c clock) SinceBoot() time.Duration { return c.since }
func (c clock) BootID() string           { return c.boot }

func TestTheLedgerSurvivesARestartAndAReboot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tried.json")
	k := &keeper{path: path, clock: clock{since: 10 * time.Hour, boot: "one"}}
	if _, salt, problem := k.load(); problem != "" || len(salt) < 16 {
		t.Fatalf("%q %v", problem, salt)
	}
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	l := Ledger{Revision: "r", Accounts: map[string]Account{macA: {Good: "g", Doubt: ago(time.Minute),
		Tried: map[string]time.Time{"p": ago(30 * time.Minute)}, Refused: map[string]time.Time{"q": ago(5 * time.Hour)},
		Misses: []time.Time{ago(20 * time.Minute)}, Locked: ago(-40 * time.Minute), Touched: now},
		ipA: {Of: macA, Touched: now}}}
	if err := k.save(l, 1); err != nil {
		t.Fatal(err)
	}
	near := func(a, b time.Time) bool { return a.Sub(b).Abs() < time.Minute }
	again := &keeper{path: path, clock: clock{since: 10*time.Hour + 10*time.Minute, boot: "one"}}
	got, salt, problem := again.load()
	a := got.Accounts[macA]
	if problem != "" || !reflect.DeepEqual(salt, k.salt) || got.Revision != "r" || got.Accounts[ipA].Of != macA ||
		a.Good != "g" || !near(a.Tried["p"], ago(40*time.Minute)) || !near(a.Locked, ago(-30*time.Minute)) ||
		!near(a.Misses[0], ago(30*time.Minute)) || !near(a.Refused["q"], ago(5*time.Hour+10*time.Minute)) {
		t.Errorf("restart: %+v %q", got, problem)
	}
	rebooted := &keeper{path: path, clock: clock{since: time.Minute, boot: "two"}}
	got, _, _ = rebooted.load()
	a = got.Accounts[macA]
	if !near(a.Tried["p"], now) || !near(a.Locked, ago(-time.Hour)) || !near(a.Misses[0], now) {
		t.Errorf("reboot: %+v", a)
	}
}

func TestALedgerThatCannotBeReadBeginsAnewAndIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tried.json")
	for _, text := range []string{"", "{", `{"accounts": 7}`, "[]", "\x00\x01"} {
		write(t, path, text, 0o600)
		k := &keeper{path: path, clock: actors.SystemClock{}}
		l, salt, problem := k.load()
		if problem == "" || len(salt) < 16 || len(l.Accounts) != 0 {
			t.Errorf("%q: %+v %q", text, l, problem)
		}
		if err := k.save(Ledger{Revision: "new"}, 1); err != nil {
			t.Error(err)
		}
	}
	k := &keeper{path: filepath.Join(t.TempDir(), "no", "folder"), clock: actors.SystemClock{}}
	k.load()
	if err := k.save(Ledger{}, 1); err == nil || !strings.HasPrefix(err.Error(), "write the ledger of logins") {
		t.Errorf("%v", err)
	}
}

func TestAnOlderLedgerReplacesNoNewerOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tried.json")
	k := &keeper{path: path, clock: actors.SystemClock{}}
	k.load()
	for _, changes := range []uint64{2, 1} {
		if err := k.save(Ledger{Revision: fmt.Sprint(changes)}, changes); err != nil {
			t.Fatal(err)
		}
	}
	var s stored
	text, _ := os.ReadFile(path)
	if err := json.Unmarshal(text, &s); err != nil || s.Revision != "2" {
		t.Errorf("%s %v", text, err)
	}
}

func FuzzLedger(f *testing.F) {
	f.Add([]byte(`{"boot":"x","accounts":{"a":{"tried":{"p":1},"misses":[1,2],"touched":9223372036854775807}}}`))
	f.Add([]byte(`{"salt":"AAAA"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s stored
		if json.Unmarshal(text, &s) != nil {
			return
		}
		s.Boot = "one"
		now := time.Now()
		l := s.ledger(clock{since: time.Hour, boot: "one"})
		m := NewMachine(plainRules, 0, l, now)
		for _, a := range m.Ledger().Accounts {
			if a.Touched.After(now) || len(a.Misses) > 2*mostRefusals {
				t.Fatalf("%+v", a)
			}
		}
	})
}

func TestTheConfigurationIsChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logins")
	write(t, path, "a:1", 0o644)
	for _, c := range []struct {
		change func(c *Config)
		key    string
		wrong  bool
	}{
		{func(*Config) {}, "", false},
		{func(c *Config) { c.Network = []string{"10.0.5.0/24", "192.168.0.0/16"} }, "", false},
		{func(c *Config) { c.Network = []string{"10.0.5.1/24"} }, "network", true},
		{func(c *Config) { c.Network = []string{"10.0.0.0/8"} }, "network", true},
		{func(c *Config) { c.Network = []string{"10.0.5.0"} }, "network", true},
		{func(c *Config) { c.Network = []string{"fd00::/64"} }, "network", true},
		{func(c *Config) { c.Ports = []int{554, 0} }, "ports", true},
		{func(c *Config) { c.Ports = []int{70000} }, "ports", true},
		{func(c *Config) { c.Interfaces = []string{""} }, "interfaces", true},
		{func(c *Config) { c.OfflineThreshold = 30 * time.Second }, "offline_threshold", false},
		{func(c *Config) { c.CredentialsFile = path }, "credentials_file", false},
		{func(c *Config) { c.CredentialsFile = path + "none" }, "credentials_file", false},
	} {
		config := plainConfig
		c.change(&config)
		found := config.Check()
		if c.key == "" {
			if len(found) != 0 {
				t.Errorf("%+v", found)
			}
			continue
		}
		if len(found) != 1 || found[0].Key != c.key || found[0].Warning == c.wrong {
			t.Errorf("%s: %+v", c.key, found)
		}
	}
}

func TestChecksComeOftenEnoughForConsensus(t *testing.T) {
	for _, c := range []struct{ every, timeout, want time.Duration }{
		{60 * time.Second, 60 * time.Second, 50 * time.Second},
		{30 * time.Second, 60 * time.Second, 30 * time.Second},
		{10 * time.Minute, 60 * time.Second, 10 * time.Minute}, // the operator's wish
		{60 * time.Second, 0, 60 * time.Second},
	} {
		s := Settings{Config: plainConfig, CameraTimeout: c.timeout}
		s.Config.HealthCheckInterval = c.every
		if got := s.rules().Health; got != c.want {
			t.Errorf("%v with %v: %v", c.every, c.timeout, got)
		}
	}
}
