package system

import (
	"sync"
	"sync/atomic"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

// refs are the actors of the house. Nobody is an address too: what is sent to it is gone.
type refs struct {
	cameras, consensus, pump, gpio, frigate, discovery, bridge, telemetry, journal, recovery,
	alarms, overview, homeassistant actors.Ref
}

// deliver is who hears what: the one switch from a message's type to mailboxes. Size budget: it is a table.
func (r *refs) deliver(msg any) {
	switch m := msg.(type) {
	case protocol.Detected, protocol.CameraHeard, protocol.CamerasAsked,
		protocol.CameraAsked, protocol.ChartAsked:
		send(m, r.cameras)
	case protocol.CamerasFound:
		send(m, r.cameras, r.overview)
	case protocol.CameraSeen, protocol.NVRCamera:
		send(m, r.discovery)
	case protocol.CameraVerdict:
		send(m, r.cameras, r.overview, r.alarms, r.telemetry, r.consensus)
	case protocol.FireConfirmed:
		send(m, r.overview, r.alarms, r.cameras, r.bridge, r.pump) // the last one sent to runs first: see Context.Yield
	case protocol.TriggerOutcome:
		send(m, r.consensus, r.cameras)
	case protocol.TriggerRequested, protocol.Command:
		send(m, r.pump)
	case protocol.InputReport:
		send(m, r.overview, r.pump)
	case protocol.CooldownEnded:
		send(m, r.consensus)
	case protocol.SetOutputs:
		send(m, r.gpio)
	case protocol.LineReport:
		send(m, r.overview, r.pump, r.telemetry)
	case protocol.PumpStatus:
		send(m, r.overview, r.alarms, r.consensus, r.telemetry, r.recovery)
	case protocol.PumpMemory, protocol.ConsensusMemory, protocol.EventsAsked, protocol.JournalFlush:
		send(m, r.journal)
	case protocol.Event:
		send(m, r.bridge)
		if m.Action != protocol.HealthReport { // a pulse, no history
			send(m, r.journal)
		}
	case protocol.Heartbeat:
		send(m, r.journal)
	case protocol.Overview:
		send(m, r.homeassistant)
	case protocol.Publication:
		send(m, r.bridge)
	case protocol.Incoming:
		if m.Topic == protocol.TopicHomeAssistant {
			send(m, r.homeassistant)
		} else {
			send(m, r.frigate)
		}
	case protocol.BrokerLink:
		send(m, r.overview, r.alarms, r.frigate, r.telemetry)
	case protocol.Occurred, protocol.Rejected:
		send(m, r.telemetry)
	case protocol.ConsensusStatus:
		send(m, r.overview, r.telemetry)
	case protocol.DiscoveryStatus:
		send(m, r.overview, r.alarms, r.telemetry)
	case protocol.Fault:
		send(m, r.alarms, r.telemetry)
	case protocol.MachineSample, protocol.NVRStatus:
		send(m, r.overview, r.alarms)
	case protocol.SettingsChanged:
		send(m, r.alarms, r.overview)
	case protocol.Acknowledge:
		send(m, r.alarms)
	case protocol.AlarmsStanding:
		send(m, r.overview)
	}
}

func send(msg any, to ...actors.Ref) {
	for _, r := range to {
		r.Send(msg)
	}
}

// gate holds back what is published before every actor has its address, and opens once.
type gate struct {
	open    atomic.Bool
	mu      sync.Mutex // guards waiting until the gate is open
	waiting []any
	deliver func(any)
}

func (g *gate) publish(msg any) {
	if g.open.Load() {
		g.deliver(msg)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open.Load() {
		g.deliver(msg)
		return
	}
	g.waiting = append(g.waiting, msg)
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, msg := range g.waiting {
		g.deliver(msg)
	}
	g.waiting = nil
	g.open.Store(true)
}
