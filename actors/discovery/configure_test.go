package discovery

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestOtherRulesArePlannedByFromTheLastScanAndCheckOn: nothing known is lost, nothing is late.
func TestOtherRulesArePlannedByFromTheLastScanAndCheckOn(t *testing.T) {
	w := newWorld(t, plainRules)
	for i := range 6 {
		w.add(device{ip: fmt.Sprintf("10.0.1.%d", i), mac: fmt.Sprintf("aa:00:00:00:01:%02x", i), camera: true})
	}
	w.run(30 * time.Minute) // three scans, at 0, 5 and 10 minutes; the next at 40
	known := w.known()
	take[Scan](w)
	take[Handover](w)
	r := plainRules
	r.Steady, r.Health, r.RTSP = 22*time.Minute, 20*time.Second, 3*time.Second
	w.m.Configure(r)
	w.put(Woke{})
	before := len(w.devices[0].checks)
	w.run(2 * time.Minute)
	if n := len(w.devices[0].checks) - before; n < 5 || n > 7 {
		t.Errorf("%d checks in two minutes of 20 s", n)
	}
	if n := len(take[Handover](w)); n != 1 {
		t.Errorf("the NVR was handed its cameras %d times", n)
	}
	scans := func(minutes int) (all []string) {
		for range minutes {
			w.run(time.Minute)
			for range take[Scan](w) {
				all = append(all, fmt.Sprint(w.now.Sub(w.begun).Truncate(time.Minute)))
			}
		}
		return all
	}
	// Counted in full minutes: 32 and 54 minutes after the start, by the last scan at 10.
	if got := scans(30); !slices.Equal(got, []string{"33m0s", "54m0s"}) {
		t.Errorf("scans at %q", got)
	}
	if got := w.known(); got != known {
		t.Errorf("known before %s, after %s", known, got)
	}
	r.Steady = 10 * time.Minute
	w.m.Configure(r)
	w.put(Woke{})
	if got := scans(15); len(got) != 2 {
		t.Errorf("scans at %q by a shorter interval", got)
	}
}

func TestWhatNeedsARestartStaysInTheSettings(t *testing.T) {
	s := Settings{Config: Config{Interfaces: []string{"eth0"}, CredentialsFile: "old"}, MaxCameras: 3, CameraTimeout: time.Minute}
	got := s.with(&Configured{Config: Config{Interfaces: []string{"eth1"}, FrameCheck: true}, MaxCameras: 5, CameraTimeout: time.Hour}).rules()
	if !slices.Equal(got.Links, []string{"eth0"}) || !got.Frames || got.MaxCameras != 5 {
		t.Errorf("%+v", got)
	}
	if got := s.with(nil).rules(); got.MaxCameras != 3 {
		t.Errorf("%+v", got)
	}
}
