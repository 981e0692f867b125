package stage

import (
	"fmt"
	"time"

	"wildfire-watch/protocol"
)

// titles name the first cameras; more are numbered.
var titles = []string{"North ridge", "Tower", "South slope", "Barn", "East gate", "Creek"}

func known[T any](v T) *T { return &v }

// house is one that is ready, with so many cameras: of every forty one is offline and one has a problem.
func house(cameras int) protocol.Overview {
	now := unix(time.Now())
	o := protocol.Overview{Site: "Hillside house", Host: "pump-house", Version: "1.0.0", Boot: "5f2c9a10", Uptime: 86400 * 12,
		Ready: protocol.Readiness{Ready: true, Why: []string{}},
		Pump: protocol.SystemState{State: protocol.Idle, RefillComplete: true, ReservoirFull: known(true), LinePressureOK: known(false),
			TotalRuntime: 5230, RuntimeLeft: 1800, ActiveTimers: []string{}},
		Lines: protocol.LinesView{Board: "gpiochip0 [pinctrl-bcm2711]", Available: true, Inputs: map[string]string{
			"reservoir_float": "active", "line_pressure": "inactive", "flow": "inactive", "stop_button": "inactive", "engine_running": "inactive"}},
		Consensus: protocol.FireView{Threshold: 2, Agreeing: []string{}},
		Alarms:    []protocol.Standing{},
		NVR:       protocol.NVRView{Seen: true, Running: true, Version: "Frigate 0.16.1", Cameras: cameras, API: true, Heard: now},
		Machine: protocol.MachineView{CPU: known(14.2), Memory: known(38.0), Disk: known(41.0), DiskFree: known(uint64(71_400_000_000)),
			Temperature: known(52.0), ClockSynced: known(true)},
		Discovery: protocol.FoundView{Enabled: true, Cycle: 214, Steady: true, Known: cameras, LastScan: now - 700},
		Start:     protocol.StartView{Boots: 7, LastStop: "signal"},
	}
	for l := range protocol.NumLines {
		o.Lines.Outputs = append(o.Lines.Outputs, protocol.OutputView{Name: l.String()})
	}
	for _, s := range protocol.Services {
		o.Services = append(o.Services, protocol.LinkView{Name: s, Connected: true})
	}
	for i := range cameras {
		o.Cameras = append(o.Cameras, camera(i, now))
		if o.Cameras[i].Online {
			o.Consensus.Online++
		}
	}
	return o
}

func camera(i int, now float64) protocol.CameraLine {
	c := protocol.CameraLine{Name: fmt.Sprintf("cam_%03d", i+1), MAC: fmt.Sprintf("02:00:5e:00:%02x:%02x", i/256, i%256),
		IP: fmt.Sprintf("192.0.2.%d", i%250+1), Online: true, Healthy: true, Found: true, Objects: []string{},
		LastHeard: now - float64(i%7)}
	if i < len(titles) {
		c.Title = titles[i]
	}
	switch i % 40 {
	case 38:
		c.Online, c.Healthy, c.LastHeard, c.Problem = false, false, now-4000, "does not answer since 11:02"
	case 39:
		c.Healthy, c.Problem = false, "frozen: its picture has not changed for 20 min"
	}
	return c
}

// past is a history: a test run yesterday, and the small things of a house.
func past(o protocol.Overview) (events []protocol.Event) {
	now := unix(time.Now())
	add := func(ago float64, state protocol.State, a protocol.Action, reason string, details map[string]any) {
		system := o.Pump
		system.State = state
		events = append(events, protocol.Event{Action: a, Host: o.Host, Timestamp: now - ago, Seq: uint64(len(events) + 1), Boot: o.Boot,
			GPIOAvailable: true, Reason: reason, System: system, Details: details})
	}
	const day = 86400.0
	add(day+9000, protocol.Idle, protocol.ControllerStarted, "", map[string]any{"boots": 7, "last_stop": "signal"})
	add(day+8990, protocol.Idle, protocol.MQTTConnected, "", nil)
	add(day, protocol.Priming, protocol.EmergencyBypassStart, "", map[string]any{"source": "page", "by": "page: anna"})
	add(day-2, protocol.Starting, protocol.EngineStartSequence, "", nil)
	add(day-8, protocol.Running, protocol.EngineRunning, "", nil)
	add(day-188, protocol.Running, protocol.PrimingComplete, "", nil)
	add(day-600, protocol.Stopping, protocol.EmergencyStop, "", map[string]any{"source": "page", "by": "page: anna"})
	add(day-700, protocol.Refilling, protocol.EmergencyReset, "", map[string]any{"source": "page", "by": "page: anna"})
	add(day-7000, protocol.Cooldown, protocol.RefillCompleteFloatSwitch, "", nil)
	add(day-7060, protocol.Idle, protocol.IdleStateEntered, "", nil)
	for i := range 14 {
		add(50000-float64(i)*3300, protocol.Idle, protocol.CameraOffline, "", map[string]any{"camera": fmt.Sprintf("cam_%03d", i+3)})
		add(49900-float64(i)*3300, protocol.Idle, protocol.CameraOnline, "", map[string]any{"camera": fmt.Sprintf("cam_%03d", i+3)})
	}
	add(2500, protocol.Idle, protocol.GPIORetry, "priming_valve", nil)
	add(1400, protocol.Idle, protocol.CommandRefused, "stop_button_active", map[string]any{"source": "mqtt", "command": "reset"})
	return events
}
