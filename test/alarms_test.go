package test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wildfire-watch/protocol"
)

// TestTheHouseHasARowForEveryAlarm reads every code that is published anywhere: Fault{Code: …}, constants
// named fault… or Fault…, what a trip says, and the pump's own table.
func TestTheHouseHasARowForEveryAlarm(t *testing.T) {
	found := make(map[string]string) // code → where
	for _, f := range sources(t) {
		if f.isTest() || !fits(f.folder, []string{"actors/*", "command/*", "broker/*", "web/*", "watchdog", "guard", ""}) {
			continue
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			for _, code := range codesIn(n) {
				found[code] = f.at(n.Pos())
			}
			return true
		})
	}
	for code, where := range found {
		if _, _, ok := protocol.AlarmKindOf(code); !ok {
			t.Errorf("%s publishes %q, which protocol.AlarmKinds does not know", where, code)
		}
	}
	for _, code := range []string{"gpio", "gpio_crank", "gpio_", "journal_history", "gpio_cutoff", "gpio_deadman", "broker",
		"broker_subscription_", "discovery_ledger", "engine_will_not_stop", "trigger_remembered", "safe_mode", "frigate_api",
		"watchdog", "guard", "board", "camera"} {
		if found[code] == "" {
			t.Errorf("%q is not found: the test looks in the wrong place", code)
		}
	}
	for _, k := range protocol.AlarmKinds {
		if k.Title == "" || k.Do == "" || k.Clears == "" || k.Severity == "" {
			t.Errorf("the row %q has a gap", k.Code)
		}
	}
}

var faultName = regexp.MustCompile(`^[fF]ault([A-Z]|$)`)

// codesIn is the codes that a piece of code publishes.
func codesIn(n ast.Node) (codes []string) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		name := typeName(n.Type)
		for i, e := range n.Elts {
			kv, keyed := e.(*ast.KeyValueExpr)
			switch {
			case name == "Fault" && keyed && isIdent(kv.Key, "Code"):
				codes = append(codes, text(kv.Value)...)
			case name == "Fault" && !keyed && i == 0, name == "fall" && !keyed && i == 2:
				codes = append(codes, text(e)...)
			case name == "[]alarm":
				if row, ok := e.(*ast.CompositeLit); ok && len(row.Elts) > 0 {
					codes = append(codes, text(row.Elts[0])...)
				}
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if faultName.MatchString(name.Name) && i < len(n.Values) {
				codes = append(codes, text(n.Values[i])...)
			}
		}
	}
	return slices.DeleteFunc(codes, func(code string) bool { return code == "" })
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.ArrayType:
		return "[]" + typeName(e.Elt)
	}
	return ""
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// text is a literal, or what a sum begins with.
func text(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, _ := strconv.Unquote(e.Value)
			return []string{strings.TrimSpace(s)}
		}
	case *ast.BinaryExpr:
		return text(e.X)
	}
	return nil
}
