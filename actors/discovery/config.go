package discovery

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"wildfire-watch/protocol"
)

// Config is what discovery reads of [cameras] (SPEC §5).
type Config struct {
	// Enabled: cameras are looked for at all.
	Enabled bool `key:"discovery"`
	// Interfaces are searched; empty: every one that is up, carries IPv4 and is not virtual.
	Interfaces []string `key:"interfaces" len:"0..32"`
	// Network are further subnets in CIDR form.
	Network []string `key:"network" len:"0..64"`
	// WideScan allows sweeping subnets wider than a /20.
	WideScan bool `key:"wide_scan"`
	// ARPRate is ARP requests a second.
	ARPRate int `key:"arp_rate" range:"1..10000"`
	// Ports are where RTSP and ONVIF are looked for.
	Ports []int `key:"ports" len:"1..64"`
	// DiscoveryInterval is the time between the first three full scans, SteadyStateInterval later.
	DiscoveryInterval   time.Duration `key:"discovery_interval" range:"30s..24h"`
	SteadyStateInterval time.Duration `key:"steady_state_interval" range:"60s..24h"`
	// HealthCheckInterval is the time between two checks of a camera.
	HealthCheckInterval time.Duration `key:"health_check_interval" range:"10s..1h"`
	// OfflineThreshold is how long a camera may be silent.
	OfflineThreshold time.Duration `key:"offline_threshold" range:"30s..24h"`
	// RTSPTimeout is for one RTSP exchange, ONVIFTimeout for all of ONVIF together.
	RTSPTimeout  time.Duration `key:"rtsp_timeout" range:"1s..60s"`
	ONVIFTimeout time.Duration `key:"onvif_timeout" range:"1s..60s"`
	// FrameCheck: a check counts pictures too.
	FrameCheck bool `key:"frame_check"`
	// CredentialsFile is the file of logins; empty: none.
	CredentialsFile string `key:"credentials_file" len:"0..4096"`
}

// widest is the widest network that may be named: what is wider cannot be searched in a scan's time.
const widest = 16

// Check finds what the ranges of single keys cannot.
func (c Config) Check() (found []protocol.Mistake) {
	wrong := func(key, value, allowed string) {
		found = append(found, protocol.Mistake{Key: key, Value: value, Allowed: allowed})
	}
	for _, s := range c.Network {
		p, err := netip.ParsePrefix(s)
		switch {
		case err != nil || !p.Addr().Is4():
			wrong("network", strconv.Quote(s), `IPv4 subnets with their width, as "10.0.5.0/24"`)
		case p.Masked() != p:
			wrong("network", strconv.Quote(s), fmt.Sprintf("the subnet itself: %s", p.Masked()))
		case p.Bits() < widest:
			wrong("network", strconv.Quote(s), fmt.Sprintf("subnets of at most /%d", widest))
		}
	}
	for _, port := range c.Ports {
		if port < 1 || port > 65535 {
			wrong("ports", strconv.Itoa(port), "ports of 1 to 65535")
		}
	}
	for _, name := range c.Interfaces {
		if name == "" || len(name) > 15 {
			wrong("interfaces", strconv.Quote(name), "names of network interfaces, 1 to 15 characters")
		}
	}
	if c.OfflineThreshold < c.HealthCheckInterval {
		found = append(found, protocol.Mistake{Key: "offline_threshold", Value: c.OfflineThreshold.String(),
			Allowed: fmt.Sprintf("at least health_check_interval (%v)", c.HealthCheckInterval), Warning: true})
	}
	if c.CredentialsFile != "" {
		if about, err := os.Stat(c.CredentialsFile); err != nil {
			found = append(found, protocol.Mistake{Key: "credentials_file", Value: c.CredentialsFile,
				Problem: "cannot be read (" + reason(err) + "): cameras that want a login are not reached",
				Warning: true})
		} else if problem := unsafe(about); problem != "" {
			found = append(found, protocol.Mistake{Key: "credentials_file", Value: c.CredentialsFile,
				Problem: problem + ", so it is not read", Warning: true})
		}
	}
	return found
}

// heardBy is the share of consensus.camera_timeout within which a camera is asked again, so that it does
// not go offline there between two checks.
const heardBy = 5.0 / 6

// rules are what the settings make.
func (s Settings) rules() Rules {
	c := s.Config
	health := c.HealthCheckInterval
	if limit := time.Duration(heardBy * float64(s.CameraTimeout)); limit > 0 && health > limit &&
		health <= s.CameraTimeout {
		health = limit
	}
	return Rules{Links: c.Interfaces, Networks: c.Network, Wide: c.WideScan, ARPRate: c.ARPRate,
		Ports: c.Ports, Discovery: c.DiscoveryInterval, Steady: c.SteadyStateInterval, Health: health,
		Offline: c.OfflineThreshold, RTSP: c.RTSPTimeout, ONVIF: c.ONVIFTimeout, Frames: c.FrameCheck,
		MaxCameras: max(s.MaxCameras, 1), Names: s.Names, Maker: s.Maker}
}
