package simulator

import (
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/hardware/hardwaretest"
)

// rig is the far end of a simulated board's wires.
type rig struct{ board *Simulator }

func (r rig) Drive(line int, high bool) {
	_ = r.board.do(func(time.Time) error {
		r.board.levels[line] = high
		return nil
	})
}

func (r rig) Level(line int) bool {
	for o, l := range r.board.wiring.Outputs {
		if l == line {
			return r.board.Lines().Has(hardware.Output(o)) != r.board.wiring.OutputActiveLow[o]
		}
	}
	return false
}

func (r rig) Changes() (all []hardwaretest.Change) {
	for _, c := range r.board.History() {
		all = append(all, hardwaretest.Change{Line: r.board.wiring.Outputs[c.Output],
			High: c.Active != r.board.wiring.OutputActiveLow[c.Output]})
	}
	return all
}

func (r rig) Wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestTheSimulatorKeepsTheContractOfABoard(t *testing.T) {
	hardwaretest.Run(t, hardwaretest.Bench{
		Within: synctest.Test,
		Open: func(t *testing.T, w hardware.Wiring) (hardware.Board, hardwaretest.Rig) {
			b, err := New(Settings{Wiring: w})
			if err != nil {
				t.Fatal(err)
			}
			return b, rig{b}
		},
	})
}
