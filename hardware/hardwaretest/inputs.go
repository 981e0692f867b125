package hardwaretest

import (
	"time"

	"wildfire-watch/hardware"
)

func (s *session) inputs() {
	for i := range hardware.NumInputs {
		for _, active := range []bool{false, true, false} {
			s.rig.Drive(s.w.Inputs[i], active != s.w.InputActiveLow[i])
			s.rig.Wait(3 * debounce)
			if l := s.read(); !l.Fitted[i] || l.Inputs[i] != active {
				s.Errorf("%s driven %v: fitted %v, read %v", hardware.InputNames[i], active,
					l.Fitted[i], l.Inputs[i])
			}
		}
	}
}

func (s *session) unfitted() {
	l := s.read()
	for i := range hardware.NumInputs {
		if l.Fitted[i] != (i == hardware.StopButton) {
			s.Errorf("%s: fitted %v", hardware.InputNames[i], l.Fitted[i])
		}
	}
}

// rested drives every input low, has an ear listen, and returns it.
func (s *session) rested() *Ear {
	for _, line := range s.w.Inputs {
		s.rig.Drive(line, false)
	}
	s.rig.Wait(3 * debounce)
	l := &Ear{}
	s.board.Watch(l.Hear)
	s.rig.Wait(3 * debounce)
	return l
}

func (s *session) shortPulse() {
	l := s.rested()
	line := s.w.Inputs[hardware.StopButton]
	for range 20 {
		begun := time.Now()
		s.rig.Drive(line, true)
		<-time.After(debounce / 10)
		s.rig.Drive(line, false)
		took := time.Since(begun)
		s.rig.Wait(3 * debounce)
		if took >= debounce { // the machine stood still meanwhile, and the pulse was a long one
			l.Forget()
			continue
		}
		if got := l.Heard(); len(got) != 0 {
			s.Errorf("a pulse of %v at most is told %d times: %+v", took, len(got), got)
		}
		if s.read().Inputs[hardware.StopButton] {
			s.Error("the pulse is read")
		}
		return
	}
	s.Errorf("this machine stands still too often to make a pulse shorter than %v", debounce)
}

func (s *session) told() {
	l := s.rested()
	for n, high := range []bool{true, false} {
		s.rig.Drive(s.w.Inputs[hardware.StopButton], high)
		s.rig.Wait(3 * debounce)
		got := l.Heard()
		if len(got) != n+1 {
			s.Fatalf("told %d times after %d changes: %+v", len(got), n+1, got)
		}
		if got[n].Inputs[hardware.StopButton] != high {
			s.Errorf("driven %v, told %+v", high, got[n])
		}
	}
}

func (s *session) feedbackTold() {
	line := s.w.Feedbacks[hardware.MainValve]
	s.rig.Drive(line, false)
	l := s.rested()
	s.rig.Drive(line, true)
	s.rig.Wait(3 * debounce)
	if got := l.Heard(); len(got) != 1 || !got[0].Outputs.Has(hardware.MainValve) {
		s.Errorf("told %+v", got)
	}
}
