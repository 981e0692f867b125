package frigate

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"wildfire-watch/protocol/scan"
)

// Bounds on what is read of one camera's inputs.
const (
	maxInputs  = 16
	maxHosts   = 8   // of one camera
	maxHost    = 253 // bytes, DNS's own limit
	maxAddress = 4096
)

// restream is where Frigate's own go2rtc serves its streams, by name.
const restream = "8554"

// byName indexes go2rtc's streams: looking each up in the text would cost cameras × streams.
func byName(streams scan.Value) map[string]scan.Value {
	index := make(map[string]scan.Value)
	for name, v := range streams.Fields() {
		if len(index) == 2*maxCameras {
			break
		}
		index[string(name)] = v
	}
	return index
}

// hosts are the hosts of a camera's inputs, each once, in the order written. An input that reads from
// Frigate's go2rtc stands for the sources of that stream.
func hosts(camera scan.Value, streams map[string]scan.Value) (found []string) {
	inputs := 0
	for input := range camera.Field("ffmpeg").Field("inputs").Items() {
		if inputs++; inputs > maxInputs {
			break
		}
		address, ok := input.Field("path").Text()
		if !ok {
			continue
		}
		host, port, path := split(address)
		if !loopback(host) {
			found = add(found, host)
			continue
		}
		if port != restream {
			continue
		}
		source := streams[path]
		if one, ok := source.Text(); ok {
			found = addRemote(found, one)
		}
		several := 0
		for item := range source.Items() {
			if several++; several > maxInputs {
				break
			}
			if one, ok := item.Text(); ok {
				found = addRemote(found, one)
			}
		}
	}
	return found
}

func add(found []string, host string) []string {
	if host == "" || len(found) == maxHosts || slices.Contains(found, host) {
		return found
	}
	return append(found, host)
}

func addRemote(found []string, address string) []string {
	if host, _, _ := split(address); !loopback(host) {
		return add(found, host)
	}
	return found
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// split takes host, port and path out of an address like rtsp://user:password@host:port/path?query,
// also behind a prefix (ffmpeg:rtsp://…). Whatever may be part of a login is dropped with certainty:
// a password that is not percent-encoded may hold any character, so an address with an @ behind its
// first / has no host here. Everything is empty if there is no plain host.
func split(address string) (host, port, path string) {
	_, rest, ok := strings.Cut(address, "://")
	if !ok || len(address) > maxAddress {
		return "", "", ""
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority, path = rest[:end], rest[end:]
	}
	if strings.Contains(path, "@") {
		return "", "", ""
	}
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	host = authority
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host, port = authority[:colon], authority[colon+1:]
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", "", ""
		}
	}
	if host = plainHost(host); host == "" {
		return "", "", ""
	}
	path = strings.TrimPrefix(path, "/")
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	return host, port, path
}

// plainHost is an IP address as Go writes it, a host name in lower case, or empty.
func plainHost(s string) string {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		s = strings.TrimSuffix(inner, "]")
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Unmap().WithZone("").String()
	}
	s = strings.ToLower(s)
	if len(s) > maxHost || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return ""
	}
	return s
}
