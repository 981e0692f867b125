package protocol

// Action is the name of an event on system/trigger_telemetry. The names are public interface; EventKinds says
// what each means and what its details are.
type Action string

// The actions of SPEC §4.
const (
	PumpSequenceStart            Action = "pump_sequence_start"
	PrimingStarted               Action = "priming_started"
	PrimingDegraded              Action = "priming_degraded"
	RefillValveOpenedImmediately Action = "refill_valve_opened_immediately"
	RefillValveFailed            Action = "refill_valve_failed"
	EngineStartSequence          Action = "engine_start_sequence"
	IgnitionStartDegraded        Action = "ignition_start_degraded"
	EngineRunning                Action = "engine_running"
	PrimingComplete              Action = "priming_complete"
	RPMReduced                   Action = "rpm_reduced"
	ShutdownInitiated            Action = "shutdown_initiated"
	ShutdownComplete             Action = "shutdown_complete"
	ShutdownCancelled            Action = "shutdown_cancelled"
	RefillContinuing             Action = "refill_continuing"
	RefillCompleteTimer          Action = "refill_complete_timer"
	RefillCompleteFloatSwitch    Action = "refill_complete_float_switch"
	RefillFailed                 Action = "refill_failed"
	CooldownEntered              Action = "cooldown_entered"
	IdleStateEntered             Action = "idle_state_entered"
	LowPressureDetected          Action = "low_pressure_detected"
	DryRunProtectionTriggered    Action = "dry_run_protection_triggered"
	ErrorStateEntered            Action = "error_state_entered"
	ErrorStateTriggerIgnored     Action = "error_state_trigger_ignored"
	TriggerBlockedRefilling      Action = "trigger_blocked_refilling"
	TriggerExtended              Action = "trigger_extended"
	TriggerRefused               Action = "trigger_refused"
	CommandRefused               Action = "command_refused"
	EmergencyBypassStart         Action = "emergency_bypass_start"
	EmergencyStop                Action = "emergency_stop"
	EmergencyReset               Action = "emergency_reset"
	EmergencyValveOpen           Action = "emergency_valve_open"
	EmergencyValveClose          Action = "emergency_valve_close"
	EmergencyCommandUnknown      Action = "emergency_command_unknown"
	EmergencyCommandError        Action = "emergency_command_error"
	EmergencyButtonPressed       Action = "emergency_button_pressed"
	EngineStartFailed            Action = "engine_start_failed"
	EngineWillNotStop            Action = "engine_will_not_stop"
	BootRecovered                Action = "boot_recovered"
	GPIORetry                    Action = "gpio_retry"
	GPIOFailureFinal             Action = "gpio_failure_final"
	HardwareValidationFailure    Action = "hardware_validation_failure"
	SimulationModeWarning        Action = "simulation_mode_warning"
	MQTTConnected                Action = "mqtt_connected"
	MQTTDisconnected             Action = "mqtt_disconnected"
	HealthReport                 Action = "health_report"
	ControllerShutdown           Action = "controller_shutdown"
	// ControllerStarted comes first of every process.
	ControllerStarted Action = "controller_started"
)

// Trips: the engine was stopped past every mailbox and the process ends. The reason says why.
const (
	DeadmanTripped    Action = "deadman_tripped"
	CutoffTripped     Action = "cutoff_tripped"
	ControllerTripped Action = "controller_tripped"
)

// What became of settings that were read anew.
const (
	SettingsReloaded Action = "settings_reloaded"
	SettingsRefused  Action = "settings_refused"
)

// LoginRefused names one of our users or nobody: what a stranger calls itself may be a password. All but the
// count is of the last one.
const LoginRefused Action = "login_refused"

// What becomes of cameras. At a bounded rate: a camera that comes and goes must
// not push out of the history what matters more. camera/status has every change.
const (
	CameraDiscovered Action = "camera_discovered"
	CameraOffline    Action = "camera_offline"
	CameraOnline     Action = "camera_online"
	CameraMoved      Action = "camera_ip_changed"
	CameraReplaced   Action = "camera_replaced"
)

// Alarms that came, went and were seen by a person. At a bounded rate, but for a fire: system/alarms has every
// change.
const (
	AlarmRaised       Action = "alarm_raised"
	AlarmCleared      Action = "alarm_cleared"
	AlarmAcknowledged Action = "alarm_acknowledged"
)
