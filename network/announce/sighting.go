package announce

import (
	"fmt"
	"net/netip"
	"slices"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/mdns"
	"wildfire-watch/protocol/wsdiscovery"
)

// Bounds of protocol.Sighting.
const (
	maxXAddrs = 8
	maxDoors  = 16
)

// fromDevice is what a device's WS-Discovery message says. A printer has addresses too, of no use to us.
func fromDevice(kind wsdiscovery.Kind, d wsdiscovery.Device) protocol.Sighting {
	if d.Other {
		d.XAddrs = nil
	}
	return protocol.Sighting{Means: protocol.ByWSDiscovery, EPR: d.EPR, Camera: d.Camera, Other: d.Other, Name: d.Name,
		Hardware: d.Hardware, XAddrs: d.XAddrs, Gone: kind == wsdiscovery.Bye}
}

// fromServices folds the services that one host announces by mDNS. False if it says nothing of itself:
// a host that announces another one's address is a reflector, and its services are found behind it or
// not at all.
func fromServices(services []mdns.Service, sender netip.Addr) (s protocol.Sighting, ok bool) {
	s.Means = protocol.ByMDNS
	named, left := mdns.Kind(0), false
	for _, v := range services {
		if len(v.Addrs) > 0 && !slices.Contains(v.Addrs, sender) {
			continue
		}
		if v.Gone {
			left = left || v.Kind.Camera()
			continue
		}
		ok = true
		if named == 0 || v.Kind < named {
			named, s.Name = v.Kind, v.Instance
		}
		s.Camera = s.Camera || v.Kind.Camera()
		s.Other = s.Other || v.Kind == mdns.Other
		switch {
		case v.Port == 0:
		case v.Kind == mdns.RTSP && len(s.Doors) < maxDoors:
			s.Doors = append(s.Doors, protocol.Door{Port: v.Port, Path: v.Path})
		case v.Kind == mdns.ONVIF && len(s.XAddrs) < maxXAddrs:
			path := v.Path
			if path == "" {
				path = "/onvif/device_service" // fixed by ONVIF Core Specification §5.1.1
			}
			s.XAddrs = append(s.XAddrs, fmt.Sprintf("http://%s:%d%s", sender, v.Port, path))
		}
	}
	s.Other = s.Other && !s.Camera
	s.Gone = left && !s.Camera
	return s, ok || s.Gone
}

// merge is what is known of a device after it has said more of itself.
func merge(known, more protocol.Sighting) protocol.Sighting {
	if known.Gone != more.Gone {
		return more
	}
	// Web servers have names too: a camera's own name is better.
	if known.Name == "" || more.Camera && !known.Camera && more.Name != "" {
		known.Name = more.Name
	}
	if known.Hardware == "" {
		known.Hardware = more.Hardware
	}
	known.Camera = known.Camera || more.Camera
	known.Other = (known.Other || more.Other) && !known.Camera
	known.XAddrs = union(known.XAddrs, more.XAddrs, maxXAddrs)
	known.Doors = union(known.Doors, more.Doors, maxDoors)
	known.At = more.At
	return known
}

// union is a with what b has besides, at most so many; a is not changed.
func union[T comparable](a, b []T, most int) []T {
	a = slices.Clone(a)
	for _, v := range b {
		if len(a) < most && !slices.Contains(a, v) {
			a = append(a, v)
		}
	}
	return a
}

// same says whether two sightings tell the same.
func same(a, b protocol.Sighting) bool {
	return a.Camera == b.Camera && a.Other == b.Other && a.Gone == b.Gone && a.Name == b.Name && a.Hardware == b.Hardware &&
		slices.Equal(a.XAddrs, b.XAddrs) && slices.Equal(a.Doors, b.Doors)
}
