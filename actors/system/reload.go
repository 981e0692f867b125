package system

import (
	"context"
	"reflect"
	"sync/atomic"
	"time"

	"wildfire-watch/actors/camera"
	"wildfire-watch/actors/consensus"
	"wildfire-watch/actors/discovery"
	"wildfire-watch/actors/frigate"
	"wildfire-watch/actors/gpio"
	"wildfire-watch/actors/pump"
	"wildfire-watch/protocol"
)

// Config is the configuration that counts now.
func (s *System) Config() Config { return *s.config.Load() }

// Reload makes another configuration the one that counts, as far as that can be without a restart, and
// tells it: what can be at once, what concerns the pump if it is in IDLE, the rest not at all. after must
// be without mistakes. It waits for the actors for three seconds at most.
func (s *System) Reload(after Config) protocol.SettingsOutcome {
	s.reload.Lock()
	defer s.reload.Unlock()
	before := s.Config()
	p := planFor(before, after)
	if len(p.whenIdle) > 0 {
		if why := s.configurePump(before.Pump, p.target); why != "" {
			p = p.withoutPump(why)
		}
	}
	s.config.Store(&p.target)
	s.configure(before, p.target)
	o := p.outcome()
	s.Publish(protocol.Occurred{Action: protocol.SettingsReloaded, At: s.parts.Clock.Wall(),
		Details: map[string]any{"keys": o.Applied, "restart": o.Restart, "refused": o.Refused}})
	return o
}

// applyTime is the patience with an actor that takes settings.
const applyTime = time.Second

// configurePump offers the pump other durations. Who watches over the pump is told first, and bears
// both the old and the new while the pump decides: no order of messages makes a crank too long for them
// that is none for the pump.
func (s *System) configurePump(before pump.Config, to Config) (refused string) {
	now := s.Config()
	now.Pump.IgnitionStart = max(before.IgnitionStart, to.Pump.IgnitionStart)
	now.Pump.MaxEngineRuntime = max(before.MaxEngineRuntime, to.Pump.MaxEngineRuntime)
	if !s.watchPump(now) {
		refused = "the gpio actor does not answer"
	} else {
		refused = s.askPump(to)
	}
	if refused != "" {
		to = s.Config()
	}
	s.watchPump(to)
	return refused
}

// watchPump tells who watches over the pump what it may do.
func (s *System) watchPump(c Config) bool {
	s.board.Limit(cutOffs(c.Pump))
	done := make(chan struct{})
	s.refs.gpio.Send(gpio.Configured{VerifyTimeout: c.GPIO.VerifyTimeout, VerifyGrace: c.GPIO.VerifyGrace,
		WriteAttempts: c.GPIO.WriteAttempts, CrankLimit: c.Pump.IgnitionStart + crankMargin,
		Done: func() { close(done) }})
	return wait(context.Background(), done, applyTime)
}

// askPump returns why the pump refused. An answer that does not come in time is a refusal, and the pump
// is kept from taking the settings later.
func (s *System) askPump(c Config) (refused string) {
	var closed atomic.Bool // by the one who comes first
	answer := make(chan string, 1)
	s.refs.pump.Send(pump.Configured{Config: c.Pump, VerifyTimeout: c.GPIO.VerifyTimeout,
		VerifyGrace: c.GPIO.VerifyGrace, Wanted: func() bool { return !closed.Swap(true) },
		Reply: func(why string) { answer <- why }})
	t := time.NewTimer(applyTime)
	defer t.Stop()
	select {
	case why := <-answer:
		return why
	case <-t.C:
	}
	if closed.Swap(true) {
		return <-answer // it is just deciding
	}
	return "the pump does not answer"
}

// configure tells each actor whose settings are others. The cameras are first, and have said what they
// see by theirs before consensus counts by its own.
func (s *System) configure(before, to Config) {
	differs := func(a, b any) bool { return !reflect.DeepEqual(a, b) }
	if s.parts.Users != nil && (differs(before.Broker, to.Broker) || differs(before.HTTP, to.HTTP)) {
		s.parts.Users(to)
	}
	if differs(before.Growth, to.Growth) && s.refs.cameras.Name() != "" {
		done := make(chan struct{})
		s.refs.cameras.Send(camera.Configured{Config: to.Growth, Done: func() { close(done) }})
		wait(context.Background(), done, applyTime)
	}
	if differs(before.Consensus, to.Consensus) || before.Pump.FireOffDelay != to.Pump.FireOffDelay {
		s.refs.consensus.Send(consensus.Configured{Config: to.Consensus, FireOffDelay: to.Pump.FireOffDelay})
	}
	if differs(before.Frigate, to.Frigate) || differs(before.Growth, to.Growth) {
		f := FrigateSettings(to)
		s.refs.frigate.Send(frigate.Configured{AskInterval: f.Config.AskInterval, Labels: f.Labels,
			MaxCameras: f.MaxCameras, MaxObjects: f.MaxObjects})
	}
	if differs(before.Discovery, to.Discovery) || differs(before.Growth, to.Growth) {
		d := DiscoverySettings(to)
		s.refs.discovery.Send(discovery.Configured{Config: d.Config, MaxCameras: d.MaxCameras,
			CameraTimeout: d.CameraTimeout})
	}
	if before.Telemetry != to.Telemetry {
		s.refs.telemetry.Send(to.Telemetry)
	}
	if before.Alarms != to.Alarms {
		s.refs.alarms.Send(to.Alarms)
	}
	s.Publish(protocol.SettingsChanged{Threshold: to.Consensus.Threshold, CameraTimeout: to.Growth.Timeout,
		FireOffDelay: to.Pump.FireOffDelay})
}
