package pump

import (
	"strings"
	"testing"
)

// Without a danger rule the exploration must find what the rule prevents: a watcher that cannot
// complain proves nothing.
func TestTheExplorationFindsWhatEachDangerRulePrevents(t *testing.T) {
	if underRace {
		return
	}
	for _, c := range []struct{ rule, world, finds string }{
		{"shutdown, main valve open", "no sensors", "P6 P7"},
		{"stop, main valve open", "no sensors", "P6"},
		{"stop, main valve shut", "no sensors", "P6"},
		{"stop in error", "lines that fail", "P6"},
		{"fault during a pulse", "lines that fail", "P"},
		{"fault while the engine may turn", "lines that fail", "P"},
		{"ignition line failed", "lines that fail", "P12"},
		{"main valve not as commanded", "lines that fail", "P1"},
		{"engine time used up", "no sensors", "P4"},
		{"dry run", "flow and pressure", "P9"},
		{"low pressure", "pressure alone", "P9"},
		{"main valve lost while cranking", "lines that fail", "P1"},
		{"engine runs", "engine feedback", "P3"},
		{"engine runs in error", "engine feedback", "P7"},
		{"reset refused", "buttons", "P6"},
		{"valve_close refused", "no sensors", "commands"},
		{"start refused", "no sensors", "P"},
		{"trigger refused", "no sensors", "P"},
		{"crank over", "no sensors", "P"},
		{"pulse over", "no sensors", "P8"},
		{"cooled down", "no sensors", "P8"},
		{"boot: the engine may turn", "restarts", "P15"},
		{"stop pulse not taken", "restarts", "P8"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			found := withoutRule(t, c.rule, c.world)
			if !strings.Contains(found, c.finds) {
				t.Errorf("without the rule %q the world %q shows no breach of %s, only: %s", c.rule, c.world, c.finds, found)
			}
		})
	}
}

// withoutRule explores a world without one rule and returns the clauses found broken.
func withoutRule(t *testing.T, name, in string) string {
	i := 0
	for ; rules[i].name != name; i++ {
	}
	old := rules[i]
	defer func() { rules[i] = old }()
	rules[i].from, tolerant = 0, true
	defer func() { tolerant = false }()
	for _, w := range worlds() {
		if w.name != in {
			continue
		}
		w.most, w.stopAt = 40_000, 1
		var found []string
		explore(t, w, func(_ string, args ...any) { found = append(found, args[1].(string)) })
		return strings.Join(found, "; ")
	}
	t.Fatalf("no world %q", in)
	return ""
}
