//go:build browser

// Package browser looks at the page in a real Chromium, with a played house behind it, and with the real
// program on a simulated plant. It promises that what a person needs in a fire is on the page, can be pressed
// and can be read; screenshots go into build/screenshots. Nothing real is ever driven.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"wildfire-watch/test/browser/stage"
)

const (
	patience    = 15 * time.Second
	screenshots = "../../build/screenshots"
)

var (
	chromium context.Context
	folder   string // for what all tests share; it goes with them
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	path, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Fprintln(os.Stderr, "these tests need Debian's chromium: apt-get install chromium")
		return 1
	}
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if folder, err = os.MkdirTemp("", "wildfire-browser-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("no-proxy-server", true), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("hide-scrollbars", false))
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	defer end()
	tab, endTab := chromedp.NewContext(allocator)
	defer endTab()
	if err := chromedp.Do(tab); err != nil {
		fmt.Fprintln(os.Stderr, "start chromium:", err)
		return 1
	}
	chromium = tab
	return m.Run()
}

// screen is how the page is looked at.
type screen struct {
	width, height int64
	dark, phone   bool
	motion        bool
}

var desktop, phone = screen{width: 1440, height: 900}, screen{width: 360, height: 740, phone: true}

// visit is one look at the page.
type visit struct {
	t     *testing.T
	tab   context.Context
	stage *stage.Stage // nil: the real program is visited
	bad   chan string  // what the console complained of
}

// open plays a house and opens its page.
func open(t *testing.T, o stage.Options, s screen) *visit {
	t.Helper()
	v := prepare(t, o, s)
	v.do(chromedp.Navigate(v.stage.URL()))
	if !o.Login {
		v.until(`document.body.dataset.kind !== 'waiting'`)
	}
	return v
}

func prepare(t *testing.T, o stage.Options, s screen) *visit {
	t.Helper()
	played, err := stage.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(played.Close)
	v := visitor(t, s)
	v.stage = played
	return v
}

// visitor is somebody with a browser of his own, who has been nowhere yet.
func visitor(t *testing.T, s screen) *visit {
	t.Helper()
	tab, end := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	v := &visit{t: t, tab: tab, bad: make(chan string, 100)}
	if err := chromedp.Listen(tab, v.hear); err != nil {
		t.Fatal(err)
	}
	call(v, log.Enable, cdp.Empty{})
	call(v, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height,
		DeviceScaleFactor: 1, Mobile: s.phone})
	v.prefers(s.dark, s.motion)
	call(v, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `window.broken = [];
		addEventListener('securitypolicyviolation', (e) => window.broken.push(e.violatedDirective + ' ' + e.blockedURI))`})
	t.Cleanup(v.quiet)
	return v
}

// hear takes what the console complains of.
func (v *visit) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		v.complain(asJSON(e.ExceptionDetails))
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceSecurity || e.Entry.Source == log.EntrySourceJavascript {
			v.complain(e.Entry.Text)
		}
	}
}

func (v *visit) complain(text string) {
	select {
	case v.bad <- text:
	default:
	}
}

// quiet: neither the console nor the policy had anything to say.
func (v *visit) quiet() {
	if v.stage != nil {
		for _, r := range v.stage.Reports() {
			v.t.Errorf("the policy was broken: %s", r)
		}
	} else { // the real policy reports to nobody: the page itself is asked
		for _, r := range value[[]string](v, `window.broken ?? []`) {
			v.t.Errorf("the policy was broken: %s", r)
		}
	}
	for {
		select {
		case text := <-v.bad:
			v.t.Errorf("the console says: %s", text)
		default:
			return
		}
	}
}

// prefers sets the colours and the motion that the visitor wants.
func (v *visit) prefers(dark, motion bool) {
	v.t.Helper()
	is := map[bool]string{true: "dark", false: "light"}
	moves := map[bool]string{true: "no-preference", false: "reduce"}
	call(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: is[dark]}, {Name: "prefers-reduced-motion", Value: moves[motion]}}})
}

func call[P, R any](v *visit, command cdp.Command[P, R], with P) R {
	v.t.Helper()
	got, err := chromedp.Call(v.tab, command, with)
	if err != nil {
		v.t.Fatalf("%s: %v", command.Method, err)
	}
	return got
}

func (v *visit) do(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.tab, actions...); err != nil {
		v.t.Fatal(err)
	}
}

// value is what an expression gives.
func value[T any](v *visit, expression string) T {
	v.t.Helper()
	got, err := chromedp.Run(v.tab, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatalf("%.200s: %v", expression, err)
	}
	return got
}

// js runs a script for what it does.
func (v *visit) js(script string) {
	v.t.Helper()
	v.do(chromedp.Evaluate[chromedp.Void](script))
}

// click presses and lets go the mouse on an element; tab and all else go by key.
func (v *visit) click(selector string) {
	v.t.Helper()
	v.do(chromedp.Click(chromedp.CSS(selector)))
}

func (v *visit) focus(selector string) {
	v.t.Helper()
	v.js(fmt.Sprintf(`document.querySelector(%q).focus()`, selector))
}

func (v *visit) press(key string) {
	v.t.Helper()
	v.do(chromedp.KeyEvent(key))
}

func (v *visit) typed(selector, text string) {
	v.t.Helper()
	v.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// mouse is one event of the left button.
func (v *visit) mouse(what input.DispatchMouseEventType, x, y float64) {
	v.t.Helper()
	call(v, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: what, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1})
}

// until waits for an expression to be true.
func (v *visit) until(expression string) {
	v.t.Helper()
	end := time.After(patience)
	for {
		if value[bool](v, "Boolean("+expression+")") {
			return
		}
		select {
		case <-end:
			v.shot("failed-" + filepath.Base(v.t.Name()))
			v.t.Fatalf("not within %v: %s\nthe page says %q", patience, expression, value[string](v, `document.getElementById('hero').innerText`))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// text is what an element says.
func (v *visit) text(id string) string {
	v.t.Helper()
	return value[string](v, fmt.Sprintf("document.getElementById(%q).innerText", id))
}

// shot keeps a picture of the whole page.
func (v *visit) shot(name string) { v.picture(name, true) }

// look keeps a picture of what the screen shows.
func (v *visit) look(name string) { v.picture(name, false) }

func (v *visit) picture(name string, whole bool) {
	v.t.Helper()
	if whole {
		v.js(`scrollTo({top: 0, behavior: 'instant'})`)
	}
	png := call(v, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &whole}).Data
	if err := os.WriteFile(filepath.Join(screenshots, name+".png"), png, 0o644); err != nil {
		v.t.Fatal(err)
	}
}

// orders waits until so many orders have come.
func (v *visit) orders(n int) []stage.Order {
	v.t.Helper()
	end := time.After(patience)
	for {
		if got := v.stage.Orders(); len(got) >= n {
			return got
		}
		select {
		case <-end:
			v.t.Fatalf("%d orders came, want %d", len(v.stage.Orders()), n)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func asJSON(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
