package protocol

import (
	"fmt"
	"strings"
)

// EventKind is one row of the table of events.
type EventKind struct {
	Action Action
	Means  string
}

// EventKinds is the one table of events; docs/events.md is printed from it.
//
// Size budget: a table, read as a whole.
var EventKinds = []EventKind{
	// The pump.
	{PumpSequenceStart, "The pump begins a run: the main valve opens. Details: cause, source."},
	{EngineStartSequence, "The engine is cranked."},
	{IgnitionStartDegraded, "A crank did not read as it should; the run goes on."},
	{EngineRunning, "The engine runs."},
	{EngineStartFailed, "All cranks are used up and the engine does not run."},
	{PrimingStarted, "The priming valve opens."},
	{PrimingDegraded, "The priming valve does not follow; the run goes on."},
	{PrimingComplete, "Priming is over."},
	{RefillValveOpenedImmediately, "The refill valve opens with the run."},
	{RefillValveFailed, "The refill valve does not follow."},
	{RPMReduced, "The engine's speed is reduced before a stop."},
	{ShutdownInitiated, "The run ends: the engine will be stopped. The reason says why."},
	{ShutdownCancelled, "A trigger or an emergency start came while the speed was reduced: the run goes on."},
	{ShutdownComplete, "The stop pulse is over; the main valve shuts pump.valve_close_delay later."},
	{RefillContinuing, "The run is over and the refill goes on. Details: seconds."},
	{RefillCompleteTimer, "The refill time is over."},
	{RefillCompleteFloatSwitch, "The tank is full."},
	{RefillFailed, "The refill could not be done."},
	{CooldownEntered, "The pump rests before it is ready again."},
	{IdleStateEntered, "The pump is ready."},
	{LowPressureDetected, "The line has no pressure while the engine runs."},
	{DryRunProtectionTriggered, "The engine ran without water for too long and is stopped."},
	{ErrorStateEntered, "The pump is in ERROR until a reset. The reason says why."},
	{EngineWillNotStop, "The engine feedback says that it runs on after the stop pulse."},
	{BootRecovered, "A run, a refill or a stop of before the start is taken up again."},

	// Triggers and orders.
	{TriggerExtended, "A trigger came during a run: the fire counts from now."},
	{TriggerRefused, "A trigger was not obeyed. The reason says why."},
	{TriggerBlockedRefilling, "A trigger came while the tank is refilled; it is remembered."},
	{ErrorStateTriggerIgnored, "A trigger came while the pump is in ERROR."},
	{CommandRefused, "A person's order was not obeyed. Details: command, source, by."},
	{EmergencyBypassStart, "A person has started the pump."},
	{EmergencyStop, "A person, or the stop button, has stopped the pump; the stop is held until a reset."},
	{EmergencyReset, "A person has reset a held stop or ERROR."},
	{EmergencyValveOpen, "A person has opened the main valve."},
	{EmergencyValveClose, "A person has shut the main valve."},
	{EmergencyCommandUnknown, "An order over MQTT with a word that is none."},
	{EmergencyCommandError, "An order over MQTT that cannot be read."},
	{EmergencyButtonPressed, "The emergency button was pressed."},

	// The lines.
	{GPIORetry, "A line does not read as it was written and is written again."},
	{GPIOFailureFinal, "A line has failed after all attempts."},
	{HardwareValidationFailure, "At the start: the board does not answer, or an output reads on that was set inactive."},
	{SimulationModeWarning, "The board is a simulator: nothing real is driven."},

	// The program.
	{ControllerStarted, "The program has started. Details: boots, last_stop, failed_starts, safe_mode."},
	{ControllerShutdown, "The program ends in good order."},
	{DeadmanTripped, "Pump or lines were silent for gpio.deadman: the engine was stopped and the program ends."},
	{CutoffTripped, "A crank or a run outlasted its limit on the lines: stopped, and the program ends."},
	{ControllerTripped, "The program failed in a vital part: the engine was stopped and it ends."},
	{SettingsReloaded, "Settings were read anew. Details: keys (taken up), restart (waiting for one), refused."},
	{SettingsRefused, "Settings have mistakes: nothing has changed. The reason says which."},
	{HealthReport, "The pulse that dashboards watch, with each health report; it is in no history."},
	{MQTTConnected, "Every connection to the broker is up."},
	{MQTTDisconnected, "A connection to the broker was lost."},

	// People.
	{LoginRefused, "Somebody was not let in, on page, API or embedded broker. Details: by, source, address, user (one of ours), " +
		"count, of all since the event before. Ten at once and six an hour."},

	// Cameras.
	{CameraDiscovered, "A camera was found. Details: camera, mac, ip; so for all of cameras."},
	{CameraOffline, "A camera went off line."},
	{CameraOnline, "A camera is back."},
	{CameraMoved, "A camera has another address. Details: old_ip too."},
	{CameraReplaced, "Another device has a camera's address. Details: by too."},

	// Alarms.
	{AlarmRaised, "An alarm came. Details: code, subject, severity, title, first; reminder if it stands since before."},
	{AlarmCleared, "An alarm's cause is gone. Details: count too."},
	{AlarmAcknowledged, "A person has seen alarms. Details: by, codes, count."},
}

// EventTable is the table as Markdown, for docs/events.md.
func EventTable() string {
	var b strings.Builder
	b.WriteString("| event | what it means |\n|---|---|\n")
	for _, k := range EventKinds {
		fmt.Fprintf(&b, "| `%s` | %s |\n", k.Action, k.Means)
	}
	return b.String()
}
