//go:build network

package network

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
)

// Promises of issue 4 for a /24 with 12 cameras and 5 other hosts.
const (
	mostScan      = 6 * time.Second // all cameras that answer are identified
	mostARP       = 1.0             // seconds until the ARP stage is complete
	mostARPASec   = 1100            // 1,000 requests a second, and what a window of tenths adds
	endOfScan     = 40 * time.Second
	scanTimeout   = 2 * time.Second // what discover gives RTSP and ONVIF here
	hangingDevice = 3               // times scanTimeout, the longest that a hanging host may hold up
)

// firstLook is one scan of the base lab with the right logins, which several tests read.
var firstLook struct {
	sync.Mutex
	*found
}

func lookAround(t *testing.T) (*lab, *found) {
	t.Helper()
	l := labOf(t)
	firstLook.Lock()
	defer firstLook.Unlock()
	if firstLook.found == nil {
		f := discover(t, l, 0, logins(l.truth.Cameras), endOfScan)
		most, sum := f.wire.arpASecond()
		figure("/24, 12 cameras, 5 others: scan %.2f s, ARP stage %.2f s, process %.2f s, memory %.1f MB, at most %d ARP requests a second, %d in all",
			f.Took, f.ARPTook, f.wall.Seconds(), float64(f.peak)/1e6, most, sum)
		firstLook.found = f
	}
	return l, firstLook.found
}

// Pitfalls 16 (several answers to one probe) and 17 (XML prefixes differ on all four ONVIF servers).
func TestEveryCameraIsFoundOnceWithItsStreams(t *testing.T) {
	l, f := lookAround(t)
	for _, h := range l.truth.proving() {
		f.holds(t, h)
	}
	if f.Reduced != "" {
		t.Errorf("as root on a /24, and reduced: %s", f.Reduced)
	}
}

// Pitfall 1: a printer answers WS-Discovery and mDNS, a computer wsdd; 7 and 8: a tarpit and random
// bytes where a camera would be.
func TestNoCameraIsInvented(t *testing.T) {
	l, f := lookAround(t)
	for _, c := range f.Cameras {
		if !slices.ContainsFunc(l.truth.proving(), func(h host) bool { return h.MAC == c.MAC }) {
			t.Errorf("%s %s is no camera; proof %q, problem %q", c.MAC, c.IP, c.Proof, c.Problem)
		}
	}
	for _, h := range l.truth.Others {
		if h.ID == "oth01" || h.ID == "oth02" || h.ID == "oth03" || h.ID == "gw" {
			if why := f.suspected(h.MAC); why != "" {
				t.Errorf("%s (%s) is a suspect: %s", h.ID, h.Kind, why)
			}
		}
	}
	if f.Others < 1 {
		t.Errorf("others: %d, and there is a printer at least", f.Others)
	}
}

// Pitfall 7: a camera's maker, a port that takes connections and never answers.
func TestACameraThatHangsIsASuspectAndCostsOneTimeout(t *testing.T) {
	l, f := lookAround(t)
	if why := f.suspected(l.truth.named("cam12").MAC); why == "" {
		t.Errorf("cam12 is no suspect: %+v", f.Suspects)
	}
	if most := mostScan.Seconds() + hangingDevice*scanTimeout.Seconds(); f.Took > most {
		t.Errorf("took %.1f s, at most %.1f: hanging hosts cost one timeout, at the same time as the rest", f.Took, most)
	}
}

// Pitfall 2: cam03 never answers WS-Discovery, and HTTP Basic is all it takes.
func TestACameraWithoutWSDiscoveryIsFoundByItsPorts(t *testing.T) {
	l, f := lookAround(t)
	h := l.truth.named("cam03")
	f.holds(t, h)
	for _, c := range f.with(h.MAC) {
		if slices.Contains(c.FoundBy, "ws-discovery") {
			t.Errorf("cam03 found by %v: it does not speak it", c.FoundBy)
		}
	}
}

// Pitfall 3: cam02 lives two hours ago, and five logins with our time would lock it.
func TestACameraWithAWrongClockIsLoggedInToAtFirstTry(t *testing.T) {
	l, f := lookAround(t)
	f.holds(t, l.truth.named("cam02"))
	for _, word := range []string{"AUTH-FAIL", "AUTH-LOCKED", "LOCKOUT", "future"} {
		if n := strings.Count(l.log(t, "cam02.onvif"), word); n != 0 {
			t.Errorf("cam02's log: %d times %s", n, word)
		}
	}
}

// Pitfalls 4 and 5: cam04 names a host in another network, and takes UDP alone.
func TestAStreamIsWhereWeReachedTheCamera(t *testing.T) {
	l, f := lookAround(t)
	h := l.truth.named("cam04")
	f.holds(t, h)
	for _, c := range f.with(h.MAC) {
		for _, s := range c.Streams {
			if !strings.HasPrefix(plain(s.URL), h.IP+":") {
				t.Errorf("%s: want a stream on %s", s.URL, h.IP)
			}
		}
	}
}

// Pitfall 6: ports that only a list or an SRV record names.
func TestStreamsOnOtherPortsAreFound(t *testing.T) {
	l, f := lookAround(t)
	for id, port := range map[string]string{"cam06": "8554", "cam08": "10554", "cam09": "7070"} {
		for _, c := range f.with(l.truth.named(id).MAC) {
			if len(c.Streams) == 0 || !strings.Contains(c.Streams[0].URL, ":"+port+"/") {
				t.Errorf("%s: %+v, want a stream on port %s", id, c.Streams, port)
			}
		}
		f.holds(t, l.truth.named(id))
	}
}

// Pitfall 8: random bytes reach no terminal and no log.
func TestNothingThatAHostSendsIsPrintedRaw(t *testing.T) {
	_, f := lookAround(t)
	for line := range strings.Lines(f.said) {
		for _, r := range strings.TrimRight(line, "\r\n") {
			if r == unicode.ReplacementChar || !unicode.IsPrint(r) && r != '\t' && r != '\r' && r != 0x1b {
				t.Fatalf("said %q", line)
			}
		}
	}
}

func TestALookAroundIsQuickAndGentle(t *testing.T) {
	_, f := lookAround(t)
	if f.ARPTook <= 0 || f.ARPTook > mostARP {
		t.Errorf("ARP stage %.2f s, at most %.1f", f.ARPTook, mostARP)
	}
	if f.Took <= 0 || f.Took > mostScan.Seconds() {
		t.Errorf("scan %.2f s, at most %v", f.Took, mostScan)
	}
	if most, sum := f.wire.arpASecond(); most > mostARPASec || sum == 0 {
		t.Errorf("%d ARP requests in one second, at most %d; %d in all", most, mostARPASec, sum)
	}
}

func TestAPasswordIsToldInPlainTextOnlyWhereNothingElseIsTaken(t *testing.T) {
	l, f := lookAround(t)
	for _, h := range l.truth.Cameras {
		if n := f.wire.basicTo(h.IP); h.ID != "cam03" && n > 0 {
			t.Errorf("%s: %d logins in plain text, and it takes a digest", h.ID, n)
		}
	}
	if f.wire.loginsTo(l.truth.named("cam03").IP) == 0 {
		t.Error("the wire saw no login at all: it looks in the wrong place")
	}
}

func TestNoLoginIsPrinted(t *testing.T) {
	l, f := lookAround(t)
	for _, h := range l.truth.Cameras {
		if h.Password != "" && (strings.Contains(f.said, h.Password) || strings.Contains(fmt.Sprintf("%+v", f.Cameras), h.Password)) {
			t.Errorf("the password of %s is printed", h.ID)
		}
	}
}

func TestWithoutRightsItFindsLessAndSaysSoOnce(t *testing.T) {
	l := labOf(t)
	f := discover(t, l, nobody, logins(l.truth.Cameras), endOfScan)
	if !strings.Contains(f.Reduced, "CAP_NET_RAW") {
		t.Errorf("reduced: %q, want it to name CAP_NET_RAW", f.Reduced)
	}
	if n := strings.Count(f.said, "CAP_NET_RAW"); n != 1 {
		t.Errorf("the warning came %d times:\n%s", n, f.said)
	}
	if _, sum := f.wire.arpASecond(); sum > 4*254 {
		t.Errorf("%d ARP requests by the kernel for 254 addresses", sum)
	}
	for _, id := range []string{"cam01", "cam02", "cam04", "cam08", "cam09", "cam10"} { // they announce themselves
		f.holds(t, l.truth.named(id).without("arp"))
	}
	figure("without rights: %d of %d cameras, %.2f s", len(f.Cameras), len(l.truth.proving()), f.Took)
}

// without is the host without one of the ways to find it.
func (h host) without(means string) host {
	h.FoundBy = slices.DeleteFunc(slices.Clone(h.FoundBy), func(m string) bool { return m == means })
	return h
}

// Pitfall 15: connecting to all of a /16 fills the kernel's neighbour table.
func TestAWideNetworkIsNotSweptUnasked(t *testing.T) {
	l := labOf(t, "--wide")
	f := discover(t, l, 0, logins(l.truth.Cameras), endOfScan)
	if !strings.Contains(f.Reduced+f.said, "/16") {
		t.Errorf("nobody is told that the /16 was left out: reduced %q", f.Reduced)
	}
	for _, id := range []string{"cam01", "cam02", "cam04", "cam08", "cam09", "cam10"} {
		f.holds(t, l.truth.named(id).without("arp"))
	}
	if n := strings.Count(l.do(t, "exec", "app", "ip", "neigh", "show"), "\n"); n > 256 {
		t.Errorf("%d entries in the neighbour table", n)
	}
	if _, sum := f.wire.arpASecond(); sum > 4096 {
		t.Errorf("%d ARP requests, and nobody asked for a sweep", sum)
	}
	l.down()
	delete(labs.up, "--wide")
}
