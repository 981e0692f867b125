//go:build kernel

package gpiocdev

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/hardware"
	"wildfire-watch/hardware/hardwaretest"
	"wildfire-watch/test/gear"
	"wildfire-watch/test/kernel/gpiosim"
)

// These run in the guest of test/kernel/run.sh, over simulated lines of a real kernel. The contract
// of a board is held in test/kernel/contract.

// role makes the test binary something else than a test, in a process of its own.
const role = "GPIOCDEV_TEST_ROLE"

func TestMain(m *testing.M) {
	switch chip := os.Getenv("GPIOCDEV_TEST_CHIP"); os.Getenv(role) {
	case "holder": // drives an engine until it is killed
		_, err := Open(Settings{Chip: chip, Wiring: wired(), Initial: valve | on})
		fmt.Println("holding", err)
		select {}
	case "stranger": // is nobody, in no group
		_, err := Open(Settings{Chip: chip, Wiring: wired()})
		fmt.Println(errors.Is(err, ErrPermission), err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process starts this binary in a role and returns its first line.
func process(t *testing.T, as, chip string, nobody bool) (*exec.Cmd, string) {
	t.Helper()
	p := exec.Command("/proc/self/exe")
	p.Env = append(os.Environ(), role+"="+as, "GPIOCDEV_TEST_CHIP="+chip)
	if nobody {
		p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return p, strings.TrimSpace(line)
}

// pass lets real time go by: in a bounce, or where nothing is to happen.
func pass(d time.Duration) { <-time.After(d) }

func openReal(t *testing.T, s Settings) *Board {
	t.Helper()
	if s.Log == nil {
		s.Log = func(text string) { t.Log(text) }
	}
	b, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestALineHeldByAnotherProcessIsBusyUntilItDies(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
	p, said := process(t, "holder", chip.Name(), false)
	if said != "holding <nil>" || !chip.Level(0) || !chip.Level(2) {
		t.Fatalf("the holder says %q", said)
	}
	for _, outputsOnly := range []bool{false, true} {
		_, err := Open(Settings{Chip: chip.Name(), Wiring: wired(), OutputsOnly: outputsOnly})
		want := fmt.Sprintf(`request line 0 of %v for gpio.main_valve: it is held by "wildfire-watch": another `+
			"wildfire-watch is running, or its guard is still stopping the engine", mustFind(t, chip.Name()))
		if err == nil || err.Error() != want || !errors.Is(err, ErrBusy) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	killed := time.Now()
	_ = p.Process.Kill()
	var b *Board
	var err error
	if !gear.Await(5*time.Second, func() bool {
		b, err = Open(Settings{Chip: chip.Name(), Wiring: wired(), OutputsOnly: true, Initial: valve | off})
		return err == nil
	}) {
		t.Fatal(err)
	}
	took := time.Since(killed)
	defer b.Close()
	if took > time.Second {
		t.Errorf("the lines were had after %v", took)
	}
	fmt.Printf("figure: lines of a killed process had after %v\n", took)
	if !chip.Level(0) || chip.Level(2) || !chip.Level(3) {
		t.Error("the stop pulse is not on the lines")
	}
}

func mustFind(t *testing.T, ref string) Chip {
	t.Helper()
	c, err := Find(ref)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAStrangerIsToldWhichGroupMayOpenTheChip(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
	if err := os.Chmod(chip.Path(), 0o660); err != nil {
		t.Fatal(err)
	}
	_, said := process(t, "stranger", chip.Name(), true)
	want := fmt.Sprintf("true open %s: permission denied: it belongs to group root; the udev rule of the package "+
		"gives it to group gpio, and the user that runs this must be in it", chip.Path())
	if said != want {
		t.Errorf("got  %s\nwant %s", said, want)
	}
}

func TestALinesBiasIsAskedFor(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
	w := wired()
	w.InputBias[hardware.StopButton] = hardware.PullUp
	w.InputBias[hardware.EmergencyButton], w.InputActiveLow[hardware.EmergencyButton] = hardware.PullUp, true
	w.InputBias[hardware.Flow] = hardware.PullDown
	w.OutputBias[hardware.IgnitionOn] = hardware.PullDown
	w.OutputBias[hardware.IgnitionOff], w.OutputActiveLow[hardware.IgnitionOff] = hardware.PullUp, true
	w.OutputBias[hardware.RPMReduce] = hardware.Disabled
	w.Feedbacks[hardware.MainValve], w.FeedbackBias[hardware.MainValve] = 20, hardware.PullUp
	chip.Pull(9, true) // line_pressure stays as it is
	b := openReal(t, Settings{Chip: chip.Name(), Wiring: w})
	l, err := b.Read()
	if err != nil || !l.Inputs[hardware.StopButton] || l.Inputs[hardware.EmergencyButton] ||
		l.Inputs[hardware.Flow] || !l.Inputs[hardware.LinePressure] || !l.Outputs.Has(hardware.MainValve) {
		t.Errorf("%+v, %v", l, err)
	}
	lines, err := Inspect(b.Chip())
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]Line{
		0:  {Output: true},
		2:  {Output: true, Bias: hardware.PullDown},
		3:  {Output: true, Bias: hardware.PullUp, ActiveLow: true},
		6:  {Output: true, Bias: hardware.Disabled},
		9:  {},
		11: {Bias: hardware.PullUp, ActiveLow: true},
		12: {Bias: hardware.PullUp},
		20: {Bias: hardware.PullUp},
	} {
		want.Number, want.Used, want.Consumer = n, true, Consumer
		if lines[n] != want {
			t.Errorf("got %+v, want %+v", lines[n], want)
		}
	}
	if lines[21].Used || lines[21].Consumer != "" {
		t.Errorf("a line that is not ours: %+v", lines[21])
	}
}

func TestLinesAreFoundByTheNamesOfTheChip(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32, Label: "pinctrl-rp1",
		Names: map[int]string{21: "GPIO18", 22: "GPIO19", 9: "FLOAT"}})
	w := wired()
	w.Outputs[hardware.MainValve], w.OutputNames[hardware.MainValve] = 18, "GPIO18"
	w.InputNames[hardware.ReservoirFloat] = "FLOAT"
	w.Inputs[hardware.LinePressure] = 8   // which would be the float's by number
	b := openReal(t, Settings{Wiring: w}) // no chip: the header of a Pi, by its label
	if got, want := b.Describe(), chip.Name()+" [pinctrl-rp1]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := b.Write(valve); err != nil || !chip.Level(21) || chip.Level(18) {
		t.Errorf("%v; GPIO18 is %v", err, chip.Level(21))
	}
	if w := b.Wiring(); w.Outputs[hardware.MainValve] != 21 || w.Inputs[hardware.ReservoirFloat] != 9 {
		t.Errorf("%+v", w)
	}
	w.OutputNames[hardware.MainValve] = "GPIO17"
	want := fmt.Sprintf(`find the line of gpio.main_valve: no line of %s [pinctrl-rp1] has the name "GPIO17"; near it `+
		"are GPIO18, GPIO19, FLOAT", chip.Name())
	if _, err := Resolve(b.Chip(), w); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestOfTwoChipsOnlyTheOneThatIsMeantIsTouched(t *testing.T) {
	one := gpiosim.New(t, gpiosim.Spec{Lines: 32, Label: "relays"})
	other := gpiosim.New(t, gpiosim.Spec{Lines: 16, Label: "board"})
	h := other.History()
	b := openReal(t, Settings{Chip: "relays", Wiring: wired()})
	if err := b.Write(valve | on); err != nil || !one.Level(0) || other.Level(0) {
		t.Errorf("%v", err)
	}
	link := t.TempDir() + "/relays"
	if err := os.Symlink(other.Path(), link); err != nil {
		t.Fatal(err)
	}
	if c, err := Find(link); err != nil || c.Label != "board" || c.Lines != 16 {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := Find(""); !errors.Is(err, ErrNoChip) {
		t.Errorf("a chip that nobody named: %v", err)
	}
	if e := h.Events(); len(e) != 0 {
		t.Errorf("the other chip: %v", e)
	}
	all, err := Chips()
	if err != nil || len(all) < 2 {
		t.Errorf("%v, %v", all, err)
	}
}

// outputsOf are the events of the outputs' lines.
func outputsOf(h *gpiosim.History) (all []gpiosim.Event) {
	for _, e := range h.Events() {
		if e.Line < int(hardware.NumOutputs) {
			all = append(all, e)
		}
	}
	return all
}

// leave takes the outputs at that level and lets them go so, as the kernel does to a dead process.
func leave(t *testing.T, chip string, w hardware.Wiring, levels hardware.Outputs) {
	t.Helper()
	d, err := linux{}.open(mustFind(t, chip))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	r, err := d.request(wish{consumer: "dead", lines: w.Outputs[:], activeLow: w.OutputActiveLow[:],
		bias: w.OutputBias[:], output: true, levels: values(levels)})
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
}

// TestTheFirstLevelIsTheOnlyOne: whatever the lines were before, at the request they go to where
// they are told and nowhere else.
func TestTheFirstLevelIsTheOnlyOne(t *testing.T) {
	for _, persist := range []bool{false, true} {
		for _, activeLow := range []bool{false, true} {
			for _, initial := range []hardware.Outputs{0, valve | off} {
				t.Run(fmt.Sprintf("persist %v, active low %v, %07b", persist, activeLow, initial), func(t *testing.T) {
					chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
					if persist {
						chip.Persist()
					}
					w := wired()
					for o := range w.OutputActiveLow {
						w.OutputActiveLow[o] = activeLow
						chip.Pull(o, true) // a dead process does not look safe by accident
					}
					leave(t, chip.Name(), w, valve|on)
					h := chip.History()
					openReal(t, Settings{Chip: chip.Name(), Wiring: w, OutputsOnly: true, Initial: initial})
					events := outputsOf(h)
					if len(events) != int(hardware.NumOutputs) {
						t.Errorf("%v", events)
					}
					for _, e := range events {
						if e.What != gpiosim.Out || e.High != (initial.Has(hardware.Output(e.Line)) != activeLow) {
							t.Errorf("%v", e)
						}
					}
				})
			}
		}
	}
}

func TestCloseSetsInactiveBeforeItLetsGo(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
	chip.Persist()
	b := openReal(t, Settings{Chip: chip.Name(), Wiring: wired()})
	if err := b.Write(valve | on); err != nil {
		t.Fatal(err)
	}
	h := chip.History()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	events := outputsOf(h)
	if len(events) != 2+int(hardware.NumOutputs) {
		t.Fatalf("%v", events)
	}
	for i, e := range events {
		if want := map[bool]string{true: gpiosim.Set, false: gpiosim.Free}[i < 2]; e.What != want || e.High {
			t.Errorf("%v, want %s", e, want)
		}
	}
}

func TestAChipThatIsUnpluggedAndPluggedAgainIsTakenInactive(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32, Label: "usb relays"})
	for o := range hardware.NumOutputs {
		chip.Pull(int(o), true)
	}
	b := openReal(t, Settings{Chip: "usb relays", Wiring: wired()})
	e := &hardwaretest.Ear{}
	b.Watch(e.Hear)
	if err := b.Write(valve | on); err != nil {
		t.Fatal(err)
	}
	chip.Unplug()
	if err := b.Write(valve | on); !errors.Is(err, syscall.ENODEV) && !errors.Is(err, errGone) {
		t.Errorf("a write to nothing: %v", err)
	}
	if _, err := b.Read(); err == nil {
		t.Error("a read of nothing is no error")
	}
	pass(1500 * time.Millisecond)
	if err := b.Write(valve); err == nil || !strings.Contains(err.Error(), "its chip is gone") {
		t.Errorf("%v", err)
	}
	chip.Plug()
	h := chip.History()
	if !gear.Await(5*time.Second, func() bool { _, err := b.Read(); return err == nil }) {
		t.Fatal("it does not come back")
	}
	for _, e := range outputsOf(h) {
		if e.What != gpiosim.Out || e.High {
			t.Errorf("%v", e)
		}
	}
	if l, err := b.Read(); err != nil || l.Outputs != 0 {
		t.Errorf("back: %+v, %v", l, err)
	}
	if err := b.Write(valve); err != nil || !chip.Level(0) || chip.Level(2) {
		t.Errorf("a write: %v", err)
	}
	chip.Pull(12, true)
	if !gear.Await(500*time.Millisecond, func() bool { return len(e.Heard()) == 1 }) {
		t.Errorf("an edge of the chip that came back: told %+v", e.Heard())
	}
}

// TestAChipThatIsPluggedInAgainAtOnceComesBack: before its lines were let go, so that the kernel gives
// it another number.
func TestAChipThatIsPluggedInAgainAtOnceComesBack(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32, Label: "usb relays"})
	b := openReal(t, Settings{Chip: chip.Name(), Wiring: wired(), Initial: valve})
	before := b.Describe()
	chip.Unplug()
	chip.Plug()
	if !gear.Await(5*time.Second, func() bool { return b.Write(valve) == nil }) {
		t.Fatalf("it does not come back: %v", b.Write(valve))
	}
	if !chip.Level(0) || b.Describe() == before || b.Chip().Name != chip.Name() {
		t.Errorf("%s, before %s; the main valve is %v", b.Describe(), before, chip.Level(0))
	}
}

// TestAChipUnpluggedAtRestCostsNoProcessor: the library is woken without end by a chip that is gone,
// until its lines are closed.
func TestAChipUnpluggedAtRestCostsNoProcessor(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
	b := openReal(t, Settings{Chip: chip.Name(), Wiring: wired()})
	b.Watch(func(hardware.Levels) {})
	chip.Unplug()
	pass(1500 * time.Millisecond)
	before := processor(t)
	pass(2 * time.Second)
	used := processor(t) - before
	chip.Plug()
	if used > 200*time.Millisecond {
		t.Errorf("%v of processor time in 2 s", used)
	}
}

func processor(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// withoutEdges is the real kernel, but for the edges that its requests would tell.
type withoutEdges struct{ linux }

type deafDevice struct{ device }

func (k withoutEdges) open(c Chip) (device, error) {
	d, err := k.linux.open(c)
	return deafDevice{d}, err
}

func (d deafDevice) request(w wish) (request, error) {
	if w.edges != nil {
		w.edges = func(int) {}
	}
	return d.device.request(w)
}

func TestAnEdgeThatGetsLostHeals(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
	b, err := open(withoutEdges{}, Settings{Chip: chip.Name(), Wiring: wired()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	e := &hardwaretest.Ear{}
	b.Watch(e.Hear)
	chip.Pull(12, true)
	if !gear.Await(readEvery+500*time.Millisecond, func() bool { return len(e.Heard()) == 1 }) ||
		!e.Heard()[0].Inputs[hardware.StopButton] {
		t.Errorf("told %+v", e.Heard())
	}
}

// TestABounceIsNeverTold: a button that bounces for 30 ms, at a debounce of 50 ms.
func TestABounceIsNeverTold(t *testing.T) {
	for name, kernel := range map[string]kernel{"kernel": linux{}, "here": bouncing{}} {
		t.Run(name, func(t *testing.T) {
			chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
			w := wired()
			w.Debounce = 50 * time.Millisecond
			b, err := open(kernel, Settings{Chip: chip.Name(), Wiring: w, Log: func(s string) { t.Log(s) }})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			e := &hardwaretest.Ear{}
			b.Watch(e.Hear)
			last, ok := chatter(chip, 12, w.Debounce)
			for tries := 0; !ok; tries++ {
				if tries == 50 {
					t.Fatal("this machine is too busy to bounce a line")
				}
				chip.Pull(12, false)
				pass(6 * w.Debounce)
				e.Forget()
				last, ok = chatter(chip, 12, w.Debounce)
			}
			if !gear.Await(time.Second, func() bool { return len(e.Heard()) == 1 }) {
				t.Fatalf("told %+v", e.Heard())
			}
			if took := time.Since(last); took < w.Debounce || took > 10*w.Debounce {
				t.Errorf("told after %v", took)
			}
			pass(2 * w.Debounce)
			if got := e.Heard(); len(got) != 1 || !got[0].Inputs[hardware.StopButton] {
				t.Errorf("told %+v", got)
			}
		})
	}
}

// chatter moves a line up and down every few milliseconds and leaves it high. It says when it did so
// last, and whether the line never rested for long: on a busy machine it may.
func chatter(chip *gpiosim.Chip, line int, debounce time.Duration) (last time.Time, ok bool) {
	ok = true
	for i := range 7 {
		if i > 0 && time.Since(last) > debounce/2 {
			ok = false
		}
		last = time.Now()
		chip.Pull(line, i%2 == 0)
		pass(debounce / 10)
	}
	return last, ok
}

// bouncing is the real kernel, but for its debounce.
type bouncing struct{ linux }

type bouncingDevice struct{ device }

func (k bouncing) open(c Chip) (device, error) {
	d, err := k.linux.open(c)
	return bouncingDevice{d}, err
}

func (d bouncingDevice) request(w wish) (request, error) {
	if w.debounce > 0 {
		return nil, syscall.EINVAL
	}
	return d.device.request(w)
}

func TestPeekReadsFreeInputsAndTouchesNothing(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 32})
	chip.Pull(20, true)
	openReal(t, Settings{Chip: chip.Name(), Wiring: wired()})
	c := mustFind(t, chip.Name())
	got, err := Peek(c, []int{19, 20})
	if err != nil || len(got) != 2 || got[0] || !got[1] {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Peek(c, []int{19, 12}); !errors.Is(err, ErrBusy) {
		t.Errorf("a line that is held: %v", err)
	}
}

// TestHowLongItTakes prints what a board costs. A simulated kernel's system calls cost several times
// a real one's.
func TestHowLongItTakes(t *testing.T) {
	chip := gpiosim.New(t, gpiosim.Spec{Lines: 54})
	began := time.Now()
	b := openReal(t, Settings{Chip: chip.Name(), Wiring: wired()})
	opened := time.Since(began)
	const n = 500
	began = time.Now()
	for i := range n {
		if err := b.Write(hardware.Outputs(i) & (valve | on)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Read(); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("figure: open %v, write and read back %v\n", opened, time.Since(began)/n)
}
