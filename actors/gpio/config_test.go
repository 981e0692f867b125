package gpio

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"wildfire-watch/hardware"
)

// leaf is one field of the section with the key that fills it.
type leaf struct {
	key   string
	value reflect.Value
}

func leaves(prefix string, v reflect.Value) (all []leaf) {
	for i := range v.NumField() {
		f, key := v.Field(i), prefix+v.Type().Field(i).Tag.Get("key")
		if f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[Line]() {
			all = append(all, leaves(key, f)...)
		} else {
			all = append(all, leaf{key, f})
		}
	}
	return all
}

func TestEveryKeyOfALineReachesItsPlaceInTheWiring(t *testing.T) {
	c := Config{}
	want := map[string]Line{}
	for n, l := range leaves("", reflect.ValueOf(&c).Elem()) {
		if l.value.Type() == reflect.TypeFor[Line]() {
			want[l.key] = Line{n, fmt.Sprint("L", n)}
			l.value.Set(reflect.ValueOf(want[l.key]))
		}
	}
	w := c.Wiring()
	for o, name := range hardware.OutputNames {
		line, feedback := Line{w.Outputs[o], w.OutputNames[o]}, Line{w.Feedbacks[o], w.FeedbackNames[o]}
		if line != want[name] || feedback != want[name+"_feedback"] || line == feedback {
			t.Errorf("%s: line %v, feedback %v", name, line, feedback)
		}
	}
	for i, name := range hardware.InputNames {
		if line := (Line{w.Inputs[i], w.InputNames[i]}); line != want[name] || line == (Line{}) {
			t.Errorf("%s: line %v", name, line)
		}
	}
}

func TestEveryPolarityAndBiasReachesItsPlaceInTheWiring(t *testing.T) {
	c := Config{}
	for n := range leaves("", reflect.ValueOf(&c).Elem()) {
		c := Config{}
		l := leaves("", reflect.ValueOf(&c).Elem())[n]
		switch {
		case l.value.Kind() == reflect.Bool:
			l.value.SetBool(true)
		case strings.HasSuffix(l.key, "_bias"):
			l.value.SetString("pull-down")
		default:
			continue
		}
		w, seen := c.Wiring(), []string{}
		see := func(is bool, key string) {
			if is {
				seen = append(seen, key)
			}
		}
		for o, name := range hardware.OutputNames {
			see(w.OutputActiveLow[o], name+"_active_low")
			see(w.FeedbackActiveLow[o], name+"_feedback_active_low")
			see(w.OutputBias[o] == hardware.PullDown, name+"_bias")
			see(w.FeedbackBias[o] == hardware.PullDown, name+"_feedback_bias")
		}
		for i, name := range hardware.InputNames {
			see(w.InputActiveLow[i], name+"_active_low")
			see(w.InputBias[i] == hardware.PullDown, name+"_bias")
		}
		if len(seen) != 1 || seen[0] != l.key {
			t.Errorf("%s is seen at %q", l.key, seen)
		}
	}
}

func TestEveryWordOfABiasIsKnown(t *testing.T) {
	for b, word := range hardware.BiasNames {
		if got := bias(word); got != hardware.Bias(b) {
			t.Errorf("%s: %d", word, got)
		}
	}
}

func TestALineIsANumberOrAName(t *testing.T) {
	for text, want := range map[string]Line{"18": At(18), "0": At(0), "-1": At(-1), "1023": At(1023), "0x10": At(16),
		"GPIO18": {18, "GPIO18"}, "GPIO07": {7, "GPIO07"}, "PUMP": {0, "PUMP"}, "SPI_CE0 N": {0, "SPI_CE0 N"},
		"GPIO100": {0, "GPIO100"}, "gpio18": {0, "gpio18"}, strings.Repeat("x", 31): {0, strings.Repeat("x", 31)}} {
		var l Line
		if err := l.UnmarshalText([]byte(text)); err != nil || l != want || l.Fitted() != (text != "-1") {
			t.Errorf("%q: %+v, %v", text, l, err)
		}
	}
	for _, text := range []string{"", "-2", "1024", "99999999999999999999", strings.Repeat("x", 32)} {
		l := At(5)
		if err := l.UnmarshalText([]byte(text)); err == nil || l != At(5) {
			t.Errorf("%q is taken as %v", text, l)
		}
	}
	if a, b := At(18).String(), (Line{18, "GPIO18"}).String(); a != "18" || b != `"GPIO18"` {
		t.Errorf("%s, %s", a, b)
	}
}

func TestCheckNamesEveryMistakeByItsKey(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		keys   []string
	}{
		{"as shipped", func(*Config) {}, nil},
		{"two outputs", func(c *Config) { c.IgnitionOff.Line = At(24) }, []string{"ignition_off"}},
		{"a feedback on an output", func(c *Config) { c.MainValve.Feedback = At(18) }, []string{"main_valve_feedback"}},
		{"inputs on lines that are taken", func(c *Config) { c.Flow, c.StopButton = sensor(22), sensor(22) }, []string{"flow", "stop_button"}},
		{"a debounce beyond the verification", func(c *Config) {
			c.MainValve.Feedback, c.Debounce, c.VerifyTimeout = At(20), time.Second, 500*time.Millisecond
		}, []string{"debounce"}},
		{"an output without a line", func(c *Config) { c.RPMReduce.Line = At(-1) }, []string{"rpm_reduce"}},
		{"by name what is taken by number", func(c *Config) { c.Flow.Line = Line{18, "GPIO18"} }, []string{"flow"}},
		{"a name twice", func(c *Config) {
			c.Board, c.Flow.Line, c.LinePressure.Line = "gpiocdev", Line{0, "WET"}, Line{0, "WET"}
		}, []string{"flow"}},
		{"two names, and line 0 too", func(c *Config) {
			c.Board, c.Flow.Line, c.LinePressure.Line = "gpiocdev", Line{0, "WET"}, Line{0, "PRESSED"}
			c.StopButton.Line = At(0)
		}, nil},
		{"a name that the simulator has", func(c *Config) { c.Flow.Line = Line{17, "GPIO17"} }, nil},
		{"a name that the simulator has not", func(c *Config) { c.Flow.Line = Line{0, "WET"} }, []string{"flow"}},
		{"lines that the simulator has not", func(c *Config) {
			c.Flow.Line, c.StopButton.Line = At(64), Line{64, "GPIO64"}
		}, []string{"flow", "stop_button"}},
		{"lines that a chip may have", func(c *Config) { c.Board, c.Flow.Line = "gpiocdev", At(64) }, nil},
		{"a chip for the simulator", func(c *Config) { c.Chip = "gpiochip0" }, []string{"chip"}},
		{"a chip for a board", func(c *Config) { c.Board, c.Chip = "gpiocdev", "gpiochip0" }, nil},
		{"one file for two things", func(c *Config) { c.LineLog, c.SimulatorInputs = "a", "a" }, []string{"simulator_inputs"}},
	} {
		config := shipped()
		c.change(&config)
		var keys []string
		for _, m := range config.Check() {
			keys = append(keys, m.Key)
			if m.Value == "" || m.Allowed == "" {
				t.Errorf("%s: %+v", c.name, m)
			}
		}
		if !reflect.DeepEqual(keys, c.keys) {
			t.Errorf("%s: mistakes in %v, want %v", c.name, keys, c.keys)
		}
	}
	if got := (SimulatorConfig{Stick: "24:7"}).Check(); len(got) != 1 || got[0].Key != "stick" {
		t.Errorf("stick: %+v", got)
	}
	if got := (SimulatorConfig{Stick: "24:1"}).Check(); got != nil {
		t.Errorf("stick: %+v", got)
	}
}

func TestAnEngineOfShortCranksCatchesAllTheSame(t *testing.T) {
	pump := shippedPump
	s := SimulatorConfig{CatchAfter: 2 * time.Second}
	if got := shipped().Simulator(s, pump).CatchAfter; got != 2*time.Second {
		t.Errorf("real durations: catches after %v", got)
	}
	pump.Crank = 100 * time.Millisecond
	if got := shipped().Simulator(s, pump).CatchAfter; got != 40*time.Millisecond {
		t.Errorf("scaled durations: catches after %v", got)
	}
	s.CatchAfter = 150 * time.Millisecond
	if got := shipped().Simulator(s, pump).CatchAfter; got != 150*time.Millisecond {
		t.Errorf("a second crank is wanted: catches after %v", got)
	}
	pump.Crank, s.CatchAfter = time.Second, 30*time.Second
	if got := shipped().Simulator(s, pump).CatchAfter; got != 30*time.Second {
		t.Errorf("an engine that takes long: catches after %v", got)
	}
}
