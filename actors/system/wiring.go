package system

import (
	"fmt"
	"strconv"
	"strings"
)

// functions is every line with a meaning of its own, in the order of the wiring table.
var functions = []struct{ key, kind, does string }{
	{"main_valve", "output", "opens the main valve: water to the sprinklers"},
	{"ignition_start", "output", "cranks the engine, at most pump.ignition_start_duration"},
	{"ignition_on", "output", "keeps the engine running"},
	{"ignition_off", "output", "stops the engine: a pulse of pump.ignition_off_duration"},
	{"refill_valve", "output", "fills the tank"},
	{"priming_valve", "output", "lets air out while the pump draws"},
	{"rpm_reduce", "output", "lowers the engine's speed before it is stopped"},
	{"reservoir_float", "input", "active: the tank is full"},
	{"line_pressure", "input", "active: the line has pressure"},
	{"flow", "input", "active: water flows"},
	{"emergency_button", "input", "a press starts the pump"},
	{"stop_button", "input", "held: stop; normally closed, so that a cut wire stops too"},
	{"engine_running", "input", "active: the engine runs"},
}

// headerPin is where a BCM line is found on the 40-pin header of a Raspberry Pi.
var headerPin = map[int]int{2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16,
	24: 18, 10: 19, 9: 21, 25: 22, 11: 23, 8: 24, 7: 26, 0: 27, 1: 28, 5: 29, 6: 31, 12: 32, 13: 33,
	19: 35, 16: 36, 26: 37, 20: 38, 21: 40}

// Wiring is the README's table of lines: function, BCM line and header pin by default, and what it
// does.
func Wiring(defaults []byte) (string, error) {
	var c Config
	var m mistakes
	d := decoder{schema: schemaOf(&c), places: make(map[string]*node), mistakes: &m}
	d.lay(read("", defaults, &m))
	if len(m.all) > 0 {
		return "", broken(m.all[0])
	}
	var b strings.Builder
	b.WriteString("| `gpio.` | is an | BCM line | header pin | what it does |\n" +
		"|---|---|---|---|---|\n")
	for _, f := range functions {
		line, pin := "–", "–"
		if n, err := strconv.Atoi(d.places[join("gpio", f.key)].text); err == nil && n >= 0 {
			line = strconv.Itoa(n)
			if p := headerPin[n]; p > 0 {
				pin = strconv.Itoa(p)
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.key, f.kind, line, pin, f.does)
	}
	return b.String(), nil
}
