package discovery

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wildfire-watch/actors"
	"wildfire-watch/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// air is the lan as a Network: it answers after a while, and can hang and panic.
type air struct {
	mu       sync.Mutex
	lan      lan
	heard    chan protocol.Sighting // spoken up
	hangs    bool
	panics   bool
	under    int
	onLogins func() // called before logins are tried
}

func newAir() *air { return &air{heard: make(chan protocol.Sighting)} }

// takes waits as long as an answer takes; false if it was called off.
func (a *air) takes(ctx context.Context, d time.Duration) bool {
	a.mu.Lock()
	hangs, panics := a.hangs, a.panics
	a.panics = false
	a.under++
	a.mu.Unlock()
	defer func() { a.mu.Lock(); a.under--; a.mu.Unlock() }()
	if panics {
		panic("a codec that was not tested enough")
	}
	if hangs {
		<-ctx.Done()
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (a *air) Scan(ctx context.Context, o protocol.ScanOrder, sighted func(protocol.Sighting)) protocol.ScanReport {
	if !a.takes(ctx, 100*time.Millisecond) {
		return protocol.ScanReport{Reduced: "called off"}
	}
	a.mu.Lock()
	all := a.lan.scan(o, time.Now())
	a.mu.Unlock()
	for _, s := range all {
		sighted(s)
	}
	a.takes(ctx, time.Second)
	return protocol.ScanReport{Hosts: len(all), Asked: 254, Took: time.Second, Reduced: "no CAP_NET_RAW"}
}

func (a *air) Watch(ctx context.Context, sighted func(protocol.Sighting)) {
	for {
		select {
		case s := <-a.heard:
			sighted(s)
		case <-ctx.Done():
			return
		}
	}
}

func (a *air) Interview(ctx context.Context, o protocol.InterviewOrder) protocol.Interviewed {
	a.mu.Lock()
	onLogins := a.onLogins
	a.mu.Unlock()
	if len(o.Logins) > 0 && onLogins != nil {
		onLogins()
	}
	if !a.takes(ctx, 300*time.Millisecond) {
		return protocol.Interviewed{Problem: "called off"}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lan.interview(o, time.Now())
}

func (a *air) Check(ctx context.Context, o protocol.CheckOrder) protocol.Checked {
	if !a.takes(ctx, 50*time.Millisecond) {
		return protocol.Checked{Problem: "called off"}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lan.check(o, time.Now())
}

// change changes the network under everybody.
func (a *air) change(f func(l *lan)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(&a.lan)
}

var plainConfig = Config{Enabled: true, ARPRate: 1000, Ports: []int{554}, DiscoveryInterval: 300 * time.Second,
	SteadyStateInterval: 1800 * time.Second, HealthCheckInterval: 60 * time.Second,
	OfflineThreshold: 180 * time.Second, RTSPTimeout: 10 * time.Second, ONVIFTimeout: 5 * time.Second}

// home is a house with discovery in it, and what it published.
type home struct {
	*testing.T
	house *actors.House
	actor actors.Ref
	air   *air

	mu  sync.Mutex
	got []any
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, s Settings, test func(h *home)) {
	synctest.Test(t, func(t *testing.T) {
		h := &home{T: t, air: newAir()}
		h.house = actors.NewHouse(actors.Options{Route: func(msg any) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.got = append(h.got, msg)
		}})
		if s.Config.HealthCheckInterval == 0 {
			path := s.Config.CredentialsFile
			s.Config = plainConfig
			s.Config.CredentialsFile = path
		}
		s.Network, s.MaxCameras = h.air, 1000
		make := New(s)
		var err error
		if h.actor, err = h.house.Spawn("discovery", Kind, make); err != nil {
			t.Fatal(err)
		}
		test(h)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.house.StopAll(ctx); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		h.air.change(func(*lan) {
			if h.air.under != 0 {
				t.Errorf("%d are still out on the network", h.air.under)
			}
		})
	})
}

// said returns what was published of one kind since the last call.
func said[T any](h *home) (all []T) {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, msg := range h.got {
		if one, ok := msg.(T); ok {
			all = append(all, one)
		}
	}
	h.got = slices.DeleteFunc(h.got, func(msg any) bool { _, is := msg.(T); return is })
	return all
}

// on returns the payloads published on topics that begin so.
func (h *home) on(prefix string) (all []map[string]any) {
	for _, p := range said[protocol.Publication](h) {
		if !strings.HasPrefix(p.Topic, prefix) {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal(p.Payload, &fields); err != nil && len(p.Payload) > 0 {
			h.Errorf("%s: %q: %v", p.Topic, p.Payload, err)
		}
		all = append(all, fields)
	}
	return all
}

func TestCamerasAreFoundAnnouncedAndHandedOver(t *testing.T) {
	yaml := func(all []Camera) ([]byte, error) { return fmt.Appendf(nil, "cameras: %d\n", len(all)), nil }
	bubble(t, Settings{YAML: yaml}, func(h *home) {
		h.air.change(func(l *lan) { l.add(cameraA()); l.add(cameraB()) })
		time.Sleep(5 * time.Second)
		published := said[protocol.Publication](h)
		topics := map[string]string{}
		for _, p := range published {
			topics[p.Topic] = string(p.Payload)
			if p.Service != protocol.CameraDetector || p.Retained != strings.HasPrefix(p.Topic, "camera/discovery/") {
				t.Errorf("%+v", p)
			}
		}
		if topics["frigate/config/cameras"] != "cameras: 2\n" || len(topics) != 5 {
			t.Errorf("published %v", topics)
		}
		var a map[string]any
		if err := json.Unmarshal([]byte(topics["camera/discovery/"+macA]), &a); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]any{"mac": macA, "ip": ipA, "name": namA, "manufacturer": "Acme",
			"model": "One", "online": true, "discovery_method": "ws-discovery",
			"rtsp_urls": []any{"rtsp://" + ipA + ":554/main"}} {
			if got := a[key]; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", key, got, want)
			}
		}
		if seen := a["last_seen"].(float64); time.Since(time.UnixMicro(int64(seen*1e6))) > 6*time.Second {
			t.Errorf("last seen %v", seen)
		}
		found := said[protocol.CamerasFound](h)
		if last := found[len(found)-1]; len(last.Cameras) != 2 {
			t.Errorf("the round was told in parts: %+v", last)
		}
		status := said[protocol.DiscoveryStatus](h)
		if last := status[len(status)-1]; last.Known != 2 || last.Online != 2 || last.Cycle != 1 ||
			!slices.Equal(last.KnownIPs, []string{ipA, ipB}) || last.Reduced != "no CAP_NET_RAW" || last.Last.Asked != 254 {
			t.Errorf("status %+v", last)
		}
	})
}

func TestWhoSpeaksUpAtANewAddressHasMoved(t *testing.T) {
	bubble(t, Settings{}, func(h *home) {
		h.air.change(func(l *lan) { l.add(cameraA()) })
		time.Sleep(time.Minute)
		h.on("camera/")
		var hello protocol.Sighting
		h.air.change(func(l *lan) {
			l.devices[0].ip = ipB
			hello = l.devices[0].sighting(protocol.ByWSDiscovery, time.Now())
		})
		h.air.heard <- hello
		time.Sleep(5 * time.Second)
		status := h.on("camera/status/" + macA)
		if len(status) != 1 || status[0]["status"] != "ip_changed" || status[0]["ip"] != ipB || status[0]["old_ip"] != ipA {
			t.Errorf("said %v", status)
		}
	})
}

func TestACameraThatDiesAndReturnsIsTold(t *testing.T) {
	bubble(t, Settings{}, func(h *home) {
		h.air.change(func(l *lan) { l.add(cameraA()) })
		time.Sleep(10 * time.Minute)
		h.on("camera/")
		h.air.change(func(l *lan) { l.devices[0].dead = true })
		time.Sleep(10 * time.Minute)
		h.air.change(func(l *lan) { l.devices[0].dead = false })
		time.Sleep(5 * time.Minute)
		var words []any
		for _, s := range h.on("camera/status/") {
			words = append(words, s["status"], s["online"])
		}
		if fmt.Sprint(words) != "[offline false online true]" {
			t.Errorf("said %v", words)
		}
		var events []string
		for _, o := range said[protocol.Occurred](h) {
			events = append(events, string(o.Action))
		}
		if fmt.Sprint(events) != "[camera_discovered camera_offline camera_online]" {
			t.Errorf("events %v", events)
		}
	})
}

func TestANetworkThatHangsHoldsUpNothingForEver(t *testing.T) {
	bubble(t, Settings{}, func(h *home) {
		h.air.change(func(l *lan) { l.add(cameraA()) })
		h.air.change(func(*lan) { h.air.hangs = true })
		time.Sleep(time.Minute)
		h.air.change(func(*lan) { h.air.hangs = false })
		time.Sleep(20 * time.Minute)
		if found := said[protocol.CamerasFound](h); len(found) == 0 {
			t.Error("it never looked around again")
		}
	})
}

func TestAPanicOnTheNetworkLosesOneAnswer(t *testing.T) {
	bubble(t, Settings{}, func(h *home) {
		h.air.change(func(l *lan) { l.add(cameraA()) })
		h.air.change(func(*lan) { h.air.panics = true }) // of the scan
		time.Sleep(20 * time.Minute)
		if found := said[protocol.CamerasFound](h); len(found) == 0 {
			t.Error("it never looked around again")
		}
	})
}

type poison struct{}

// fragile panics at one message.
type fragile struct{ actors.Actor }

func (f fragile) Receive(c *actors.Context, msg any) {
	if _, bad := msg.(poison); bad {
		panic("poison")
	}
	f.Actor.Receive(c, msg)
}

func TestAfterAPanicCamerasAreFoundAgainAndNoLoginIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &home{T: t, air: newAir()}
		h.house = actors.NewHouse(actors.Options{Route: func(msg any) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.got = append(h.got, msg)
		}})
		logins := func([]byte) (Credentials, string) {
			return Credentials{Revision: "1", All: []Credential{
				{Login: protocol.Login{ID: "line 1", User: "a", Password: "1"}, Print: "one"}}}, ""
		}
		make := New(Settings{Config: plainConfig, Network: h.air, MaxCameras: 10, Credentials: logins})
		h.air.change(func(l *lan) { l.add(cameraA()); l.add(secured("b:2")) })
		ref, err := h.house.Spawn("discovery", Kind, func() actors.Actor { return fragile{make()} })
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		before := said[protocol.CamerasFound](h)
		ref.Send(poison{})
		time.Sleep(10 * time.Second)
		after := said[protocol.CamerasFound](h)
		if len(before) == 0 || len(after) == 0 || after[0].Cameras[0].Generation <= before[len(before)-1].Cameras[0].Generation {
			t.Errorf("before %+v, after %+v", before, after)
		}
		time.Sleep(3 * time.Hour)
		h.air.mu.Lock()
		if n := len(h.air.lan.devices[1].refusals); n != 1 {
			t.Errorf("%d refused", n)
		}
		h.air.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.house.StopAll(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsAboutToBeTriedIsOnDiskBefore(t *testing.T) {
	dir := t.TempDir()
	ledger, file := filepath.Join(dir, "tried.json"), filepath.Join(dir, "logins")
	if err := os.WriteFile(file, []byte("admin:hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := Settings{LedgerFile: ledger}
	s.Config.CredentialsFile = file
	for life := range 3 { // the process dies in the middle of the interview, again and again
		bubble(t, s, func(h *home) {
			var tried atomic.Int64
			h.air.change(func(l *lan) {
				l.add(secured("nobody's:login"))
				h.air.onLogins = func() {
					tried.Add(1)
					text, err := os.ReadFile(ledger)
					if err != nil || !strings.Contains(string(text), macB) {
						t.Errorf("nothing is on disk: %s %v", text, err)
					}
				}
			})
			time.Sleep(250 * time.Millisecond)
			if want := map[bool]int64{true: 1, false: 0}[life == 0]; tried.Load() != want {
				t.Errorf("life %d: tried %d times", life, tried.Load())
			}
		})
	}
	text, err := os.ReadFile(ledger)
	about, statErr := os.Stat(ledger)
	if err != nil || statErr != nil || about.Mode().Perm() != 0o600 || strings.Contains(string(text), "hunter2") ||
		strings.Contains(string(text), "admin") {
		t.Errorf("the ledger: %s %v %v", text, err, about.Mode())
	}
	if left, _ := filepath.Glob(ledger + ".*"); len(left) != 0 {
		t.Errorf("left behind %v", left)
	}
}

// TestNoLoginIsEverTold: not in what is published, nor in a log, nor when a value is printed.
func TestNoLoginIsEverTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logins")
	write(t, path, "chief:hunter2\nwrong:swordfish\nhunter2 swordfish\n", 0o600)
	core, logs := observer.New(zap.DebugLevel)
	s := Settings{Log: zap.New(core), YAML: func(all []Camera) ([]byte, error) {
		return fmt.Appendf(nil, "%+v", all), nil
	}}
	s.Config.CredentialsFile = path
	bubble(t, s, func(h *home) {
		h.air.change(func(l *lan) {
			l.add(secured("chief:hunter2"))
			d := cameraA()
			d.login = "nobody's:login"
			l.add(d)
		})
		time.Sleep(time.Hour)
		h.air.change(func(l *lan) { l.devices[0].login = "other:other" })
		time.Sleep(3 * time.Hour)
		if found := said[protocol.DiscoveryStatus](h); found[len(found)-1].Known != 2 {
			t.Errorf("found %+v", found[len(found)-1])
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		texts := []string{fmt.Sprintf("%+v %#v", h.got, h.got)}
		for _, msg := range h.got {
			if p, ok := msg.(protocol.Publication); ok {
				texts = append(texts, string(p.Payload))
			}
		}
		for _, l := range logs.All() {
			texts = append(texts, l.Message+fmt.Sprint(l.ContextMap()))
		}
		faults := 0
		for _, msg := range h.got {
			if f, ok := msg.(protocol.Fault); ok && f.Code == FaultCredentials && strings.Contains(f.Text, "line 3") {
				faults++
			}
		}
		if faults != 1 {
			t.Errorf("the line that is none was told %d times", faults)
		}
		for _, text := range texts {
			for _, secret := range []string{"hunter2", "swordfish", "chief"} {
				if i := strings.Index(text, secret); i >= 0 {
					t.Fatalf("told: %.100s", text[max(0, i-50):])
				}
			}
		}
	})
}
