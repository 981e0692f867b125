package protocol

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// TestEveryEventHasARowAndEveryRowAnEvent reads the constants of events.go.
func TestEveryEventHasARowAndEveryRowAnEvent(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "events.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[Action]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, value := range v.Values {
			if lit, ok := value.(*ast.BasicLit); ok {
				name, _ := strconv.Unquote(lit.Value)
				names[Action(name)] = true
			}
		}
		return true
	})
	if len(names) < 50 {
		t.Fatalf("only %d events are found: the test looks in the wrong place", len(names))
	}
	for _, k := range EventKinds {
		if !names[k.Action] {
			t.Errorf("the row %s is of no event, or of one that has a row before", k.Action)
		}
		if delete(names, k.Action); k.Means == "" {
			t.Errorf("the row %s says nothing", k.Action)
		}
	}
	for name := range names {
		t.Errorf("%s has no row", name)
	}
}
