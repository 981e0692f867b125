package frigate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
	wire "wildfire-watch/protocol/frigate"
	"wildfire-watch/test/frigatepeer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// home is a house with a Frigate actor, and what the actor published.
type home struct {
	*testing.T
	house *actors.House
	actor actors.Ref

	mu  sync.Mutex
	got []any
}

var settings = Settings{Config: Config{TopicPrefix: "frigate", AskInterval: time.Second},
	Labels: []string{"Fire", "smoke-verified"}, DetectSizes: map[string]string{"north": "1280x720", "south": "1280x720", "odd": "wide"}}

// bubble runs f in a bubble with the actor running.
func bubble(t *testing.T, s Settings, f func(h *home)) {
	synctest.Test(t, func(t *testing.T) {
		h := &home{T: t}
		h.house = actors.NewHouse(actors.Options{Route: func(msg any) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.got = append(h.got, msg)
		}})
		var err error
		if h.actor, err = h.house.Spawn("frigate", Kind, func() actors.Actor { return New(s) }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f(h)
		if err := h.house.StopAll(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// take returns what was published since the last call.
func (h *home) take() []any {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.got
	h.got = nil
	return got
}

func (h *home) send(topic string, payload []byte, retained bool) {
	h.actor.Send(protocol.Incoming{Topic: topic, Payload: payload, Retained: retained, Arrived: time.Now(), Wall: time.Now().Round(0)})
}

// tally is what a scenario came to.
type tally struct {
	samples, boxed, asks, rejected int
	last                           protocol.Detected
}

// play lets the peer's scenario run against the actor, answering its questions.
func (h *home) play(p *frigatepeer.Peer, length time.Duration) (sum tally) {
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		now := time.Now()
		for _, m := range p.Advance(now) {
			h.send(m.Topic, m.Payload, false)
		}
		for _, msg := range h.take() {
			switch msg := msg.(type) {
			case protocol.Detected:
				sum.samples++
				sum.last = msg
				if msg.HasBox {
					sum.boxed++
				}
			case protocol.Publication:
				sum.asks++
				if answer, ok := p.Answer(now); ok && msg.Topic == "frigate/onConnect" {
					h.send(answer.Topic, answer.Payload, false)
				}
			case protocol.Rejected:
				sum.rejected++
			}
		}
	}
	return sum
}

func fireIn(release frigatepeer.Release, ends time.Duration) *frigatepeer.Peer {
	return frigatepeer.New(frigatepeer.Scenario{Release: release, Noise: 0.1, Cameras: []frigatepeer.Camera{{Name: "north"}},
		Fires: []frigatepeer.Fire{{Camera: "north", Ends: ends, Size: 0.01, GrowsIn: 30 * time.Second}}}, time.Now())
}

func TestAFireOn016GivesOneSampleASecondUntilItEnds(t *testing.T) {
	bubble(t, settings, func(h *home) {
		p := fireIn(frigatepeer.Release016, 31*time.Second)
		sum := h.play(p, 31*time.Second)
		if sum.samples < 33 || sum.samples > 45 || sum.asks < 29 || sum.asks > 33 || sum.rejected != 0 {
			t.Errorf("%+v, want a sample and a question a second and the events besides", sum)
		}
		h.play(p, 10*time.Second)
		if sum = h.play(p, time.Minute); sum.asks != 0 || sum.samples != 0 {
			t.Errorf("after its end: %+v", sum)
		}
	})
}

func TestAFireOn014GivesEventsOnly(t *testing.T) {
	bubble(t, settings, func(h *home) {
		sum := h.play(fireIn(frigatepeer.Release014, 0), 31*time.Second)
		if sum.samples < 5 || sum.samples > 8 || sum.boxed != sum.samples || sum.rejected != 0 {
			t.Errorf("%+v", sum)
		}
	})
}

func TestACameraThatDiesMidFireIsAskedForAMinuteMore(t *testing.T) {
	bubble(t, settings, func(h *home) {
		p := fireIn(frigatepeer.Release016, 0)
		h.play(p, 20*time.Second)
		p.Freeze("north")
		h.play(p, time.Second)
		if sum := h.play(p, 58*time.Second); sum.samples != 0 || sum.asks < 57 {
			t.Errorf("in the first minute: %+v", sum)
		}
		h.play(p, 2*time.Second)
		if sum := h.play(p, 5*time.Minute); sum.samples != 0 || sum.asks != 0 {
			t.Errorf("then: %+v", sum)
		}
	})
}

func TestEventsMissedBeforeTheConnectionAreFoundByAsking(t *testing.T) {
	bubble(t, settings, func(h *home) {
		p := fireIn(frigatepeer.Release016, 0)
		time.Sleep(20 * time.Second)
		p.Advance(time.Now()) // nobody heard these
		h.take()
		h.actor.Send(protocol.BrokerLink{Service: protocol.CameraDetector, Connected: true})
		if sum := h.play(p, 3*time.Second); sum.samples < 3 || sum.asks < 3 {
			t.Errorf("%+v", sum)
		}
	})
}

func TestOtherServicesLinksAskNothing(t *testing.T) {
	bubble(t, settings, func(h *home) {
		time.Sleep(10 * time.Second)
		h.take()
		h.actor.Send(protocol.BrokerLink{Service: protocol.GPIOTrigger, Connected: true})
		h.actor.Send(protocol.BrokerLink{Service: protocol.CameraDetector, Reason: "gone"})
		time.Sleep(10 * time.Second)
		if got := h.take(); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestHostilePayloadsChangeNothingAndAreCounted(t *testing.T) {
	hostile := map[string][]byte{
		"events empty": {}, "events truncated": []byte(`{"type":"new","after":{"camera":"north"`),
		"events NaN":        []byte(`{"type":"new","after":{"camera":"evil","id":"a","label":"fire","score":NaN,"box":[1,2,3,4]}}`),
		"events true":       []byte(`{"type":"new","after":{"camera":"evil","id":"a","label":"fire","score":true,"box":[1,2,3,4]}}`),
		"events negative":   []byte(`{"type":"new","after":{"camera":"evil","id":"a","label":"fire","score":0.9,"box":[-1,2,3,4]}}`),
		"events outside":    []byte(`{"type":"new","after":{"camera":"evil","id":"a","label":"fire","score":0.9,"box":[1,2,90000,4]}}`),
		"events deep":       []byte(`{"after":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `}`),
		"events megabyte":   bytes.Repeat([]byte("x"), 1<<20),
		"events bad UTF-8":  []byte("{\"after\":{\"camera\":\"\xff\",\"label\":\"fire\",\"score\":1,\"box\":[1,2,3,4]}}"),
		"camera_activity 1": []byte(`[]`), "camera_activity 2": bytes.Repeat([]byte("["), wire.MaxActivity+1),
		"camera_activity 3": []byte(`{"evil":{"objects":[{"id":"a","label":"fire","score":0.9,"area":-1}]}}`),
		"available":         []byte("\x00"),
		"stats empty":       {}, "stats a list": []byte(`[]`), "stats too large": bytes.Repeat([]byte(" "), wire.MaxStats+1),
		"stats NaN": []byte(`{"cameras":{"evil":{"camera_fps":NaN}}}`),
	}
	for name, payload := range hostile {
		bubble(t, settings, func(h *home) {
			time.Sleep(10 * time.Second)
			h.take()
			topic, _, _ := strings.Cut(name, " ")
			h.send(topic, payload, false)
			got := h.take()
			if len(got) != 1 || !strings.HasPrefix(got[0].(protocol.Rejected).Source, "frigate/"+topic) {
				t.Errorf("%s: %+v, want one rejection", name, got)
			}
			time.Sleep(time.Minute)
			if got = h.take(); len(got) != 0 {
				t.Errorf("%s: afterwards %+v", name, got)
			}
		})
	}
}

func TestARetainedMessageIsNeverActedOnButAvailability(t *testing.T) {
	bubble(t, settings, func(h *home) {
		time.Sleep(10 * time.Second)
		h.take()
		event := []byte(`{"type":"new","after":{"camera":"north","id":"a","label":"fire","score":0.9,"box":[1,2,300,400]}}`)
		for topic, payload := range map[string][]byte{"events": event, "camera_activity": []byte(`{}`)} {
			h.send(topic, payload, true)
			got := h.take()
			if len(got) != 1 || got[0] != (protocol.Rejected{Source: "frigate/" + topic, Reason: "retained"}) {
				t.Errorf("%s: %+v", topic, got)
			}
		}
		h.send("available", []byte("Offline\n"), true)
		if got := of[protocol.Fault](h.take()); len(got) != 1 {
			t.Errorf("available: %+v", got)
		}
		h.send("events", event, false)
		if got := of[protocol.Detected](h.take()); len(got) != 1 {
			t.Errorf("the same event, live: %+v", got)
		}
	})
}

func TestASampleNeverWaitsForTheHTTPAnswer(t *testing.T) {
	s := settings
	s.Config.API = "http://frigate.invalid:5000/"
	s.DetectSizes = nil
	p := frigatepeer.New(frigatepeer.Scenario{Cameras: []frigatepeer.Camera{{Name: "north", Width: 640, Height: 480}}}, time.Now())
	var calls atomic.Int32
	s.Fetch = func(ctx context.Context, url string, _ int64) ([]byte, error) {
		if url != "http://frigate.invalid:5000/api/config" {
			t.Errorf("fetched %s", url)
		}
		if calls.Add(1) == 1 {
			<-ctx.Done() // hangs until the actor loses patience
			return nil, ctx.Err()
		}
		time.Sleep(time.Second)
		return p.Config(), nil
	}
	bubble(t, s, func(h *home) {
		h.take()
		event := []byte(`{"type":"update","after":{"camera":"north","id":"a","label":"fire","score":0.9,"box":[0,0,64,48]}}`)
		h.send("events", event, false)
		got := h.take()
		if d := of[protocol.Detected](got); len(d) != 1 || d[0].Area != 64.0*48/1280/720 {
			t.Fatalf("while the fetch hangs: %+v", got)
		}
		time.Sleep(patience)
		if f := of[protocol.Fault](h.take()); len(f) != 2 || !strings.Contains(f[0].Text, "deadline") {
			t.Errorf("after the deadline: %+v", f)
		}
		time.Sleep(firstRetry + time.Second)
		if f := of[protocol.Fault](h.take()); len(f) != 2 || !f[0].Cleared || !f[1].Cleared {
			t.Errorf("with the answer: %+v", f)
		}
		h.send("events", event, false)
		if d := of[protocol.Detected](h.take()); len(d) != 1 || d[0].Area != 0.01 {
			t.Errorf("with the answer: %+v", d)
		}
	})
}

func TestTheConfigurationComesOverHTTP(t *testing.T) {
	p := frigatepeer.New(frigatepeer.Scenario{Cameras: []frigatepeer.Camera{{Name: "north", Width: 640, Height: 480}}}, time.Now())
	answers := map[string]func(w http.ResponseWriter){
		"well":  func(w http.ResponseWriter) { _, _ = w.Write(p.Config()) },
		"login": func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) },
		"page":  func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
		"flood": func(w http.ResponseWriter) { _, _ = w.Write(bytes.Repeat([]byte(" "), wire.MaxConfig+10)) },
	}
	for name, answer := range answers {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/config" {
				t.Errorf("asked for %s", r.URL.Path)
			}
			answer(w)
		}))
		s := settings
		s.Config.API = server.URL
		a := New(s).(*Actor)
		got := a.fetch(context.Background()).(Fetched)
		if name == "well" && (got.Problem != "" || got.Detect["north"] != wire.Size{Width: 640, Height: 480}) || name != "well" && got.Problem == "" {
			t.Errorf("%s: %+v", name, got)
		}
		server.Close()
		if got = a.fetch(context.Background()).(Fetched); !strings.Contains(got.Problem, "refused") {
			t.Errorf("%s, closed: %+v", name, got)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := get(ctx, server.URL, wire.MaxConfig); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
}

func TestTheConfigurationSectionIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		config   Config
		mistakes int
	}{
		"defaults":       {Config{TopicPrefix: "frigate", AskInterval: time.Second}, 0},
		"everything":     {Config{TopicPrefix: "site/nvr", API: "https://10.0.0.2:8971", AskInterval: 5 * time.Second}, 0},
		"off":            {Config{TopicPrefix: "frigate"}, 0},
		"wild card":      {Config{TopicPrefix: "frigate/#"}, 1},
		"slash":          {Config{TopicPrefix: "/frigate"}, 1},
		"no scheme":      {Config{TopicPrefix: "frigate", API: "10.0.0.2:5000"}, 1},
		"another scheme": {Config{TopicPrefix: "frigate", API: "ftp://10.0.0.2"}, 1},
		"rubbish":        {Config{TopicPrefix: "frigate", API: "http://[::1"}, 1},
		"a login":        {Config{TopicPrefix: "frigate", API: "http://me:secret@10.0.0.2:5000"}, 1},
		"a broken login": {Config{TopicPrefix: "frigate", API: "http://me:sec ret@[10.0.0.2"}, 1},
		"too often":      {Config{TopicPrefix: "frigate", AskInterval: 100 * time.Millisecond}, 1},
	} {
		wrong := c.config.Check()
		if len(wrong) != c.mistakes {
			t.Errorf("%s: %+v", name, wrong)
		}
		for _, w := range wrong {
			if w.Key == "" || w.Allowed == "" || strings.Contains(w.Value, "sec") {
				t.Errorf("%s: %+v", name, w)
			}
		}
	}
}

const oneConfig = `{"go2rtc":{"streams":{"north":["rtsp://me:hunter2@10.0.0.5/1"]}},"cameras":{"north":{"detect":{"width":640,"height":360},
	"ffmpeg":{"inputs":[{"path":"rtsp://127.0.0.1:8554/north","roles":["detect"]}]}}}}`

// A whole day in a house: figures every minute, pictures that change, then freeze, then a Frigate
// that answers no more.
func TestTheActorTellsAFrozenCameraFromOneThatRuns(t *testing.T) {
	s := settings
	s.Config.API = "http://frigate.invalid:5000"
	var frozen, away atomic.Bool
	var looks atomic.Int32
	s.Fetch = func(ctx context.Context, url string, limit int64) ([]byte, error) {
		switch {
		case away.Load():
			<-ctx.Done()
			return nil, ctx.Err()
		case strings.HasSuffix(url, "/api/config"):
			return []byte(oneConfig), nil
		case url != "http://frigate.invalid:5000/api/north/latest.jpg?h=90&height=90&quality=100" || limit != maxPicture:
			return nil, errors.New("not asked for")
		}
		n := looks.Add(1)
		if frozen.Load() {
			n = 0
		}
		return append(bytes.Repeat([]byte("picture "), 1000), byte(n), byte(n>>8)), nil
	}
	bubble(t, s, func(h *home) {
		minutes := func(n int) (problems []string) {
			for range n {
				h.send("stats", []byte(`{"cameras":{"north":{"camera_fps":5.0}}}`), false)
				time.Sleep(time.Minute)
				for _, c := range of[protocol.NVRCamera](h.take()) {
					if !reflect.DeepEqual(c.Hosts, []string{"10.0.0.5"}) {
						t.Errorf("%+v", c)
					}
					if n := len(problems); n == 0 || problems[n-1] != c.Problem {
						problems = append(problems, c.Problem)
					}
				}
			}
			return problems
		}
		minutes(1) // the first word may come before the configuration
		for hours := range 5 {
			if got := minutes(60); !reflect.DeepEqual(got, []string{""}) {
				t.Errorf("hour %d: %q", hours, got)
			}
		}
		frozen.Store(true)
		if got := minutes(10); !reflect.DeepEqual(got, []string{"", protocol.NVRFrozen}) {
			t.Errorf("frozen: %q", got)
		}
		frozen.Store(false)
		if got := minutes(10); got[len(got)-1] != "" {
			t.Errorf("it runs again: %q", got)
		}
		if n := looks.Load(); n < 310 || n > 322 {
			t.Errorf("%d pictures in 321 minutes", n)
		}
		away.Store(true)
		if got := minutes(10); !reflect.DeepEqual(got, []string{""}) {
			t.Errorf("an API that hangs says nothing of a camera: %q", got)
		}
		time.Sleep(time.Hour)
		if got := of[protocol.NVRCamera](h.take()); len(got) != 1 || got[0].Problem != protocol.NVRUnknown {
			t.Errorf("a Frigate that fell silent: %+v", got)
		}
	})
}

func TestAPictureIsBoundedAndNobodyIsFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/north/latest.jpg":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 5000))
		case "/api/large/latest.jpg":
			_, _ = w.Write(bytes.Repeat([]byte("x"), maxPicture+1))
		case "/api/login/latest.jpg":
			http.Redirect(w, r, other.URL+"/login", http.StatusFound)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	s := settings
	s.Config.API = server.URL + "/"
	a := New(s).(*Actor)
	if got := a.look(t.Context(), "north").(Looked); got.Problem != "" || got.Size != 5000 || got.Print == (Print{}) {
		t.Errorf("%+v", got)
	}
	for camera, problem := range map[string]string{"large": "too large", "login": "302", "none": "404"} {
		if got := a.look(t.Context(), camera).(Looked); !strings.Contains(got.Problem, problem) || got.Camera != camera {
			t.Errorf("%s: %+v", camera, got)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("followed to another host")
	}
}

func TestAStatusComesByItsTopic(t *testing.T) {
	bubble(t, settings, func(h *home) {
		h.send("stats", []byte(`{"cameras":{"north":{"camera_fps":5},"south":{"camera_fps":5}}}`), false)
		h.take()
		h.actor.Send(protocol.Incoming{Topic: protocol.TopicFrigateStatus, Level: "south", Payload: []byte("offline"), Arrived: time.Now()})
		if got := of[protocol.NVRCamera](h.take()); len(got) != 1 || got[0].Name != "south" || got[0].Problem != protocol.NVROffline {
			t.Errorf("%+v", got)
		}
		for _, m := range []protocol.Incoming{{Payload: []byte("perhaps")}, {Payload: []byte("online"), Retained: true}} {
			m.Topic, m.Level = protocol.TopicFrigateStatus, "south"
			h.actor.Send(m)
			if got := h.take(); len(got) != 1 || got[0].(protocol.Rejected).Source != "frigate/status/detect" {
				t.Errorf("%s: %+v", m.Payload, got)
			}
		}
		h.send("stats", []byte(fmt.Sprintf(`{"cameras":{"north":{"camera_fps":5},"south":{"camera_fps":%q}}}`, "5")), false)
		got := h.take()
		if n, r := of[protocol.NVRCamera](got), of[protocol.Rejected](got); len(n) != 1 || len(r) != 1 || r[0].Reason != "camera_fps" {
			t.Errorf("%+v", got)
		}
	})
}
