package pump

import (
	"fmt"
	"time"

	"wildfire-watch/protocol"
)

// Config is the [pump] section of config.toml; SPEC §3 has the meaning of every key, config.toml
// the defaults. The zero value runs nothing sensible.
type Config struct {
	PreOpenDelay         time.Duration `key:"pre_open_delay" range:"0.5s..60s"`
	IgnitionStart        time.Duration `key:"ignition_start_duration" range:"0.5s..30s"`
	CrankAttempts        int           `key:"crank_attempts" range:"1..12"`
	CrankRest            time.Duration `key:"crank_rest" range:"1s..60s"`
	PrimingDuration      time.Duration `key:"priming_duration" range:"0s..600s"`
	PressureCheckDelay   time.Duration `key:"pressure_check_delay" range:"0s..600s"`
	FireOffDelay         time.Duration `key:"fire_off_delay" range:"60s..7200s"`
	MaxEngineRuntime     time.Duration `key:"max_engine_runtime" range:"60s..4h"`
	RPMReductionLead     time.Duration `key:"rpm_reduction_lead" range:"0s..4h"`
	RPMReductionDuration time.Duration `key:"rpm_reduction_duration" range:"0s..60s"`
	IgnitionOff          time.Duration `key:"ignition_off_duration" range:"1s..60s"`
	ValveCloseDelay      time.Duration `key:"valve_close_delay" range:"0s..3600s"`
	RefillMultiplier     float64       `key:"refill_multiplier" range:"0..200"`
	CooldownDuration     time.Duration `key:"cooldown_duration" range:"0s..3600s"`
	MaxDryRunTime        time.Duration `key:"max_dry_run_time" range:"30s..3600s"`
	FireInLockout        string        `key:"fire_in_lockout" oneof:"refuse|start"`
}

// Timing is everything that the machine is told of the configuration.
type Timing struct {
	Config
	// VerifyTimeout is how long the main valve may take to read as commanded, VerifyGrace how long
	// it may read wrong after it has read right (gpio.verify_timeout, gpio.verify_grace; SPEC P1).
	VerifyTimeout, VerifyGrace time.Duration
	// TakeLimit is how long a stop pulse waits to be reported on the lines before that is an ERROR,
	// EndWait how long at the end of the process: then it runs down unseen (SPEC P8, P14).
	TakeLimit, EndWait time.Duration
}

// endWait leaves the rest of the end its time (SPEC P14: exit within the pulse and 2 s).
const endWait = 400 * time.Millisecond

// takeLimit is longer than the dead-man is patient with a gpio actor that says nothing, so that its
// trip comes first: that latches no ERROR.
func takeLimit(deadman time.Duration) time.Duration {
	return max(deadman, protocol.FirstPatience) + protocol.MostGraces*protocol.Grace + time.Second
}

// StartsInLockout says that pump.fire_in_lockout lets a trigger start the pump while the tank is
// owed water (SPEC P5). It does so only if a flow or pressure input is there to see a dry run.
func (c Config) StartsInLockout() bool { return c.FireInLockout == "start" }

// StartUp is the time from a trigger to a running engine, if the first crank catches at its end.
func (c Config) StartUp() time.Duration { return c.PreOpenDelay + c.IgnitionStart }

// LongestRefill is the refill that the longest run owes.
func (c Config) LongestRefill() time.Duration { return c.refillFor(c.MaxEngineRuntime) }

// refillFor is what a run of that engine time owes.
func (c Config) refillFor(engine time.Duration) time.Duration {
	return time.Duration(float64(engine) * c.RefillMultiplier)
}

// Check finds what ranges cannot say; keys are relative to the section.
func (c Config) Check() []protocol.Mistake {
	var all []protocol.Mistake
	note := func(warning bool, key string, value time.Duration, allowed string, args ...any) {
		all = append(all, protocol.Mistake{Key: key, Value: value.String(),
			Allowed: fmt.Sprintf(allowed, args...), Warning: warning})
	}
	if c.RPMReductionLead >= c.MaxEngineRuntime {
		note(false, "rpm_reduction_lead", c.RPMReductionLead,
			"less than max_engine_runtime (%v)", c.MaxEngineRuntime)
	}
	if start := c.PreOpenDelay + c.IgnitionStart + c.PrimingDuration; start > c.MaxEngineRuntime/2 {
		note(true, "max_engine_runtime", c.MaxEngineRuntime,
			"at least twice the start-up with priming (%v)", start)
	}
	if c.ValveCloseDelay < c.IgnitionOff {
		note(true, "valve_close_delay", c.ValveCloseDelay,
			"at least ignition_off_duration (%v): a valve shut on an engine that runs down "+
				"strains the pump",
			c.IgnitionOff)
	}
	if refill := c.LongestRefill(); refill > 24*time.Hour {
		all = append(all, protocol.Mistake{Key: "refill_multiplier",
			Value: fmt.Sprint(c.RefillMultiplier), Warning: true, Allowed: fmt.Sprintf(
				"such that the longest run owes at most a day of refill, not %v", refill)})
	}
	if c.FireOffDelay > c.MaxEngineRuntime {
		note(true, "fire_off_delay", c.FireOffDelay,
			"at most max_engine_runtime (%v): no run ever ends because the fire is out",
			c.MaxEngineRuntime)
	}
	return all
}

// CheckInputs finds what depends on the inputs that [gpio] configures.
func (c Config) CheckInputs(flow, pressure bool) []protocol.Mistake {
	if !c.StartsInLockout() || flow || pressure {
		return nil
	}
	return []protocol.Mistake{{Key: "fire_in_lockout", Value: c.FireInLockout,
		Allowed: `"refuse" unless gpio.flow or gpio.line_pressure is configured: ` +
			"without one nothing sees the pump run dry"}}
}
