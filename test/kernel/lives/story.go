package lives

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Story is a life for people.
func Story(facts []Fact) string {
	var b strings.Builder
	facts = slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool { return f.Kind == Tick })
	slices.SortStableFunc(facts, func(x, y Fact) int { return cmp.Compare(x.At, y.At) })
	for _, f := range facts {
		fmt.Fprintf(&b, "%9.3f %s %s", (f.At - facts[0].At).Seconds(), f.Kind, f.Text)
		switch f.Kind {
		case Line:
			fmt.Fprintf(&b, "%d %s %v pid %d", f.Line.Line, f.Line.What, f.Line.High, f.Line.PID)
		case Told:
			e := f.Event
			fmt.Fprintf(&b, "%s (%s) %s engine %.3f of %.3f owed %.3f held %v, heard %.3f %v", e.Action, e.Reason, e.System.State,
				e.System.CurrentRuntime, e.System.TotalRuntime, e.System.RefillOwed, e.System.StopHeld,
				(f.Heard - facts[0].At).Seconds(), e.Details)
		case Shown:
			fmt.Fprintf(&b, "%+v", *f.Page)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
