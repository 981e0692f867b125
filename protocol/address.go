package protocol

import (
	"net/netip"
	"strings"
)

// ParseMAC reads six bytes in hex, with : or - between all of them or nothing, in any case, and writes
// them in lower case with :, the one spelling that we compare.
func ParseMAC(s string) (mac string, ok bool) {
	var digits [12]byte
	switch len(s) {
	case 12:
		copy(digits[:], s)
	case 17:
		for i := range 6 {
			if i > 0 && s[3*i-1] != ':' && s[3*i-1] != '-' {
				return "", false
			}
			copy(digits[2*i:], s[3*i:3*i+2])
		}
	default:
		return "", false
	}
	out := make([]byte, 0, 17)
	for i, d := range []byte(strings.ToLower(string(digits[:]))) {
		if (d < '0' || d > '9') && (d < 'a' || d > 'f') {
			return "", false
		}
		if i > 0 && i%2 == 0 {
			out = append(out, ':')
		}
		out = append(out, d)
	}
	return string(out), true
}

// ParseDeviceMAC reads a MAC that can be one device's: not zero, neither broadcast nor multicast.
func ParseDeviceMAC(s string) (mac string, ok bool) {
	mac, ok = ParseMAC(s)
	if !ok || mac == "00:00:00:00:00:00" || strings.IndexByte("13579bdf", mac[1]) >= 0 {
		return "", false
	}
	return mac, true
}

// ParseHostIP reads an address that can be one host's on a network and writes it in its one spelling:
// without zone, IPv4 as IPv4, neither unspecified nor multicast nor broadcast.
func ParseHostIP(s string) (ip string, ok bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return "", false
	}
	a = a.Unmap().WithZone("")
	if a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return "", false
	}
	return a.String(), true
}
