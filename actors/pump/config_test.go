package pump

import (
	"strings"
	"testing"
	"time"
)

func TestTheDefaultsAreWithoutMistake(t *testing.T) {
	if all := defaults().Config.Check(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestSettingsThatContradictEachOtherAreFound(t *testing.T) {
	for _, c := range []struct {
		key     string
		warning bool
		change  func(*Config)
	}{
		{"rpm_reduction_lead", false, func(c *Config) { c.RPMReductionLead = c.MaxEngineRuntime }},
		{"max_engine_runtime", true, func(c *Config) { c.MaxEngineRuntime, c.FireOffDelay = 300*s, 60*s }},
		{"valve_close_delay", true, func(c *Config) { c.ValveCloseDelay = 4 * s }},
		{"refill_multiplier", true, func(c *Config) { c.RefillMultiplier = 49 }},
		{"fire_off_delay", true, func(c *Config) { c.FireOffDelay = 2 * time.Hour }},
	} {
		config := defaults().Config
		c.change(&config)
		all := config.Check()
		if len(all) != 1 || all[0].Key != c.key || all[0].Warning != c.warning || all[0].Value == "" || all[0].Allowed == "" {
			t.Errorf("%s: %+v", c.key, all)
		}
	}
}

func TestStartingInTheLockoutNeedsASensorThatSeesADryRun(t *testing.T) {
	c := defaults().Config
	if len(c.CheckInputs(false, false)) != 0 {
		t.Error(`"refuse" needs no sensor`)
	}
	c.FireInLockout = "start"
	if all := c.CheckInputs(false, false); len(all) != 1 || !strings.Contains(all[0].Allowed, "gpio.flow") {
		t.Errorf("%+v", all)
	}
	if len(c.CheckInputs(true, false))+len(c.CheckInputs(false, true)) != 0 {
		t.Error("flow or pressure is enough")
	}
}
