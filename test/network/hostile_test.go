//go:build network

package network

import (
	"fmt"
	"testing"
	"time"
)

// mostHostileCPU is the share of one core that a house among hostile hosts may take, scans every few
// seconds included.
const mostHostileCPU = 0.5

// The whole house, scan after scan among hosts that mean harm: it loses no camera, gives no login
// away, and does not grow.
func TestTheHouseLivesAmongHostileHosts(t *testing.T) {
	l := labOf(t, "--more", "--hostile")
	w := watchWire(t, l)
	stolen := l.logLines(t, "hos08.thief", "LOGIN")
	lines := logins(l.truth.Cameras, l.truth.More) + "admin:for-everybody\n"
	p := start(t, l, nil, append(quick, "cameras.credentials_file="+credentials(t, 0, lines),
		fmt.Sprintf(`cameras.network=["10.77.%d.0/24"]`, (l.id+100)%256))...)
	heard := p.listen()
	known := append(l.truth.proving(), l.truth.named("mor05"), l.truth.named("mor08"), l.truth.named("mor09"))
	p.knows(t, heard, time.Minute, known)
	begun, used, files := time.Now(), p.cpu(), p.files()
	pass(t, 20*time.Second, func() bool { p.peak = max(p.peak, p.status("VmHWM:")<<10); return true })
	w.stop()
	share := (p.cpu() - used).Seconds() / time.Since(begun).Seconds()
	figure("the house among 13 hostile hosts: memory at most %.1f MB, %.0f %% of a core", float64(p.peak)/1e6, 100*share)
	if p.peak > mostHostileMemory {
		t.Errorf("%d bytes of memory, at most %d", p.peak, mostHostileMemory)
	}
	if share > mostHostileCPU {
		t.Errorf("%.0f %% of a core, at most %.0f", 100*share, 100*mostHostileCPU)
	}
	if now := least(4*time.Second, p.files); now > files {
		t.Errorf("%d files are open, before %d", now, files)
	}
	for _, h := range known {
		if heard.said(h.MAC, begun, goesOffline) || !heard.newest(h.MAC).Online {
			t.Errorf("%s went offline, and nobody touched it", h.ID)
		}
	}
	for _, h := range l.truth.Hostile {
		if n := w.loginsTo(h.IP); n > 1 {
			t.Errorf("%s got %d requests with a login, at most 1", h.ID, n)
		}
	}
	if n := l.logLines(t, "hos08.thief", "LOGIN"); n > stolen {
		t.Errorf("%d logins arrived at the thief", n-stolen)
	}
	p.stop()
}
