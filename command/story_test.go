package command

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildfire-watch/protocol"
)

// told plays messages to a story and returns what it printed, without the times.
func told(t *testing.T, messages ...any) (string, *story) {
	t.Helper()
	var out bytes.Buffer
	s := newStory(&out)
	for _, m := range messages {
		s.hear(m)
	}
	return regexp.MustCompile(`(?m)^ *[0-9.]+s  `).ReplaceAllString(out.String(), ""), s
}

func status(state protocol.State, why string, engine float64) protocol.PumpStatus {
	return protocol.PumpStatus{State: state, System: protocol.SystemState{Why: why, CurrentRuntime: engine}}
}

func TestTheStoryTellsEachChangeOnceAndWhy(t *testing.T) {
	crank := protocol.SetOf(protocol.MainValve, protocol.IgnitionStart)
	got, _ := told(t,
		protocol.CameraVerdict{Camera: "north", Growing: true}, protocol.CameraVerdict{Camera: "north", Growing: true},
		protocol.ConsensusStatus{Agreeing: []string{"north"}, Cameras: 2}, protocol.ConsensusStatus{Agreeing: []string{"north"}, Cameras: 2},
		protocol.FireConfirmed{Cameras: []string{"east", "north"}},
		status(protocol.Priming, "trigger", 0), status(protocol.Priming, "trigger", 0),
		protocol.LineReport{Commanded: crank}, protocol.LineReport{Commanded: crank},
		protocol.Event{Action: protocol.HealthReport}, protocol.Event{Action: protocol.TriggerRefused, Reason: "stop_held"},
		protocol.CameraVerdict{Camera: "north"}, protocol.ConsensusStatus{Cameras: 2})
	want := `  camera north: the fire has been growing for long enough
  consensus: 1 of 2 cameras agree: north
FIRE CONFIRMED by east, north
PUMP IDLE -> PRIMING (trigger)
  lines on: main_valve, ignition_start
  event trigger_refused (stop_held)
  camera north: growth is over
  consensus: 0 of 2 cameras agree: none
`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestTheSummaryCountsAndIsContentOnlyBackInIdle(t *testing.T) {
	crank := protocol.LineReport{Commanded: protocol.SetOf(protocol.IgnitionStart)}
	run := []any{protocol.Detected{}, protocol.Detected{}, protocol.FireConfirmed{}, crank, protocol.LineReport{},
		status(protocol.Running, "", 7.6), protocol.Event{Action: protocol.EngineRunning}}
	for _, c := range []struct {
		name    string
		plays   []any
		summary string
		content bool
	}{
		{"back in IDLE", append(run, status(protocol.Idle, "", 0)), "2 detections, 1 trigger, 1 crank, 8 s of engine, 1 event; pump IDLE.", true},
		{"still running", run, "2 detections, 1 trigger, 1 crank, 8 s of engine, 1 event; pump RUNNING.", false},
		{"ended in ERROR", append(run, status(protocol.Error, "dry run", 0)), "pump ERROR.", false},
		{"nothing happened", nil, "0 detections, 0 triggers, 0 cranks, 0 s of engine, 0 events; pump IDLE.", false},
	} {
		_, s := told(t, c.plays...)
		var out bytes.Buffer
		s.out = &out
		err := s.summary()
		if !strings.Contains(out.String(), c.summary) || (err == nil) != c.content {
			t.Errorf("%s: %v, %s", c.name, err, out.String())
		}
	}
}

func TestTheStoryWaitsForARunToEndAndNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), demoLimit)
		defer cancel()
		_, s := told(t, status(protocol.Running, "", 1), status(protocol.Idle, "", 0), status(protocol.Running, "", 1), status(protocol.Idle, "", 0))
		if err := s.wait(ctx); err != nil {
			t.Errorf("two runs: %v", err)
		}
		_, s = told(t, status(protocol.Running, "", 1))
		time.AfterFunc(time.Minute, func() { s.hear(status(protocol.Idle, "", 0)) })
		start := time.Now()
		if err := s.wait(ctx); err != nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		_, s = told(t, status(protocol.Running, "", 1))
		if err := s.wait(ctx); err == nil || !strings.Contains(err.Error(), "did not come back to IDLE within 2m0s") {
			t.Errorf("%v", err)
		}
	})
}
