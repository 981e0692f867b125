package pump

import "wildfire-watch/protocol"

// watch notes what the lines and sensors say now; advance adds the time for which they said it.
func (s *step) watch() {
	if s.Verified.Has(protocol.MainValve) {
		s.MainSeen = true
	}
	if !s.mainWrong() {
		s.WrongFor = 0
	}
	if s.flowing() {
		s.DryFor = 0
	}
	if s.Inputs.LinePressure == protocol.Active {
		s.LowFor = 0
	}
	if !s.lost() {
		s.LostFor = 0
	}
	if s.moving() {
		s.NothingFor = 0
		if turning.has(s.Phase) {
			s.Uncranked = false // water moves: the feedback told the truth
		}
	}
	if s.Phase != Refill || !s.full() {
		s.FullFor = 0
	}
}

// mainWrong: the main valve does not read as commanded. One that is to shut is wrong only when all
// attempts have failed: an end switch reports slowly.
func (s *step) mainWrong() bool {
	if s.Outputs().Has(protocol.MainValve) {
		return !s.mainOpen()
	}
	return s.Failed.Has(protocol.MainValve)
}

// mainOpen: commanded open and verified.
func (s *step) mainOpen() bool { return s.Verified.Has(protocol.MainValve) && !s.Lost }

// flowing: the sensor that guards against a dry run says that water moves. Unknown is not presence.
func (s *step) flowing() bool {
	if s.Inputs.Flow.Fitted() {
		return s.Inputs.Flow == protocol.Active
	}
	return s.Inputs.LinePressure == protocol.Active
}

// moving: some sensor says that water moves.
func (s *step) moving() bool {
	return s.Inputs.Flow == protocol.Active || s.Inputs.LinePressure == protocol.Active
}

// guarded: a sensor could tell a dry run.
func (s *step) guarded() bool { return s.Inputs.Flow.Fitted() || s.Inputs.LinePressure.Fitted() }

func (s *step) pressureMissing() bool {
	return s.Inputs.LinePressure.Fitted() && s.Inputs.LinePressure != protocol.Active
}

// prolonged: a float, not the time, says when the tank is full. Before the first report of the
// inputs there may be one.
func (s *step) prolonged() bool { return s.Deaf || s.Inputs.ReservoirFloat.Fitted() }

func (s *step) full() bool { return s.Inputs.ReservoirFloat == protocol.Active }

// feedback is what the engine says of itself; NotFitted if nothing can be known: no such input, not
// readable, or known to stick.
func (s *step) feedback() protocol.Sensor {
	if s.Stuck || s.Inputs.EngineRunning == protocol.Unknown {
		return protocol.NotFitted
	}
	return s.Inputs.EngineRunning
}

// turns: the engine says that it runs.
func (s *step) turns() bool { return s.feedback() == protocol.Active }

// lost: the engine should turn and says that it stands.
func (s *step) lost() bool { return turning.has(s.Phase) && s.feedback() == protocol.Inactive }

// unproven: an engine that was found running moves no water yet.
func (s *step) unproven() bool {
	return s.Uncranked && running.has(s.Phase) && s.guarded() && !s.moving()
}
