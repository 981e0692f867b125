package pump

import (
	"fmt"
	"strings"

	"wildfire-watch/protocol"
)

// edge is one change of public state and the rules that make it.
type edge struct {
	from, to protocol.State
	names    []string
}

// edges reads the changes of public state out of the rules. Stops, faults and the shutdown leave
// from everywhere: they are told apart.
func edges() (drawn []*edge, everywhere []rule) {
	at := make(map[[2]protocol.State]*edge)
	for _, r := range rules {
		if r.to == stay || strings.HasPrefix(r.name, "boot") {
			continue
		}
		if r.from == notFault || r.from == inFault {
			everywhere = append(everywhere, r)
			continue
		}
		for p := Phase(0); p < numPhases; p++ {
			key := [2]protocol.State{rows[p].state, rows[r.to].state}
			if !r.from.has(p) || key[0] == key[1] {
				continue
			}
			e := at[key]
			if e == nil {
				e = &edge{from: key[0], to: key[1]}
				at[key] = e
				drawn = append(drawn, e)
			}
			if name := shortName(r.name); len(e.names) == 0 || e.names[len(e.names)-1] != name {
				e.names = append(e.names, name)
			}
		}
	}
	return drawn, everywhere
}

// shortName drops the half of a name that only tells phases of one state apart.
func shortName(name string) string {
	short, _, _ := strings.Cut(name, ",")
	return short
}

// Diagram draws the public states and what leads from one to the other, as Mermaid text printed
// from the rules.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> IDLE\n")
	b.WriteString("    [*] --> STOPPING: boot, the engine may turn\n")
	b.WriteString("    [*] --> ERROR: boot, error latched\n")
	drawn, everywhere := edges()
	for _, e := range drawn {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.from, e.to, strings.Join(e.names, " / "))
	}
	b.WriteString("    note right of STOPPING\n        from every state but ERROR: ")
	b.WriteString(strings.Join(leading(everywhere, protocol.Stopping), " / "))
	b.WriteString("\n    end note\n    note right of ERROR\n        from every state: ")
	b.WriteString(strings.Join(latching(), " / "))
	b.WriteString("\n    end note\n")
	return b.String()
}

// leading are the names of rules that lead from everywhere to a state.
func leading(everywhere []rule, to protocol.State) (names []string) {
	for _, r := range everywhere {
		if name := shortName(r.name); rows[r.to].state == to &&
			(len(names) == 0 || names[len(names)-1] != name) {
			names = append(names, name)
		}
	}
	return names
}

// latching are the names of the rules that make ERROR.
func latching() (names []string) {
	for _, r := range rules {
		if r.latches {
			names = append(names, r.name)
		}
	}
	return names
}

// Table is the outputs of every phase as a markdown table, printed from the rows.
func Table() string {
	var b strings.Builder
	b.WriteString("| state | phase |")
	for l := range protocol.NumLines {
		fmt.Fprintf(&b, " %s |", l)
	}
	b.WriteString(" lasts |\n|---|---|" + strings.Repeat(":-:|", int(protocol.NumLines)) + "---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| `%s` | %s |", r.state, r.name)
		for l := range protocol.NumLines {
			on := " "
			if r.on.Has(l) {
				on = "on"
			}
			fmt.Fprintf(&b, " %s |", on)
		}
		fmt.Fprintf(&b, " %s |\n", r.about)
	}
	return b.String()
}
