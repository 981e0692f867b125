//go:build prometheus

package metrics

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// promtool runs Prometheus' own tool (Debian: prometheus) and returns what it says.
func promtool(t *testing.T, in string, args ...string) (said string, err error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "promtool", args...)
	c.Stdin, c.WaitDelay = strings.NewReader(in), 10*time.Second
	out, err := c.CombinedOutput()
	return string(out), err
}

func TestPromtoolHasNothingToSayAboutAScrape(t *testing.T) {
	for name, source := range map[string]Source{"a fire": burning(300), "nothing yet": &told{}} {
		if said, err := promtool(t, scrape(t, source, heard()), "check", "metrics"); err != nil || said != "" {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
}

func TestPromtoolTakesTheAlertRulesAndTheirTestsPass(t *testing.T) {
	if said, err := promtool(t, "", "check", "rules", "--lint=all", "--lint-fatal", alertsFile); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err := promtool(t, "", "test", "rules", "testdata/alerts.yml"); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestARuleThatIsBrokenFailsItsTest: tests of rules that pass whatever the rules say prove nothing.
func TestARuleThatIsBrokenFailsItsTest(t *testing.T) {
	rules, tests := string(read(t, alertsFile)), string(read(t, "testdata/alerts.yml"))
	for _, change := range [][2]string{{`code="engine_will_not_stop"`, `code="engine_wont_stop"`},
		{"wildfire_ready == 0\n        for: 5m", "wildfire_ready == 0\n        for: 50m"}, {"wildfire_camera_online == 0", "wildfire_camera_online == 2"},
		{"absent(wildfire_ready)", "absent(wildfire_ready) > 1"}, {`action="refill_failed"`, `action="refill"`},
		{"expr: wildfire_cameras_online <", "expr: wildfire_cameras_online >"}, {`severity="alarm"`, `severity="trouble"`}} {
		broken := strings.Replace(rules, change[0], change[1], 1)
		if broken == rules {
			t.Fatalf("the rules have no %q", change[0])
		}
		dir := t.TempDir()
		for name, text := range map[string]string{"rules.yml": broken,
			"tests.yml": strings.Replace(tests, "../../../deploy/prometheus-alerts.yml", "rules.yml", 1)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if said, err := promtool(t, "", "test", "rules", filepath.Join(dir, "tests.yml")); err == nil {
			t.Errorf("%s for %s passes\n%s", change[1], change[0], said)
		}
	}
}

func TestPromtoolParsesEveryExpressionOfTheDashboard(t *testing.T) {
	all := dashboardOf(t).expressions()
	var rules bytes.Buffer
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	for i, e := range all {
		fmt.Fprintf(&rules, "      - {record: 'panel:%d', expr: %q}\n", i, e)
	}
	name := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(name, rules.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	said, err := promtool(t, "", "check", "rules", name)
	if err != nil || !strings.Contains(said, fmt.Sprintf("SUCCESS: %d rules found", len(all))) {
		t.Errorf("%v\n%s", err, said)
	}
}
