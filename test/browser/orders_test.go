//go:build browser

package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"wildfire-watch/protocol"
	"wildfire-watch/test/browser/stage"
)

// pressed puts the pointer down on an element, and says where.
func pressed(v *visit, id string) (x, y float64) {
	v.t.Helper()
	at := value[[]float64](v, fmt.Sprintf(`(() => { const e = document.getElementById(%q); e.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, id))
	v.mouse(chromedp.MousePressed, at[0], at[1])
	return at[0], at[1]
}

// held presses the pointer on an element for so long.
func held(v *visit, id string, long time.Duration) {
	v.t.Helper()
	x, y := pressed(v, id)
	<-time.After(long)
	v.mouse(chromedp.MouseReleased, x, y)
}

// ordered presses the pointer on an element until the page says what came of it.
func ordered(v *visit, id, outcome string) {
	v.t.Helper()
	x, y := pressed(v, id)
	v.until(fmt.Sprintf(`document.getElementById('outcome').innerText.includes(%q)`, outcome))
	v.mouse(chromedp.MouseReleased, x, y)
}

// The stop is one press in every state, and what came of it is shown.
func TestStopInEachState(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	for n := range protocol.NumStates {
		v.stage.Enter(n)
		v.until(fmt.Sprintf(`document.getElementById('pump-code').textContent === %q`, n))
		before := time.Now()
		v.click("#stop")
		got := v.orders(int(n) + 1)[n]
		if got.Command != "stop" || got.State != n {
			t.Errorf("in %s came %q in %s", n, got.Command, got.State)
		}
		v.until(`document.getElementById('outcome').innerText.includes('Emergency stop accepted')`)
		t.Logf("%-12s stop reached the house %v after the press", n, got.At.Sub(before).Round(time.Millisecond))
		v.until(`document.getElementById('pump-figures').textContent.includes('held until reset') && document.body.dataset.kind !== 'ready'`)
		if n == protocol.Running {
			v.look("stopped")
		}
	}
	if said := v.text("outcome"); !strings.Contains(said, stage.User) {
		t.Errorf("the outcome %q does not say who", said)
	}
}

// The stop is on the screen wherever the page is scrolled to, on desk and phone.
func TestTheStopIsAlwaysInSight(t *testing.T) {
	for name, s := range map[string]screen{"desktop": desktop, "phone": phone} {
		t.Run(name, func(t *testing.T) {
			v := open(t, stage.Options{Cameras: 200}, s)
			for _, part := range []string{"0", "0.5", "1"} {
				if !value[bool](v, `(() => { scrollTo({top: `+part+` * document.body.scrollHeight, behavior: 'instant'}); const r = document.getElementById('stop').getBoundingClientRect();
					return document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)?.closest('#stop') !== null && r.height >= 44; })()`) {
					t.Errorf("scrolled to %s of the page, the stop is not to be pressed", part)
				}
			}
		})
	}
}

// Held for 1.5 s an order goes out, by pointer and by key; let go early it does not.
func TestOrdersAreHeld(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	held(v, "hold-start", 700*time.Millisecond)
	v.focus("#hold-start")
	key(v, kb.Enter, 700*time.Millisecond)
	key(v, " ", 700*time.Millisecond)
	if got := v.stage.Orders(); len(got) != 0 {
		t.Fatalf("let go early, and yet %v went out", got)
	}
	for i, order := range []string{"start", "valve_open", "valve_close", "reset"} {
		held(v, "hold-"+order, 1700*time.Millisecond)
		if got := v.orders(i + 1)[i]; got.Command != order {
			t.Errorf("came %q, want %q", got.Command, order)
		}
		v.until(`document.getElementById('outcome').dataset.kind === 'good'`)
	}
	v.focus("#hold-start")
	key(v, " ", 1700*time.Millisecond)
	v.orders(5)
	key(v, kb.Enter, 1700*time.Millisecond)
	if got := v.orders(6)[5]; got.Command != "start" {
		t.Errorf("by key came %q", got.Command)
	}
	if got := len(v.stage.Orders()); got != 6 {
		t.Errorf("%d orders came, want 6: one hold is one order", got)
	}
}

// A page that moves under the hand does not end a hold; a hand that moves away does.
func TestAHoldOutlivesAPageThatMoves(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	x, y := pressed(v, "hold-start")
	v.js(`document.getElementById('holds').style.marginTop = '300px'`)
	v.orders(1)
	v.mouse(chromedp.MouseReleased, x, y)
	x, y = pressed(v, "hold-start")
	v.mouse(chromedp.MouseMoved, x+100, y)
	v.until(`!document.getElementById('hold-start').classList.contains('held')`)
	v.mouse(chromedp.MouseReleased, x+100, y)
	if got := v.stage.Orders(); len(got) != 1 {
		t.Errorf("%v went out", got)
	}
}

// key holds a key for so long.
func key(v *visit, key string, long time.Duration) {
	v.t.Helper()
	events := kb.Encode([]rune(key)[0])
	call(v, input.DispatchKeyEvent, *events[0])
	<-time.After(long)
	call(v, input.DispatchKeyEvent, *events[len(events)-1])
}

// While it is held the progress is to be seen.
func TestAHoldShowsItsProgress(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	v.focus("#hold-valve_open")
	space := kb.Encode(' ')
	call(v, input.DispatchKeyEvent, *space[0])
	v.until(`Number(document.getElementById('hold-valve_open').style.getPropertyValue('--held')) > 0.3`)
	v.look("held")
	call(v, input.DispatchKeyEvent, *space[len(space)-1])
	v.until(`document.getElementById('hold-valve_open').style.getPropertyValue('--held') === ''`)
}

// Who cannot hold (a screen reader's click) is asked instead.
func TestAClickWithoutAHandIsAskedBack(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	v.js(`document.getElementById('hold-start').click()`)
	v.until(`document.getElementById('sure').open`)
	if got := v.stage.Orders(); len(got) != 0 {
		t.Fatalf("%v went out unasked", got)
	}
	v.click("#sure-yes")
	v.orders(1)
	v.js(`document.getElementById('hold-reset').click()`)
	v.until(`document.getElementById('sure').open`)
	v.click("#sure-stop") // what lies over the page's stop has one of its own
	if got := v.orders(2)[1]; got.Command != "stop" {
		t.Errorf("came %q, want a stop", got.Command)
	}
}

// A refusal says why.
func TestRefusalsAreShown(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	v.stage.Refuse("stop_button_active")
	held(v, "hold-reset", 1700*time.Millisecond)
	v.until(`document.getElementById('outcome').innerText.includes('Reset refused')`)
	if said := v.text("outcome"); !strings.Contains(said, "the stop button is still pressed") || !strings.Contains(said, stage.User) {
		t.Errorf("the refusal reads %q", said)
	}
	v.until(`document.getElementById('events').innerText.includes('the stop button is still pressed')`)
	v.look("refused")
}

// A stop that is not delivered says so, and goes on trying.
func TestAStopThatIsNotDeliveredIsSentAgain(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	v.stage.Cut()
	v.click("#stop")
	v.until(`document.getElementById('outcome').innerText.includes('NOT DELIVERED')`)
	v.look("stop-not-delivered")
	v.stage.Restore()
	if got := v.orders(1); got[0].Command != "stop" {
		t.Errorf("came %q", got[0].Command)
	}
	v.until(`document.getElementById('outcome').innerText.includes('Emergency stop accepted')`)
}

// A viewer looks and does not steer; the house has the last word.
func TestAViewerSteersNothing(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6, Viewer: true}, desktop)
	v.until(`document.querySelector('#hold-start').getAttribute('aria-disabled') === 'true'`)
	held(v, "hold-start", 1700*time.Millisecond)
	v.click("#stop")
	v.until(`document.getElementById('outcome').innerText.includes('EMERGENCY STOP REFUSED')`)
	if got := v.stage.Orders(); len(got) != 0 {
		t.Errorf("a viewer's %v was taken", got)
	}
}

func tabUntil(v *visit, id string, most int) bool {
	for range most {
		v.press(kb.Tab)
		if value[string](v, `document.activeElement.id`) == id {
			return true
		}
	}
	return false
}

// Without a pointer: the stop is reached by Tab and pressed by key.
func TestTheKeyboardIsEnough(t *testing.T) {
	v := open(t, stage.Options{Cameras: 6}, desktop)
	if !tabUntil(v, "stop", 10) {
		t.Fatal("the stop is not among the first ten that Tab reaches")
	}
	v.look("focus")
	v.press(kb.Enter)
	v.orders(1)
	if !tabUntil(v, "hold-reset", 30) {
		t.Error("reset is not reached by Tab")
	}
	v.focus("#cam-rows button")
	v.press(kb.ArrowDown)
	v.press(kb.Enter)
	v.until(`document.querySelector('.cam-detail h3')?.textContent === 'Tower'`)
}
