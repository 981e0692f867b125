package protocol

import (
	"fmt"
	"strings"
)

// AlarmKind is one row of the table of alarms: what does not change from one time to the next. What
// happened this time is in the alarm's text.
type AlarmKind struct {
	// Code is stable and public; with Prefix it stands for every code that begins so, and what follows is
	// the alarm's subject.
	Code   string
	Prefix bool
	// Severity is NFPA 72's: alarm is fire, supervisory is protection impaired, trouble is a fault.
	Severity Severity
	// Title is what it is, Do what a person should do, Clears when it goes by itself.
	Title, Do, Clears string
	// Latched: it stays until somebody has acknowledged it, although its cause is gone.
	Latched bool
	// Blocks: while it stands, a fire may not be seen, or not bring water: the house is not ready. Whether
	// the pump would take a trigger is PumpStatus.Refuses' to say.
	Blocks bool
}

// Codes that no pump and no Fault says: the alarms actor knows them by other messages.
const (
	AlarmFire             = "fire_confirmed"
	AlarmCameraOffline    = "camera_offline"    // subject: the camera
	AlarmNVRSilent        = "nvr_silent"        // from NVRStatus
	AlarmBroker           = "broker"            // a Fault too
	AlarmDiskFull         = "disk_nearly_full"  // from MachineSample
	AlarmHot              = "processor_hot"     // from MachineSample
	AlarmClock            = "clock_unsynced"    // from MachineSample
	AlarmDiscoveryReduced = "discovery_reduced" // from DiscoveryStatus
	AlarmSimulated        = "simulated_board"   // from PumpStatus
)

// AlarmKinds is the one table of alarms; docs/alarms.md is printed from it. Exact codes come before the
// prefixes that they begin with.
//
// Size budget: a table, read as a whole.
var AlarmKinds = []AlarmKind{
	{Code: AlarmFire, Severity: SeverityAlarm, Latched: true,
		Title:  "Fire",
		Do:     "Get everybody to safety, call the fire brigade, look at the cameras. Stop the pump only if there is no fire.",
		Clears: "pump.fire_off_delay after the last confirmation."},

	// The pump.
	{Code: "engine_will_not_stop", Severity: SeverityTrouble, Latched: true, Blocks: true,
		Title: "The engine does not stop", Do: "Stop the engine by hand. Then look for a stuck ignition relay or feedback wire.",
		Clears: "When the engine feedback says that it stands."},
	{Code: "error", Severity: SeverityTrouble, Latched: true, Blocks: true,
		Title: "The pump is in ERROR", Do: "Find the cause that the text names, mend it, then reset.",
		Clears: "With a reset."},
	{Code: "stop_held", Severity: SeveritySupervisory, Blocks: true,
		Title: "An emergency stop is held", Do: "When the pump may run again: release the stop button, then reset.",
		Clears: "With a reset."},
	{Code: "safe_mode", Severity: SeveritySupervisory, Blocks: true,
		Title: "Safe mode", Do: "Read in the log why the starts failed. Watch for fire yourself: only buttons and commands start the pump.",
		Clears: "After journal.safe_mode_rest a normal start is tried."},
	{Code: "refill_lockout", Severity: SeveritySupervisory,
		Title: "The tank is being refilled", Do: "Nothing, if the refill runs. In a fire: an emergency start pumps all the same.",
		Clears: "When the tank is full or the refill time is over."},
	{Code: "trigger_remembered", Severity: SeveritySupervisory,
		Title: "A fire waits for the lockout's end", Do: "Look at the cameras. If there is a fire, start the pump by hand.",
		Clears: "When the pump starts, or pump.fire_off_delay after the trigger."},
	{Code: "engine_feedback_stuck", Severity: SeverityTrouble, Latched: true,
		Title: "The engine feedback is stuck", Do: "Check the feedback's sensor and wire.",
		Clears: "With the end of the run."},
	{Code: "engine_unproven", Severity: SeverityTrouble,
		Title: "Nothing proves yet that the engine pumps", Do: "Look whether water flows; fit a flow or pressure input.",
		Clears: "When flow or pressure is seen, or the run ends."},
	{Code: "engine_runs_unasked", Severity: SeverityTrouble, Latched: true,
		Title: "The engine runs unasked", Do: "Look at the engine. If it stands, the feedback is wrong; if it runs, stop it by hand.",
		Clears: "When the feedback says that it stands."},
	{Code: "board_lost", Severity: SeverityTrouble, Blocks: true,
		Title: "The board does not answer", Do: "Check power, cable and chip of the board; start the pump by hand in a fire.",
		Clears: "When it can be written and read again."},
	{Code: "main_valve_wrong", Severity: SeverityTrouble, Latched: true, Blocks: true,
		Title: "The main valve does not follow", Do: "Check relay, wire, valve and its feedback; open the valve by hand in a fire.",
		Clears: "When it reads as commanded."},
	{Code: "ignition_failed", Severity: SeverityTrouble, Latched: true, Blocks: true,
		Title: "An ignition line does not follow", Do: "Check the ignition relays and wires; start and stop the engine by hand until then.",
		Clears: "When it reads as commanded."},
	{Code: "refill_valve_failed", Severity: SeverityTrouble,
		Title: "The refill valve does not follow", Do: "Check relay, wire and valve; fill the tank by hand.",
		Clears: "When it reads as commanded."},
	{Code: "priming_valve_failed", Severity: SeverityTrouble,
		Title: "The priming valve does not follow", Do: "Check relay, wire and valve: the pump may fail to draw.",
		Clears: "When it reads as commanded."},
	{Code: "rpm_reduce_failed", Severity: SeverityTrouble,
		Title: "The RPM relay does not follow", Do: "Check relay and wire; the engine is stopped from full speed until then.",
		Clears: "When it reads as commanded."},
	{Code: "stop_button_unreadable", Severity: SeverityTrouble,
		Title: "The stop button cannot be read", Do: "Check its wire and input. Stop with the page, the terminal or MQTT.",
		Clears: "When it can be read."},

	// The lines.
	{Code: "gpio_crank", Severity: SeverityTrouble, Latched: true,
		Title: "A crank was cut off", Do: "Read the text; check the starter relay and report it: the program should have ended it.",
		Clears: "When the start line is no longer asked for."},
	{Code: "gpio_trip", Severity: SeverityTrouble, Latched: true, Blocks: true,
		Title: "The program tripped", Do: "It starts anew by itself. Keep the log and report it.", Clears: "With the next start."},
	{Code: "gpio_deadman", Severity: SeverityTrouble, Latched: true, Blocks: true,
		Title: "The dead-man tripped", Do: "It starts anew by itself. Keep the log and report it.", Clears: "With the next start."},
	{Code: "gpio_cutoff", Severity: SeverityTrouble, Latched: true, Blocks: true,
		Title: "A cut-off tripped", Do: "It starts anew by itself. Check relays, keep the log and report it.",
		Clears: "With the next start."},
	{Code: "gpio_", Prefix: true, Severity: SeverityTrouble,
		Title: "A line does not follow", Do: "Check the relay and the wire of the line that is named.",
		Clears: "When it reads as commanded."},
	{Code: "gpio", Severity: SeverityTrouble, Blocks: true,
		Title: "The lines cannot be used", Do: "Check power, cable and chip of the board; start the pump by hand in a fire.",
		Clears: "When they can be written and read again."},
	{Code: AlarmSimulated, Severity: SeveritySupervisory, Blocks: true,
		Title: "The board is simulated", Do: "Set gpio.board to a real board: nothing real is driven.",
		Clears: "With a start on a real board."},
	{Code: "board", Severity: SeveritySupervisory, Blocks: true,
		Title: "No real board was found", Do: "Check the chip and the wiring; set gpio.board = \"gpiocdev\" to make this an error.",
		Clears: "When the lines are there: the program starts anew."},

	// Who guards.
	{Code: "guard", Severity: SeverityTrouble,
		Title: "No guard", Do: "Start the program anew: until then nobody stops the engine if it dies.",
		Clears: "When the guard is there."},
	{Code: "watchdog", Severity: SeverityTrouble,
		Title: "No hardware watchdog", Do: "Check [watchdog] and that the device is free.", Clears: "When it can be used."},

	// Eyes.
	{Code: AlarmCameraOffline, Severity: SeverityTrouble,
		Title: "A camera is offline", Do: "Check its power, its network and the NVR.",
		Clears: "When it is heard of again, or is forgotten."},
	{Code: "camera", Severity: SeverityTrouble,
		Title: "A camera cannot be watched", Do: "Start the program anew and report it.", Clears: "With the next start."},
	{Code: AlarmNVRSilent, Severity: SeverityTrouble, Blocks: true,
		Title: "The NVR is silent", Do: "See that Frigate runs and reaches the broker.", Clears: "When it is heard of again."},
	{Code: "frigate", Severity: SeverityTrouble, Blocks: true,
		Title: "The NVR has stopped", Do: "Start Frigate: it reports no fire until then.", Clears: "When it is heard of again."},
	{Code: "frigate_api", Severity: SeverityTrouble,
		Title: "The NVR's API does not answer", Do: "Check frigate.api; Frigate's port 5000 answers without a login.",
		Clears: "When it answers."},
	{Code: "frigate_frame_size", Severity: SeverityTrouble,
		Title: "The size of a camera's picture is guessed", Do: "Set frigate.api or cameras.<name>.detect.",
		Clears: "When the size is known."},
	{Code: "discovery_address", Severity: SeverityTrouble,
		Title: "Two devices have one address", Do: "Give each device an address of its own.", Clears: "When one of them is gone for a while."},
	{Code: "discovery_credentials", Severity: SeverityTrouble,
		Title: "The file of logins cannot be used", Do: "Check cameras.credentials_file and its mode 0600.", Clears: "When it can be read."},
	{Code: "discovery_ledger", Severity: SeverityTrouble,
		Title: "Tried logins cannot be remembered", Do: "Check the disk under journal.dir.", Clears: "When it can be written."},
	{Code: AlarmDiscoveryReduced, Severity: SeverityTrouble,
		Title: "Cameras are looked for with one eye", Do: "Do what the text says, such as granting CAP_NET_RAW.",
		Clears: "When a full look around succeeds."},

	// Ways to the outside.
	{Code: "page", Severity: SeverityTrouble,
		Title: "No page", Do: "Check [http]: a free address; beyond this machine also users and a certificate.",
		Clears: "When the program starts with settings that can be used."},
	{Code: "broker_fenced", Severity: SeverityTrouble,
		Title: "The broker listens on this machine alone", Do: "Give [broker] users and a certificate, then start the program anew.",
		Clears: "When the program starts with both."},
	{Code: "broker_tls", Severity: SeverityTrouble,
		Title: "The broker's certificate cannot be used", Do: "Check broker.cert_file and broker.key_file; wildfire-watch certs makes both.",
		Clears: "When they can be read."},
	{Code: AlarmBroker, Severity: SeverityTrouble, Blocks: true,
		Title: "The broker is away", Do: "Check that it runs, and [mqtt]. Buttons and page work without it; detections do not arrive.",
		Clears: "When every connection is up."},
	{Code: "broker_subscription_camera_detector", Severity: SeverityTrouble, Blocks: true,
		Title: "The broker refuses the NVR's topics", Do: "Allow the topics in the broker's access list.",
		Clears: "When the broker grants them."},
	{Code: "broker_subscription_fire_consensus", Severity: SeverityTrouble, Blocks: true,
		Title: "The broker refuses the detections' topics", Do: "Allow the topics in the broker's access list.",
		Clears: "When the broker grants them."},
	{Code: "broker_subscription_", Prefix: true, Severity: SeverityTrouble,
		Title: "The broker refuses topics", Do: "Allow the topics in the broker's access list.", Clears: "When the broker grants them."},

	// This machine.
	{Code: "journal", Severity: SeverityTrouble,
		Title: "The memory cannot be stored", Do: "Check the disk under journal.dir: a power cut now would be forgotten.",
		Clears: "When it can be written."},
	{Code: "journal_history", Severity: SeverityTrouble,
		Title: "The history cannot be stored", Do: "Check the disk under journal.dir.", Clears: "When it can be written."},
	{Code: AlarmDiskFull, Severity: SeverityTrouble,
		Title: "The disk is nearly full", Do: "Make room on the disk under journal.dir.",
		Clears: "When a quarter more than alarms.disk_free is free, or less than 88 % is used."},
	{Code: AlarmHot, Severity: SeverityTrouble,
		Title: "The processor is hot", Do: "Give the case shade, air or a fan: a Raspberry Pi slows down beyond 80 °C.",
		Clears: "5 °C below alarms.temperature."},
	{Code: AlarmClock, Severity: SeverityTrouble,
		Title: "The clock is not synchronised", Do: "Check the network and the time service; stamps of events are wrong until then.",
		Clears: "When the kernel says that it is synchronised."},
}

// unknownKind is what is said of a code that the table does not know.
var unknownKind = AlarmKind{Severity: SeverityTrouble, Title: "A fault", Do: "Read the text.", Clears: "When its cause is gone."}

// AlarmKindOf finds the row of a code; subject is what follows a prefix. A code that is in no row is
// trouble all the same; ok is false then.
func AlarmKindOf(code string) (kind AlarmKind, subject string, ok bool) {
	for _, k := range AlarmKinds {
		if k.Code == code {
			return k, "", true
		}
	}
	for _, k := range AlarmKinds {
		if k.Prefix && strings.HasPrefix(code, k.Code) {
			return k, code[len(k.Code):], true
		}
	}
	return unknownKind, "", false
}

// AlarmTable is the table as Markdown, for docs/alarms.md.
func AlarmTable() string {
	var b strings.Builder
	b.WriteString("| code | severity | what it is | what to do | when it clears | until acknowledged | not ready |\n")
	b.WriteString("|---|---|---|---|---|---|---|\n")
	yes := map[bool]string{true: "yes"}
	for _, k := range AlarmKinds {
		code := k.Code
		if k.Prefix {
			code += "<…>"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", code, k.Severity, k.Title, k.Do, k.Clears,
			yes[k.Latched], yes[k.Blocks])
	}
	return b.String()
}
