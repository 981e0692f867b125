package frigate

import (
	"strconv"
	"strings"

	"wildfire-watch/protocol/scan"
)

// Size is a detect stream's frame in pixels; the zero Size is unknown.
type Size struct{ Width, Height int }

// maxSide and maxCameras bound what a configuration may say.
const (
	maxSide    = 1 << 16
	maxCameras = 10000
)

// String is "1280x720".
func (s Size) String() string { return strconv.Itoa(s.Width) + "x" + strconv.Itoa(s.Height) }

// Pixels is the number of pixels in the frame.
func (s Size) Pixels() float64 { return float64(s.Width) * float64(s.Height) }

// ParseSize reads "1280x720", the form of cameras.<name>.detect.
func ParseSize(text string) (Size, bool) {
	wide, high, found := strings.Cut(strings.ToLower(text), "x")
	w, errW := strconv.Atoi(strings.TrimSpace(wide))
	h, errH := strconv.Atoi(strings.TrimSpace(high))
	s := Size{w, h}
	return s, found && errW == nil && errH == nil && s.sound()
}

func (s Size) sound() bool {
	return s.Width > 0 && s.Height > 0 && s.Width <= maxSide && s.Height <= maxSide
}

// Config is what Frigate's /api/config says that matters here.
type Config struct {
	Version string          // of the configuration, "0.16-0"; empty before 0.15
	Detect  map[string]Size // by camera; a camera whose size is not stated is left out
	// Hosts are where each camera's pictures come from: IP addresses and host names, never with a
	// login. A camera without one is left out.
	Hosts map[string][]string
}

// DecodeConfig reads the body of GET /api/config. The error is a protocol.Reject.
func DecodeConfig(body []byte) (Config, error) {
	if len(body) > MaxConfig {
		return Config{}, TooLarge
	}
	whole, ok := scan.Parse(body)
	if !ok || whole.Kind() != scan.Object {
		return Config{}, NotJSON
	}
	c := Config{Detect: make(map[string]Size), Hosts: make(map[string][]string)}
	c.Version, _ = whole.Field("version").Name(scan.MaxLabel)
	cameras := whole.Field("cameras")
	if cameras.Kind() != scan.Object {
		return Config{}, BadCamera
	}
	streams := byName(whole.Field("go2rtc").Field("streams"))
	read := 0
	for name, v := range cameras.Fields() {
		camera, ok := scan.Name(string(name), scan.MaxName)
		if read++; !ok || read > maxCameras {
			continue
		}
		if found := hosts(v, streams); len(found) > 0 {
			c.Hosts[camera] = found
		}
		detect := v.Field("detect")
		w, okW := detect.Field("width").Number()
		h, okH := detect.Field("height").Number()
		if okW && okH && w <= maxSide && h <= maxSide {
			if s := (Size{int(w), int(h)}); s.sound() {
				c.Detect[camera] = s
			}
		}
	}
	return c, nil
}
