//go:build browser

package browser

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"wildfire-watch/protocol"
)

// glimpse is what the page said at one moment of the pump's state and of the water path.
type glimpse struct{ Code, Water string }

// path is the way of a run through the states, and what the water path must have been said to be in each.
var path = []struct {
	state protocol.State
	water []string
}{
	{protocol.Priming, []string{"Main valve open", "Refill valve open", "Priming valve open", "At the house dry"}},
	{protocol.Starting, []string{"Main valve open", "Pump and engine cranking"}},
	{protocol.Running, []string{"Main valve open", "Pump and engine running", "At the house water flows", "Flow sensor flowing", "Line pressure ok"}},
	{protocol.ReducingRPM, []string{"Main valve open", "Pump and engine running, slower"}},
	{protocol.Stopping, []string{"Main valve open", "Pump and engine stop pulse"}},
	{protocol.Refilling, []string{"Main valve closed", "Refill valve open", "Tank filling", "Pump and engine off", "At the house dry"}},
	{protocol.Cooldown, []string{"Refill valve closed", "Pump and engine off"}},
	{protocol.Idle, []string{"Tank full", "Main valve closed", "Refill valve closed", "Priming valve closed", "Pump and engine off"}},
}

// A fire from the first detection to IDLE on the real program: each state is told, and what water does in it.
func TestARealFireIsWatched(t *testing.T) {
	t.Parallel()
	h := build(t, sensed...)
	cameras := h.connect()
	v := h.visit(desktop)
	alive(cameras, "north", "east", "barn")
	v.until(`document.getElementById('tile-cameras-more').textContent === 'no problem is known'`) // nobody has looked at their pictures
	v.until(`document.getElementById('pump-code').textContent === 'IDLE' && document.querySelectorAll('#cam-rows li').length === 3`)
	v.until(`document.getElementById('hero-why').innerText.includes('simulator') && !document.getElementById('sim').hidden`)
	v.js(`window.glimpses = [], new MutationObserver(() => {
		const now = {Code: document.getElementById('pump-code').textContent,
			Water: [...document.querySelectorAll('#water-list > div')].map((d) => [...d.children].map((c) => c.textContent).join(' ')).join('\n')};
		if (JSON.stringify(now) !== JSON.stringify(window.glimpses.at(-1))) window.glimpses.push(now);
	}).observe(document.getElementById('main'), {subtree: true, childList: true, characterData: true})`)
	v.shot("real-00-idle")
	first := burn(t, cameras, "north")
	v.until(`document.getElementById('fire-state').textContent === '1 of 2 agree'`)
	v.shot("real-01-one-agrees")
	others := burn(t, cameras, "east", "barn")
	for i, step := range path {
		if step.state == protocol.ReducingRPM {
			first()
			others()
		}
		if i == len(path)-1 { // as at the beginning
			v.until(fmt.Sprintf(`window.glimpses.at(-1)?.Code === %q`, step.state))
		}
		v.until(fmt.Sprintf(`window.glimpses.some((g) => g.Code === %q)`, step.state)) // it may be over already
		if step.state == protocol.Running {
			v.until(`document.getElementById('hero-title').textContent === 'FIRE' && document.getElementById('hero-lead').textContent.includes('Water is flowing')`)
			v.until(`document.getElementById('fire-state').textContent === '3 of 2 agree' && document.getElementById('fire-names').innerText.includes('barn')`)
			v.until(`document.querySelector('.verdicts li')?.textContent.includes('grows')`)
		}
		v.shot(fmt.Sprintf("real-%02d-%s", i+2, strings.ToLower(step.state.String())))
	}
	judge(t, value[[]glimpse](v, `window.glimpses`))
	for _, want := range []string{"Pump sequence start", "Engine running", "Shutdown complete", "Idle state entered", "by consensus"} {
		v.until(fmt.Sprintf(`document.getElementById('events').innerText.includes(%q)`, want))
	}
	for _, line := range []string{"main_valve", "ignition_on", "ignition_off", "refill_valve"} {
		if h.level(line) != 0 {
			t.Errorf("%s is on in IDLE", line)
		}
	}
	v.axe("after the fire")
}

// judge holds the glimpses against the path: the states in order, everything said while in them.
func judge(t *testing.T, seen []glimpse) {
	t.Helper()
	at := 0
	for _, step := range path {
		begin := at
		for at < len(seen) && seen[at].Code != step.state.String() {
			at++
		}
		if at == len(seen) {
			t.Fatalf("%s was not shown after %v", step.state, seen[begin:])
		}
		end := at
		for end < len(seen) && seen[end].Code == step.state.String() {
			end++
		}
		for _, want := range step.water {
			if !slices.ContainsFunc(seen[at:end], func(g glimpse) bool { return slices.Contains(strings.Split(g.Water, "\n"), want) }) {
				t.Errorf("in %s %q was not said: %q", step.state, want, seen[at:end])
			}
		}
		at = end
	}
}

// The stop that is pressed on the page ends the real engine, and is held until a reset that is held down.
func TestARealStopEndsTheEngine(t *testing.T) {
	t.Parallel()
	h := build(t, append(slices.Clone(sensed), "pump.fire_off_delay=60s")...)
	h.connect()
	v := h.visit(phone)
	ordered(v, "hold-start", "Start accepted")
	v.until(`['PUMP STARTING', 'PUMP RUNNING'].includes(document.getElementById('hero-title').textContent)`)
	v.until(`document.getElementById('pump-code').textContent === 'RUNNING' && document.getElementById('hero-title').textContent === 'PUMP RUNNING' && document.getElementById('drawing').dataset.flows === 'true'`)
	if h.level("ignition_on") != 1 {
		t.Error("the page says RUNNING, ignition is off")
	}
	v.shot("real-running-phone")
	pressed := time.Now()
	v.click("#stop")
	h.eventually("the engine is off", func() bool { return h.level("ignition_on") == 0 && h.level("ignition_off") == 1 })
	t.Logf("ignition was off %v after the press was asked for", time.Since(pressed).Round(time.Millisecond))
	v.until(`document.getElementById('outcome').innerText.includes('Emergency stop accepted')`)
	stopped := h.told(protocol.EmergencyStop)
	if at := time.UnixMilli(int64(stopped.Timestamp * 1000)); stopped.Details["by"] != "page: this machine" || at.Before(pressed.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("the stop is recorded as %v of %v at %v", stopped.Details, stopped.Action, at)
	}
	v.until(`document.getElementById('pump-figures').textContent.includes('held until reset') && document.getElementById('hero-why').textContent.includes('stop')`)
	v.shot("real-stop-held-phone")
	ordered(v, "hold-start", "Start refused")
	v.look("real-start-refused-phone")
	ordered(v, "hold-reset", "Reset accepted")
	v.until(`!document.getElementById('pump-figures').textContent.includes('held until reset')`)
	h.told(protocol.EmergencyReset)
	for _, want := range []string{"Emergency stop", "Emergency reset", "by page: this machine"} {
		v.until(fmt.Sprintf(`document.getElementById('events').innerText.includes(%q)`, want))
	}
	v.axe("after a reset, on a phone")
}

// The program dies and comes again: the page says that it is stale, in red, and then goes on by itself.
func TestThePageOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	h := build(t, sensed...)
	v := h.visit(desktop)
	v.until(`document.getElementById('live').dataset.how === 'live' && document.getElementById('pump-code').textContent === 'IDLE'`)
	h.kill()
	v.until(`document.body.dataset.kind === 'stale' && document.getElementById('hero-title').textContent === 'STALE'`)
	if red := value[string](v, `getComputedStyle(document.getElementById('hero-title')).color`); red != "rgb(168, 16, 26)" {
		t.Errorf("STALE is %s, want it red", red)
	}
	v.shot("real-stale")
	v.click("#stop")
	v.until(`document.getElementById('outcome').innerText.includes('NOT DELIVERED')`)
	v.look("real-stop-not-delivered")
	h.start()
	v.until(`document.body.dataset.kind !== 'stale' && document.getElementById('live').dataset.how === 'live'`)
	v.until(`document.getElementById('outcome').innerText.includes('Emergency stop accepted')`)
	v.until(`document.getElementById('pump-figures').textContent.includes('held until reset')`)
	v.until(`(document.getElementById('events').innerText.match(/Controller started/g) ?? []).length === 2`)
	v.shot("real-restarted")
}

// Who may do what over TLS, with the users that the configuration names.
func TestRealUsersSignIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := command(t, "certs", "--dir", dir, "--host", "127.0.0.1").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	hash := func(password string) string {
		cmd := command(t, "password")
		cmd.Stdin = strings.NewReader(password + "\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	h := build(t, append(slices.Clone(sensed), "http.cert_file="+filepath.Join(dir, "server.crt"), "http.key_file="+filepath.Join(dir, "server.key"),
		fmt.Sprintf("http.users=[%q, %q]", "anna:operator:"+hash("correct horse battery"), "ben:viewer:"+hash("another long secret")))...)
	if !strings.HasPrefix(h.run.HTTP, "https://") {
		t.Fatalf("the page is at %s, want TLS", h.run.HTTP)
	}
	h.connect()
	v := visitor(t, desktop)
	call(v, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true}) // an authority of the test's own
	v.do(chromedp.Navigate(h.run.HTTP + "/"))
	v.until(`document.getElementById('login').open`)
	v.axe("the login")
	v.signIn("ben", "a wrong guess", "#login-form button")
	v.until(`document.getElementById('login-error').textContent.includes('wrong')`)
	v.look("real-login")
	v.signIn("ben", "another long secret", "#login-form button")
	v.until(`!document.getElementById('login').open && document.getElementById('user').textContent === 'ben (viewer)' && document.getElementById('pump-code').textContent === 'IDLE'`)
	v.until(`document.getElementById('hold-start').getAttribute('aria-disabled') === 'true'`)
	v.click("#stop")
	v.until(`document.getElementById('outcome').innerText.includes('EMERGENCY STOP REFUSED')`)
	if refused := h.told(protocol.CommandRefused); refused.Details["by"] != "page: ben" || refused.Reason != "role" || refused.Timestamp == 0 {
		t.Errorf("ben's stop is recorded as %s %v", refused.Reason, refused.Details)
	}
	v.until(`document.getElementById('events').innerText.includes('by page: ben') && document.getElementById('events').innerText.includes('allows no orders')`)
	if value[bool](v, `[...document.querySelectorAll('#alarm-list button, #ack-all')].some((b) => !b.hidden)`) {
		t.Error("a viewer is offered to acknowledge what he may not")
	}
	v.axe("a viewer")
	v.look("real-viewer")

	v.click("#signout")
	v.until(`document.getElementById('login').open`)
	v.signIn("anna", "correct horse battery", "#login-stop")
	v.until(`document.getElementById('outcome').innerText.includes('Emergency stop accepted') && document.getElementById('user').textContent === 'anna (operator)'`)
	if stopped := h.told(protocol.EmergencyStop); stopped.Details["by"] != "page: anna" || stopped.Timestamp == 0 {
		t.Errorf("anna's stop is recorded as %v", stopped.Details)
	}
	v.until(`document.getElementById('alarm-list').innerText.includes('stop is held')`)
	ordered(v, "hold-reset", "Reset accepted")
	v.until(`document.getElementById('events').innerText.includes('by page: anna')`)
	v.axe("an operator")
	v.look("real-operator")

	// Signed out here, signed in by another window of the same browser: the login no longer lies over the stop.
	v.click("#signout")
	v.until(`document.getElementById('login').open`)
	v.js(`fetch('api/login', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({user: 'anna', password: 'correct horse battery'})})`)
	v.until(`!document.getElementById('login').open && document.getElementById('live').dataset.how === 'live'`)
	v.click("#stop")
	v.until(`document.getElementById('outcome').innerText.includes('Emergency stop accepted')`)
}

// signIn fills in the login and presses a button of it.
func (v *visit) signIn(user, password, button string) {
	v.t.Helper()
	v.js(`document.getElementById('login-user').value = '', document.getElementById('login-password').value = ''`)
	v.typed("#login-user", user)
	v.typed("#login-password", password)
	v.click(button)
}

// What stands in the way is told: an engine that does not catch, a broker that is away.
func TestRealTroublesAreTold(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]struct {
		sets []string
		on   screen
		told string
	}{
		"error":       {[]string{"simulator.never_catch=true", "pump.crank_attempts=1", "pump.ignition_start_duration=1s"}, screen{width: 1440, height: 900, dark: true}, `document.getElementById('pump-code').textContent === 'ERROR'`},
		"broker-away": {[]string{"mqtt.url=tcp://127.0.0.1:9"}, screen{width: 360, height: 740, phone: true, dark: true}, `document.getElementById('health-list').innerText.includes('away')`},
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, append(slices.Clone(sensed), trouble.sets...)...)
			v := h.visit(trouble.on)
			ordered(v, "hold-start", "Start accepted")
			v.until(trouble.told)
			v.until(`document.querySelectorAll('#alarm-list li').length > 2`)
			v.axe(name)
			v.shot("real-" + name)
		})
	}
}
