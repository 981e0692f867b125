package system

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wildfire-watch/protocol/password"
)

// TestHashesInAFileThatEverybodyReadsAreWarnedOf, of the page's users and the broker's.
func TestHashesInAFileThatEverybodyReadsAreWarnedOf(t *testing.T) {
	hash, err := password.Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "home.toml")
	text := "[http]\nusers = [\"anna:viewer:" + hash + "\"]\n[broker]\nusers = [\"anna:monitor:" + hash + "\"]\n"
	for mode, want := range map[os.FileMode]string{0o644: "broker.users http.users", 0o640: "", 0o600: ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		_, mistakes, err := Load(defaults(t), file, nil)
		var keys []string
		for _, m := range mistakes {
			if keys = append(keys, m.Key); !m.Warning || !strings.Contains(m.Problem, "chmod 640") || strings.Contains(Line(m), hash) {
				t.Errorf("%04o: %s", mode, Line(m))
			}
		}
		if err != nil || strings.Join(keys, " ") != want {
			t.Errorf("%04o: %q, %v", mode, keys, err)
		}
	}
}
