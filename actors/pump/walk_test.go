package pump

import (
	"math/rand/v2"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// The exploration has small times; here the times are any that config.toml allows, the walk is
// random, and the same watcher judges. Time passes to the nanosecond, in time and late.
func TestEveryInvariantHoldsOnRandomWalksWithAnyConfiguration(t *testing.T) {
	walks := 400
	if underRace {
		walks = 20
	}
	var seen phases
	for seed := range walks {
		r := dice{rand.New(rand.NewPCG(uint64(seed), 1))}
		c := anyTiming(r)
		fitted := func() protocol.Sensor {
			if r.IntN(3) == 0 {
				return protocol.Inactive
			}
			return protocol.NotFitted
		}
		m := Machine{At: zero, TriggerAge: c.FireOffDelay, Inputs: protocol.Inputs{
			ReservoirFloat: fitted(), LinePressure: fitted(), Flow: fitted(),
			StopButton: fitted(), EmergencyButton: fitted(), EngineRunning: fitted(),
		}}
		var w watcher
		for range 400 {
			var wrong []string
			was := m
			if m, w, wrong = walk(r, c, m, w); len(wrong) > 0 {
				t.Fatalf("seed %d: %v\n from %+v\n to   %+v\n with %+v", seed, wrong, was, m, c)
			}
			seen |= 1 << m.Phase
		}
	}
	if missing := anyPhase &^ seen; missing != 0 && !underRace {
		t.Errorf("the walks never came to these phases: %b", missing)
	}
}

// dice are random numbers from a seed that a failure names.
type dice struct{ *rand.Rand }

// between is often an end of its range, where mistakes live.
func (r dice) between(lo, hi time.Duration) time.Duration {
	switch r.IntN(6) {
	case 0:
		return lo
	case 1:
		return hi
	case 2:
		return lo + (hi-lo)/64
	}
	return lo + time.Duration(r.Int64N(int64(hi-lo)+1))
}

func anyTiming(r dice) Timing {
	c := Timing{Config: Config{
		PreOpenDelay: r.between(s/2, 60*s), IgnitionStart: r.between(s/2, 30*s),
		CrankAttempts: 1 + r.IntN(12), CrankRest: r.between(s, 60*s),
		PrimingDuration: r.between(0, 600*s), PressureCheckDelay: r.between(0, 600*s),
		FireOffDelay: r.between(60*s, 7200*s), MaxEngineRuntime: r.between(60*s, 4*time.Hour),
		RPMReductionDuration: r.between(0, 60*s), IgnitionOff: r.between(s, 60*s),
		ValveCloseDelay: r.between(0, 3600*s), RefillMultiplier: 200 * r.Float64() * float64(r.IntN(2)),
		CooldownDuration: r.between(0, 3600*s), MaxDryRunTime: r.between(30*s, 3600*s),
		FireInLockout: []string{"refuse", "start"}[r.IntN(2)],
	}, VerifyTimeout: r.between(s/10, 60*s), VerifyGrace: r.between(0, 30*s),
		TakeLimit: takeLimit(r.between(s/2, 30*s)), EndWait: endWait}
	c.RPMReductionLead = r.between(0, c.MaxEngineRuntime-1)
	return c
}

// walk makes one move and has the lines answer it, most of the time.
func walk(r dice, c Timing, m Machine, w watcher) (Machine, watcher, []string) {
	in, pass := r.move(m)
	next, out := Step(c, m, in, m.At.Add(pass))
	w, wrong := w.after(c, m, next, in, pass, out)
	if in.Lines != nil || r.IntN(8) == 0 {
		return next, w, wrong
	}
	was := next
	right := Input{Lines: &Lines{Verified: was.Outputs()}}
	next, out = Step(c, was, right, was.At)
	w, more := w.after(c, was, next, right, 0, out)
	return next, w, append(wrong, more...)
}

func (r dice) move(m Machine) (in Input, pass time.Duration) {
	switch k := r.IntN(100); {
	case k < 4:
		in.Ask = Ask(1 + r.IntN(int(AskReset)))
	case k < 8:
		in.Ask = AskReset
	case k < 25:
		in.Ask = AskTrigger
	case k < 40:
		inputs := m.Inputs
		all := sensors(&inputs)
		if one := all[r.IntN(len(all))]; one.Fitted() {
			*one = protocol.Sensor(1 + r.IntN(3))
		}
		in.Inputs = &inputs
	case k < 42:
		bad := protocol.SetOf(protocol.Line(r.IntN(int(protocol.NumLines))))
		l := Lines{Verified: m.Outputs() &^ bad}
		if r.IntN(2) == 0 {
			l.Failed = bad
		}
		in.Lines = &l
	case k < 50:
		pass = r.between(0, 600*s)
	default: // to the next deadline, now and then a little late
		if until := m.Until(); !until.IsZero() {
			pass = until.Sub(m.At) + time.Duration(r.IntN(10)/9)
		}
	}
	return in, pass
}

// Step must settle: no input may leave rules that fire for ever.
func TestAStepSettlesInAFewRules(t *testing.T) {
	for seed := range 200 {
		r := dice{rand.New(rand.NewPCG(uint64(seed), 2))}
		c, m, most := anyTiming(r), Machine{At: zero}, 0
		for range 200 {
			in, pass := r.move(m)
			n := 0
			m, _ = stepWith(c, m, in, m.At.Add(pass), func(int) { n++ })
			m, _ = stepWith(c, m, Input{Lines: &Lines{Verified: m.Outputs()}}, m.At, func(int) { n++ })
			most = max(most, n)
		}
		if most > settleLimit/2 {
			t.Fatalf("seed %d: %d rules in one step with %+v", seed, most, c)
		}
	}
}

// What a trigger costs the machine: from the message to the outputs that open the main valve.
func BenchmarkTriggerToOutputs(b *testing.B) {
	c := defaults()
	b.ReportAllocs()
	for b.Loop() {
		m, _ := Step(c, Machine{At: zero, TriggerAge: c.FireOffDelay}, Input{Ask: AskTrigger}, zero)
		if m.Outputs()&mainValve == 0 {
			b.Fatal("the main valve is shut")
		}
	}
}
