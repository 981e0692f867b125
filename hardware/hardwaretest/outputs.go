package hardwaretest

import (
	"sync"

	"wildfire-watch/hardware"
)

func (s *session) write(o hardware.Outputs) {
	s.Helper()
	if err := s.board.Write(o); err != nil {
		s.Fatalf("write %07b: %v", o, err)
	}
}

func (s *session) read() hardware.Levels {
	s.Helper()
	l, err := s.board.Read()
	if err != nil {
		s.Fatalf("read: %v", err)
	}
	return l
}

// lines are the outputs as the far end sees them, polarity taken off.
func (s *session) lines() (o hardware.Outputs) {
	for i, line := range s.w.Outputs {
		o = o.With(hardware.Output(i), s.rig.Level(line) != s.w.OutputActiveLow[i])
	}
	return o
}

func (s *session) inactive() {
	if got := s.lines(); got != 0 {
		s.Errorf("on the lines at open: %07b", got)
	}
	if got := s.read().Outputs; got != 0 {
		s.Errorf("read at open: %07b", got)
	}
	if got := s.rig.Changes(); len(got) != 0 {
		s.Errorf("lines changed at open: %v", got)
	}
	if s.board.Describe() == "" {
		s.Error("the board has no name")
	}
}

func (s *session) writes() {
	for o := hardware.Outputs(0); o <= all; o++ {
		s.write(o)
		if got := s.lines(); got != o {
			s.Fatalf("wrote %07b, on the lines: %07b", o, got)
		}
		if got := s.read().Outputs; got != o {
			s.Fatalf("wrote %07b, read: %07b", o, got)
		}
	}
}

func (s *session) noGlitch() {
	var was hardware.Outputs
	steps := []hardware.Outputs{0b1, 0b11, 0b11, 0b101, 0b1001, 0b1, 0, 0, all, 0b10101, all, 0}
	for _, o := range steps {
		before := len(s.rig.Changes())
		s.write(o)
		seen := map[int]bool{}
		for _, c := range s.rig.Changes()[before:] {
			line := hardware.Output(c.Line)
			if seen[c.Line] || o.Has(line) == was.Has(line) || o.Has(line) != c.High {
				s.Errorf("%07b to %07b: line %d went %v", was, o, c.Line, c.High)
			}
			seen[c.Line] = true
		}
		was = o
	}
}

func (s *session) feedback() {
	const o = hardware.MainValve
	set := func(active bool) {
		s.rig.Drive(s.w.Feedbacks[o], active != s.w.FeedbackActiveLow[o])
		s.rig.Wait(3 * debounce)
	}
	set(false)
	s.write(all)
	s.rig.Wait(3 * debounce)
	if s.read().Outputs.Has(o) {
		s.Error("the line is on, its feedback is off: read on")
	}
	set(true)
	if !s.read().Outputs.Has(o) {
		s.Error("line and feedback are on: read off")
	}
	s.write(0)
	s.rig.Wait(3 * debounce)
	if !s.read().Outputs.Has(o) {
		s.Error("the line is off, its feedback is on: read off")
	}
	if got := s.read().Outputs; got.Has(hardware.IgnitionOn) {
		s.Errorf("an output without feedback reads its own line: %07b", got)
	}
}

func (s *session) closes() {
	l := s.rested()
	s.write(all)
	before := len(l.Heard())
	for range 2 {
		if err := s.board.Close(); err != nil {
			s.Errorf("close: %v", err)
		}
	}
	if got := s.lines(); got != 0 {
		s.Errorf("on the lines after close: %07b", got)
	}
	if s.board.Write(all) == nil {
		s.Error("a write after close is no error")
	}
	if _, err := s.board.Read(); err == nil {
		s.Error("a read after close is no error")
	}
	if got := s.lines(); got != 0 {
		s.Errorf("on the lines after a write after close: %07b", got)
	}
	s.rig.Drive(s.w.Inputs[hardware.StopButton], true)
	s.rig.Wait(3 * debounce)
	if after := len(l.Heard()); after != before {
		s.Errorf("told %d times after close", after-before)
	}
}

func (s *session) concurrent() {
	const one, other = hardware.Outputs(0b0101010), hardware.Outputs(0b1010101)
	s.write(one)
	var sides sync.WaitGroup
	for n := range 4 {
		sides.Go(func() {
			for i := range 50 {
				if (i+n)%2 == 0 {
					_ = s.board.Write(one)
				} else {
					_ = s.board.Write(other)
				}
				if l, err := s.board.Read(); err != nil || (l.Outputs != one && l.Outputs != other) {
					s.Errorf("read between two writes: %07b, %v", l.Outputs, err)
				}
			}
		})
	}
	sides.Wait()
	s.write(other)
	if got := s.lines(); got != other {
		s.Errorf("on the lines at the end: %07b", got)
	}
}
