package frigate

import (
	"strings"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/scan"
)

// MaxStats bounds a stats message in bytes: it lists every process of Frigate's with its command line.
const MaxStats = 4 << 20

// maxFPS is more than any camera sends: beyond it a figure is no frame rate.
const maxFPS = 10000

// CameraStats is what Frigate measured of one camera, in pictures a second, each 0 to 10,000.
type CameraStats struct {
	Camera string
	// CameraFPS are the pictures that arrive; 0: the camera is down.
	CameraFPS float64
	// ProcessFPS are those looked at, SkippedFPS those left out because the detector is too slow,
	// DetectionFPS the runs of the model. A figure that is missing is 0.
	ProcessFPS, SkippedFPS, DetectionFPS float64
	// Blind: detection is switched off for this camera.
	Blind bool
}

// Stats is one message of <prefix>/stats.
type Stats struct {
	Version string        // "0.16.0-c2f8de9"; empty if missing
	Uptime  time.Duration // of Frigate; 0 if missing
	Cameras []CameraStats // in the order written
}

// DecodeStats reads one message of <prefix>/stats, or the body of /api/stats. Up to 0.12 the cameras
// stand at the top, from 0.13 on under "cameras". A camera without a sound camera_fps is left out and
// counted in malformed. The error is a protocol.Reject.
func DecodeStats(payload []byte) (s Stats, malformed int, err error) {
	if len(payload) > MaxStats {
		return Stats{}, 0, TooLarge
	}
	whole, ok := scan.Parse(payload)
	if !ok || whole.Kind() != scan.Object {
		return Stats{}, 0, NotJSON
	}
	service := whole.Field("service")
	s.Version, _ = service.Field("version").Name(scan.MaxLabel)
	if up, ok := service.Field("uptime").Number(); ok && up > 0 && up < latestUptime.Seconds() {
		s.Uptime = time.Duration(up * float64(time.Second))
	}
	cameras := whole.Field("cameras")
	old := cameras.Kind() != scan.Object || cameras.Field("camera_fps").Kind() == scan.Number
	if old {
		cameras = whole
	}
	for name, v := range cameras.Fields() {
		if old && !v.Field("camera_fps").Given() {
			continue // detectors, service, cpu_usages …
		}
		c, ok := cameraStats(name, v)
		if !ok || len(s.Cameras) == maxCameras {
			malformed++
			continue
		}
		s.Cameras = append(s.Cameras, c)
	}
	return s, malformed, nil
}

const latestUptime = 100 * 365 * 24 * time.Hour

func cameraStats(name []byte, v scan.Value) (c CameraStats, ok bool) {
	if c.Camera, ok = scan.Name(string(name), scan.MaxName); !ok {
		return c, false
	}
	ok = false
	for field, v := range v.Fields() {
		switch string(field) {
		case "camera_fps":
			c.CameraFPS, ok = fps(v)
		case "process_fps":
			c.ProcessFPS, _ = fps(v)
		case "skipped_fps":
			c.SkippedFPS, _ = fps(v)
		case "detection_fps":
			c.DetectionFPS, _ = fps(v)
		case "detection_enabled": // 0 and 1 in old releases, then a truth value
			n, number := v.Number()
			c.Blind = v.Kind() == scan.Bool && !v.True() || number && n == 0
		}
	}
	return c, ok
}

// fps reads a frame rate; 0 and false for what is none.
func fps(v scan.Value) (float64, bool) {
	f, ok := v.Number()
	if !ok || f < 0 || f > maxFPS {
		return 0, false
	}
	return f, true
}

// Status is the word on <prefix>/<camera>/status/<role>, 0.17 on.
type Status string

// The words.
const (
	Online   Status = "online"
	Offline  Status = "offline"
	Disabled Status = "disabled" // switched off by a person
)

// BadStatus is why a status is rejected.
const BadStatus protocol.Reject = "word"

// maxStatus bounds the word in bytes.
const maxStatus = 64

// DecodeStatus reads one message of <prefix>/<camera>/status/<role>. The error is a protocol.Reject.
func DecodeStatus(payload []byte) (Status, error) {
	if len(payload) > maxStatus {
		return "", BadStatus
	}
	switch s := Status(strings.ToLower(strings.TrimSpace(string(payload)))); s {
	case Online, Offline, Disabled:
		return s, nil
	}
	return "", BadStatus
}
