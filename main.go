// Wildfire Watch watches over a home in wildfire country: it takes fire and smoke detections from an
// NVR or any program over MQTT, decides by consensus of several cameras on growing fires, and runs a
// fire pump through GPIO relays.
package main

import (
	_ "embed"
	"os"

	"wildfire-watch/command"
)

// defaults is the configuration manual and the only place that holds a default.
//
//go:embed config.toml
var defaults []byte

func main() {
	os.Exit(command.Main(os.Args[1:], defaults, os.Stdout, os.Stderr))
}
