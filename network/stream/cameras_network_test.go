//go:build network

package stream

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/protocol/rtsp"
)

// The camera lab's real servers (gst-rtsp-server, go2rtc, VLC) are asked from inside the lab. Root is
// needed. CAMERA_LAB is the lab's folder; CAMLAB_ID and CAMLAB_STATE choose a lab, which is used as it
// stands if it is up, and brought up and down again if it is not.

const inside = "CAMERA_LAB_INSIDE" // set in the process that runs within the lab: its ground truth

func lab(t *testing.T, words ...string) string {
	t.Helper()
	folder := os.Getenv("CAMERA_LAB")
	if folder == "" {
		folder = filepath.Join("..", "..", "test", "network", "lab")
	}
	script, err := filepath.Abs(filepath.Join(folder, "lab.sh"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(script, words...)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %v: %v (CAMERA_LAB names the lab's folder)\n%s", script, words, err, out)
	}
	return string(out)
}

type truth struct {
	Cameras []camera
	Others  []struct{ ID, IP string }
}

type camera struct {
	ID, IP, OUI, User, Password string
	MaxSessions                 int `json:"max_sessions"`
	Streams                     []struct {
		URL, Codec, Audio string
		Width, Height     int
	}
}

// within runs the calling test once more inside the lab, and says whether this is that run.
func within(t *testing.T, known *truth) bool {
	t.Helper()
	if text := os.Getenv(inside); text != "" {
		if err := json.Unmarshal([]byte(text), known); err != nil {
			t.Fatal(err)
		}
		return true
	}
	t.Setenv(inside, lab(t, "expected"))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(lab(t, "exec", "app", self, "-test.run=^"+t.Name()+"$", "-test.v"))
	return false
}

// up brings the lab up if it is down, and down again after the test.
func up(t *testing.T) {
	t.Helper()
	if os.Getenv(inside) == "" && strings.Contains(lab(t, "status"), "is down") {
		lab(t, "up")
		t.Cleanup(func() { lab(t, "down") })
	}
}

// TestAFrozenCamera: its kernel takes the connection, nobody answers.
func TestAFrozenCamera(t *testing.T) {
	up(t)
	if os.Getenv(inside) == "" {
		lab(t, "freeze", "cam05")
		defer lab(t, "thaw", "cam05")
	}
	var known truth
	if !within(t, &known) {
		return
	}
	c := known.Cameras[slices.IndexFunc(known.Cameras, func(c camera) bool { return c.ID == "cam05" })]
	got := Check(t.Context(), protocol.CheckOrder{IP: c.IP, Stream: protocol.Stream{URL: c.Streams[0].URL}, Frames: true, Time: 2 * time.Second,
		Login: protocol.Login{ID: c.ID, User: c.User, Password: c.Password}})
	if got.Alive || !strings.Contains(got.Problem, string(Silent)) {
		t.Errorf("%+v", got)
	}
}

func TestRealCameras(t *testing.T) {
	up(t)
	var known truth
	if !within(t, &known) {
		return
	}
	t.Run("described", func(t *testing.T) { describeAll(t, known) })
	t.Run("found", func(t *testing.T) { findAll(t, known) })
	t.Run("checked", func(t *testing.T) { checkAll(t, known) })
	t.Run("one session", func(t *testing.T) { oneSession(t, known) })
	t.Run("wrong logins", func(t *testing.T) { wrongLogins(t, known) })
}

func describeAll(t *testing.T, known truth) {
	for _, c := range known.Cameras {
		for _, s := range c.Streams {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			a := Describe(ctx, s.URL, protocol.Login{ID: c.ID, User: c.User, Password: c.Password})
			cancel()
			width, height := s.Width, s.Height
			if s.Codec == "JPEG" {
				width, height = 0, 0
			}
			want := protocol.LoginNone
			if c.User != "" {
				want = protocol.LoginGood
			}
			if a.Outcome != Video || a.Stream.Codec != s.Codec || a.Stream.Width != width || a.Stream.Height != height ||
				a.Stream.Audio != s.Audio || a.Login != want || a.Problem != "" {
				t.Errorf("%s %s: %+v", c.ID, s.URL, a)
			}
		}
	}
}

var doors = []protocol.Door{{Port: 554}, {Port: 8554}, {Port: 10554}, {Port: 7070}}

// findAll asks every host of the lab at once, with every login of the lab's in random order but its
// own: at most one of the others, so that no account is locked.
func findAll(t *testing.T, known truth) {
	const exchange = 3 * time.Second
	var all sync.WaitGroup
	began := time.Now()
	for _, c := range known.Cameras {
		all.Go(func() {
			logins := []protocol.Login{{ID: "wrong", User: "admin", Password: "never-right"}, {ID: c.ID, User: c.User, Password: c.Password}}
			at := time.Now()
			f := Find(t.Context(), Search{Host: c.IP, Doors: doors, Paths: rtsp.Paths(c.OUI), Logins: logins, Exchange: exchange})
			t.Logf("%s in %v: %+v", c.ID, time.Since(at).Round(time.Millisecond), f)
			if len(f.Streams) != len(c.Streams) {
				t.Errorf("%s: %d streams, want %d", c.ID, len(f.Streams), len(c.Streams))
				return
			}
			for i, s := range c.Streams {
				u, err := rtsp.ParseURL(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				got := f.Streams[i]
				if got.URL != u.String() || got.Codec != s.Codec || got.Width != s.Width || got.Height != s.Height || got.Audio != s.Audio {
					t.Errorf("%s: %+v, want %+v", c.ID, got, s)
				}
			}
			if c.User != "" && (f.Login != protocol.LoginGood || f.LoginID != c.ID || !slices.Equal(f.Refused, []string{"wrong"})) {
				t.Errorf("%s: login %s %s, refused %v", c.ID, f.Login, f.LoginID, f.Refused)
			}
			if len(c.Streams) == 0 && (f.Suspect == "" || !f.Open) {
				t.Errorf("%s accepts and never answers: %+v", c.ID, f)
			}
		})
	}
	for _, o := range known.Others {
		all.Go(func() {
			f := Find(t.Context(), Search{Host: o.IP, Doors: doors, Paths: rtsp.Paths(""), Exchange: exchange})
			t.Logf("%s: %+v", o.ID, f)
			if len(f.Streams) > 0 || strings.ContainsFunc(f.Problem, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s is no camera: %+v", o.ID, f)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > exchange+4*time.Second {
		t.Errorf("the lab took %v: a silent host costs one wait of %v, beside the others", took, exchange)
	} else {
		t.Logf("all in %v", took)
	}
}

func checkAll(t *testing.T, known truth) {
	for _, frames := range []bool{false, true} {
		var all sync.WaitGroup
		for _, c := range known.Cameras {
			all.Go(func() {
				o := protocol.CheckOrder{Key: c.ID, Generation: 7, IP: c.IP, Frames: frames, Time: 8 * time.Second,
					Stream: protocol.Stream{URL: "rtsp://192.0.2.1/"}}
				if len(c.Streams) > 0 {
					o.Stream.URL = c.Streams[0].URL
				}
				if c.User != "" {
					o.Login = protocol.Login{ID: c.ID, User: c.User, Password: c.Password}
				}
				got := Check(t.Context(), o)
				t.Logf("%+v", got)
				if alive := len(c.Streams) > 0; got.Alive != alive || got.Refused || (got.Problem == "") != alive ||
					(got.Frames > 0) != (alive && frames) || got.Key != c.ID || got.Generation != 7 {
					t.Errorf("%s: %+v", c.ID, got)
				}
			})
		}
		all.Wait()
	}
}

func wrongLogins(t *testing.T, known truth) {
	for _, c := range known.Cameras {
		if c.User == "" {
			continue
		}
		a := Describe(t.Context(), c.Streams[0].URL, protocol.Login{ID: "wrong", User: c.User, Password: "never-right"})
		if a.Outcome != LoginWrong || a.Login != protocol.LoginWrong {
			t.Errorf("%s: %+v", c.ID, a)
		}
		if a = Describe(t.Context(), c.Streams[0].URL, protocol.Login{}); a.Outcome != WantsLogin || a.Login != protocol.LoginMissing {
			t.Errorf("%s: %+v", c.ID, a)
		}
	}
}

// oneSession: a camera with one session lends it to one, a check takes none, and one that asks for
// frames gives it back at once.
func oneSession(t *testing.T, known truth) {
	i := slices.IndexFunc(known.Cameras, func(c camera) bool { return c.MaxSessions == 1 })
	c := known.Cameras[i]
	u, err := rtsp.ParseURL(c.Streams[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	login := protocol.Login{ID: c.ID, User: c.User, Password: c.Password}
	order := protocol.CheckOrder{IP: c.IP, Stream: protocol.Stream{URL: u.String()}, Login: login, Frames: true, Time: 5 * time.Second}
	for range 3 {
		if got := Check(t.Context(), order); !got.Alive || got.Frames == 0 {
			t.Errorf("frames, then frames again: %+v", got)
		}
	}
	viewer := newTalk(t.Context(), u.Host(), u.Port(), newRing(login))
	viewer.limit = wait
	defer viewer.close()
	d := viewer.describe(u)
	control, err := rtsp.Control(d.url, d.base, d.medium.Control)
	if err != nil {
		t.Fatal(err)
	}
	r, err := viewer.ask(rtsp.Request{Method: rtsp.Setup, URL: control, Transport: rtsp.Interleaved})
	if err != nil || r.Status != 200 {
		t.Fatal(r.Status, err)
	}
	if got := Check(t.Context(), order); !got.Alive || got.Frames != 0 || !strings.Contains(got.Problem, string(Busy)) {
		t.Errorf("frames while another views: %+v", got)
	}
	order.Frames = false
	if got := Check(t.Context(), order); !got.Alive || got.Problem != "" {
		t.Errorf("a plain check while another views: %+v", got)
	}
	whole, err := rtsp.Control(d.url, d.base, d.whole)
	if err != nil {
		t.Fatal(err)
	}
	viewer.teardown(whole, rtsp.SessionID(r.Value("Session")))

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	time.AfterFunc(700*time.Millisecond, stop)
	cut := newTalk(ctx, u.Host(), u.Port(), newRing(login))
	cut.limit = wait
	defer cut.close()
	if w := cut.watch(cut.describe(u), time.Minute, 1<<30); ctx.Err() == nil {
		t.Errorf("watching ended before it was cut short: %d packets, %s", w.packets, w.problem)
	}
	order.Frames = true
	if got := Check(t.Context(), order); got.Frames == 0 {
		t.Errorf("after another was cut short: %+v", got)
	}
}
