package gpio

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/hardware/simulator"
	"wildfire-watch/protocol"
)

const (
	cutCrank  = 5250 * time.Millisecond
	cutEngine = 30*time.Minute + time.Second
)

// cut is a gate whose cut-offs trip it, and what they said.
type cut struct {
	*Gate
	board *moody
	mu    sync.Mutex
	said  []string
	at    []time.Duration // since the start
}

func (c *cut) causes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.said)
}

func cutBench(t *testing.T, test func(t *testing.T, s *simulator.Simulator, c *cut)) {
	t.Helper()
	tripBench(t, func(t *testing.T, s *simulator.Simulator) {
		began := time.Now()
		c := &cut{board: &moody{Board: s}}
		c.Gate = NewGate(c.board)
		c.CutOff(CutOffs{Crank: cutCrank, Engine: cutEngine}, func(cause string) {
			c.mu.Lock()
			c.said, c.at = append(c.said, cause), append(c.at, time.Since(began))
			c.mu.Unlock()
			Trip(c.Gate, pulse, time.Sleep)
		})
		test(t, s, c)
		time.Sleep(time.Hour) // nothing armed may remain
		synctest.Wait()
	})
}

func TestACrankThatNobodyEndsIsCutOff(t *testing.T) {
	cutBench(t, func(t *testing.T, s *simulator.Simulator, c *cut) {
		write(t, c, main|start)
		time.Sleep(time.Second)
		write(t, c, main|start|protocol.SetOf(protocol.RefillValve)) // holding it on gives it no more time
		time.Sleep(cutCrank - time.Second + protocol.Grace - 1)
		synctest.Wait()
		if got := s.Lines(); !got.Has(hardware.IgnitionStart) || c.Tripped() {
			t.Fatalf("on the lines before the limit: %07b", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := s.Lines(); got != hardware.Outputs(main|off) {
			t.Errorf("on the lines at the limit: %07b", got)
		}
		time.Sleep(pulse)
		synctest.Wait()
		if got := c.causes(); !slices.Equal(got, []string{CutOffCrank}) || s.Lines() != 0 {
			t.Errorf("causes %q, lines %07b", got, s.Lines())
		}
	})
}

func TestARunThatNobodyEndsIsCutOffAndItsCrankCounts(t *testing.T) {
	cutBench(t, func(t *testing.T, s *simulator.Simulator, c *cut) {
		write(t, c, main|start)
		time.Sleep(5 * time.Second)
		write(t, c, main|on)
		time.Sleep(cutEngine + protocol.Grace - 5*time.Second - 1)
		synctest.Wait()
		if !s.Lines().Has(hardware.IgnitionOn) {
			t.Fatal("cut off before the limit")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := s.Lines(); got != hardware.Outputs(main|off) {
			t.Errorf("on the lines at the limit: %07b", got)
		}
		time.Sleep(2 * pulse)
		if got := c.causes(); !slices.Equal(got, []string{CutOffEngine}) {
			t.Errorf("causes %q", got)
		}
	})
}

func TestALegalPumpIsNeverCutOff(t *testing.T) {
	cutBench(t, func(t *testing.T, s *simulator.Simulator, c *cut) {
		for range 20 {
			for range 6 {
				write(t, c, main|start)
				time.Sleep(5 * time.Second)
				write(t, c, main)
				time.Sleep(time.Second)
			}
			write(t, c, main|start)
			time.Sleep(5 * time.Second)
			write(t, c, main|on)
			time.Sleep(30*time.Minute - 5*time.Second)
			write(t, c, main|off)
			time.Sleep(pulse)
		}
		write(t, c, 0)
		if got := c.causes(); len(got) != 0 {
			t.Errorf("cut off: %q", got)
		}
	})
}

func TestACrankIsCutOffPastAWriteThatHangs(t *testing.T) {
	cutBench(t, func(t *testing.T, s *simulator.Simulator, c *cut) {
		write(t, c, main|start)
		hang, first := make(chan bool), true
		c.board.mu.Lock()
		c.board.write = func(hardware.Outputs) error {
			c.board.mu.Lock()
			hangs := first
			first = false
			c.board.mu.Unlock()
			if hangs {
				<-hang
			}
			return nil
		}
		c.board.mu.Unlock()
		go func() { _ = c.Write(hardware.Outputs(main | on)) }() // the drop never reaches the line
		time.Sleep(cutCrank + protocol.Grace + patience + time.Millisecond)
		synctest.Wait()
		if got := s.Lines(); got != hardware.Outputs(main|off) {
			t.Errorf("on the lines: %07b", got)
		}
		close(hang)
		time.Sleep(2 * pulse)
	})
}

func TestABoardThatRefusesToDropALineIsLeftToThoseWhoRetryAsLongAsTheyDo(t *testing.T) {
	cutBench(t, func(t *testing.T, s *simulator.Simulator, c *cut) {
		write(t, c, main|on)
		s.FailWrites(errors.New("unplugged"))
		for range 3000 {
			if c.Write(hardware.Outputs(main|off)) == nil {
				t.Fatal("written")
			}
			time.Sleep(lastRetry)
		}
		synctest.Wait()
		if got := c.causes(); len(got) != 0 {
			t.Fatalf("cut off while it is retried: %q", got)
		}
		time.Sleep(refusedPatience + protocol.Grace)
		synctest.Wait()
		if got := c.causes(); !slices.Equal(got, []string{CutOffEngine}) {
			t.Errorf("nobody retries any more: %q", got)
		}
		time.Sleep(time.Minute)
	})
}

func TestATripDisarmsTheCutOffs(t *testing.T) {
	cutBench(t, func(t *testing.T, s *simulator.Simulator, c *cut) {
		write(t, c, main|start)
		c.board.write = func(hardware.Outputs) error { return errors.New("unplugged") }
		Trip(c.Gate, pulse, time.Sleep)
		time.Sleep(2 * cutEngine)
		synctest.Wait()
		if got := c.causes(); len(got) != 0 {
			t.Errorf("cut off after the trip: %q", got)
		}
	})
}

func TestATripOverABoardThatHangsLeavesItToTheNextProcess(t *testing.T) {
	cutBench(t, func(t *testing.T, s *simulator.Simulator, c *cut) {
		write(t, c, main|on)
		hang := make(chan bool)
		c.board.write = func(hardware.Outputs) error { <-hang; return nil }
		begun := time.Now()
		if Trip(c.Gate, pulse, time.Sleep) {
			t.Error("the engine counts as stopped")
		}
		if took := time.Since(begun); took > patience+hangPatience {
			t.Errorf("held up for %v", took)
		}
		close(hang)
	})
}

// TestWritesAndCutOffsMayMeet lets every order of a late drop and its cut-off happen: one of them
// wins, and the line is off either way. Run it with the race detector.
func TestWritesAndCutOffsMayMeet(t *testing.T) {
	for late := -2 * time.Millisecond; late <= 2*time.Millisecond; late += time.Millisecond {
		cutBench(t, func(t *testing.T, s *simulator.Simulator, c *cut) {
			write(t, c, main|start)
			var both sync.WaitGroup
			for range 4 {
				both.Go(func() {
					time.Sleep(cutCrank + protocol.Grace + late)
					_ = c.Write(hardware.Outputs(main))
				})
			}
			both.Wait()
			time.Sleep(2 * pulse)
			synctest.Wait()
			if s.Lines().Has(hardware.IgnitionStart) {
				t.Errorf("late by %v: still cranking", late)
			}
			if tripped := len(c.causes()) > 0; late < 0 == tripped && late != 0 {
				t.Errorf("late by %v: tripped %v", late, tripped)
			}
		})
	}
}
