package telemetry

import "time"

// Config is the [telemetry] section.
type Config struct {
	// HealthInterval is how often each service reports its health.
	HealthInterval time.Duration `key:"health_interval" range:"1s..1h"`
	// SystemInterval is how often the machine's figures are reported.
	SystemInterval time.Duration `key:"system_interval" range:"1s..1h"`
}
