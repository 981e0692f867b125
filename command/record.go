package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"wildfire-watch/actors/bridge"
)

type recordCommand struct {
	settings
	File string `arg:"" help:"File to write; it must not exist yet. - is standard output."`
}

// Run records until it is interrupted; a file that exists is never overwritten, and a file that got
// nothing is not left behind.
func (r recordCommand) Run(t *terminal) error {
	c, err := t.load(r.settings)
	if err != nil {
		return err
	}
	if c.MQTT.URL == "" { // the appliance that runs here has the broker; record from outside
		c.MQTT.URL = "tcp://" + c.Broker.Listen
	}
	out := t.out
	if r.File != "-" {
		f, err := os.OpenFile(r.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("record: %w; name a file that does not exist yet", err)
		}
		defer func() { closeRecording(f) }()
		out = f
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	fmt.Fprintf(t.err, "Recording from %s to %s; Ctrl-C ends it.\n", c.MQTT.URL, r.File)
	start, last := time.Now(), ""
	progress := func(n int, bytes int64) {
		last = fmt.Sprintf("%d messages, %.1f kB, %.0f s", n, float64(bytes)/1000, time.Since(start).Seconds())
		if isTerminal(t.err) {
			fmt.Fprintf(t.err, "\r%s   ", last)
		}
	}
	err = bridge.Record(ctx, bridge.Settings{Config: c.MQTT, FrigatePrefix: c.Frigate.TopicPrefix}, out, progress)
	if last != "" {
		fmt.Fprintf(t.err, "\n%s\n", last)
	}
	return err
}

// closeRecording closes a recording; an empty one would only stand in the way of the next attempt.
func closeRecording(f *os.File) {
	info, err := f.Stat()
	_ = f.Close()
	if err == nil && info.Size() == 0 {
		_ = os.Remove(f.Name())
	}
}
