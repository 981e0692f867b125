//go:build network

package network

import (
	"strings"
	"testing"
	"time"
)

// Pitfall 18 and issue 4: a login that is refused is tried once a camera and hour, whichever of RTSP,
// ONVIF and HTTP it was refused at: they count together, and five locks the account.
func TestNoAccountIsLocked(t *testing.T) {
	l := labOf(t)
	w := watchWire(t, l)
	p := start(t, l, nil, append(quick, "cameras.credentials_file="+credentials(t, 0, "admin:not-the-password\n"))...)
	heard := p.listen()
	// cam08 and cam11 ask for no login: when they have been asked often enough, so have all others.
	p.knows(t, heard, time.Minute, []host{l.truth.named("cam08"), l.truth.named("cam11")})
	before := strings.Count(l.log(t, "cam01.onvif"), "\n")
	pass(t, 12*time.Second, func() bool { return true }) // three scans and ten checks
	w.stop()
	for _, h := range l.truth.Cameras {
		ip := h.IP
		if h.ID == "cam10" {
			ip = strings.TrimSpace(l.do(t, "exec", "cam10", "sh", "-c", "ip -4 -br addr show eth0 | sed 's#.* \\([0-9.]*\\)/.*#\\1#'"))
		}
		if n := w.loginsTo(ip); n > 1 {
			t.Errorf("%s: %d requests carried the wrong login, at most 1", h.ID, n)
		}
	}
	for _, id := range []string{"cam01", "cam02", "cam10"} {
		for word, most := range map[string]int{"AUTH-FAIL": 1, "AUTH-LOCKED": 0, "LOCKOUT": 0} {
			if n := l.logLines(t, id+".onvif", word); n > most {
				t.Errorf("%s: %d lines %s in its log, at most %d", id, n, word, most)
			}
		}
	}
	if tried := w.loginsTo(l.truth.named("cam05").IP) + w.loginsTo(l.truth.named("cam07").IP); tried == 0 {
		t.Error("no camera was tried at all")
	}
	if after := strings.Count(l.log(t, "cam01.onvif"), "\n"); after == before && before == 0 {
		t.Error("cam01 was never asked")
	}
	if strings.Contains(p.said.String(), "not-the-password") {
		t.Error("the log tells the password")
	}
	p.stop()
}
