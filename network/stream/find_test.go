package stream

import (
	"context"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/rtsp"
)

var (
	wrongA = protocol.Login{ID: "a", User: "admin", Password: "admin"}
	wrongB = protocol.Login{ID: "b", User: "root", Password: "pass"}
	again  = protocol.Login{ID: "a again", User: "admin", Password: "admin"}
)

const main1, sub1 = "/cam/realmonitor?channel=1&subtype=0", "/cam/realmonitor?channel=1&subtype=1"

func TestFind(t *testing.T) {
	pair := map[string]string{main1: sdp264, sub1: sdpSub}
	for name, c := range map[string]struct {
		device  *device
		logins  []protocol.Login
		streams []string
		login   protocol.LoginState
		id      string
		refused []string
		tries   map[string]int // logins that the device refused
		suspect string
	}{
		"no login": {&device{streams: pair}, nil, []string{main1, sub1}, protocol.LoginNone, "", nil, nil, ""},
		"404 before the login": {&device{user: "admin", offers: digest, streams: pair, pathFirst: true}, []protocol.Login{wrongA, wrongB, owner},
			[]string{main1, sub1}, protocol.LoginGood, owner.ID, []string{"a", "b"}, map[string]int{"admin:false": 1, "root:false": 1}, ""},
		"404 behind the login": {&device{user: "admin", offers: []string{`Basic realm="go2rtc"`}, streams: pair, loginFirst: true, hangsUp: true},
			[]protocol.Login{wrongA, wrongB, again, owner},
			[]string{main1, sub1}, protocol.LoginGood, owner.ID, []string{"a", "b"}, map[string]int{"admin:false": 1, "root:false": 1}, ""},
		"a nonce for each request": {&device{user: "admin", offers: digest, streams: pair, uses: 1}, []protocol.Login{owner},
			[]string{main1, sub1}, protocol.LoginGood, owner.ID, nil, map[string]int{}, ""},
		"closes after each answer": {&device{user: "admin", offers: digest, streams: pair, closes: true}, []protocol.Login{wrongA, owner},
			[]string{main1, sub1}, protocol.LoginGood, owner.ID, []string{"a"}, map[string]int{"admin:false": 1}, ""},
		"401 to everything": {&device{user: "someone", offers: digest, streams: pair}, []protocol.Login{wrongA, again, wrongB, owner},
			nil, protocol.LoginWrong, "", []string{"a", "b", "line 3"}, map[string]int{"admin:false": 2, "root:false": 1}, "refuses the login"},
		"401, and no login": {&device{user: "someone", offers: digest, streams: pair}, nil,
			nil, protocol.LoginMissing, "", nil, nil, "wants a login"},
		"the sub stream is the main one": {&device{streams: map[string]string{main1: sdp264, sub1: sdp264}}, nil,
			[]string{main1}, protocol.LoginNone, "", nil, nil, ""},
		"none of our paths": {&device{streams: map[string]string{"/secret": sdp264}}, nil,
			nil, "", "", nil, nil, "speaks RTSP and shows none of the streams that we know"},
		"too many sessions": {&device{statuses: map[string]int{main1: 453}}, nil, nil, protocol.LoginLocked, "", nil, nil, "too many sessions"},
		"busy for a moment": {&device{streams: pair, pathFirst: true, busy: 1}, nil, []string{main1, sub1}, protocol.LoginNone, "", nil, nil, ""},
		"JPEG, measured": {&device{streams: map[string]string{"/axis-media/media.amp": sdpJPEG}, packets: -1}, nil,
			[]string{"/axis-media/media.amp"}, protocol.LoginNone, "", nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := c.device
			if d.user != "" {
				d.password = owner.Password
			}
			p := host(t, "127.0.0.1", d.serve)
			f := Find(t.Context(), Search{Host: "127.0.0.1", Doors: []protocol.Door{{Port: p.port}}, Paths: rtsp.Paths("Dahua"), Logins: c.logins})
			d.mu.Lock()
			defer d.mu.Unlock()
			var got []string
			for _, s := range f.Streams {
				got = append(got, s.URL)
				if s.Codec == "JPEG" && (s.Width != 800 || s.Height != 600) {
					t.Errorf("%+v", s)
				}
			}
			var want []string
			for _, path := range c.streams {
				want = append(want, p.url(path))
			}
			if !slices.Equal(got, want) || f.Login != c.login || f.LoginID != c.id || !slices.Equal(f.Refused, c.refused) ||
				!f.Open || !strings.Contains(f.Suspect, c.suspect) || (f.Suspect == "") != (c.suspect == "") {
				t.Errorf("%+v", f)
			}
			wrong := maps.Clone(d.tries)
			maps.DeleteFunc(wrong, func(name string, _ int) bool { return strings.HasSuffix(name, "true") })
			if !maps.Equal(wrong, c.tries) {
				t.Errorf("logins refused %v, want %v", wrong, c.tries)
			}
			if d.sessions != 0 {
				t.Errorf("%d sessions not given back", d.sessions)
			}
		})
	}
}

// TestDoors: silent ones cost one wait together, a closed one nothing, and the announced path goes first.
func TestDoors(t *testing.T) {
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	var ports []protocol.Door
	for range 5 {
		ports = append(ports, protocol.Door{Port: host(t, "127.0.0.1", silent).port})
	}
	const exchange = 300 * time.Millisecond
	began := time.Now()
	f := Find(t.Context(), Search{Host: "127.0.0.1", Doors: ports, Paths: rtsp.Paths(""), Logins: []protocol.Login{owner}, Exchange: exchange})
	if took := time.Since(began); took < exchange || took > 4*exchange || !f.Open || !strings.Contains(f.Suspect, "never answers") || f.Login != "" {
		t.Errorf("%v: %+v", took, f)
	}
	d := &device{streams: map[string]string{"/announced": sdp264, "/stream1": sdpSub}}
	p := host(t, "127.0.0.1", d.serve)
	ports = append(ports, protocol.Door{Port: p.port}, protocol.Door{Port: p.port, Path: "announced"}, protocol.Door{Port: 0})
	began = time.Now()
	f = Find(t.Context(), Search{Host: "127.0.0.1", Doors: ports, Paths: rtsp.Paths(""), Exchange: 5 * time.Second})
	if took := time.Since(began); took > 2*time.Second || len(f.Streams) != 1 || f.Streams[0].URL != p.url("/announced") || f.Suspect != "" {
		t.Errorf("%v: %+v", took, f)
	}
	if p.met() != 1 {
		t.Errorf("%d connections", p.met())
	}
	for _, s := range []Search{{Host: "127.0.0.1"}, {Host: "camera.example"}, {}} {
		if f := Find(t.Context(), s); f.Open || len(f.Streams) > 0 {
			t.Errorf("%+v", f)
		}
	}
}

// TestFindEndsInTime: a host that answers each of many paths slowly is left when the time is over.
func TestFindEndsInTime(t *testing.T) {
	p := host(t, "127.0.0.1", func(c net.Conn) {
		tick := time.NewTicker(60 * time.Millisecond)
		defer tick.Stop()
		b := make([]byte, 4096)
		for {
			if _, err := c.Read(b); err != nil {
				return
			}
			<-tick.C
			if _, err := io.WriteString(c, "RTSP/1.0 404 X\r\n\r\n"); err != nil {
				return
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	began := time.Now()
	f := Find(ctx, Search{Host: "127.0.0.1", Doors: []protocol.Door{{Port: p.port}}, Paths: rtsp.Paths(""), Exchange: 5 * time.Second})
	if took := time.Since(began); took > 1400*time.Millisecond || len(f.Streams) > 0 || !f.Open {
		t.Errorf("%v: %+v", took, f)
	}
}
