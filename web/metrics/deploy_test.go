package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const (
	dashboardFile = "../../deploy/grafana.json"
	alertsFile    = "../../deploy/prometheus-alerts.yml"
)

// dashboard is what we hold a dashboard of Grafana's to; it ignores what it does not know, so a board
// that lacks one of these shows an empty panel and no error.
type dashboard struct {
	Title         string `json:"title"`
	UID           string `json:"uid"`
	SchemaVersion int    `json:"schemaVersion"`
	Templating    struct {
		List []struct {
			Name, Type, Definition string
			Query                  any
		} `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct{ Name, Expr string } `json:"list"`
	} `json:"annotations"`
	Panels []panel `json:"panels"`
}

type panel struct {
	ID          int                        `json:"id"`
	Type        string                     `json:"type"`
	Title       string                     `json:"title"`
	Datasource  struct{ Type, UID string } `json:"datasource"`
	GridPos     struct{ X, Y, W, H int }   `json:"gridPos"`
	FieldConfig *json.RawMessage           `json:"fieldConfig"`
	Targets     []struct {
		Expr, RefID string
		Datasource  struct{ Type, UID string }
	} `json:"targets"`
}

func dashboardOf(t testing.TB) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal(read(t, dashboardFile), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// expressions are all that the dashboard asks of Prometheus, with Grafana's variables filled in.
func (d dashboard) expressions() (all []string) {
	fill := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*")
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, fill.Replace(target.Expr))
		}
	}
	for _, a := range d.Annotations.List {
		if a.Expr != "" {
			all = append(all, fill.Replace(a.Expr))
		}
	}
	return all
}

func TestTheDashboardIsOneThatGrafanaCanShow(t *testing.T) {
	d := dashboardOf(t)
	if d.Title == "" || d.UID == "" || len(d.UID) > 40 || d.SchemaVersion < 36 || len(d.Panels) < 20 {
		t.Fatalf("title %q, uid %q, schema %d, %d panels", d.Title, d.UID, d.SchemaVersion, len(d.Panels))
	}
	known := []string{"row", "stat", "timeseries", "state-timeline", "table"}
	ids, taken := make(map[int]bool), make(map[[2]int]string)
	for _, p := range d.Panels {
		g := p.GridPos
		if ids[p.ID] || p.ID == 0 || p.Title == "" || !slices.Contains(known, p.Type) || g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("%d %q: id twice, no title, kind %q, or place %+v", p.ID, p.Title, p.Type, g)
		}
		ids[p.ID] = true
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if by, is := taken[[2]int{x, y}]; is {
					t.Fatalf("%q lies on %q", p.Title, by)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		refs := make(map[string]bool)
		if p.Datasource.UID != "${datasource}" || p.FieldConfig == nil || len(p.Targets) == 0 {
			t.Errorf("%q: no targets, no fields, or datasource %+v", p.Title, p.Datasource)
		}
		for _, target := range p.Targets {
			if refs[target.RefID] || target.RefID == "" || target.Expr == "" || target.Datasource != p.Datasource {
				t.Errorf("%q: target %+v", p.Title, target)
			}
			refs[target.RefID] = true
		}
	}
	if names := d.Templating.List; len(names) != 2 || names[0].Name != "datasource" || names[1].Name != "instance" {
		t.Errorf("variables %+v", names)
	}
}

var metricName = regexp.MustCompile(`\b(wildfire|go|process)_[a-z_]+\b`)

func TestEveryMetricThatTheDashboardAndTheAlertsNameIsTold(t *testing.T) {
	all, err := Registry(burning(8), heard(), "1.2").Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	for _, f := range all {
		told[f.GetName()] = true
	}
	d := dashboardOf(t)
	expressions := d.expressions()
	for _, v := range d.Templating.List {
		expressions = append(expressions, v.Definition)
	}
	for _, line := range strings.Split(string(read(t, alertsFile)), "\n") {
		if strings.Contains(line, "expr:") || strings.HasPrefix(line, "          wildfire") || strings.HasPrefix(line, "          or ") {
			expressions = append(expressions, line)
		}
	}
	named := make(map[string]bool)
	for _, e := range expressions {
		for _, name := range metricName.FindAllString(e, -1) {
			named[name] = true
			if !told[name] {
				t.Errorf("nobody tells %s: %s", name, e)
			}
		}
	}
	if len(named) < 40 {
		t.Errorf("only %d metrics are named: the test looks in the wrong place", len(named))
	}
	for _, f := range families { // what is told and nowhere shown should be shown
		if name := prefix + f.name; !named[name] && !slices.Contains(unshown, f.name) {
			t.Errorf("%s stands neither on the dashboard nor in an alert", name)
		}
	}
}

// unshown are metrics for questions that nobody asks every day.
var unshown = []string{"overview_timestamp_seconds", "uptime_seconds", "failed_starts", "alarms_unacknowledged", "nvr_last_heard_timestamp_seconds",
	"discovery_enabled", "discovery_cycles_total", "discovery_steady", "discovery_last_scan_timestamp_seconds", "mailbox_actors",
	"mailbox_high_water", "mailbox_late_total"}

var actionLabel = regexp.MustCompile(`action="([a-z_]+)"`)

// TestEveryEventThatARuleCountsStandsAtZeroFromTheStart: a rise from nothing to 1 is none to Prometheus.
func TestEveryEventThatARuleCountsStandsAtZeroFromTheStart(t *testing.T) {
	found := actionLabel.FindAllStringSubmatch(string(read(t, alertsFile))+strings.ReplaceAll(string(read(t, dashboardFile)), `\"`, `"`), -1)
	if len(found) < 4 {
		t.Fatalf("found %q", found)
	}
	for _, m := range found {
		if !slices.Contains(watched, protocol.Action(m[1])) {
			t.Errorf("%s is not watched", m[1])
		}
	}
}
