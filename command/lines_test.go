package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors/system"
	"wildfire-watch/hardware"
	"wildfire-watch/hardware/gpiocdev"
	"wildfire-watch/protocol"
	"wildfire-watch/web"
)

// bench is a made-up kernel with a made-up program on it.
type bench struct {
	lines   [28]gpiocdev.Line
	high    map[int]bool // electrical levels of the free lines
	program program
	peeked  []int
}

var pi = gpiocdev.Chip{Name: "gpiochip0", Path: "/dev/gpiochip0", Label: "pinctrl-bcm2711", Lines: 28}

func newBench() *bench {
	b := &bench{high: map[int]bool{}}
	for i := range b.lines {
		b.lines[i] = gpiocdev.Line{Number: i, Name: fmt.Sprintf("GPIO%d", i)}
	}
	return b
}

// hold lets the program hold the lines of the default wiring and one input.
func (b *bench) hold() {
	for _, n := range []int{18, 22, 23, 24, 25, 26, 27} {
		b.lines[n].Used, b.lines[n].Output, b.lines[n].Consumer = true, true, gpiocdev.Consumer
	}
	b.lines[16].Used, b.lines[16].Consumer = true, gpiocdev.Consumer
	b.lines[16].Bias, b.lines[16].ActiveLow = hardware.PullUp, true
	outputs := map[string]web.Output{}
	for _, name := range hardware.OutputNames {
		outputs[name] = web.Output{}
	}
	outputs["main_valve"] = web.Output{Commanded: true, Read: true}
	b.program = program{pid: 812, wires: &web.Wires{Board: pi.String(), State: protocol.Priming, Available: true,
		Outputs: outputs, Inputs: map[string]string{"reservoir_float": "active"}}}
}

func (b *bench) lookout(t *testing.T, sets ...string) lookout {
	t.Helper()
	sets = append([]string{"gpio.board=gpiocdev"}, sets...)
	c, mistakes, err := system.Load(defaults, "", sets)
	if err != nil || system.Wrong(mistakes) {
		t.Fatal(err, mistakes)
	}
	return lookout{config: configured{Config: c},
		find:    func(string) (gpiocdev.Chip, error) { return pi, nil },
		inspect: func(gpiocdev.Chip) ([]gpiocdev.Line, error) { return b.lines[:], nil },
		peek: func(_ gpiocdev.Chip, numbers []int) (levels []bool, err error) {
			b.peeked = numbers
			for _, n := range numbers {
				levels = append(levels, b.high[n])
			}
			return levels, nil
		},
		program: func(string) program { return b.program }}
}

func (b *bench) view(t *testing.T, sets ...string) lineView {
	t.Helper()
	v, err := b.lookout(t, sets...).now()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var withFloat = []string{"gpio.reservoir_float=GPIO16", "gpio.reservoir_float_bias=pull-up",
	"gpio.reservoir_float_active_low=true"}

const notFitted = `
Not fitted: main_valve_feedback, ignition_start_feedback, ignition_on_feedback,
ignition_off_feedback, refill_valve_feedback, priming_valve_feedback, rpm_reduce_feedback,
line_pressure, flow, emergency_button, stop_button, engine_running.
`

func TestFreeLinesAreReadAsTheyAreButOutputsAreLeftAlone(t *testing.T) {
	b := newBench()
	b.high[16], b.high[26] = true, true
	b.lines[24].Output = true // something may still hang on it
	equal(t, b.view(t, withFloat...).table(), `gpiochip0 [pinctrl-bcm2711], 28 lines, /dev/gpiochip0
wildfire-watch does not run.

  FUNCTION         LINE  NAME    DIR  ACTIVE  BIAS     LEVEL     PIN   HELD BY
  main_valve         18  GPIO18  in   high    as-is    off       low   nobody
  ignition_start     23  GPIO23  in   high    as-is    off       low   nobody
  ignition_on        24  GPIO24  out  high    as-is    ?         ?     nobody
  ignition_off       25  GPIO25  in   high    as-is    off       low   nobody
  refill_valve       22  GPIO22  in   high    as-is    off       low   nobody
  priming_valve      26  GPIO26  in   high    as-is    on        high  nobody
  rpm_reduce         27  GPIO27  in   high    as-is    off       low   nobody
  reservoir_float    16  GPIO16  in   low     pull-up  inactive  high  nobody
`+notFitted+`
?: not known. The kernel tells a level to nobody but the line's holder, and a free line
that is an output is not requested only to read it: that could disturb it.
`)
	for _, n := range b.peeked {
		if n == 24 {
			t.Error("an output was read by requesting it")
		}
	}
}

func TestTheLevelsOfHeldLinesComeFromTheProgram(t *testing.T) {
	b := newBench()
	b.hold()
	equal(t, b.view(t, withFloat...).table(), `gpiochip0 [pinctrl-bcm2711], 28 lines, /dev/gpiochip0
wildfire-watch runs (process 812), pump PRIMING.

  FUNCTION         LINE  NAME    DIR  ACTIVE  BIAS     LEVEL   PIN   HELD BY
  main_valve         18  GPIO18  out  high    as-is    on      high  wildfire-watch
  ignition_start     23  GPIO23  out  high    as-is    off     low   wildfire-watch
  ignition_on        24  GPIO24  out  high    as-is    off     low   wildfire-watch
  ignition_off       25  GPIO25  out  high    as-is    off     low   wildfire-watch
  refill_valve       22  GPIO22  out  high    as-is    off     low   wildfire-watch
  priming_valve      26  GPIO26  out  high    as-is    off     low   wildfire-watch
  rpm_reduce         27  GPIO27  out  high    as-is    off     low   wildfire-watch
  reservoir_float    16  GPIO16  in   low     pull-up  active  low   wildfire-watch
`+notFitted)
	if len(b.peeked) != 0 {
		t.Errorf("lines %v were requested though the program holds them", b.peeked)
	}
}

func TestEachProblemOfALineIsASentence(t *testing.T) {
	for name, c := range map[string]struct {
		make func(b *bench)
		sets []string
		want []string
	}{
		"held by a stranger": {func(b *bench) { b.lines[18].Used, b.lines[18].Consumer = true, "sysfs" }, nil,
			[]string{`main_valve: line 18 is held by "sysfs": end that program, or set gpio.main_valve to another line`}},
		"kept by the kernel": {func(b *bench) { b.lines[18].Used = true }, nil,
			[]string{"main_valve: line 18 is kept by the kernel for a bus or a driver: free it in the device tree or " +
				"the boot settings, or set gpio.main_valve to another line"}},
		"not there": {nil, []string{"gpio.main_valve=40"},
			[]string{"main_valve: there is no line 40: gpiochip0 [pinctrl-bcm2711] has 0 to 27"}},
		"no such name": {nil, []string{"gpio.main_valve=VALVE"},
			[]string{`main_valve: no line of gpiochip0 [pinctrl-bcm2711] has the name "VALVE"`}},
		"a name twice": {func(b *bench) { b.lines[3].Name, b.lines[4].Name = "VALVE", "VALVE" },
			[]string{"gpio.main_valve=VALVE"},
			[]string{`main_valve: lines 3, 4 of gpiochip0 [pinctrl-bcm2711] all have the name "VALVE": choose one by its number`}},
		"two on one line": {func(b *bench) { b.lines[22].Name = "X" }, []string{"gpio.main_valve=X"},
			[]string{"refill_valve: line 22 is that of main_valve already"}},
		"held otherwise than configured": {func(b *bench) { b.hold(); b.lines[25].ActiveLow = true }, withFloat,
			[]string{"ignition_off: it is held as out, active low, bias as-is: wildfire-watch was started with another configuration"}},
		"not held though it runs": {func(b *bench) { b.hold(); b.lines[25] = gpiocdev.Line{Number: 25} }, withFloat,
			[]string{"ignition_off: nobody holds the line, though wildfire-watch runs: it was started with another configuration"}},
		"failed": {func(b *bench) {
			b.hold()
			b.program.wires.Outputs["main_valve"] = web.Output{Commanded: true, Failed: true}
		}, withFloat, []string{"main_valve: commanded on, and it keeps reading off"}},
		"nothing": {nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			if c.make != nil {
				c.make(b)
			}
			v := b.view(t, c.sets...)
			equal(t, strings.Join(v.problems(), "\n"), strings.Join(c.want, "\n"))
			if n := strings.Count(v.table(), " !"); n != len(c.want) {
				t.Errorf("%d rows are marked:\n%s", n, v.table())
			}
		})
	}
}

func TestAFeedbackShowsWhatReadsBackAndItsOutputWhatIsCommanded(t *testing.T) {
	b := newBench()
	b.hold()
	b.lines[5].Used, b.lines[5].Consumer = true, gpiocdev.Consumer
	b.program.wires.Outputs["main_valve"] = web.Output{Commanded: true, Failed: true}
	v := b.view(t, append(withFloat, "gpio.main_valve_feedback=5")...)
	if table := v.table(); !strings.Contains(table, "\n  main_valve               18  GPIO18  out  high    as-is    on        high  wildfire-watch\n") ||
		!strings.Contains(table, "\n  main_valve_feedback !     5  GPIO5   in   high    as-is    inactive  low   wildfire-watch\n") ||
		!strings.Contains(table, "1 problem:\n  main_valve_feedback: main_valve is commanded on, and this keeps reading off\n") {
		t.Error(table)
	}
}

func TestAProgramOnAnotherBoardIsNoted(t *testing.T) {
	b := newBench()
	b.hold()
	b.program.wires.Board, b.program.wires.Simulation = "simulator", true
	want := "NOTE: wildfire-watch runs on simulator, not on gpiochip0 [pinctrl-bcm2711]: it was started with another " +
		"configuration, or could not have these lines\n"
	if table := b.view(t, withFloat...).table(); !strings.Contains(table, want) {
		t.Error(table)
	}
}

func TestWhileAProgramStartsNobodyGetsInItsWay(t *testing.T) {
	b := newBench()
	b.program = program{pid: 812, trouble: "it does not tell the levels of its lines: refused"}
	v := b.view(t)
	if b.peeked != nil || v.Functions[0].Level != "" ||
		v.Program != "wildfire-watch runs (process 812); it does not tell the levels of its lines: refused" {
		t.Errorf("peeked %v, %+v", b.peeked, v)
	}
}

func TestLinesOfTheSimulatorSayThatTheyAreSimulated(t *testing.T) {
	t.Chdir(t.TempDir())
	got := run(t, "lines", "--set", "gpio.flow=21", "--set", "gpio.flow_active_low=true", "--set", "gpio.board=simulator")
	if got.code != 0 || !strings.HasPrefix(got.out, `simulator: nothing real is driven
wildfire-watch does not run.

  FUNCTION        LINE  NAME  DIR  ACTIVE  BIAS   LEVEL  PIN  HELD BY
  main_valve        18  -     out  high    as-is  ?      ?    nobody
`) || !strings.Contains(got.out, "\n  flow              21  -     in   low     as-is  ?      ?    nobody\n") {
		t.Errorf("%+v", got)
	}
}

func TestARealBoardThatIsNotThereIsAnError(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{"lines"}, {"lines", "test", "--confirm", "x"}} {
		got := run(t, append(args, "--set", "gpio.board=gpiocdev", "--set", "gpio.chip=nonesuch")...)
		if got.code != 1 || got.out != "" || !strings.Contains(got.errs, "nonesuch") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestJSONHasWhatTheTableHas(t *testing.T) {
	t.Chdir(t.TempDir())
	got := run(t, "lines", "--json", "--set", "gpio.board=simulator")
	var v lineView
	if err := json.Unmarshal([]byte(got.out), &v); err != nil || got.code != 0 {
		t.Fatalf("%v: %+v", err, got)
	}
	if !v.Simulated || len(v.Functions) != 7 || v.Functions[0].Function != "main_valve" || v.Functions[0].Line != 18 ||
		v.Functions[0].Kind != kindOutput || len(v.NotFitted) != 13 {
		t.Errorf("%+v", v)
	}
}

func TestTheTestIsRefusedWhileSomebodyHoldsTheLines(t *testing.T) {
	b := newBench()
	b.hold()
	err := untouched(b.view(t, withFloat...))
	if err == nil || err.Error() != "wildfire-watch runs (process 812), pump PRIMING. It drives the lines, and the test "+
		"would take them from it. Stop it first: sudo systemctl stop wildfire-watch" {
		t.Error(err)
	}
	b.program = program{}
	b.lines[18].Consumer = "wildfire-watch guard"
	if err = untouched(b.view(t, withFloat...)); err == nil || err.Error() != `line 18 (main_valve) is held by "wildfire-watch guard": `+
		"wildfire-watch runs, or its guard is still stopping the engine. Stop it first: sudo systemctl stop wildfire-watch" {
		t.Error(err)
	}
	b = newBench()
	b.lines[18].Used, b.lines[18].Consumer = true, "sysfs"
	if err = untouched(b.view(t)); err == nil || err.Error() != `nothing is tested, because of 1 problem: main_valve: line 18 is `+
		`held by "sysfs": end that program, or set gpio.main_valve to another line` {
		t.Error(err)
	}
	if err = untouched(newBench().view(t)); err != nil {
		t.Error(err)
	}
}

func TestTheLinesAreFollowedAtEveryChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		look := b.lookout(t)
		var shown []string
		ctx, cancel := context.WithCancel(t.Context())
		broken := false
		var mu sync.Mutex // guards the bench and broken
		now := func() (lineView, error) {
			mu.Lock()
			defer mu.Unlock()
			if broken {
				return lineView{}, errors.New("the chip is gone")
			}
			return look.now()
		}
		ended := make(chan error)
		go func() {
			ended <- followLines(ctx, now, func(v lineView) error { shown = append(shown, v.table()); return nil })
		}()
		step := func(do func()) {
			time.Sleep(10 * lookEvery)
			mu.Lock()
			defer mu.Unlock()
			do()
		}
		step(func() { b.high[18] = true })
		step(func() { broken = true })
		step(func() { broken = false })
		step(cancel)
		if err := <-ended; err != nil || len(shown) != 4 {
			t.Fatalf("%v, shown %d times:\n%s", err, len(shown), strings.Join(shown, "\n"))
		}
		if shown[0] == shown[1] || shown[1] != shown[3] || shown[2] != "The lines cannot be looked at: the chip is gone\n" {
			t.Errorf("%s", strings.Join(shown, "\n"))
		}
	})
}

func TestAScreenIsNeitherWrappedNorScrolled(t *testing.T) {
	equal(t, fit("abcdef\nab\nabc\n", 4, 2), "abcd\nab\n")
	equal(t, fit("abcdef\nab\n", 0, 0), "abcdef\nab\n")
}

func TestAProgramIsFoundByItsRunFile(t *testing.T) {
	dir := t.TempDir()
	if p := askProgram(dir); p.pid != 0 || p.sentence() != "wildfire-watch does not run." {
		t.Errorf("%+v", p)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "run.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("{")
	if p := askProgram(dir); p.pid != 0 || !strings.Contains(p.sentence(), "is not readable as JSON") {
		t.Errorf("%+v", p)
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/lines" {
			_ = json.NewEncoder(w).Encode(web.Wires{Board: "simulator", State: protocol.Running, Available: true})
		}
	}))
	defer page.Close()
	write(fmt.Sprintf(`{"pid": %d, "http": %q}`, os.Getpid(), page.URL))
	p := askProgram(dir)
	if want := fmt.Sprintf("wildfire-watch runs (process %d), pump RUNNING.", os.Getpid()); p.sentence() != want {
		t.Errorf("%+v: %s", p, p.sentence())
	}
	page.Close()
	if p = askProgram(dir); p.pid == 0 || p.wires != nil || !strings.Contains(p.sentence(), "it does not tell the levels") {
		t.Errorf("%+v: %s", p, p.sentence())
	}
	write(fmt.Sprintf(`{"pid": %d}`, os.Getpid()))
	if p = askProgram(dir); !strings.Contains(p.sentence(), "its status page is off (http.listen)") {
		t.Errorf("%+v: %s", p, p.sentence())
	}
	write(`{"pid": 4194999, "http": "http://127.0.0.1:1"}`) // above every pid of Linux
	if p = askProgram(dir); p.pid != 0 {
		t.Errorf("a dead process runs: %+v", p)
	}
}
