package system

import (
	"wildfire-watch/actors/alarms"
	"wildfire-watch/actors/bridge"
	"wildfire-watch/actors/camera"
	"wildfire-watch/actors/consensus"
	"wildfire-watch/actors/discovery"
	"wildfire-watch/actors/frigate"
	"wildfire-watch/actors/gpio"
	"wildfire-watch/actors/homeassistant"
	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/pump"
	"wildfire-watch/actors/telemetry"
	"wildfire-watch/watchdog"
	"wildfire-watch/web"
)

// Config is the whole configuration: one field for each reader of a section of config.toml. It has
// no defaults in code: Load lays the user's file over config.toml. SPEC §6.
type Config struct {
	Site          Site                 `key:"site"`
	MQTT          bridge.Config        `key:"mqtt"`
	Broker        bridge.BrokerConfig  `key:"broker"`
	Frigate       frigate.Config       `key:"frigate"`
	HomeAssistant homeassistant.Config `key:"homeassistant"`
	Cameras       camera.Names         `key:"cameras"`
	Discovery     discovery.Config     `key:"cameras"`
	Consensus     consensus.Config     `key:"consensus"`
	Growth        camera.Config        `key:"consensus"`
	Pump          pump.Config          `key:"pump"`
	GPIO          gpio.Config          `key:"gpio"`
	Simulator     gpio.SimulatorConfig `key:"simulator"`
	Watchdog      watchdog.Config      `key:"watchdog"`
	Telemetry     telemetry.Config     `key:"telemetry"`
	Alarms        alarms.Config        `key:"alarms"`
	HTTP          web.Config           `key:"http"`
	Journal       journal.Config       `key:"journal"`
	Log           Log                  `key:"log"`
}

// simulated says whether nothing real is driven: every lower bound of a time is then 10 ms.
func (c Config) simulated() bool { return c.GPIO.Board == "simulator" }

// PumpTimes are the durations of [pump] that size the simulated plant; see gpio.Config.Simulator.
func (c Config) PumpTimes() gpio.PumpTimes {
	return gpio.PumpTimes{Crank: c.Pump.IgnitionStart, Attempts: c.Pump.CrankAttempts,
		Run: c.Pump.MaxEngineRuntime, Priming: c.Pump.PrimingDuration,
		Check: c.Pump.PressureCheckDelay, Pulse: c.Pump.IgnitionOff, Refill: c.Pump.RefillMultiplier}
}
