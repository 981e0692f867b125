package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var example = regexp.MustCompile("(?ms)^( *)```toml\n(.*?)^ *```$")

// TestDocumentsShowExamplesThatWork checks every configuration that a document shows with the real
// binary: without a mistake or a warning; and what README.md says that check answers, it answers.
func TestDocumentsShowExamplesThatWork(t *testing.T) {
	checked := 0
	for _, name := range house(t) {
		if !strings.HasSuffix(name, ".md") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range example.FindAllStringSubmatch(string(text), -1) {
			dir := t.TempDir()
			config := strings.ReplaceAll(m[2], "\n"+m[1], "\n")
			if err := os.WriteFile(filepath.Join(dir, "home.toml"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(binary(t), "check", "--config", "home.toml")
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasPrefix(string(out), "home.toml: no mistakes, ready to use.\n") {
				t.Errorf("%s, example %d: %v\n%s", name, i+1, err, out)
			}
			checked++
			if name != "README.md" || i > 0 {
				continue
			}
			for line := range strings.Lines(string(out)) {
				if !strings.Contains(string(text), strings.TrimSpace(line)) {
					t.Errorf("README.md does not show what check answers: %s", line)
				}
			}
		}
	}
	if checked < 2 {
		t.Errorf("%d examples of a configuration", checked)
	}
}
