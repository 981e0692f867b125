package simulator

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/hardware"
)

const (
	main     = hardware.Outputs(1 << hardware.MainValve)
	start    = hardware.Outputs(1 << hardware.IgnitionStart)
	on       = hardware.Outputs(1 << hardware.IgnitionOn)
	off      = hardware.Outputs(1 << hardware.IgnitionOff)
	refill   = hardware.Outputs(1 << hardware.RefillValve)
	priming  = hardware.Outputs(1 << hardware.PrimingValve)
	shipped  = 5 * time.Second // ignition_start_duration
	tankTime = 37*time.Minute + 30*time.Second
)

// wired has every input fitted, on the lines 0 to 5, without debounce.
func wired() hardware.Wiring {
	w := hardware.Wiring{Outputs: [hardware.NumOutputs]int{18, 23, 24, 25, 22, 26, 27}}
	for i := range w.Feedbacks {
		w.Feedbacks[i] = -1
	}
	for i := range w.Inputs {
		w.Inputs[i] = i
	}
	return w
}

func settings() Settings {
	return Settings{Wiring: wired(), CatchAfter: 2 * time.Second, Times: Times{
		Run: 30 * time.Minute, Priming: 3 * time.Minute, Check: time.Minute,
		StopWait: 5 * time.Second, Verify: 5 * time.Second, Refill: 40}}
}

// plantBench runs a test on a plant in virtual time.
func plantBench(t *testing.T, s Settings, test func(p *plantRig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		test(&plantRig{t, b})
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

type plantRig struct {
	*testing.T
	board *Simulator
}

// put writes outputs and lets time pass.
func (p *plantRig) put(o hardware.Outputs, d time.Duration) {
	p.Helper()
	if err := p.board.Write(o); err != nil {
		p.Fatal(err)
	}
	time.Sleep(d)
}

func (p *plantRig) want(in hardware.Input, active bool) {
	p.Helper()
	l, err := p.board.Read()
	if err != nil || l.Inputs[in] != active {
		p.Errorf("%s is %v, want %v (%v): %+v", hardware.InputNames[in], l.Inputs[in], active, err, p.board.Plant())
	}
}

// run cranks and leaves the engine running with valves as in RUNNING.
func (p *plantRig) run() {
	p.put(main, time.Second)
	p.put(main|refill|priming, 2*time.Second)
	p.put(main|refill|priming|start, shipped)
	p.put(main|refill|priming|on, 0)
}

func TestTheEngineCatchesAfterCrankingAndRunsWhileIgnitionIsOn(t *testing.T) {
	plantBench(t, settings(), func(p *plantRig) {
		p.put(main|start, 1999*time.Millisecond)
		p.want(hardware.EngineRunning, false)
		p.put(main|start, 2*time.Millisecond)
		p.want(hardware.EngineRunning, true)
		p.put(main|on, time.Minute)
		p.want(hardware.EngineRunning, true)
		p.put(main, 200*time.Millisecond)
		p.put(main|on, time.Second)
		p.want(hardware.EngineRunning, true) // the flywheel bore the gap
		p.put(main, 300*time.Millisecond)
		if p.board.Plant().Running {
			p.Error("it runs on without ignition")
		}
		p.want(hardware.EngineRunning, true) // spinning down
		p.put(main, time.Second)
		p.want(hardware.EngineRunning, false)
	})
}

func TestAnEngineThatHasNotCaughtDiesWithTheCrank(t *testing.T) {
	plantBench(t, settings(), func(p *plantRig) {
		p.put(main|start, time.Second)
		p.put(main|on, time.Minute)
		p.want(hardware.EngineRunning, false)
	})
}

func TestSeveralCranksAddUpUntilItCatches(t *testing.T) {
	s := settings()
	s.CatchAfter = 12 * time.Second
	plantBench(t, s, func(p *plantRig) {
		for range 2 {
			p.put(main|start, shipped)
			p.want(hardware.EngineRunning, false)
			p.put(main, 15*time.Second)
		}
		p.put(main|start, 2001*time.Millisecond)
		p.want(hardware.EngineRunning, true)
	})
}

func TestAnEngineThatNeverCatchesCranksForEver(t *testing.T) {
	s := settings()
	s.NeverCatch = true
	plantBench(t, s, func(p *plantRig) {
		p.put(main|start, time.Hour)
		p.want(hardware.EngineRunning, false)
	})
}

func TestTheStopPulseKillsAnEngineWhoseIgnitionSticksOn(t *testing.T) {
	plantBench(t, settings(), func(p *plantRig) {
		p.run()
		p.board.StickOutput(hardware.IgnitionOn, true)
		p.put(main, time.Second)
		p.want(hardware.EngineRunning, true)
		p.put(main|off, time.Second)
		p.want(hardware.EngineRunning, false)
		p.put(main, time.Minute)
		p.want(hardware.EngineRunning, false)
	})
}

func TestFlowAndPressureFollowThePrimedPumpWithALag(t *testing.T) {
	plantBench(t, settings(), func(p *plantRig) {
		p.run()
		p.want(hardware.Flow, false)
		time.Sleep(24 * time.Second) // primed 30 s after catching, which was 3 s before
		p.want(hardware.Flow, false)
		time.Sleep(8 * time.Second)
		p.want(hardware.Flow, true)
		p.want(hardware.LinePressure, true)
		p.put(main|refill|on, 10*time.Second) // priming valve closed: it stays primed
		p.want(hardware.Flow, true)
		p.put(refill|on, 10*time.Second) // main valve closed
		p.want(hardware.Flow, false)
		p.want(hardware.LinePressure, false)
	})
}

func TestWithoutItsPrimingValveThePumpDrawsLater(t *testing.T) {
	plantBench(t, settings(), func(p *plantRig) {
		p.put(main|start, shipped)
		p.put(main|on, 50*time.Second)
		p.want(hardware.Flow, false)
		time.Sleep(20 * time.Second)
		p.want(hardware.Flow, true)
	})
}

func TestTheTankOutlastsTheLongestRunAndFillsWithinTheComputedRefill(t *testing.T) {
	plantBench(t, settings(), func(p *plantRig) {
		p.want(hardware.ReservoirFloat, true)
		p.run()
		time.Sleep(30 * time.Minute)
		p.want(hardware.Flow, true)
		p.want(hardware.ReservoirFloat, false)
		p.put(main|refill|off, 5*time.Second)
		p.put(refill, 15*time.Hour)
		p.want(hardware.ReservoirFloat, false)
		time.Sleep(5*time.Hour - 10*time.Second)
		p.want(hardware.ReservoirFloat, true)
		if p.board.Armed() {
			p.Error("nothing moves, and a timer stands")
		}
	})
}

func TestATankWithoutRefillRunsDryAndTheFlowEnds(t *testing.T) {
	plantBench(t, settings(), func(p *plantRig) {
		p.put(main|priming|start, shipped)
		p.put(main|on, tankTime)
		p.want(hardware.Flow, true)
		time.Sleep(2 * time.Minute)
		p.want(hardware.Flow, false)
		p.want(hardware.LinePressure, false)
		if plant := p.board.Plant(); !plant.Dry || plant.Water != 0 {
			p.Errorf("%+v", plant)
		}
	})
}

func TestShortDurationsMeetAQuickPlant(t *testing.T) {
	s := settings()
	s.CatchAfter = 40 * time.Millisecond
	s.Times = Times{Run: 2 * time.Second, Priming: 200 * time.Millisecond, Check: 100 * time.Millisecond,
		StopWait: 50 * time.Millisecond, Verify: 100 * time.Millisecond, Refill: 2}
	plantBench(t, s, func(p *plantRig) {
		p.put(main|refill|priming|start, 100*time.Millisecond)
		p.put(main|refill|priming|on, 200*time.Millisecond)
		p.want(hardware.Flow, true)
		p.want(hardware.LinePressure, true)
		time.Sleep(1700 * time.Millisecond)
		p.want(hardware.Flow, true)
		p.want(hardware.ReservoirFloat, false)
		p.put(main|off, 50*time.Millisecond)
		p.want(hardware.EngineRunning, false)
		p.put(refill, 4*time.Second)
		p.want(hardware.ReservoirFloat, true)
	})
}

func TestAFeedbackFollowsItsLineAfterAMoment(t *testing.T) {
	s := settings()
	s.Wiring.Feedbacks[hardware.MainValve] = 10
	s.Wiring.FeedbackActiveLow[hardware.MainValve] = true
	plantBench(t, s, func(p *plantRig) {
		read := func() bool {
			l, err := p.board.Read()
			if err != nil {
				p.Fatal(err)
			}
			return l.Outputs.Has(hardware.MainValve)
		}
		p.put(main, 49*time.Millisecond)
		if read() {
			p.Error("open at once")
		}
		time.Sleep(2 * time.Millisecond)
		if !read() {
			p.Error("not open after 50 ms")
		}
		p.board.SetFeedback(hardware.MainValve, false)
		if read() {
			p.Error("the hand does not win")
		}
		p.board.FollowLine(hardware.MainValve)
		if !read() {
			p.Error("the line does not come back")
		}
	})
}

// Looking at a plant must not change it: whoever looks often and whoever looks once see the same.
func TestAPlantIsTheSameHoweverOftenItIsLookedAt(t *testing.T) {
	f := figuresOf(settings())
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		once, often := f.rest(time.Unix(0, 0)), f.rest(time.Unix(0, 0))
		for range 12 {
			pins := hardware.Outputs(r.IntN(1 << hardware.NumOutputs))
			was := once
			once, often = f.drive(once, pins, once.At), f.drive(often, pins, often.At)
			end := once.At.Add(time.Duration(r.Int64N(int64(20 * time.Minute))))
			once = f.advance(once, end)
			for often.At.Before(end) {
				next := often.At.Add(time.Duration(1 + r.Int64N(int64(time.Minute))))
				if next.After(end) {
					next = end
				}
				often = f.advance(often, next)
			}
			if d := once.Water - often.Water; d > 1e-6 || d < -1e-6 {
				t.Fatalf("seed %d: water %v and %v\nfrom %+v %07b\n%+v\n%+v", seed, once.Water, often.Water, was, pins, once, often)
			}
			if once.Running != often.Running || once.Flow != often.Flow || once.Full != often.Full ||
				once.Pressure != often.Pressure || once.Turning != often.Turning || once.Dry != often.Dry {
				t.Fatalf("seed %d: %+v\nand %+v", seed, once, often)
			}
		}
	}
}

func TestTwentyHoursOfRestCostNoTimer(t *testing.T) {
	plantBench(t, settings(), func(p *plantRig) {
		p.board.Watch(func(hardware.Levels) { p.Error("told of nothing") })
		if p.board.Armed() {
			p.Error("a timer stands at rest")
		}
		time.Sleep(20 * time.Hour)
		p.put(0, 0)
		if p.board.Armed() {
			p.Error("a timer stands after a write that changes nothing")
		}
	})
}

func TestTheWatcherHearsTheRefillEndByItself(t *testing.T) {
	s := settings()
	s.Wiring.Debounce = 50 * time.Millisecond
	plantBench(t, s, func(p *plantRig) {
		full := make(chan time.Time, 1)
		p.run()
		time.Sleep(5 * time.Minute)
		p.put(refill, 0)
		p.board.Watch(func(l hardware.Levels) {
			if l.Inputs[hardware.ReservoirFloat] {
				full <- l.At
			}
		})
		begun := time.Now()
		if took := (<-full).Sub(begun); took < 100*time.Minute || took > 200*time.Minute {
			p.Errorf("full after %v", took)
		}
	})
}
