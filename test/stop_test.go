package test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/protocol"
)

// TestTheLastWordOfAShutdownIsHeard: who numbers the events is busy until after the stop pulse has
// ended, and yet its end is an event; the exit stays within the pulse and 2 s (SPEC P14).
func TestTheLastWordOfAShutdownIsHeard(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newScene(t, dir, "")
		defer w.end()
		w.slow = func(msg any) {
			if e, ok := msg.(protocol.Event); ok && e.Action == protocol.ControllerShutdown {
				time.Sleep(5*time.Second + 50*time.Millisecond)
			}
		}
		for _, line := range []string{"start", "trigger", "until RUNNING 1m"} {
			w.play("stop", line)
		}
		begun := time.Now()
		if err := w.running.Stop(context.Background(), "signal"); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 7*time.Second {
			t.Errorf("the stop took %s", took)
		}
		w.store.Close()
		w.running = nil
		if !slices.Contains(w.events, string(protocol.ShutdownComplete)) {
			t.Errorf("the end of the stop pulse is missing: %v", w.events)
		}
	})
}
