package journal

import (
	"strings"
	"time"

	"wildfire-watch/protocol"
)

// Config is the table [journal] of config.toml.
type Config struct {
	// Dir is the folder of journal.db, history.db and run.json; relative to the working folder.
	Dir string `key:"dir" len:"1..4000"`
	// MaxEvents bounds the history; the oldest go first.
	MaxEvents int `key:"max_events" range:"100..1000000"`
	// SafeModeAfter is after how many failed starts in a row the next one is in safe mode; 0: never.
	SafeModeAfter int `key:"safe_mode_after" range:"0..20"`
	// GoodAfter is how long a start must live, with signs of life, so as not to have failed.
	GoodAfter time.Duration `key:"good_after" range:"10s..1h"`
	// SafeModeRest is how long safe mode rests before it tries a normal start.
	SafeModeRest time.Duration `key:"safe_mode_rest" range:"1m..24h"`
}

// Check reports what no single range can say.
func (c Config) Check() []protocol.Mistake {
	if strings.TrimSpace(c.Dir) == "" || strings.ContainsRune(c.Dir, 0) {
		return []protocol.Mistake{{Key: "dir", Value: c.Dir, Allowed: "a folder that may be written"}}
	}
	return nil
}
