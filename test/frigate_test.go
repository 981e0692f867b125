//go:build frigate

package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"wildfire-watch/test/gear"
)

// peer is the path of a Frigate stand-in that plays scenarios over MQTT and HTTP; make frigate builds it.
func peer(t *testing.T) string {
	t.Helper()
	path := os.Getenv("FRIGATE_PEER")
	if path == "" {
		t.Fatal("FRIGATE_PEER names no Frigate stand-in; run this suite with make frigate")
	}
	return path
}

// twoCameras is a fire that two cameras see grow by the square of time, in detect pixels of two sizes.
func twoCameras(t *testing.T, dir string) string {
	t.Helper()
	type point struct {
		T float64 `json:"t"`
		X float64 `json:"x"`
		Y float64 `json:"y"`
		W float64 `json:"w"`
		H float64 `json:"h"`
	}
	track := func(camera string, size float64) map[string]any {
		return map[string]any{"camera": camera, "label": "fire", "curve": "t2", "score": 0.85,
			"points": []point{{2, 0.5, 0.7, size, size}, {90, 0.5, 0.6, 8 * size, 8 * size}}}
	}
	scenario := map[string]any{
		"cameras": []map[string]any{
			{"name": "north", "width": 1280, "height": 720, "fps": 5},
			{"name": "east", "width": 640, "height": 360, "fps": 5},
		},
		"tracks": []map[string]any{track("north", 0.06), track("east", 0.05)},
	}
	text, err := json.Marshal(scenario)
	if err != nil {
		t.Fatal(err)
	}
	file := dir + "/scenario.json"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFrigateFireIsMetWithWater plays the same fire by release, with the growth rule as README.md
// recommends it: the defaults where Frigate answers questions (0.16), a longer window and hold where
// it sends events alone (0.14). Only the pump's times are shortened.
func TestFrigateFireIsMetWithWater(t *testing.T) {
	for _, c := range []struct {
		release string
		answers bool
		sets    []string
	}{
		{"0.14", false, eventsAlone},
		{"0.16", true, []string{"consensus.detection_window=30s", "consensus.growth_hold=10s"}},
	} {
		t.Run(c.release, func(t *testing.T) {
			t.Parallel()
			m := startMosquitto(t)
			s := m.sub("system/#", "frigate/onConnect", "frigate/camera_activity", "frigate/events")
			web := "127.0.0.1:" + freePort(t)
			cmd := exec.Command(peer(t), "-release", c.release, "-broker", m.url(), "-http", web, "-scenario", twoCameras(t, t.TempDir()))
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			sets := append(slices.Clone(fast), "mqtt.url="+m.url(), "frigate.api=http://"+web)
			p := startProcess(t, t.TempDir(), append(sets, c.sets...)...)
			p.ready(s)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			if !gear.Await(150*time.Second, func() bool { return p.level("ignition_on") == 1 }) {
				t.Fatalf("no water within two and a half minutes\n%s", p.log)
			}
			heard := map[string]int{}
			for _, r := range s.records() {
				heard[r.Topic]++
			}
			if heard["frigate/onConnect"] == 0 || heard["frigate/events"] == 0 {
				t.Errorf("no events, or nobody asked for activity while a fire lived: %v", heard)
			}
			if answered := heard["frigate/camera_activity"] > 0; answered != c.answers {
				t.Errorf("release %s answers: %v", c.release, answered)
			}
		})
	}
}
