package gear

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, asked := time.Now(), 0
		if Await(time.Second, func() bool { asked++; return false }) {
			t.Error("it was done")
		}
		if took := time.Since(start); took < time.Second || took > 1020*time.Millisecond || asked < 90 || asked > 120 {
			t.Errorf("asked %d times in %v", asked, took)
		}
		start = time.Now()
		if !Await(time.Minute, func() bool { return time.Since(start) > 2*time.Second }) || time.Since(start) > 2020*time.Millisecond {
			t.Errorf("noticed after %v", time.Since(start))
		}
	})
}

func TestWhatIsTypedComesToTheProgramAndBack(t *testing.T) {
	person, program := Terminal(t)
	var eyes Buffer
	Seen(person, &eyes)
	if _, err := person.WriteString("hello\n"); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 64)
	n, err := program.Read(text)
	if err != nil || string(text[:n]) != "hello\n" {
		t.Errorf("the program reads %q, %v", text[:n], err)
	}
	Until(t, "the echo", func() bool { return eyes.String() == "hello\r\n" })
}

func TestWhatCannotBeBuiltSaysWhy(t *testing.T) {
	out, folder := filepath.Join(t.TempDir(), "program"), t.TempDir()
	for name, text := range map[string]string{"go.mod": "module x\n", "a.go": "package main\nfunc main() { nothing() }\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Build(out, filepath.Join(folder, "a.go"), ""); err == nil || !strings.Contains(err.Error(), "undefined: nothing") {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a.go"), []byte("package main\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "", "GOARCH=none": "unsupported"} {
		err := Build(out, filepath.Join(folder, "a.go"), "", name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := exec.Command(out).Run(); err != nil {
		t.Error(err)
	}
}
