// Package command is the command line: one file a subcommand. It chooses the board and the broker,
// starts the system, waits for a signal and closes. It decides nothing about fire or pump.
package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// version is set by the build: -ldflags "-X wildfire-watch/command.version=v1.2.3".
var version = "dev"

// terminal is what every subcommand works with.
type terminal struct {
	defaults []byte
	in       io.Reader
	out, err io.Writer
}

// settings are the flags that name a configuration.
type settings struct {
	Config string   `help:"Configuration file, laid over the built-in defaults." placeholder:"FILE"`
	Set    []string `help:"One key, over the file: --set pump.max_engine_runtime=20m. May be repeated." placeholder:"KEY=VALUE" sep:"none"`
}

type cli struct {
	Run      runCommand      `cmd:"" default:"withargs" help:"Watch, decide and run the pump (the default command)."`
	Demo     demoCommand     `cmd:"" help:"Play a fire seen by three cameras through the real program on a simulated pump."`
	Check    checkCommand    `cmd:"" help:"Say everything that is wrong with a configuration, and what it means."`
	Replay   replayCommand   `cmd:"" help:"Tell what a configuration would have decided over a recording, and when."`
	Record   recordCommand   `cmd:"" help:"Record what the broker carries, for replay, until interrupted."`
	Discover discoverCommand `cmd:"" help:"Look for cameras on the network, once, and show what they are."`
	Lines    linesCommand    `cmd:"" help:"Show the lines of the board and what is on them; lines test switches outputs by hand."`
	Safe     safeCommand     `cmd:"" help:"Stop the engine and switch everything off, when nobody else does."`
	Guard    guardCommand    `cmd:"" hidden:"" help:"Not for hands: the process that run starts beside itself."`
	Certs    certsCommand    `cmd:"" help:"Make a certificate authority and certificates, for TLS."`
	Password passwordCommand `cmd:"" help:"Make the hash of a password, for the users in the configuration."`
	Version  versionCommand  `cmd:"" help:"Print the version."`

	Status  statusCommand  `cmd:"" help:"Say whether it is ready, what the pump does, what is wrong."`
	Events  eventsCommand  `cmd:"" help:"Show what has happened."`
	Cameras camerasCommand `cmd:"" help:"Show the cameras that the program knows."`
	Alarms  alarmsCommand  `cmd:"" help:"Show the alarms that stand, and what to do; acknowledge them."`
	Stop    stopCommand    `cmd:"" help:"Stop the pump, now."`
	Reset   resetCommand   `cmd:"" help:"End a held stop, or ERROR."`
	Start   startCommand   `cmd:"" help:"Start the pump without a fire."`
	Valve   valveCommand   `cmd:"" help:"Open or close the main valve by hand."`
	Reload  reloadCommand  `cmd:"" help:"Have the program take up changed settings without a restart."`

	FrigateConfig frigateConfigCommand `cmd:"" help:"Print the cameras found as Frigate's configuration."`
}

// The detailed help of each command: what the one-liner cannot say, and an example.

// Help is printed by run --help.
func (runCommand) Help() string {
	return `Without a configuration it runs on the built-in defaults: an MQTT broker of its own on
127.0.0.1:1883, a status page on http://127.0.0.1:8080, a simulated pump, its data in
./wildfire-data. SIGTERM, Ctrl-C or a closed terminal ends it, engine first. Without a
terminal SIGHUP takes up changed settings (wildfire-watch reload).

Example:

    wildfire-watch run --config home.toml --set http.listen=127.0.0.1:0`
}

// Help is printed by demo --help.
func (demoCommand) Help() string {
	return `The times are shortened so that a whole run, refill included, passes in less than a
minute. It uses free ports and a folder of its own, which it removes.

Example:

    wildfire-watch demo`
}

// Help is printed by check --help.
func (checkCommand) Help() string {
	return `Every mistake comes at once, with file, line, key, value and what may stand there; then
what the settings mean for whoever lives with them. Exit code 1 if nothing would start.

Example:

    wildfire-watch check --config home.toml`
}

// Help is printed by replay --help.
func (replayCommand) Help() string {
	return `The recording is a file of wildfire-watch record or of mosquitto_sub -F '%j'. It is
decided on its own time, at full speed, the same way each time. Settings of detection
can be tried: --set consensus.threshold=1 asks what one camera alone would have done.

Example:

    wildfire-watch replay fire.jsonl --set consensus.threshold=1`
}

// Help is printed by record --help.
func (recordCommand) Help() string {
	return `It listens to the broker of mqtt.url, or else to the embedded broker of a
wildfire-watch that runs on this machine. It publishes nothing.

Example:

    wildfire-watch record fire.jsonl --set mqtt.url=tcp://192.168.1.10:1883`
}

// Help is printed by version --help.
func (versionCommand) Help() string {
	return `Example:

    wildfire-watch version`
}

// Main runs one command line and returns the process's exit code: 0 well, 1 the command failed, 2
// the command line itself is wrong.
func Main(args []string, defaults []byte, out, errs io.Writer) int {
	t := &terminal{defaults: defaults, in: os.Stdin, out: out, err: errs}
	if len(args) == 1 && args[0] == guardName {
		return t.ended(guardCommand{}.Run(t))
	}
	exit := -1
	parser, err := kong.New(&cli{}, kong.Name("wildfire-watch"),
		kong.Description("Watches over a home in wildfire country: fire and smoke detections in, water out. A first look: wildfire-watch demo"),
		kong.Writers(out, errs), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { exit = code }), kong.Bind(t))
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		fmt.Fprintf(errs, "wildfire-watch: %v\nwildfire-watch --help shows the commands\n", err)
		return 2
	}
	return t.ended(parsed.Run(t))
}

// ended says why a command failed and is its exit code.
func (t *terminal) ended(err error) int {
	if err != nil && !errors.Is(err, errReported) && !errors.As(err, new(exitCode)) {
		fmt.Fprintf(t.err, "wildfire-watch: %v\n", err)
	}
	if words, ok := t.err.(*aside); ok {
		_ = words.Sync()
	}
	if code := exitCode(0); errors.As(err, &code) {
		return int(code)
	}
	if err != nil {
		return 1
	}
	return 0
}

// errReported ends a command whose text the user has read already.
var errReported = errors.New("reported")

// exitCode ends a command that has said everything with a code of its own.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(t *terminal) error {
	_, err := fmt.Fprintf(t.out, "wildfire-watch %s\n", version)
	return err
}
