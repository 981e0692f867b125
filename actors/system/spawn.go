package system

import (
	"maps"
	"os"
	"slices"
	"time"

	"wildfire-watch/actors"
	"wildfire-watch/actors/alarms"
	"wildfire-watch/actors/bridge"
	"wildfire-watch/actors/camera"
	"wildfire-watch/actors/consensus"
	"wildfire-watch/actors/discovery"
	"wildfire-watch/actors/frigate"
	"wildfire-watch/actors/gpio"
	"wildfire-watch/actors/homeassistant"
	"wildfire-watch/actors/journal"
	"wildfire-watch/actors/overview"
	"wildfire-watch/actors/pump"
	"wildfire-watch/actors/telemetry"
)

// A crank, and a run, is ended by the pump. Who watches the pump waits that much longer, each longer
// than the one before, so that the order of protection is the order in which they act:
//
//	the pump            ignition_start_duration             max_engine_runtime
//	the gpio actor      + crankMargin                       (gpio.deadman, if the pump is silent)
//	the gate's cut-off  + cutCrankMargin + protocol.Grace   + cutEngineMargin + protocol.Grace
const (
	crankMargin     = 50 * time.Millisecond
	cutCrankMargin  = 250 * time.Millisecond
	cutEngineMargin = time.Second
)

// cutOffs are the gate's limits.
func cutOffs(c pump.Config) gpio.CutOffs {
	return gpio.CutOffs{Crank: c.IgnitionStart + cutCrankMargin,
		Engine: c.MaxEngineRuntime + cutEngineMargin}
}

// resident is an actor of the house: its place in the routes, and how it is made.
type resident struct {
	ref  *actors.Ref
	name string
	kind actors.Kind
	make func() actors.Actor
}

// residents says who exists, in the order of starting: who remembers and reports first, then the
// hardware, which sets every output inactive, then the pump, then whoever can ask it for anything.
func (s *System) residents() []resident {
	c, p := s.parts.Config, s.parts
	b := bridge.New(bridge.Settings{
		Config: c.MQTT, FrigatePrefix: c.Frigate.TopicPrefix, Instance: s.instance, Dial: p.Dial,
		HomeAssistant: c.HomeAssistant.Enabled, DetectSize: DetectSize(c), Publish: s.Publish, Log: p.Log.Named("bridge"), Clock: p.Clock,
	})
	s.queue = b.Queue
	host, _ := os.Hostname() // empty: reports go without
	t := telemetry.New(telemetry.Settings{
		Config: c.Telemetry, Site: c.Site.Name, Host: host, Boot: s.instance, Instance: s.instance,
		Version: p.Version, Known: len(c.Cameras.Known), Dir: c.Journal.Dir, Figures: s.Figures,
		Queue: b.Queue, Log: p.Log.Named("telemetry"), Recovered: p.Recovered, AskKernel: p.AskKernel,
	})
	registry := camera.NewRegistry(c.Growth, c.Cameras.Known)
	all := []resident{
		{&s.refs.journal, "journal", actors.Kind{Name: "journal"}, func() actors.Actor { return journal.New(c.Journal, p.Store) }},
		{&s.refs.telemetry, "telemetry", telemetry.Kind, func() actors.Actor { return t }},
		{&s.refs.gpio, "gpio", critical("gpio"), func() actors.Actor {
			return gpio.New(gpio.Settings{Config: c.GPIO, Trip: s.silent,
				CrankLimit: c.Pump.IgnitionStart + crankMargin}, s.board)
		}},
		{&s.refs.pump, "pump", critical("pump"), func() actors.Actor {
			return pump.New(pump.Settings{Config: c.Pump, VerifyTimeout: c.GPIO.VerifyTimeout,
				VerifyGrace: c.GPIO.VerifyGrace, Recovered: p.Recovered, Simulated: p.Board.Simulated(),
				Deadman: c.GPIO.Deadman, Trip: s.silent})
		}},
		{&s.refs.consensus, "consensus", consensus.Kind, func() actors.Actor {
			return consensus.New(consensus.Settings{Config: c.Consensus, FireOffDelay: c.Pump.FireOffDelay,
				Memory: p.Recovered.Consensus})
		}},
		{&s.refs.cameras, "cameras", actors.Kind{Name: "cameras", BulkLimit: 16384}, func() actors.Actor { return registry }},
		{&s.refs.frigate, "frigate", frigate.Kind, func() actors.Actor {
			return frigate.New(FrigateSettings(s.Config()))
		}},
	}
	all = append(all, s.watching(host)...)
	if p.Network != nil && c.Discovery.Enabled {
		all = append(all, resident{&s.refs.discovery, "discovery", discovery.Kind, s.discovery()})
	}
	if !p.NoBridge && (c.HomeAssistant.Enabled || c.MQTT.URL != "") { // another's broker may remember us
		all = append(all, resident{&s.refs.homeassistant, "homeassistant", homeassistant.Kind, s.homeAssistant})
	}
	if !p.NoBridge {
		all = append(all, resident{&s.refs.bridge, "bridge", bridge.Kind, func() actors.Actor { return b }})
	}
	if p.Recovered.SafeMode {
		all = s.inSafeMode(all)
	}
	return all
}

// watching are who tells people how the house is. They stay in safe mode.
func (s *System) watching(host string) []resident {
	c, p := s.parts.Config, s.parts
	seen := alarms.Settings{Config: c.Alarms, FireOffDelay: c.Pump.FireOffDelay, Host: host}
	if !p.Recovered.SafeMode { // else nobody looks at cameras
		seen.Cameras, seen.CameraTimeout = slices.Sorted(maps.Keys(c.Cameras.Known)), c.Growth.Timeout
	}
	standing := alarms.New(seen)
	picture := overview.New(overview.Facts{Site: c.Site.Name, Host: host, Version: p.Version, Boot: s.instance,
		Board: s.board.Describe(), Simulated: s.board.Simulated(), Threshold: c.Consensus.Threshold,
		Discovery: p.Network != nil && c.Discovery.Enabled, Broker: !p.NoBridge, Recovered: p.Recovered})
	return []resident{
		{&s.refs.alarms, "alarms", alarms.Kind, func() actors.Actor { return standing }},
		{&s.refs.overview, "overview", overview.Kind, func() actors.Actor { return picture }},
	}
}

// discovery makes the actor that looks for cameras.
func (s *System) discovery() func() actors.Actor {
	p := s.parts
	settings := DiscoverySettings(p.Config)
	settings.Network, settings.Maker = p.Network, p.Makers
	if p.CameraYAML != nil {
		settings.YAML = func(found []discovery.Camera) ([]byte, error) { return p.CameraYAML(s.Config(), found) }
	}
	settings.Clock, settings.Log = p.Clock, p.Log.Named("discovery")
	return discovery.New(settings)
}

// homeAssistant makes the actor that tells Home Assistant.
func (s *System) homeAssistant() actors.Actor {
	c := s.parts.Config
	return homeassistant.New(homeassistant.Settings{Config: c.HomeAssistant, Site: c.Site.Name, Version: s.parts.Version,
		ClientID: c.MQTT.ClientID, TopicPrefix: c.MQTT.TopicPrefix})
}

// critical actors are never restarted in place: a panic trips the outputs and ends the process.
func critical(name string) actors.Kind { return actors.Kind{Name: name, Critical: true} }

// spawn starts the residents in their order.
func (s *System) spawn() error {
	for _, r := range s.residents() {
		ref, err := s.house.Spawn(r.name, r.kind, r.make)
		if err != nil {
			return err
		}
		*r.ref = ref
	}
	return nil
}
