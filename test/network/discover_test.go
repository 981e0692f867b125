//go:build network

package network

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// found is what `wildfire-watch discover --json` prints, and what it cost.
type found struct {
	Cameras  []camera
	Suspects []suspect
	Others   int
	Took     float64 // seconds
	ARPTook  float64 `json:"arp_took"`
	Reduced  string

	said string        // standard error
	wall time.Duration // of the process
	peak int64         // bytes of memory
	wire *wire
}

type camera struct {
	MAC, IP, Name, Manufacturer, Model, Firmware, Serial string
	FoundBy                                              []string `json:"found_by"`
	Login                                                string
	LoginID                                              string `json:"login_id"`
	Streams                                              []stream
	Proof, Problem                                       string
}

type stream struct {
	Profile, URL, Codec string
	Width, Height       int
	FPS                 float64
	Audio               string
}

type suspect struct{ MAC, IP, Maker, Why string }

// discover runs the one-shot scan in a lab and reads what it found. limit is the longest it may take.
func discover(t *testing.T, l *lab, as int, lines string, limit time.Duration, sets ...string) *found {
	t.Helper()
	l.forget(t)
	w := watchWire(t, l)
	words := []string{"discover", "--json"}
	sets = append([]string{"cameras.credentials_file=" + credentials(t, as, lines), "cameras.rtsp_timeout=2s",
		"cameras.onvif_timeout=2s"}, sets...)
	for _, set := range sets {
		words = append(words, "--set", set)
	}
	begun := time.Now()
	p := launch(t, l, as, nil, words...)
	p.await(limit, "discover")
	f := &found{wall: time.Since(begun), said: p.said.String(), peak: p.peak, wire: w}
	w.stop()
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("discover: exit code %d\n%s", code, p.tail())
	}
	if err := json.Unmarshal([]byte(p.out.String()), f); err != nil {
		t.Fatalf("discover --json: %v\n%s", err, p.out.String())
	}
	return f
}

// forget empties the appliance's neighbour table: every scan begins knowing nothing.
func (l *lab) forget(t *testing.T) {
	t.Helper()
	l.do(t, "exec", "app", "ip", "neigh", "flush", "dev", "eth0")
}

// with are the cameras found with this MAC.
func (f *found) with(mac string) (all []camera) {
	for _, c := range f.Cameras {
		if c.MAC == mac {
			all = append(all, c)
		}
	}
	return all
}

// suspected is why this MAC is a suspect; empty: it is none.
func (f *found) suspected(mac string) string {
	for _, s := range f.Suspects {
		if s.MAC == mac {
			return s.Why
		}
	}
	return ""
}

// holds compares what was found of one camera with the ground truth.
func (f *found) holds(t *testing.T, h host) {
	t.Helper()
	all := f.with(h.MAC)
	if len(all) != 1 {
		t.Errorf("%s %s: found %d times, want once", h.ID, h.MAC, len(all))
		return
	}
	c := all[0]
	if c.IP != h.IP {
		t.Errorf("%s: ip %s, want %s", h.ID, c.IP, h.IP)
	}
	login := "good"
	if h.User == "" {
		login = "none"
	}
	if c.Login != login {
		t.Errorf("%s: login %s, want %s; problem %q", h.ID, c.Login, login, c.Problem)
	}
	for what, pair := range map[string][2]string{"manufacturer": {c.Manufacturer, h.ONVIF.Manufacturer}, "model": {c.Model, h.ONVIF.Model},
		"firmware": {c.Firmware, h.ONVIF.Firmware}, "serial": {c.Serial, h.ONVIF.Serial}} {
		if pair[1] != "" && pair[0] != pair[1] {
			t.Errorf("%s: %s %q, want %q", h.ID, what, pair[0], pair[1])
		}
	}
	for _, means := range h.FoundBy {
		if slices.Contains([]string{"arp", "ws-discovery", "mdns", "connect"}, means) && !slices.Contains(c.FoundBy, means) {
			t.Errorf("%s: found by %v, want %s among them", h.ID, c.FoundBy, means)
		}
	}
	if c.Proof != "onvif" && c.Proof != "describe" {
		t.Errorf("%s: proof %q", h.ID, c.Proof)
	}
	holdStreams(t, h, c)
}

// holdStreams compares the streams, the main one first, and none invented.
func holdStreams(t *testing.T, h host, c camera) {
	t.Helper()
	known := make(map[string]bool)
	for i, want := range h.Streams {
		known[plain(want.URL)] = true
		j := slices.IndexFunc(c.Streams, func(s stream) bool { return plain(s.URL) == plain(want.URL) })
		if j < 0 {
			t.Errorf("%s: no stream %s among %v; problem %q", h.ID, want.URL, c.Streams, c.Problem)
			continue
		}
		if i == 0 && j != 0 {
			t.Errorf("%s: stream %d is the main one, want it first", h.ID, j)
		}
		got := c.Streams[j]
		if got.Codec != want.Codec {
			t.Errorf("%s: %s is %s, want %s", h.ID, want.URL, got.Codec, want.Codec)
		}
		untold := want.SizeInSDP != nil && got.Width == 0 && got.Height == 0
		if !untold && (got.Width != want.Width || got.Height != want.Height) {
			t.Errorf("%s: %s is %dx%d, want %dx%d", h.ID, want.URL, got.Width, got.Height, want.Width, want.Height)
		}
	}
	for _, s := range c.Streams {
		if !known[plain(s.URL)] {
			t.Errorf("%s: stream %s is invented", h.ID, s.URL)
		}
		if strings.Contains(s.URL, "@") || h.Password != "" && strings.Contains(s.URL, h.Password) {
			t.Errorf("%s: a login in the URL of a stream", h.ID)
		}
	}
}

// plain is a stream's URL without the default port and without its question.
func plain(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	return u.Hostname() + ":" + portOf(u) + u.Path
}

func portOf(u *url.URL) string {
	if u.Port() == "" {
		return "554"
	}
	return u.Port()
}
