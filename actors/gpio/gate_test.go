package gpio

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

const pulse = 5 * time.Second

// tripBench runs a test on a gate before a simulated board, in virtual time.
func tripBench(t *testing.T, test func(t *testing.T, s *simulator.Simulator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := simulator.New(shipped().Simulator(SimulatorConfig{}, shippedPump))
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func write(t *testing.T, b Board, o protocol.Lines) {
	t.Helper()
	if err := b.Write(hardware.Outputs(o)); err != nil {
		t.Fatal(err)
	}
}

func TestATripStopsTheEngineWithAFullPulseAndTheMainValveOpen(t *testing.T) {
	tripBench(t, func(t *testing.T, s *simulator.Simulator) {
		g := NewGate(s)
		write(t, g, main|on|protocol.SetOf(protocol.RefillValve, protocol.PrimingValve, protocol.RPMReduce))
		begun := time.Now()
		go func() {
			time.Sleep(time.Second)
			if got := s.Lines(); got != hardware.Outputs(main|off) {
				t.Errorf("on the lines in the pulse: %07b", got)
			}
		}()
		if !Trip(g, pulse, time.Sleep) {
			t.Error("the engine does not count as stopped")
		}
		if took := time.Since(begun); took != pulse {
			t.Errorf("took %v", took)
		}
		if got := s.Lines(); got != 0 {
			t.Errorf("on the lines afterwards: %07b", got)
		}
		var rose, fell, valve time.Time
		for _, c := range s.History() {
			switch {
			case c.Output == hardware.IgnitionOff && c.Active:
				rose = c.At
			case c.Output == hardware.IgnitionOff:
				fell = c.At
			case c.Output == hardware.MainValve && !c.Active:
				valve = c.At
			}
		}
		if !rose.Equal(begun) || fell.Sub(rose) != pulse || valve.Before(fell) {
			t.Errorf("pulse from %v to %v, valve closed %v", rose, fell, valve)
		}
	})
}

func TestATripLeavesAClosedMainValveClosed(t *testing.T) {
	tripBench(t, func(t *testing.T, s *simulator.Simulator) {
		g := NewGate(s)
		write(t, g, 0)
		Trip(g, pulse, time.Sleep)
		for _, c := range s.History() {
			if c.Output != hardware.IgnitionOff {
				t.Errorf("changed: %+v", c)
			}
		}
	})
}

func TestNothingIsWrittenPastATrippedGate(t *testing.T) {
	tripBench(t, func(t *testing.T, s *simulator.Simulator) {
		g := NewGate(s)
		write(t, g, main|on)
		done := make(chan bool)
		go func() {
			Trip(g, pulse, time.Sleep)
			close(done)
		}()
		synctest.Wait()
		for _, late := range []protocol.Lines{main | on, main | start, 0} { // off would cut the pulse
			if err := g.Write(hardware.Outputs(late)); !errors.Is(err, ErrTripped) {
				t.Errorf("%v: %v", late, err)
			}
			if got := s.Lines(); got != hardware.Outputs(main|off) {
				t.Errorf("on the lines: %07b", got)
			}
		}
		<-done
		if err := g.Write(hardware.Outputs(main)); !errors.Is(err, ErrTripped) || s.Lines() != 0 || !g.Tripped() {
			t.Errorf("afterwards: %v, lines %07b", err, s.Lines())
		}
	})
}

func TestASecondTripWaitsForTheFirst(t *testing.T) {
	tripBench(t, func(t *testing.T, s *simulator.Simulator) {
		g := NewGate(s)
		write(t, g, main|on)
		begun := time.Now()
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				Trip(g, pulse, time.Sleep)
				if took := time.Since(begun); took < pulse || took > pulse+time.Second {
					t.Errorf("a trip returned after %v", took)
				}
			})
		}
		both.Wait()
	})
}

// moody is a board with failures to order.
type moody struct {
	Board
	mu    sync.Mutex
	write func(hardware.Outputs) error
}

func (m *moody) Write(o hardware.Outputs) error {
	m.mu.Lock()
	before := m.write
	m.mu.Unlock()
	if before != nil {
		if err := before(o); err != nil {
			return err
		}
	}
	return m.Board.Write(o)
}

func TestATripPulsesInFullOnceTheBoardTakesIt(t *testing.T) {
	tripBench(t, func(t *testing.T, s *simulator.Simulator) {
		m := &moody{Board: s}
		g := NewGate(m)
		write(t, g, main|on)
		begun := time.Now()
		m.write = func(hardware.Outputs) error {
			if time.Since(begun) < 2*time.Second {
				return errors.New("busy")
			}
			return nil
		}
		Trip(g, pulse, time.Sleep)
		if took := time.Since(begun); took < pulse+2*time.Second || took > pulse+2*time.Second+tripInterval {
			t.Errorf("took %v", took)
		}
	})
}

func TestATripOverADeadBoardEnds(t *testing.T) {
	tripBench(t, func(t *testing.T, s *simulator.Simulator) {
		m := &moody{Board: s}
		g := NewGate(m)
		m.write = func(hardware.Outputs) error { panic("the chip is gone") }
		begun := time.Now()
		if Trip(g, pulse, time.Sleep) {
			t.Error("the engine counts as stopped")
		}
		if took := time.Since(begun); took > pulse+2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestATripPassesAWriteThatHangs(t *testing.T) {
	tripBench(t, func(t *testing.T, s *simulator.Simulator) {
		m := &moody{Board: s}
		g := NewGate(m)
		write(t, g, main|on)
		hang, first := make(chan bool), true
		m.write = func(hardware.Outputs) error {
			m.mu.Lock()
			hangs := first
			first = false
			m.mu.Unlock()
			if hangs {
				<-hang
			}
			return nil
		}
		go func() { _ = g.Write(hardware.Outputs(main | on)) }()
		synctest.Wait()
		go Trip(g, pulse, time.Sleep)
		time.Sleep(patience + tripInterval)
		if got := s.Lines(); got != hardware.Outputs(main|off) {
			t.Errorf("on the lines: %07b", got)
		}
		close(hang)
		time.Sleep(pulse + time.Second)
		if got := s.Lines(); got != 0 {
			t.Errorf("on the lines at the end: %07b", got)
		}
	})
}

func TestAGateTrippedBeforeTheStartIsOffAndStaysOff(t *testing.T) {
	tripBench(t, func(t *testing.T, s *simulator.Simulator) {
		g := NewGate(s)
		write(t, g, main)
		g.Trip()
		if s.Lines() != 0 || g.Write(hardware.Outputs(main)) == nil || s.Lines() != 0 {
			t.Errorf("on the lines: %07b", s.Lines())
		}
	})
}
