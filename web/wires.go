package web

import (
	"net/http"

	"wildfire-watch/protocol"
)

// Wires is the answer of /api/lines.
type Wires struct {
	Board      string         `json:"board"`
	Simulation bool           `json:"simulation"`
	State      protocol.State `json:"state"`
	// Available is false when the board can be neither written nor read.
	Available bool              `json:"available"`
	Outputs   map[string]Output `json:"outputs"` // by [gpio] key, all of them
	Inputs    map[string]string `json:"inputs"`  // the fitted ones: "active", "inactive", "unknown"
}

// Output is one output in Wires, logical levels.
type Output struct {
	Commanded bool `json:"commanded"`
	// Read is what it reads back, through its feedback where one is fitted.
	Read bool `json:"read"`
	// Failed: it kept reading wrong (SPEC P12).
	Failed bool `json:"failed"`
}

func (p *Page) wires(w http.ResponseWriter, _ *http.Request, _ visitor) {
	status, known := p.source.Status()
	wires, heard := p.source.Wires()
	code := http.StatusOK
	if !known || !heard {
		code = http.StatusServiceUnavailable
	}
	say(w, code, answer(status.State, wires))
}

func answer(state protocol.State, from protocol.Wires) Wires {
	a := Wires{Board: from.Board, Simulation: from.Simulated, State: state, Available: from.Lines.Available,
		Outputs: map[string]Output{}, Inputs: map[string]string{}}
	for l := range protocol.NumLines {
		a.Outputs[l.String()] = Output{Commanded: from.Lines.Commanded.Has(l), Read: from.Lines.Read.Has(l),
			Failed: from.Lines.Failed.Has(l)}
	}
	from.Inputs.Each(func(name string, s protocol.Sensor) {
		if s.Fitted() {
			a.Inputs[name] = s.String()
		}
	})
	return a
}
