package alarms

import (
	"fmt"
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// Who says that an alarm's cause holds. Of two texts that of the first by name is shown.
const (
	fromFault     = "fault"
	fromLink      = "link " // and the service
	fromConsensus = "consensus"
	fromPump      = "pump"
	fromOthers    = "others"
)

// take turns a message into causes that hold and causes that end.
func (m *Machine) take(in any, now, wall time.Time) {
	switch in := in.(type) {
	case protocol.PumpStatus:
		m.heardPump(in, now)
	case protocol.Fault:
		m.set(!in.Cleared, in.Code, "", fromFault, in.Text, 0, now)
	case protocol.FireConfirmed:
		m.fire = now.Add(m.fireOff)
		m.holds(protocol.AlarmFire, "", fromConsensus, "seen by "+named(in.Cameras), 0, now)
	case protocol.CameraVerdict:
		m.set(!in.Online && !in.Gone, protocol.AlarmCameraOffline, in.Camera, fromOthers,
			"camera "+in.Camera+" is not heard of: it cannot vote", m.config.CameraOffline, now)
	case protocol.DiscoveryStatus:
		m.set(in.Reduced != "", protocol.AlarmDiscoveryReduced, "", fromOthers, in.Reduced, 0, now)
	case protocol.SettingsChanged:
		m.fireOff = in.FireOffDelay
	case Config:
		m.configure(in)
	case protocol.NVRStatus:
		m.set(in.Seen && !in.Running && !in.Stopped, protocol.AlarmNVRSilent, "", fromOthers,
			"the NVR tells no figures any more: perhaps it sees no fire either", 0, now)
	case protocol.BrokerLink:
		m.set(!in.Connected, protocol.AlarmBroker, "", fromLink+string(in.Service),
			fmt.Sprintf("connection %s to the broker is down: %s", in.Service, in.Reason), 0, now)
	case protocol.MachineSample:
		m.heardMachine(in, now)
	case protocol.Acknowledge:
		m.acknowledge(in, now, wall)
	}
}

// Expect has cameras be offline that are not heard of for so long.
func (m *Machine) Expect(cameras []string, within time.Duration, now time.Time) {
	for _, camera := range cameras {
		m.holds(protocol.AlarmCameraOffline, camera, fromOthers,
			"camera "+camera+" stands in the configuration and has not been heard of since the start", within, now)
	}
}

// set says whether an alarm's cause holds.
func (m *Machine) set(holds bool, code, subject, source, text string, delay time.Duration, now time.Time) {
	if holds {
		m.holds(code, subject, source, text, delay, now)
	} else {
		m.ends(code, subject, source, now)
	}
}

// heardPump takes up the pump's alarms: those that it says no more are over.
func (m *Machine) heardPump(in protocol.PumpStatus, now time.Time) {
	said := make(map[string]bool, len(in.System.Alarms))
	for _, a := range in.System.Alarms {
		said[a.Code] = true
		m.holds(a.Code, "", fromPump, a.Text, 0, now)
	}
	for code := range m.pump {
		if !said[code] {
			m.ends(code, "", fromPump, now)
		}
	}
	m.pump = said
	m.set(in.System.SimulationBoard, protocol.AlarmSimulated, "", fromOthers,
		"the board is a simulator: no real line is driven", 0, now)
}

// heardMachine judges this machine; what could not be had changes nothing.
func (m *Machine) heardMachine(in protocol.MachineSample, now time.Time) {
	if in.Disk != nil && in.DiskFree != nil {
		switch free, used := *in.DiskFree, *in.Disk; {
		case free < m.config.leastFree() && used >= mostUsed:
			m.holds(protocol.AlarmDiskFull, "", fromOthers,
				fmt.Sprintf("%d MiB are left on the disk of the journal", free>>20), 0, now)
		case free >= m.config.enoughFree() || used < littleUsed:
			m.ends(protocol.AlarmDiskFull, "", fromOthers, now)
		}
	}
	if in.Temperature != nil {
		switch t, hot := *in.Temperature, float64(m.config.Temperature); {
		case t >= hot:
			m.holds(protocol.AlarmHot, "", fromOthers, fmt.Sprintf("the processor has %.0f °C", t), 0, now)
		case t < hot-cooler:
			m.ends(protocol.AlarmHot, "", fromOthers, now)
		}
	}
	if in.ClockSynced != nil {
		m.set(!*in.ClockSynced, protocol.AlarmClock, "", fromOthers,
			"nothing keeps the clock right: the times of events may be wrong", 0, now)
	}
}

// named lists some cameras.
func named(cameras []string) string {
	const most = 10
	if len(cameras) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(cameras[:most], ", "), len(cameras)-most)
	}
	return strings.Join(cameras, ", ")
}
