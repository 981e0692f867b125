package overview

import (
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// Facts are what does not change while the program runs.
type Facts struct {
	Site, Host, Version, Boot string
	// Board is hardware.Board.Describe; Simulated: nothing real is driven.
	Board     string
	Simulated bool
	// Threshold is consensus.threshold: so many cameras must agree.
	Threshold int
	// Discovery: cameras are looked for. Broker: there is one to connect to.
	Discovery, Broker bool
	// Recovered is what the journal told at the start.
	Recovered protocol.Recovered
}

// Machine is the newest of everything that was heard. One actor owns it; its methods keep no clock. now is
// monotonic, wall the wall clock at the same instant.
type Machine struct {
	facts     Facts
	began     time.Time
	number    uint64
	pump      protocol.PumpStatus
	hasPump   bool
	lines     protocol.LineReport
	hasLines  bool
	inputs    protocol.Inputs
	cameras   []protocol.CameraView
	consensus protocol.ConsensusStatus
	agreed    time.Time // enough cameras have agreed since; zero: they do not
	fire      time.Time // wall clock of the last trigger; zero: none
	alarms    []protocol.Standing
	links     map[protocol.Service]protocol.LinkView
	nvr       protocol.NVRStatus
	machine   protocol.MachineView
	discovery protocol.DiscoveryStatus
	scanned   time.Time // wall clock of the last full scan's report; zero: none yet
}

// NewMachine makes a machine that has heard nothing.
func NewMachine(f Facts, now time.Time) *Machine {
	return &Machine{facts: f, began: now, links: make(map[protocol.Service]protocol.LinkView)}
}

// Seen is the camera registry's snapshot.
type Seen []protocol.CameraView

// Hear takes a message up and says whether it is worth telling.
func (m *Machine) Hear(in any, now, wall time.Time) bool {
	switch in := in.(type) {
	case protocol.PumpStatus:
		m.pump, m.hasPump = in, true
	case protocol.LineReport:
		same := m.hasLines && in.Commanded == m.lines.Commanded && in.Read == m.lines.Read &&
			in.Failed == m.lines.Failed && in.Available == m.lines.Available
		m.lines, m.hasLines = in, true
		return !same
	case protocol.InputReport:
		m.inputs = in.Inputs
	case Seen:
		same := slices.EqualFunc(m.cameras, in, alike)
		m.cameras = in
		return !same
	case protocol.ConsensusStatus:
		m.consensus = in
		if enough := len(in.Agreeing) >= max(1, m.facts.Threshold); !enough {
			m.agreed = time.Time{}
		} else if m.agreed.IsZero() {
			m.agreed = now
		}
	case protocol.FireConfirmed:
		m.fire = in.Wall
	case protocol.AlarmsStanding:
		m.alarms = in.Alarms
	case protocol.BrokerLink:
		m.links[in.Service] = protocol.LinkView{Name: in.Service, Connected: in.Connected, Reason: in.Reason}
	case protocol.NVRStatus:
		m.nvr = in
	case protocol.SettingsChanged:
		m.facts.Threshold = in.Threshold
	case protocol.MachineSample:
		m.machine = in.MachineView
	case protocol.DiscoveryStatus:
		if in.Last.Cycle > 0 && (m.scanned.IsZero() || in.Last.Cycle != m.discovery.Last.Cycle) {
			m.scanned = wall
		}
		m.discovery = in
	default:
		return false
	}
	return true
}

// alike says whether two views of a camera differ in nothing but its last sign of life.
func alike(a, b protocol.CameraView) bool {
	return a.Name == b.Name && a.MAC == b.MAC && a.IP == b.IP && a.Title == b.Title && a.Online == b.Online &&
		a.Healthy == b.Healthy && a.Found == b.Found && a.Problem == b.Problem && a.Growing == b.Growing &&
		a.Steady == b.Steady && slices.Equal(a.Objects, b.Objects)
}

// Tell is the next overview. Nothing in it is changed later.
func (m *Machine) Tell(now, wall time.Time) protocol.Overview {
	m.number++
	f := m.facts
	stamp := func(t time.Time) float64 { // a monotonic instant on the wall clock
		if t.IsZero() {
			return 0
		}
		return seconds(wall.Add(t.Sub(now)))
	}
	o := protocol.Overview{At: seconds(wall), Number: m.number, Site: f.Site, Host: f.Host, Version: f.Version,
		Boot: f.Boot, Uptime: now.Sub(m.began).Seconds(), Ready: m.ready(), Pump: m.pump.System, Lines: m.lineView(),
		Consensus: protocol.FireView{Threshold: f.Threshold, Online: m.consensus.Online,
			Agreeing: listed(m.consensus.Agreeing), Since: stamp(m.agreed), Triggers: m.consensus.Triggers,
			Accepted: m.consensus.Accepted, Last: seconds(m.fire)},
		Alarms: m.alarms, Machine: m.machine,
		NVR: protocol.NVRView{Seen: m.nvr.Seen, Running: m.nvr.Running, Version: m.nvr.Version,
			Cameras: m.nvr.Cameras, API: m.nvr.API, Heard: stamp(m.nvr.Heard)},
		Discovery: protocol.FoundView{Enabled: f.Discovery, Cycle: m.discovery.Cycle, Steady: m.discovery.Steady,
			Known: m.discovery.Known, Suspects: m.discovery.Suspects, Reduced: m.discovery.Reduced,
			LastScan: seconds(m.scanned)},
		Start: protocol.StartView{Boots: f.Recovered.Boots, LastStop: f.Recovered.LastStop, Failed: f.Recovered.Failed,
			SafeMode: f.Recovered.SafeMode},
	}
	if m.consensus.CooldownUntil.After(now) {
		o.Consensus.Cooldown = stamp(m.consensus.CooldownUntil)
	}
	o.Pump.ActiveTimers = listed(o.Pump.ActiveTimers)
	if o.Alarms == nil {
		o.Alarms = []protocol.Standing{}
	}
	for _, s := range protocol.Services {
		link := m.links[s]
		link.Name = s
		o.Services = append(o.Services, link)
	}
	o.Cameras = make([]protocol.CameraLine, 0, len(m.cameras))
	for _, v := range m.cameras {
		o.Cameras = append(o.Cameras, protocol.CameraLine{Name: v.Name, Title: v.Title, MAC: v.MAC, IP: v.IP,
			Online: v.Online, Healthy: v.Healthy, Found: v.Found, Problem: v.Problem, Growing: v.Growing,
			Steady: v.Steady, Objects: listed(v.Objects), LastHeard: stamp(v.LastHeard)})
	}
	return o
}

// lineView is the lines and the inputs that are fitted.
func (m *Machine) lineView() protocol.LinesView {
	v := protocol.LinesView{Board: m.facts.Board, Simulated: m.facts.Simulated, Available: m.lines.Available,
		Inputs: make(map[string]string)}
	for l := range protocol.NumLines {
		v.Outputs = append(v.Outputs, protocol.OutputView{Name: l.String(), On: m.lines.Commanded.Has(l),
			Reads: m.lines.Read.Has(l), Failed: m.lines.Failed.Has(l)})
	}
	m.inputs.Each(func(name string, s protocol.Sensor) {
		if s.Fitted() {
			v.Inputs[name] = s.String()
		}
	})
	return v
}

// listed is a list that is [] and not null in JSON.
func listed(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

// seconds is Unix time; 0 for no time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
