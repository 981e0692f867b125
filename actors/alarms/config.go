package alarms

import "time"

// Config is the [alarms] section. Sent to the actor it takes the place of the one before.
type Config struct {
	// DiskFree is the room, in MiB, below which the journal's disk is nearly full; a disk of which less than
	// nine tenths are used never is.
	DiskFree int `key:"disk_free" range:"16..1000000"`
	// Temperature is from how many °C on the processor is hot.
	Temperature int `key:"temperature" range:"40..110"`
	// CameraOffline is how long a camera must be offline: a new one is so for an instant.
	CameraOffline time.Duration `key:"camera_offline" range:"0s..24h"`
	// Remind is after how long an acknowledged alarm whose cause holds counts as unseen again; 0: never.
	// (NFPA 72: a silenced trouble signal sounds again within 24 hours.)
	Remind time.Duration `key:"remind" range:"0s..168h"`
}

// Each limit has a second one at which the alarm goes, so that it does not flap.
const (
	mostUsed, littleUsed = 90, 88 // percent of the disk
	cooler               = 5      // °C below Temperature
)

func (c Config) leastFree() uint64 { return uint64(c.DiskFree) << 20 }

// enoughFree is a quarter more.
func (c Config) enoughFree() uint64 { return c.leastFree() / 4 * 5 }
