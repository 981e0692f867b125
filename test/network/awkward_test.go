//go:build network

package network

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// awkward is one scan of the lab with awkward cameras and hostile hosts, which several tests read.
var awkward struct {
	sync.Mutex
	*found
	received int64 // bytes, both ways
}

const (
	// A hostile host is given up after its timeouts, and there are several of them.
	mostHostileScan   = 30 * time.Second
	mostHostileMemory = 128 << 20
	mostHostileBytes  = 96 << 20 // of more than a gigabyte that is on offer
)

func lookAtAwkward(t *testing.T) (*lab, *found) {
	t.Helper()
	l := labOf(t, "--more", "--hostile")
	awkward.Lock()
	defer awkward.Unlock()
	if awkward.found == nil {
		before := l.traffic(t)
		// Last, a login that any host may be given: what the thief waits for.
		lines := logins(l.truth.Cameras, l.truth.More) + "admin:for-everybody\n"
		f := discover(t, l, 0, lines, 2*mostHostileScan, fmt.Sprintf(`cameras.network=["10.77.%d.0/24"]`, (l.id+100)%256))
		awkward.received = l.traffic(t) - before
		figure("21 cameras, 13 hostile hosts, 5 others: scan %.2f s, memory %.1f MB, traffic %.1f MB", f.Took, float64(f.peak)/1e6, float64(awkward.received)/1e6)
		awkward.found = f
	}
	return l, awkward.found
}

func TestHostileHostsCostABoundedTimeAndMemory(t *testing.T) {
	_, f := lookAtAwkward(t)
	if f.wall > mostHostileScan {
		t.Errorf("took %v, at most %v", f.wall, mostHostileScan)
	}
	if f.peak == 0 || f.peak > mostHostileMemory {
		t.Errorf("%d bytes of memory, at most %d", f.peak, mostHostileMemory)
	}
	if awkward.received > mostHostileBytes {
		t.Errorf("%d bytes went over the network, at most %d", awkward.received, mostHostileBytes)
	}
}

func TestHostileHostsHideNoCamera(t *testing.T) {
	l, f := lookAtAwkward(t)
	for _, h := range l.truth.proving() {
		f.holds(t, h)
	}
}

// Some of them say that they are ONVIF cameras; then they may stand there as such, with what is wrong
// with them and without a stream. The others are none.
func TestHostileHostsAreNoCamerasAndAreReported(t *testing.T) {
	l, f := lookAtAwkward(t)
	mayPose := []string{"hos03", "hos04", "hos05", "hos06", "hos07"}
	for _, h := range l.truth.Hostile {
		posing := f.with(h.MAC)
		reported := f.suspected(h.MAC) != ""
		for _, c := range posing {
			if !slices.Contains(mayPose, h.ID) || len(c.Streams) > 0 {
				t.Errorf("%s (%s) is a camera: %+v", h.ID, h.Kind, c)
			}
			reported = reported || c.Problem != ""
		}
		if len(posing) > 1 {
			t.Errorf("%s is %d cameras", h.ID, len(posing))
		}
		if h.ID <= "hos07" && !reported {
			t.Errorf("%s (%s) is not reported", h.ID, h.Kind)
		}
	}
	for _, c := range f.Cameras {
		if c.MAC == "" {
			t.Errorf("a camera without MAC: %+v", c)
		}
	}
}

func TestNoLoginFollowsARedirectOrAForeignAddress(t *testing.T) {
	l, f := lookAtAwkward(t)
	if n := l.logLines(t, "hos08.thief", "LOGIN"); n != 0 {
		t.Errorf("%d logins arrived:\n%s", n, l.log(t, "hos08.thief"))
	}
	if n := f.wire.loginsTo(l.truth.named("hos08").IP); n != 0 {
		t.Errorf("%d logins left for the thief", n)
	}
	for _, h := range l.truth.Hostile {
		if n := f.wire.loginsTo(h.IP); n > 1 {
			t.Errorf("%s got %d requests with a login, at most 1", h.ID, n)
		}
	}
}

func TestAFloodOfAnnouncementsIsCountedAndForgotten(t *testing.T) {
	l, f := lookAtAwkward(t)
	if len(f.Cameras)+len(f.Suspects) > 60 {
		t.Errorf("%d cameras and %d suspects on a network of 40 hosts", len(f.Cameras), len(f.Suspects))
	}
	if f.Others > 260+30 {
		t.Errorf("%d others on a /24", f.Others)
	}
	if !strings.Contains(l.log(t, "hos09.probed"), "PROBED") || !strings.Contains(l.log(t, "hos11.mdns"), "FLOODED") {
		t.Error("nobody was flooded: the test looks at nothing")
	}
}

func TestTwoHostsWithOneMACAreNotOneAndNotLost(t *testing.T) {
	l, f := lookAtAwkward(t)
	one, two := l.truth.named("mor01"), l.truth.named("mor02")
	all := f.with(one.MAC)
	seen := fmt.Sprintf("%+v", all)
	if len(all) == 0 || len(all) > 2 {
		t.Fatalf("found %d times: %s", len(all), seen)
	}
	// Either both are there, or one is and says that the other claims its MAC.
	said := seen + fmt.Sprintf("%+v", f.Suspects)
	both := strings.Contains(said, one.IP) && strings.Contains(said, two.IP)
	problem := slices.ContainsFunc(all, func(c camera) bool { return c.Problem != "" })
	if !both && !problem {
		t.Errorf("one of two hosts with one MAC is lost without a word: %s", seen)
	}
}

func TestTwoMACsOnOneAddressAreAConflict(t *testing.T) {
	l, f := lookAtAwkward(t)
	three, four := l.truth.named("mor03"), l.truth.named("mor04")
	n := len(f.with(three.MAC)) + len(f.with(four.MAC))
	if n == 0 {
		t.Errorf("neither of two cameras on %s is found", three.IP)
	}
	if len(f.with(three.MAC)) > 1 || len(f.with(four.MAC)) > 1 {
		t.Error("one of them is found twice")
	}
	said := fmt.Sprintf("%+v %+v", append(f.with(three.MAC), f.with(four.MAC)...), f.Suspects)
	if !strings.Contains(said, three.MAC) || !strings.Contains(said, four.MAC) {
		t.Errorf("one of two MACs on %s is not mentioned: %s", three.IP, said)
	}
}

func TestACameraBehindARouterIsFoundByUnicast(t *testing.T) {
	l, f := lookAtAwkward(t)
	f.holds(t, l.truth.named("mor05")) // ONVIF tells its MAC; no ARP does
	router := l.truth.named("gw").MAC
	if all := f.with(router); len(all) != 0 {
		t.Errorf("the router passes for the camera behind it: %+v", all)
	}
}

func TestALoginWithSHA256IsUnderstood(t *testing.T) {
	l, f := lookAtAwkward(t)
	f.holds(t, l.truth.named("mor06"))
}

func TestARecorderWithFourChannelsIsOneDeviceWithFourStreams(t *testing.T) {
	l, f := lookAtAwkward(t)
	f.holds(t, l.truth.named("mor07"))
}

func TestACameraOnSummerTimeIsLoggedInToAtFirstTry(t *testing.T) {
	l, f := lookAtAwkward(t)
	f.holds(t, l.truth.named("mor08"))
	if n := l.logLines(t, "mor08.onvif", "AUTH-FAIL") + l.logLines(t, "mor08.onvif", "LOCKOUT"); n != 0 {
		t.Errorf("%d logins were refused", n)
	}
}

// Pitfall 13: XAddrs hold several URLs, https, 0.0.0.0, link-local ones.
func TestOddAddressesLeadToTheHostThatAnnouncedThem(t *testing.T) {
	l, f := lookAtAwkward(t)
	f.holds(t, l.truth.named("mor09"))
}

// Pitfall 14: servers say no in their own ways: 400 (gSOAP), 401 (go2rtc, httpda), 500, 200 with a
// fault. The lab has the first two; protocol/onvif's tests have the rest.
func TestALoginThatIsWrongIsToldApartFromNone(t *testing.T) {
	l := labOf(t)
	f := discover(t, l, 0, "", endOfScan)
	for id, want := range map[string]string{"cam01": "missing", "cam02": "missing", "cam03": "missing", "cam05": "missing", "cam10": "missing",
		"cam04": "none", "cam08": "none", "cam11": "none"} {
		h := l.truth.named(id)
		all := f.with(h.MAC)
		if len(all) == 1 && all[0].Login == want {
			continue
		}
		if len(all) == 0 && want == "missing" && f.suspected(h.MAC) != "" {
			continue // RTSP alone, and it wants a login: it has not proved anything yet
		}
		t.Errorf("%s: %+v, suspect %q; want login %s", id, all, f.suspected(h.MAC), want)
	}
}
