package stream

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

func TestCheck(t *testing.T) {
	live := map[string]string{"/live": sdp264}
	for name, c := range map[string]struct {
		device  *device
		login   protocol.Login
		frames  bool
		alive   bool
		refused bool
		counted int
		problem string // part of it; empty: none
	}{
		"no login":              {&device{streams: live}, protocol.Login{}, false, true, false, 0, ""},
		"a login":               {&device{streams: live, user: "admin", offers: digest}, owner, false, true, false, 0, ""},
		"401 without one":       {&device{streams: live, user: "admin", offers: digest}, protocol.Login{}, false, true, false, 0, ""},
		"refused":               {&device{streams: live, user: "admin", offers: digest}, wrongA, false, true, true, 0, "refuses the login"},
		"not found":             {&device{}, protocol.Login{}, false, true, false, 0, "404 not found"},
		"500":                   {&device{statuses: map[string]int{"/live": 500}}, owner, false, true, false, 0, "500 internal"},
		"453":                   {&device{statuses: map[string]int{"/live": 453}}, owner, false, true, false, 0, "too many sessions"},
		"frames":                {&device{streams: live, packets: -1}, protocol.Login{}, true, true, false, watchMost, ""},
		"frames, a login":       {&device{streams: live, packets: -1, user: "admin", offers: digest, uses: 2}, owner, true, true, false, watchMost, ""},
		"frames, UDP alone":     {&device{streams: live, packets: -1, udpOnly: true, user: "admin", offers: digest}, owner, true, true, false, watchMost, ""},
		"frames, a few":         {&device{streams: live, packets: 7}, protocol.Login{}, true, true, false, 7, ""},
		"frames, none":          {&device{streams: live}, protocol.Login{}, true, true, false, 0, "no picture in"},
		"frames, none free":     {&device{streams: live, setup: 503}, protocol.Login{}, true, true, false, 0, "503 service unavailable: too many sessions"},
		"frames, none free 453": {&device{streams: live, setup: 453}, protocol.Login{}, true, true, false, 0, "too many sessions"},
		"frames, setup broken":  {&device{streams: live, setup: 500}, protocol.Login{}, true, true, false, 0, "setup rtsp://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := c.device
			d.password = owner.Password
			p := host(t, "127.0.0.1", d.serve)
			order := protocol.CheckOrder{Key: "k", Generation: 3, IP: "127.0.0.1", Login: c.login, Frames: c.frames, Time: 5 * time.Second}
			// The stream is remembered under an address that the camera had before.
			order.Stream.URL = strings.Replace(p.url("/live"), "127.0.0.1", "192.0.2.7", 1)
			got := Check(t.Context(), order)
			d.mu.Lock()
			defer d.mu.Unlock()
			if got.Alive != c.alive || got.Refused != c.refused || got.Frames != c.counted || !strings.Contains(got.Problem, c.problem) ||
				(got.Problem == "") != (c.problem == "") || got.Key != "k" || got.Generation != 3 || got.IP != order.IP || got.At.IsZero() {
				t.Errorf("%+v", got)
			}
			if d.sessions != 0 {
				t.Errorf("%d sessions not given back", d.sessions)
			}
			if taken := slices.Contains(d.asked, "SETUP") || slices.Contains(d.asked, "PLAY"); taken && !c.frames {
				t.Errorf("a plain check asked %v", d.asked)
			}
			if d.wrong > 1 {
				t.Errorf("%d wrong logins", d.wrong)
			}
		})
	}
}

// TestTheSessionIsGivenBackWhenACheckIsCutShort: also when the caller gives up in the middle.
func TestTheSessionIsGivenBackWhenACheckIsCutShort(t *testing.T) {
	for _, udp := range []bool{false, true} {
		d := &device{streams: map[string]string{"/live": sdp264}, udpOnly: udp}
		p := host(t, "127.0.0.1", d.serve)
		ctx, cancel := context.WithCancel(t.Context())
		playing := time.AfterFunc(200*time.Millisecond, cancel)
		began := time.Now()
		got := Check(ctx, protocol.CheckOrder{IP: "127.0.0.1", Stream: protocol.Stream{URL: p.url("/live")}, Frames: true, Time: 10 * time.Second})
		playing.Stop()
		if took := time.Since(began); took > 2*time.Second || !got.Alive {
			t.Errorf("%v: %+v", took, got)
		}
		d.mu.Lock()
		if d.most != 1 || d.sessions != 0 || !slices.Contains(d.asked, "TEARDOWN") {
			t.Errorf("%d sessions left, asked %v", d.sessions, d.asked)
		}
		d.mu.Unlock()
	}
}

func TestDeadCameras(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // never accepts: as a camera that is frozen
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	garbage := host(t, "127.0.0.1", endless("\x00\xff", "\xfe\x01"))
	for url, why := range map[string]string{"rtsp://" + l.Addr().String() + "/live": "never answers", garbage.url("/"): "not RTSP",
		"rtsp://127.0.0.1:1/": "refused", "": "not an rtsp URL", "rtsp://h/?password=x": "holds a login"} {
		began := time.Now()
		got := Check(t.Context(), protocol.CheckOrder{IP: "127.0.0.1", Stream: protocol.Stream{URL: url}, Frames: true, Time: 300 * time.Millisecond})
		if took := time.Since(began); got.Alive || !strings.Contains(got.Problem, why) || took > 1300*time.Millisecond {
			t.Errorf("%s: %v, %+v", url, took, got)
		}
	}
}
