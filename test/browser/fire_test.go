//go:build browser

package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"wildfire-watch/protocol"
	"wildfire-watch/test/browser/stage"
)

// what the first line says in each scene.
var first = map[string]string{"ready": "READY", "first-detection": "READY", "one-agrees": "READY", "trigger": "FIRE", "starting": "FIRE",
	"running": "FIRE", "reducing": "FIRE", "stopping": "READY", "refilling": "NOT READY", "cooldown": "READY", "idle": "READY"}

// A fire from the first detection to IDLE, as it is seen on the page.
func TestAFireIsWatched(t *testing.T) {
	v := open(t, stage.Options{Cameras: 12}, desktop)
	for i, scene := range stage.Fire {
		v.stage.Play(scene)
		v.until(fmt.Sprintf(`document.getElementById('pump-code').textContent === %q`, scene.State.String()))
		v.until(fmt.Sprintf(`document.getElementById('hero-title').textContent === %q`, first[scene.Name]))
		if scene.Name == "one-agrees" {
			v.click(`#cam-rows li button`)
			v.until(`document.querySelector('.plot canvas')`)
			v.until(`document.querySelector('.verdicts li')?.textContent.includes('grows')`)
			v.until(`document.querySelector('figure img').naturalWidth > 0`)
		}
		v.until(fmt.Sprintf(`document.querySelectorAll('#events li').length >= %d`, min(i, 2)))
		v.shot(fmt.Sprintf("fire-%02d-%s", i+1, scene.Name))
	}
}

// What is said in words is what the scene is: water, engine, valves, cameras, countdown.
func TestTheWaterPathIsTold(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	said := func() string { return strings.Join(strings.Fields(v.text("water-list")), " ") }
	for _, want := range []string{"Main valve closed", "Pump and engine off", "Tank full"} {
		if got := said(); !strings.Contains(got, want) {
			t.Errorf("in IDLE the page says %q, want %q in it", got, want)
		}
	}
	v.stage.Enter(protocol.Running)
	v.until(`document.getElementById('drawing').dataset.flows === 'true'`)
	for _, want := range []string{"Main valve open", "Refill valve open", "Pump and engine running", "Tank not full", "water flows"} {
		if got := said(); !strings.Contains(got, want) {
			t.Errorf("in RUNNING the page says %q, want %q in it", got, want)
		}
	}
	v.until(`/^2:5\d|3:00$/.test(document.getElementById('count-clock').textContent)`)
	before := v.text("count-clock")
	v.until(fmt.Sprintf(`document.getElementById('count-clock').textContent !== %q`, before))

	v.stage.Change(func(o *protocol.Overview) { o.Lines.Inputs["flow"] = "inactive" })
	v.until(`document.getElementById('hero-lead').textContent.includes('no flow is measured')`)
	v.stage.Change(func(o *protocol.Overview) { o.Lines.Outputs[protocol.MainValve].Failed = true })
	v.until(`document.getElementById('v-main').dataset.wrong === 'true'`)
	v.shot("valve-wrong")
}

// A fire that is not put out says so in the first line, and why.
func TestAFireWithoutWaterSaysWhy(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	v.stage.Play(stage.Fire[1])
	v.stage.Play(stage.Fire[3])
	v.stage.Change(func(o *protocol.Overview) {
		o.Pump.State, o.Pump.StopHeld, o.Pump.MainValve = protocol.Idle, true, false
		o.Ready = protocol.Readiness{Why: []string{"an emergency stop is held: fire starts nothing until reset"}}
	})
	v.until(`document.getElementById('hero-why').textContent.includes('emergency stop is held')`)
	if got := v.text("hero-lead"); !strings.Contains(got, "Water is not flowing") {
		t.Errorf("the first line says %q, want that water is not flowing", got)
	}
	v.look("fire-without-water")
}

// Screen readers are told of fire at once, of the rest when they pause, and not over and over.
func TestFireIsSpoken(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	v.until(`document.getElementById('say-status').textContent.startsWith('READY')`)
	v.js(`window.spoken = 0, new MutationObserver(() => window.spoken++).observe(document.getElementById('say-fire'), {childList: true, characterData: true, subtree: true})`)
	v.stage.Play(stage.Fire[1])
	v.stage.Play(stage.Fire[3])
	v.until(`document.getElementById('say-fire').textContent.startsWith('FIRE')`)
	until := time.After(5 * stage.Beat)
	for range 3 {
		<-time.After(stage.Beat)
	}
	<-until
	if n := value[int](v, `window.spoken`); n > 2 {
		t.Errorf("one fire was told %d times", n)
	}
}
