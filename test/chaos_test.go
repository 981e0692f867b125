package test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/actors/system"
)

var (
	chaosRuns   = flag.Int("chaos.runs", 100, "how many random histories TestNothingThatHappensBreaksAnInvariant plays")
	chaosScript = flag.String("chaos.script", "", "play this script instead and print all that is seen of it")
	chaosSeed   = flag.Uint64("chaos.seed", 1, "the seed of the first of them")
)

// TestNothingThatHappensBreaksAnInvariant plays random histories over the whole system and holds
// what can be seen of each from outside against SPEC §3. A failure prints the shortest script that
// was found: paste it into TestWhatChaosFound when it is mended.
func TestNothingThatHappensBreaksAnInvariant(t *testing.T) {
	if *chaosScript != "" {
		text, err := os.ReadFile(*chaosScript)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range playChaos(t, strings.Split(strings.TrimSpace(string(text)), "\n")) {
			t.Error(b)
		}
		return
	}
	for i := range *chaosRuns {
		seed := *chaosSeed + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			script := history(rand.New(rand.NewPCG(seed, 0)))
			breaches := playChaos(t, script)
			if len(breaches) == 0 {
				return
			}
			script, breaches = shrink(t, script, breaches)
			t.Errorf("seed %d:\n%s\n\n%s", seed, strings.Join(script, "\n"), strings.Join(breaches, "\n"))
		})
	}
}

// TestWhatChaosFound plays again what once broke an invariant.
func TestWhatChaosFound(t *testing.T) {
	for _, script := range chaosFound {
		name, lines, _ := strings.Cut(strings.TrimSpace(script), "\n")
		t.Run(strings.TrimPrefix(name, "# "), func(t *testing.T) {
			t.Parallel()
			for _, b := range playChaos(t, strings.Split(lines, "\n")) {
				t.Error(b)
			}
		})
	}
}

// playChaos plays a script and then waits for the peace that P8 promises.
func playChaos(t *testing.T, script []string) (breaches []string) {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("play", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newScene(t, dir, "")
			s := newStorm(w)
			defer w.end()
			for _, line := range script {
				if line == "start" {
					var err error
					if s.record.config, err = s.settings(); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.do(line); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
			if s.running == nil {
				return
			}
			breaches = append(breaches, s.peace()...)
			breaches = append(breaches, s.record.breaches()...)
			if *chaosScript != "" {
				t.Log(s.record.text())
			}
		})
	})
	return breaches
}

// peace: left alone, with a board that works, the pump comes to rest in bounded time (P8).
func (s *storm) peace() []string {
	s.fires = nil
	s.break_("well")
	bound := s.bound()
	if err := s.await("IDLE|ERROR", bound.String()); err != nil {
		return []string{err.Error()}
	}
	if state := s.pumpState(); state != "IDLE" && state != "ERROR" {
		return []string{fmt.Sprintf("P8: left alone for %v, the state is %s", bound, state)}
	}
	s.pass(s.record.config.Pump.ValveCloseDelay + 5*s.record.config.Pump.IgnitionOff + 5*time.Second)
	return nil
}

// bound is longer than anything that was begun may last.
func (s *storm) bound() time.Duration {
	c := s.record.config.Pump
	start := s.record.config.GPIO.VerifyTimeout + c.PreOpenDelay + time.Duration(c.CrankAttempts)*(c.IgnitionStart+c.CrankRest)
	run := start + c.MaxEngineRuntime + 9*c.IgnitionOff + c.ValveCloseDelay + c.CooldownDuration + c.FireOffDelay
	runs := 2
	for _, f := range s.record.facts {
		if f.kind == factOrdered || f.kind == factAsked || f.kind == factBooted {
			runs++
		}
	}
	return time.Duration(min(runs, 12)) * (run + 2*c.LongestRefill())
}

// shrink leaves out of a script whatever the breach does not need.
func shrink(t *testing.T, script, breaches []string) ([]string, []string) {
	name, _, _ := strings.Cut(breaches[0], " at ")
	for n := max(len(script)/2, 1); n >= 1; n /= 2 {
		for i := 0; i < len(script); {
			if script[i] == "start" || strings.HasPrefix(script[i], "set ") {
				i++
				continue
			}
			shorter := slices.Delete(slices.Clone(script), i, min(i+n, len(script)))
			if !slices.Contains(shorter, "start") || !strings.HasPrefix(shorter[0], "set ") {
				i++
				continue
			}
			if again := playChaos(t, shorter); len(again) > 0 && strings.HasPrefix(again[0], name) {
				script, breaches = shorter, again
				continue
			}
			i += n
		}
	}
	return script, breaches
}

// history makes up a script.
func history(r *rand.Rand) []string {
	script := append(configuration(r), "start")
	for range 6 + r.IntN(22) {
		script = append(script, deed(r))
	}
	return script
}

func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

var wirings = []string{
	"",
	"gpio.engine_running=13",
	"gpio.flow=5 gpio.line_pressure=6",
	"gpio.reservoir_float=12",
	"gpio.flow=5 pump.fire_in_lockout=start",
	"gpio.line_pressure=6 gpio.engine_running=13 gpio.stop_button=16",
	"gpio.main_valve_feedback=19 gpio.ignition_on_feedback=21 gpio.stop_button=16 gpio.emergency_button=20",
	"gpio.flow=5 gpio.line_pressure=6 gpio.reservoir_float=12 gpio.engine_running=13 gpio.stop_button=16 " +
		"gpio.emergency_button=20 gpio.main_valve_feedback=19 gpio.refill_valve_feedback=17 gpio.priming_valve_feedback=4",
	"gpio.flow=5 gpio.line_pressure=6 gpio.reservoir_float=12 gpio.engine_running=13 gpio.stop_button=16 " +
		"gpio.emergency_button=20 pump.fire_in_lockout=start gpio.main_valve_feedback=19",
}

// configuration is wiring and durations: short ones, any of them changed, or the defaults.
func configuration(r *rand.Rand) []string {
	sets := []string{pick(r, wirings...)}
	short := map[string][]string{
		"pre_open_delay": {"1s", "500ms", "20ms"}, "ignition_start_duration": {"2s", "5s", "700ms"},
		"crank_attempts": {"3", "1"}, "crank_rest": {"3s", "1s", "10s"},
		"priming_duration": {"20s", "0s", "3s"}, "pressure_check_delay": {"10s", "0s", "2s"},
		"fire_off_delay": {"60s", "30s", "200s"}, "max_engine_runtime": {"100s", "60s", "40s", "15s"},
		"rpm_reduction_lead": {"10s", "0s"}, "rpm_reduction_duration": {"3s", "0s"},
		"ignition_off_duration": {"4s", "1s"}, "valve_close_delay": {"15s", "0s", "100s"},
		"refill_multiplier": {"2", "0", "1", "5"}, "cooldown_duration": {"10s", "0s"},
		"max_dry_run_time": {"30s", "8s"},
	}
	if r.IntN(6) == 0 {
		sets = append(sets, "pump.refill_multiplier=1", "simulator.catch_after="+pick(r, "2s", "7s"))
	} else {
		keys := make([]string, 0, len(short))
		for key := range short {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			value := short[key][0]
			if r.IntN(3) == 0 {
				value = pick(r, short[key]...)
			}
			sets = append(sets, "pump."+key+"="+value)
		}
		sets = append(sets, "consensus.cooldown_period=20s", "gpio.verify_timeout="+pick(r, "3s", "1s"),
			"gpio.verify_grace="+pick(r, "1s", "0s", "2s"),
			"simulator.catch_after="+pick(r, "500ms", "500ms", "3s"))
	}
	if r.IntN(10) == 0 {
		sets = append(sets, "simulator.never_catch=true")
	}
	if r.IntN(4) == 0 {
		sets = append(sets, "journal.safe_mode_after="+pick(r, "1", "2", "3"))
	}
	sets = slices.DeleteFunc(sets, func(s string) bool { return s == "" })
	return []string{"set " + strings.Join(sets, " ")}
}

// deeds and how often each is done. %t is a time, %s a state, %i an input, %o an output, %l on or off.
var deeds = []struct {
	often int
	line  string
}{
	{30, "wait %t"}, {22, "until %s 4m"}, {20, "trigger"}, {2, "trigger x7"}, {2, "trigger -61s"}, {2, "trigger -59s"},
	{1, "trigger 5m"}, {8, "command start"}, {1, "command start -2m"}, {8, "command stop"}, {1, "command stop -2m"},
	{9, "command reset"}, {3, "command valve_open"}, {4, "command valve_close"}, {12, "sensor %i %l"},
	{5, "sensor %i plant"}, {4, "stick %o %l"}, {4, "stick %o free"}, {2, "feedback %o %l"}, {3, "feedback %o line"},
	{2, "board deaf"}, {1, "board blind"}, {4, "board well"}, {2, "wall 24h"}, {2, "wall -24h"}, {5, "restart"},
	{5, "crash"}, {4, "powercut"}, {2, "fire north east grows"}, {1, "fire north east steady"}, {2, "fire out"},
}

func deed(r *rand.Rand) string {
	all := 0
	for _, d := range deeds {
		all += d.often
	}
	n := r.IntN(all)
	line := ""
	for _, d := range deeds {
		if n -= d.often; n < 0 {
			line = d.line
			break
		}
	}
	return strings.NewReplacer(
		"%t", pick(r, "10ms", "60ms", "500ms", "999ms", "1s", "2s", "2500ms", "4s", "5s", "8s", "20s", "35s", "61s", "130s"),
		"%s", pick(r, "PRIMING", "STARTING", "RUNNING", "REDUCING_RPM", "STOPPING", "REFILLING", "COOLDOWN", "IDLE",
			"LOW_PRESSURE", "ERROR", "RUNNING", "STOPPING", "REFILLING"),
		"%i", pick(r, "reservoir_float", "line_pressure", "flow", "emergency_button", "stop_button", "engine_running"),
		"%o", pick(r, "main_valve", "main_valve", "ignition_start", "ignition_on", "ignition_off", "refill_valve",
			"priming_valve", "rpm_reduce"),
		"%l", pick(r, "on", "off"),
	).Replace(line)
}

// settings are what the script has configured.
func (s *storm) settings() (system.Config, error) {
	defaults, err := os.ReadFile("../config.toml")
	if err != nil {
		return system.Config{}, err
	}
	c, _, err := system.Load(defaults, "", append([]string{"gpio.board=simulator"}, s.sets...))
	return c, err
}
