package gpiocdev

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/hardware/hardwaretest"
)

const (
	valve = hardware.Outputs(1 << hardware.MainValve)
	on    = hardware.Outputs(1 << hardware.IgnitionOn)
	off   = hardware.Outputs(1 << hardware.IgnitionOff)
)

// rig is the far end of a fake chip's wires.
type rig struct {
	*fakeChip
	t *testing.T
}

func (r rig) Drive(line int, high bool)      { r.drive(line, high) }
func (r rig) Changes() []hardwaretest.Change { return nil } // the kernel suite sees them
func (r rig) Wait(d time.Duration)           { time.Sleep(d); synctest.Wait() }

func (r rig) Level(line int) (high bool) {
	r.with(func() { high = r.levels[line] })
	return high
}

// TestTheBoardKeepsItsContractWhereTheKernelRefusesDebounceOrEdges: what is done here in their place
// must look the same. Where the kernel does both, the suite on a real kernel has the word.
func TestTheBoardKeepsItsContractWhereTheKernelRefusesDebounceOrEdges(t *testing.T) {
	for name, refuses := range map[string]func(wish) error{"debounce": noDebounce, "edges": noEdges} {
		t.Run(name, func(t *testing.T) {
			hardwaretest.Run(t, hardwaretest.Bench{Within: synctest.Test,
				Open: func(t *testing.T, w hardware.Wiring) (hardware.Board, hardwaretest.Rig) {
					b, c, _ := opened(t, func(c *fakeChip, s *Settings) { c.refuses, s.Wiring = refuses, w })
					return b, rig{c, t}
				}})
		})
	}
}

func noDebounce(w wish) error {
	if w.debounce > 0 {
		return syscall.EINVAL
	}
	return nil
}

func noEdges(w wish) error {
	if w.edges != nil {
		return syscall.ENXIO
	}
	return nil
}

func TestAllOutputsAreAskedForAtOnceAtTheirFirstLevelAfterTheInputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, said := opened(t, func(_ *fakeChip, s *Settings) {
			s.Initial = valve | off
			s.Wiring.OutputActiveLow[hardware.IgnitionOn] = true
			s.Wiring.OutputBias[hardware.RPMReduce] = hardware.PullDown
			s.Wiring.Feedbacks[hardware.MainValve] = 20
			s.Wiring.FeedbackBias[hardware.MainValve] = hardware.PullUp
			s.Wiring.InputActiveLow[hardware.StopButton] = true
			s.Wiring.Debounce = time.Millisecond
		})
		if len(c.wishes) != 2 || len(c.written) != 0 || len(*said) != 0 {
			t.Fatalf("%d requests, %d writes, said %q", len(c.wishes), len(c.written), *said)
		}
		in, out := c.wishes[0], c.wishes[1]
		if !out.output || !slices.Equal(out.lines, []int{0, 1, 2, 3, 4, 5, 6}) || out.consumer != "wildfire-watch" ||
			!slices.Equal(out.levels, []int{1, 0, 0, 1, 0, 0, 0}) || !out.activeLow[2] || out.activeLow[1] ||
			out.bias[6] != hardware.PullDown || out.bias[5] != hardware.AsIs {
			t.Errorf("outputs: %+v", out)
		}
		if in.output || !slices.Equal(in.lines, []int{20, 8, 9, 10, 11, 12, 13}) || in.edges == nil ||
			in.debounce != time.Millisecond || in.bias[0] != hardware.PullUp || !in.activeLow[5] || in.activeLow[4] {
			t.Errorf("inputs: %+v", in)
		}
	})
}

func TestTheGuardAsksForNoInputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c, _ := opened(t, func(_ *fakeChip, s *Settings) {
			s.OutputsOnly, s.Initial, s.Consumer = true, valve|off, "wildfire-watch guard"
			s.Wiring.Feedbacks[hardware.MainValve] = 20
		})
		if len(c.wishes) != 1 || c.wishes[0].consumer != "wildfire-watch guard" {
			t.Errorf("requests: %+v", c.wishes)
		}
		if l, err := b.Read(); err != nil || l.Outputs != valve|off || l.Fitted != [hardware.NumInputs]bool{} {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

func TestALineThatIsHeldNamesItsHolder(t *testing.T) {
	for _, x := range []struct {
		holder string
		line   int
		want   string
	}{
		{"wildfire-watch", 3, `request line 3 of gpiochip0 [pinctrl-rp1] for gpio.ignition_off: it is held by ` +
			`"wildfire-watch": another wildfire-watch is running, or its guard is still stopping the engine`},
		{"wildfire-watch guard", 0, `request line 0 of gpiochip0 [pinctrl-rp1] for gpio.main_valve: it is held by ` +
			`"wildfire-watch guard": another wildfire-watch is running, or its guard is still stopping the engine`},
		{"ACT", 12, `request line 12 of gpiochip0 [pinctrl-rp1] for gpio.stop_button: it is held by "ACT": end it, or ` +
			`set gpio.stop_button to another line`},
		{"kernel", 5, `request line 5 of gpiochip0 [pinctrl-rp1] for gpio.priming_valve: it is held by the kernel: free ` +
			`it in the device tree or the boot settings, or set gpio.priming_valve to another line`},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := chipOf("gpiochip0", "pinctrl-rp1", 32)
			c.held[x.line] = x.holder
			began := time.Now()
			_, err := open(kernelOf(c), Settings{Wiring: wired()})
			if err == nil || err.Error() != x.want || !errors.Is(err, ErrBusy) {
				t.Errorf("got  %v\nwant %s", err, x.want)
			}
			if len(c.live) != 0 || len(c.written) != 0 {
				t.Errorf("%d requests are left, %d writes", len(c.live), len(c.written))
			}
			if waited := time.Since(began); waited > 2*busyFor {
				t.Errorf("it took %v", waited)
			}
		})
	}
}

func TestALineThatIsHeldForAMomentIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := chipOf("gpiochip0", "pinctrl-rp1", 32)
		k := kernelOf(c)
		c.held[3] = PeekConsumer
		time.AfterFunc(5*time.Millisecond, func() { c.with(func() { c.held[3] = "" }) })
		b, err := open(k, Settings{Wiring: wired()})
		if err != nil {
			t.Fatal(err)
		}
		_ = b.Close()
	})
}

func TestARequestThatIsRefusedLeavesNoLineTaken(t *testing.T) {
	for _, x := range []struct {
		err  error
		want string
	}{
		{syscall.EPERM, "request lines 0, 1, 2, 3, 4, 5, 6 of gpiochip0 [pinctrl-rp1]: operation not permitted"},
		{syscall.EIO, "request lines 0, 1, 2, 3, 4, 5, 6 of gpiochip0 [pinctrl-rp1]: input/output error"},
		{syscall.EBUSY, "request lines 0, 1, 2, 3, 4, 5, 6 of gpiochip0 [pinctrl-rp1]: one was held by somebody a " +
			"moment ago: try again"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := chipOf("gpiochip0", "pinctrl-rp1", 32)
			c.refuses = func(w wish) error {
				if w.output {
					return x.err
				}
				return nil
			}
			_, err := open(kernelOf(c), Settings{Wiring: wired()})
			if err == nil || err.Error() != x.want || errors.Is(err, ErrPermission) != (x.err == syscall.EPERM) {
				t.Errorf("%v", err)
			}
			if len(c.live) != 0 {
				t.Errorf("%d requests are left", len(c.live))
			}
		})
	}
}

// gather collects what a board tells; read it after synctest.Wait.
func gather(b *Board) *[]hardware.Levels {
	told := &[]hardware.Levels{}
	b.Watch(func(l hardware.Levels) { *told = append(*told, l) })
	return told
}

func TestAMissedEdgeHealsWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c, _ := opened(t, nil)
		told := gather(b)
		c.with(func() { c.levels[12] = true }) // and no edge
		time.Sleep(readEvery)
		synctest.Wait()
		if len(*told) != 1 || !(*told)[0].Inputs[hardware.StopButton] {
			t.Errorf("told %+v", *told)
		}
	})
}

func TestAChipWithEdgesIsAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, _ := opened(t, nil)
		synctest.Wait()
		var before, after int
		c.with(func() { before = c.reads })
		time.Sleep(10 * readEvery)
		synctest.Wait()
		c.with(func() { after = c.reads })
		if n := after - before; n > 2*11 {
			t.Errorf("%d readings in %v", n, 10*readEvery)
		}
	})
}

func TestWhatTheKernelRefusesIsDoneHereAndSaid(t *testing.T) {
	for _, x := range []struct {
		name     string
		debounce time.Duration
		refuses  func(wish) error
		said     []string
	}{
		{"debounce", 50 * time.Millisecond, noDebounce,
			[]string{"debounce the inputs of gpiochip0 [pinctrl-rp1]: the kernel refuses to: it is done here"}},
		{"edges", 50 * time.Millisecond, noEdges,
			[]string{"debounce the inputs of gpiochip0 [pinctrl-rp1]: the kernel refuses to: it is done here",
				"watch the inputs of gpiochip0 [pinctrl-rp1]: the chip tells of no edges: they are read every 12.5ms"}},
		{"edges, nothing to debounce", 0, noEdges,
			[]string{"watch the inputs of gpiochip0 [pinctrl-rp1]: the chip tells of no edges: they are read every 5ms"}},
		{"nothing", 50 * time.Millisecond, func(wish) error { return nil }, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, c, said := opened(t, func(c *fakeChip, s *Settings) {
				c.refuses, s.Wiring.Debounce = x.refuses, x.debounce
			})
			told := gather(b)
			c.drive(12, true)
			time.Sleep(x.debounce + slowest)
			synctest.Wait()
			if len(*told) != 1 || !slices.Equal(*said, x.said) {
				t.Errorf("%s: told %d times, said %q", x.name, len(*told), *said)
			}
		})
	}
}

func TestAChipThatComesBackIsTakenInactive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c, said := opened(t, func(_ *fakeChip, s *Settings) { s.Initial = valve })
		told := gather(b)
		if err := b.Write(valve | on); err != nil {
			t.Fatal(err)
		}
		c.unplug()
		err := b.Write(valve | on)
		if !errors.Is(err, syscall.ENODEV) {
			t.Errorf("a write to nothing: %v", err)
		}
		for range 40 {
			time.Sleep(100 * time.Millisecond)
			if _, err = b.Read(); !errors.Is(err, errGone) {
				t.Fatalf("a read of nothing: %v", err)
			}
		}
		if want := "read lines: gpiochip0 [pinctrl-rp1]: its chip is gone; it is asked for again once a second"; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v", err)
		}
		c.plug()
		c.drive(12, true)
		time.Sleep(askEvery)
		synctest.Wait()
		last := c.wishes[len(c.wishes)-1]
		if len(c.wishes) != 4 || !last.output || slices.Contains(last.levels, 1) {
			t.Fatalf("%d requests, the last %+v", len(c.wishes), last)
		}
		if l, err := b.Read(); err != nil || l.Outputs != 0 {
			t.Errorf("back: %+v, %v", l, err)
		}
		if len(*told) != 1 || !(*told)[0].Inputs[hardware.StopButton] {
			t.Errorf("told %+v", *told)
		}
		if err := b.Write(valve); err != nil || !(rig{c, t}).Level(0) {
			t.Errorf("a write: %v", err)
		}
		if len(*said) != 2 || !strings.Contains((*said)[0], "is gone (write outputs of gpiochip0") ||
			(*said)[1] != "request the lines of gpiochip0 [pinctrl-rp1] anew: the chip is back, every output inactive" {
			t.Errorf("said %q", *said)
		}
	})
}

func TestAChipIsAskedForOnceASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c, _ := opened(t, nil)
		c.unplug()
		_, _ = b.Read()
		c.plug()
		asked := 0
		c.with(func() {
			c.refuses = func(wish) error { asked++; return syscall.EIO }
		})
		for range 100 {
			_ = b.Write(0)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if asked < 9 || asked > 11 {
			t.Errorf("asked %d times in 10 s", asked)
		}
	})
}

func TestAnotherChipInItsPlaceIsNotTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c, _ := opened(t, func(_ *fakeChip, s *Settings) { s.Chip = "gpiochip0" })
		c.unplug()
		_, _ = b.Read()
		other := chipOf("gpiochip0", "board controller", 32)
		other.kernel = c.kernel
		c.with(func() { c.kernel.all = append(c.kernel.all, other) })
		time.Sleep(3 * askEvery)
		_, _ = b.Read()
		time.Sleep(askEvery)
		err := b.Write(valve)
		if err == nil || !strings.HasSuffix(err.Error(),
			"there is gpiochip0 [board controller] now, another chip than gpiochip0 [pinctrl-rp1]: its lines are not touched") {
			t.Errorf("%v", err)
		}
		if len(other.wishes) != 0 {
			t.Errorf("requests: %+v", other.wishes)
		}
	})
}

func TestAChipThatComesBackUnderAnotherNumberIsKnownByItsLabelIfNoOtherHasIt(t *testing.T) {
	for _, twins := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			twin := chipOf("gpiochip5", "pinctrl-rp1", 32)
			b, c, _ := opened(t, func(c *fakeChip, s *Settings) {
				s.Chip = "gpiochip0"
				if twins {
					twin.kernel = c.kernel
					c.kernel.all = append(c.kernel.all, twin)
				}
			})
			c.unplug()
			_, _ = b.Read()
			c.with(func() { c.Name, c.Path = "gpiochip7", "/dev/gpiochip7" })
			if !twins {
				c.plug() // with twins the other one is all there is
			}
			time.Sleep(2 * askEvery)
			synctest.Wait()
			err := b.Write(valve)
			if back := err == nil; back == twins || len(twin.wishes) != 0 {
				t.Errorf("twins %v: %v; requests of the twin: %v", twins, err, twin.wishes)
			}
			if !twins && b.Describe() != "gpiochip7 [pinctrl-rp1]" {
				t.Errorf("it is now %s", b.Describe())
			}
		})
	}
}

func TestAPassingErrorCostsNoLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c, said := opened(t, nil)
		if err := b.Write(valve); err != nil {
			t.Fatal(err)
		}
		c.with(func() { c.breaks = syscall.EIO })
		err := b.Write(valve | on)
		if err == nil || err.Error() != "write outputs of gpiochip0 [pinctrl-rp1]: input/output error" {
			t.Errorf("%v", err)
		}
		time.Sleep(bearFor / 2)
		c.with(func() { c.breaks = nil })
		if err := b.Write(valve | on); err != nil || len(c.wishes) != 2 || len(*said) != 0 {
			t.Errorf("%v, %d requests, said %q", err, len(c.wishes), *said)
		}
		c.with(func() { c.breaks = syscall.EIO })
		_ = b.Write(valve)
		time.Sleep(bearFor)
		_ = b.Write(valve)
		c.with(func() { c.breaks = nil })
		time.Sleep(askEvery)
		synctest.Wait()
		if l, err := b.Read(); err != nil || l.Outputs != 0 || len(c.wishes) != 4 {
			t.Errorf("after a second of errors: %+v, %v, %d requests", l, err, len(c.wishes))
		}
	})
}

func TestALogThatBlocksHoldsNoLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := make(chan struct{})
		defer close(read)
		b, c, _ := opened(t, func(_ *fakeChip, s *Settings) { s.Log = func(string) { <-read } })
		for range 20 { // more than is kept for it
			c.unplug()
			_ = b.Write(valve)
			c.plug()
			time.Sleep(askEvery)
			if err := b.Write(valve); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if err := b.Close(); err != nil || time.Since(began) != lastWords {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestCloseSaysWhetherTheOutputsCouldBeSetInactive(t *testing.T) {
	for name, prepare := range map[string]func(*Board, *fakeChip){
		"gone before": func(b *Board, c *fakeChip) { c.unplug(); _, _ = b.Read() },
		"gone now":    func(_ *Board, c *fakeChip) { c.unplug() },
		"broken":      func(_ *Board, c *fakeChip) { c.with(func() { c.breaks = syscall.EIO }) },
	} {
		synctest.Test(t, func(t *testing.T) {
			b, c, _ := opened(t, nil)
			prepare(b, c)
			if err := b.Close(); err == nil || !strings.HasPrefix(err.Error(), "set the outputs of gpiochip0 [pinctrl-rp1] inactive: ") {
				t.Errorf("%s: %v", name, err)
			}
			if err := b.Close(); err != nil {
				t.Errorf("%s: again: %v", name, err)
			}
			if len(c.live) > 0 && !c.gone {
				t.Errorf("%s: %d requests are left", name, len(c.live))
			}
		})
	}
}

func TestADebouncerTakesALevelWhenItHasBeenSteady(t *testing.T) {
	const ms = time.Millisecond
	d := newDebouncer(50*ms, 2)
	now := time.Unix(1000, 0)
	at := func(after time.Duration, levels [2]int, edges uint64, want [2]int) {
		t.Helper()
		now = now.Add(after)
		d.sample(levels[:], edges, now)
		got := levels
		if d.steady(got[:]); got != want {
			t.Errorf("%v: %v, want %v", levels, got, want)
		}
	}
	at(0, [2]int{1, 0}, 0, [2]int{1, 0}) // as it begins
	at(10*ms, [2]int{0, 0}, 0, [2]int{1, 0})
	if wait := d.wait(now); wait != 50*ms {
		t.Errorf("waits %v", wait)
	}
	at(49*ms, [2]int{0, 1}, 0, [2]int{1, 0})
	at(1*ms, [2]int{0, 1}, 0, [2]int{0, 0})  // the first has been steady
	at(40*ms, [2]int{0, 1}, 2, [2]int{0, 0}) // the second has bounced and looks the same
	if wait := d.wait(now); wait != 50*ms {
		t.Errorf("after a bounce: waits %v", wait)
	}
	at(49*ms, [2]int{0, 1}, 0, [2]int{0, 0})
	at(1*ms, [2]int{0, 1}, 0, [2]int{0, 1})
	if wait := d.wait(now); wait != readEvery {
		t.Errorf("at rest: waits %v", wait)
	}
}
