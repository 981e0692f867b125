package credentials

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

var cases = []struct {
	line, user, password, mac, ip string
	problem                       string // a part of it; empty: it is read
}{
	{line: "admin:secret", user: "admin", password: "secret"},
	{line: "  admin:secret \r", user: "admin", password: "secret"},
	{line: "admin:", user: "admin"},
	{line: "admin:a:b c#d", user: "admin", password: "a:b c#d"},
	{line: `admin:" blank "`, user: "admin", password: " blank "},
	{line: `admin:"a\"b\\c"`, user: "admin", password: `a"b\c`},
	{line: `admin:a"b`, user: "admin", password: `a"b`},
	{line: "AA-BB-CC-DD-EE-0F admin:secret", user: "admin", password: "secret", mac: "aa:bb:cc:dd:ee:0f"},
	{line: "aabbccddee0f\tadmin:secret", user: "admin", password: "secret", mac: "aa:bb:cc:dd:ee:0f"},
	{line: "10.0.0.7 admin:x y", user: "admin", password: "x y", ip: "10.0.0.7"},
	{line: "fd00::7  admin:x", user: "admin", password: "x", ip: "fd00::7"},
	{line: "10.0.0.7:secret", user: "10.0.0.7", password: "secret"},
	{line: "admin:pässword", user: "admin", password: "pässword"},
	{line: "admin", problem: "no colon"},
	{line: ":secret", problem: "no user"},
	{line: "10.0.0.7 :secret", problem: "no user"},
	{line: "10.0.0 admin:secret", problem: "blank in the user"},
	{line: "ff:ff:ff:ff:ff:ff admin:secret", problem: "no single device"},
	{line: "10.0.0.7 admin secret", problem: "no colon"},
	{line: `admin:"secret`, problem: "quote"},
	{line: `admin:"sec\ret"`, problem: "quote"},
	{line: `admin:"secret" more`, problem: "quote"},
	{line: "admin:sec\x00ret", problem: "typed"},
	{line: "admin:sec\xffret", problem: "typed"},
	{line: strings.Repeat("u", MaxUser+1) + ":secret", problem: "user of more"},
	{line: "admin:" + strings.Repeat("secret", MaxPassword), problem: "password of more"},
}

func TestALineIsALoginAndWhatItIsBoundTo(t *testing.T) {
	for _, c := range cases {
		entries, problems := Parse([]byte("# first\n\n" + c.line + "\n"))
		if c.problem != "" {
			if len(entries) != 0 || len(problems) != 1 || !strings.HasPrefix(problems[0], "line 3: ") ||
				!strings.Contains(problems[0], c.problem) || strings.Contains(problems[0], "secret") {
				t.Errorf("%q: %v %q", c.line, entries, problems)
			}
			continue
		}
		if len(entries) != 1 || len(problems) != 0 {
			t.Errorf("%q: %v %q", c.line, entries, problems)
			continue
		}
		e := entries[0]
		if e.Login.User != c.user || e.Login.Password != c.password || e.MAC != c.mac || e.IP != c.ip ||
			e.Login.ID != "line 3" {
			t.Errorf("%q read as %q %q %q %q %q", c.line, e.Login.ID, e.Login.User, e.Login.Password, e.MAC, e.IP)
		}
	}
}

func TestOneBadLineSpoilsNoOther(t *testing.T) {
	entries, problems := Parse([]byte("\ufeffa:1\nnothing\nb:2"))
	if len(entries) != 2 || entries[1].Login.ID != "line 3" || !slices.Equal(problems,
		[]string{"line 2: no colon between user and password"}) {
		t.Errorf("%v %q", entries, problems)
	}
}

func TestAFileIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range MaxEntries + 10 {
		fmt.Fprintf(&b, "user%d:x\n", i)
	}
	if entries, problems := Parse([]byte(b.String())); len(entries) != MaxEntries || len(problems) != 1 {
		t.Errorf("%d entries, %q", len(entries), problems)
	}
	if entries, problems := Parse(make([]byte, MaxFile+1)); entries != nil || len(problems) != 1 {
		t.Errorf("%d entries, %q", len(entries), problems)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.line))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, problems := Parse(text)
		if len(entries) > MaxEntries {
			t.Fatalf("%d entries", len(entries))
		}
		for _, p := range problems {
			if len(p) > 120 {
				t.Fatalf("a problem of %d bytes", len(p))
			}
		}
		for _, e := range entries {
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(e.Login.Password)
			line := strings.TrimSpace(e.MAC + e.IP + " " + e.Login.User + `:"` + quoted + `"`)
			again, problems := Parse([]byte("\n" + line))
			if len(again) != 1 || len(problems) != 0 || again[0].Login.User != e.Login.User ||
				again[0].Login.Password != e.Login.Password || again[0].MAC != e.MAC || again[0].IP != e.IP {
				t.Fatalf("%q is not read back as itself", line)
			}
		}
	})
}
