package discovery

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
)

// within counts what happened in any hour at most.
func within(times []time.Time) (most int) {
	for i, from := range times {
		n := 0
		for _, at := range times[i:] {
			if at.Sub(from) < time.Hour {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// secured is a camera that wants a login and tells nothing without.
func secured(login string) device {
	d := cameraB()
	d.login = login
	return d
}

func TestTheRightLoginIsFoundAndRemembered(t *testing.T) {
	w := newWorld(t, plainRules)
	w.logins("1", "a:1", "b:2")
	d := w.add(secured("b:2"))
	w.run(3 * time.Hour)
	w.wants(macB + " " + namB + " " + ipB + " online")
	if len(d.refusals) != 1 || len(d.tries["b:2"]) != 1 {
		t.Errorf("tried %v", d.tries)
	}
	if s := w.m.snapshot(w.m.cameras[macB]); s.Login != protocol.LoginGood || s.LoginID != "line 2" {
		t.Errorf("%+v", s)
	}
	for _, c := range take[Check](w)[1:] {
		if c.Order.Login.User != "b" {
			t.Fatalf("checked with %v", c.Order.Login)
		}
	}
}

func TestABoundLoginComesFirstAndGoesToNobodyElse(t *testing.T) {
	w := newWorld(t, plainRules)
	w.logins("1", "a:1", macB+" b:2", ipA+" c:3")
	x, y := w.add(secured("b:2")), w.add(secured("c:3"))
	y.ip, y.mac, y.own, y.serial = ipA, macA, nil, "SN-000A"
	w.run(10 * time.Minute)
	if len(x.refusals)+len(y.refusals) != 0 || len(x.tries) != 1 || len(y.tries) != 1 {
		t.Errorf("tried %v and %v", x.tries, y.tries)
	}
	stranger := w.add(secured("nobody's:login"))
	stranger.ip, stranger.mac = ipC, macC
	w.run(time.Hour)
	if len(stranger.tries) != 1 || len(stranger.tries["a:1"]) != 1 {
		t.Errorf("the stranger was told %v", stranger.tries)
	}
}

func TestWrongLoginsNeverLockAnAccount(t *testing.T) {
	w := newWorld(t, plainRules)
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("user:%d", i))
	}
	w.logins("1", lines...)
	d := w.add(secured("nobody's:login"))
	w.run(30 * time.Hour)
	if most := within(d.refusals); most > 3 {
		t.Errorf("%d refused in an hour", most)
	}
	for login, at := range d.tries {
		if len(at) > 1 {
			t.Errorf("%s was tried %d times", login, len(at))
		}
	}
	if len(d.tries) != 20 {
		t.Errorf("only %d of 20 were ever tried", len(d.tries))
	}
	// The file is touched: all may be right now, but an account is still not locked.
	for i := range 5 {
		w.logins(fmt.Sprint("touched ", i), lines...)
		w.run(time.Minute)
	}
	w.run(2 * time.Hour)
	if most := within(d.refusals); most > 3 {
		t.Errorf("%d refused in an hour after the file was touched", most)
	}
	for login, at := range d.tries {
		if within(at) > 1 {
			t.Errorf("%s was tried twice in an hour", login)
		}
	}
	if len(d.refusals) <= 20 {
		t.Error("after the file was touched nothing was tried again")
	}
}

func TestALockedAccountIsLeftInPeaceForAnHour(t *testing.T) {
	w := newWorld(t, plainRules)
	w.logins("1", "a:1", "b:2")
	d := w.add(secured("b:2"))
	d.locked = true
	w.run(30 * time.Minute)
	d.locked = false
	w.run(25 * time.Minute)
	if len(d.tries) != 0 {
		t.Errorf("tried %v", d.tries)
	}
	w.run(90 * time.Minute)
	w.wants(macB + " " + namB + " " + ipB + " online")
}

// A camera at its session limit refuses a login that works.
func TestARefusalAfterSuccessIsNoWrongPassword(t *testing.T) {
	w := newWorld(t, plainRules)
	w.logins("1", "b:2")
	d := w.add(secured("b:2"))
	w.run(2 * time.Hour)
	w.changes()
	d.login = "full:full"
	w.run(3 * time.Minute)
	if len(d.refusals) != 1 {
		t.Errorf("%d refused", len(d.refusals))
	}
	w.says("") // it answers: it is alive
	d.login = "b:2"
	w.run(50 * time.Minute)
	if n := len(d.tries["b:2"]); n != 1 {
		t.Errorf("asked again after less than an hour: %d", n)
	}
	w.run(30 * time.Minute)
	if s := w.m.snapshot(w.m.cameras[macB]); s.Login != protocol.LoginGood {
		t.Errorf("%+v", s)
	}
	d.login = "changed:changed"
	w.run(10 * time.Hour)
	if n := len(d.refusals); n != 3 {
		t.Errorf("a password that was changed was tried %d times more", n-1)
	}
}

func TestALateAnswerIsBookedAllTheSame(t *testing.T) {
	w := newWorld(t, plainRules)
	w.logins("1", "a:1")
	d := w.add(secured("b:2"))
	w.slow = 3 * time.Second
	w.run(3100 * time.Millisecond)
	other := cameraA()
	other.ip = ipB
	w.put(other.sighting(protocol.ByARP, w.now)) // another has the address
	w.run(2 * time.Minute)
	w.slow = 0
	w.sees(d, protocol.ByARP)
	w.run(5 * time.Hour)
	if n := len(d.tries["a:1"]); n != 1 {
		t.Errorf("tried %d times", n)
	}
}

func TestWhatWasTriedIsKeptOverARestart(t *testing.T) {
	w := newWorld(t, plainRules)
	w.logins("1", "a:1", "b:2", "c:3", "d:4")
	d := w.add(secured("nobody's:login"))
	for range 12 { // it starts again and again
		w.run(time.Minute)
		w.pending = nil
		w.m = NewMachine(plainRules, w.m.Generation(), w.m.Ledger(), w.now)
		w.begun = w.now
		w.logins("1", "a:1", "b:2", "c:3", "d:4")
	}
	if n := len(d.refusals); n != 3 {
		t.Errorf("%d refused in %v", n, 12*time.Minute)
	}
}

func TestSuspectsAreAskedLessAndLessOftenAndBounded(t *testing.T) {
	w := newWorld(t, plainRules)
	d := w.add(device{ip: ipA, mac: macA, suspect: "554 accepts and never answers"})
	w.run(6 * time.Hour)
	if n := len(d.asked); n < 8 || n > 13 {
		t.Errorf("asked %d times in six hours", n)
	}
	for i := 2; i < len(d.asked); i++ {
		if gap, before := d.asked[i].Sub(d.asked[i-1]), d.asked[i-1].Sub(d.asked[i-2]); gap < before-time.Minute {
			t.Errorf("asked after %v, then after %v", before, gap)
		}
	}
	for i := range 300 {
		w.add(device{ip: fmt.Sprintf("10.1.%d.%d", i/200, i%200), mac: fmt.Sprintf("aa:00:00:01:%02x:%02x", i/256, i%256),
			suspect: "wants a login"})
	}
	w.run(2 * time.Hour)
	status := take[protocol.DiscoveryStatus](w)
	if n := status[len(status)-1].Suspects; n != mostSuspects || w.m.suspect != n {
		t.Errorf("%d suspects", n)
	}
	d.camera, d.suspect = true, ""
	w.run(2 * time.Hour)
	if w.m.cameras[macA] == nil {
		t.Error("a suspect that proves it is not known")
	}
	w.lan.devices = w.lan.devices[:1]
	w.run(3 * time.Hour)
	if w.m.suspect != 0 {
		t.Errorf("%d suspects that nobody has seen for hours", w.m.suspect)
	}
}

func TestStrangersAreRememberedAndBounded(t *testing.T) {
	w := newWorld(t, plainRules)
	for i := range 6000 {
		w.put(protocol.Sighting{IP: fmt.Sprintf("10.%d.%d.%d", 1+i/65536, i/256, i%256),
			MAC: fmt.Sprintf("aa:00:01:00:%02x:%02x", i/256, i%256), Means: protocol.ByARP, At: w.now})
	}
	if n := len(w.m.hosts); n > mostHosts {
		t.Errorf("%d hosts", n)
	}
}

func TestAMakersPrefixIsWorthAQuestion(t *testing.T) {
	r := plainRules
	r.Maker = func(mac string) string {
		if strings.HasPrefix(mac, "aa:00:00") {
			return "Acme"
		}
		return ""
	}
	w := newWorld(t, r)
	d := w.add(device{ip: ipA, mac: macA, noDoors: true})
	w.run(10 * time.Minute)
	if len(d.asked) < 3 || w.m.suspect != 1 {
		t.Errorf("asked %d times, %d suspects", len(d.asked), w.m.suspect)
	}
}

// TestALoginBoundToAMACIsTriedWhenTheMACBecomesKnown: a camera that announces itself is met before any
// ARP answer tells its MAC; it must not wait for an hour then.
func TestALoginBoundToAMACIsTriedWhenTheMACBecomesKnown(t *testing.T) {
	w := newWorld(t, plainRules)
	w.logins("1", macB+" b:2")
	w.deaf = true // no sweep tells anything
	d := w.add(secured("b:2"))
	w.run(time.Second)
	s := d.sighting(protocol.ByWSDiscovery, w.now)
	s.MAC = ""
	w.put(s)
	w.run(10 * time.Second)
	w.wants(macB + " " + namB + " " + ipB + " online")
	if len(d.tries["b:2"]) != 1 {
		t.Errorf("tried %v after %d interviews", d.tries, len(d.asked))
	}
}
