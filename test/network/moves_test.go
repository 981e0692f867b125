//go:build network

package network

import (
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/test/gear"
)

// With quick settings: a check takes at most the patience with a camera that hangs, then the threshold
// counts from the last sign of life.
const (
	soonOffline = 20 * time.Second
	soonOnline  = 15 * time.Second
	soonMoved   = 10 * time.Second
	threshold   = 5 * time.Second
)

func TestCamerasThatMoveDieAndReturn(t *testing.T) {
	l := labOf(t)
	// A look around takes 3 s here: between two of them nothing of it is open.
	p := start(t, l, nil, append(slices.Clone(quick), "cameras.steady_state_interval=9s",
		"cameras.credentials_file="+credentials(t, 0, logins(l.truth.Cameras)))...)
	heard := p.listen()
	p.knows(t, heard, time.Minute, l.truth.proving())
	files := least(4*time.Second, p.files)
	threads := least(time.Second, func() int { return int(p.status("Threads:")) })
	opened := p.opened()
	t.Run("a moved camera is the same camera", func(t *testing.T) { roams(t, l, p, heard) })
	t.Run("other hardware on an address is another camera", func(t *testing.T) { swapped(t, l, p, heard) })
	t.Run("one lost probe is not offline", func(t *testing.T) { hiccups(t, l, p, heard) })
	t.Run("a camera that goes is offline, and online when it returns", func(t *testing.T) { goesAndReturns(t, l, p, heard) })
	t.Run("our checks leave a camera's one session to the recorder", func(t *testing.T) { oneSession(t, l) })
	t.Run("nothing is left open after the cycles", func(t *testing.T) {
		var filesNow int // a search that goes on has sockets of its own; they close with it
		gear.Await(30*time.Second, func() bool { filesNow = p.files(); return filesNow <= files })
		threadsNow := least(time.Second, func() int { return int(p.status("Threads:")) })
		if filesNow > files || threadsNow > threads+2 {
			t.Errorf("%d files and %d threads, before %d and %d; open now:\n%sbefore:\n%s", filesNow, threadsNow, files,
				threads, p.opened(), opened)
		}
		figure("after the cycles: %d files, %d threads; before %d, %d", filesNow, threadsNow, files, threads)
	})
	p.stop()
}

// Pitfall 10: same camera, new address, within one cycle.
func roams(t *testing.T, l *lab, p *process, heard *listener) {
	mac, old := l.truth.named("cam10").MAC, heard.newest(l.truth.named("cam10").MAC).IP
	begun := time.Now()
	out := l.do(t, "roam")
	now := strings.TrimSpace(out[strings.LastIndex(out, "->")+2:])
	if old == now || old == "" {
		t.Fatalf("cam10 was known at %q and is now at %q", old, now)
	}
	if !gear.Await(soonMoved, func() bool {
		return heard.newest(mac).IP == now && heard.said(mac, begun, func(m message) bool { return moves(m) && m.IP == now })
	}) {
		t.Fatalf("no ip_changed to %s within %v: %+v\n%s", now, soonMoved, heard.on(statusTopic, mac, begun), p.tail())
	}
	figure("a camera's new address is known after %v", time.Since(begun).Round(100*time.Millisecond))
	if heard.said(mac, begun, goesOffline) {
		t.Error("a camera that moved went offline")
	}
	for _, m := range heard.on(discoveryTopic, "", begun) {
		if m.IP == now && m.MAC != mac {
			t.Errorf("%s is at cam10's address", m.MAC)
		}
	}
}

// Pitfall 11: same address, other MAC.
func swapped(t *testing.T, l *lab, p *process, heard *listener) {
	h, other := l.truth.named("cam11"), "2c:aa:8e:0a:00:99"
	begun := time.Now()
	l.do(t, "swap", "cam11", other)
	defer l.do(t, "swap", "cam11")
	if !gear.Await(soonOffline, func() bool {
		return heard.newest(other).Online && heard.newest(other).IP == h.IP && heard.said(h.MAC, begun, goesOffline)
	}) {
		t.Fatalf("other hardware: %+v, the old: %+v\n%s", heard.newest(other), heard.on(statusTopic, h.MAC, begun), p.tail())
	}
	if heard.said(h.MAC, begun, comesOnline) || heard.said(other, begun, moves) {
		t.Errorf("other hardware on the same address passes for the old camera: it %+v, the old one %+v\n%s",
			heard.on(statusTopic, other, begun), heard.on(statusTopic, h.MAC, begun), p.tail())
	}
	back := time.Now()
	l.do(t, "swap", "cam11")
	if !gear.Await(soonOffline, func() bool { return heard.said(h.MAC, back, comesOnline) && heard.newest(h.MAC).Online }) {
		t.Errorf("cam11 has its hardware back and is not online: %+v\n%s", heard.newest(h.MAC), p.tail())
	}
	gear.Await(soonOffline, func() bool { return heard.said(other, back, goesOffline) })
}

// Silent for less than the threshold: nobody is told anything.
func hiccups(t *testing.T, l *lab, p *process, heard *listener) {
	h := l.truth.named("cam06")
	begun := time.Now()
	l.do(t, "freeze", h.ID)
	pass(t, threshold/2, func() bool { return true })
	l.do(t, "thaw", h.ID)
	pass(t, threshold, func() bool { return !heard.said(h.MAC, begun, goesOffline) })
	if !heard.newest(h.MAC).Online {
		t.Errorf("cam06 was silent for %v and is offline\n%s", threshold/2, p.tail())
	}
}

// Pitfall 12: frozen, TCP still connects and nothing answers. Unplugged, nothing does; killed, the host
// is up and its ports are closed.
func goesAndReturns(t *testing.T, l *lab, p *process, heard *listener) {
	ways := []struct{ id, breaks, mends string }{
		{"cam11", "unplug", "replug"}, {"cam05", "freeze", "thaw"}, {"cam08", "kill", "start"}, {"cam02", "freeze", "thaw"}}
	begun := time.Now()
	for _, w := range ways {
		l.do(t, w.breaks, w.id)
		defer l.script(t.Context(), w.mends, w.id) //nolint:errcheck // mended twice does no harm
	}
	for _, w := range ways {
		mac := l.truth.named(w.id).MAC
		if !gear.Await(soonOffline, func() bool { return heard.said(mac, begun, goesOffline) && !heard.newest(mac).Online }) {
			t.Errorf("%s after %s: not offline within %v\n%s", w.id, w.breaks, soonOffline, p.tail())
			continue
		}
		said := heard.on(statusTopic, mac, begun)
		if early := said[0].at.Sub(begun); early < threshold-2*time.Second {
			t.Errorf("%s after %s: offline after %v, the threshold is %v", w.id, w.breaks, early, threshold)
		}
	}
	figure("four cameras that went are offline after %v", time.Since(begun).Round(100*time.Millisecond))
	mended := time.Now()
	for _, w := range ways {
		l.do(t, w.mends, w.id)
	}
	for _, w := range ways {
		mac := l.truth.named(w.id).MAC
		if !gear.Await(soonOnline, func() bool { return heard.said(mac, mended, comesOnline) && heard.newest(mac).Online }) {
			t.Errorf("%s after %s: not online within %v\n%s", w.id, w.mends, soonOnline, p.tail())
		}
	}
	figure("four cameras that returned are online after %v", time.Since(mended).Round(100*time.Millisecond))
	for _, h := range l.truth.proving() {
		if h.ID != "cam11" && h.ID != "cam05" && h.ID != "cam08" && h.ID != "cam02" && heard.said(h.MAC, begun, goesOffline) {
			t.Errorf("%s went offline, and nobody touched it", h.ID)
		}
	}
}

// Pitfall 9: cam07 has one session; while it is checked every second, a recorder gets it each time.
func oneSession(t *testing.T, l *lab) {
	h := l.truth.named("cam07")
	address := strings.Replace(h.Streams[0].URL, "rtsp://", "rtsp://"+h.User+":"+h.Password+"@", 1)
	out := l.do(t, "exec", "app", "timeout", "20", "ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries",
		"stream=codec_name", "-of", "csv", address)
	if !strings.Contains(out, "hevc") {
		t.Errorf("a recorder got %q", out)
	}
}
