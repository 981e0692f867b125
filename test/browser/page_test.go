//go:build browser

package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/test/browser/stage"
)

const (
	mostWeight = 300_000 // bytes of the whole page, not compressed
	mostPaint  = 1000.0  // ms
)

// The connection is cut: the page says so in red after 5 s, and is live again by itself.
func TestACutIsShownAndHeals(t *testing.T) {
	// A house that hangs is told from one that is quiet by the age of what it says.
	most := map[string]time.Duration{"cut": 6500 * time.Millisecond, "silent": 10 * time.Second}
	for name, cut := range map[string]func(*stage.Stage){"cut": (*stage.Stage).Cut, "silent": (*stage.Stage).Silence} {
		t.Run(name, func(t *testing.T) {
			v := open(t, stage.Options{Cameras: 6}, desktop)
			v.until(`document.getElementById('live').dataset.how === 'live'`)
			cut(v.stage)
			began := time.Now()
			v.until(`document.body.dataset.kind === 'stale'`)
			if took := time.Since(began); took < 4*time.Second || took > most[name] {
				t.Errorf("stale after %v, want 5 s to %v", took, most[name])
			}
			if got := v.text("hero-title"); got != "STALE" {
				t.Errorf("the first line says %q", got)
			}
			red := value[string](v, `getComputedStyle(document.getElementById('hero-title')).color`)
			if red != "rgb(168, 16, 26)" {
				t.Errorf("STALE is %s, want it red", red)
			}
			v.shot("stale-" + name)
			v.stage.Restore()
			v.until(`document.body.dataset.kind === 'ready'`)
			v.until(`document.getElementById('live').dataset.how === 'live'`)
		})
	}
}

// Two hundred cameras, and a thousand: few rows exist, the list scrolls, frames are on time.
func TestManyCameras(t *testing.T) {
	for _, n := range []int{200, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			v := open(t, stage.Options{Cameras: n}, desktop)
			v.stage.Play(stage.Fire[2])
			v.until(fmt.Sprintf(`document.getElementById('cam-kinds').innerText.includes('All %d')`, n))
			v.until(`document.querySelector('#cam-rows li')?.innerText.includes('North ridge')`)
			rows := value[int](v, `document.querySelectorAll('#cam-rows li').length`)
			if rows > 40 {
				t.Errorf("%d rows exist", rows)
			}
			late := value[float64](v, `(async () => { const view = document.getElementById('cam-view'); const gaps = []; let before = performance.now();
				for (let i = 0; i < 60; i++) { view.scrollTop += 400; await new Promise(requestAnimationFrame); const now = performance.now(); gaps.push(now - before); before = now; }
				gaps.sort((a, b) => a - b); return gaps[Math.floor(gaps.length * 0.95)]; })()`)
			t.Logf("%d cameras: %d rows exist, p95 between frames while scrolling %.0f ms", n, rows, late)
			if late > 100 {
				t.Errorf("frames are %.0f ms apart", late)
			}
			v.typed("#cam-filter", "cam_150")
			v.until(`document.querySelectorAll('#cam-rows li').length === 1 && document.querySelector('#cam-rows .name').textContent === 'cam_150'`)
			v.js(`document.getElementById('cam-filter').value = '', document.getElementById('cam-filter').dispatchEvent(new Event('input')), document.querySelector('#cam-rows button').click()`)
			v.until(`document.querySelector('.plot canvas')`)
			v.js(`document.getElementById('cameras').scrollIntoView({behavior: 'instant'})`)
			v.look(fmt.Sprintf("cameras-%d", n))
		})
	}
}

// From a small phone to a wide screen nothing has to be scrolled sideways.
func TestNoWidthScrollsSideways(t *testing.T) {
	for _, s := range []screen{{width: 320, height: 640, phone: true}, phone, {width: 768, height: 1024}, {width: 1200, height: 800}, {width: 1920, height: 1080}} {
		v := open(t, stage.Options{Cameras: 200}, s)
		v.stage.Enter(protocol.Running)
		v.until(`document.body.dataset.kind === 'fire'`)
		v.js(`document.querySelector('#cam-rows button').click()`)
		v.until(`document.querySelector('.cam-detail h3')`)
		if wide := value[int](v, `document.documentElement.scrollWidth`); wide > int(s.width) {
			t.Errorf("at %d px the page is %d px wide", s.width, wide)
		}
		v.js(`scrollTo({top: 0, behavior: 'instant'})`)
		v.look(fmt.Sprintf("width-%d", s.width))
		v.shot(fmt.Sprintf("width-%d-whole", s.width))
	}
}

// axe-core finds nothing, in light and dark, in calm, in fire and with everything open.
func TestAxeFindsNothing(t *testing.T) {
	for _, dark := range []bool{false, true} {
		for _, s := range []screen{{width: 1440, height: 900, dark: dark}, {width: 360, height: 740, phone: true, dark: dark}} {
			v := open(t, stage.Options{Cameras: 45}, s)
			name := fmt.Sprintf("%d-dark-%t", s.width, dark)
			v.axe("calm " + name)
			value[bool](v, `document.querySelector('details').open = true`)
			v.stage.Play(stage.Fire[2])
			v.stage.Change(everyAlarm)
			v.until(`document.querySelectorAll('#alarm-list li').length === 4`)
			v.js(`document.querySelector('#cam-rows button').click()`)
			v.until(`document.querySelector('.plot canvas') && document.querySelectorAll('#events li').length > 0`)
			v.axe("not ready " + name)
			v.shot("alarms-" + name)
			v.stage.Play(stage.Fire[3])
			v.stage.Play(stage.Fire[5])
			v.until(`document.getElementById('drawing').dataset.flows === 'true'`)
			v.axe("fire " + name)
			v.shot("fire-" + name)
			v.stage.Cut()
			v.until(`document.body.dataset.kind === 'stale'`)
			v.axe("stale " + name)
			v.look("stale-" + name)
		}
	}
}

func everyAlarm(o *protocol.Overview) {
	o.Ready = protocol.Readiness{Why: []string{"an emergency stop is held: fire starts nothing until reset", "1 of 2 cameras needed is online"}}
	o.Pump.StopHeld = true
	since := float64(time.Now().Unix()) - 300
	o.Services[2].Connected, o.Services[2].Reason = false, "connection refused"
	o.Machine.ClockSynced = new(bool)
	o.Alarms = []protocol.Standing{
		{Code: "fire", Severity: protocol.SeverityAlarm, Title: "Fire", Text: "2 cameras saw a growing fire: North ridge, Tower", Do: "Leave if you are in danger, call the fire brigade.", Clears: "when no camera agrees", First: true, Since: since},
		{Code: "stop_held", Severity: protocol.SeveritySupervisory, Title: "Emergency stop is held", Text: "an emergency stop is held: fire starts nothing until reset", Do: "Find out why it was pressed, then reset.", Clears: "at reset", Active: true, Since: since},
		{Code: "camera_offline", Subject: "cam_039", Severity: protocol.SeveritySupervisory, Title: "Camera is offline", Text: "not heard of for 66 min", Do: "Look at its power and its network cable.", Clears: "when it answers", Active: true, Since: since, Acknowledged: "page: anna"},
		{Code: "mqtt", Subject: "gpio_trigger", Severity: protocol.SeverityTrouble, Title: "Broker cannot be reached", Text: "connect tcp://127.0.0.1:1883: connection refused", Do: "Look at the broker.", Clears: "when it is connected", Active: true, Since: since},
	}
}

// axe has axe-core look at the page as it is.
func (v *visit) axe(what string) {
	v.t.Helper()
	if !value[bool](v, `'axe' in window`) {
		script, err := os.ReadFile("testdata/axe.min.js")
		if err != nil {
			v.t.Fatal(err)
		}
		v.js(string(script))
	}
	type finding struct {
		ID, Help string
		Nodes    []struct {
			HTML           string
			FailureSummary string
		}
	}
	for _, f := range value[[]finding](v, `axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)`) {
		for _, n := range f.Nodes {
			v.t.Errorf("%s: %s: %s: %.160s: %s", what, f.ID, f.Help, n.HTML, n.FailureSummary)
		}
	}
}

// 401 asks who it is; a wrong password says so; the right one lets in.
func TestLogin(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6, Login: true}, desktop)
	v.until(`document.getElementById('login').open`)
	v.typed("#login-user", stage.User)
	v.typed("#login-password", "wrong")
	v.click("#login-form button")
	v.until(`document.getElementById('login-error').textContent.includes('wrong')`)
	v.look("login")
	v.typed("#login-password", stage.Password)
	v.click("#login-form button")
	v.until(`!document.getElementById('login').open && document.body.dataset.kind === 'ready'`)
	v.until(`document.getElementById('user').textContent.includes('operator')`)
	v.until(`document.querySelectorAll('#events li').length >= 0 && document.getElementById('live').dataset.how === 'live'`)
	v.click("#signout")
	v.until(`document.getElementById('login').open`)
}

// Alarms are acknowledged one at a time, by whom is shown.
func TestAlarmsAreAcknowledged(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	v.stage.Change(everyAlarm)
	v.until(`document.querySelectorAll('#alarm-list li').length === 4`)
	v.click(`#alarm-list li:nth-child(2) button`)
	v.until(`document.querySelector('#alarm-list li:nth-child(2) .by').textContent.includes('anna')`)
	if got := v.stage.Acknowledged(); len(got) != 1 || got[0].Code != "stop_held" {
		t.Errorf("acknowledged was %v", got)
	}
	v.click("#ack-all")
	v.until(`document.getElementById('ack-all').hidden`)
}

// The history zooms, and the list follows.
func TestHistoryZooms(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	v.until(`document.querySelectorAll('#events li').length > 0`)
	press := func(label string) {
		v.js(fmt.Sprintf(`[...document.querySelectorAll('#history button')].find((b) => b.textContent === %q).click()`, label))
	}
	hour := value[int](v, `document.querySelectorAll('#events li').length`)
	press("All")
	v.until(fmt.Sprintf(`document.querySelectorAll('#events li').length > %d`, hour))
	if !strings.Contains(v.text("events"), "Engine running") {
		t.Error("yesterday's run is not in the list")
	}
	v.js(`document.getElementById('history').scrollIntoView({behavior: 'instant'})`)
	v.look("history")
	press("Alarms")
	v.until(`[...document.querySelectorAll('#events li')].every((li) => li.dataset.lane === 'fault')`)
	press("+")
	press("+")
	v.until(`document.getElementById('span-text').textContent.length > 0`)
	press("Now")
	for _, link := range []string{"api/events.csv", "api/events?newest=1&limit=1000"} {
		if !value[bool](v, fmt.Sprintf(`[...document.querySelectorAll('.links a')].some((a) => a.getAttribute('href') === %q)`, link)) {
			t.Errorf("no link to %s", link)
		}
	}
}

// Names and texts from outside are text, whatever they look like.
func TestWhatComesFromOutsideIsText(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	const evil = `<img src=x onerror="window.evil=1"><script>window.evil=1</script>`
	v.stage.Change(func(o *protocol.Overview) {
		everyAlarm(o)
		o.Site, o.Ready.Why[0], o.Cameras[0].Title, o.Cameras[1].Problem = evil, evil, evil, evil
		o.Alarms[0].Title, o.Alarms[0].Text, o.Lines.Board, o.Pump.Why, o.NVR.Version = evil, evil, evil, evil, evil
		o.Lines.Inputs[evil] = evil
	})
	v.until(fmt.Sprintf(`document.getElementById('hero-why').textContent.includes(%s)`, asJSON(evil)))
	v.js(`document.querySelector('#cam-rows button').click()`)
	v.until(fmt.Sprintf(`document.querySelector('.cam-detail').textContent.includes(%s) || document.getElementById('cam-rows').textContent.includes(%s)`, asJSON(evil), asJSON(evil)))
	if value[bool](v, `window.evil === 1 || document.querySelector('main img[src="x"]') !== null`) {
		t.Error("text became HTML")
	}
}

// The whole page, its charts included, is light, and is painted at once.
func TestThePageIsLight(t *testing.T) {
	v := open(t, stage.Options{Cameras: 200}, desktop)
	v.stage.Play(stage.Fire[2])
	v.until(`document.querySelector('#cam-rows button').innerText.includes('North ridge')`)
	v.js(`document.querySelector('#cam-rows button').click()`)
	v.until(`document.querySelector('.plot canvas')`)
	v.until(`performance.getEntriesByName('first-contentful-paint').length === 1`)
	paint := value[float64](v, `performance.getEntriesByName('first-contentful-paint')[0].startTime`)
	weight := v.stage.Weight()
	t.Logf("the page weighs %d bytes, not compressed; first paint after %.0f ms", weight, paint)
	if weight > mostWeight || weight < 50_000 {
		t.Errorf("the page weighs %d bytes, at most %d", weight, mostWeight)
	}
	if paint > mostPaint {
		t.Errorf("first paint after %.0f ms, at most %.0f", paint, mostPaint)
	}
}

// The policy is in force: what breaks it is reported. The other tests count on that.
func TestThePolicyIsInForce(t *testing.T) {
	v := open(t, stage.Options{Cameras: 2}, desktop)
	if got := v.stage.Reports(); len(got) != 0 {
		t.Fatalf("reports before anything was broken: %v", got)
	}
	other := open(t, stage.Options{Cameras: 2}, desktop)
	t.Cleanup(func() { // the complaints that are meant
		for len(other.bad) > 0 {
			<-other.bad
		}
	})
	other.js(`{ const s = document.createElement('script'); s.textContent = 'window.evil = 1'; document.head.append(s); }`)
	end := time.After(patience)
	for len(other.stage.Reports()) == 0 {
		select {
		case <-end:
			t.Fatal("an inline script brought no report")
		case <-time.After(20 * time.Millisecond):
		}
	}
	if value[bool](other, `window.evil === 1`) {
		t.Error("an inline script ran")
	}
	other.stage.Forgive()
}

// What moves, moves only for who wants motion.
func TestMotionIsOnlyForWhoWantsIt(t *testing.T) {
	for _, motion := range []bool{true, false} {
		v := open(t, stage.Options{Cameras: 2}, screen{width: 1440, height: 900, motion: motion})
		v.stage.Enter(protocol.Running)
		v.until(`document.getElementById('drawing').dataset.flows === 'true'`)
		moves := value[int](v, `document.getAnimations().filter((a) => a.playState === 'running').length`)
		if motion != (moves > 0) {
			t.Errorf("with motion wanted %t, %d animations run", motion, moves)
		}
		v.shot(fmt.Sprintf("motion-%t", motion))
	}
}

// A quiet house is not stale: it speaks every five seconds alone where nothing happens.
func TestAQuietHouseIsNotStale(t *testing.T) {
	t.Parallel()
	v := open(t, stage.Options{Cameras: 2}, desktop)
	v.js(`window.kinds = new Set(), new MutationObserver(() => window.kinds.add(document.body.dataset.kind)).observe(document.body, {attributes: true})`)
	v.stage.Quiet()
	number := value[string](v, `document.getElementById('seen').textContent`)
	<-time.After(13 * time.Second)
	if value[bool](v, `window.kinds.has('stale')`) || value[string](v, `document.getElementById('seen').textContent`) == number {
		t.Errorf("the page was %v in 13 s of a quiet house", value[[]string](v, `[...window.kinds]`))
	}
}
