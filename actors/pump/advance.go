package pump

import "time"

// advance lets the time since the last step pass: what runs down runs down, what adds up adds up,
// under the outputs and sensors that held during it.
func (s *step) advance(now time.Time) {
	dt := now.Sub(s.At)
	if s.At.IsZero() || dt < 0 { // the first step; monotonic time never runs back
		dt = 0
	}
	if s.At.Before(now) {
		s.At = now
	}
	if dt == 0 {
		return
	}
	s.age(dt)
	s.work(dt)
	s.suspect(dt)
	old := s.Outputs()
	s.Left = max(0, s.Left-(dt-s.wait(dt)))
	s.ValveLeft = max(0, s.ValveLeft-dt)
	s.recommanded(old ^ s.Outputs())
}

// wait is how much of dt a stop pulse has waited for its report, and did not run down.
func (s *step) wait(dt time.Duration) time.Duration {
	limit := s.c.TakeLimit
	switch {
	case !s.undelivered():
		return 0
	case s.Ending:
		limit = s.c.EndWait
		dt = min(dt, limit-s.Waited)
	}
	s.Waited = min(s.Waited+dt, limit)
	return dt
}

// age makes what is remembered older.
func (s *step) age(dt time.Duration) {
	s.TriggerAge = min(s.c.FireOffDelay, s.TriggerAge+dt)
	if s.Remembered {
		s.RememberedAge += dt
		if s.RememberedAge >= s.c.FireOffDelay {
			s.Remembered, s.RememberedAge = false, 0
		}
	}
}

// work counts what was done: engine time, refill, priming (SPEC P4, P5).
func (s *step) work(dt time.Duration) {
	if powered.has(s.Phase) {
		s.Engine += dt
		s.EngineMark += dt
		s.TotalEngine += dt
	}
	if s.Outputs()&refill != 0 && s.Locked() {
		s.RefillOwed = max(0, s.RefillOwed-dt)
		s.RefillFor = min(2*s.RefillTotal, s.RefillFor+dt)
		s.RefillMark += dt
	}
	if s.Phase == RunPriming || s.Phase == SlowPriming {
		s.PrimeLeft = max(0, s.PrimeLeft-dt)
	}
	if s.Phase == Refill && s.FullFor < floatSteady && s.full() {
		s.FullFor = min(floatSteady, s.FullFor+dt)
	}
}

// suspect adds to what is held against the water, the engine and the main valve. Presence alone
// takes it back, in watch (SPEC P9).
func (s *step) suspect(dt time.Duration) {
	if past.has(s.Phase) {
		checked := max(0, s.PrimedFor+dt-s.c.PressureCheckDelay) // of dt, this lies past the check
		s.PrimedFor = min(s.c.PressureCheckDelay, s.PrimedFor+dt)
		if s.pressureMissing() {
			s.LowFor = min(s.c.PressureCheckDelay, s.LowFor+min(dt, checked))
		}
		if s.guarded() && !s.flowing() {
			s.DryFor = min(s.c.MaxDryRunTime, s.DryFor+dt)
		}
	}
	if s.lost() {
		s.LostFor = min(feedbackLost, s.LostFor+dt)
	}
	if s.unproven() {
		s.NothingFor = min(s.c.PressureCheckDelay, s.NothingFor+dt)
	}
	if s.mainWrong() && !s.unheard() {
		s.WrongFor = min(max(s.c.VerifyTimeout, s.c.VerifyGrace), s.WrongFor+dt)
	}
}

// mainLimit is how long the main valve may read wrong (SPEC P1).
func (s *step) mainLimit() time.Duration {
	if s.MainSeen {
		return s.c.VerifyGrace
	}
	return s.c.VerifyTimeout
}

// deadlines names all that is due by itself, with the time until then. What is not positive waits
// for something else than time.
func (s *step) deadlines(add func(name string, in time.Duration)) {
	switch {
	case !s.undelivered():
		add(rows[s.Phase].name, s.Left)
	case s.Ending:
		add(rows[s.Phase].name, s.c.EndWait-s.Waited+s.Left)
	case notFault.has(s.Phase):
		add("stop pulse on its way", s.c.TakeLimit-s.Waited)
	}
	add("valve open", s.ValveLeft)
	if s.Phase == RunPriming || s.Phase == SlowPriming {
		add("priming", s.PrimeLeft)
	}
	if powered.has(s.Phase) {
		add("max engine runtime", s.c.MaxEngineRuntime-s.Engine)
		add("checkpoint", engineInterval-s.EngineMark)
	}
	if running.has(s.Phase) {
		add("rpm reduction", s.c.MaxEngineRuntime-s.c.RPMReductionLead-s.Engine)
		add("fire off", s.c.FireOffDelay-s.TriggerAge)
	}
	if past.has(s.Phase) && s.pressureMissing() {
		add("low pressure", 2*s.c.PressureCheckDelay-s.PrimedFor-s.LowFor)
	}
	if past.has(s.Phase) && s.guarded() && !s.flowing() {
		add("dry run", s.c.MaxDryRunTime-s.DryFor)
	}
	if s.lost() {
		add("engine lost", feedbackLost-s.LostFor)
	}
	if s.unproven() {
		add("engine unproven", s.c.PressureCheckDelay-s.NothingFor)
	}
	if s.mainWrong() && !s.unheard() && notFault.has(s.Phase) {
		add("main valve", s.mainLimit()-s.WrongFor)
	}
	if s.Outputs()&refill != 0 && s.Locked() {
		add("checkpoint", refillInterval-s.RefillMark)
		add("refill", s.refillLeft())
	}
	if s.Phase == Refill && s.full() {
		add("tank full", floatSteady-s.FullFor)
	}
	if s.Remembered {
		add("trigger remembered", s.c.FireOffDelay-s.RememberedAge)
	}
}

// refillLeft is how much longer the refill valve stays open if no sensor says otherwise.
func (s *step) refillLeft() time.Duration {
	if s.prolonged() {
		return 2*s.RefillTotal - s.RefillFor
	}
	return s.RefillOwed
}

// due is the next instant at which something happens by itself; zero: never.
func (s *step) due() time.Time {
	next := time.Duration(-1)
	s.deadlines(func(_ string, in time.Duration) {
		if in > 0 && (next < 0 || in < next) {
			next = in
		}
	})
	if next < 0 {
		return time.Time{}
	}
	return s.At.Add(next)
}
