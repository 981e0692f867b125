package discovery

import (
	"encoding/json"
	"slices"
	"time"

	"wildfire-watch/protocol"
)

// announcement is the payload of camera/discovery/<mac>.
type announcement struct {
	MAC          string              `json:"mac"`
	IP           string              `json:"ip"`
	Name         string              `json:"name"`
	Manufacturer string              `json:"manufacturer"`
	Model        string              `json:"model"`
	URLs         []string            `json:"rtsp_urls"` // never with a login
	Online       bool                `json:"online"`
	LastSeen     float64             `json:"last_seen"` // Unix seconds
	Method       protocol.Means      `json:"discovery_method"`
	Methods      []protocol.Means    `json:"discovery_methods"`
	Title        string              `json:"title"`
	Aliases      []string            `json:"aliases,omitempty"`
	Channels     []string            `json:"channels,omitempty"`
	Also         []string            `json:"further_ips,omitempty"`
	Firmware     string              `json:"firmware,omitempty"`
	Serial       string              `json:"serial,omitempty"`
	Streams      []stream            `json:"streams"`
	Login        protocol.LoginState `json:"login,omitempty"`
	LoginID      string              `json:"login_id,omitempty"`
	Problem      string              `json:"problem,omitempty"`
	ClockOffset  float64             `json:"clock_offset,omitempty"` // seconds
	Timestamp    float64             `json:"timestamp"`
}

type stream struct {
	Profile string  `json:"profile,omitempty"`
	URL     string  `json:"url"`
	Codec   string  `json:"codec,omitempty"`
	Width   int     `json:"width,omitempty"`
	Height  int     `json:"height,omitempty"`
	FPS     float64 `json:"fps,omitempty"`
	Audio   string  `json:"audio,omitempty"`
	UDPOnly bool    `json:"udp_only,omitempty"`
}

// change is the payload of camera/status/<mac>.
type change struct {
	MAC       string  `json:"mac"`
	IP        string  `json:"ip"`
	Online    bool    `json:"online"`
	LastSeen  float64 `json:"last_seen"`
	Reason    string  `json:"reason"`
	Status    string  `json:"status"` // online, offline, ip_changed
	Name      string  `json:"name"`
	OldIP     string  `json:"old_ip,omitempty"`
	Timestamp float64 `json:"timestamp"`
}

// clocks turns monotonic times into Unix seconds: now and wall are the same instant.
type clocks struct{ now, wall time.Time }

func (c clocks) unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(c.wall.Add(t.Sub(c.now)).UnixMicro()) / 1e6
}

// methods in the order in which they tell most of a device.
var methods = []protocol.Means{protocol.ByWSDiscovery, protocol.ByMDNS, protocol.ByPort, protocol.ByARP,
	protocol.ByNeighbours, protocol.ByConnect, protocol.BySettings}

// publication is the retained word on a camera.
func (a Announcement) publication(at clocks) (protocol.Publication, bool) {
	c := a.Camera
	out := announcement{MAC: c.MAC, IP: c.IP, Name: c.Name, Manufacturer: c.Manufacturer, Model: c.Model,
		URLs: []string{}, Online: c.Online, LastSeen: at.unix(c.LastSeen), Methods: c.Means, Title: c.Title,
		Aliases: c.Aliases, Channels: c.Channels, Also: c.Also, Firmware: c.Firmware, Serial: c.Serial,
		Streams: []stream{}, Login: c.Login, LoginID: c.LoginID, Problem: c.Problem, ClockOffset: c.ClockOffset.Seconds(),
		Timestamp: at.unix(at.now)}
	for _, m := range methods {
		if slices.Contains(c.Means, m) {
			out.Method = m
			break
		}
	}
	for _, s := range c.Streams {
		out.URLs = append(out.URLs, s.URL)
		out.Streams = append(out.Streams, stream{s.Profile, s.URL, s.Codec, s.Width, s.Height, s.FPS, s.Audio, s.UDPOnly})
	}
	return publication(protocol.TopicDiscovery, c.Key, out, true)
}

// publication takes the retained word back.
func (w Withdrawal) publication() protocol.Publication {
	return protocol.Publication{Service: protocol.CameraDetector, QoS: 1, Retained: true, Payload: []byte{},
		Topic: protocol.TopicOf(protocol.TopicDiscovery, w.Key)}
}

// publication says what has become of a camera.
func (s Change) publication(at clocks) (protocol.Publication, bool) {
	c := s.Camera
	return publication(protocol.TopicCameraStatus, c.Key, change{MAC: c.MAC, IP: c.IP, Online: c.Online,
		LastSeen: at.unix(c.LastSeen), Reason: s.What + ": " + s.Why, Status: s.What, Name: c.Name, OldIP: s.OldIP,
		Timestamp: at.unix(at.now)}, false)
}

func publication(topic, key string, payload any, retained bool) (protocol.Publication, bool) {
	text, err := json.Marshal(payload)
	p := protocol.Publication{Service: protocol.CameraDetector, Topic: protocol.TopicOf(topic, key),
		Payload: text, Retained: retained}
	if retained {
		p.QoS = 1
	}
	return p, err == nil // a figure that is no number
}
