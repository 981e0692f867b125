package device

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"wildfire-watch/protocol"
)

// Bounds on what a device says of where it is.
const (
	maxXAddrs  = 8
	maxPorts   = 16
	maxAddress = 512 // bytes of a URL
)

// servicePath is where ONVIF's device service is (ONVIF Core section 5.1.1).
const servicePath = "/onvif/device_service"

// streamPorts carry RTSP: a POST there is a waste of the interview's time.
var streamPorts = []int{322, 554, 1554, 5554, 7070, 8554, 10554}

// tlsPorts are the usual ones of https.
var tlsPorts = []int{443, 8443}

// stages are the addresses to try, all of one stage together, a later stage only if no earlier one
// has the device service: what was announced, then the ports. An announced https address counts only
// if no http one is announced, and a port of TLS comes last: a device's certificate proves nothing to us.
func stages(o protocol.InterviewOrder, ip netip.Addr) (all [][]*url.URL) {
	var plain, secret, ports, tlsOnes []*url.URL
	for _, text := range o.XAddrs {
		for one := range strings.FieldsSeq(text[:min(len(text), maxXAddrs*maxAddress)]) {
			at, ok := reach(one, ip)
			switch {
			case !ok:
			case at.Scheme == "http":
				plain = add(plain, at, maxXAddrs)
			default:
				secret = add(secret, at, maxXAddrs)
			}
		}
	}
	for _, port := range o.Ports {
		door := slices.ContainsFunc(o.Doors, func(d protocol.Door) bool { return d.Port == port })
		switch {
		case door || port < 1 || port > 65535 || slices.Contains(streamPorts, port):
		case slices.Contains(tlsPorts, port):
			tlsOnes = add(tlsOnes, &url.URL{Scheme: "https", Host: join(ip, port, "https"), Path: servicePath}, maxPorts)
		default:
			ports = add(ports, &url.URL{Scheme: "http", Host: join(ip, port, "http"), Path: servicePath}, maxPorts)
		}
	}
	if len(plain) > 0 {
		secret = nil
	}
	for _, stage := range [][]*url.URL{plain, secret, ports, tlsOnes} {
		stage = slices.DeleteFunc(stage, func(at *url.URL) bool { return tried(all, at) })
		if len(stage) > 0 {
			all = append(all, stage)
		}
	}
	return all
}

func add(list []*url.URL, at *url.URL, most int) []*url.URL {
	if len(list) == most || tried([][]*url.URL{list}, at) {
		return list
	}
	return append(list, at)
}

func tried(stages [][]*url.URL, at *url.URL) bool {
	for _, stage := range stages {
		if slices.ContainsFunc(stage, func(a *url.URL) bool { return *a == *at }) {
			return true
		}
	}
	return false
}

// reach is the http or https address that text names, at the host ip: the device's own word for its
// host is often that of another interface, 0.0.0.0 or a name that only it knows. Port, path and query
// are kept, a login is not.
func reach(text string, ip netip.Addr) (*url.URL, bool) {
	u, ok := parse(text)
	if !ok || u.Scheme != "http" && u.Scheme != "https" {
		return nil, false
	}
	port, ok := portOf(u)
	if !ok {
		return nil, false
	}
	return &url.URL{Scheme: u.Scheme, Host: join(ip, port, u.Scheme), Path: rooted(u.Path), RawPath: u.RawPath, RawQuery: u.RawQuery}, true
}

// beside is where a service is that the device names as text, if its device service was reached at
// home. A device that is wrong about its host (it sits behind an address translator, or does not know
// better) is not believed about its port or its scheme either.
func beside(home *url.URL, text string, ip netip.Addr) (*url.URL, bool) {
	at, ok := reach(text, ip)
	if !ok {
		return nil, false
	}
	told, _ := parse(text)
	if host, err := netip.ParseAddr(told.Hostname()); err != nil || host.Unmap() != ip || at.Scheme != home.Scheme {
		at.Scheme, at.Host = home.Scheme, home.Host
	}
	return at, true
}

// parse reads a URL that holds nothing but printable ASCII.
func parse(text string) (*url.URL, bool) {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(text) > maxAddress || strings.ContainsFunc(text, odd) {
		return nil, false
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, false
	}
	return u, true
}

func rooted(p string) string {
	if p == "" {
		return "/"
	}
	return p
}

var defaultPorts = map[string]int{"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}

func portOf(u *url.URL) (int, bool) {
	if u.Port() == "" {
		return defaultPorts[u.Scheme], true
	}
	port, err := strconv.Atoi(u.Port())
	return port, err == nil && port > 0 && port < 65536
}

// join is host and port; a scheme's default port is left out.
func join(ip netip.Addr, port int, scheme string) string {
	host := ip.String()
	if ip.Is6() {
		host = "[" + host + "]"
	}
	if port == defaultPorts[scheme] {
		return host
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(port))
}

// isLocal says whether an address is of this machine or of a local network.
func isLocal(ip netip.Addr) bool { return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() }

// secretKeys are the names under which some devices write a login into a stream's query.
var secretKeys = []string{"user", "username", "usr", "login", "password", "passwd", "pass", "pwd", "auth", "token"}

// stream is the address of a stream that the device names as text, at the host ip and without a login;
// false if it is none, or if its path holds a login.
func stream(text string, ip netip.Addr) (string, bool) {
	u, ok := parse(text)
	if !ok || u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		return "", false
	}
	if _, ok = portOf(u); !ok {
		return "", false
	}
	path := strings.ToLower(u.Path)
	if strings.Contains(path, "password=") || strings.Contains(path, "passwd=") || strings.Contains(path, "pwd=") {
		return "", false
	}
	host := ip.String()
	if ip.Is6() {
		host = "[" + host + "]"
	}
	if u.Port() != "" {
		host = net.JoinHostPort(ip.String(), u.Port())
	}
	parts := strings.Split(u.RawQuery, "&")
	parts = slices.DeleteFunc(parts, func(part string) bool {
		key, _, _ := strings.Cut(part, "=")
		return slices.Contains(secretKeys, strings.ToLower(key))
	})
	at := url.URL{Scheme: u.Scheme, Host: host, Path: rooted(u.Path), RawPath: u.RawPath, RawQuery: strings.Join(parts, "&")}
	return at.String(), true
}
